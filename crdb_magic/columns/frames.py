"""A result -> a DataFrame, column by column.

The dtype of a column follows from its SQL type and, where that can be, not from its rows: see `_MAKERS`. A column is
cast as a whole by Arrow; what Arrow does not read goes through the decoders of `crdb_magic.values.decode`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api.internals import create_dataframe_from_blocks

from crdb_magic.columns import intervals, small_columns
from crdb_magic.columns.arrow import KERNELS, TEXT, Array, as_array, cast
from crdb_magic.columns.collector import paused
from crdb_magic.columns.frame_options import EXACT, Backend, FrameOptions
from crdb_magic.columns.nested import split
from crdb_magic.columns.objects import objects, strings
from crdb_magic.columns.results import Result
from crdb_magic.columns.tables import arrow_column, by_kernel, with_texts
from crdb_magic.errors import ExactTextWarning
from crdb_magic.values.decode import Interval, interval
from crdb_magic.values.typemap import Family, SqlType

Arrays = Sequence[Array]  # those of a DECIMAL may be lists of Decimals
Values = Any  # a list or an array of objects, another array, or an extension array of pandas
Maker = Callable[[SqlType, Arrays], Values]


def to_frame(result: Result, options: FrameOptions = EXACT) -> pd.DataFrame:
    """Make a DataFrame with a column for each column and a row for each row of the result.

    A name that comes twice is numbered (``id``, ``id_1``). With NumPy, JSON, arrays, DECIMAL, UUID, DATE, TIME and
    BYTES are Python objects; with Arrow they are Arrow's types, but JSON and UUID are exact texts. With
    ``Numbers.FLOAT`` a DECIMAL is the nearest double, with ``Dates.DATETIME64`` a DATE an instant in microseconds.
    NULL is `pandas.NA` or ``NaT`` where a dtype has it, else ``None``; in JSON and arrays of it `pandas.NA`, whose own
    null is ``None``. NaN is not NULL: it stays a value.
    Raise `ResultTypeError` for a column in a style that is not read; a text that does not have the form of its type
    stays text, and a column of dates that are no instants stays dates: an `ExactTextWarning` says either.
    """
    with paused():
        made = _each(result, options)
        blocks = [(_block(values), np.array([place])) for place, values in enumerate(made)]
    index = pd.RangeIndex(result.row_count if result.columns is not None else 0)
    columns = _labels(result.names).view()  # each frame may give its columns a name
    frame: pd.DataFrame = create_dataframe_from_blocks(blocks, index=index, columns=columns)
    return frame


def records(result: Result) -> list[tuple[Any, ...]]:
    """Make a tuple of Python values of each row; raise `ResultTypeError` as `to_frame` does."""
    with paused():
        columns = result.each(_python_values)
        return list(zip(*columns, strict=True)) if columns else [()] * result.row_count


def _each(result: Result, options: FrameOptions) -> list[Values]:
    many = _values if options.backend is Backend.NUMPY else _arrow_values

    def make(type_: SqlType, arrays: Arrays) -> Values:
        values = _midnights(type_, arrays, options.backend) if options.at_midnight(type_) else None
        return many(options.read_as(type_), arrays) if values is None else values

    def of_few(type_: SqlType, texts: small_columns.Texts) -> Values:
        return None if options.at_midnight(type_) else small_columns.column(options.read_as(type_), texts)

    made = result.each_of_few(of_few, make) if options.backend is Backend.NUMPY else result.each(make)
    for column, values in zip(result.columns or (), made, strict=True):
        if options.at_midnight(column.type) and getattr(values, "dtype", np.dtype(object)).kind != "M":
            _warn_of_dates(column.name)
    return made


def _warn_of_dates(name: str) -> None:
    warnings.warn(
        f'Column "{name}" has a date that does not fit datetime64 '
        "(infinite, or outside the years 1 to 9999); the column stays DATE.",
        ExactTextWarning,
        stacklevel=4,
    )


def _midnights(type_: SqlType, arrays: Arrays, backend: Backend) -> Values | None:
    """Make instants of dates; None if one is none."""
    try:
        days = _typed(type_, arrays)
    except (ValueError, pa.ArrowTypeError):  # exact texts
        return None
    instants = days.cast(KERNELS[Family.TIMESTAMP])
    if backend is Backend.ARROW:
        return pd.arrays.ArrowExtensionArray(instants)
    return instants.to_numpy().copy()


@lru_cache(maxsize=256)
def _labels(names: tuple[str, ...]) -> Any:
    return pd.Index(names) if names else pd.RangeIndex(0)


def _block(values: Values) -> Any:
    """Make what pandas keeps of one column, as it is: a frame of a few rows is made in a quarter of the time."""
    if isinstance(values, list):
        values = np.fromiter(values, object, len(values))
    return values[np.newaxis] if isinstance(values, np.ndarray) else values


def _python_values(type_: SqlType, arrays: Arrays) -> list[Any]:
    made = _made(type_, arrays)
    return made[0] if len(made) == 1 else list(chain.from_iterable(made))


def _made(type_: SqlType, arrays: Arrays) -> list[list[Any]]:
    return [array if isinstance(array, list) else objects(type_, array) for array in arrays]


def _values(type_: SqlType, arrays: Arrays) -> Values:
    make: Maker = _object_array if type_.lenient else _MAKERS.get(type_.family, _object_array)
    return make(type_, arrays)


def _object_array(type_: SqlType, arrays: Arrays) -> Values:
    made = _made(type_, arrays)
    return np.fromiter(chain.from_iterable(made), object, sum(map(len, made)))


def _json(type_: SqlType, arrays: Arrays) -> Values:
    values = _python_values(type_, arrays)
    if any(array.null_count for array in arrays):
        present = np.concatenate([array.is_valid().to_numpy(zero_copy_only=False) for array in arrays])
        return [value if there else pd.NA for value, there in zip(values, present, strict=True)]
    return values


def _lists(type_: SqlType, arrays: Arrays) -> Values:
    """Make lists; in those of JSON too NULL is told from its own null. So it is not in arrays of arrays."""
    values = _object_array(type_, arrays)
    if type_.element and type_.element.family is Family.JSON:
        found = [split(type_, array) for array in arrays]
        if all(lists is not None for lists in found):
            _mark_missing(values, found)
    return values


def _mark_missing(values: Values, found: Sequence[Any]) -> None:
    missing = (pa.ListArray.from_arrays(lists.offsets, lists.values.is_null()).to_pylist() for lists in found)
    for items, marks in zip(values, chain.from_iterable(missing), strict=True):
        for place in (place for place, is_missing in enumerate(marks) if is_missing):
            items[place] = pd.NA


def _text(_: SqlType, arrays: Arrays) -> Values:
    return small_columns.STR.__from_arrow__(pa.chunked_array([array.cast(pa.large_string()) for array in arrays]))


def _typed(type_: SqlType, arrays: Arrays) -> Any:
    """Make one chunked array of the family's type; raise `pyarrow.ArrowTypeError` for exact texts among the values."""
    return pa.chunked_array(by_kernel(type_, [as_array(array) for array in arrays]))


