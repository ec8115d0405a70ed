"""What the catalogue says of relations: questions that both servers answer, and that no privilege refuses.

They are asked of tables that both have, one table's facts at a time, and put together here: CockroachDB's catalogue is
made anew for each question, and its functions (pg_get_indexdef, obj_description …) ask such a question for each row.
What a column holds there says pkg/sql/pg_catalog.go (of v22.1: ``condef``, ``indexdef``, ``attgenerated``; pg_attrdef
has no expressions of computed columns).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

from crdb_magic.explore.questions import Row, ask
from crdb_magic.session.driver import Connection
from crdb_magic.sql.names import table_name

KINDS = {
    "r": "table",
    "p": "partitioned table",
    "f": "foreign table",
    "v": "view",
    "m": "materialized view",
    "S": "sequence",
}
TEMPORARY = "pg_temp"
"""What a session calls its schema of temporary tables, whose own name is another one in each session."""


class Relation(NamedTuple):
    """A table, view or sequence; ``place`` is that of its schema in the search path, None outside of it."""

    oid: int
    schema: str
    name: str
    kind: str
    comment: str | None = None
    place: int | None = None

    @property
    def written(self) -> str:
        """The name in SQL: that of a temporary table is found without its schema."""
        return table_name((self.name,) if self.schema == TEMPORARY else (self.schema, self.name))


class Attribute(NamedTuple):
    """A column as the catalogue has it. ``identity`` is a (always) or d (by default), ``generated`` s or v.

    CockroachDB writes b for d.
    """

    number: int
    name: str
    type: str
    not_null: bool
    identity: str
    generated: str
    expression: str | None
    comment: str | None
    hidden: bool = False


class Reference(NamedTuple):
    """A constraint as the catalogue has it; columns by their numbers, ``other`` and what follows of foreign keys."""

    table: int
    name: str
    kind: str
    definition: str
    validated: bool
    columns: tuple[int, ...]
    other: int
    others: tuple[int, ...]
    on_update: str
    on_delete: str


def databases(connection: Connection) -> list[str]:
    """Name the databases, the one that is connected to first."""
    return _column(ask(connection, _DATABASES))


def schemas(connection: Connection) -> list[str]:
    """Name the schemas but the system's."""
    return sorted(_column(ask(connection, _SCHEMAS, {"also": ""})))


def relations(connection: Connection, also: str = "") -> list[Relation]:
    """Give the relations of all schemas but the system's; of ``also`` too, be it one of those."""
    found = [
        Relation(int(oid), _own(schema), name, KINDS[kind], comment, int(place) if place else None)
        for oid, schema, name, kind, comment, place in _filled(ask(connection, _RELATIONS, {"also": also}))
    ]
    return sorted(found, key=lambda one: (one.schema, one.name))


def attributes(connection: Connection, of: Collection[Relation]) -> dict[int, list[Attribute]]:
    """Give the columns of relations, by OID."""
    found: dict[int, list[Attribute]] = {one.oid: [] for one in of}
    if not found:
        return found
    sql = _ATTRIBUTES.format(oids=_numbers(found), collation=_COLLATION[connection.server.types_tell_collation])
    for oid, number, not_null, *texts in _filled(ask(connection, sql)):
        name, type_, identity, generated, expression, comment, collation = texts
        written = f"{type_} COLLATE {collation}" if collation else type_
        place, null = int(number), not_null == "t"
        found[int(oid)].append(Attribute(place, name, written, null, identity, generated, expression, comment))
    return _as_cockroachdb_writes(connection, of, found) if connection.server.hidden_columns else found


def _as_cockroachdb_writes(
    connection: Connection, of: Collection[Relation], found: dict[int, list[Attribute]]
) -> dict[int, list[Attribute]]:
    """Add what information_schema alone knows there: types as they are written, hidden columns, expressions."""
    values = {"schemas": list({one.schema for one in of}), "names": list({one.name for one in of})}
    more = {(_own(row[0]), row[1], row[2]): row[3:] for row in _filled(ask(connection, _WRITTEN, values))}
    for one in of:
        for place, attribute in enumerate(found[one.oid]):
            if (written := more.get((one.schema, one.name, attribute.name))) is not None:
                type_, hidden, expression = written
                found[one.oid][place] = attribute._replace(
                    type=type_ or attribute.type,
                    hidden=hidden == "YES",
                    expression=expression or attribute.expression,
                )
    return found


