"""Results -> what the notebook shows: frames with captions, tags, and a line while a transaction waits to retry."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from types import TracebackType
from typing import Any, Self

import pandas as pd
from IPython.display import DisplayHandle, display

from crdb_magic.columns.frames import Backend, records, to_frame
from crdb_magic.columns.objects import Finish, as_read, with_decimals
from crdb_magic.columns.results import Report, Result
from crdb_magic.columns.tables import to_arrow
from crdb_magic.core.options import Choice
from crdb_magic.core.receipt import Receipt
from crdb_magic.core.retry import Attempt
from crdb_magic.core.statements import Statement
from crdb_magic.errors import Outcome, ResultTypeError
from crdb_magic.magics.audience import Audience

_CAPTION_LENGTH = 72


# Words of ours stand back behind the results: JupyterLab's colour for secondary text, grey elsewhere.
_STYLE = "margin: 0; white-space: pre-wrap; color: var(--jp-ui-font-color2, #666)"


def say(text: str, metadata: dict[str, Any] | None = None) -> None:
    """Show a line or more of plain words."""
    html = f'<pre style="{_STYLE}">{escape(text)}</pre>'
    display({"text/plain": text, "text/html": html}, metadata=metadata or {}, raw=True)


def rows_in_words(count: int) -> str:
    """Say how many rows."""
    return f"{count:,} row" if count == 1 else f"{count:,} rows"


class Receipts:
    """Which of the notebook's frames came from which transaction, for the metadata of their outputs."""

    def __init__(self) -> None:
        self._frames: weakref.WeakValueDictionary[int, pd.DataFrame] = weakref.WeakValueDictionary()
        self._receipts: dict[int, dict[str, Any]] = {}

    def attach(self, frame: pd.DataFrame, receipt: Receipt) -> None:
        """Remember the frame's receipt, and put it into ``frame.attrs["crdb"]`` as a plain dict."""
        frame.attrs["crdb"] = receipt.as_dict()
        self._receipts = {key: value for key, value in self._receipts.items() if key in self._frames}
        self._frames[id(frame)] = frame
        self._receipts[id(frame)] = receipt.as_dict()

    def bundle(self, frame: pd.DataFrame, *_: Any, **__: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Add to a frame's own output the receipt as metadata: what IPython's mimebundle formatter asks for.

        pandas hands ``attrs`` on to frames made from this one, so the receipt goes by the frame itself.
        """
        if self._frames.get(id(frame)) is not frame:
            return {}, {}
        return {}, {"crdb": self._receipts[id(frame)]}


class As(Choice):
    """What the value of a cell is."""

    FRAME = "frame"
    ARROW = "arrow"
    ROWS = "rows"


@dataclass(frozen=True, slots=True)
class Shape:
    """How results are handed to the notebook: what the last one becomes, and what frames are made of."""

    value: As = As.FRAME
    backend: Backend = Backend.NUMPY

    @property
    def finish(self) -> Finish:
        """What is best done with each batch of a large result while the next one comes."""
        if self.value is As.FRAME:
            return self.backend.finish
        return as_read if self.value is As.ARROW else with_decimals


def present(report: Report, statements: Sequence[Statement], shape: Shape, receipts: Receipts | None) -> Any:
    """Show all results but the last that has columns, each under its statement, and give that one."""
    last = max((i for i, result in enumerate(report.results) if result.columns is not None), default=None)
    metadata = {"crdb": report.receipt.as_dict()} if receipts else {}
    tags: list[str] = list(report.receipt.notes)
    for index, (result, statement) in enumerate(zip(report.results, statements, strict=True)):
        if result.columns is None:
            tags.append(result.tag)
        elif index != last:
            say("\n".join([*tags, _caption(statement)]), metadata)
            display(_decoded(result, Shape(backend=shape.backend)))
            tags = []
    if tags:
        say("\n".join(tags), metadata)
    return None if last is None else _value(report.results[last], report.receipt, shape, receipts)


def _value(result: Result, receipt: Receipt, shape: Shape, receipts: Receipts | None) -> Any:
    value = _decoded(result, shape)
    if receipts is not None and isinstance(value, pd.DataFrame):
        receipts.attach(value, receipt)
    return value


def _decoded(result: Result, shape: Shape) -> Any:
    try:
        if shape.value is As.FRAME:
            return to_frame(result, shape.backend)
        return to_arrow(result) if shape.value is As.ARROW else records(result)
    except ResultTypeError as error:
        error.outcome = Outcome.COMMITTED
        raise


def _caption(statement: Statement) -> str:
    words = " ".join(statement.text[statement.head :].split())
    return words if len(words) <= _CAPTION_LENGTH else words[: _CAPTION_LENGTH - 1] + "…"


class Waiting:
    """A line that says, while a transaction waits for its next attempt, why; it leaves nothing behind.

    In a notebook it is one output that is rewritten and at last emptied, so that a saved notebook is the same
    whether there were retries or not. Where nobody looks (nbclient, nbval, papermill) there is none.
    """

    def __init__(self, max_attempts: int, audience: Audience) -> None:
        self._max_attempts = max_attempts
        self._audience = audience
        self._handle: DisplayHandle | None = None

    def __enter__(self) -> Self:
        return self

    def __call__(self, attempt: Attempt) -> None:
        """Tell of a failed attempt: the engine's observer."""
        text = (
            f"Attempt {attempt.number} of {self._max_attempts} was refused ({attempt.label}); "
            f"next in {(attempt.wait or 0) * 1000:.0f} ms …"
        )
        if self._audience is Audience.TERMINAL:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()
        elif self._audience is Audience.NOTEBOOK:
            self._rewrite({"text/plain": text})

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._handle is not None:
            self._rewrite({})
        elif self._audience is Audience.TERMINAL:
            sys.stderr.write("\r\x1b[K")

    def _rewrite(self, bundle: dict[str, str]) -> None:
        if self._handle is None:
            self._handle = DisplayHandle()
            self._handle.display(bundle, raw=True)
        else:
            self._handle.update(bundle, raw=True)


@contextmanager
def interrupts_shown_short() -> Iterator[None]:
    """Let a Ctrl-C be shown without our frames: that it was heard, and what became of the transaction."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        notes = getattr(interrupt, "__notes__", ())
        lines = ["KeyboardInterrupt: the transaction was interrupted.", *notes]
        interrupt._render_traceback_ = lambda: lines  # type: ignore[attr-defined]
        raise
