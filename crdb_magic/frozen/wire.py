"""The messages of PostgreSQL's protocol that a server sends, and a socket that is read message by message.

Their formats: https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from crdb_magic.columns.arrow import Batch, as_array, bytes_of
from crdb_magic.frozen.events import RecordedColumn

CANCEL, TLS, GSS = 80877102, 80877103, 80877104
"""What the first message of a connection may ask for, besides a session."""

QUERY, END = b"Q", b"X"
COPY_DATA, COPY_DONE = b"d", b"c"
_SHORTEST_START, _LONGEST_START = 8, 10_000  # bytes, as PostgreSQL has it (MAX_STARTUP_PACKET_LENGTH)


class FrontendMessage(NamedTuple):
    """A message of a client: its kind, none of the first one."""

    kind: bytes
    body: bytes


class Wire:
    """A client's socket."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._file = connected.makefile("rb")

    def close(self) -> None:
        """Close it."""
        self._file.close()
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self._socket.sendall(data)

    def first(self) -> tuple[int, bytes]:
        """Wait for the first message: its code, and what follows; raises EOFError."""
        length, code = struct.unpack(">ii", self._read(_SHORTEST_START))
        if not _SHORTEST_START <= length <= _LONGEST_START:
            raise EOFError
        return code, self._read(length - _SHORTEST_START)

    def next(self) -> FrontendMessage:
        """Wait for the next message; raises EOFError at the end."""
        kind, length = struct.unpack(">ci", self._read(5))
        return FrontendMessage(kind, self._read(length - 4))

    def _read(self, count: int) -> bytes:
        data = self._file.read(count)
        if len(data) < count:
            raise EOFError
        return data


def message(kind: bytes, body: bytes = b"") -> bytes:
    """Make a message."""
    return kind + struct.pack(">i", len(body) + 4) + body


def _text(text: str) -> bytes:
    return text.encode() + b"\0"


AUTHENTICATED = message(b"R", struct.pack(">i", 0))
PASSWORD = message(b"R", struct.pack(">i", 3))
EMPTY = message(b"I")
COPY_IN = message(b"G", struct.pack(">bh", 0, 0))
COPIED = message(COPY_DONE)


def parameter(name: str, value: str) -> bytes:
    """Tell a parameter of the server."""
    return message(b"S", _text(name) + _text(value))


def key() -> bytes:
    """Give the key by which a statement could be cancelled: none is."""
    return message(b"K", struct.pack(">ii", 0, 0))


def ready(status: bytes) -> bytes:
    """Say that the next query may come: outside of a transaction (I), within one (T), in one that failed (E)."""
    return message(b"Z", status)


def complete(tag: str) -> bytes:
    """Say that a statement is done."""
    return message(b"C", _text(tag))


def _fields(fields: Mapping[str, str]) -> bytes:
    return b"".join(code.encode() + _text(value) for code, value in fields.items()) + b"\0"


def error(fields: Mapping[str, str]) -> bytes:
    """Refuse, by the codes of the fields; https://www.postgresql.org/docs/current/protocol-error-fields.html."""
    return message(b"E", _fields({"S": "ERROR", "V": "ERROR", **fields}))


def notice(fields: Mapping[str, str]) -> bytes:
    """Say something besides."""
    return message(b"N", _fields(fields))


def heading(columns: Sequence[RecordedColumn]) -> bytes:
    """Describe the columns of the rows to come: of no table, as text."""
    described = (
        _text(one.name) + struct.pack(">ihihih", 0, 0, _signed(one.oid), _size(one), one.modifier, 0) for one in columns
    )
    return message(b"T", struct.pack(">h", len(columns)) + b"".join(described))


SIZES = {
    16: 1, 18: 1, 19: 64, 20: 8, 21: 2, 23: 4, 26: 4, 700: 4, 701: 8,  # BOOL "char" NAME, integers, OID, floats
    1082: 4, 1083: 8, 1114: 8, 1184: 8, 1186: 16, 1266: 12, 2950: 16,  # DATE TIME TIMESTAMP(TZ) INTERVAL TIMETZ UUID
}  # fmt: skip
"""The lengths of types in PostgreSQL, by OID (pg_type.typlen); other types' differ from value to value."""


def _size(column: RecordedColumn) -> int:
    """Give the length of a column's type; of another than PostgreSQL's the modifier tells, as of a declared one."""
    return SIZES.get(column.oid, -1) if column.modifier == -1 else -1


def _signed(oid: int) -> int:
    return oid - (1 << 32) if oid >= 1 << 31 else oid


def copy_out(columns: int) -> bytes:
    """Say that lines of text follow."""
    return message(b"H", struct.pack(f">bh{columns}h", 0, columns, *[0] * columns))


def copied(lines: bytes) -> bytes:
    """Send lines."""
    return message(COPY_DATA, lines)


def empty_rows(count: int) -> bytes:
    """Send rows without columns."""
    return message(b"D", struct.pack(">h", 0)) * count


def rows(batch: Batch) -> bytes:
    """Send the rows of a batch, one message each; they are made by Arrow's kernels, without an object a cell."""
    pieces = [piece for column in batch for piece in _cell(pa.array(as_array(column), pa.string()))]
    joined = pc.binary_join_element_wise(*pieces, b"")
    count = pa.scalar(struct.pack(">h", len(batch)), pa.binary())
    lengths = _numbers(pc.binary_length(joined).to_numpy(zero_copy_only=False) + 6)
    kind = pa.scalar(b"D", pa.binary())
    _, data = bytes_of(pc.binary_join_element_wise(kind, lengths, count, joined, b""))
    return bytes(data)


def _cell(texts: Any) -> tuple[Any, Any]:
    """Give the lengths of a column's texts, -1 for NULL, and the texts."""
    values = texts.cast(pa.binary())
    lengths = pc.fill_null(pc.binary_length(values), -1)
    return _numbers(lengths.to_numpy(zero_copy_only=False)), pc.fill_null(values, b"")


def _numbers(numbers: Any) -> Any:
    """Spell numbers as the protocol does, in four bytes each."""
    spelled = pa.py_buffer(np.ascontiguousarray(numbers, ">i4").tobytes())
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(4), len(numbers), [None, spelled]).cast(pa.binary())
