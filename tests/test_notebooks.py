"""The notebooks give their stored outputs again: strict nbval, each way from a new kernel."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pytest

from crdb_magic.errors import FROZEN_VARIABLE
from crdb_magic.magics import MAGICS

_NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
_COMMAND = (sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-p", "no:randomly", "-q")
# What is loaded already would say so in the notebook.
_RECORD = "%load_ext crdb_magic\n%crdb_freeze {}\nget_ipython().extension_manager.loaded.discard('crdb_magic')\n"


def live(folder: Path) -> Mapping[str, str]:
    """Ask a server."""
    return {}


def recorded(folder: Path) -> Mapping[str, str]:
    """Ask a server, and record it: by what IPython runs before the first cell, so that the notebook stays as it is."""
    startup = folder / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "record.ipy").write_text(_RECORD.format(folder / "recording"))
    return {"IPYTHONDIR": str(folder / "ipython")}


def frozen(folder: Path) -> Mapping[str, str]:
    """Ask the recording."""
    return {FROZEN_VARIABLE: str(folder / "recording")}


# The ways to run a notebook, by name: what the kernel's environment has besides, given a folder of the notebook's own.
WAYS = {"first": live, "second": live, "recorded": recorded, "frozen": frozen}
_BEFORE = {"frozen": "recorded"}  # what has to be run before
_FREEZES = pytest.mark.skipif("crdb_freeze" not in {one.name for one in MAGICS}, reason="there is no %crdb_freeze yet")
each_way = pytest.mark.parametrize(
    "way", [pytest.param(way, marks=[] if WAYS[way] is live else _FREEZES) for way in WAYS]
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path, str], subprocess.CompletedProcess[str]]:
    """Run a notebook in a way, once each, behind what has to be run before."""

    @cache
    def folder_of(notebook: Path) -> Path:
        return tmp_path_factory.mktemp(notebook.stem)

    @cache
    def run(notebook: Path, way: str) -> subprocess.CompletedProcess[str]:
        if way in _BEFORE:
            run(notebook, _BEFORE[way])
        environment = {**os.environ, **WAYS[way](folder_of(notebook))}
        command = [*_COMMAND, str(notebook)]
        return subprocess.run(
            command, capture_output=True, text=True, env=environment, check=False, cwd=notebook.parent
        )

    return run


@each_way
@pytest.mark.parametrize("notebook", _NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_gives_its_stored_outputs_again(runs, notebook, way):
    done = runs(notebook, way)

    assert done.returncode == 0, done.stdout[-4000:]
