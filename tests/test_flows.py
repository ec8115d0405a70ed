"""Notebooks in other programs' hands: papermill, nbconvert and `jupyter execute` pass, and fail with our words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import nbformat
import pytest

from crdb_magic.core.target import Target

_CONNECT = "%load_ext crdb_magic\n%crdb_connect"
_PARAMETERS = "who = 'nobody'\nmost = 1\nshare = 0.25\nlive = False\nnothing = 'something'\nids = [1]"
_ASK = """\
%%crdb_txn --as rows
SELECT :who, :most, :share, :live, :nothing, count(*)
FROM (VALUES (1), (2), (3)) AS t(id)
WHERE id = ANY(:ids)"""
_FAIL = "%%crdb_txn\nCREATE TABLE made_by_flows (id INT);\nSELECT * FROM acounts"
NOTEBOOKS = {
    "good": (_CONNECT, _PARAMETERS, _ASK),
    "bad": (_CONNECT, _PARAMETERS, _FAIL, "print('and on')"),
}
# What runs which notebook into which.
_GIVEN = ("-p", "who", "Ann", "-p", "most", "7", "-p", "share", "0.5", "-p", "live", "True", "-p", "nothing", "None")
TOOLS: dict[str, Callable[[str, str], tuple[str, ...]]] = {
    "papermill": lambda read, write: ("papermill", *_GIVEN, "-y", "ids: [2, 3]", read, write),
    "nbconvert": lambda read, write: ("nbconvert", "--to", "notebook", "--execute", "--output", write, read),
    "nbclient": lambda read, write: ("jupyter", "execute", f"--output={write}", read),
}
each_tool = pytest.mark.parametrize("tool", TOOLS)


class Run(NamedTuple):
    """How a tool ended, what it said, and the notebook that it wrote, if it did."""

    status: int
    said: str
    written: str


def run(tool: str, name: str, folder: Path, environment: Mapping[str, str]) -> Run:
    written = folder / f"{name}-{tool}.ipynb"
    command = [sys.executable, "-m", *TOOLS[tool](f"{name}.ipynb", written.name)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=False)
    return Run(done.returncode, done.stdout + done.stderr, written.read_text() if written.exists() else "")


@pytest.fixture(scope="module")
def runs(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, str], Run]]:
    """Give how a tool ran a notebook; all of them run at once, each in a kernel of its own."""
    folder = tmp_path_factory.mktemp("flows")
    for name, cells in NOTEBOOKS.items():
        notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))
        notebook.cells[1].metadata["tags"] = ["parameters"]
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, folder / f"{name}.ipynb")
    environment = {**os.environ, "CRDB_URL": url}
    started = dict[tuple[str, str], Future[Run]]()
    with ThreadPoolExecutor() as pool:
        for tool in filter(find_spec, TOOLS):
            for name in NOTEBOOKS:
                started[tool, name] = pool.submit(run, tool, name, folder, environment)
        yield lambda tool, name: started[tool, name].result() if find_spec(tool) else pytest.skip(f"no {tool} here")


def outputs(written: str) -> list[list[str]]:
    """Give what each code cell of a notebook shows as plain text, or prints."""
    shown = [cell["outputs"] for cell in json.loads(written)["cells"] if cell["cell_type"] == "code"]
    return [["".join(one.get("data", {}).get("text/plain", one.get("text", ""))) for one in cell] for cell in shown]


@each_tool
def test_a_notebook_whose_cells_succeed_passes(runs, tool):
    done = runs(tool, "good")

    assert done.status == 0, done.said


@each_tool
def test_a_cell_that_fails_fails_the_run_with_our_message(runs, tool):
    done = runs(tool, "bad")
    message = [line.strip() for line in done.said[done.said.rindex("StatementError:") :].splitlines() if line.strip()]

    assert done.status == 1
    assert message == [
        'StatementError: relation "acounts" does not exist',
        "In statement 2 of 2:",
        "line 2: SELECT * FROM acounts",
        "^",
        "SQLSTATE: 42P01",
        "Nothing was committed.",
    ]


@each_tool
def test_no_frame_of_ours_stands_in_its_traceback(runs, tool):
    said = runs(tool, "bad").said

    assert ("crdb_magic" in said.replace("%load_ext crdb_magic", ""), "sql_cell.py" in said) == (False, False)


@each_tool
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_secret_is_said_or_written(runs, url, tool, name):
    password = Target.from_url(url).get("password")
    if not password:
        pytest.skip("the server asks for no password")
    done = runs(tool, name)

    assert password not in done.said + done.written


@each_tool
def test_what_follows_the_cell_that_fails_is_not_run(runs, tool):
    done = runs(tool, "bad")

    assert "and on" not in done.said + "".join(map(str, outputs(done.written) if done.written else []))


@pytest.mark.parametrize(
    ("tool", "values"),
    [
        ("papermill", "[('Ann', 7, Decimal('0.5'), True, None, 2)]"),
        ("nbclient", "[('nobody', 1, Decimal('0.25'), False, 'something', 1)]"),
    ],
)
def test_the_values_of_the_cell_of_parameters_are_those_of_names(runs, tool, values):
    assert outputs(runs(tool, "good").written)[-1][0] == values
