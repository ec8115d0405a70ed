"""SQL that the catalogue gives, read: the statement that makes an index, an expression in parentheses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from crdb_magic.errors import ScriptError
from crdb_magic.sql.lexer import Token, TokenKind, lex

_SEEN = re.compile(r" (?:NOT VISIBLE|VISIBILITY (?P<share>[\d.]+))$")  # the second: CockroachDB v24.2


class Index(NamedTuple):
    """An index. ``method`` is btree, gin (CockroachDB's inverted), ``hash-sharded (8 buckets)`` …; texts are SQL."""

    name: str
    columns: str
    unique: bool
    method: str
    storing: str | None = None
    where: str | None = None
    definition: str = ""


def read_index(name: str, definition: str) -> Index:
    """Read ``CREATE [UNIQUE] INDEX … ON … USING method (…) [USING HASH …] [INCLUDE|STORING (…)] [WHERE …] …``.

    As PostgreSQL's pg_get_indexdef() and CockroachDB's catformat.indexForDisplay() write it.
    """
    try:
        return _read(name, definition, list(_parts(_SEEN.sub("", definition))))
    except (ScriptError, ValueError, IndexError):  # of a kind that we don't know: handed on as it is
        return Index(name, "", "UNIQUE" in definition.split(" ", maxsplit=2), "", definition=definition)


def _read(name: str, definition: str, parts: list[_DefinitionPart]) -> Index:
    words = [part.word for part in parts]
    at = words.index("USING") + 1  # what stands before are names
    rest = parts[at + 2 :]
    buckets = _behind("WITH", rest) if "HASH" in words[at + 2 :] else None
    return Index(
        name=name,
        columns=parts[at + 1].text[1:-1],
        unique="UNIQUE" in words[:2],
        method=_method(parts[at].text, buckets) + _seen(definition),
        storing=_behind("STORING", rest) or _behind("INCLUDE", rest),
        where=_condition(definition, rest),
        definition=definition,
    )


class _DefinitionPart(NamedTuple):
    """A word, or what stands in parentheses as a whole, without ASC, which is the default."""

    text: str
    word: str
    start: int
    end: int


def _parts(text: str) -> Iterator[_DefinitionPart]:
    within: list[Token] = []
    depth = 0
    for token in lex(text):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        within.append(token)
        if depth == 0:
            word = token.text.upper() if within == [token] and token.kind is TokenKind.WORD else ""
            yield _DefinitionPart(_without_asc(text, within), word, within[0].start, token.end)
            within = []


def _without_asc(text: str, tokens: list[Token]) -> str:
    """Give the text of tokens as it is, but for the words ASC."""
    kept, at = "", tokens[0].start
    for token in tokens:
        if token.kind is TokenKind.WORD and token.text == "ASC":
            kept, at = kept + text[at : token.start].rstrip(), token.end
    return kept + text[at : tokens[-1].end]


def _behind(word: str, parts: list[_DefinitionPart]) -> str | None:
    """Give what stands in parentheses behind a word."""
    return next((after.text[1:-1] for part, after in pairwise(parts) if part.word == word), None)


def _method(name: str, buckets: str | None) -> str:
    return f"hash-sharded ({buckets.partition('=')[2].strip(chr(39))} buckets)" if buckets else name


def _seen(definition: str) -> str:
    """Say whether the planner may use an index."""
    if (found := _SEEN.search(definition)) is None:
        return ""
    return f", visible to {found['share']}" if found["share"] else ", not visible"


def _condition(text: str, parts: list[_DefinitionPart]) -> str | None:
    """Give what stands behind WHERE."""
    at = next((place for place, part in enumerate(parts) if part.word == "WHERE"), None)
    return None if at is None else unwrapped(text[parts[at + 1].start : parts[-1].end])


def unwrapped(expression: str) -> str:
    """Give an expression without parentheses around the whole of it."""
    parts = list(_parts(expression))
    return expression[1:-1] if len(parts) == 1 and expression.startswith("(") else expression
