"""The site: `sphinx-build -W docs site`. Sphinx reads this file by its name.

The Markdown files stay as GitHub shows them: links that lead out of docs/ become links to the repository, and four
pages are the files of the repository's top.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from pygments.lexer import RegexLexer, using
from pygments.lexers.sql import SqlLexer
from pygments.token import Name, Whitespace

import crdb_magic

TOP = Path(__file__).parents[1]
REPOSITORY = "https://github.com/crdb-magic/crdb_magic"
OF_THE_TOP = {
    "index": "README.md",
    "contributing": "CONTRIBUTING.md",
    "security": "SECURITY.md",
    "changelog": "CHANGELOG.md",
}
NAV = {
    "Getting started": ("quickstart", "coming-from"),
    "Guides": (
        "transactions", "time", "types", "parameters", "connections", "models", "exploring", "large",
    ),
    "Reproducibility": ("reproducing", "notebooks-in-ci"),
    "Reference": ("magics", "errors", "configuration", "api", "stand-in"),
    "Project": ("design", "contention", "benchmarks", "contributing", "security", "changelog"),
}  # fmt: skip

project = "crdb_magic"
author = copyright = "The crdb_magic developers"  # noqa: A001 - Sphinx' name
release = version = crdb_magic.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc"]
suppress_warnings = ["misc.highlighting_failure"]  # SQL below a magic is no Python
html_theme = "furo"
html_title = f"crdb_magic {release}"
html_show_sourcelink = False
highlight_language = "none"
smartquotes = False  # -- is the beginning of an option
myst_heading_anchors = 3
default_role = "literal"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True

_PAGES = {source: f"{page}.md" for page, source in OF_THE_TOP.items()}
_OF_SQL = re.compile(r"^```python(?=[^\n]*\n%%?(?:crdb_txn|crdb_export|sql)\b(?!.*--python))", re.MULTILINE)
_TITLE = re.compile(r'^```(\w+) title="(.+)"$', re.MULTILINE)
_LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)(?=(?:#[^)\s]*)?\))")


class Cell(RegexLexer):
    """A cell of SQL: lines of magics with their options, then SQL. In Pygments' SQL an option would begin a comment."""

    tokens = {  # noqa: RUF012 - as RegexLexer wants it
        "root": [(r"%%?\w+", Name.Decorator, "line"), (r"(?s).+", using(SqlLexer))],
        "line": [
            (r" --[\w-]+(?:=\w+)?", Name.Attribute),
            (r"\n(?=%)", Whitespace, "#pop"),
            (r"\n", Whitespace, "sql"),
            (r"(?:(?! --)[^\n])+", using(SqlLexer)),
        ],
        "sql": [(r"(?s).+", using(SqlLexer))],
    }


def setup(app: Any) -> None:
    """Read pages through `read`, and colour cells of SQL."""
    app.add_lexer("crdb", Cell)
    app.connect("source-read", read)


def read(_: Any, page: str, source: list[str]) -> None:
    """Put the file of the top into the place of its page, lead the links, and give cells of SQL its colours."""
    top = OF_THE_TOP.get(page)
    text = (TOP / top).read_text(encoding="utf-8") if top else source[0]
    folder = "" if top else "docs"
    text = _OF_SQL.sub("```crdb", _LINK.sub(lambda found: led(folder, found[1]), text))
    text = _TITLE.sub(r"```{code-block} \1\n:caption: \2", text)
    source[0] = text + (_toctrees() if page == "index" else "")


def led(folder: str, link: str) -> str:
    """Lead a link to a page of the site if there is one, else to the file in the repository."""
    path = os.path.normpath(Path(folder, link))
    if path in _PAGES:
        return _PAGES[path]
    return path.removeprefix("docs/") if path.startswith("docs/") else f"{REPOSITORY}/blob/main/{path}"


def _toctrees() -> str:
    trees = ("\n".join(["```{toctree}", ":hidden:", f":caption: {part}", *pages, "```"]) for part, pages in NAV.items())
    return "\n" + "\n\n".join(trees) + "\n"
