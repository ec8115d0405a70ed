"""Golden values, type by type: the server's text, and what becomes of it in each form; the types page is made of them.

A case is one cell. Where a form is not given, it holds the Python value.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from math import inf, nan
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa

from crdb_magic.values.decode import Interval
from crdb_magic.values.typemap import BUILTIN, CatalogRow, SqlType, array_of, enum, from_catalog, lookup

_SAME: Any = object()
_INT32, _INT64 = 2**31 - 1, 2**63 - 1


@dataclass(frozen=True)
class Case:
    """One text and its value: in Python, in an Arrow table, in a DataFrame of NumPy's and of Arrow's columns.

    ``everyday`` is what it is in one of NumPy's columns with ``numbers="float"`` and ``dates="datetime64"``.
    """

    text: str
    value: Any
    table: Any = _SAME
    numpy: Any = _SAME
    arrow: Any = _SAME
    everyday: Any = _SAME

    def __post_init__(self) -> None:
        for form, like in (("table", "value"), ("numpy", "value"), ("arrow", "table"), ("everyday", "numpy")):
            if getattr(self, form) is _SAME:
                object.__setattr__(self, form, getattr(self, like))


@dataclass(frozen=True)
class Golden:
    """A type with its cases: those of its column types, and the odd ones, that make other columns.

    ``sql`` is what to cast the texts to on a server, "" where that makes something else of them.
    """

    type: SqlType
    cases: tuple[Case, ...]
    odd: tuple[Case, ...] = ()
    sql: str = ""

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(case.text for case in self.cases)


def same(*values: Any) -> tuple[Case, ...]:
    """Make cases of texts that are their own values."""
    return tuple(Case(value, value) for value in values)


def decimal(text: str, **forms: Any) -> Case:
    """Make a case of a DECIMAL, whose float is the nearest one."""
    return Case(text, Decimal(text), everyday=float(text), **forms)


def day(text: str, value: date) -> Case:
    """Make a case of a DATE, whose instant is its midnight."""
    return Case(text, value, everyday=datetime(value.year, value.month, value.day))


def in_arrow(text: str, value: Any) -> Case:
    """Make a case whose value is exact text in Arrow's forms alone."""
    return Case(text, value, table=text)


def float4(text: str, value: float) -> Case:
    """Make a case of a value that is the nearest one of 32 bits in columns."""
    nearest = np.float32(value).item()
    return Case(text, value, table=nearest, numpy=nearest)


def months(text: str, value: Interval) -> Case:
    return Case(text, value, table=pa.MonthDayNano(_parts(value)), arrow=value)


def too_long(text: str, value: timedelta | Interval) -> Case:
    """Make a case of an interval that no column of durations holds."""
    whole = value if isinstance(value, Interval) else Interval(0, value.days, value.seconds * 10**6)
    return Case(text, value, table=pa.MonthDayNano(_parts(whole)), numpy=whole, arrow=whole)


def _parts(value: Interval) -> list[int]:
    return [value.months, value.days, value.microseconds * 1000]


SOME = "63616665-6630-3064-6465-616462656566"
POINT = "0101000000000000000000F03F0000000000000040"
_LONG = "1" * 100
_DEEP = "[" * 100_000 + "]" * 100_000

