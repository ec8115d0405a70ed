"""Results -> what the notebook shows: tags and captions as outputs, the last result as the value."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from IPython.display import display

from crdb_magic.columns.frame_options import EXACT, FrameOptions
from crdb_magic.columns.frames import records, to_frame
from crdb_magic.columns.objects import Finish, as_read, with_decimals
from crdb_magic.columns.polars_frame import to_polars
from crdb_magic.columns.results import Result, TransactionResults
from crdb_magic.columns.tables import to_arrow
from crdb_magic.core.options import Choice
from crdb_magic.core.receipt import Receipt
from crdb_magic.core.wording import beginning, without_ids
from crdb_magic.errors import ExactTextWarning
from crdb_magic.explore.plan import Plan
from crdb_magic.magics.limit import ALL, RowLimit
from crdb_magic.magics.outputs import say
from crdb_magic.magics.shown import Look, Receipts
from crdb_magic.magics.status import TransactionLine
from crdb_magic.magics.steadiness_hints import Hints
from crdb_magic.sql.statements import Statement
from crdb_magic.values.typemap import Family

_CAPTION_LENGTH = 72
ROLLED_BACK = "Rolled back: nothing was committed. Sequences stay advanced, and a COMMIT might still have been refused."


class As(Choice):
    """What the value of a cell is."""

    FRAME = "frame"
    ARROW = "arrow"
    ROWS = "rows"
    POLARS = "polars"


@dataclass(frozen=True, slots=True)
class Shape:
    """How results are handed to the notebook.

    What the last one is; what frames are made of; with receipts or not; how many rows were wanted; whether a variable
    may take the last one, so that it is not shown.
    """

    value: As = As.FRAME
    frames: FrameOptions = EXACT
    receipts: bool = True
    limit: RowLimit = ALL
    taken: bool = False

    @property
    def finish(self) -> Finish:
        """What is best done with each batch of a large result while the next one comes."""
        if self.value is As.FRAME:
            return self.frames.finish
        return with_decimals if self.value is As.ROWS else as_read


def present(
    report: TransactionResults,
    statements: Sequence[Statement],
    shape: Shape,
    receipts: Receipts,
    line: TransactionLine,
    hints: Hints,
) -> Any:
    """Show all results but the last that has columns, each under its statement, and give that one.

    What the server said besides, and what hints at the result, stands under the tag, or the rows, of its statement; for
    the last one, before its rows.
    """
    ran = list(zip(report.results, statements, strict=True))
    last = max((place for place, (result, _) in enumerate(ran) if result.columns is not None), default=None)
    words = list(report.receipt.notes)  # that stand above what is shown next
    for place, (result, statement) in enumerate(ran):
        notices = [*map(without_ids, result.notices), *hints(statement, result)]
        if place == last:
            words += [caption(statement), *notices] if notices and len(ran) > 1 else notices
        elif result.columns is None:
            words += [result.tag, *notices]
        else:
            say("\n".join([*words, caption(statement)]), report.receipt if shape.receipts else None)
            _show(_decoded(result, As.FRAME, shape.frames), _look(result, statement, shape))
            words = notices
    if not report.receipt.committed:
        words.append(ROLLED_BACK)
    if last is None:
        line.under_tags(words, report.receipt)
        return None
    above = any(result.columns is not None for result, _ in ran[:last]) and not shape.taken
    if last < len(ran) - 1 or (above and not words):  # else the value would stand under the tag or rows of another one
        words.append(caption(ran[last][1]))
    return _value(_Last(*ran[last], report.receipt), words, shape, receipts, line)


@dataclass(frozen=True, slots=True)
class _Last:
    """The result that is the value of a cell, of which statement, and the receipt."""

    result: Result
    statement: Statement
    receipt: Receipt


def _value(last: _Last, words: list[str], shape: Shape, receipts: Receipts, line: TransactionLine) -> Any:
    """Show the words before the value, and make that; a value that is not seen is said to be cut."""
    result, receipt = last.result, last.receipt if shape.receipts else None
    cut = shape.limit.left_out(result) if shape.taken or shape.value is not As.FRAME else ""
    if cut and not line.speaks:
        words = [*words, cut]
    if words:
        say("\n".join(words), receipt)
    value = _decoded(result, shape.value, shape.frames)
    look = _look(result, last.statement, shape)
    frame = value if isinstance(value, pd.DataFrame) else None
    if frame is not None:
        receipts.attach(frame, receipt, look)
    if not look.explained:
        line.under_value(last.receipt, result.row_count, cut=cut, frame=frame)
    return value


def _show(frame: pd.DataFrame, look: Look) -> None:
    bundle = look.bundle(frame)
    display(bundle or frame, raw=bool(bundle))


def _look(result: Result, statement: Statement, shape: Shape) -> Look:
    columns = zip(result.names, result.columns or (), strict=True)
    documents = frozenset(name for name, column in columns if column.type.family is Family.JSON)
    return Look(statement.keyword == "EXPLAIN", documents, shape.limit.left_out(result))


@contextmanager
def _exact_texts_said() -> Iterator[None]:
    """Say which columns stay texts in words of ours: those of Python's warnings begin with a path of our files."""
    with warnings.catch_warnings(record=True) as caught:
        yield
    for warning in caught:
        if issubclass(warning.category, ExactTextWarning):
            say(str(warning.message))
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


def _decoded(result: Result, value: As, frames: FrameOptions) -> Any:
    with _exact_texts_said():
        return to_frame(result, frames) if value is As.FRAME else _DECODERS[value](result)


_DECODERS: dict[As, Callable[[Result], Any]] = {As.ARROW: to_arrow, As.ROWS: records, As.POLARS: to_polars}


def present_plans(
    report: TransactionResults, plans: Sequence[Plan], statements: Sequence[Statement], *, receipts: bool
) -> Plan:
    """Show all plans but the last, each under its statement, and what the server said besides; give the last one."""
    receipt = report.receipt if receipts else None
    plans = [replace(plan, receipt=receipt) for plan in plans]
    words = [*report.receipt.notes, *map(without_ids, report.receipt.notices)]
    if not report.receipt.committed:
        words.append(ROLLED_BACK)
    for plan, statement in zip(plans[:-1], statements, strict=False):
        say("\n".join([*words, caption(statement)]), receipt)
        display(plan)
        words = []
    if len(plans) > 1:
        words.append(caption(statements[-1]))
    if words:
        say("\n".join(words), receipt)
    return plans[-1]


def caption(statement: Statement) -> str:
    """Give the beginning of a statement, on one line."""
    return beginning(statement.text[statement.head :], _CAPTION_LENGTH)
