"""A result -> a DataFrame, column by column.

The dtype of a column follows from its SQL type and, where that can be, not from its rows: see `_MAKERS`. A column
is cast as a whole by Arrow; what Arrow does not read goes through the decoders of `crdb_magic.core.decode`.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa

from crdb_magic.core.decode import decoder, interval
from crdb_magic.core.results import Column, Result
from crdb_magic.core.typemap import Family, SqlType
from crdb_magic.errors import ResultTypeError

T = TypeVar("T")
Texts = Sequence[str | None]
Values = Any  # a list (it becomes a column of objects) or an extension array of pandas
Maker = Callable[[SqlType, Texts], Values]


def to_frame(result: Result) -> pd.DataFrame:
    """Make a DataFrame with a column for each column and a row for each row of the result.

    A name that comes twice is numbered (``id``, ``id_1``). NULL is `pandas.NA` or ``NaT`` where the dtype has one,
    ``None`` among objects, but `pandas.NA` in JSON, whose own null is ``None``. NaN is not NULL: it stays a value.
    Raise `ResultTypeError` if a text does not have the form of its type.
    """
    index = pd.RangeIndex(len(result.rows))
    with _collector_paused():
        made = [_guarded(_values, column, texts) for column, texts in _columns(result)]
        series = (pd.Series(v, index=index, dtype=object) if isinstance(v, list) else v for v in made)
        data = dict(zip(_names(result.columns or ()), series, strict=True))
        return pd.DataFrame(data, index=index, copy=False)


def records(result: Result) -> list[tuple[Any, ...]]:
    """Make a tuple of Python values of each row; raise `ResultTypeError` as `to_frame` does."""
    with _collector_paused():
        columns = [_guarded(_decoded, column, texts) for column, texts in _columns(result)]
        return list(zip(*columns, strict=True)) if columns else [() for _ in result.rows]


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep the cyclic collector from looking at each new value: JSON and arrays are made in a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _columns(result: Result) -> Iterable[tuple[Column, Texts]]:
    columns = result.columns or ()
    texts = zip(*result.rows, strict=True) if result.rows else [()] * len(columns)
    return zip(columns, texts, strict=True)


def _guarded(make: Callable[[SqlType, Texts], T], column: Column, texts: Texts) -> T:
    try:
        return make(column.type, texts)
    except (ValueError, OverflowError) as error:
        raise ResultTypeError(
            f'Column "{column.name}" holds a text that does not have the form of {column.type.name}.',
            hint="Select the column cast to STRING (on PostgreSQL TEXT) to see what the server sends.",
        ) from error


def _names(columns: Sequence[Column]) -> Iterator[str]:
    """Give each column a name of its own: the server's, or a numbered one that no column has."""
    taken, seen = {column.name for column in columns}, set[str]()
    for position, column in enumerate(columns, start=1):
        name = column.name or f"column{position}"
        if name in (seen if column.name else taken):
            name = next(free for free in (f"{name}_{number}" for number in count(1)) if free not in taken)
        taken.add(name)
        seen.add(name)
        yield name


def _values(type_: SqlType, texts: Texts) -> Values:
    make: Maker = _MAKERS.get(type_.family, _decoded)
    return make(type_, texts)


def _decoded(type_: SqlType, texts: Texts) -> list[Any]:
    decode = decoder(type_)
    return [None if text is None else decode(text) for text in texts]


def _json(type_: SqlType, texts: Texts) -> Values:
    decode = decoder(type_)
    return [pd.NA if text is None else decode(text) for text in texts]


def _text(_: SqlType, texts: Texts) -> Values:
    return _STR.__from_arrow__(pa.array(texts, pa.large_string()))


def _bool(_: SqlType, texts: Texts) -> Values:
    if not _BOOL_CODES.keys() >= set(texts):
        raise ValueError("neither t nor f")
    codes = np.fromiter(map(_BOOL_CODES.__getitem__, texts), np.int8, len(texts))
    return pd.arrays.BooleanArray(codes == _BOOL_CODES["t"], codes == _BOOL_CODES[None])


def _number(type_: SqlType, texts: Texts) -> Values:
    masked, kind = _NUMBERS[type_.family]
    arrow = _cast(type_, texts, kind)
    values = (arrow.fill_null(0) if arrow.null_count else arrow).to_numpy(zero_copy_only=False, writable=True)
    return masked(values, arrow.is_null().to_numpy(zero_copy_only=False))


def _instant(type_: SqlType, texts: Texts) -> Values:
    kind, dtype = _INSTANTS[type_.family]
    try:
        return pd.array(_cast(type_, texts, kind).to_numpy(zero_copy_only=False), dtype=dtype)
    except pa.ArrowTypeError:  # an exact text among the decoded values
        return _decoded(type_, texts)


def _cast(type_: SqlType, texts: Texts, kind: Any) -> Any:
    try:
        return pa.array(texts, pa.string()).cast(kind)
    except pa.ArrowInvalid:  # not one of the forms that Arrow reads
        return pa.array(_decoded(type_, texts), kind)


def _interval(type_: SqlType, texts: Texts) -> Values:
    """Make timedeltas if no interval has months or is infinite or too long, else an `Interval` of each."""
    with suppress(pa.ArrowException):
        values = pa.array(_decoded(type_, texts), pa.duration("us"))
        return pd.array(values.to_numpy(zero_copy_only=False), dtype="timedelta64[us]")
    return [None if text is None else interval(text) for text in texts]


def _enum(type_: SqlType, texts: Texts) -> Values:
    codes = {label: code for code, label in enumerate(type_.labels)} | {None: -1}
    if not codes.keys() >= set(texts):  # a label newer than our knowledge of the type has no place in the order
        return _text(type_, texts)
    dtype = pd.CategoricalDtype(list(type_.labels), ordered=True)
    return pd.Categorical.from_codes([codes[text] for text in texts], dtype=dtype)


_STR: Any = pd.StringDtype(na_value=np.nan)  # "str", the dtype that pandas gives to text by itself
_BOOL_CODES: dict[str | None, int] = {"f": 0, "t": 1, None: 2}
_NUMBERS: dict[Family, tuple[Any, Any]] = {
    Family.INT2: (pd.arrays.IntegerArray, pa.int16()),
    Family.INT4: (pd.arrays.IntegerArray, pa.int32()),
    Family.INT8: (pd.arrays.IntegerArray, pa.int64()),
    Family.FLOAT4: (pd.arrays.FloatingArray, pa.float32()),
    Family.FLOAT8: (pd.arrays.FloatingArray, pa.float64()),
}
_INSTANTS: dict[Family, tuple[Any, Any]] = {
    Family.TIMESTAMP: (pa.timestamp("us"), np.dtype("datetime64[us]")),
    Family.TIMESTAMPTZ: (pa.timestamp("us", "UTC"), pd.DatetimeTZDtype("us", "UTC")),
}
_MAKERS: dict[Family, Maker] = {  # all others are objects
    Family.BOOL: _bool,
    **dict.fromkeys(_NUMBERS, _number),
    **dict.fromkeys(_INSTANTS, _instant),
    Family.TEXT: _text,
    Family.INTERVAL: _interval,
    Family.ENUM: _enum,
    Family.JSON: _json,
}
