"""Runs the quickstart notebook in a kernel of its own and tells what each step did."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from tqdm.auto import tqdm

_IN_WHEEL = Path(__file__).with_name("quickstart.ipynb")
_IN_CHECKOUT = Path(__file__).parents[2] / "notebooks" / "quickstart.ipynb"
_EXPECTED_ERROR = "raises-exception"  # the tag of a cell that shows an error on purpose


def run(output: Path) -> bool:
    """Run the quickstart and write the executed copy to ``output``; tells whether all cells succeeded."""
    notebook = nbformat.read(_IN_WHEEL if _IN_WHEEL.exists() else _IN_CHECKOUT, as_version=4)
    succeeded = _execute(notebook)
    nbformat.write(notebook, output)
    print(f"\nThe executed notebook: {output.resolve()}")
    return succeeded


def _execute(notebook: Any) -> bool:
    with TemporaryDirectory() as sockets:  # of its own: over TCP any user of the machine could listen in
        kernel = AsyncKernelManager(kernel_name="python3", transport="ipc", ip=f"{sockets}/kernel")
        return _execute_in(NotebookClient(notebook, timeout=300, km=kernel), notebook)


def _execute_in(client: NotebookClient, notebook: Any) -> bool:
    with tqdm(total=len(notebook.cells), unit=" cells") as bar, client.setup_kernel():
        for index, cell in enumerate(notebook.cells):
            started = time.perf_counter()
            try:
                client.execute_cell(cell, index)
            except CellExecutionError as error:
                bar.write(f"FAILED  {_title(cell)}\n{error}")
                return False
            bar.write(_line(cell, time.perf_counter() - started))
            bar.update()
    return True


def _line(cell: Any, seconds: float) -> str:
    if cell.cell_type != "code":
        return f"\n{_title(cell)}"
    expected = " (the error is meant)" if _EXPECTED_ERROR in cell.metadata.get("tags", ()) else ""
    return f"  ok {seconds:6.2f} s  {_title(cell)}{expected}"


def _title(cell: Any) -> str:
    first: str = cell.source.splitlines()[0]
    return first.lstrip("# ")