def references(connection: Connection, of: Collection[Relation]) -> list[Reference]:
    """Give the constraints of relations, and the foreign keys that refer to them, by name."""
    if not of:
        return []
    sql = _REFERENCES.format(
        _numbers(one.oid for one in of), spelled=_SPELLED[connection.server.catalogued_definitions]
    )
    found = [
        Reference(
            int(table), name, kind, definition, validated == "t", _places(columns),
            int(other), _places(others), on_update, on_delete,
        )
        for table, name, kind, definition, validated, columns, other, others, on_update, on_delete
        in _filled(ask(connection, sql))
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.name, one.table))


def index_definitions(connection: Connection, relation: Relation) -> list[tuple[str, str]]:
    """Give the name of each index and the statement that makes it, by name."""
    values = {"oid": relation.oid, "name": relation.name}
    return sorted((str(name), str(definition)) for name, definition in ask(connection, _INDEXES, values))


def _column(rows: Iterable[Row]) -> list[str]:
    return [_own(str(row[0])) for row in rows]


def _filled(rows: Iterable[Row]) -> Iterable[tuple[str, ...]]:
    """Give rows whose texts are there, or are not asked about."""
    return rows  # type: ignore[return-value]


def _own(schema: str) -> str:
    return TEMPORARY if schema.startswith("pg_temp_") else schema


def _numbers(oids: Iterable[int]) -> str:
    return ", ".join(map(str, oids))


def _places(array: str | None) -> tuple[int, ...]:
    """Read the numbers of columns: ``{1,2}``."""
    return tuple(map(int, re.findall(r"\d+", array or "")))


_DATABASES = """
SELECT datname FROM pg_catalog.pg_database WHERE NOT datistemplate
ORDER BY datname <> current_database(), datname
"""
# A session's own temporary tables stand in a schema of a number.
_IS_THE_USERS = r"""(
  n.nspname NOT IN ('information_schema', 'crdb_internal', 'pg_extension') AND n.nspname::TEXT NOT LIKE 'pg\_%%'
  OR n.nspname::TEXT LIKE 'pg\_temp\_%%' AND n.nspname::TEXT = ANY(current_schemas(true)::TEXT[])
  OR n.nspname::TEXT = %(also)s)"""
_SCHEMAS = f"SELECT n.nspname FROM pg_catalog.pg_namespace n WHERE {_IS_THE_USERS}"  # noqa: S608 - all of it ours
_RELATIONS = f"""
SELECT c.oid, n.nspname, c.relname, c.relkind, d.description,
  array_position(current_schemas(true)::TEXT[], n.nspname::TEXT)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_description d
  ON d.objoid = c.oid AND d.objsubid = 0 AND d.classoid = 'pg_catalog.pg_class'::REGCLASS::OID
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND {_IS_THE_USERS}
"""  # noqa: S608
_ATTRIBUTES = """
SELECT a.attrelid, a.attnum, a.attnotnull, a.attname, format_type(a.atttypid, a.atttypmod), a.attidentity,
  a.attgenerated, pg_get_expr(e.adbin, e.adrelid), d.description, {collation}
FROM pg_catalog.pg_attribute a
LEFT JOIN pg_catalog.pg_attrdef e ON e.adrelid = a.attrelid AND e.adnum = a.attnum
LEFT JOIN pg_catalog.pg_description d
  ON d.objoid = a.attrelid AND d.objsubid = a.attnum AND d.classoid = 'pg_catalog.pg_class'::REGCLASS::OID
WHERE a.attrelid IN ({oids}) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum
"""
_COLLATION = {
    True: "NULL",
    False: """(
  SELECT quote_ident(c.collname) FROM pg_catalog.pg_type t, pg_catalog.pg_collation c
  WHERE t.oid = a.atttypid AND c.oid = a.attcollation AND a.attcollation <> t.typcollation)""",
}
_WRITTEN = """
SELECT table_schema, table_name, column_name, crdb_sql_type, is_hidden, generation_expression
FROM information_schema.columns WHERE table_schema = ANY(%(schemas)s) AND table_name = ANY(%(names)s)
"""
# NOT NULL has been a constraint of its own since PostgreSQL 18; columns tell it.
_REFERENCES = """
SELECT k.conrelid, k.conname, k.contype, {spelled}, k.convalidated, k.conkey, k.confrelid, k.confkey,
  k.confupdtype, k.confdeltype
FROM pg_catalog.pg_constraint k
WHERE (k.conrelid IN ({0}) OR k.confrelid IN ({0})) AND k.contype IN ('p', 'u', 'c', 'f', 'x')
"""
_SPELLED = {True: "k.condef", False: "pg_get_constraintdef(k.oid)"}
_INDEXES = """
SELECT i.indexname, i.indexdef FROM pg_catalog.pg_indexes i
WHERE i.tablename = %(name)s AND i.schemaname = (
  SELECT n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.oid = %(oid)s)
"""
