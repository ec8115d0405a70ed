"""notebooks/reproducible.ipynb: pinned, changed, the same; frozen, the server stopped, the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

_NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "reproducible.ipynb"
_SERVED = "%crdb_connect --frozen"
_PORT = """
notebook = get_ipython().magics_manager.registry["CrdbMagic"]
address = notebook.connections.get().connection.info.host, notebook.connections.get().connection.info.port
"""
_IS_GONE = """
import socket
from crdb_magic.local import serving

serving(*address).stop()
try:
    socket.create_connection(address)
except ConnectionRefusedError:
    print("nobody is there")
"""


@pytest.fixture(scope="module")
def cells() -> list[Any]:
    """The executed code cells; behind the one that serves the recording the server is stopped."""
    notebook = nbformat.read(_NOTEBOOK, 4)
    place = next(place for place, cell in enumerate(notebook.cells) if cell.source.startswith(_SERVED))
    notebook.cells[place : place + 1] = [new_code_cell(_PORT), notebook.cells[place], new_code_cell(_IS_GONE)]
    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(_NOTEBOOK.parent)}}).execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(cells: list[Any], source: str) -> list[list[Any]]:
    """Give what each cell with that in it has shown."""
    return [
        [output.get("data", output.get("text")) for output in cell.outputs] for cell in cells if source in cell.source
    ]


def test_what_was_pinned_is_the_same_when_others_have_written(cells):
    assert shown(cells, "UPDATE readings")[0][0]["text/plain"] == "UPDATE 1000"
    assert shown(cells, "%crdb_rerun report")[0][0]["text/plain"] == "The same: 3 rows."


def test_what_was_frozen_is_the_same_to_the_byte_when_the_server_is_gone(cells):
    assert shown(cells, "create_connection") == [["nobody is there\n"]]
    for source in ("max(taken)", "--python"):
        live, served = shown(cells, source)[:2]

        assert live == served


def test_another_question_is_refused(cells):
    (refused,) = [output for output in cells[-1].outputs if output.output_type == "error"]

    assert refused.ename == "NotRecordedError"
