"""What a way of reading made of the types, beside the values that the table was filled from.

A value is kept if it is equal and of the same kind: a whole number an ``int``, a DECIMAL a ``Decimal``, an instant
a ``datetime`` with its zone, a UUID a ``UUID`` or its 16 bytes, JSON parsed, an array a list (or a numpy array) of
values that are kept. NULL is None, NA, NaT or NaN. Only the values are looked at: a column of objects is as good.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import isnan
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.frames.tables import Column

Kept = Callable[[Any, Any], bool]

SAMPLE = 1000  # rows that are compared


def _equal(kind: type) -> Kept:
    return lambda got, truth: type(got) is kind and got == truth


def _instant(got: Any, truth: Any) -> bool:
    return isinstance(got, datetime) and got == truth  # False if one has a zone and the other has none


def _interval(got: Any, truth: timedelta) -> bool:
    if isinstance(got, pa.MonthDayNano):
        months, days, nanoseconds = got
        return months == 0 and timedelta(days=days, microseconds=nanoseconds / 1000) == truth
    if isinstance(got, pd.DateOffset):  # what pyarrow makes of the same for pandas
        return datetime(2000, 1, 1) + got == datetime(2000, 1, 1) + truth
    return isinstance(got, timedelta) and got == truth


def _list(got: Any, truth: list[Any]) -> bool:
    return isinstance(got, list) and got == truth and [*map(type, got)] == [*map(type, truth)]


_KEPT: dict[str, Kept] = {
    "INT2": _equal(int),
    "INT4": _equal(int),
    "INT8": _equal(int),
    "FLOAT8": _equal(float),
    "DECIMAL": _equal(Decimal),
    "TEXT": _equal(str),
    "VARCHAR": _equal(str),
    "BOOL": _equal(bool),
    "BYTEA": _equal(bytes),
    "DATE": _equal(date),
    "TIME": _equal(time),
    "TIMESTAMP": _instant,
    "TIMESTAMPTZ": _instant,
    "INTERVAL": _interval,
    "UUID": lambda got, truth: got in (truth, truth.bytes),
    "JSONB": _equal(dict),
    "INT8[]": _list,
    "TEXT[]": _list,
}


def losses(columns: Sequence[Column], got: Mapping[str, Sequence[Any]], truth: Mapping[str, Sequence[Any]]) -> str:
    """Say what became of the columns' types: "DECIMAL → float64; UUID, JSONB → text", or "none"."""
    found: dict[str, list[str]] = {}
    for column in columns:
        pairs = zip(got[column.name], truth[column.name], strict=True)
        for became in dict.fromkeys(_loss(column, _plain(value), true) for value, true in pairs):
            if became and column.label not in found.setdefault(became, []):
                found[became].append(column.label)
    return "; ".join(f"{', '.join(labels)} → {became}" for became, labels in found.items()) or "none"


def _loss(column: Column, got: Any, truth: Any) -> str:
    if truth is None or _is_null(got):
        return "" if truth is None and _is_null(got) else "value for NULL" if truth is None else "NULL"
    return "" if _KEPT[column.type](got, truth) else _became(got, truth)


def _became(got: Any, truth: Any) -> str:
    """Name what came instead."""
    if isinstance(got, float) and not isinstance(truth, float):
        return "float64, rounded" if isinstance(truth, int) and got != truth else "float64"
    if isinstance(got, datetime) and type(truth) is date:
        return "timestamp"
    if isinstance(got, datetime) and isinstance(truth, datetime) and bool(got.tzinfo) != bool(truth.tzinfo):
        return "timestamp with a zone" if got.tzinfo else "timestamp without a zone"
    if isinstance(got, str) and not isinstance(truth, str):
        return "text"
    return "another value" if isinstance(got, type(truth)) else type(got).__name__


def _is_null(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and isnan(value))


def _plain(value: Any) -> Any:
    """Take a value out of numpy."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def first_rows(result: Any) -> dict[str, list[Any]]:
    """Give the sample of a result, by column: of a DataFrame of pandas, a Table of pyarrow, a DataFrame of polars."""
    if isinstance(result, pa.Table):
        table = result.sort_by("id").slice(0, SAMPLE)
        return {name: table[name].to_pylist() for name in table.column_names}
    if isinstance(result, pd.DataFrame):
        frame = result.sort_values("id").head(SAMPLE)
        return {name: frame[name].tolist() for name in frame.columns}
    sample: dict[str, list[Any]] = result.sort("id").head(SAMPLE).to_dict(as_series=False)
    return sample
