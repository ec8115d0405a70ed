"""Words of ours, plain and as HTML."""

from __future__ import annotations

from html import escape

# As JupyterLab shows text; elsewhere its variables have no values.
_STYLE = (
    "margin: 0; padding-left: 1ch; white-space: pre-wrap; "
    "font: var(--jp-code-font-size, 13px)/var(--jp-code-line-height, 1.3) var(--jp-code-font-family, monospace)"
)
# Words of ours stand back behind the results: JupyterLab's colour for secondary text, grey elsewhere.
_ASIDE = "; color: var(--jp-ui-font-color2, #666)"


def bundle(text: str, style: str = _ASIDE, meter: str = "") -> dict[str, str]:
    """Give lines of text in both forms; ``meter`` is HTML before them."""
    return {"text/plain": text, "text/html": f'<pre style="{_STYLE}{style}">{meter}{escape(text)}</pre>'}
