"""Names in SQL text: how one is written, what is meant by it, and where it stands, if it stands there once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from unicodedata import normalize

from crdb_magic.errors import OptionError, ScriptError
from crdb_magic.sql.keywords import RESERVED
from crdb_magic.sql.lexer import TokenKind, lex

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")  # what no server folds, and each takes for a word
_PART = re.compile(r'"((?:[^"]|"")+)"|([^".]+)')
_MOST_PARTS = 3  # database.schema.table
_DOTS = str.maketrans("\u0130\u0131", "ii")  # which CockroachDB folds to i


def place_of(name: str, text: str) -> int | None:
    """Give the index of a name as a server writes it, without its quotes, perhaps with dots: ``schema.table``.

    Of one with dots the last part is looked for, if it does not stand there as a whole. None if it stands there not at
    all or several times: a caret may not point at the wrong one. Strings and comments are no places.
    """
    last = name.rpartition(".")[2].replace('"', '""').lower()
    if not all(name.split(".")) or last not in text.lower():  # no need to cut a long text into tokens
        return None
    with suppress(ScriptError):
        words = [(_spelled(one.kind, one.text), one.start) for one in lex(text) if one.kind is not TokenKind.COMMENT]
        for parts in _readings(name):
            size = len(parts)
            places = [
                words[at][1]
                for at in range(len(words) - size + 1)
                if all(word == part for (word, _), part in zip(words[at : at + size], parts, strict=True))
            ]
            if places:
                return places[0] if len(places) == 1 else None
    return None


def _readings(name: str) -> list[list[str]]:
    """Give the tokens that a name may be: with dots within it, parted by dots, and its last part alone."""
    parts = [token for part in name.split(".") for token in (part, ".")][:-1]
    return [[name], parts, parts[-1:]] if len(parts) > 1 else [[name]]


def _spelled(kind: TokenKind, text: str) -> str:
    """Give a token as the server means it: words are folded, names in quotes are not; what else is no name."""
    if kind in {TokenKind.WORD, TokenKind.QUOTED}:
        return meant(text)
    return text if kind is TokenKind.SYMBOL else ""


def written(name: str) -> str:
    """Give a name as it is written in SQL: in quotes where it would be read as another one, or as a keyword."""
    if _PLAIN.fullmatch(name) and name.upper() not in RESERVED:
        return name
    return quoted(name)


def quoted(name: str) -> str:
    """Give a name in quotes."""
    return '"' + name.replace('"', '""') + '"'


def meant(text: str) -> str:
    """Give the name that a word or a quoted identifier means, also one that has no closing quote yet.

    Words are folded, and all are normalised, as CockroachDB does it (pkg/sql/lexbase/normalize.go).
    """
    word, quote, within = text.partition('"')
    name = within.removesuffix('"').replace('""', '"') if quote else word.translate(_DOTS).lower()
    return normalize("NFC", name)


def named(found: re.Match[str]) -> str:
    """Give the name that an expression has found, letter by letter: within quotes as its first group, or its second."""
    return (found[1] or "").replace('""', '"') or found[2]


def table_parts(text: str) -> tuple[str, ...]:
    """Read ``table``, ``schema.table``, ``database.schema.table`` or ``"any name"``, letter by letter as written."""
    parts, at = [], 0
    while found := _PART.match(text, at):
        parts.append(named(found))
        at = found.end() + 1
        if text[found.end() : at] != ".":
            break
    if at <= len(text) or not parts or len(parts) > _MOST_PARTS or "\0" in text:
        raise OptionError(
            f"{text!r} is not a valid table name.",
            hint='write table, schema.table, or "a.b" for a name with a point in it (--table \'"a.b"\').',
        )
    return tuple(parts)


def table_name(parts: Sequence[str]) -> str:
    """Quote the name of a table."""
    return ".".join(map(quoted, parts))
