"""The prompt of a terminal's IPython: the SQL of a cell is coloured while it is typed.

IPython has a table of lexers by the names of cell magics, which is private, differs between its versions and knows no
options (``IPythonPTLexer`` in IPython/terminal/ptutils.py); so its lexer is replaced by one that asks ours first.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

from IPython.terminal import interactiveshell
from IPython.terminal.ptutils import IPythonPTLexer
from prompt_toolkit.document import Document
from prompt_toolkit.lexers import Lexer, PygmentsLexer
from pygments.lexer import RegexLexer, using
from pygments.lexers.sql import PostgresLexer
from pygments.token import Name, Operator, String, Text

_terminal: Any = interactiveshell  # each prompt takes the class of that name from there
_SQL_CELL = re.compile(r"\s*%%(?:crdb_txn|crdb_export|sql)\b(?!.*\s--python\b)")


class CellLexer(RegexLexer):  # type: ignore[misc]  # it has no types
    """The line of a magic, and SQL below it."""

    tokens: ClassVar[dict[str, list[Any]]] = {
        "root": [
            (r"\s*%%\w+", Operator),
            (r"--[A-Za-z][\w-]*", Name.Attribute),
            (r"\w+(?=\s*<<)|:\w+", Name.Variable),
            (r"<<|=", Operator),
            (r"'[^'\n]*'|\"[^\"\n]*\"|[^\s=]+", String),
            (r"[^\S\n]+", Text),
            (r"(?s)\n.*", using(PostgresLexer)),
        ]
    }


class PromptLexer(Lexer):
    """IPython's lexer, but for cells of ours."""

    def __init__(self) -> None:
        self._ipython: Any = IPythonPTLexer()
        self._sql = PygmentsLexer(CellLexer)

    def lex_document(self, document: Document) -> Callable[[int], Any]:
        """Give what colours a line of the document."""
        lexer: Lexer = self._sql if _SQL_CELL.match(document.text) else self._ipython
        return lexer.lex_document(document)


def join() -> None:
    """Have prompts use ours, from the next one on."""
    _terminal.IPythonPTLexer = PromptLexer


def leave() -> None:
    """Have them use IPython's again."""
    _terminal.IPythonPTLexer = IPythonPTLexer
