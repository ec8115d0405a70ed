"""A result -> a `pyarrow.Table`: each column of the Arrow type that holds its values exactly, else of their texts."""

from __future__ import annotations

import binascii
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from crdb_magic.columns import intervals
from crdb_magic.columns.arrow import KERNELS, TEXT, Array, as_array, bytes_of, cast
from crdb_magic.columns.nested import split
from crdb_magic.columns.objects import HEX, decoded
from crdb_magic.columns.results import Result
from crdb_magic.values.decode import Interval
from crdb_magic.values.typemap import Family, SqlType

Chunks = Sequence[Array]
Maker = Callable[[SqlType, Chunks], list[Array]]

CANNOT = (pa.ArrowException, ValueError, OverflowError)


def to_arrow(result: Result) -> pa.Table:
    """Make a table with a column for each column of the result, named as those of `to_frame`.

    A column with a value that its Arrow type does not hold (an infinite date, a NaN among decimals, an array of two
    dimensions) is of the server's exact texts, but with instants in UTC. DECIMAL has the largest scale of its values.
    """
    if not result.columns:  # pyarrow tells how many rows there are of nothing by a column alone
        return pa.table({"": pa.nulls(0 if result.columns is None else result.row_count)}).select([])
    return pa.table(result.each(arrow_column), names=result.names)


def arrow_column(type_: SqlType, chunks: Chunks) -> Any:
    """Make the `pyarrow.ChunkedArray` of one column of texts, or of what was cast from them."""
    return pa.chunked_array(_arrays(type_, [as_array(chunk) for chunk in chunks]))


def with_texts(type_: SqlType) -> SqlType:
    """Make texts of UUID and JSON, also in arrays: others can hardly sort, group or show Arrow's extension types."""
    if type_.element:
        return replace(type_, element=with_texts(type_.element))
    return replace(type_, family=Family.TEXT) if type_.family in {Family.UUID, Family.JSON} else type_


def _arrays(type_: SqlType, chunks: Chunks) -> list[Array]:
    """Make arrays of one type of a column's chunks."""
    try:
        return _MAKERS.get(type_.family, _texts)(type_, chunks)
    except CANNOT:
        return _texts(type_, chunks)


def _texts(type_: SqlType, chunks: Chunks) -> list[Array]:
    return [_text(type_, chunk) for chunk in chunks]


def _text(type_: SqlType, chunk: Array) -> Array:
    if chunk.type != TEXT:
        return spelled(chunk)
    if type_.family is not Family.TIMESTAMPTZ:
        return chunk
    # In UTC, whatever the time zone of the session: so are those that a kernel cast, and forgot how they were written.
    instants = [None if isinstance(value, str) else value for value in decoded(type_, chunk)]
    return pc.coalesce(spelled(pa.array(instants, KERNELS[type_.family])), chunk)


def spelled(typed: Array) -> Array:
    """Give the texts of what a kernel cast, as the server spells them."""
    if typed.type == intervals.CALENDAR:
        return pa.array(intervals.values(typed, lambda *parts: str(Interval(*parts))), TEXT)
    zoned = typed.type == KERNELS[Family.TIMESTAMPTZ]
    texts = (typed.cast(KERNELS[Family.TIMESTAMP]) if zoned else typed).cast(TEXT)  # 20 times as fast without its zone
    if pa.types.is_timestamp(typed.type) or pa.types.is_time(typed.type):  # Arrow writes all six digits
        texts = pc.ascii_rtrim(pc.ascii_rtrim(texts, "0"), ".")
    return pc.binary_join_element_wise(texts, "+00", "") if zoned else texts


def by_kernel(type_: SqlType, chunks: Chunks) -> list[Array]:
    """Make arrays of the type that the family has in `KERNELS`.

    Raise `ValueError` for a text of another form, `pyarrow.ArrowTypeError` for a value that only its text holds.
    """
    kind = KERNELS[type_.family]
    arrays = (cast(type_, chunk) for chunk in chunks)
    return [pa.array(decoded(type_, array), kind) if array.type == TEXT else array for array in arrays]


_SPECIAL = "[A-Za-z]"  # NaN, Infinity, and CockroachDB's 1E+10
_SIZES = 38, 76  # how many digits decimal128 and decimal256 hold


def _decimal(type_: SqlType, chunks: Chunks) -> list[Array]:
    if type_.digits and type_.digits[0] <= max(_SIZES):
        kind = _decimal_kind(*type_.digits)
    else:
        digits, scale = digits_of(chunks)
        kind = _decimal_kind(next((size for size in _SIZES if digits <= size), digits), scale)
    return [chunk.cast(kind) for chunk in chunks]


def _decimal_kind(digits: int, scale: int) -> Any:
    """Give Arrow's type for so many digits in all and so many behind the point; raise ValueError beyond 76."""
    return pa.decimal128(digits, scale) if digits <= _SIZES[0] else pa.decimal256(digits, scale)


