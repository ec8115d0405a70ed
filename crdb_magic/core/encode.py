"""A DataFrame -> the columns of a table and the chunks of CSV that fill it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import csv, types

from crdb_magic.core.typemap import lookup
from crdb_magic.errors import InputError

CHUNK_ROWS = 20_000  # measured: larger ones are no faster, smaller ones are (reference: 0.67 s for 200,000 x 8)

# The first test that an Arrow type passes gives the OID of the SQL type that holds all of its values.
_OIDS: tuple[tuple[Callable[[Any], bool], int], ...] = (
    (types.is_boolean, 16),
    (types.is_uint64, 1700),
    (types.is_integer, 20),
    (types.is_floating, 701),
    (types.is_decimal, 1700),
    (types.is_string, 25),
    (types.is_large_string, 25),
    (types.is_null, 25),
    (types.is_date, 1082),
    (types.is_time, 1083),
    (lambda kind: types.is_timestamp(kind) and kind.tz is not None, 1184),
    (types.is_timestamp, 1114),
)


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column to be: its name, and its type spelt so that both servers understand it."""

    name: str
    ddl: str


@dataclass(frozen=True, slots=True)
class Load:
    """The content of a DataFrame, ready to be copied into a table as often as it takes."""

    columns: tuple[TableColumn, ...]
    table: Any

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Load:
        """Take a DataFrame without its index; raises :class:`InputError` for a column that has no SQL type."""
        try:
            table = pa.Table.from_pandas(frame, preserve_index=False)
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise InputError(f"A column holds values of several types: {error.args[-1]}.") from error
        table = pa.table([_plain(column) for column in table.columns], names=[str(name) for name in frame.columns])
        return cls(tuple(TableColumn(field.name, _ddl(field)) for field in table.schema), table)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self.table.num_rows)

    def chunks(self) -> Iterator[tuple[int, BytesIO]]:
        """Give the rows as CSV, some at a time: their number and the text. NULL is nothing, '' is quoted."""
        options = csv.WriteOptions(include_header=False)
        for batch in self.table.to_batches(max_chunksize=CHUNK_ROWS):
            buffer = BytesIO()
            csv.write_csv(batch, buffer, options)
            buffer.seek(0)
            yield batch.num_rows, buffer


def _plain(column: Any) -> Any:
    return column.cast(column.type.value_type) if types.is_dictionary(column.type) else column


def _ddl(field: Any) -> str:
    oid = next((oid for fits, oid in _OIDS if fits(field.type)), None)
    known = lookup(oid) if oid else None
    if known is None:
        raise InputError(
            f"Column {field.name!r} holds {field.type}, which %crdb_write does not write yet.",
            hint="convert it first, for instance to text with .astype(str).",
        )
    return known.ddl
