"""The statement that is being typed: its tokens, nested as their parentheses are, and the word at the cursor."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from crdb_magic.errors import ScriptError
from crdb_magic.sql.lexer import Token, TokenKind, fold, lex
from crdb_magic.sql.names import meant

MOST = 100_000  # characters of a cell that is looked at on each keystroke
_PROBES = ("x", 'x"')  # what makes a word of the place where the cursor is, in a quoted name too
_TYPED = frozenset({TokenKind.WORD, TokenKind.QUOTED, TokenKind.PARAMETER, TokenKind.NAMING})
_GLUED = frozenset({TokenKind.STRING, TokenKind.QUOTED, TokenKind.NUMBER, TokenKind.UNCLOSED})
_SIGNS = frozenset({TokenKind.SYMBOL, TokenKind.CAST})
_REST = {TokenKind.WORD: re.compile(r"\w*"), TokenKind.PARAMETER: re.compile(r"\w*")}
_REST_IN_QUOTES = re.compile(r'\w*"|')
CURSOR = Token(TokenKind.SYMBOL, "", -1)
_OPENING = {"(": ")", "[": "]"}


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """What stands within a pair of parentheses or brackets, or all of it: tokens, and groups."""

    items: list[Token | Group] = field(default_factory=list)
    parent: Group | None = None
    opener: str = ""

    def __iter__(self) -> Iterator[Token | Group]:
        return iter(self.items)

    @property
    def outwards(self) -> Iterator[Group]:
        """Itself, what it stands in, and so on."""
        group: Group | None = self
        while group is not None:
            yield group
            group = group.parent


Items = Sequence[Token | Group]


@dataclass(frozen=True, slots=True)
class Typing:
    """Where somebody types: the innermost group, how many of its items stand before the cursor, and the word there.

    ``word`` is the text from ``start`` up to the cursor, ``rest`` what is left of it behind; CURSOR stands for both
    among the items.
    """

    group: Group
    at: int
    start: int
    kind: TokenKind
    word: str
    rest: str

    @property
    def root(self) -> Group:
        """The whole statement."""
        return list(self.group.outwards)[-1]

    @property
    def statement(self) -> str:
        """The word that it begins with."""
        return word_of(self.root.items[0])

    @property
    def before(self) -> Items:
        """What stands before it in its group."""
        return self.group.items[: self.at]


def word_of(item: Token | Group | None) -> str:
    """Give a word in upper case, a sign as it is, and of anything else nothing."""
    if not isinstance(item, Token):
        return ""
    if item.kind is TokenKind.WORD:
        return fold(item.text)
    return item.text if item.kind in _SIGNS else ""


def last_word(items: Items, place: int = 1) -> str:
    """Give the word at the end, or so many places before it; nothing if there is none."""
    return word_of(items[-place]) if len(items) >= place else ""


def name_of(item: Token | Group) -> str:
    """Give the name that a token means; what is no name gives none that there is."""
    return meant(item.text) if isinstance(item, Token) else ""


def is_name(item: Token | Group | None) -> bool:
    """Whether it may be a name, as far as its kind tells: a word or a quoted one."""
    return isinstance(item, Token) and item.kind in {TokenKind.WORD, TokenKind.QUOTED}


def typing_at(text: str, cursor: int) -> Typing | None:
    """Read the statement around the cursor; None where there is nothing to be completed: in a string, in a comment."""
    found = _before(text[:cursor]) if len(text) <= MOST else None
    if found is None:
        return None
    tokens, last = found
    word = text[last.start : cursor]
    rest = _REST.get(last.kind, _REST_IN_QUOTES).match(text, cursor) if word else None
    behind = cursor + len(rest[0]) if rest else cursor
    group, at = _nested(_of_statement(tokens), _up_to_semicolon(_after(text[behind:])))
    return Typing(group, at, last.start, last.kind, word, text[cursor:behind])


def _before(text: str) -> tuple[list[Token], Token] | None:
    """Give the tokens up to the one that the cursor is in, or would be, and that one."""
    for probe in _PROBES:
        with suppress(ScriptError):
            tokens = list(lex(text + probe))
            last = tokens.pop()
            glued = tokens and tokens[-1].end == last.start and tokens[-1].kind in _GLUED
            return None if glued or last.kind not in _TYPED else (tokens, last)
    return None


def _after(text: str) -> Iterator[Token]:
    with suppress(ScriptError):
        yield from lex(text)


def _of_statement(tokens: list[Token]) -> list[Token]:
    begin = next((place for place in range(len(tokens), 0, -1) if tokens[place - 1].kind is TokenKind.SEMICOLON), 0)
    return tokens[begin:]


def _up_to_semicolon(tokens: Iterator[Token]) -> Iterator[Token]:
    for token in tokens:
        if token.kind is TokenKind.SEMICOLON:
            return
        yield token


def _nested(before: Sequence[Token], after: Iterator[Token]) -> tuple[Group, int]:
    """Nest the tokens of a statement; gives the group of the cursor, and its place there."""
    group = _grown(Group(), before)
    at = len(group.items)
    group.items.append(CURSOR)
    _grown(group, after)
    return group, at


def _grown(group: Group, tokens: Sequence[Token] | Iterator[Token]) -> Group:
    """Add tokens to a group; gives the one that is open at their end. What closes nothing is passed over."""
    for token in tokens:
        if token.kind is TokenKind.COMMENT:
            continue
        if token.kind is TokenKind.SYMBOL and token.text in _OPENING:
            inner = Group(parent=group, opener=token.text)
            group.items.append(inner)
            group = inner
        elif token.kind is TokenKind.SYMBOL and token.text in ")]":
            group = group.parent if group.parent is not None and _OPENING[group.opener] == token.text else group
        else:
            group.items.append(token)
    return group
