"""One table, view or sequence: its columns, indexes, foreign keys both ways, constraints, and how it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from crdb_magic.explore.catalogue import (
    Attribute,
    Reference,
    Relation,
    attributes,
    index_definitions,
    references,
)
from crdb_magic.explore.create import create_statement
from crdb_magic.explore.definitions import Index, read_index, unwrapped
from crdb_magic.explore.estimates import Estimate
from crdb_magic.explore.table_statistics import Range, Statistic, TableStatistics
from crdb_magic.session.driver import Connection


class ColumnDetails(NamedTuple):
    """A column. ``key`` is PK (with its place, if there are more: PK 2), FK, both or empty; texts are SQL."""

    name: str
    type: str
    nullable: bool
    default: str | None
    generated: str | None
    key: str
    hidden: bool
    comment: str | None


class ForeignKey(NamedTuple):
    """A foreign key from ``columns`` of ``table`` to ``other_columns`` of ``other_table``, and what it does then."""

    name: str
    table: str
    columns: str
    other_table: str
    other_columns: str
    on_update: str
    on_delete: str


class Constraint(NamedTuple):
    """A constraint that is no foreign key, and the SQL of it."""

    name: str
    kind: str
    definition: str
    validated: bool


class Parts(NamedTuple):
    """What a table consists of."""

    columns: tuple[ColumnDetails, ...] = ()
    indexes: tuple[Index, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    referenced_by: tuple[ForeignKey, ...] = ()
    constraints: tuple[Constraint, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """What there is to know of a table; its parts are DataFrames, ``create`` is the SQL that makes it.

    ``parts`` has the same as plain values. ``notes`` say what was left out, and why. ``estimate``, ``statistics``
    and ``ranges`` are there if they were asked for.
    """

    relation: Relation
    parts: Parts
    create: str | None
    notes: tuple[str, ...] = ()
    estimate: Estimate | None = None
    counted: TableStatistics | None = None

    @property
    def columns(self) -> pd.DataFrame:
        """A row for each column: name, type, nullable, default, generated, key, hidden, comment."""
        return pd.DataFrame(self.parts.columns, columns=ColumnDetails._fields)

    @property
    def indexes(self) -> pd.DataFrame:
        """A row for each index: name, columns, unique, method, storing, where, definition."""
        return pd.DataFrame(self.parts.indexes, columns=Index._fields)

    @property
    def foreign_keys(self) -> pd.DataFrame:
        """A row for each foreign key of the table: name, table, columns, other_table, other_columns, on_…."""
        return pd.DataFrame(self.parts.foreign_keys, columns=ForeignKey._fields)

    @property
    def referenced_by(self) -> pd.DataFrame:
        """A row for each foreign key that refers to the table, in the same columns."""
        return pd.DataFrame(self.parts.referenced_by, columns=ForeignKey._fields)

    @property
    def constraints(self) -> pd.DataFrame:
        """A row for each other constraint: name, kind, definition, validated."""
        return pd.DataFrame(self.parts.constraints, columns=Constraint._fields)

    @property
    def statistics(self) -> pd.DataFrame:
        """A row for each column, or columns, that the server has counted: columns, distinct, nulls, rows, created."""
        return pd.DataFrame((self.counted or TableStatistics()).statistics, columns=Statistic._fields)

    @property
    def ranges(self) -> pd.DataFrame:
        """A row for each range of CockroachDB's that holds a part of it: range, bytes, leaseholder, replicas."""
        return pd.DataFrame((self.counted or TableStatistics()).ranges, columns=Range._fields)


def describe(connection: Connection, relation: Relation, known: Mapping[int, Relation]) -> Table:
    """Read all about a relation; ``known`` are those that foreign keys may lead to and from, by OID."""
    constraints = references(connection, [relation])
    involved = {relation.oid, *(oid for one in constraints if one.kind == "f" for oid in (one.table, one.other))}
    found = attributes(connection, [known[oid] for oid in involved if oid in known])
    names = _CatalogueNames(known, found)
    own = [one for one in constraints if one.table == relation.oid]
    definitions = index_definitions(connection, relation)
    create, note = create_statement(connection, relation, found[relation.oid], own, definitions)
    return Table(
        relation=relation,
        parts=Parts(
            columns=() if relation.kind == "sequence" else columns(found[relation.oid], own),
            indexes=tuple(read_index(*one) for one in definitions),
            foreign_keys=tuple(names.foreign_key(one) for one in own if one.kind == "f"),
            referenced_by=tuple(names.foreign_key(one) for one in constraints if one.other == relation.oid),
            constraints=tuple(
                Constraint(one.name, _CONSTRAINTS[one.kind], one.definition, one.validated)
                for one in own
                if one.kind != "f"
            ),
        ),
        create=create,
        notes=(note,) if note else (),
    )


def columns(of: Sequence[Attribute], constraints: Sequence[Reference]) -> tuple[ColumnDetails, ...]:
    """Give columns as one writes them, with their places in the keys."""
    primary = next((one.columns for one in constraints if one.kind == "p"), ())
    foreign = {number for one in constraints if one.kind == "f" for number in one.columns}
    return tuple(
        ColumnDetails(
            name=one.name,
            type=one.type,
            nullable=not one.not_null,
            default=None if one.generated or one.identity else one.expression,
            generated=_generated(one),
            key=_key(one.number, primary, foreign),
            hidden=one.hidden,
            comment=one.comment,
        )
        for one in of
    )


def _key(number: int, primary: Sequence[int], foreign: set[int]) -> str:
    place = f" {primary.index(number) + 1}" if len(primary) > 1 and number in primary else ""
    return ", ".join([*(["PK" + place] if number in primary else []), *(["FK"] if number in foreign else [])])


def _generated(one: Attribute) -> str | None:
    if one.identity:
        return f"GENERATED {'ALWAYS' if one.identity == 'a' else 'BY DEFAULT'} AS IDENTITY"
    if one.generated:
        return f"AS ({unwrapped(one.expression or '')}) {'STORED' if one.generated == 's' else 'VIRTUAL'}"
    return None


class _CatalogueNames(NamedTuple):
    """The names behind the numbers of the catalogue."""

    relations: Mapping[int, Relation]
    columns: Mapping[int, Sequence[Attribute]]

    def foreign_key(self, one: Reference) -> ForeignKey:
        """Give a foreign key by names."""
        return ForeignKey(
            one.name,
            self._table(one.table),
            self._columns(one.table, one.columns),
            self._table(one.other),
            self._columns(one.other, one.others),
            _ACTIONS.get(one.on_update, ""),
            _ACTIONS.get(one.on_delete, ""),
        )

    def _table(self, oid: int) -> str:
        known = self.relations.get(oid)
        return f"{known.schema}.{known.name}" if known else "a table that is not shown"

    def _columns(self, oid: int, numbers: Sequence[int]) -> str:
        names = {one.number: one.name for one in self.columns.get(oid, ())}
        return ", ".join(names.get(number, f"column {number}") for number in numbers)


_CONSTRAINTS = {"p": "primary key", "u": "unique", "c": "check", "x": "exclusion"}
_ACTIONS = {"a": "", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
