"""What reading again needs: the statements of a transaction with their values, kept beside its receipt."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace

import pandas as pd

from crdb_magic.columns.frame_options import FrameOptions
from crdb_magic.core.receipt import Receipt
from crdb_magic.errors import OptionError
from crdb_magic.sql.statements import BoundStatement, Parameter

_MOST = 200  # transactions
_LARGE = 100_000  # items of a list, or characters, of one value


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read: how it went, the statements with the values that they had, and what their frame is made of.

    ``frame`` gives that, as long as somebody has it.
    """

    receipt: Receipt
    statements: tuple[BoundStatement, ...]
    frames: FrameOptions
    frame: Callable[[], pd.DataFrame | None]


class ReadHistory:
    """The last ones of a notebook, those with values too large to be kept left out; none keeps a frame."""

    def __init__(self) -> None:
        self._kept: deque[Reading] = deque(maxlen=_MOST)

    def keep(
        self, receipt: Receipt, statements: Sequence[BoundStatement], frames: FrameOptions, frame: pd.DataFrame
    ) -> None:
        """Keep what has given a frame."""
        values = [piece.value for one in statements for piece in one.pieces if isinstance(piece, Parameter)]
        if not any(map(_is_large, values)):
            own = tuple(map(_with_own_values, statements))
            self._kept.append(Reading(receipt, own, frames, weakref.ref(frame)))

    def last(self) -> Reading:
        """Give the last one; raises :class:`OptionError` if there is none."""
        if not self._kept:
            raise OptionError("There is nothing to rerun: first run a cell of SQL that gives a DataFrame.")
        return self._kept[-1]

    def of(self, value: pd.DataFrame | Receipt) -> Reading:
        """Give that of a frame, or of a receipt; raises :class:`OptionError` that says why there is none."""
        told = value.as_dict() if isinstance(value, Receipt) else value.attrs.get("crdb")
        for one in reversed(self._kept):
            if told == one.receipt.as_dict():
                return one
        kind = type(value).__name__
        if not told:
            raise OptionError(f"That {kind} has no receipt: it is not what a cell of SQL gave.")
        raise OptionError(
            f"How that {kind} was read is not known here.",
            hint=f"kept are the statements of the last {_MOST} cells of SQL of this notebook that gave a DataFrame.",
        )


def _is_large(value: object) -> bool:
    try:
        return len(value) > _LARGE  # type: ignore[arg-type]
    except TypeError:
        return False


def _with_own_values(statement: BoundStatement) -> BoundStatement:
    """Give it with values that nobody changes."""
    pieces = (
        replace(piece, value=deepcopy(piece.value)) if isinstance(piece, Parameter) else piece
        for piece in statement.pieces
    )
    return replace(statement, pieces=tuple(pieces), names=())
