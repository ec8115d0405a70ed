"""Cut the SQL text of a cell into statements, and bind values to their ``:name`` parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING
from unicodedata import normalize

from crdb_magic.errors import ParameterError, ScriptError
from crdb_magic.sql.excerpt import excerpt, locate
from crdb_magic.sql.lexer import BLANKS, Token, TokenKind, fold, next_token, skip_filler

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

_MARKERS = re.compile(r"(?:\s*^[ \t]*#[# \t]*(?:NBVAL|PYTEST_VALIDATE)_[^\n]*+)*+", re.MULTILINE)
_IPYTHONS = frozenset({"In", "Out", "exit", "get_ipython", "open", "quit"})  # in every notebook, meant by nobody
_UNSENDABLE = re.compile(r"[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Use:
    """One place in a statement's text where a parameter stands: ``text[start:end]`` is ``:name`` or ``:"name"``.

    ``name`` is in the form (NFKC) in which Python keeps the names of variables; ``names`` says that the value is a
    name itself, of a table or a column: ``:"name"``.
    """

    name: str
    start: int
    end: int
    names: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter with its value, to be turned into SQL by the driver. The value is kept out of the repr.

    ``names``: the value is the name of a table or a column.
    """

    name: str
    value: object = field(repr=False)
    names: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a cell.

    ``text`` is the exact slice of the cell from ``offset`` on: with the comments before it, without its semicolon
    and the blanks around it. It may end in a line comment: what follows it in a message needs a new line.
    ``line`` (from 1) is the line of the cell where its first word stands, ``head`` that word's index in ``text``.
    ``keyword`` is the first word in upper case, behind comments and opening parentheses (``SELECT``), or ``""``.
    ``added`` is how many characters of ``text`` are not the cell's, but were put before it.
    """

    text: str
    offset: int
    line: int
    head: int
    keyword: str
    uses: tuple[Use, ...] = ()
    added: int = 0

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of its parameters, each once, in order of first use."""
        return tuple(dict.fromkeys(use.name for use in self.uses))

    def line_of(self, index: int) -> int:
        """Give the line of the cell where the index of ``text`` stands."""
        return self.line - self.text.count("\n", 0, self.head) + self.text.count("\n", 0, index)

    def excerpt(self, index: int) -> tuple[str, ...]:
        """Show an index of ``text`` with a caret, under the line's number in the cell."""
        return excerpt(self.text[self.added :], max(index - self.added, 0), first_line=self.line_of(0))

    def bind(self, values: Mapping[str, object]) -> BoundStatement:
        """Take the values of its parameters from a mapping, which may hold much else (a notebook's variables).

        Raises ParameterError for a name that the mapping lacks.
        """
        pieces: list[str | Parameter] = []
        end = 0
        for use in self.uses:
            pieces += self.text[end : use.start], Parameter(use.name, self._value(use, values), use.names)
            end = use.end
        return BoundStatement(self, (*pieces, self.text[end:]), values.keys())

    def _value(self, use: Use, values: Mapping[str, object]) -> object:
        try:
            return values[use.name]
        except KeyError:
            message = f"There is no value for {self.text[use.start : use.end]} (line {self.line_of(use.start)})."
            lines = (message, *self.excerpt(use.start))
            raise ParameterError("\n".join(lines), hint=_suggestion(use, values)) from None


@dataclass(frozen=True, slots=True)
class BoundStatement:
    """A statement with its values: ``pieces`` are SQL text and parameters in turn, text first and last.

    ``names`` are all names that had a value, used or not: for hints. ``most`` are the rows of its result that are
    wanted, None for all.
    """

    source: Statement
    pieces: tuple[str | Parameter, ...]
    names: Collection[str] = field(default=(), repr=False, compare=False)
    most: int | None = None

    def behind(self, words: str) -> BoundStatement:
        """Give the statement that it is behind other words (EXPLAIN), still shown without them."""
        source, added = self.source, f"{words} "
        uses = [replace(use, start=use.start + len(added), end=use.end + len(added)) for use in source.uses]
        whole = replace(
            source,
            text=added + source.text,
            line=source.line_of(0),
            head=0,
            keyword=words.partition(" ")[0],
            uses=tuple(uses),
            added=len(added),
        )
        return replace(self, source=whole, pieces=(f"{added}{self.pieces[0]}", *self.pieces[1:]))

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters among the pieces: one for each use."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Parameter))

    @property
    def values(self) -> dict[str, object]:
        """The values of its parameters, by name."""
        return {parameter.name: parameter.value for parameter in self.parameters}

    def position(self, index: int, lengths: Sequence[int]) -> int:
        """Map an index of the sent text (from 0) back to one of ``source.text``.

        ``lengths`` are the lengths of the parameters as they were sent, one for each use, in characters.
        Inside a parameter it is the parameter's colon; beyond the end it is the end.
        """
        grown = 0
        for use, length in zip(self.source.uses, lengths, strict=True):
            start = use.start + grown
            if index < start:
                break
            if index < start + length:
                return use.start
            grown += length - (use.end - use.start)
        return min(max(index - grown, 0), len(self.source.text))


