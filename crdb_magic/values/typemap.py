"""The one type table, as data: what each type OID means, and how its type is spelt and decoded.

The OIDs that CockroachDB and PostgreSQL share are those of PostgreSQL's ``pg_type.dat``; 90000 and above are
CockroachDB's own (``pkg/sql/oidext``). The type of an enum, of a domain or of an extension has another OID in
each database: `from_catalog` makes those from rows of ``pg_type``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import NamedTuple


class Family(Enum):
    """Types that share one Python value and one column type; it decides how a value is decoded."""

    BOOL = auto()
    INT2 = auto()
    INT4 = auto()
    INT8 = auto()
    FLOAT4 = auto()
    FLOAT8 = auto()
    DECIMAL = auto()
    TEXT = auto()
    BYTES = auto()
    DATE = auto()
    TIME = auto()
    TIMETZ = auto()
    TIMESTAMP = auto()
    TIMESTAMPTZ = auto()
    INTERVAL = auto()
    UUID = auto()
    JSON = auto()
    GEO = auto()
    VECTOR = auto()
    ENUM = auto()
    ARRAY = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class SqlType:
    """One type of the server.

    ``name`` is CockroachDB's spelling, ``ddl`` one that CockroachDB and PostgreSQL both understand and that holds
    every value of the type. ``array_oid`` is 0 where there is no array of it. ``element`` is there for arrays only,
    ``labels`` (in their declared order) for enums only, ``digits`` (all of them, and those behind the point) for a
    DECIMAL column that was declared with them. In a ``lenient`` one a text of another form is its own value.
    """

    name: str
    oid: int
    array_oid: int
    family: Family
    ddl: str
    element: SqlType | None = None
    labels: tuple[str, ...] = ()
    digits: tuple[int, int] | None = None
    lenient: bool = False


class CatalogRow(NamedTuple):
    """One row of ``pg_type``, with the labels of ``pg_enum`` in their order; 0 where an OID does not apply."""

    oid: int
    name: str
    kind: str  # typtype: b base, e enum, d domain, c composite, r range, m multirange, p pseudo
    array_oid: int = 0
    element_oid: int = 0
    base_oid: int = 0
    labels: tuple[str, ...] = ()


def array_of(element: SqlType, oid: int | None = None) -> SqlType:
    """Make the type of the arrays of ``element``; ``oid`` if the element does not know it."""
    known = element.array_oid if oid is None else oid
    return SqlType(f"{element.name}[]", known, 0, Family.ARRAY, f"{element.ddl}[]", element)


def quoted(identifier: str) -> str:
    """Quote an identifier."""
    return '"' + identifier.replace('"', '""') + '"'


def enum(name: str, oid: int, labels: Iterable[str], array_oid: int = 0) -> SqlType:
    """Make the type of an enum; ``labels`` in their declared order."""
    return SqlType(name, oid, array_oid, Family.ENUM, quoted(name), labels=tuple(labels))


def text_like(name: str, oid: int, array_oid: int = 0) -> SqlType:
    """Make a type of which only the name is known: its values are handed on as the server's exact text."""
    return SqlType(name, oid, array_oid, Family.TEXT, "TEXT")


def decimal_modifier(digits: int, scale: int) -> int:
    """Write what a DECIMAL is declared with as ``atttypmod`` (PostgreSQL's src/backend/utils/adt/numeric.c)."""
    return (digits << 16 | scale & _SCALE) + _BEFORE_MODIFIER


def decimal_digits(modifier: int) -> tuple[int, int]:
    """Read what `decimal_modifier` writes; the scale has a sign from PostgreSQL 15 on."""
    code = modifier - _BEFORE_MODIFIER
    return code >> 16, (code & _SCALE ^ _SIGN) - _SIGN


_BEFORE_MODIFIER = 4  # VARHDRSZ
_SCALE, _SIGN = 0x7FF, 0x400


def lookup(oid: int, *, cockroach: bool = True) -> SqlType | None:
    """Find a built-in type, or the array of one; None if the catalog has to be asked.

    ``cockroach=False`` leaves out CockroachDB's own OIDs: PostgreSQL gives the same numbers to the types that its
    users make (16384 and above).
    """
    return None if oid >= _FIRST_USER_OID and not cockroach else _BY_OID.get(oid)


def from_catalog(rows: Iterable[CatalogRow], *, cockroach: bool = True) -> dict[int, SqlType]:
    """Make the types that rows of ``pg_type`` describe, and the arrays of them, by OID.

    The rows should hold what they refer to (an array's element, a domain's base) unless `lookup` knows it.
    Enums, arrays and domains become what they are, an extension's types what `_BY_NAME` knows; all others
    (composites, ranges, hstore, …) are exact text, and so is what refers to a row that is missing.
    """
    catalog = {row.oid: row for row in rows}
    types = {oid: _resolve(oid, catalog, cockroach=cockroach) for oid in catalog}
    arrays = {type_.array_oid: array_of(type_) for type_ in types.values() if type_.array_oid}
    return arrays | types


