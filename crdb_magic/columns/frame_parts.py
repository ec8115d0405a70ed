"""A DataFrame -> columns and parts of CSV as the server would send them, had the frame been a table of it.

So its file is what `%crdb_export` of a query makes, by the same code, and reads back the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from crdb_magic.columns.arrow import TEXT, Array
from crdb_magic.columns.encode import CHUNK_ROWS, Load
from crdb_magic.columns.lines import csv_of
from crdb_magic.columns.results import Column
from crdb_magic.columns.tables import digits_of, spelled
from crdb_magic.values.typemap import Family, SqlType


class FrameParts:
    """The content of a DataFrame without its index; raises :class:`crdb_magic.errors.InputError` as writing it does."""

    def __init__(self, frame: pd.DataFrame) -> None:
        load = Load.of(frame)
        self.rows, self._table = load.rows, load.table
        self.columns = tuple(
            Column(column.name, _with_digits(type_, self._table.column(column.name)))
            for column, type_ in zip(load.columns, load.types, strict=True)
        )

    def __iter__(self) -> Iterator[bytes]:
        for batch in self._table.to_batches(max_chunksize=CHUNK_ROWS):
            columns = zip(self.columns, batch.columns, strict=True)
            yield csv_of(tuple(_texts(column.type, array) for column, array in columns))


def _with_digits(type_: SqlType, column: Any) -> SqlType:
    """Give a DECIMAL the digits of all of its values, which a frame knows and a query does not; NaN has none."""
    if type_.family is Family.DECIMAL and not type_.digits:
        with suppress(ValueError):
            return replace(type_, digits=digits_of([chunk.cast(TEXT) for chunk in column.chunks]))
    return type_


def _texts(type_: SqlType, array: Array) -> Array:
    """Spell values as the server does."""
    if types.is_boolean(array.type):
        return pc.if_else(array, "t", "f")
    if type_.family is Family.FLOAT4:  # whose shortest text is that of 32 bits
        array = array.cast(pa.float32())
    if not types.is_floating(array.type):
        return spelled(array) if types.is_temporal(array.type) else array.cast(TEXT)
    texts = array.cast(TEXT)
    for ours, theirs in _SPECIAL:
        texts = pc.replace_substring(texts, ours, theirs)
    return texts


_SPECIAL: Sequence[tuple[str, str]] = (("nan", "NaN"), ("inf", "Infinity"))
