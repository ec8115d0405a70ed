"""Runs the quickstart notebook in a kernel of its own and tells what each step did."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from tqdm.auto import tqdm

from crdb_magic.core.wording import beginning
from crdb_magic.demo.data import QUICKSTART

_WIDTH = 60  # characters of a cell's title
_EXPECTED_ERROR = "raises-exception"  # the tag of a cell that shows an error on purpose


def run(output: Path) -> int:
    """Run the quickstart and write the executed copy to ``output``, which is tried first.

    Gives the exit status: 1 where a cell failed, 2 where it can't be written.
    """
    if refused := _refused(output):
        print(f"{output} can't be written: {refused}.", file=sys.stderr)
        return 2
    notebook = nbformat.read(QUICKSTART, as_version=4)
    started = time.perf_counter()
    succeeded = _execute(notebook)
    nbformat.write(notebook, output)
    cells = sum(cell.cell_type == "code" and cell.execution_count is not None for cell in notebook.cells)
    print(
        f"\n{cells} cells ran in {time.perf_counter() - started:.1f} s{'' if succeeded else ', the last one failed'}."
    )
    print(f"The executed notebook: {output.resolve()}")
    return int(not succeeded)


def _refused(output: Path) -> str:
    """Say why a file can't be written, where it can't; one that was not there is not there behind it."""
    is_there = output.exists()
    try:
        output.open("a").close()
    except OSError as error:
        return error.strerror or str(error)
    if not is_there:
        output.unlink()
    return ""


def _execute(notebook: Any) -> bool:
    with TemporaryDirectory() as sockets:  # of its own: over TCP any user of the machine could listen in
        kernel = AsyncKernelManager(kernel_name="python3", transport="ipc", ip=f"{sockets}/kernel")
        return _execute_in(NotebookClient(notebook, timeout=300, km=kernel), notebook)


def _execute_in(client: NotebookClient, notebook: Any) -> bool:
    # Unless told, nbclient leaves a kernel of our manager running, which then says that its parent has exited.
    with tqdm(total=len(notebook.cells), unit=" cells", disable=None) as bar, client.setup_kernel(cleanup_kc=True):
        for index, cell in enumerate(notebook.cells):
            started = time.perf_counter()
            try:
                client.execute_cell(cell, index)
            except CellExecutionError as error:
                bar.write(f"FAILED  {_title(cell)}\n{error}")
                return False
            if line := _line(cell, time.perf_counter() - started):
                bar.write(line)
            bar.update()
    return True


def _line(cell: Any, seconds: float) -> str:
    if cell.cell_type != "code":
        return f"\n{_title(cell)}" if cell.source.startswith("#") else ""
    answer = _answer(cell)
    return f"  {seconds:6.2f} s  {_title(cell):<{_WIDTH}}{f' → {answer}' if answer else ''}"


def _title(cell: Any) -> str:
    """Give the first line of a cell; of a magic's cell, with the first line of what it runs."""
    lines = cell.source.splitlines()
    words = " ".join(lines[:2]) if lines[0].startswith("%%") else lines[0].lstrip("# ")
    return beginning(words, _WIDTH)


def _answer(cell: Any) -> str:
    """Give the last thing that a cell showed, in a line; of a table, its size."""
    if not cell.outputs:
        return ""
    output = cell.outputs[-1]
    if output.output_type == "error":
        return f"{output.ename}, as it should be" if _EXPECTED_ERROR in cell.metadata.get("tags", ()) else output.ename
    lines = output.get("data", {}).get("text/plain", "").splitlines()
    if "dataframe" in str(output.get("data", {})):
        rows = len(lines) - 1
        return f"a table, {rows} row{'' if rows == 1 else 's'}"
    return "; ".join(lines[:2])
