"""How many rows a query gives at most: a LIMIT is put into its text where it has no smaller one of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import NamedTuple

from crdb_magic.sql.keywords import SET_OPERATIONS
from crdb_magic.sql.kinds import only_gives_rows
from crdb_magic.sql.lexer import Token, TokenKind, fold, lex
from crdb_magic.sql.statements import BoundStatement, Statement, split

_OPENERS, _CLOSERS = {"(", "["}, {")", "]"}
_LIMITS = {"LIMIT", "FETCH", "OFFSET"}
_LIMIT_ENDS = {"OFFSET", "FOR"}


class _Edit(NamedTuple):
    """What is to stand in place of a part of the text."""

    start: int
    end: int
    text: str


def bind(statement: Statement, values: Mapping[str, object], rows: int | None) -> BoundStatement:
    """Bind a statement that is to give so many rows at most, if it is a query; see `limited`, `Statement.bind`."""
    query = limited(statement, rows) if rows else None
    return replace(query.bind(values), most=rows) if query else statement.bind(values)


def limited(statement: Statement, rows: int) -> Statement | None:
    """Give the statement as one of so many rows and one more, which tells that there are more.

    None for what is no query, or locks rows. A LIMIT at the end keeps the order of the rows, which a query around it
    would lose, and takes one round trip, which a cursor does not. An OFFSET, and a LIMIT of the query's own, may stand
    in the parentheses around all of it: servers want both in one place (optbuilder's ``buildSelect``, PostgreSQL's
    ``insertSelectOptions``: "multiple LIMIT clauses not allowed").
    """
    if not only_gives_rows(statement):
        return None
    words = [token for token in lex(statement.text, statement.head) if token.kind is not TokenKind.COMMENT]
    edit = _edit([clauses(level) for level in levels(words)], statement.text, rows + 1)
    if edit is None:
        return statement
    text = statement.text[: edit.start] + edit.text + statement.text[edit.end :]
    return replace(split(text)[0], offset=statement.offset, line=statement.line)


def levels(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Give the tokens of a query that stand in none of its parts; then those within parentheses around all of it."""
    own, inside, depth, in_body = list[Token](), list[Token](), 0, False
    for token in tokens:
        depth -= token.text in _CLOSERS
        if depth:
            inside += [token] if in_body else []
        else:
            in_body = token.text == "(" and not inside and (not own or own[-1].text == ")")  # behind WITH … AS (…)
            own.append(token)
        depth += token.text in _OPENERS
    yield own
    if inside and SET_OPERATIONS.isdisjoint(fold(token.text) for token in own):
        yield from levels(inside)


def clauses(own: Sequence[Token]) -> dict[str, Sequence[Token]]:
    """Give the clauses that limit a query, each as its word and what stands behind it."""
    return {
        fold(token.text): own[place:]
        for place, token in enumerate(own)
        if token.kind is TokenKind.WORD and place and fold(own[place - 1].text) not in {".", "AS"}
    }


def _edit(limits: Sequence[dict[str, Sequence[Token]]], text: str, most: int) -> _Edit | None:
    """Say what changes in the text: its own limit, or one is put before its OFFSET, or at the end."""
    own = {word: tokens for level in limits for word, tokens in level.items() if word in _LIMITS}
    if "LIMIT" in own:
        amount = takewhile(lambda one: fold(one.text) not in _LIMIT_ENDS, own["LIMIT"][1:])
        return _lowered(list(amount), text, most)
    if "FETCH" in own:  # FETCH FIRST 10 ROWS ONLY; without a number it is one
        return _lowered([one for one in own["FETCH"][2:3] if one.kind is TokenKind.NUMBER], text, most)
    if "OFFSET" in own:
        start = own["OFFSET"][0].start
        return _Edit(start, start, f"LIMIT {most} ")
    return _Edit(len(text), len(text), f"\nLIMIT {most}")


def _lowered(amount: Sequence[Token], text: str, most: int) -> _Edit | None:
    """Lower a limit that is larger; of one that is no number the server tells which is smaller (NULL is none).

    None where it stays: one that is smaller, and what the server refuses, as LIMIT 5, 10.
    """
    if not amount or any(token.text == "," for token in amount):
        return None
    start, end = amount[0].start, amount[-1].end
    own = fold(text[start:end])
    if own != "ALL" and not own.isdecimal():
        return _Edit(start, end, f"least({text[start:end]}, {most})")
    return _Edit(start, end, str(most)) if own == "ALL" or int(own) > most else None
