"""What a statement reads and writes: its tables with their aliases and columns, as seen from where somebody types."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain

from crdb_magic.explore.cursor import CURSOR, Group, Items, Typing, is_name, last_word, name_of, word_of
from crdb_magic.explore.names import DatabaseNames
from crdb_magic.sql.keywords import BEFORE_TABLES, NOT_BEHIND, RESERVED, SET_OPERATIONS, word_set
from crdb_magic.sql.lexer import Token

_DEEPEST = 20  # queries within queries that are looked into
_QUERIES = word_set("SELECT WITH VALUES TABLE")
_NO_ALIAS = RESERVED | word_set("SET VALUES ADD ALTER DROP RENAME SPLIT CURSOR")
_SKIPPED = word_set("LATERAL ONLY IF NOT EXISTS TABLE")
_FOLLOWED_BY_MORE = word_set("FROM USING TRUNCATE TABLE")  # behind a table there, a comma is followed by another one
_NOT_BEHIND = NOT_BEHIND | {"TABLE": word_set("CREATE TEMP TEMPORARY")}  # which make one
_AFTER_A_SELECT_LIST = SET_OPERATIONS | word_set("FROM WHERE GROUP HAVING ORDER LIMIT OFFSET FETCH WINDOW FOR")


@dataclass(frozen=True, slots=True)
class FromItem:
    """A table, a query in its place, or a CTE: by what it is called in the statement, and its columns."""

    alias: str
    columns: tuple[str, ...] = ()
    table: str = ""
    is_target: bool = False


CTEs = Mapping[str, tuple[str, ...]]


class Scope:
    """The relations that the place where somebody types can see, the nearest first, and the CTEs."""

    def __init__(self, typing: Typing, names: DatabaseNames) -> None:
        self._names = names
        self.ctes: dict[str, tuple[str, ...]] = {}
        groups = list(typing.group.outwards)
        for group in reversed(groups):
            self.ctes |= self._with(group.items, self.ctes, 0)
        self.seen = tuple({one.alias: one for one in reversed(list(self._seen(groups)))}.values())[::-1]
        self.before = tuple(self.relations(typing.before, self.ctes))

    def _seen(self, groups: Iterable[Group]) -> Iterator[FromItem]:
        inner: Group | Token = CURSOR
        for group in groups:
            if isinstance(inner, Group) and _sees_nothing_around(inner, group.items):
                return
            yield from self.relations(_part_around(group.items, inner), self.ctes)
            inner = group

    @property
    def target(self) -> FromItem | None:
        """The table that is written to, or changed."""
        return next((one for one in self.seen if one.is_target), None)

    def relations(self, items: Items, ctes: CTEs, depth: int = 0) -> Iterator[FromItem]:
        """Give what a query reads and writes, in the order of its text."""
        place = 0
        while place < len(items):
            word = word_of(items[place])
            before = word_of(items[place - 1]) if place else ""
            place += 1
            if _introduces(word, before, items):
                reading = _TableParser(self, items, place, ctes, depth)
                yield from reading.all(introduced_by=word)
                place = max(reading.place, place)

    def columns_of_query(self, items: Items, ctes: CTEs, depth: int) -> tuple[str, ...]:
        """Give the columns that a query has, as far as their names can be told."""
        if depth > _DEEPEST:
            return ()
        if len(items) == 1 and isinstance(items[0], Group):
            return self.columns_of_query(items[0].items, ctes, depth + 1)
        ctes = {**ctes, **self._with(items, ctes, depth)}
        chosen = _chosen(items)
        relations = list(self.relations(_part_around(items, chosen[0]), ctes, depth + 1)) if chosen else []
        return tuple(dict.fromkeys(chain.from_iterable(_names_of(one, relations) for one in _parted(chosen))))

    def resolved(self, parts: tuple[str, ...], ctes: CTEs, alias: str | None, *, is_target: bool) -> FromItem:
        """Give the relation of a name in the statement."""
        if len(parts) == 1 and parts[0] in ctes:
            return FromItem(alias or parts[0], ctes[parts[0]])
        table = self._names.find(parts)
        return FromItem(alias or parts[-1], table.columns if table else (), parts[-1], is_target)

    def _with(self, items: Items, ctes: CTEs, depth: int) -> dict[str, tuple[str, ...]]:
        """Give the columns of the CTEs that a query begins with."""
        found: dict[str, tuple[str, ...]] = {}
        if depth > _DEEPEST or not items or word_of(items[0]) != "WITH":
            return found
        place = 2 if len(items) > 1 and word_of(items[1]) == "RECURSIVE" else 1
        while place < len(items) and is_name(items[place]):
            name, columns, body, place = _cte(items, place)
            found[name] = columns
            if not columns and body is not None:
                found[name] = self.columns_of_query(body.items, {**ctes, **found}, depth + 1)
            if place >= len(items) or word_of(items[place]) != ",":
                break
            place += 1
        return found


def _introduces(word: str, before: str, items: Items) -> bool:
    if word == "USING":
        return word_of(items[0]) in {"DELETE", "MERGE"}
    if word == "ON":  # CREATE INDEX … ON t
        return word_of(items[0]) == "CREATE"
    return word in BEFORE_TABLES and before not in _NOT_BEHIND.get(word, ())


def _sees_nothing_around(group: Group, items: Items) -> bool:
    """Whether a query stands in the place of a table, or is a CTE: it sees no tables of the query around it."""
    place = next(at for at, item in enumerate(items) if item is group)
    first = group.items[0] if group.items else None
    return place > 0 and _is_query(first) and word_of(items[place - 1]) in {"FROM", "JOIN", "AS", "MATERIALIZED"}


def _part_around(items: Items, inner: Token | Group) -> Items:
    """Give the part between two UNIONs (and the like) that an item stands in, the WITH before all of them included."""
    place = next((at for at, item in enumerate(items) if item is inner), 0)
    begin = next((at + 1 for at in range(place - 1, -1, -1) if word_of(items[at]) in SET_OPERATIONS), 0)
    end = next((at for at in range(place, len(items)) if word_of(items[at]) in SET_OPERATIONS), len(items))
    return items[begin:end]


def _cte(items: Items, place: int) -> tuple[str, tuple[str, ...], Group | None, int]:
    """Read ``name [(columns)] AS [NOT MATERIALIZED] (query)``; gives the name, columns, query and the place behind."""
    name = name_of(items[place])
    columns: tuple[str, ...] = ()
    body = None
    place += 1
    if place < len(items) and isinstance(group := items[place], Group):
        columns = _listed(group)
        place += 1
    while place < len(items) and word_of(items[place]) in {"AS", "NOT", "MATERIALIZED"}:
        place += 1
    if place < len(items) and isinstance(group := items[place], Group):
        body = group
        place += 1
    return name, columns, body, place


def _listed(group: Group) -> tuple[str, ...]:
    return tuple(name_of(item) for item in group if is_name(item))


class _TableParser:
    """A place in a query behind FROM, JOIN, INTO or the like, moving over the tables there."""

    def __init__(self, scope: Scope, items: Items, place: int, ctes: CTEs, depth: int) -> None:
        self._scope, self._items, self.place, self._ctes, self._depth = scope, items, place, ctes, depth

    @property
    def _item(self) -> Token | Group | None:
        return self._items[self.place] if self.place < len(self._items) else None

    @property
    def _word(self) -> str:
        return word_of(self._item)

    def all(self, introduced_by: str) -> Iterator[FromItem]:
        """Give the tables there, with the commas between them."""
        yield from self._one(introduced_by)
        while self._word == "," and introduced_by in _FOLLOWED_BY_MORE:
            self.place += 1
            yield from self._one(introduced_by)

    def _one(self, introduced_by: str) -> Iterator[FromItem]:
        while self._word in _SKIPPED:
            self.place += 1
        if isinstance(group := self._item, Group):
            self.place += 1
            yield from self._of_group(group)
        elif is_name(self._item) and (self._word not in RESERVED):
            parts = self._name()
            is_target = introduced_by != "JOIN" and not self._reads(introduced_by)
            if not is_target and isinstance(self._item, Group):  # a function
                self.place += 1
            found = self._scope.resolved(parts, self._ctes, self._alias(), is_target=is_target)
            renamed = () if is_target else self._renamed()
            yield replace(found, columns=renamed) if renamed else found
        elif self._item is CURSOR:
            self.place += 1

    def _reads(self, introduced_by: str) -> bool:
        return introduced_by in {"FROM", "USING"} and word_of(self._items[0]) != "DELETE"

    def _of_group(self, group: Group) -> Iterator[FromItem]:
        if self._depth > _DEEPEST:
            return
        first = group.items[0] if group.items else None
        if group.opener == "(" and word_of(first) not in _QUERIES and not _is_query(first):
            inner = _TableParser(self._scope, group.items, 0, self._ctes, self._depth + 1)
            yield from inner.all("FROM")
            yield from self._scope.relations(group.items, self._ctes, self._depth + 1)
            return
        columns = self._scope.columns_of_query(group.items, self._ctes, self._depth + 1)
        alias = self._alias()
        columns = self._renamed() or columns
        if alias:
            yield FromItem(alias, columns)

    def _name(self) -> tuple[str, ...]:
        parts = [name_of(self._items[self.place])]
        self.place += 1
        while self._word == "." and self.place + 1 < len(self._items) and is_name(self._items[self.place + 1]):
            parts.append(name_of(self._items[self.place + 1]))
            self.place += 2
        if self._word == "@":  # t@index, t@{FORCE_INDEX=…}
            self.place += 2
        return tuple(parts)

    def _alias(self) -> str | None:
        after = self._items[self.place + 1] if self.place + 1 < len(self._items) else None
        if self._word == "AS" and word_of(after) != "OF":
            self.place += 1
        if is_name(self._item) and self._word not in _NO_ALIAS:
            self.place += 1
            return name_of(self._items[self.place - 1])
        return None

    def _renamed(self) -> tuple[str, ...]:
        """Read the columns' names behind an alias: AS t(a, b)."""
        if isinstance(group := self._item, Group) and group.opener == "(":
            self.place += 1
            return _listed(group)
        return ()


