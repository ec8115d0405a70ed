"""Brings the rows of a statement back as batches, by a plain SELECT or by COPY, cast while the next ones come.

COPY sends the same texts as SELECT, and they get here without a Python object each; but it tells no types, and takes
two messages more. So it is for large results. Both happen inside of the attempt: an error discards all that was read.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from crdb_magic.core.arrow import Batch, from_csv, from_rows, typed
from crdb_magic.core.collector import paused
from crdb_magic.core.typemap import SqlType, lookup, text_like
from crdb_magic.session.driver import Connection, Cursor, text_cursor

Columns = tuple[tuple[str, int], ...]  # a name and a type's OID each
Put = Callable[..., None]

ROWS = 20_000  # of a batch of a plain SELECT
BYTES = 1 << 20  # of a batch of COPY; measured for 1,000,000 x 6: 0.39 s, with a quarter of it 0.51, with 4 MB 0.42
_AHEAD = 8  # batches that may wait to be cast


def columns_of(cursor: Cursor) -> Columns:
    """Give the columns that a cursor's statement has."""
    return tuple((column.name, column.type_code) for column in cursor.description or ())


def fetch(cursor: Cursor) -> tuple[Batch, ...]:
    """Fetch all rows of a plain statement that was executed; a few are not cast, which a frame does as fast."""
    columns = columns_of(cursor)
    rows = cursor.fetchmany(ROWS) if columns else []
    if len(rows) < ROWS:
        return (from_rows(rows),) if rows else ()
    with paused(), _in_thread(_cast, known_types(cursor.connection, columns)) as (put, batches):
        while rows:
            put(from_rows(rows))
            rows = cursor.fetchmany(ROWS)
    return tuple(batches)


def can_copy(connection: Connection) -> bool:
    """Whether a query can be read by COPY: its texts come as they are in the connection's encoding."""
    return connection.server.copy_to and connection.utf8


def copy(connection: Connection, query: str, columns: Columns) -> tuple[Batch, ...]:
    """Read all rows of a query by COPY."""
    with _in_thread(_parse, known_types(connection, columns)) as (put, batches):
        copy_to(connection, query, put)
    return tuple(batches)


def copy_to(connection: Connection, query: str, put: Callable[[bytes], None]) -> None:
    """Hand on the rows of a query as CSV, in pieces of whole lines."""
    lines = io.BufferedWriter(_Lines(put), BYTES)
    with text_cursor(connection) as cursor:
        cursor.copy_expert(f"COPY (\n{query}\n) TO STDOUT (FORMAT csv)", lines)
    lines.flush()


def known_types(connection: Connection, columns: Columns) -> list[SqlType]:
    """Give the types that can be told without asking the server, texts for all others."""
    cockroach = connection.server.is_cockroachdb
    return [lookup(oid, cockroach=cockroach) or text_like("", oid) for _, oid in columns]


def _cast(types: Sequence[SqlType], batch: Batch) -> Batch:
    return typed(types, batch)


def _parse(types: Sequence[SqlType], chunk: bytes) -> Batch:
    return typed(types, from_csv(chunk, len(types)))


@contextmanager
def _in_thread(make: Callable[..., Batch], *fixed: Any) -> Iterator[tuple[Put, list[Batch]]]:
    """Give a function that has batches made in a thread, and the list where they are, in order, at the end."""
    waiting: list[Future[Batch]] = []
    made: list[Batch] = []

    def put(raw: Any) -> None:
        waiting.append(thread.submit(make, *fixed, raw))
        if len(waiting) > _AHEAD:
            made.append(waiting.pop(0).result())

    with ThreadPoolExecutor(1, "crdb_magic casts") as thread:
        yield put, made
        made += [batch.result() for batch in waiting]


class _Lines(io.RawIOBase):
    """Takes what the buffer before it writes, and hands it on where a line ends.

    psycopg2 writes line by line, and the buffer parts nothing that was written at once; but that is nobody's promise.
    """

    def __init__(self, put: Callable[[bytes], None]) -> None:
        self._put = put
        self._rest = b""

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        data = self._rest + bytes(piece)
        whole = data.endswith(b"\n") and data.count(b'"') % 2 == 0  # else the newline may stand within a value
        self._rest = b"" if whole else data
        if whole:
            self._put(data)
        return len(piece)
