"""Results -> what the notebook shows: frames with captions, tags, and what is live while a transaction runs."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from types import TracebackType
from typing import Any, Self

import pandas as pd
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.getipython import get_ipython
from IPython.display import DisplayHandle, display

from crdb_magic.columns.frames import Backend, records, to_frame
from crdb_magic.columns.objects import Finish, as_read, with_decimals
from crdb_magic.columns.results import Report, Result
from crdb_magic.columns.tables import to_arrow
from crdb_magic.core.options import Choice
from crdb_magic.core.receipt import Receipt
from crdb_magic.core.wording import without_ids
from crdb_magic.errors import Attempt, Outcome
from crdb_magic.magics.audience import Audience
from crdb_magic.sql.statements import Statement

_CAPTION_LENGTH = 72
_PLANS = (["info"], ["QUERY PLAN"])  # the column of an EXPLAIN: CockroachDB's, PostgreSQL's

# As JupyterLab shows text; elsewhere its variables have no values.
_STYLE = (
    "margin: 0; padding-left: 1ch; white-space: pre-wrap; "
    "font: var(--jp-code-font-size, 13px)/var(--jp-code-line-height, 1.3) var(--jp-code-font-family, monospace)"
)
# Words of ours stand back behind the results: JupyterLab's colour for secondary text, grey elsewhere.
_ASIDE = "; color: var(--jp-ui-font-color2, #666)"


def _bundle(text: str, style: str = _ASIDE, meter: str = "") -> dict[str, str]:
    """Give lines of text in both forms; ``meter`` is HTML before them."""
    return {"text/plain": text, "text/html": f'<pre style="{_STYLE}{style}">{meter}{escape(text)}</pre>'}


def say(text: str, metadata: dict[str, Any] | None = None) -> None:
    """Show a line or more of plain words."""
    display(_bundle(text), metadata=metadata or {}, raw=True)


def rows_in_words(count: int) -> str:
    """Say how many rows."""
    return f"{count:,} row" if count == 1 else f"{count:,} rows"


class LiveOutput:
    """One output of a notebook that is rewritten while something lasts, and emptied at last.

    There is none where outputs are captured or held back: they would all come when it is over.
    """

    def __init__(self) -> None:
        self._handle: DisplayHandle | None = None

    def show(self, text: str, meter: str = "") -> None:
        """Show a line of plain words instead of the last one; ``meter`` is HTML before it."""
        if self._handle is not None:
            self._handle.update(_bundle(text, meter=meter), raw=True)
        elif not isinstance(getattr(get_ipython(), "display_pub", None), CapturingDisplayPublisher):
            self._handle = DisplayHandle()
            self._handle.display(_bundle(text, meter=meter), raw=True)

    def empty(self) -> None:
        """Leave nothing to be seen."""
        if self._handle is not None:
            self._handle.update({}, raw=True)


class Receipts:
    """Which of the notebook's frames came from which transaction, for their outputs and the metadata of these."""

    def __init__(self) -> None:
        self._frames: weakref.WeakValueDictionary[int, pd.DataFrame] = weakref.WeakValueDictionary()
        self._receipts: dict[int, tuple[dict[str, Any], bool]] = {}

    def attach(self, frame: pd.DataFrame, receipt: Receipt | None, *, explained: bool = False) -> None:
        """Remember the frame, and its receipt if it is to have one: in ``frame.attrs["crdb"]``, as a plain dict."""
        metadata = {"crdb": receipt.as_dict()} if receipt else {}
        frame.attrs |= metadata
        self._receipts = {key: value for key, value in self._receipts.items() if key in self._frames}
        self._frames[id(frame)] = frame
        self._receipts[id(frame)] = metadata, explained

    def bundle(self, frame: pd.DataFrame, *_: Any, **__: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Give what IPython's mimebundle formatter asks for: the receipt as metadata, and what pandas shows otherwise.

        pandas hands ``attrs`` on to frames made from this one, so the receipt goes by the frame itself.
        """
        if self._frames.get(id(frame)) is not frame:
            return {}, {}
        metadata, explained = self._receipts[id(frame)]
        return _own_form(frame, explained=explained) or {}, metadata


def _own_form(frame: pd.DataFrame, *, explained: bool) -> dict[str, str] | None:
    """Give what is shown of a frame where pandas would not do: of a plan its lines, of no rows that there are none."""
    if explained:
        return _plan(frame)
    if len(frame):
        return None
    with pd.option_context("display.show_dimensions", True):  # noqa: FBT003 - pandas' signature
        forms = {"text/plain": repr(frame), "text/html": frame._repr_html_()}  # type: ignore[operator]
    return {kind: text for kind, text in forms.items() if text}


def _plan(frame: pd.DataFrame) -> dict[str, str] | None:
    """Give the lines of a plan, which a table would cut and put to the right; None for what EXPLAIN says otherwise."""
    lines: list[Any] = frame.iloc[:, 0].tolist() if list(frame.columns) in _PLANS else [None]
    return _bundle("\n".join(lines), style="") if all(isinstance(line, str) for line in lines) else None


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
            say("\n".join([*tags, _caption(statement)]), metadata)
            _show(_decoded(result, Shape(backend=shape.backend)), statement)
            tags = []
        if result.notices:
            tags += [_caption(statement)] if index == last and len(statements) > 1 else []
            tags += map(without_ids, result.notices)
    if last is not None and last < len(statements) - 1:  # else the value would stand under the tag of another one
        tags.append(_caption(statements[last]))
    if tags:
        say("\n".join(tags), metadata)
    if last is None:
        return None
    value = _decoded(report.results[last], shape)
    if isinstance(value, pd.DataFrame):
        receipts.attach(value, report.receipt if shape.receipts else None, explained=_explains(statements[last]))
    return value


def _show(frame: pd.DataFrame, statement: Statement) -> None:
    form = _own_form(frame, explained=_explains(statement))
    display(frame if form is None else form, raw=form is not None)


def _explains(statement: Statement) -> bool:
    return statement.keyword == "EXPLAIN"


def _decoded(result: Result, shape: Shape) -> Any:
    if shape.value is As.FRAME:
        return to_frame(result, shape.backend)
    return to_arrow(result) if shape.value is As.ARROW else records(result)


def _caption(statement: Statement) -> str:
    words = " ".join(statement.text[statement.head :].split())
    return words if len(words) <= _CAPTION_LENGTH else words[: _CAPTION_LENGTH - 1] + "…"


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
            f"Attempt {attempt.number} of {self._max_attempts} was refused ({attempt.label}); "
            f"next in {(attempt.wait or 0) * 1000:.0f} ms …"
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
        notes = getattr(interrupt, "__notes__", () if begun() else (Outcome.NOT_COMMITTED.value,))
        lines = ["KeyboardInterrupt: the transaction was interrupted.", *notes]
        interrupt._render_traceback_ = lambda: lines  # type: ignore[attr-defined]
        raise