_CASES: dict[str, tuple[tuple[Case, ...], tuple[Case, ...]]] = {
    "BOOL": ((Case("t", True), Case("f", False)), ()),
    "INT8": (
        (
            Case("9223372036854775807", _INT64),
            Case("-9223372036854775808", -_INT64 - 1),
            Case("9007199254740993", 2**53 + 1),
        ),
        (),
    ),
    "INT4": ((Case("2147483647", _INT32), Case("-2147483648", -_INT32 - 1)), ()),
    "INT2": ((Case("32767", 32767), Case("-32768", -32768)), ()),
    "FLOAT8": (
        (
            Case("0.1", 0.1),
            Case("-0", -0.0),
            Case("NaN", nan),
            Case("-Infinity", -inf),
            Case("5e-324", 5e-324),
            Case("1.7976931348623157e+308", 1.7976931348623157e308),
        ),
        (),
    ),
    "FLOAT4": (
        (float4("0.1", 0.1), float4("3.4028235e+38", 3.4028235e38), float4("1e-45", 1e-45), float4("NaN", nan)),
        (),
    ),
    "DECIMAL": (
        (
            decimal("1.50"),
            decimal("-0.00"),
            decimal("1E+10"),
            decimal("12345678901234567890.123456789"),
            decimal("-" + "9" * 38),
            decimal("0." + "1" * 38),
            decimal("1" * 40),
        ),
        (
            decimal("NaN", table="NaN"),
            decimal("-Infinity", table="-Infinity"),
            decimal(_LONG, table=_LONG),
            decimal("1E+100", table="1E+100"),
        ),
    ),
    "STRING": (same("héllo", "", "NULL", "a\r\nb", '"q",\\.', "\ufeffa", "🐓"), ()),
    "VARCHAR": (same("a", ""), ()),
    "CHAR": (same("a"), ()),
    '"char"': (same("a"), ()),
    "NAME": (same("a"), ()),
    "BYTES": ((Case("\\x00ff", b"\x00\xff"), Case("\\x", b"")), ()),
    "DATE": (
        (day("2026-11-23", date(2026, 11, 23)), day("0001-01-01", date.min), day("9999-12-31", date.max)),
        same("infinity", "-infinity", "0044-03-15 BC", "10000-01-01"),
    ),
    "TIME": ((Case("10:11:12.123456", time(10, 11, 12, 123456)), Case("00:00:00", time(0))), same("24:00:00")),
    "TIMETZ": (
        (
            in_arrow("10:11:12.5+03", time(10, 11, 12, 500000, timezone(timedelta(hours=3)))),
            in_arrow("10:00:00-15:59:59", time(10, 0, 0, 0, timezone(-timedelta(hours=15, minutes=59, seconds=59)))),
        ),
        same("24:00:00+03"),
    ),
    "TIMESTAMP": (
        (
            Case("2026-11-23 10:11:12.123456", datetime(2026, 11, 23, 10, 11, 12, 123456)),
            Case("0001-01-01 00:00:00", datetime.min),
            Case("9999-12-31 23:59:59.999999", datetime.max),
        ),
        same("infinity", "-infinity", "0044-03-15 10:00:00 BC", "10000-01-01 00:00:00"),
    ),
    "TIMESTAMPTZ": (
        (
            Case("2026-11-23 10:11:12.5+00", datetime(2026, 11, 23, 10, 11, 12, 500000, UTC)),
            Case("2026-11-23 10:11:12+05:30", datetime(2026, 11, 23, 4, 41, 12, tzinfo=UTC)),
            Case("1800-01-01 00:00:00-00:01:15", datetime(1800, 1, 1, 0, 1, 15, tzinfo=UTC)),
            Case("0001-01-01 00:00:00+00", datetime.min.replace(tzinfo=UTC)),
            Case("9999-12-31 23:59:59.999999+00", datetime.max.replace(tzinfo=UTC)),
        ),
        same(
            "infinity",
            "-infinity",
            "0044-03-15 10:00:00+00 BC",
            "10000-01-01 00:00:00+00",
            "9999-12-31 23:59:59-05",
            "0001-01-01 00:00:00+05",
        ),
    ),
    "INTERVAL": (
        (
            Case("1 day -01:00:00", timedelta(hours=23)),
            Case("-00:00:00.000001", timedelta(microseconds=-1)),
            Case("106751991 days", timedelta(106751991)),
        ),
        (
            months("1 year 2 mons 3 days 04:05:06.789", Interval(14, 3, 14_706_789_000)),
            months("-1 mons +2 days -00:00:01", Interval(-1, 2, -1_000_000)),
            too_long("106751992 days", timedelta(106751992)),
            Case(
                "-106751991 days -04:00:54.775808",
                timedelta(-106751991, -14454, -775808),
                table=pa.MonthDayNano([0, -106751991, -14454775808000]),
                numpy=Interval(0, -106751991, -14454775808),
                arrow=Interval(0, -106751991, -14454775808),
            ),
            *same("infinity", "-infinity"),
        ),
    ),
    "BIT": (same("101"), ()),
    "VARBIT": (same("1011", ""), ()),
    "INET": (same("10.0.0.1/24", "::1"), ()),
    "UUID": ((Case(SOME, UUID(SOME), arrow=SOME),), ()),
    "JSONB": (
        (
            in_arrow('{"a": [1, 2.50, null], "b": "x"}', {"a": [1, 2.5, None], "b": "x"}),
            in_arrow("12345678901234567890123", 12345678901234567890123),
            in_arrow("0.1234567890123456789", Decimal("0.1234567890123456789")),
            in_arrow("0.30000000000000004", 0.30000000000000004),
            in_arrow("[-1.23456789012345, true]", [-1.23456789012345, True]),
            in_arrow('"NaN, é\\n"', "NaN, é\n"),
            in_arrow("null", None),
        ),
        same(_DEEP, "9" * 5000),
    ),
    "JSON": ((in_arrow(' {"a": 1} ', {"a": 1}), in_arrow("[1e400]", [Decimal("1e400")]), in_arrow("1e2", 100.0)), ()),
    "JSONPATH": (same('$."a"'), ()),
    "TSVECTOR": (same("'a':1 'b':2"), ()),
    "TSQUERY": (same("'a' & 'b'"), ()),
    "RECORD": (same('(1,"a,b",)'), ()),
    "VOID": (same(""), ()),
    "UNKNOWN": ((), ()),
    "OID": ((Case("4294967295", 2**32 - 1),), ()),
    "REGCLASS": (same("pg_class"), ()),
    "REGTYPE": (same("bigint"), ()),
    "REGPROC": (same("version"), ()),
    "REGPROCEDURE": (same("version()"), ()),
    "REGNAMESPACE": (same("public"), ()),
    "REGROLE": (same("root"), ()),
    "INT2VECTOR": (same("1 2"), ()),
    "OIDVECTOR": (same("1 2"), ()),
    "GEOMETRY": ((Case(POINT, bytes.fromhex(POINT)),), ()),
    "GEOGRAPHY": ((Case(f"0101000020E6100000{POINT[10:]}", bytes.fromhex(f"0101000020E6100000{POINT[10:]}")),), ()),
    "BOX2D": (same("BOX(1 2,3 4)"), ()),
    "VECTOR": ((Case("[1,2.5,-3e-05]", [1.0, 2.5, -3e-05], table=[1.0, 2.5, np.float32(-3e-05).item()]),), ()),
    "CITEXT": (same("Abc", ""), ()),
    "LTREE": (same("a.B.c"), ()),
}

