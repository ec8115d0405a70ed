"""Cut SQL text into tokens, the way CockroachDB and PostgreSQL do.

Where the two differ, both readings are kept apart from each other's harm: ``b'…'`` is read with the backslash
escapes of CockroachDB (in PostgreSQL's bit strings no backslash is valid), a line comment ends at a carriage
return too. ``standard_conforming_strings`` is taken to be on, as it is by default on both.

What is a ``:name``, and what is not:

- ``x::INT8``, ``x:::INT8`` and ``f(a := 1)`` hold none;
- nor does a slice ``a[1:n]``, ``a[lo:hi]``, ``a[f(x):n]``: a colon behind a word, a number, ``]`` or ``)``;
- ``a[:n]`` and ``a[1 :n]`` do: CockroachDB has no slices, and a bound value is the more useful reading;
- ``:"name"`` is a parameter too, whose value is a name (of a table, a column), as in psql; by the same rules, so that
  ``x::"type"``, ``a[1:"n"]`` and ``a["lo":"hi"]`` hold none, nor does ``:"no name of Python"``;
- strings, quoted identifiers, dollar quotes and comments are left alone.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from crdb_magic.errors import ScriptError
from crdb_magic.sql.excerpt import excerpt, locate

if TYPE_CHECKING:
    from collections.abc import Iterator

BLANKS = " \t\n\r\f\v"


class TokenKind(Enum):
    """What a token is; the values are the names of the groups of the expression below.

    A PARAMETER is ``:name``, a NAMING is ``:"name"``.
    """

    WORD = "word"
    NUMBER = "number"
    STRING = "string"
    QUOTED = "quoted"
    COMMENT = "comment"
    PARAMETER = "parameter"
    NAMING = "naming"
    CAST = "cast"
    SEMICOLON = "semicolon"
    SYMBOL = "symbol"
    UNCLOSED = "unclosed"


class Token(NamedTuple):
    """A part of the text that is not blank, and where it starts. A SYMBOL is one character."""

    kind: TokenKind
    text: str
    start: int

    @property
    def end(self) -> int:
        """The index of the first character behind it."""
        return self.start + len(self.text)


# Repetitions are possessive (*+, ++): none is ever tried again in another way, so the time is linear.
# A string of E'…' goes on behind a line break (E'a' \n 'b\'c'), with its escapes; in PostgreSQL behind comments too.
_LETTER = r"A-Za-z_\x80-\U0010ffff"
_NAME = rf"[{_LETTER}][{_LETTER}0-9]*+"
_WORD = rf"[{_LETTER}][{_LETTER}0-9$]*+"
_NUMBER = rf"(?: \$[0-9]++ | [0-9][{_LETTER}0-9]*+ )"
_CONTINUATION = r"[ \t\f\v]*+ (?: --[^\n\r]*+ )?+ [\n\r] (?: [ \t\n\r\f\v] | --[^\n\r]*+[\n\r] )*+"
_STRING = rf"""(?:
      (?: [xXnN] | [uU]& )? ' (?: [^']++ | '' )*+ '
    | [eEbB] ' (?: [^'\\]++ | \\. | '' | ' {_CONTINUATION} ' )*+ '
    | \$ (?P<tag> (?: {_NAME} )? ) \$ .*? \$ (?P=tag) \$ )"""
_QUOTED = r'(?: [uU]& )? " (?: [^"]++ | "" )*+ "'
_UNCLOSED = rf"""(?: (?: [eEbBxXnN] | [uU]& )? ' | (?: [uU]& )? " | \$ (?: {_NAME} )? \$ )"""
_PARAMETER = rf'(?<! [{_LETTER}0-9$:"\])] ) :'  # a colon that does not end a slice's lower bound, or a cast

_TOKEN = re.compile(
    rf"""[ \t\n\r\f\v]*+
    (?: (?P<string> {_STRING} )
      | (?P<quoted> {_QUOTED} )
      | (?P<unclosed> {_UNCLOSED} )
      | (?P<word> {_WORD} )
      | (?P<number> {_NUMBER} )
      | (?P<comment> --[^\n\r]*+ | /\* )
      | (?P<cast> :::?+ )
      | (?P<parameter> {_PARAMETER} {_NAME} )
      | (?P<naming> {_PARAMETER} " {_NAME} " (?!") )
      | (?P<semicolon> ; )
      | (?P<symbol> . ) )""",
    re.VERBOSE | re.DOTALL,
)
# What lies between two tokens that matter to splitting, in one go: several times as fast as token by token.
_FILLER = re.compile(
    rf"""(?: [^;:'"$/A-Za-z_0-9\x80-\U0010ffff-]++
      | {_STRING} | {_QUOTED} | (?! {_UNCLOSED} ) {_WORD} | {_NUMBER} | --[^\n\r]*+ | - | /(?!\*) )*+""",
    re.VERBOSE | re.DOTALL,
)
_KINDS: dict[str | None, TokenKind] = {kind.value: kind for kind in TokenKind}
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_CLOSERS = {"'": ("string", "'"), '"': ("quoted identifier", '"'), "*": ("comment", "*/")}


def lex(text: str, start: int = 0) -> Iterator[Token]:
    """Give the tokens of a text in order; between them stands nothing but blanks. Raises ScriptError as below."""
    while token := next_token(text, start):
        yield token
        start = token.end


def next_token(text: str, start: int) -> Token | None:
    """Give the token at an index or behind the blanks there, or None at the end.

    Raises ScriptError for a string, quoted identifier, dollar quote or block comment that is not closed.
    """
    match = _TOKEN.match(text, start)
    if not match:
        return None
    kind = _KINDS[match.lastgroup]
    begin, end = match.span(match.lastindex or 0)
    if kind is TokenKind.UNCLOSED:
        raise _not_closed(text, begin, text[begin:end])
    if kind is TokenKind.COMMENT and text[begin] == "/":
        end = _comment_end(text, begin)
    return Token(kind, text[begin:end], begin)


def skip_filler(text: str, start: int) -> int:
    """Give the index behind the tokens from ``start`` on that are no parameters, of either kind, nor semicolons.

    It may stop before other tokens too, but never within one. ``start`` is where a token ends.
    """
    match = _FILLER.match(text, start)
    return match.end() if match else start


def fold(word: str) -> str:
    """Give a word in upper case if it could be a keyword: those are of ASCII letters (``ſelect`` is none)."""
    return word.upper() if word.isascii() else word


def _comment_end(text: str, start: int) -> int:
    """Find the end of a block comment; they nest."""
    depth = 0
    for edge in _COMMENT_EDGE.finditer(text, start):
        depth += 1 if edge[0] == "/*" else -1
        if not depth:
            return edge.end()
    raise _not_closed(text, start, "/*")


def _not_closed(text: str, start: int, opener: str) -> ScriptError:
    line, column = locate(text, start)
    what, closer = _CLOSERS.get(opener[-1], ("dollar quote", opener))
    message = f"The {what} that begins at line {line}, column {column} is not closed."
    return ScriptError("\n".join((message, *excerpt(text, start))), hint=f"Close it with {closer}")