def digits_of(chunks: Chunks) -> tuple[int, int]:
    """Count the digits of decimals' texts, in all and behind the point; raise `ValueError` for NaN and Infinity."""
    whole, scale = (max(sizes) for sizes in zip(*map(_digits, chunks), strict=True))
    return whole + scale, scale


def _digits(texts: Array) -> tuple[int, int]:
    """Count the digits before and behind the point, at most; raise `ValueError` for what is no finite number."""
    if pc.any(pc.match_substring_regex(texts, _SPECIAL)).as_py():
        before, behind = zip(*map(_written_out, texts.drop_null().to_pylist()), strict=True)
        return max(before), max(behind)
    texts = pc.utf8_ltrim(texts, "-0")
    length, point = pc.binary_length(texts), pc.find_substring(texts, ".")
    has_point = pc.greater_equal(point, 0)
    whole = pc.max(pc.if_else(has_point, point, length)).as_py() or 0
    return whole, pc.max(pc.if_else(has_point, pc.subtract(pc.subtract(length, point), 1), 0)).as_py() or 0


def _written_out(text: str) -> tuple[int, int]:
    number = Decimal(text)
    exponent = int(number.as_tuple().exponent)  # ValueError: that of NaN and Infinity is a letter
    return max(number.adjusted() + 1, 0) if number else 0, max(-exponent, 0)


def _each(make: Callable[[SqlType, Array], Array]) -> Maker:
    """Make an array of each chunk by itself."""
    return lambda type_, chunks: [make(type_, chunk) for chunk in chunks]


def _bytes(type_: SqlType, texts: Array) -> Array:
    if pc.all(pc.starts_with(texts, HEX)).as_py() is False:
        return pa.array(decoded(type_, texts), pa.binary())
    return _from_hex(pc.utf8_slice_codeunits(texts, len(HEX)))


def _from_hex(digits: Array) -> Array:
    places, data = bytes_of(pc.fill_null(digits, ""))  # a NULL may have bytes behind it
    if (places % 2).any():
        raise ValueError("half of a byte")
    buffers = (places // 2, binascii.unhexlify(data))
    valid = digits.is_valid().buffers()[1]
    return pa.Array.from_buffers(pa.binary(), len(digits), [valid, *map(pa.py_buffer, buffers)])


def _uuid(_: SqlType, texts: Array) -> Array:
    bytes_ = _from_hex(pc.replace_substring(texts, "-", ""))
    return pa.ExtensionArray.from_storage(pa.uuid(), bytes_.cast(pa.binary(16)))


def _json(_: SqlType, texts: Array) -> Array:
    return pa.ExtensionArray.from_storage(pa.json_(TEXT), texts)


def _enum(type_: SqlType, chunks: Chunks) -> list[Array]:
    labels = pa.array(type_.labels, TEXT)
    codes = [pc.index_in(chunk, value_set=labels) for chunk in chunks]
    if any(code.null_count != chunk.null_count for code, chunk in zip(codes, chunks, strict=True)):
        raise ValueError("a label that the type did not have yet")
    return [pa.DictionaryArray.from_arrays(code, labels, ordered=True) for code in codes]


def _interval(type_: SqlType, chunks: Chunks) -> list[Array]:
    calendars = [cast(type_, chunk) for chunk in chunks]
    if any(one.type == TEXT for one in calendars):
        raise ValueError("an interval that Arrow does not hold")
    with suppress(pa.ArrowInvalid):
        return [intervals.duration(one) for one in calendars]
    return calendars


def _list(type_: SqlType, chunks: Chunks) -> list[Array]:
    lists = [_split(type_, chunk) for chunk in chunks]
    values = _arrays(type_.element or _FLOAT4, [one.values for one in lists])
    return [
        pa.ListArray.from_arrays(one.offsets, items, mask=chunk.is_null())
        for one, items, chunk in zip(lists, values, chunks, strict=True)
    ]


def _split(type_: SqlType, texts: Array) -> Array:
    lists = split(type_, texts)
    if lists is None:
        raise ValueError("an array of more dimensions")
    return lists


_FLOAT4 = SqlType("FLOAT4", 0, 0, Family.FLOAT4, "REAL")  # what a VECTOR is made of
_MAKERS: dict[Family, Maker] = {  # all others are texts
    **dict.fromkeys(KERNELS, by_kernel),
    Family.DECIMAL: _decimal,
    Family.BYTES: _each(_bytes),
    Family.GEO: _each(lambda _, texts: _from_hex(texts)),
    Family.UUID: _each(_uuid),
    Family.JSON: _each(_json),
    Family.ENUM: _enum,
    Family.INTERVAL: _interval,
    Family.ARRAY: _list,
    Family.VECTOR: _list,
}
