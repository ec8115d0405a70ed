"""SQL in cells and lines of magics is coloured as SQL, by JupyterLab's own colours."""

from __future__ import annotations

from collections.abc import Callable

from lab import code
from page import Notebook


def test_sql_in_a_cell_is_coloured_as_sql(open_notebook: Callable[..., Notebook]) -> None:
    notebook = open_notebook(code("%%crdb_txn\nSELECT 1"))

    assert notebook.cell(0).tokens == [("%%crdb_txn", "meta"), ("SELECT", "keyword"), ("1", "number")]
