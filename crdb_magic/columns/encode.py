"""A DataFrame -> columns of text and numbers as the server reads them, and the chunks that carry them there.

Arrow writes whole columns; what it has no type for goes through `crdb_magic.values.encode_values`, value by value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, types

from crdb_magic.columns.encode_arrow import (
    FINER,
    ROUND,
    as_text,
    builtin,
    days,
    integers,
    is_list,
    is_string,
    is_text_or_number,
    may_have_fraction,
    sql_type,
    strings,
    values,
    written,
)
from crdb_magic.columns.encode_limits import limited
from crdb_magic.errors import InputError, OptionError
from crdb_magic.values.encode_types import ColumnTarget, spelled
from crdb_magic.values.encode_values import Form, infer, normal, texts
from crdb_magic.values.typemap import Family, SqlType
from crdb_magic.values.unwrap import NoFormError, TooFineError

CHUNK_ROWS = 20_000  # measured: larger ones are no faster, smaller ones are slower
CHUNK_BYTES = 2 << 20  # CockroachDB takes messages of 16 MiB (sql.conn.max_read_buffer_message_size)

Ready = tuple[SqlType, Any]  # a type, and an Arrow column that the CSV writer spells as the server reads it


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column to be: its name, and its type spelt so that both servers understand it."""

    name: str
    ddl: str