# What a server makes of the texts of these: the name has another length, or a text is no literal of the type.
_SQL = {"CHAR": "CHAR(1)", "BIT": "BIT(3)"} | dict.fromkeys(
    ("RECORD", "VOID", "UNKNOWN", "REGPROC", "REGPROCEDURE", "REGROLE", "OIDVECTOR", "INT2VECTOR", '"char"'), ""
)


def _arrays(*rows: tuple[str, tuple[Case, ...], tuple[Case, ...]]) -> dict[str, Golden]:
    return {f"{name}[]": Golden(array_of(TYPES[name]), cases, odd, f"{TYPES[name].ddl}[]") for name, cases, odd in rows}


TYPES = {type_.name: type_ for type_ in BUILTIN}
MOOD = enum("mood", 100_100, ["sad", "ok", 'so, "so"'], 100_101)
PORT = from_catalog([CatalogRow(100_200, "port", "d", base_oid=23)])[100_200]
TYPES |= {"ENUM": MOOD, "DOMAIN": PORT}

SCALARS = {
    name: Golden(TYPES[name], cases, odd, _SQL.get(name, TYPES[name].ddl)) for name, (cases, odd) in _CASES.items()
}

ARRAYS = _arrays(
    ("BOOL", (Case("{t,f,NULL}", [True, False, None]), Case("{}", [])), ()),
    (
        "INT8",
        (Case("{9223372036854775807,NULL,-1}", [_INT64, None, -1]), Case("{}", []), Case("{NULL}", [None])),
        (
            Case("{{1,2},{3,NULL}}", [[1, 2], [3, None]], table="{{1,2},{3,NULL}}"),
            Case("[2:3]={5,6}", [5, 6]),
        ),
    ),
    ("FLOAT8", (Case("{1.5,NaN,-Infinity}", [1.5, nan, -inf]),), ()),
    ("DECIMAL", (Case("{1.50,NULL}", [Decimal("1.50"), None]),), (Case("{NaN}", [Decimal("NaN")], table=["NaN"]),)),
    (
        "STRING",
        (
            Case(
                '{"a,b","\\"q\\"",NULL,"NULL","","{}","a\\\\b",é,"null","x\ny"}',
                ["a,b", '"q"', None, "NULL", "", "{}", "a\\b", "é", "null", "x\ny"],
            ),
            Case('{"a b",c}', ["a b", "c"]),
            Case('{""}', [""]),
        ),
        (Case('{{"a,","b"},{"c","{"}}', [["a,", "b"], ["c", "{"]], table='{{"a,","b"},{"c","{"}}'),),
    ),
    ("BYTES", (Case('{"\\\\x00ff","\\\\x"}', [b"\x00\xff", b""]),), ()),
    ("DATE", (Case("{2026-11-23,NULL}", [date(2026, 11, 23), None]),), (Case("{infinity}", ["infinity"]),)),
    ("TIME", (Case("{10:00:00}", [time(10)]),), (Case("{24:00:00}", ["24:00:00"]),)),
    ("TIMESTAMP", (Case('{"2026-11-23 10:11:12"}', [datetime(2026, 11, 23, 10, 11, 12)]),), ()),
    (
        "TIMESTAMPTZ",
        (Case('{"2026-11-23 10:11:12+00",NULL}', [datetime(2026, 11, 23, 10, 11, 12, tzinfo=UTC), None]),),
        (Case("{-infinity}", ["-infinity"]),),
    ),
    (
        "INTERVAL",
        (Case('{"1 day",00:00:01}', [timedelta(1), timedelta(seconds=1)]),),
        (
            Case(
                '{"1 mon -2 days"}',
                [Interval(1, -2, 0)],
                table=[pa.MonthDayNano([1, -2, 0])],
                arrow=[Interval(1, -2, 0)],
            ),
        ),
    ),
    ("UUID", (Case(f"{{{SOME},NULL}}", [UUID(SOME), None], arrow=[SOME, None]),), ()),
    (
        "JSONB",
        (
            Case(
                '{"{\\"a\\": \\"b,c\\"}",NULL,"null",1}',
                [{"a": "b,c"}, None, None, 1],
                table=['{"a": "b,c"}', None, "null", "1"],
            ),
        ),
        (),
    ),
    ("INET", (Case("{10.0.0.1,::1}", ["10.0.0.1", "::1"]),), ()),
    ("GEOMETRY", (Case(f"{{{POINT}:NULL}}", [bytes.fromhex(POINT), None]), Case("{}", [])), ()),
    ("VECTOR", (Case('{"[1,2]"}', [[1.0, 2.0]]),), ()),
    ("ENUM", (Case('{ok,NULL,"so, \\"so\\""}', ["ok", None, 'so, "so"']),), (Case("{euphoric}", ["euphoric"]),)),
)

MADE = {
    "ENUM": Golden(MOOD, same("ok", "sad", 'so, "so"'), same("euphoric"), '"mood"'),
    "DOMAIN": Golden(PORT, (Case("2147483647", _INT32),), (), "port"),
}

GOLDEN = SCALARS | ARRAYS | MADE


def alike(one: Any, other: Any) -> bool:
    """Whether two values are equal, or both the value that equals nothing."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return bool(one == other) or (one != one and other != other)  # noqa: PLR0124 - NaN


def cells(column: pd.Series) -> list[Any]:
    """Give the cells of a column as Python values, what is missing as None: to pandas a `Decimal` of NaN is, too."""
    missing = [False] * len(column) if column.dtype == object else column.isna()
    return [None if absent else _plain(cell) for cell, absent in zip(column, missing, strict=True)]


def _plain(cell: Any) -> Any:
    if isinstance(cell, list | np.ndarray):
        return [_plain(item) for item in cell]
    return None if cell is pd.NA or cell is pd.NaT else cell


def of_oid(oid: int) -> SqlType:
    """Give the built-in type of an OID that has one."""
    type_ = lookup(oid)
    assert type_
    return type_
