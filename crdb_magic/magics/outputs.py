"""Words of ours as outputs, shown once or rewritten while something lasts."""

from __future__ import annotations

from typing import Any

from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.getipython import get_ipython
from IPython.display import DisplayHandle, display

from crdb_magic.drawing.words import words_bundle


def say(text: str, metadata: dict[str, Any] | None = None) -> None:
    """Show a line or more of plain words."""
    display(words_bundle(text), metadata=metadata or {}, raw=True)


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
