"""What may be written besides a DataFrame of pandas: what gives its columns as Arrow's (polars, pyarrow, duckdb)."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa


def as_frame(source: Any) -> Any:
    """Give a DataFrame of Arrow's own columns, value for value; what gives none (a Series gives one) comes back.

    See https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html.
    """
    if isinstance(source, pd.DataFrame) or not hasattr(source, "__arrow_c_stream__"):
        return source
    try:
        return pa.table(source).to_pandas(types_mapper=pd.ArrowDtype)
    except pa.ArrowInvalid:
        return source
