"""Words of ours as outputs, shown once or rewritten while something lasts."""

from __future__ import annotations

from typing import Any

import pandas as pd
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.getipython import get_ipython
from IPython.display import DisplayHandle, display

from crdb_magic.core.receipt import Receipt
from crdb_magic.drawing.html import words_bundle


def say(text: str, receipt: Receipt | None = None) -> None:
    """Show a line or more of plain words, perhaps with a receipt."""
    display(words_bundle(text), metadata=metadata_of(receipt), raw=True)


def metadata_of(receipt: Receipt | None) -> dict[str, Any]:
    """Give the metadata of an output that has a receipt, or none."""
    return {"crdb": receipt.as_dict()} if receipt else {}


def unseen(frame: pd.DataFrame) -> pd.DataFrame:
    """Let nothing be shown of a frame as the value of the cell that runs: all that is to be said of it was said."""

    def shown() -> None:  # an IPython protocol
        if _cell() != cell:
            del frame.__dict__["_ipython_display_"]
            display(frame)

    cell = _cell()
    frame.__dict__["_ipython_display_"] = shown
    return frame


def _cell() -> int:
    shell = get_ipython()
    return shell.execution_count if shell else 0


class LiveOutput:
    """One output of a notebook that is rewritten while something lasts, and emptied at last.

    There is none where outputs are captured or held back: they would all come when it is over.
    """

    def __init__(self) -> None:
        self._handle: DisplayHandle | None = None

    def show(self, text: str, meter: str = "") -> None:
        """Show a line of plain words instead of the last one; ``meter`` is HTML before it."""
        if self._handle is not None:
            self._handle.update(words_bundle(text, meter=meter), raw=True)
        elif not isinstance(getattr(get_ipython(), "display_pub", None), CapturingDisplayPublisher):
            self._handle = DisplayHandle()
            self._handle.display(words_bundle(text, meter=meter), raw=True)

    def empty(self) -> None:
        """Leave nothing to be seen."""
        if self._handle is not None:
            self._handle.update({}, raw=True)
