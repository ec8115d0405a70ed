"""The workloads: columns, their values, and filling a table with them.

A value follows from its row's number, so that each process knows what it should have read.
"""
# ruff: noqa: S608 - the tables' names are ours

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import UUID

import psycopg2

_CHUNK = 20_000  # rows a COPY
_NULL_EVERY = 97  # rows, where a column has NULLs at all


@dataclass(frozen=True)
class Column:
    """A column: its SQL type, what it holds in a row, and its dtype in a frame that is written."""

    name: str
    sql: str
    value: Callable[[int], Any]
    nullable: bool = False
    dtype: Any = object

    @property
    def type(self) -> str:
        """Give the type without its length, or what else is said of the column."""
        return self.sql.split("(")[0].split(" ")[0]

    @property
    def label(self) -> str:
        """Name it in a report; that it holds NULLs is said where numpy has no place for them."""
        return (
            f"{self.type} with NULL" if self.nullable and self.type in {"INT2", "INT4", "INT8", "BOOL"} else self.type
        )

    def at(self, row: int) -> Any:
        """Give the value in a row."""
        return None if self.nullable and row % _NULL_EVERY == 3 else self.value(row)  # noqa: PLR2004


@dataclass(frozen=True)
class Workload:
    """A table, and how often it is read in one run: the median of the calls counts."""

    name: str
    rows: int
    columns: tuple[Column, ...]
    calls: int = 1

    @property
    def title(self) -> str:
        """Say how large it is."""
        return f"{self.name}: {self.rows:,} rows × {len(self.columns)}"

    @property
    def table(self) -> str:
        """Name its table, which is this command's own."""
        return f"frames_{os.getpid()}_{self.name}_{self.rows}"

    def truth(self, rows: int) -> dict[str, list[Any]]:
        """Give the values of the first rows."""
        return {column.name: [column.at(row) for row in range(min(rows, self.rows))] for column in self.columns}


def select(workload: Workload, table: str, as_text: tuple[str, ...] = ()) -> str:
    """Write the SELECT of all rows, with the columns of some types cast to TEXT."""
    names = (f"{c.name}::TEXT AS {c.name}" if c.type in as_text else c.name for c in workload.columns)
    return f"SELECT {', '.join(names)} FROM {table}"


# The values. Multiplied by a prime and cut off, a row's number is scattered enough.


def _scattered(row: int, below: int) -> int:
    return row * 2_654_435_761 % 4_294_967_291 % below


def _instant(row: int) -> datetime:
    return datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=_scattered(row, 10**8), microseconds=row % 10**6)


def _interval(row: int) -> timedelta:
    return timedelta(days=row % 30, microseconds=_scattered(row, 86_400_000_000))


def _document(row: int) -> dict[str, Any]:
    return {"id": row, "city": _CITIES[row % 6], "tags": ["a", "b"][: row % 3], "paid": row % 2 == 0}


def _text(row: int) -> str:
    return ("", f"it's no. {row}", f'line\n"{row}"\twith a \\', f"Grüße, {row} ✓")[row % 4]


_CITIES = ("Amsterdam", "Zürich", "São Paulo", "New York", "東京", "Oslo")

