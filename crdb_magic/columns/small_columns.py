"""A few texts -> a column of a frame without Arrow's kernels: a call of one costs more than reading ten values.

What is made is what `crdb_magic.columns.frames` makes of many, value for value; a type that is not here goes that way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from crdb_magic.values.decode import decoder
from crdb_magic.values.typemap import Family, SqlType

Texts = Sequence[str | None]


def column(type_: SqlType, texts: Texts) -> Any:
    """Make a list (of objects) or an array of pandas; None if it has to be made as of many.

    Raise `ValueError` or `OverflowError` if a text does not have the form of its type.
    """
    make = None if type_.lenient else _MAKERS.get(type_.family)
    return make(type_, texts) if make else None


def _objects(type_: SqlType, texts: Texts) -> Any:
    decode = decoder(type_)
    return [None if text is None else decode(text) for text in texts]


def _json(type_: SqlType, texts: Texts) -> Any:
    decode = decoder(type_)
    return [pd.NA if text is None else decode(text) for text in texts]


def _masked(kind: Any, dtype: Any) -> Callable[[SqlType, Texts], Any]:
    def make(type_: SqlType, texts: Texts) -> Any:
        decode = decoder(type_)
        values = np.array([0 if text is None else decode(text) for text in texts], dtype)
        return kind(values, np.array([text is None for text in texts], bool))

    return make


def _instant(type_: SqlType, texts: Texts) -> Any:
    read = _IN_UTC[type_.family].fullmatch
    found = [None if text is None else read(text) for text in texts]
    if found.count(None) > texts.count(None):
        return None
    instants = np.array([one and one[1] for one in found], "datetime64[us]")
    return instants if type_.family is Family.TIMESTAMP else UTC.__from_arrow__(pa.array(instants)).copy()


def _text(_: SqlType, texts: Texts) -> Any:
    return STR.__from_arrow__(pa.array(texts, pa.large_string()))


UTC: Any = pd.DatetimeTZDtype("us", "UTC")
STR: Any = pd.StringDtype(na_value=np.nan)  # "str", the dtype that pandas gives to text by itself
_IN_UTC = {
    Family.TIMESTAMP: re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?)", re.ASCII),
    Family.TIMESTAMPTZ: re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?)\+00", re.ASCII),
}
_OBJECTS = (Family.DECIMAL, Family.DATE, Family.TIME, Family.TIMETZ, Family.UUID, Family.BYTES)
_MAKERS: dict[Family, Callable[[SqlType, Texts], Any]] = {
    Family.BOOL: _masked(pd.arrays.BooleanArray, np.bool_),
    Family.INT2: _masked(pd.arrays.IntegerArray, np.int16),
    Family.INT4: _masked(pd.arrays.IntegerArray, np.int32),
    Family.INT8: _masked(pd.arrays.IntegerArray, np.int64),
    Family.FLOAT8: _masked(pd.arrays.FloatingArray, np.float64),
    Family.TIMESTAMP: _instant,
    Family.TIMESTAMPTZ: _instant,
    Family.TEXT: _text,
    Family.JSON: _json,
    **dict.fromkeys(_OBJECTS, _objects),
}
