"""Types that only the server's catalogue knows: enums, domains, extensions. Asked once per OID, then remembered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby

from crdb_magic.columns.results import Column
from crdb_magic.errors import ConnectionFailedError, StatementError
from crdb_magic.session.driver import Connection
from crdb_magic.session.reading import Columns
from crdb_magic.session.translation import translated
from crdb_magic.values.typemap import CatalogRow, Family, SqlType, from_catalog, lookup, text_like

OF_TYPES = """
SELECT t.oid, t.typname, t.typtype, t.typarray, t.typelem, t.typbasetype, e.enumlabel
FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_enum e ON e.enumtypid = t.oid
WHERE t.oid IN ({}) ORDER BY t.oid, e.enumsortorder
"""

_HEADINGS = 256  # of results whose columns are remembered


class Catalog:
    """The types of one database, by OID."""

    def __init__(self) -> None:
        self._found: dict[int, SqlType] = {}
        self._columns: dict[Columns, tuple[Column, ...]] = {}

    def columns(self, connection: Connection, columns: Columns) -> tuple[Column, ...]:
        """Give columns with their types; those of the last results are remembered."""
        known = self._columns.get(columns)
        if known is None:
            types = self.resolve(connection, (one.oid for one in columns))
            known = tuple(Column(one.name, _declared(types[one.oid], one.digits), one.style) for one in columns)
            if self._unknown(connection, types):  # asked again with the next result
                return known
            self._columns = {**self._columns, columns: known} if len(self._columns) < _HEADINGS else {columns: known}
        return known

    def resolve(self, connection: Connection, oids: Iterable[int]) -> dict[int, SqlType]:
        """Give the type of each OID, asking the server for those seen for the first time.

        It is asked outside of the transaction, after its end. What can't be found out is handed on as text, this
        time: a committed result is not lost for the name of a type.
        """
        oids = set(oids)
        if unknown := self._unknown(connection, oids):
            self._found |= _ask(connection, unknown)
        return {oid: self._known(connection, oid) or text_like(f"oid {oid}", oid) for oid in oids}

    def _unknown(self, connection: Connection, oids: Iterable[int]) -> set[int]:
        return {oid for oid in oids if self._known(connection, oid) is None}

    def _known(self, connection: Connection, oid: int) -> SqlType | None:
        return lookup(oid, cockroach=connection.server.is_cockroachdb) or self._found.get(oid)


def _declared(type_: SqlType, digits: tuple[int, int] | None) -> SqlType:
    return replace(type_, digits=digits) if digits and type_.family is Family.DECIMAL else type_


def _ask(connection: Connection, oids: set[int]) -> dict[int, SqlType]:
    cockroach = connection.server.is_cockroachdb
    rows: dict[int, CatalogRow] = {}
    missing = oids
    try:
        with translated(connection):
            while missing:
                found = _rows(connection, missing)
                rows |= {row.oid: row for row in found}
                referred = {oid for row in found for oid in (row.element_oid, row.base_oid) if oid}
                missing = {oid for oid in referred - rows.keys() if lookup(oid, cockroach=cockroach) is None}
    except (StatementError, ConnectionFailedError):  # but a recording that has it not has another answer
        return {}
    return from_catalog(rows.values(), cockroach=cockroach)


def _rows(connection: Connection, oids: set[int]) -> list[CatalogRow]:
    with connection.cursor() as cursor:
        cursor.execute(OF_TYPES.format(", ".join(map(str, sorted(oids)))))
        groups = groupby(cursor.fetchall(), key=lambda row: row[:6])
        return [CatalogRow._make((*head, tuple(row[6] for row in rows if row[6] is not None))) for head, rows in groups]
