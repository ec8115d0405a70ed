"""How a bar is drawn: by tqdm in a terminal, into one output of ours in a notebook."""

from __future__ import annotations

from typing import Any

from tqdm.std import tqdm

from crdb_magic.magics.outputs import LiveOutput

__all__ = ["InNotebook", "tqdm"]

_KILO = 1000
_METER = "vertical-align: middle; accent-color: var(--jp-brand-color1)"


class InNotebook(tqdm):  # type: ignore[type-arg]  # it takes none when it runs
    """Counts and times as tqdm does, and draws into one output that is empty in the end.

    tqdm's own bars stay in the saved notebook: as a widget at 0 %, or as an error output where there are no widgets.
    """

    monitor_interval = 0  # its thread looks after bars that draw too seldom

    def __init__(self, **options: Any) -> None:
        self._output = LiveOutput()
        super().__init__(**options)

    def display(self, msg: str | None = None, *_: Any, **__: Any) -> None:
        """Draw; an empty message is the last one."""
        if msg is None:
            meter = f'<progress max="{self.total}" value="{self.n}" style="{_METER}"></progress> '
            self._output.show(str(self), meter if self.total else "")
        else:
            self._output.empty()

    def __str__(self) -> str:
        facts = self.format_dict
        of = f" of {_short(self.total)}" if self.total else ""
        rate = facts["rate"] or self.n / (facts["elapsed"] or 1)
        return f"{self.desc}: {_short(self.n)}{of} rows" + (f", {_short(rate)} rows/s" if self.n else "")


def _short(number: float) -> str:
    return f"{number:.0f}" if number < _KILO else tqdm.format_sizeof(number)
