"""A notebook served from its recording looks as it did, its times too; what is not in it is an error to read."""

from __future__ import annotations

from collections.abc import Callable

from page import Notebook

_CELLS = [
    "%%crdb_txn\nSELECT g AS n, g * 1.50 AS price FROM generate_series(1, :most) g ORDER BY n",
    "%crdb_txn SELECT 'tea' AS name; SELECT now() AS asked",
    "crdb_receipt",
]


def test_a_served_notebook_looks_as_it_did_and_says_what_is_not_recorded(
    open_notebook: Callable[..., Notebook], url: str
) -> None:
    notebook = open_notebook()
    notebook.run(f"%load_ext crdb_magic\n%crdb_connect {url}\n%crdb_freeze seen_recording\nmost = 3")
    live = [notebook.run(cell).outputs for cell in _CELLS]
    notebook.run("%crdb_freeze off\n%crdb_connect --frozen seen_recording")
    served = [notebook.run(cell).outputs for cell in _CELLS]
    notebook.run("most = 2")
    refused = notebook.run(_CELLS[0])
    notebook.look("frozen", 1500)

    assert served == live
    assert "- most = 3\n+ most = 2" in refused.output.inner_text()
