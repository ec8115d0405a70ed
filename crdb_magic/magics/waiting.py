"""What is live while a transaction runs: why it waits, and how an interrupt is shown."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from crdb_magic.core.amounts import duration
from crdb_magic.errors import Attempt, Outcome
from crdb_magic.magics.audience import Audience
from crdb_magic.magics.outputs import LiveOutput


class Waiting:
    """A line that says, while a transaction waits for its next attempt, why; it leaves nothing behind.

    Where nobody looks (nbclient, nbval, papermill) there is none.
    """

    def __init__(self, max_attempts: int, audience: Audience) -> None:
        self._max_attempts = max_attempts
        self._audience = audience
        self._output = LiveOutput()

    def __enter__(self) -> Self:
        return self

    def __call__(self, attempt: Attempt) -> None:
        """Tell of a failed attempt: the engine's observer."""
        text = (
            f"Attempt {attempt.number} of {self._max_attempts} failed ({attempt.label}); "
            f"retrying in {duration(attempt.wait or 0)} …"
        )
        if self._audience is Audience.TERMINAL:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()
        elif self._audience is Audience.NOTEBOOK:
            self._output.show(text)

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._output.empty()
        if self._audience is Audience.TERMINAL:
            sys.stderr.write("\r\x1b[K")


@contextmanager
def interrupts_shown_short(begun: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """Let a Ctrl-C be shown without our frames: that it was heard, and what became of the transaction.

    Who ends a transaction leaves a note of that; before it has ``begun`` nobody does.
    """
    try:
        yield
    except KeyboardInterrupt as interrupt:
        outcome = () if begun() else (Outcome.NOT_COMMITTED.value,)
        show_short(interrupt, "KeyboardInterrupt: the transaction was interrupted.", *outcome)
        raise


def show_short(interrupt: KeyboardInterrupt, line: str, *otherwise: str) -> None:
    """Let an interrupt be shown by a line and its notes alone (an IPython protocol), unless it is shown so already.

    ``otherwise`` is shown where nobody has left a note until then.
    """
    vars(interrupt).setdefault(
        "_render_traceback_", lambda: [line, *(getattr(interrupt, "__notes__", None) or otherwise)]
    )