_NARROW = (
    Column("id", "INT8 PRIMARY KEY", lambda row: row),
    Column("customer", "INT4", lambda row: _scattered(row, 50_000), nullable=True),
    Column("price", "DECIMAL(10,2)", lambda row: Decimal(_scattered(row, 10**7)).scaleb(-2)),
    Column("sold", "TIMESTAMPTZ", _instant),
    Column("city", "TEXT", lambda row: _CITIES[row % 6]),
    Column("paid", "BOOL", lambda row: row % 3 == 0),
)
_MIXED = (
    Column("id", "INT8 PRIMARY KEY", lambda row: row),
    Column("small", "INT2", lambda row: row % 1000, nullable=True),
    Column("medium", "INT4", lambda row: _scattered(row, 10**9), nullable=True),
    Column("large", "INT8", lambda row: 2**53 + 2 * row + 1, nullable=True),  # a float can't hold it
    Column("ratio", "FLOAT8", lambda row: row / 7, nullable=True),
    Column("amount", "DECIMAL(24,12)", lambda row: Decimal(_scattered(row, 10**9) * 10**9 + row).scaleb(-12)),
    Column("note", "TEXT", _text, nullable=True),
    Column("code", "VARCHAR(20)", lambda row: f"code-{row % 500}"),
    Column("city", "TEXT", lambda row: _CITIES[row % 6]),
    Column("born", "DATE", lambda row: date(1950, 1, 1) + timedelta(days=row % 25_000), nullable=True),
    Column("opens", "TIME", lambda row: time(row % 24, row % 60, row % 59, row % 10**6)),
    Column("made", "TIMESTAMP", lambda row: _instant(row).replace(tzinfo=None)),
    Column("seen", "TIMESTAMPTZ", _instant, nullable=True),
    Column("took", "INTERVAL", _interval),
    Column("paid", "BOOL", lambda row: row % 3 == 0, nullable=True),
    Column("key", "UUID", lambda row: UUID(int=row * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128)),
    Column("document", "JSONB", _document, nullable=True),
    Column("numbers", "INT8[]", lambda row: [*range(row, row + row % 5)]),
    Column("words", "TEXT[]", lambda row: ["red", "green, blue", 'a "quote"'][: row % 4]),
    Column("raw", "BYTEA", lambda row: row.to_bytes(8, "big") * 2),
)
_WRITTEN = (
    Column("id", "INT8", lambda row: row, dtype="int64"),
    Column("customer", "INT8", lambda row: _scattered(row, 50_000), nullable=True, dtype="Int64"),
    Column("ratio", "FLOAT8", lambda row: row / 7, dtype="float64"),
    Column("price", "DECIMAL", lambda row: Decimal(_scattered(row, 10**7)).scaleb(-2)),
    Column("note", "TEXT", _text, nullable=True, dtype="str"),
    Column("sold", "TIMESTAMPTZ", _instant, dtype="datetime64[us, UTC]"),
    Column("paid", "BOOL", lambda row: row % 3 == 0, dtype="bool"),
    Column("born", "DATE", lambda row: date(1950, 1, 1) + timedelta(days=row % 25_000)),
)

READ = (
    Workload("narrow", 1_000_000, _NARROW),
    Workload("mixed", 200_000, _MIXED),
    Workload("tiny", 10, _NARROW, calls=300),
)
WRITTEN = Workload("write", 200_000, _WRITTEN)
GROWTH = tuple(Workload("growth", rows, _NARROW) for rows in (100_000, 1_000_000, 3_000_000, 10_000_000))

WORKLOADS = {workload.name: workload for workload in (*READ, WRITTEN, *GROWTH)}  # those that grow differ in rows only


# Filling a table. As COPY's text, the one form in which '' and NULL differ without quotes.


def definition(workload: Workload) -> str:
    """Write the columns as CREATE TABLE wants them."""
    return ", ".join(f"{column.name} {column.sql}" for column in workload.columns)


def fill(url: str, workload: Workload) -> None:
    """Make the table, and fill it."""
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {workload.table} ({definition(workload)})")
        for first in range(0, workload.rows, _CHUNK):
            lines = StringIO("".join(_lines(workload, range(first, min(first + _CHUNK, workload.rows)))))
            cursor.copy_expert(f"COPY {workload.table} FROM STDIN", lines)
        on_cockroachdb = connection.info.parameter_status("crdb_version")
        tidy = "ANALYZE" if on_cockroachdb else "VACUUM ANALYZE"  # else the first to read would do a part of it
        cursor.execute(f"{tidy} {workload.table}")
    connection.close()


def drop(url: str, table: str) -> None:
    """Remove a table, if it is there."""
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {table}")
    connection.close()


def _lines(workload: Workload, rows: range) -> Iterator[str]:
    for row in rows:
        yield "\t".join(_copied(column.at(row)) for column in workload.columns) + "\n"


def _copied(value: Any) -> str:
    return r"\N" if value is None else _TEXTS.get(type(value), str)(value).translate(_ESCAPED)


_ESCAPED = str.maketrans({"\\": r"\\", "\n": r"\n", "\t": r"\t"})
_TEXTS: dict[type, Callable[[Any], str]] = {
    dict: json.dumps,
    list: lambda values: "{" + ",".join(json.dumps(value) for value in values) + "}",
    bytes: lambda value: rf"\x{value.hex()}",
    timedelta: lambda value: f"{value.days} days {value - timedelta(value.days)}",
}
