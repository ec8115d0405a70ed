"""A result -> a DataFrame, column by column.

The dtype of a column follows from its SQL type and, where that can be, not from its rows: see `_MAKERS`. A column is
cast as a whole by Arrow; what Arrow does not read goes through the decoders of `crdb_magic.values.decode`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api.internals import create_dataframe_from_blocks

from crdb_magic.columns import few, intervals
from crdb_magic.columns.arrow import TEXT, Array, cast
from crdb_magic.columns.collector import paused
from crdb_magic.columns.objects import Finish, as_read, objects, strings, with_decimals
from crdb_magic.columns.results import Result
from crdb_magic.columns.tables import arrow_column, by_kernel
from crdb_magic.core.options import Choice
from crdb_magic.values.decode import Interval, interval
from crdb_magic.values.typemap import Family, SqlType

Arrays = Sequence[Array]
Values = Any  # a list or an array of objects, another array, or an extension array of pandas
Maker = Callable[[SqlType, Arrays], Values]


class Backend(Choice):
    """What the columns of a DataFrame are made of."""

    NUMPY = "numpy"
    ARROW = "arrow"

    @property
    def finish(self) -> Finish:
        """What is best done with each batch of a large result while the next one comes."""
        return with_decimals if self is Backend.NUMPY else as_read


def to_frame(result: Result, backend: Backend = Backend.NUMPY) -> pd.DataFrame:
    """Make a DataFrame with a column for each column and a row for each row of the result.

    A name that comes twice is numbered (``id``, ``id_1``). With NumPy, JSON, arrays, DECIMAL, UUID, DATE, TIME and
    BYTES are Python objects; with Arrow they are Arrow's types, but JSON and UUID are exact texts.
    NULL is `pandas.NA` or ``NaT`` where the dtype has one, ``None`` among objects, but `pandas.NA` in JSON, whose own
    null is ``None``. NaN is not NULL: it stays a value.
    Raise `ResultTypeError` for a column in a style that is not read; a text that does not have the form of its type
    stays text, which an `ExactTextWarning` says.
    """
    with paused():
        made = result.each_of_few(few.column, _values) if backend is Backend.NUMPY else result.each(_arrow_values)
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


def _text(_: SqlType, arrays: Arrays) -> Values:
    return few.STR.__from_arrow__(pa.chunked_array([array.cast(pa.large_string()) for array in arrays]))


def _typed(type_: SqlType, arrays: Arrays) -> Any:
    """Make one chunked array of the family's type; raise `pyarrow.ArrowTypeError` for exact texts among the values."""
    return pa.chunked_array(by_kernel(type_, arrays))


def _masked(type_: SqlType, arrays: Arrays) -> Values:
    typed = _typed(type_, arrays)
    values = (typed.fill_null(_ZERO.cast(typed.type)) if typed.null_count else typed).to_numpy()
    mask = typed.is_null().to_numpy() if typed.null_count else np.zeros(len(typed), bool)
    return _MASKED[type_.family](values if values.flags.writeable else values.copy(), mask)


def _instant(type_: SqlType, arrays: Arrays) -> Values:
    try:
        typed = _typed(type_, arrays)
        values = typed.to_numpy() if type_.family is Family.TIMESTAMP else few.UTC.__from_arrow__(typed)
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
    values = arrow_column(_shown(type_), arrays)
    if values.type in _MONTHS:  # pandas does not know it well
        return (_python_values if type_.element else _interval)(type_, arrays)
    return pd.arrays.ArrowExtensionArray(values)


def _shown(type_: SqlType) -> SqlType:
    """Make texts of UUID and JSON, also in arrays: pandas can hardly sort, group or show Arrow's extension types."""
    if type_.element:
        return replace(type_, element=_shown(type_.element))
    return replace(type_, family=Family.TEXT) if type_.family in {Family.UUID, Family.JSON} else type_


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
}