def _resolve(oid: int, catalog: Mapping[int, CatalogRow], *, cockroach: bool) -> SqlType:
    known = lookup(oid, cockroach=cockroach)
    if known or oid not in catalog:
        return known or text_like(f"oid {oid}", oid)
    row = catalog[oid]
    if row.kind == "e":
        return enum(row.name, oid, row.labels, row.array_oid)
    if row.kind == "d":
        base = _resolve(row.base_oid, catalog, cockroach=cockroach)
        return replace(base, name=row.name, oid=oid, array_oid=row.array_oid)
    if row.element_oid and not row.array_oid:  # NAME and POINT have elements as well, but also arrays of themselves
        return array_of(_resolve(row.element_oid, catalog, cockroach=cockroach), oid)
    known = _BY_NAME.get(row.name) if row.kind == "b" else None
    if known:
        return replace(known, oid=oid, array_oid=row.array_oid)
    return text_like(row.name, oid, row.array_oid)


_FIRST_USER_OID = 16384

_F = Family

# A length that is not known is not made up: CHAR and BIT would mean one character and one bit.
BUILTIN = tuple(
    SqlType(*row)
    for row in (
        ("BOOL", 16, 1000, _F.BOOL, "BOOL"),
        ("INT8", 20, 1016, _F.INT8, "BIGINT"),
        ("INT4", 23, 1007, _F.INT4, "INT4"),  # INTEGER is INT8 on CockroachDB
        ("INT2", 21, 1005, _F.INT2, "SMALLINT"),
        ("FLOAT8", 701, 1022, _F.FLOAT8, "DOUBLE PRECISION"),
        ("FLOAT4", 700, 1021, _F.FLOAT4, "REAL"),
        ("DECIMAL", 1700, 1231, _F.DECIMAL, "DECIMAL"),
        ("STRING", 25, 1009, _F.TEXT, "TEXT"),
        ("VARCHAR", 1043, 1015, _F.TEXT, "VARCHAR"),
        ("CHAR", 1042, 1014, _F.TEXT, "TEXT"),
        ('"char"', 18, 1002, _F.TEXT, '"char"'),
        ("NAME", 19, 1003, _F.TEXT, "NAME"),
        ("BYTES", 17, 1001, _F.BYTES, "BYTEA"),
        ("DATE", 1082, 1182, _F.DATE, "DATE"),
        ("TIME", 1083, 1183, _F.TIME, "TIME"),
        ("TIMETZ", 1266, 1270, _F.TIMETZ, "TIMETZ"),
        ("TIMESTAMP", 1114, 1115, _F.TIMESTAMP, "TIMESTAMP"),
        ("TIMESTAMPTZ", 1184, 1185, _F.TIMESTAMPTZ, "TIMESTAMPTZ"),
        ("INTERVAL", 1186, 1187, _F.INTERVAL, "INTERVAL"),
        ("BIT", 1560, 1561, _F.TEXT, "VARBIT"),
        ("VARBIT", 1562, 1563, _F.TEXT, "VARBIT"),
        ("INET", 869, 1041, _F.TEXT, "INET"),
        ("UUID", 2950, 2951, _F.UUID, "UUID"),
        ("JSONB", 3802, 3807, _F.JSON, "JSONB"),
        ("JSON", 114, 199, _F.JSON, "JSON"),  # PostgreSQL's; on CockroachDB another name of JSONB
        ("JSONPATH", 4072, 4073, _F.TEXT, "JSONPATH"),  # v25.2
        ("TSVECTOR", 3614, 3643, _F.TEXT, "TSVECTOR"),  # v23.1
        ("TSQUERY", 3615, 3645, _F.TEXT, "TSQUERY"),  # v23.1
        ("RECORD", 2249, 2287, _F.TEXT, "TEXT"),
        ("VOID", 2278, 0, _F.TEXT, "TEXT"),
        ("UNKNOWN", 705, 0, _F.UNKNOWN, "TEXT"),
        ("OID", 26, 1028, _F.INT8, "OID"),
        ("REGCLASS", 2205, 2210, _F.TEXT, "REGCLASS"),
        ("REGTYPE", 2206, 2211, _F.TEXT, "REGTYPE"),
        ("REGPROC", 24, 1008, _F.TEXT, "REGPROC"),
        ("REGPROCEDURE", 2202, 2207, _F.TEXT, "REGPROCEDURE"),
        ("REGNAMESPACE", 4089, 4090, _F.TEXT, "REGNAMESPACE"),
        ("REGROLE", 4096, 4097, _F.TEXT, "REGROLE"),
        ("INT2VECTOR", 22, 1006, _F.TEXT, "INT2VECTOR"),
        ("OIDVECTOR", 30, 1013, _F.TEXT, "OIDVECTOR"),
        ("GEOMETRY", 90000, 90001, _F.GEO, "GEOMETRY"),
        ("GEOGRAPHY", 90002, 90003, _F.GEO, "GEOGRAPHY"),
        ("BOX2D", 90004, 90005, _F.TEXT, "BOX2D"),
        ("VECTOR", 90006, 90007, _F.VECTOR, "VECTOR"),  # v24.2
        ("CITEXT", 90008, 90009, _F.TEXT, "CITEXT"),  # v25.3
        ("LTREE", 90010, 90011, _F.TEXT, "LTREE"),  # v25.4
    )
)

_BY_OID = {type_.oid: type_ for type_ in BUILTIN}
_BY_OID |= {type_.array_oid: array_of(type_) for type_ in BUILTIN if type_.array_oid}
_BY_OID[1020] = text_like("BOX[]", 1020)  # PostgreSQL's only array whose elements are not parted by a comma

# Built in on CockroachDB, extensions of PostgreSQL (PostGIS, pgvector, …): the same text, another OID in each database.
_BY_NAME = {type_.name.lower(): type_ for type_ in BUILTIN if type_.oid >= _FIRST_USER_OID}
