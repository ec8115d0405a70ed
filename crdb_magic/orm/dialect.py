"""What CockroachDB says differently from PostgreSQL, for peewee; on PostgreSQL it means the same."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

import peewee
from peewee import OP, SQL, Cast, Expression, ForeignKeyMetadata, NodeList, OnConflict, PostgresqlDatabase, fn
from playhouse import migrate, reflection
from playhouse.postgres_ext import DateTimeTZField

from crdb_magic.core.server import Server
from crdb_magic.orm.fields import DDL, ArrayField, IntervalField, JSONField
from crdb_magic.values.typemap import BUILTIN

_OWN_NAMES = {type_.name: type_.ddl for type_ in BUILTIN if type_.name in ("BYTES", "STRING")}
_COCKROACHDB = Server.identify("not known yet", 0)

# Arrays that playhouse.reflection leaves out, by OID.
_MORE_ARRAYS = {
    1021: peewee.FloatField,
    1022: peewee.DoubleField,
    1185: DateTimeTZField,
    1187: IntervalField,
    1231: peewee.DecimalField,
    3807: JSONField,
}

_REPLACE = frozenset({"replace", "upsert"})
_ACTIONS = _REPLACE | {"", "ignore", "nothing", "update"}
_FRACTIONS = frozenset({"second", "seconds", "millisecond", "milliseconds", "epoch", "julian"})

_HIDDEN = """
SELECT column_name FROM information_schema.columns
WHERE table_name = %s AND table_schema = COALESCE(%s, current_schema()) AND is_hidden = 'YES'
"""
# Of a key of hidden columns alone information_schema may say nothing: CockroachDB v22.1 does so (collectConstraintInfo
# in pkg/sql/catalog/tabledesc/table.go).
_KEY_COLUMNS = """
SELECT a.attname
FROM pg_catalog.pg_index x
JOIN pg_catalog.pg_class t ON t.oid = x.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY (x.indkey)
WHERE x.indisprimary AND t.relname = %s AND n.nspname = COALESCE(%s, current_schema())
"""
_PRIMARY_INDEX = """
SELECT i.relname
FROM pg_catalog.pg_index x
JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
JOIN pg_catalog.pg_class t ON t.oid = x.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
WHERE x.indisprimary AND t.relname = %s AND n.nspname = COALESCE(%s, current_schema())
"""
# By OIDs: the names of constraints are unique in a table only.
_FOREIGN_KEYS = """
SELECT a.attname, d.relname, b.attname, t.relname, c.conname, c.confdeltype, c.confupdtype
FROM pg_catalog.pg_constraint c
JOIN pg_catalog.pg_class t ON t.oid = c.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
JOIN pg_catalog.pg_class d ON d.oid = c.confrelid
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
JOIN pg_catalog.pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = ANY (c.confkey)
WHERE c.contype = 'f' AND t.relname = %s AND n.nspname = COALESCE(%s, current_schema())
  AND array_position(c.conkey, a.attnum) = array_position(c.confkey, b.attnum)
ORDER BY c.conname, array_position(c.conkey, a.attnum)
"""
_RULES = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}


_ENTITY = re.compile(r'(?:"(?:[^"]|"")*"\.?)+')


class _Context(peewee.Context):
    """peewee's writer of SQL, which lets names hold a percent sign: where there are values, psycopg2 wants it twice."""

    __slots__ = ()
    _sql: list[str]  # what peewee's stubs leave out

    def query(self) -> tuple[str, list[Any]]:
        """Give the SQL and its values."""
        sql, values = super().query()
        if values and sql.count("%") > len(values):
            sql = "".join(part.replace("%", "%%") if _ENTITY.fullmatch(part) else part for part in self._sql)
        return sql, values


class _TypeNames(dict[str, str]):
    """peewee's type names -> SQL. The server is asked for only where its spelling of one is needed."""

    def __init__(self, names: Mapping[str, str], server: Callable[[], Server]) -> None:
        super().__init__(names)
        self._server = server

    def get(self, key: str, default: Any = None) -> Any:
        """Give the name that the server understands."""
        name = super().get(key, default)
        return _OWN_NAMES[name] if name in _OWN_NAMES and not self._server().own_type_names else name


