"""A few words of ours."""

from __future__ import annotations

from html import escape

from crdb_magic.drawing.html import ASIDE, Bundle, element

# As JupyterLab shows text.
_STYLE = (
    "margin: 0; padding-left: 1ch; white-space: pre-wrap; word-break: normal; overflow-wrap: anywhere; "
    "font: var(--jp-code-font-size, 13px)/var(--jp-code-line-height, 1.3) var(--jp-code-font-family, monospace)"
)


def words_bundle(text: str, *, aside: bool = True, meter: str = "") -> Bundle:
    """Give lines of text in both forms; ``aside``: they stand back, ``meter`` is HTML before them."""
    style = f"{_STYLE}; {ASIDE}" if aside else _STYLE
    return {"text/plain": text, "text/html": element("pre", style, meter + escape(text))}
