"""Results -> what the notebook shows: tags and captions as outputs, the last result as the value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from IPython.display import display

from crdb_magic.columns.frames import Backend, records, to_frame
from crdb_magic.columns.objects import Finish, as_read, with_decimals
from crdb_magic.columns.results import Report, Result
from crdb_magic.columns.tables import to_arrow
from crdb_magic.core.options import Choice
from crdb_magic.core.wording import without_ids
from crdb_magic.magics.outputs import say
from crdb_magic.magics.shown import Receipts, own_form
from crdb_magic.sql.statements import Statement

_CAPTION_LENGTH = 72
ROLLED_BACK = "Rolled back: nothing was committed. Sequences stay advanced, and a COMMIT might still have been refused."


class As(Choice):
    """What the value of a cell is."""

    FRAME = "frame"
    ARROW = "arrow"
    ROWS = "rows"


@dataclass(frozen=True, slots=True)
class Shape:
    """How results are handed to the notebook: the last one, what frames are made of, with receipts or not."""

    value: As = As.FRAME
    backend: Backend = Backend.NUMPY
    receipts: bool = True

    @property
    def finish(self) -> Finish:
        """What is best done with each batch of a large result while the next one comes."""
        if self.value is As.FRAME:
            return self.backend.finish
        return as_read if self.value is As.ARROW else with_decimals


def present(report: Report, statements: Sequence[Statement], shape: Shape, receipts: Receipts) -> Any:
    """Show all results but the last that has columns, each under its statement, and give that one.

    What the server said besides stands under the tag, or the rows, of the statement; of that one before its rows.
    """
    last = max((i for i, result in enumerate(report.results) if result.columns is not None), default=None)
    metadata = {"crdb": report.receipt.as_dict()} if shape.receipts else {}
    tags: list[str] = list(report.receipt.notes)
    for index, (result, statement) in enumerate(zip(report.results, statements, strict=True)):
        if result.columns is None:
            tags.append(result.tag)
        elif index != last:
            say("\n".join([*tags, caption(statement)]), metadata)
            _show(_decoded(result, Shape(backend=shape.backend)), statement)
            tags = []
        if result.notices:
            tags += [caption(statement)] if index == last and len(statements) > 1 else []
            tags += map(without_ids, result.notices)
    if last is not None and last < len(statements) - 1:  # else the value would stand under the tag of another one
        tags.append(caption(statements[last]))
    if not report.receipt.committed:
        tags.append(ROLLED_BACK)
    if tags:
        say("\n".join(tags), metadata)
    if last is None:
        return None
    value = _decoded(report.results[last], shape)
    if isinstance(value, pd.DataFrame):
        receipts.attach(value, report.receipt if shape.receipts else None, explained=_explains(statements[last]))
    return value


def _show(frame: pd.DataFrame, statement: Statement) -> None:
    form = own_form(frame, explained=_explains(statement))
    display(frame if form is None else form, raw=form is not None)


def _explains(statement: Statement) -> bool:
    return statement.keyword == "EXPLAIN"


def _decoded(result: Result, shape: Shape) -> Any:
    if shape.value is As.FRAME:
        return to_frame(result, shape.backend)
    return to_arrow(result) if shape.value is As.ARROW else records(result)


def caption(statement: Statement) -> str:
    """Give the beginning of a statement, on one line."""
    words = " ".join(statement.text[statement.head :].split())
    return words if len(words) <= _CAPTION_LENGTH else words[: _CAPTION_LENGTH - 1] + "…"
