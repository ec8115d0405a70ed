"""The server's texts -> Arrow arrays, a column of a batch at a time, by Arrow's kernels alone: no Python object a cell.

A batch is some rows of a result, column by column. Its texts become typed where a kernel of Arrow reads all of
them exactly, and stay as they are where not: `tables` and `frames` beside go on from there.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from crdb_magic.columns import intervals
from crdb_magic.values.typemap import Family, SqlType

Array = Any  # pyarrow comes without types
Cells = Array | tuple[str | None, ...] | list[Any]
"""A column of a batch: an array; of a few rows a tuple of texts; a list of Decimals, made while the next rows came."""

Batch = tuple[Cells, ...]

FEW = 20  # rows
TEXT = pa.string()
_UNCHECKED = pa.binary()
NO_TEXTS = pa.array([], TEXT)

KERNELS = {
    Family.BOOL: pa.bool_(),
    Family.INT2: pa.int16(),
    Family.INT4: pa.int32(),
    Family.INT8: pa.int64(),
    Family.FLOAT4: pa.float32(),
    Family.FLOAT8: pa.float64(),
    Family.DATE: pa.date32(),
    Family.TIME: pa.time64("us"),
    Family.TIMESTAMP: pa.timestamp("us"),
    Family.TIMESTAMPTZ: pa.timestamp("us", "UTC"),
    Family.INTERVAL: intervals.CALENDAR,
}
"""The families whose texts a kernel of Arrow casts, and to what."""

_PARSED = {family: KERNELS[family] for family in (Family.BOOL, Family.INT2, Family.INT4, Family.INT8)}
"""Those that the reader of CSV casts by itself: in a quarter less time, and no value of theirs stays a text."""


def from_rows(rows: Sequence[Sequence[bytes | str | None]]) -> Batch:
    """Make a batch of rows of texts, one at least; of a few rows a tuple a column, which is faster than an array."""
    columns = zip(*rows, strict=True)
    if len(rows) > FEW:  # what is UTF-8 is checked by a kernel: half as long as value by value
        return tuple(pa.array(column, _UNCHECKED).cast(TEXT) for column in columns)
    return tuple(tuple(one.decode() if isinstance(one, bytes) else one for one in column) for column in columns)


def as_array(cells: Cells) -> Array:
    """Make an array of a column of a batch, if it is none: of texts, or of the texts of Decimals."""
    if isinstance(cells, list):
        cells = tuple(None if one is None else str(one) for one in cells)
    return pa.array(cells, TEXT) if isinstance(cells, tuple) else cells


def from_csv(chunk: bytes, types: Sequence[SqlType]) -> Batch:
    """Make a batch of whole lines of CSV as the servers write it, its columns cast as `typed` does.

    NULL is nothing, an empty text is quoted. Raise `pyarrow.ArrowInvalid` if a line has not a column for each type.
    """
    kinds, texts = [_PARSED.get(type_.family, TEXT) for type_ in types], [TEXT] * len(types)
    try:
        batch = _parsed(chunk, kinds)
    except pa.ArrowInvalid:
        if kinds == texts:
            raise
        batch = _parsed(chunk, texts)
    return typed(types, batch)


def _parsed(chunk: bytes, kinds: Sequence[Any]) -> Batch:
    names = [str(place) for place in range(len(kinds))]
    if chunk.startswith(BOM_UTF8):  # the reader takes one away, and this one is of a text
        chunk = BOM_UTF8 + chunk
    table = csv.read_csv(
        pa.BufferReader(chunk),
        # One block: the reader may not part it, and a reader of one block needs no threads.
        read_options=csv.ReadOptions(column_names=names, use_threads=False, block_size=len(chunk) + 1),
        parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=csv.ConvertOptions(
            check_utf8=not chunk.isascii(),  # most often it is, and that is seen at once
            column_types=dict(zip(names, kinds, strict=True)),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        ),
    )
    return tuple(joined(column.chunks, kind) for column, kind in zip(table.columns, kinds, strict=True))


def typed(types: Iterable[SqlType], batch: Batch) -> Batch:
    """Cast the columns of a batch; one that holds a text that no kernel reads stays as texts."""
    pairs = zip(types, batch, strict=True)
    return tuple(cast(type_, unpadded(type_.oid, as_array(texts))) for type_, texts in pairs)


_CHAR, _CHARS = 1042, 1014  # OIDs
PADDED = frozenset({_CHAR, _CHARS})


def unpadded(oid: int, texts: Cells) -> Any:
    """Take away the blanks that fill a CHAR(n) up, which are no part of the value: some ways have them, some have not.

    PostgreSQL sends them always, CockroachDB by SELECT, but not by COPY or within arrays.
    """
    if oid not in PADDED:
        return texts
    if isinstance(texts, tuple):
        return tuple(unpadded(oid, as_array(texts)).to_pylist())
    if oid == _CHAR:
        return pc.utf8_rtrim(texts, " ")
    return pc.replace_substring_regex(texts, ' +"', '"')  # a quote behind a blank is never escaped, nor does it open


def cast(type_: SqlType, texts: Array) -> Array:
    """Cast an array of texts to the type of its family in `KERNELS`; give it back if that can't be done exactly."""
    kind = KERNELS.get(type_.family)
    if kind is None or texts.type != TEXT:
        return texts
    try:
        return _KERNELS.get(type_.family, _by_kernel)(texts, kind)
    except pa.ArrowInvalid:
        return texts


def bytes_of(texts: Array) -> tuple[Any, Any]:
    """Give the places where the texts begin and end, and the bytes of all of them, as arrays of NumPy's."""
    _, offsets, data = texts.buffers()
    places = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return places - places[0], np.frombuffer(data or b"", np.uint8)[places[0] : places[-1]]


def joined(arrays: Sequence[Array], kind: Any) -> Array:
    """Make one array of several of one type."""
    return arrays[0] if len(arrays) == 1 else pa.concat_arrays(arrays) if arrays else pa.array([], kind)


def _by_kernel(texts: Array, kind: Any) -> Array:
    return texts.cast(kind)


def _bool(texts: Array, kind: Any) -> Array:
    codes = pc.index_in(texts, value_set=_FALSE_TRUE)
    if codes.null_count != texts.null_count:
        raise pa.ArrowInvalid("neither t nor f")
    return codes.cast(kind)


def _time(texts: Array, kind: Any) -> Array:  # there is no kernel from texts to times
    return pc.binary_join_element_wise(_ANY_DAY, texts, " ").cast(KERNELS[Family.TIMESTAMP]).cast(kind)


def _instant(texts: Array, kind: Any) -> Array:
    """Cast to instants in UTC, where one may be in the year 10000 that is in 9999 elsewhere."""
    instants = texts.cast(kind)
    ends = pc.min_max(instants)
    if instants.null_count < len(instants) and not _FIRST <= ends["min"].value <= ends["max"].value <= _LAST:
        raise pa.ArrowInvalid("a year that Python does not have")
    return instants


_FALSE_TRUE = pa.array(["f", "t"])
_ANY_DAY = pa.scalar("1970-01-01")
_FIRST, _LAST = (
    pa.scalar(end.replace(tzinfo=UTC), KERNELS[Family.TIMESTAMPTZ]).value for end in (datetime.min, datetime.max)
)
_KERNELS: dict[Family, Callable[[Array, Any], Array]] = {
    Family.BOOL: _bool,
    Family.TIME: _time,
    Family.TIMESTAMPTZ: _instant,
    Family.INTERVAL: lambda texts, _: intervals.calendar(texts),
}