def _is_query(item: Token | Group | None) -> bool:
    """Whether it is a query in parentheses of its own."""
    while isinstance(item, Group):
        item = item.items[0] if item.items else None
    return word_of(item) in _QUERIES


def _chosen(items: Items) -> Items:
    """Give the list behind SELECT, or RETURNING."""
    begin = next((at for at, item in enumerate(items) if word_of(item) in {"SELECT", "RETURNING"}), None)
    if begin is None:
        return ()
    end = next((at for at in range(begin + 1, len(items)) if word_of(items[at]) in _AFTER_A_SELECT_LIST), len(items))
    while begin + 1 < end and word_of(items[begin + 1]) in {"DISTINCT", "ALL"}:
        begin += 1
    if begin + 2 < end and word_of(items[begin + 1]) == "ON" and isinstance(items[begin + 2], Group):
        begin += 2
    return items[begin + 1 : end]


def _parted(items: Items) -> Iterator[Items]:
    """Part a list at its commas."""
    begin = 0
    for place, item in enumerate(items):
        if word_of(item) == ",":
            yield items[begin:place]
            begin = place + 1
    yield items[begin:]


def _names_of(expression: Items, relations: Iterable[FromItem]) -> tuple[str, ...]:
    """Give the name of a column of a select list, or all that ``*`` stands for."""
    expression = [item for item in expression if item is not CURSOR]
    if not expression:
        return ()
    *earlier, last = expression
    if word_of(last) == "*":
        return tuple(chain.from_iterable(one.columns for one in relations if _is_all_of(one, earlier)))
    if last_word(earlier) == "AS":
        return (name_of(last),)
    cast = next((at for at, item in enumerate(earlier) if word_of(item) in {"::", ":::"}), None)
    if cast and cast == len(earlier) - 1:  # the column is called after what is cast
        last = earlier[cast - 1]
    if isinstance(last, Group) and earlier:  # or after the function
        last = earlier[-1]
    return (name_of(last),) if is_name(last) and word_of(last) not in RESERVED else ()


def _is_all_of(relation: FromItem, before_star: Items) -> bool:
    return not before_star or (last_word(before_star) == "." and name_of(before_star[0]) == relation.alias)
