"""The names that a database holds, as one frozen value, and how they are read from its catalogue."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice, takewhile

from crdb_magic.core.target import Target
from crdb_magic.errors import CrdbMagicError
from crdb_magic.explore.catalogue import KINDS
from crdb_magic.session.link import OwnLink
from crdb_magic.session.session import Session
from crdb_magic.session.session_state import NOTHING, SessionState

_MOST_TABLES = 10_000  # that are read: of a database with more, some are not offered
_MOST_COLUMNS = 200_000
_PATIENCE = "10s"  # for each question
# The servers' own: known, but of no interest to most.
SYSTEM_SCHEMAS = frozenset({"pg_catalog", "information_schema", "crdb_internal", "pg_extension"})


@dataclass(frozen=True, slots=True)
class NamedTable:
    """A table, a view or a sequence, with its columns in their order."""

    schema: str
    name: str
    kind: str = "table"
    columns: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DatabaseNames:
    """What a database holds, as the session sees it.

    ``path`` are the schemas whose tables need none written before them, in the order in which they are looked through;
    ``functions`` are the server's, ``routines`` those that somebody made there.
    """

    path: tuple[str, ...] = ()
    schemas: tuple[str, ...] = ()
    tables: tuple[NamedTable, ...] = ()
    functions: tuple[str, ...] = ()
    routines: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()
    _by_name: Mapping[tuple[str, str], NamedTable] = field(init=False, repr=False, compare=False)
    _columns: Sequence[tuple[str, str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {(table.schema, table.name): table for table in self.tables})
        own = (table.columns for table in self.tables if table.schema not in SYSTEM_SCHEMAS)
        object.__setattr__(self, "_columns", sorted({(name.lower(), name) for columns in own for name in columns}))

    def find(self, parts: Sequence[str]) -> NamedTable | None:
        """Give the table that a name means, with its schema (and database) or without: the first one in the path."""
        schemas = parts[-2:-1] or self.path
        return next(
            (self._by_name[schema, parts[-1]] for schema in schemas if (schema, parts[-1]) in self._by_name), None
        )

    def columns_like(self, beginning: str) -> Iterator[str]:
        """Give the columns of any table whose names begin so, in lower case."""
        rest = islice(self._columns, bisect_left(self._columns, (beginning,)), None)
        return (name for _, name in takewhile(lambda column: column[0].startswith(beginning), rest))

    def seen(self, table: NamedTable) -> bool:
        """Whether a table needs no schema before its name."""
        return self.find((table.name,)) is table


UNKNOWN = DatabaseNames()

# In pg_catalog alone, of which both servers make one pass: on CockroachDB information_schema.columns takes many times
# as long. Without ORDER BY, so that LIMIT ends the reading there too. Without a JOIN: to look up there what an index of
# such a table lacks is to make all of the table again, each time (cockroachdb/cockroach#111047, #108781).
_PATH = "SELECT unnest(current_schemas(true)::TEXT[])"
_SCHEMAS = "SELECT oid, nspname FROM pg_catalog.pg_namespace"
_DATABASES = "SELECT datname FROM pg_catalog.pg_database"
_TABLES = """
SELECT oid, relnamespace, relname, relkind FROM pg_catalog.pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
"""
_COLUMNS = """
SELECT attrelid, attnum, attname FROM pg_catalog.pg_attribute
WHERE attnum > 0 AND NOT attisdropped
"""
_INDEXES = "SELECT schemaname, tablename, indexname FROM pg_catalog.pg_indexes"
# Not those that only the server itself can call: they give internal, cstring, trigger and the like.
_FUNCTIONS = """
SELECT DISTINCT pronamespace, proname FROM pg_catalog.pg_proc
WHERE prorettype NOT IN (2281, 2275, 2279, 2280, 3838, 3115, 3310, 325, 269)
"""
_PRIVATE = ("pg_toast", "pg_temp_")  # schemas
_HIDDEN = "crdb_internal_"  # columns that CockroachDB adds to tables: shards, time to live


def read_names(target: Target, told: SessionState = NOTHING) -> DatabaseNames:
    """Read the names over a connection of its own, told what the session was; closed when they are there.

    What can't be read, by its privileges or in time, is left out. Raises :class:`CrdbMagicError` without one.
    """
    session = Session(OwnLink(target, replace(told, bound={}), aside=True))
    try:
        _ = session.connection
        with suppress(CrdbMagicError):
            session.ask(f"SET statement_timeout = '{_PATIENCE}'")
        path = tuple(name for (name,) in _rows(session, _PATH))
        schemas = {oid: name for oid, name in _rows(session, _SCHEMAS) if not name.startswith(_PRIVATE)}
        in_path = [(schemas.get(oid), name) for oid, name in _rows(session, _FUNCTIONS) if schemas.get(oid) in path]
        return DatabaseNames(
            path=path,
            schemas=tuple(sorted(schemas.values())),
            tables=_tables(session, schemas),
            functions=tuple(sorted({name for schema, name in in_path if schema in SYSTEM_SCHEMAS and name[0] != "_"})),
            routines=tuple(sorted({name for schema, name in in_path if schema not in SYSTEM_SCHEMAS})),
            databases=tuple(sorted(name for (name,) in _rows(session, _DATABASES))),
        )
    finally:
        session.close()


def _rows(session: Session, sql: str, most: int = _MOST_TABLES) -> list[tuple[str, ...]]:
    with suppress(CrdbMagicError):
        return [tuple(map(str, row)) for row in session.ask(f"{sql} LIMIT {most}").rows]
    return []


def _tables(session: Session, schemas: Mapping[str, str]) -> tuple[NamedTable, ...]:
    columns, indexes = _columns(session), _indexes(session)
    found = (
        NamedTable(schema, name, KINDS[kind].split()[-1], columns.get(oid, ()), indexes.get((schema, name), ()))
        for oid, place, name, kind in _rows(session, _TABLES)
        if (schema := schemas.get(place))
    )
    return tuple(sorted(found, key=lambda table: (table.schema in SYSTEM_SCHEMAS, table.schema, table.name.lower())))


def _columns(session: Session) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for table, place, name in _rows(session, _COLUMNS, _MOST_COLUMNS):
        if not name.startswith(_HIDDEN):
            found[table].append((int(place), name))
    return {table: tuple(name for _, name in sorted(columns)) for table, columns in found.items()}


def _indexes(session: Session) -> dict[tuple[str, str], tuple[str, ...]]:
    if not session.server.own_words:  # nor is there table@index
        return {}
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for schema, table, name in _rows(session, _INDEXES):
        found[schema, table].append(name)
    return {table: tuple(sorted(names)) for table, names in found.items()}