def split(text: str) -> tuple[Statement, ...]:
    """Cut a cell at its semicolons into statements; pieces that are blank or only comments are dropped.

    A semicolon is none inside a string, a quoted identifier, a dollar quote or a comment, nor in a CREATE inside
    parentheses (CREATE RULE) or ``BEGIN ATOMIC … END``. Raises ScriptError for what is not closed, and for a
    character that no server takes.
    """
    _check_characters(text)
    statements = []
    line, counted = 1, 0
    for piece in _pieces(text):
        line += text.count("\n", counted, piece.head)
        counted = piece.head
        statements.append(piece.statement(text, line))
    return tuple(statements)


def strip_markers(text: str) -> str:
    """Blank out what is not SQL at the start of a cell: a byte order mark, the markers of nbval (``# NBVAL_SKIP``).

    Each character but the line breaks becomes a space, so lines and offsets stay.
    """
    text = re.sub(r"\A\ufeff", " ", text)
    end = _markers_end(text)
    return re.sub(r"[^\n]", " ", text[:end]) + text[end:]


def _markers_end(text: str) -> int:
    found = _MARKERS.match(text)
    return found.end() if found else 0


def _check_characters(text: str) -> None:
    if found := _UNSENDABLE.search(text):
        line, column = locate(text, found.start())
        message = f"The character at line {line}, column {column} cannot be sent to a server (U+{ord(found[0]):04X})."
        raise ScriptError(message, hint="Remove it.")


def public(names: Iterable[object]) -> list[str]:
    """Give the names that somebody may mean: not the private ones, nor IPython's own."""
    return [name for name in names if isinstance(name, str) and not name.startswith("_") and name not in _IPYTHONS]


def _suggestion(use: Use, values: Mapping[str, object]) -> str:
    close = get_close_matches(use.name, public(values), n=1)
    if not close:
        return f"Give a value to the Python variable {use.name} first."
    return f'Did you mean :"{close[0]}"?' if use.names else f"Did you mean :{close[0]}?"


class _Nesting:
    """How deep a CREATE stands in parentheses or in ``BEGIN ATOMIC … END``, where a semicolon ends no statement."""

    def __init__(self) -> None:
        self.depth = 0
        self._atomic = False
        self._last = ""

    def add(self, word: str) -> None:
        if word == "(" or (self._atomic and word == "CASE"):
            self.depth += 1
        elif word == ")" or (self._atomic and word == "END"):
            self.depth = max(self.depth - 1, 0)
        elif word == "ATOMIC" and self._last == "BEGIN" and not self.depth:
            self.depth, self._atomic = 1, True
        self._last = word


class _Piece:
    """The text between two semicolons, as far as it is read; no token is kept, a cell may be large."""

    def __init__(self) -> None:
        self.start = self.head = -1
        self.end = 0
        self.keyword: str | None = None
        self.uses: list[Token] = []
        self.nesting = _Nesting()

    @property
    def may_skip(self) -> bool:
        """Whether only parameters and semicolons matter from here on."""
        return self.keyword not in {None, "CREATE"}

    def add(self, token: Token) -> None:
        if self.start < 0:
            self.start = token.start
        if token.kind is TokenKind.COMMENT:
            return
        if self.keyword is None:
            self._begin(token)
        if token.kind in {TokenKind.PARAMETER, TokenKind.NAMING}:
            self.uses.append(token)
        elif self.keyword == "CREATE":
            self.nesting.add(fold(token.text) if token.kind is TokenKind.WORD else token.text)

    def _begin(self, token: Token) -> None:
        if self.head < 0:
            self.head = token.start
        if token.text != "(":
            self.keyword = fold(token.text) if token.kind is TokenKind.WORD else ""

    def statement(self, text: str, line: int) -> Statement:
        start = self.start
        return Statement(
            text=text[start : self.end].rstrip(BLANKS),
            offset=start,
            line=line,
            head=self.head - start,
            keyword=self.keyword or "",
            uses=tuple(_use(token, start) for token in self.uses),
        )


def _use(token: Token, start: int) -> Use:
    name = normalize("NFKC", token.text.strip(':"'))
    return Use(name, token.start - start, token.end - start, names=token.kind is TokenKind.NAMING)


def _pieces(text: str) -> Iterator[_Piece]:
    """Give the pieces between semicolons that hold more than comments."""
    position = 0
    while position < len(text):
        piece = _read_piece(text, position)
        position = piece.end + 1
        if piece.head >= 0:
            yield piece


def _read_piece(text: str, position: int) -> _Piece:
    """Read from behind one semicolon to the next one (or to the end), where the piece ends."""
    piece = _Piece()
    while token := next_token(text, position):
        if token.kind is TokenKind.SEMICOLON and not piece.nesting.depth:
            break
        piece.add(token)
        position = skip_filler(text, token.end) if piece.may_skip else token.end
    piece.end = token.start if token else len(text)
    return piece
