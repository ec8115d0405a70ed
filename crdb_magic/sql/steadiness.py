"""What in a statement's text may make its answer another one when it is asked again of the same data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from crdb_magic.sql.functions import AGGREGATES, BARE_TIMES, IN_ORDER, NEW_EACH_TIME, TIMES, TRANSACTION_TIMES
from crdb_magic.sql.keywords import SET_OPERATIONS
from crdb_magic.sql.kinds import BEFORE_NAMES, only_gives_rows
from crdb_magic.sql.lexer import Token, TokenKind, fold, lex
from crdb_magic.sql.row_limits import clauses, levels
from crdb_magic.sql.statements import Statement

_BODIES = {"SELECT", "VALUES", "TABLE"}
_SUBQUERIES = {*_BODIES, "WITH"}
_MIXES = {"JOIN", "GROUP", "DISTINCT", ","}
_OF_AGGREGATES = {"FILTER", "WITHIN"}
_AMOUNTS = {"LIMIT": 1, "FETCH": 2}  # LIMIT 10, FETCH FIRST 10 ROWS ONLY: how far behind the word it stands
_UNLIMITED = {"ALL", "NULL"}
_ONE_ROW = {"ROW", "ROWS"}  # FETCH FIRST ROW ONLY
_END = Token(TokenKind.SYMBOL, "", 0)


class Why(Enum):
    """Why an answer may be another one; the values are sentences with a place for the word."""

    ORDER = "Without ORDER BY these rows may come in a different order next time."
    CHOICE = "Without ORDER BY these may be different rows next time."
    TRANSACTION_TIME = "{} is the time of the query, and differs each time."
    TIME = "{} is the time of the query, whatever timestamp is read, and differs each time."
    NEW = "{} gives a different value each time."


@dataclass(frozen=True, slots=True)
class Unsteady:
    """One reason why an answer may differ: what it is, the word to blame, and its index in the statement's text."""

    why: Why
    word: str
    position: int

    @property
    def sentence(self) -> str:
        """Say it."""
        return self.why.value.format(self.word)


def unsteady(statement: Statement, rows: int | None = None, *, more: bool = False) -> tuple[Unsteady, ...]:
    """Give what may make a statement's answer another one; each word once, where it stands first.

    ``rows`` is how many it gave, if that is known: the order of one does not matter. ``more`` says that a limit beside
    the text has left some out. What is not in the text is not seen: views, functions of the user, ties in ORDER BY.
    VALUES, and a FROM of nothing but ``generate_series`` and its like, come as they are written on both servers.
    """
    if statement.keyword == "EXPLAIN":
        return ()
    tokens = [token for token in lex(statement.text, statement.head) if token.kind is not TokenKind.COMMENT]
    words = {found.word: found for found in reversed(list(_words(tokens)))}
    order = _order(tokens, rows, more=more) if only_gives_rows(statement) else None
    return (*([order] if order else []), *sorted(words.values(), key=lambda found: found.position))


def keeps_order(statement: Statement, rows: int) -> bool:
    """Whether so many rows of its answer come in the same order each time."""
    return not any(one.why in {Why.ORDER, Why.CHOICE} for one in unsteady(statement, rows))


def _order(tokens: Sequence[Token], rows: int | None, *, more: bool) -> Unsteady | None:
    """Say what an ORDER BY is missing for, if it is."""
    around = list(levels(tokens))
    own = {word: behind for level in around for word, behind in clauses(level).items()}
    if "ORDER" in own or not _may_give_several(around[-1], tokens):
        return None
    limit, most = _limit(own)
    if most == 0:
        return None
    all_came = "OFFSET" not in own and None not in {rows, most} and (rows or 0) < (most or 0)
    if more or (limit is not None and not all_came):
        return Unsteady(Why.CHOICE, fold(limit.text) if limit else "LIMIT", (limit or tokens[0]).start)
    return Unsteady(Why.ORDER, "ORDER BY", tokens[0].start) if rows is None or rows > 1 else None


