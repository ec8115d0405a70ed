"""Brings the rows of a statement back: as batches, by SELECT or by COPY, and as lines of CSV, by COPY or by a cursor.

COPY sends the same texts as SELECT, and they get here without a Python object each; but it tells no types, and takes
two messages more. So it is for large results. All happens inside of the attempt: an error discards all that was read.
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

from crdb_magic.columns.arrow import PADDED, Batch, from_csv, from_rows, typed, unpadded
from crdb_magic.columns.collector import paused
from crdb_magic.columns.lines import csv_of
from crdb_magic.columns.objects import Finish
from crdb_magic.columns.results import READ_STYLES
from crdb_magic.session.asking import ask
from crdb_magic.session.driver import Connection, Cursor
from crdb_magic.values.typemap import SqlType, lookup, text_like


class ColumnDescription(NamedTuple):
    """What the server says of a column: its name, its type's OID, the digits that a DECIMAL was declared with.

    ``style`` is the setting that gives its texts a form that is not read, if there is one.
    """

    name: str
    oid: int
    digits: tuple[int, int] | None = None
    style: str = ""


Columns = tuple[ColumnDescription, ...]
T = TypeVar("T")

ROWS = 5_000  # of a batch of a plain SELECT: 0.48 s for 1,000,000 x 6, with 20,000 0.62, with a thread that casts 0.59
BYTES = 1 << 20  # of a batch of COPY; measured for 1,000,000 x 6: 0.39 s, with a quarter of it 0.51, with 4 MB 0.42
_CURSOR = "crdb_magic_rows"
DESCRIBE = "SELECT * FROM (\n", "\n) AS q LIMIT 0"
COPY = "COPY (\n", "\n) TO STDOUT (FORMAT csv)"
DECLARE = f"DECLARE {_CURSOR} CURSOR FOR\n", ""
FETCH = "FETCH FORWARD ", f" FROM {_CURSOR}"
"""What stands before and behind a query that is described, copied or declared; and a number of rows to be fetched."""

_FIRST = 100  # rows
_MOST_DIGITS = 1000
_TOLD = {"datestyle": "DateStyle", "intervalstyle": "IntervalStyle"}  # as the servers spell their parameters
_AHEAD = 8  # batches that may wait to be cast


def columns_of(cursor: Cursor) -> Columns:
    """Give the columns that a cursor's statement has."""
    return tuple(
        ColumnDescription(one.name, one.type_code, digits_of(one), _style(cursor.connection, one.type_code))
        for one in cursor.description or ()
    )


def digits_of(column: Any) -> tuple[int, int] | None:
    """Give the precision and scale of a DECIMAL that has them; psycopg2 says 65535 where it has none."""
    precision, scale = column.precision, column.scale
    return None if precision is None or not scale <= precision <= _MOST_DIGITS else (precision, scale)


_STYLED = {
    **dict.fromkeys((1082, 1182, 1114, 1115, 1184, 1185), "datestyle"),  # DATE, TIMESTAMP, TIMESTAMPTZ and their arrays
    **dict.fromkeys((1186, 1187), "intervalstyle"),
}
_BYTES = frozenset({17, 1001})  # BYTEA and its array
_BASE64 = "base64"  # of CockroachDB alone, which does not tell of it


def _style(connection: Connection, oid: int) -> str:
    """Look at the setting that forms the texts of a type, which the server tells when it changes, but for bytes."""
    if oid in _BYTES:
        return "bytea_output" if _BASE64 in connection.said_of("BYTEA_OUTPUT").lower() else ""
    name = _STYLED.get(oid)
    told = connection.info.parameter_status(_TOLD[name]) if name else None
    return name if name and told and not told.startswith(READ_STYLES[name]) else ""


def fetch(cursor: Cursor, columns: Columns) -> tuple[Batch, ...]:
    """Fetch all rows of a plain statement that was executed; a few are not cast, which a frame does as fast."""
    rows = cursor.fetchmany(ROWS) if columns else []
    if len(rows) < ROWS:
        return (_texts(columns, rows),) if rows else ()
    batches = []
    types = _known_types(cursor.connection, columns)
    with paused():
        while rows:
            batches.append(typed(types, from_rows(rows)))
            rows = cursor.fetchmany(ROWS)
    return tuple(batches)


def _texts(columns: Columns, rows: Sequence[Any]) -> Batch:
    batch = from_rows(rows)
    if PADDED.isdisjoint(one.oid for one in columns):
        return batch
    return tuple(unpadded(one.oid, texts) for one, texts in zip(columns, batch, strict=True))


def can_copy(connection: Connection) -> bool:
    """Whether a query can be read by COPY: its texts come as they are in the connection's encoding."""
    return connection.server.copy_to and connection.utf8


def copies_as_selected(connection: Connection, query: str, oids: Collection[int]) -> bool:
    """Whether COPY sends the texts of a query with columns of these types as SELECT does, but for FLOAT4's digits.

    The OID of a collated string is that of its type: only the plan tells it. A plan that tells no types is no yes.
    """
    if connection.server.copy_as_selected or _PERHAPS_COLLATED.isdisjoint(oids):
        return True
    if _CITEXT in oids:
        return False
    plan = ask(connection, f"EXPLAIN (TYPES) {query}")
    return "columns: (" in plan and "collatedstring{" not in plan