@dataclass(frozen=True, slots=True)
class Load:
    """The content of a DataFrame, ready to be sent to a table as often as it takes.

    ``types`` are those of the values, whatever the columns take.
    """

    columns: tuple[TableColumn, ...]
    table: Any
    types: tuple[SqlType, ...]

    @classmethod
    def of(
        cls,
        frame: pd.DataFrame,
        dtypes: Mapping[str, str] | None = None,
        there: Mapping[str, ColumnTarget] | None = None,
    ) -> Load:
        """Take a DataFrame without its index.

        ``dtypes`` are types as the user spells them, ``there`` what the columns of a table take that there is; both
        decide how a value is written that could be several things. Into JSON, the texts of a column of texts go as
        they are, those among objects as JSON's strings. Raises :class:`InputError` for a column that has no SQL type,
        and for a value that its column does not take.
        """
        names, given = column_names(frame), dict(dtypes or {})
        for name in given:
            check_column(name, names, "--dtype")
        targets = _targets(given, there or {})
        made = [_column(name, frame.iloc[:, place], targets.get(name)) for place, name in enumerate(names)]
        columns = [TableColumn(name, given.get(name, type_.ddl)) for name, (type_, _) in zip(names, made, strict=True)]
        table = pa.table([column for _, column in made], names=names).combine_chunks()
        return cls(tuple(columns), table, tuple(type_ for type_, _ in made))

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self.table.num_rows)

    @property
    def size(self) -> int:
        """About how many bytes of CSV there are, by the first chunk's."""
        return next((len(text.getbuffer()) * self.rows // rows for rows, text in self.chunks()), 0)

    @property
    def has_empty_texts(self) -> bool:
        """Whether a value is an empty text."""
        texts_alone = (column for column in self.table.columns if types.is_large_string(column.type))
        return any(pc.any(pc.equal(column, "")).as_py() for column in texts_alone)

    @property
    def has_blank_lines(self) -> bool:
        """Whether a row is an empty line of CSV, which CockroachDB skips: a NULL where there is one column."""
        return len(self.columns) == 1 and bool(self.table.column(0).null_count)

    def nulls(self, name: str) -> int:
        """Count the NULLs of a column."""
        return int(self.table.column(name).null_count)

    def first_repeated(self, names: tuple[str, ...]) -> tuple[str, ...] | None:
        """Give the first values of these columns that come twice, as their text."""
        cells = pd.DataFrame({name: as_text(self.table.column(name)).to_pylist() for name in names}, dtype=object)
        repeated = cells.duplicated().to_numpy()
        return tuple(cells.iloc[int(repeated.argmax())]) if repeated.any() else None

    def chunks(self) -> Iterator[tuple[int, BytesIO]]:
        """Give the rows as CSV, some at a time: their number and the text. NULL is nothing, '' is quoted."""
        options = csv.WriteOptions(include_header=False)
        for batch in self._batches():
            buffer = BytesIO()
            csv.write_csv(batch, buffer, options)
            buffer.seek(0)
            yield batch.num_rows, buffer

    def arrays(self) -> Iterator[tuple[int, list[str]]]:
        """Give the rows as an array literal of texts for each column, some rows at a time, with their number."""
        for batch in self._batches():
            yield from _literals(batch)

    def _batches(self) -> Iterator[Any]:
        for batch in self.table.to_batches(max_chunksize=CHUNK_ROWS):
            yield from _of_size(batch)


def _of_size(batch: Any) -> Iterator[Any]:
    """Halve a batch until it can be sent: rows differ in their size."""
    if batch.nbytes <= CHUNK_BYTES or batch.num_rows == 1:
        yield batch
        return
    half = batch.num_rows // 2
    yield from _of_size(batch.slice(0, half))
    yield from _of_size(batch.slice(half))


def _literals(batch: Any) -> Iterator[tuple[int, list[str]]]:
    """Halve a batch until its literals can be sent: of booleans and small numbers they are larger than the batch.

    Behind the sign of an UTF-8 text of four bytes, or the second backslash of a quoted one, that is 8 MiB at most.
    """
    literals = [_array_literal(column) for column in batch.columns]
    if batch.num_rows == 1 or sum(map(len, literals)) <= CHUNK_BYTES:
        yield batch.num_rows, literals
        return
    half = batch.num_rows // 2
    yield from _literals(batch.slice(0, half))
    yield from _literals(batch.slice(half))


def _array_literal(column: Any) -> str:
    cells = as_text(column)
    if types.is_large_string(column.type):
        escaped = pc.replace_substring(pc.replace_substring(cells, "\\", "\\\\"), '"', '\\"')
        cells = pc.binary_join_element_wise(_QUOTE, escaped, _QUOTE, _NOTHING)
    return "{" + ",".join(pc.fill_null(cells, "NULL").to_pylist()) + "}"


# The frame's columns.


def column_names(frame: pd.DataFrame) -> list[str]:
    """Give the names that the columns will have; raises :class:`InputError` for those that no table has."""
    if not isinstance(frame, pd.DataFrame):
        ways = (f"it has .{name}()." for name in ("to_pandas", "to_frame") if hasattr(frame, name))
        hint = next(ways, "pandas.DataFrame(…) may make one of it.")
        raise InputError(f"That is a {type(frame).__name__}, not a DataFrame.", hint=hint)
    names = [str(name) for name in frame.columns]
    if not names:
        raise InputError("The DataFrame has no columns, and a table of none holds nothing.")
    if isinstance(frame.columns, pd.MultiIndex):
        raise InputError(
            "The DataFrame's columns have several levels, a table's have one.",
            hint='join them: df.columns = ["_".join(map(str, name)) for name in df.columns].',
        )
    repeated = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if repeated is not None:
        raise InputError(f"The DataFrame has two columns {repeated!r}: a table's names differ.")
    unfit = next((name for name in names if not name or "\0" in name), None)
    if unfit is not None:
        raise InputError(f"{unfit!r} is not a valid column name.", hint="rename it: df.rename(columns=…).")
    return names


def index_left_out(frame: pd.DataFrame) -> str | None:
    """Say that a frame has an index with a name, which is not written; None if it has none."""
    names = [repr(str(name)) for name in frame.index.names if name is not None]
    return f"without the index {', '.join(names)} (df.reset_index() keeps it)" if names else None


def _targets(given: Mapping[str, str], there: Mapping[str, ColumnTarget]) -> dict[str, ColumnTarget]:
    """Say what the columns take: a type that is given decides how values are written, the table's own what fits."""
    asked = {name: spelled(type_text) for name, type_text in given.items()}
    both = {name: replace(there[name], form=target.form) for name, target in asked.items() if name in there}
    return {**there, **asked, **both}


def _column(name: str, series: Any, target: ColumnTarget | None) -> Ready:
    """Make one column ready; raise :class:`InputError` with its name."""
    try:
        type_, column = _ready(series, target.form if target else None)
        _refuse_zero_bytes(column)
        column = limited(column, target) if target else column
    except InputError as error:
        raise InputError(f"Column {name!r} {error.message}.", hint=error.hint) from error.__cause__
    except TooFineError:
        raise InputError(f"Column {name!r} {FINER}.", hint=ROUND) from None
    except NoFormError as error:
        raise InputError(f"Column {name!r} holds {error}.", hint=error.hint) from None
    except UnicodeError as error:
        raise InputError(f"Column {name!r} holds half of a surrogate pair, which is not valid text.") from error
    except RecursionError as error:
        raise InputError(
            f"Column {name!r} holds a value nested deeper than Python goes, or that holds itself."
        ) from error
    except (ValueError, ArithmeticError, pa.ArrowException) as error:
        raise InputError(f"Column {name!r} holds a value that can't be written: {error}.") from error
    return type_, column


def _refuse_zero_bytes(column: Any) -> None:
    if types.is_large_string(column.type) and pc.any(pc.match_substring(column, "\0")).as_py():
        raise InputError(
            "holds a text with a zero byte, which no server takes",
            hint='take it out: .str.replace("\\0", ""), or write bytes.',
        )


def _ready(series: Any, form: Form | None) -> Ready:
    dtype = series.dtype
    if isinstance(dtype, pd.SparseDtype):
        return _ready(series.sparse.to_dense(), form)
    if isinstance(dtype, pd.CategoricalDtype):
        return _categories(series.array, form)
    if _is_of_python(dtype):
        return _objects(list(series), form)
    if isinstance(dtype, np.dtype) and not dtype.isnative:  # Arrow takes none whose bytes are swapped
        series = series.astype(dtype.newbyteorder("="))
    return _arrow(pa.array(series, from_pandas=True), form)


def _arrow(array: Any, form: Form | None) -> Ready:
    if form is Form.WHOLE and may_have_fraction(array.type):
        return builtin(20), integers(array)
    if form is Form.DAY and types.is_timestamp(array.type):
        return builtin(1082), days(array)
    if form is Form.JSON_ARRAY and is_list(array.type) and is_string(array.type.value_type):
        form = Form.PLAIN  # texts of JSON, as those of a column are
    if (form and is_list(array.type)) or (form in {Form.JSON, Form.GEO} and not is_text_or_number(array.type)):
        return _objects([_with_na(value, form) for value in values(array)], form)
    return sql_type(array.type), written(array)


def _with_na(value: Any, form: Form | None) -> Any:
    """Say of Arrow's nulls that they are NULL: in JSON, None is another value."""
    if form is Form.JSON_ARRAY and isinstance(value, list):
        return [pd.NA if item is None else item for item in value]
    return pd.NA if value is None else value


def _is_of_python(dtype: Any) -> bool:
    """Tell a dtype whose values Arrow does not know, or takes for others."""
    if isinstance(dtype, np.dtype):
        return dtype.kind in "OcSUV"
    return isinstance(dtype, pd.PeriodDtype | pd.IntervalDtype)


def _categories(values: Any, form: Form | None) -> Ready:
    """Make the categories ready, and repeat them."""
    type_, labels = _ready(pd.Series(values.categories), form)
    return type_, labels.take(pa.array(values.codes, pa.int32(), mask=values.codes < 0))


def _objects(values: list[Any], form: Form | None) -> Ready:
    values = normal(values)
    type_ = builtin(25) if form else infer(values)  # a type that is given or there needs no other
    return type_, strings(texts(values, form or (Form.JSON if type_.family is Family.JSON else Form.PLAIN)))


_QUOTE, _NOTHING = (pa.scalar(text, pa.large_string()) for text in ('"', ""))


def check_column(name: str, names: Sequence[str], option: str) -> None:
    """Refuse a column that the DataFrame does not have."""
    if name not in names:
        close = get_close_matches(str(name), names, n=1)
        hint = f"Did you mean {close[0]}?" if close else f"It has: {', '.join(names)}."
        raise OptionError(f"{option} names {name}, which is not a column of the DataFrame.", hint=hint)