def _limit(own: Mapping[str, Sequence[Token]]) -> tuple[Token | None, int | None]:
    """Give the word that takes a part of the rows, and how many at most, where that is a plain number."""
    for word, place in _AMOUNTS.items():
        amount = fold(_at(own.get(word, ()), place))
        if amount and amount not in _UNLIMITED:
            most = "1" if amount in _ONE_ROW else amount
            return own[word][0], int(most) if most.isdecimal() else None
    if fold(_at(own.get("DISTINCT", ()), 1)) == "ON":
        return own["DISTINCT"][0], None
    return (own["OFFSET"][0] if "OFFSET" in own else None), None


def _may_give_several(own: Sequence[Token], tokens: Sequence[Token]) -> bool:
    """Whether a query may give more than one row, in an order that nothing says.

    ``own`` are the tokens that stand in none of its parts, ``tokens`` those too.
    """
    words = [fold(token.text) for token in own]
    if not SET_OPERATIONS.isdisjoint(words):
        return True
    start = next((place for place, word in enumerate(words) if word in _BODIES), len(words))
    if start == len(words) or words[start] == "VALUES":
        return False
    if words[start] == "TABLE":
        return True
    source = next((place for place in range(start, len(words)) if _is_from(words, place)), None)
    if source is None:
        return False
    grouped = any(word == "GROUP" and words[place - 1] != "WITHIN" for place, word in enumerate(words))
    listed = [token for token in tokens if own[start].start < token.start < own[source].start]
    if not grouped and ("HAVING" in words or _aggregates(listed)):
        return False
    in_order = [*words[source + 1 : source + 3], ""][:2]
    return not (in_order[0] in IN_ORDER and in_order[1] == "(" and _MIXES.isdisjoint(words[source:]))


def _is_from(words: Sequence[str], place: int) -> bool:
    return words[place] == "FROM" and words[place - 1] not in {"DISTINCT", ".", "AS"}


def _aggregates(listed: Sequence[Token]) -> bool:
    """Whether a list of expressions has an aggregate function of its own: no window's, none of a subquery."""
    place = 0
    while place < len(listed):
        opens = _at(listed, place + 1) == "("
        if listed[place].text == "(" and fold(_at(listed, place + 1)) in _SUBQUERIES:
            place = _behind(listed, place)
            continue
        if opens and fold(listed[place].text) in AGGREGATES and not _is_windows(listed, place + 1):
            return True
        place += 1
    return False


def _is_windows(listed: Sequence[Token], opener: int) -> bool:
    """Whether OVER stands behind a call, whose parenthesis opens there."""
    end = _behind(listed, opener)
    while fold(_at(listed, end)) in _OF_AGGREGATES:
        opener = next((place for place in range(end, len(listed)) if listed[place].text == "("), len(listed))
        end = _behind(listed, opener)
    return fold(_at(listed, end)) == "OVER"


def _behind(listed: Sequence[Token], opener: int) -> int:
    """Give the place behind the parenthesis that closes the one that opens there."""
    depth = 0
    for place in range(opener, len(listed)):
        depth += (listed[place].text == "(") - (listed[place].text == ")")
        if not depth:
            return place + 1
    return len(listed)


def _at(tokens: Sequence[Token], place: int) -> str:
    return tokens[place].text if place < len(tokens) else ""


def _words(tokens: Sequence[Token]) -> Iterator[Unsteady]:
    """Give the calls of functions whose value is another one each time."""
    padded = [_END, _END, *tokens, _END]
    for earlier, before, token, after in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        word = fold(token.text)
        called = after.text == "("
        if token.kind is not TokenKind.WORD or not (called or word in BARE_TIMES) or _is_name(earlier, before):
            continue
        spelled = f"{token.text.lower()}()" if called and word not in BARE_TIMES else token.text.lower()
        for names, why in ((TRANSACTION_TIMES, Why.TRANSACTION_TIME), (TIMES, Why.TIME), (NEW_EACH_TIME, Why.NEW)):
            if word in names:
                yield Unsteady(why, spelled, token.start)


def _is_name(earlier: Token, before: Token) -> bool:
    """Whether what stands behind these is the name of something else: an alias, a column, a function of a schema."""
    if before.text == ".":
        return fold(earlier.text) != "PG_CATALOG"
    return fold(before.text) in BEFORE_NAMES
