"""A progress bar over rows, for work that takes longer than a glance."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from crdb_magic.columns.arrow import Batch
from crdb_magic.columns.objects import Finish
from crdb_magic.errors import Attempt
from crdb_magic.magics.audience import Audience
from crdb_magic.values.typemap import SqlType

_DELAY = 1.0  # seconds before the bar shows at all
_PAUSE = 0.1  # seconds between two drawings


class Progress:
    """A bar that goes back to the start when its transaction is tried again.

    ``at_once``: it does not wait until something is counted, since that may take a while.
    """

    def __init__(self, total: int | None, label: str, audience: Audience, *, at_once: bool = False) -> None:
        from crdb_magic.magics.bars import InNotebook, tqdm  # 20 ms, which %load_ext need not take

        self.begun = False
        self._bar: Any = (InNotebook if audience is Audience.NOTEBOOK else tqdm)(
            total=total, desc=label, unit=" rows", unit_scale=True, delay=0 if at_once else _DELAY, leave=False,
            mininterval=_PAUSE, miniters=0, disable=audience is Audience.NOBODY,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._bar.close()

    def advance(self, rows: int) -> None:
        """Count rows as written."""
        self.begun = True
        self._bar.update(rows)

    def restart(self, _: Attempt) -> None:
        """Begin again: what was written is undone."""
        self._bar.update(-self._bar.n)  # not reset(), which draws before the delay is over and then forgets it


class Arrivals:
    """A bar over the rows of large results, made when the first of them come: small ones do not pay for it."""

    def __init__(self, finish: Finish, audience: Audience) -> None:
        self._finish = finish
        self._audience = audience
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.__exit__()

    def __call__(self, types: Sequence[SqlType], batch: Batch) -> Batch:
        """Count a batch, and finish it: the session's `Finish`."""
        if self._bar is None:
            self._bar = Progress(None, "reading", self._audience)
        self._bar.advance(len(batch[0]))
        return self._finish(types, batch)

    def restart(self, attempt: Attempt) -> None:
        """Begin again: what was read is discarded."""
        if self._bar is not None:
            self._bar.restart(attempt)
