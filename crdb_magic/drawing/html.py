"""What is shown, by MIME type, and the HTML in it: elements with JupyterLab's own fonts and colours.

JupyterLab's sanitizer drops the variables in outputs that are not trusted (apputils/src/sanitizer.ts), other front
ends have no values for them: what is drawn must be legible without.
"""

from __future__ import annotations

Bundle = dict[str, str]

TEXT = (
    "font: var(--jp-code-font-size, 13px)/1.45 var(--jp-code-font-family, monospace); "
    "color: var(--jp-content-font-color1, inherit)"
)
# What stands back behind the results: JupyterLab's colour for secondary text, a grey for light and dark elsewhere.
ASIDE = "color: var(--jp-ui-font-color2, #767676)"


def element(name: str, style: str, content: str) -> str:
    """Write an element around what is HTML already."""
    return f'<{name} style="{style}">{content}</{name}>'
