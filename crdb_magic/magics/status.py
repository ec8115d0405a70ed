"""A line under the result of a transaction: how many rows, how long it took, how often it was tried.

What differs between two runs is in the metadata of the output only, since strict nbval compares its data; the
JupyterLab extension draws it from there. Where that is absent, the rest is shown.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Protocol

from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display

from crdb_magic.core.asof import time_of
from crdb_magic.core.options import Choice
from crdb_magic.core.receipt import Receipt
from crdb_magic.magics import timeline
from crdb_magic.magics.audience import Audience
from crdb_magic.magics.outputs import bundle, duration_in_words, rows_in_words

MIME = "application/vnd.crdb-magic.status+json"
# No variables: JupyterLab's sanitizer drops them (apputils/src/sanitizer.ts). Faint in whatever colours there are.
_STYLE = (
    "padding-left: 8px; white-space: pre-wrap; opacity: 0.65; font-size: 13px; line-height: 1.3; "
    "font-family: Menlo, Consolas, 'DejaVu Sans Mono', monospace"
)

_COMMITTED = "committed"


class How(Choice):
    """How much of the line is in the data of the output."""

    STEADY = "steady"
    FULL = "full"
    OFF = "off"


class Settings(Protocol):
    """What the notebook has set."""

    @property
    def status(self) -> str:
        """A word of `How`."""

    @property
    def receipts(self) -> bool:
        """Whether outputs may have times in their metadata."""

    @property
    def audience(self) -> Audience:
        """Who sees what is shown now."""


@dataclass(frozen=True, slots=True)
class Done:
    """A transaction that was committed: the rows of its value if that has rows, and the name that it was given."""

    receipt: Receipt
    rows: int | None = None
    into: str | None = None

    @property
    def steady(self) -> str:
        """Say what is the same on every run."""
        what = _COMMITTED if self.rows is None else rows_in_words(self.rows)
        return f"{what} → {self.into}" if self.into else what


@dataclass(frozen=True, slots=True)
class Told:
    """Where is told how one transaction went; nothing of what ran ``within`` one that has not ended."""

    line: StatusLine
    into: str | None
    within: bool

    def under_value(self, receipt: Receipt, rows: int | None) -> None:
        """Say it when the cell has run, of a value that has rows or not."""
        if not self.within:
            self.line.add(Done(receipt, rows, self.into))

    def under_tags(self, tags: Sequence[str], receipt: Receipt) -> None:
        """Show what the server said of statements without rows, and behind it how the transaction went."""
        facts = " · ".join(_facts([receipt]))
        lines = [f"{tags[0]} · {facts}"] if len(tags) == 1 else [*tags, f"{_COMMITTED} · {facts}"]
        self.line.show("\n".join(tags), [] if self.within else lines, [receipt])


class StatusLine:
    """Says how transactions went: once the cell has run, so that it stands below the cell's value.

    Nothing is said of a cell that failed, nor of what ran while outputs were captured.
    """

    def __init__(self, shell: InteractiveShell, settings: Settings) -> None:
        self._shell = shell
        self._settings = settings
        self._done: list[Done] = []
        self._screen = shell.display_pub
        self._events: dict[str, Callable[..., None]] = {"pre_run_cell": self._begin, "post_run_cell": self._end}

    def watch(self) -> None:
        """Hear of the cells that run."""
        for event, heard in self._events.items():
            self._shell.events.register(event, heard)

    def leave(self) -> None:
        """Hear of them no longer."""
        for event, heard in self._events.items():
            self._shell.events.unregister(event, heard)

    def add(self, done: Done) -> None:
        """Say it when the cell has run."""
        if self._shell.display_pub is self._screen:
            self._done.append(done)

    def of(self, into: str | None, *, within: bool = False) -> Told:
        """Give where one transaction is told of, whose value has a name or not."""
        return Told(self, into, within)

    def show(self, steady: str, lines: Sequence[str], receipts: Sequence[Receipt]) -> None:
        """Show a line in the form for who looks: ``lines`` with all that there is to say, or ``steady``."""
        how = How(self._settings.status) if lines else How.OFF
        data: Any
        metadata: dict[str, Any] = {}
        if self._settings.receipts and len(receipts) == 1:
            metadata["crdb"] = receipts[0].as_dict()
        if how is How.OFF:
            data = bundle(steady)
        elif self._settings.audience is Audience.TERMINAL:
            data = {"text/plain": _faint(_text(lines, receipts))}
        elif how is How.FULL:
            data = {"text/plain": _text(lines, receipts), "text/html": _html(lines, receipts)}
        else:
            data = bundle(steady)
            if self._settings.receipts:
                data |= {MIME: {"text": steady}}
                metadata["crdb_status"] = {"html": _html(lines, receipts)}
        display(data, metadata=metadata, raw=True)

    def _begin(self, *_: Any) -> None:
        self._done.clear()  # of a cell that ran silently
        self._screen = self._shell.display_pub

    def _end(self, result: Any = None) -> None:
        done, self._done = self._done, []
        if not done or result is None or not result.success or self._settings.status == How.OFF.value:
            return
        steady, receipts = _steady(done), [one.receipt for one in done]
        self.show(steady, [" · ".join([steady, *_facts(receipts)])], receipts)


def _steady(done: Sequence[Done]) -> str:
    if len(done) == 1:
        return done[0].steady
    rows = [one.rows for one in done if one.rows is not None]
    return " · ".join([f"{len(done)} transactions", *([rows_in_words(sum(rows))] if rows else [])])


def _facts(receipts: Sequence[Receipt]) -> list[str]:
    """Say what differs between runs."""
    facts = [duration_in_words(sum(one.elapsed for one in receipts))]
    attempts = sum(one.attempts for one in receipts)
    if attempts > len(receipts):
        facts.append(f"{attempts} attempts")
    instants = {one.as_of for one in receipts}
    if len(instants) == 1 and (instant := instants.pop()) is not None:
        facts.append(f"as of {time_of(instant):%Y-%m-%d %H:%M:%S} UTC")
    return facts


def _retried(receipts: Sequence[Receipt]) -> list[Receipt]:
    return [one for one in receipts if one.retries]


def _text(lines: Sequence[str], receipts: Sequence[Receipt]) -> str:
    return "\n".join([*lines, *map(timeline.as_text, _retried(receipts))])


def _faint(text: str) -> str:
    return f"\x1b[2m{text}\x1b[22m" if sys.stdout.isatty() else text


def _html(lines: Sequence[str], receipts: Sequence[Receipt]) -> str:
    """Give the lines; behind the last one, if it can be opened, stand the attempts."""
    *before, last = map(escape, lines)
    if opened := "".join(map(timeline.as_html, _retried(receipts))):
        last = f'<details><summary style="cursor: pointer">{last}</summary>{opened}</details>'
    return f'<div class="crdb-status" style="{_STYLE}">{"<br>".join([*before, last])}</div>'
