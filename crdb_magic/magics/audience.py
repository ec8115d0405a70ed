"""Whether somebody looks while a cell runs: only then is it worth showing what will be gone when it ends."""

from __future__ import annotations

import sys
from enum import Enum

from IPython.core.interactiveshell import InteractiveShell


class Audience(Enum):
    """Who sees the outputs."""

    NOTEBOOK = "a notebook with a person before it"
    TERMINAL = "a terminal"
    NOBODY = "nbclient, nbval, papermill, a pipe"

    @classmethod
    def of(cls, shell: InteractiveShell) -> Audience:
        """Tell by what the front end says: one without a person can't answer a question on stdin."""
        kernel = getattr(shell, "kernel", None)
        if kernel is not None:
            return cls.NOTEBOOK if getattr(kernel, "_allow_stdin", False) else cls.NOBODY
        return cls.TERMINAL if sys.stderr.isatty() else cls.NOBODY