def _masked(type_: SqlType, arrays: Arrays) -> Values:
    typed = _typed(type_, arrays)
    values = (typed.fill_null(_ZERO.cast(typed.type)) if typed.null_count else typed).to_numpy()
    mask = typed.is_null().to_numpy() if typed.null_count else np.zeros(len(typed), bool)
    return _MASKED[type_.family](values if values.flags.writeable else values.copy(), mask)


def _instant(type_: SqlType, arrays: Arrays) -> Values:
    try:
        typed = _typed(type_, arrays)
        values = typed.to_numpy() if type_.family is Family.TIMESTAMP else small_columns.UTC.__from_arrow__(typed)
    except pa.ArrowTypeError:  # an exact text among the decoded values
        return _python_values(type_, arrays)
    return values if values.view("i8").flags.writeable else values.copy()


def _interval(type_: SqlType, arrays: Arrays) -> Values:
    """Make timedeltas if no interval has months or is infinite or too long, else an `Interval` of each."""
    calendars = [cast(type_, array) for array in arrays]
    if all(calendar.type != TEXT for calendar in calendars):
        with suppress(pa.ArrowInvalid):
            durations = pa.chunked_array([intervals.duration(calendar) for calendar in calendars])
            return pd.array(durations.to_numpy(), dtype="timedelta64[us]")
    return [value for calendar in calendars for value in _intervals(calendar)]


def _intervals(array: Array) -> list[Any]:
    if array.type != TEXT:
        return intervals.values(array, Interval)
    return [None if text is None else interval(text) for text in strings(array)]


def _enum(type_: SqlType, arrays: Arrays) -> Values:
    texts = pa.chunked_array(arrays)
    codes = pc.index_in(texts, value_set=pa.array(type_.labels, TEXT))
    if codes.null_count != texts.null_count:  # a label newer than our knowledge of the type has no place in the order
        return _text(type_, arrays)
    dtype = pd.CategoricalDtype(list(type_.labels), ordered=True)
    return pd.Categorical.from_codes(codes.fill_null(-1).to_numpy(), dtype=dtype)


def _arrow_values(type_: SqlType, arrays: Arrays) -> Values:
    values = arrow_column(with_texts(type_), arrays)
    if values.type in _MONTHS:  # pandas does not know it well
        return (_python_values if type_.element else _interval)(type_, arrays)
    return pd.arrays.ArrowExtensionArray(values)


_MONTHS = (pa.month_day_nano_interval(), pa.list_(pa.month_day_nano_interval()))
_ZERO = pa.scalar(0)
_MASKED: dict[Family, Any] = {
    Family.BOOL: pd.arrays.BooleanArray,
    Family.INT2: pd.arrays.IntegerArray,
    Family.INT4: pd.arrays.IntegerArray,
    Family.INT8: pd.arrays.IntegerArray,
    Family.FLOAT4: pd.arrays.FloatingArray,
    Family.FLOAT8: pd.arrays.FloatingArray,
}
_MAKERS: dict[Family, Maker] = {  # all others are objects
    **dict.fromkeys(_MASKED, _masked),
    Family.TIMESTAMP: _instant,
    Family.TIMESTAMPTZ: _instant,
    Family.TEXT: _text,
    Family.INTERVAL: _interval,
    Family.ENUM: _enum,
    Family.JSON: _json,
    Family.ARRAY: _lists,
}