_CITEXT, _FLOAT4 = 90008, 700
_PERHAPS_COLLATED = frozenset({25, 1043, 1042, 18, _CITEXT})  # STRING, VARCHAR, CHAR, "char"


def describe(cursor: Cursor, query: str) -> Columns:
    """Ask what columns a query has; a position in an error's message counts from the query's beginning."""
    try:
        cursor.execute(query.join(DESCRIBE))
    finally:
        cursor.sent_before += len(DESCRIBE[0])
    return columns_of(cursor)


def copy(cursor: Cursor, query: str, columns: Columns, finish: Finish) -> tuple[Batch, ...]:
    """Read all rows of a query by COPY; each batch is cast in a thread and finished here, between the lines."""
    batches: list[Batch] = []
    types = _known_types(cursor.connection, columns)

    def take(batch: Batch) -> None:
        batches.append(finish(types, batch))

    with paused(), in_thread(lambda part: from_csv(part, types), take) as put:
        copy_to(cursor, query, put)
    return tuple(batches)


def copy_to(cursor: Cursor, query: str, put: Callable[[bytes], None]) -> int:
    """Hand on the rows of a query as CSV, in parts of whole lines; give the number of rows."""
    # closed: the buffer would hand on its rest at the end of its life, also after an error
    with LineSplitter(put) as whole:
        lines = io.BufferedWriter(whole, BYTES)
        try:
            cursor.copy_expert(query.join(COPY), lines)
        finally:
            cursor.sent_before = len(COPY[0])
        lines.flush()
    return int(cursor.rowcount)


def lines_to(
    cursor: Cursor, query: str, oids: Collection[int], put: Callable[[bytes], None], *, untyped: bool = False
) -> int:
    """Hand on the rows of a query as CSV, in parts of whole lines; give their number.

    They come by COPY, or by a cursor where there is none or its texts are not those of SELECT. ``untyped`` is for who
    takes the texts as they are, so that the blanks of CHAR and the digits of FLOAT4 in COPY would show.
    """
    shown = untyped and not {*PADDED, _FLOAT4}.isdisjoint(oids)
    copies = can_copy(cursor.connection) and not shown and copies_as_selected(cursor.connection, query, oids)
    return (copy_to if copies else _fetch_to)(cursor, query, put)


def _fetch_to(cursor: Cursor, query: str, put: Callable[[bytes], None]) -> int:
    """Do what `copy_to` does by a cursor of the server's; the parts of the same rows are the same.

    Each is of as many rows as make up its size, as far as those before tell.
    """
    try:
        cursor.execute(query.join(DECLARE))
    finally:
        cursor.sent_before += len(DECLARE[0])
    count, size = 0, _FIRST
    while True:
        cursor.execute(str(size).join(FETCH))
        rows = cursor.fetchall()
        if not rows:
            return count
        part = csv_of(_texts(columns_of(cursor), rows))
        count, size = count + len(rows), max(1, min(ROWS, len(rows) * BYTES // len(part)))
        put(part)


def _known_types(connection: Connection, columns: Columns) -> list[SqlType]:
    """Give the types that can be told without asking the server, texts for all others."""
    cockroach = connection.server.is_cockroachdb
    return [lookup(one.oid, cockroach=cockroach) or text_like("", one.oid) for one in columns]


@contextmanager
def in_thread(make: Callable[[Any], T], take: Callable[[T], None]) -> Iterator[Callable[[Any], None]]:
    """Give a function that hands on what something is made of in a thread; what was made is taken here, in order."""
    waiting: deque[Future[T]] = deque()

    def put(raw: Any) -> None:
        waiting.append(thread.submit(make, raw))
        while waiting and (waiting[0].done() or len(waiting) > _AHEAD):
            take(waiting.popleft().result())

    with ThreadPoolExecutor(1, "crdb_magic parts") as thread:
        yield put
        for made in waiting:
            take(made.result())


class LineSplitter(io.RawIOBase):
    """Takes what the buffer before it writes, and hands it on where a line ends.

    psycopg2 writes line by line, and the buffer parts nothing that was written at once; but that is nobody's promise.
    """

    def __init__(self, put: Callable[[bytes], None]) -> None:
        self._put = put
        self._rest = b""

    def writable(self) -> bool:
        """Tell that it is."""
        return True

    def write(self, piece: Any) -> int:
        """Take what comes."""
        data = self._rest + bytes(piece)
        whole = data.endswith(b"\n") and not _opens(data)  # else the newline may stand within a value
        self._rest = b"" if whole else data
        if whole:
            self._put(data)
        return len(piece)


def _opens(data: bytes) -> bool:
    """Tell whether a quote is open at the end; most data has none, and that is seen far faster than it is counted."""
    return b'"' in data and data.count(b'"') % 2 == 1
