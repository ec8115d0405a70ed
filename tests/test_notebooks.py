"""The notebooks give the same outputs again: strict nbval, twice, each from a new kernel."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("run", [1, 2])
@pytest.mark.parametrize("notebook", _NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_gives_its_stored_outputs_again(notebook, run):
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--nbval",
        "--nbval-current-env",
        "-p",
        "no:randomly",
        "-q",
        str(notebook),
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False, cwd=notebook.parent)

    assert done.returncode == 0, done.stdout[-4000:]
