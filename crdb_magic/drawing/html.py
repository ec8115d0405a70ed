"""What is shown, by MIME type, and the HTML in it: elements with JupyterLab's own fonts and colours.

JupyterLab's sanitizer drops the variables in outputs that are not trusted (apputils/src/sanitizer.ts), other front
ends have no values for them: what is drawn must be legible without.
"""

from __future__ import annotations

from html import escape

Bundle = dict[str, str]

TEXT = (
    "font: var(--jp-code-font-size, 13px)/1.45 var(--jp-code-font-family, monospace); "
    "color: var(--jp-content-font-color1, inherit)"
)
# What stands back behind the results: JupyterLab's colour for secondary text, a grey for light and dark elsewhere.
ASIDE = "color: var(--jp-ui-font-color2, #767676)"
# As JupyterLab shows text.
_STYLE = (
    "margin: 0; padding-left: 1ch; white-space: pre-wrap; word-break: normal; overflow-wrap: anywhere; "
    "font: var(--jp-code-font-size, 13px)/var(--jp-code-line-height, 1.3) var(--jp-code-font-family, monospace)"
)


def element(name: str, style: str, content: str) -> str:
    """Write an element around what is HTML already."""
    return f'<{name} style="{style}">{content}</{name}>'


def words_bundle(text: str, *, aside: bool = True, meter: str = "") -> Bundle:
    """Give lines of text in both forms; ``aside``: they stand back, ``meter`` is HTML before them."""
    style = f"{_STYLE}; {ASIDE}" if aside else _STYLE
    return {"text/plain": text, "text/html": element("pre", style, meter + escape(text))}
