"""The notebooks give their stored outputs again: strict nbval, each way from a new kernel."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pytest

from crdb_magic.environment import FREEZE, FROZEN

_NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
_COMMAND = (sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-p", "no:randomly", "-q")


def live(folder: Path) -> Mapping[str, str]:
    """Ask a server."""
    return {}


def recorded(folder: Path) -> Mapping[str, str]:
    """Ask a server, and record it."""
    return {FREEZE: str(folder / "recording")}


def frozen(folder: Path) -> Mapping[str, str]:
    """Ask the recording."""
    return {FROZEN: str(folder / "recording")}


# The ways to run a notebook, by name: what the kernel's environment has besides, given a folder of the notebook's own.
WAYS = {"live": live, "recorded": recorded, "frozen": frozen, "frozen again": frozen}
_BEFORE = dict.fromkeys(("frozen", "frozen again"), "recorded")  # what has to be run before


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


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("notebook", _NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_gives_its_stored_outputs_again(runs, notebook, way):
    done = runs(notebook, way)

    assert done.returncode == 0, done.stdout[-4000:]
