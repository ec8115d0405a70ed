"""A result -> a polars DataFrame, by Arrow's columns, without a copy; what polars has no type for is exact text."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import pyarrow as pa
from pyarrow import types

from crdb_magic.columns.arrow import Array
from crdb_magic.columns.results import Result
from crdb_magic.columns.tables import arrow_column, with_texts
from crdb_magic.errors import OptionError
from crdb_magic.values.typemap import SqlType, text_like


def require() -> None:
    """Raise :class:`OptionError` if polars is not installed."""
    if find_spec("polars") is None:
        raise OptionError("polars is not installed.", hint="%pip install polars, or --as arrow.")


def to_polars(result: Result) -> Any:
    """Make a `polars.DataFrame` with a column for each column of the result, named as those of `to_frame`.

    Its types are those of `to_arrow`, but UUID and JSON are texts, and so are intervals with months and decimals of
    more than 38 digits, of which polars 2.1 dies. An enum has the order of its labels. Raises `OptionError` without
    polars, and what `to_arrow` raises.
    """
    require()
    import polars

    table = pa.table(result.each(_column), names=result.names) if result.columns else pa.table({})
    frame: Any = polars.from_arrow(table)
    return frame.with_columns(
        polars.col(name).cast(polars.Enum(column.type.labels))
        for name, column in zip(result.names, result.columns or (), strict=True)
        if types.is_dictionary(table.schema.field(name).type)
    )


def _column(type_: SqlType, arrays: Sequence[Array]) -> Any:
    values = arrow_column(with_texts(type_), arrays)
    return values if _is_known(values.type) else arrow_column(text_like(type_.name, type_.oid), arrays)


def _is_known(kind: Any) -> bool:
    if types.is_list(kind):
        return _is_known(kind.value_type)
    return not (types.is_interval(kind) or types.is_decimal256(kind))
