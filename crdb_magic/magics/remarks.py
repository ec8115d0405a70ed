"""What is to be said as soon as a cell can show it: a configuration loads the extension before there is one."""

from __future__ import annotations

from IPython.core.interactiveshell import InteractiveShell

from crdb_magic.magics.outputs import say


class Remarks:
    """Lines, each said once, behind what the cell shows that ends next; ``all`` are kept for the doctor."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._events = shell.events
        self._unsaid: list[str] = []
        self.all: list[str] = []

    def add(self, line: str) -> None:
        """Say a line soon."""
        self._unsaid.append(line)
        self.all.append(line)

    def join(self) -> None:
        """Begin to hear when a cell has ended."""
        self._events.register("post_run_cell", self._say)

    def leave(self) -> None:
        """Hear of no cell any more."""
        self._events.unregister("post_run_cell", self._say)

    def _say(self, _: object) -> None:
        if self._unsaid:
            say("\n".join(self._unsaid))
            self._unsaid.clear()
