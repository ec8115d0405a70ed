"""Texts -> Python values, a column of a batch at a time; what the fast ways do not read goes through the decoders."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, InvalidOperation
from itertools import pairwise
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from crdb_magic.columns import intervals
from crdb_magic.columns.arrow import TEXT, Array, Batch, Cells, cast
from crdb_magic.columns.nested import split
from crdb_magic.values.decode import decoder, span
from crdb_magic.values.typemap import Family, SqlType


def objects(type_: SqlType, array: Array) -> list[Any]:
    """Make a list of Python values of texts, or of what was cast from them; NULL is None.

    Raise `ValueError` if a text does not have the form of its type.
    """
    if not array.null_count:
        return _present(type_, array)
    values = iter(_present(type_, array.drop_null()))
    return [next(values) if valid else None for valid in array.is_valid().to_pylist()]


def as_read(_: Sequence[SqlType], batch: Batch) -> Batch:
    """Leave a batch as it was read."""
    return batch


def with_decimals(types: Sequence[SqlType], batch: Batch) -> Batch:
    """Make the Decimals of a batch while the server sends the next: 1,000,000 x 6 in 0.57 s instead of 0.78.

    Only them: of other objects a batch takes so long that the server has to wait for us, and nothing is gained.
    """
    return tuple(
        _perhaps(type_, array) if type_.family is Family.DECIMAL else array
        for type_, array in zip(types, batch, strict=True)
    )


def _perhaps(type_: SqlType, array: Array) -> Cells:
    with suppress(ValueError):  # what is wrong shows when the frame is made
        return objects(type_, array)
    return array


def decoded(type_: SqlType, texts: Array) -> list[Any]:
    """Make a list of Python values by the decoder of the type, one by one."""
    decode = decoder(type_)
    return [None if text is None else decode(text) for text in strings(texts)]


def strings(texts: Array) -> list[Any]:
    """Make a list of Python strings."""
    values: list[Any] = texts.to_numpy(zero_copy_only=False).tolist()
    return values


def _present(type_: SqlType, array: Array) -> list[Any]:
    array = cast(type_, array)
    if array.type == pa.float32():  # the number that the shortest text of a FLOAT4 names, not the nearest one in binary
        array = array.cast(TEXT).cast(pa.float64())
    if array.type != TEXT:
        return _from_typed(array)
    fast = _FAST.get(type_.family)
    if fast:
        with suppress(ValueError, ArithmeticError, RecursionError):  # the decoder knows what is allowed besides
            return fast(type_, array)
    return decoded(type_, array)


def _from_typed(array: Array) -> list[Any]:
    """Make Python values of a typed array without NULL."""
    kind = array.type
    if kind == intervals.CALENDAR:
        return intervals.values(array, span)
    if pa.types.is_time(kind):
        return list(array.to_pandas())
    values = array.to_numpy(zero_copy_only=False).tolist()
    return [value.replace(tzinfo=UTC) for value in values] if pa.types.is_timestamp(kind) and kind.tz else values


def _each(make: Callable[[str], Any]) -> Fast:
    return lambda _, texts: list(map(make, strings(texts)))


HEX = "\\x"


def _bytes(_: SqlType, texts: Array) -> list[Any]:
    values = strings(texts)
    if not all(value.startswith(HEX) for value in values):
        raise ValueError("not in hexadecimal form")
    return [bytes.fromhex(value[2:]) for value in values]


# A number that a float may not hold as it is written, and what is no JSON.
_RISKY_JSON = r"[0-9.]{17}|[0-9][eE]|NaN|Infinity"
_read_json = json.JSONDecoder().decode


def _json(_: SqlType, texts: Array) -> list[Any]:
    """Read all texts as one: half the time goes into calls otherwise."""
    if pc.any(pc.match_substring_regex(texts, _RISKY_JSON)).as_py():
        raise ValueError("numbers that need a Decimal")
    values: list[Any] = _read_json(f"[{','.join(strings(texts))}]")
    if len(values) != len(texts):
        raise ValueError("more than one JSON value")
    return values


def _lists(type_: SqlType, texts: Array) -> list[Any]:
    lists = split(type_, texts)
    if lists is None:
        raise ValueError("more than one dimension")
    values = objects(type_.element, lists.values) if type_.element else list(map(float, strings(lists.values)))
    return [values[start:end] for start, end in pairwise(lists.offsets.to_pylist())]


_EXACT = Context(prec=MAX_PREC, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[InvalidOperation])

Finish = Callable[[Sequence[SqlType], Batch], Batch]
Fast = Callable[[SqlType, Array], list[Any]]
_FAST: dict[Family, Fast] = {
    Family.TEXT: _each(str),
    Family.DECIMAL: _each(_EXACT.create_decimal),  # faster than Decimal itself
    Family.UUID: _each(UUID),
    Family.BYTES: _bytes,
    Family.GEO: _each(bytes.fromhex),
    Family.JSON: _json,
    Family.ARRAY: _lists,
    Family.VECTOR: _lists,
}