class Dialect(PostgresqlDatabase):
    """CockroachDB's SQL, types and catalogue for peewee.

    ``server`` tells which server answers and what it can do. SQL that depends on it is CockroachDB's as long as
    no server could be asked.
    """

    context_class = _Context
    field_types = PostgresqlDatabase.field_types | {"BLOB": "BYTES"}
    # What peewee's stubs leave out, or leave without types.
    connection: Any
    cursor: Any
    execute_sql: Any
    _adapter: Any
    _field_types: Any
    _isolation_level: Any
    _state: Any

    _server: Server | None = None

    def __init__(self, database: str | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(database, *args, **kwargs)
        self._field_types = _TypeNames(self._field_types, self._spoken_to)

    def init(self, database: str | None, *args: Any, **kwargs: Any) -> None:
        """Set where to connect; raises ValueError for ``prefer_psycopg3``."""
        if kwargs.pop("prefer_psycopg3", False):
            raise ValueError("crdb_magic's connections are psycopg2's: leave prefer_psycopg3 out.")
        self._server, self.server_version = None, None
        super().init(database, *args, **kwargs)

    @property
    def server(self) -> Server:
        """Which server answers; it is connected to if none has answered yet."""
        return self._server or self._identify(self.connection())

    def _set_server_version(self, conn: Any) -> None:
        self._identify(conn)

    def _identify(self, conn: Any) -> Server:
        known: Server | None = getattr(conn, "server", None)
        self._server = known or Server.identify(conn.info.parameter_status("crdb_version"), conn.server_version)
        self.server_version = self._server.number
        return self._server

    def _spoken_to(self) -> Server:
        """Give the server whose SQL is to be written.

        What executes that SQL will connect anyway. Where it can't be reached, executing says so; writing need not.
        """
        if self._server is None and (self.deferred or not self.autoconnect):
            return _COCKROACHDB
        try:
            return self.server
        except peewee.OperationalError:
            return _COCKROACHDB

    # INSERT … ON CONFLICT

    def conflict_statement(self, on_conflict: Any, query: Any) -> Any:
        """Give UPSERT for the actions replace and upsert; raises ValueError for what CockroachDB does not have."""
        action = _action(on_conflict)
        if action not in _REPLACE:
            return None
        if self._spoken_to().upsert:
            return SQL("UPSERT")
        if not isinstance(query._insert, Mapping | peewee.Node):
            query._insert = list(query._insert)  # the names of its columns are looked for again, behind the values
        return None

    def conflict_update(self, oc: Any, query: Any) -> Any:
        """Give the ON CONFLICT clause, if any; raises ValueError for what CockroachDB does not have."""
        if _action(oc) not in _REPLACE:
            return super().conflict_update(oc, query)
        return None if self._spoken_to().upsert else self._replacement(query)

    def _replacement(self, query: Any) -> Any:
        """Say UPSERT in PostgreSQL's words: it overwrites the columns that are inserted, found by the primary key."""
        keys = _keys(query.table)
        if not keys:
            return None
        inserted = _inserted(query)
        preserved = [column for name, column in inserted.items() if name not in keys] or list(keys.values())
        clause = OnConflict("update", preserve=preserved, conflict_target=list(keys.values()))
        return super().conflict_update(clause, query)

    # Dates

    def extract_date(self, date_part: str, date_field: Any) -> Any:
        """Give a part of a date: an int, or a float for one that may have a fraction (second, epoch …)."""
        part = fn.EXTRACT(NodeList((SQL(date_part), SQL("FROM"), date_field)))
        return Cast(part, DDL[701] if date_part.lower() in _FRACTIONS else DDL[20])

    def from_timestamp(self, date_field: Any) -> Any:
        """Give seconds since 1970, and fractions of them, as a TIMESTAMPTZ."""
        span = Expression(date_field, OP.MUL, SQL("INTERVAL '1 second'"))
        return Expression(SQL("TIMESTAMPTZ '1970-01-01 00:00:00+00'"), OP.ADD, span)

    # The catalogue

    def _hidden(self, table: str, schema: str | None) -> set[str]:
        if not self.server.hidden_columns:
            return set()
        return {name for (name,) in self.execute_sql(_HIDDEN, (table, schema)).fetchall()}

    def get_columns(self, table: str, schema: str | None = None) -> Any:
        """Give the columns, without hidden ones; but ``rowid`` is there where it is a table's only key."""
        hidden = self._hidden(table, schema)
        return [
            column for column in super().get_columns(table, schema) if column.primary_key or column.name not in hidden
        ]

    def get_primary_keys(self, table: str, schema: str | None = None) -> Any:
        """Give the names of the key's columns, in their order; hidden ones (``rowid``) if there are no others."""
        keys = super().get_primary_keys(table, schema)
        hidden = self._hidden(table, schema)
        seen = [key for key in keys if key not in hidden] or keys
        if seen or not hidden:
            return seen
        return [name for (name,) in self.execute_sql(_KEY_COLUMNS, (table, schema)).fetchall()]

    def get_indexes(self, table: str, schema: str | None = None) -> Any:
        """Give the indexes, without the primary key's own."""
        primary = {name for (name,) in self.execute_sql(_PRIMARY_INDEX, (table, schema)).fetchall()}
        return [index for index in super().get_indexes(table, schema) if index.name not in primary]

    def get_foreign_keys(self, table: str, schema: str | None = None) -> Any:
        """Give the foreign keys, one entry for each pair of columns."""
        rows = self.execute_sql(_FOREIGN_KEYS, (table, schema)).fetchall()
        return [
            ForeignKeyMetadata._make((*names, _RULES[on_delete], _RULES[on_update]))
            for *names, on_delete, on_update in rows
        ]


def _action(on_conflict: Any) -> str:
    action = (on_conflict._action or "").lower()
    if action not in _ACTIONS:
        raise ValueError(f"On conflict, CockroachDB can replace (UPSERT), ignore or update; not {action}.")
    if on_conflict._conflict_constraint:
        raise ValueError("On conflict, name the columns (conflict_target), not a constraint.")
    return action


def _keys(table: Any) -> dict[str, Any]:
    """Give the primary key of a model or a table."""
    if hasattr(table, "_meta"):
        return {field.column_name: field for field in table._meta.get_primary_keys()}
    names = table._primary_key or ()
    return {name: peewee.Entity(name) for name in ((names,) if isinstance(names, str) else names)}


def _inserted(query: Any) -> dict[str, Any]:
    """Give the columns that an INSERT names, as peewee finds them."""
    rows = query._insert[:1] if isinstance(query._insert, list) else [query._insert]
    names = [name for row in rows if isinstance(row, Mapping) for name in row]
    named = query._columns or names or query.get_default_columns() or ()
    both = (*named, *query.get_default_data())
    columns = [getattr(query.table, one) if isinstance(one, str) else one for one in both]
    return {getattr(column, "column_name", column.name): column for column in columns}


def _introspector(factory: Any, database: Dialect, schema: str | None) -> Any:
    kind: Any = reflection.CockroachDBMetadata if database.server.own_type_names else reflection.PostgresqlMetadata
    metadata = kind(database)
    metadata.extension_import = "from crdb_magic import ArrayField, IntervalField, JSONField"
    metadata.array_types = kind.array_types | _MORE_ARRAYS
    metadata.column_map |= {1186: IntervalField, 3802: JSONField} | dict.fromkeys(metadata.array_types, ArrayField)
    return factory(metadata, schema=schema)


def _migrator(_: Any, database: Dialect, schema: str | None) -> Any:
    kind: Any = migrate.PostgresqlMigrator if database._spoken_to().transactional_ddl else migrate.CockroachDBMigrator
    return kind(database, schema=schema)


def _teach(factory: Any, make: Callable[[Any, Dialect, str | None], Any]) -> None:
    """Let a factory of playhouse know our databases: it tells CockroachDB by its own class, and has no hook."""
    known = factory.from_database.__func__

    @functools.wraps(known)
    def from_database(cls: Any, database: Any, schema: str | None = None) -> Any:
        plain = database.obj if isinstance(database, peewee.Proxy) else database
        return make(cls, plain, schema) if isinstance(plain, Dialect) else known(cls, database, schema=schema)

    factory.from_database = classmethod(from_database)


_teach(reflection.Introspector, _introspector)
_teach(migrate.SchemaMigrator, _migrator)
