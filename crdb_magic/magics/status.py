"""A line under the result of a transaction: how many rows, how long it took, how often it was tried.

What differs between two runs is in the metadata of the output only, since strict nbval compares its data; the
JupyterLab extension draws it from there. Where that is absent, the rest is shown.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from html import escape
from typing import Any, Protocol

from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display

from crdb_magic.core.amounts import duration, rows_in_words
from crdb_magic.core.asof import FOLLOWER, time_of
from crdb_magic.core.options import Choice
from crdb_magic.core.receipt import Receipt
from crdb_magic.drawing import attempts
from crdb_magic.drawing.html import words_bundle
from crdb_magic.magics.audience import Audience
from crdb_magic.magics.outputs import metadata_of

MIME = "application/vnd.crdb-magic.status+json"
# No variables: JupyterLab's sanitizer drops them (apputils/src/sanitizer.ts). Faint in whatever colours there are.
_STYLE = (
    "padding-left: 8px; white-space: pre-wrap; opacity: 0.65; font-size: 13px; line-height: 1.3; "
    "font-family: Menlo, Consolas, 'DejaVu Sans Mono', monospace"
)


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
class TransactionSummary:
    """A transaction that was committed, or the sum of those of a cell.

    ``rows`` are those of its value, None if that has none, and ``into`` the name that it was given. ``receipt`` is
    that of the one which took the most attempts; ``cut`` says that it is not all, as does ``frame`` where it is shown.
    """

    receipt: Receipt
    rows: int | None
    into: str | None
    elapsed: float
    attempts: int
    as_of: Decimal | None
    count: int = 1
    cut: str = ""
    frame: Any = field(default=None, repr=False, compare=False)

    @classmethod
    def one(
        cls, receipt: Receipt, rows: int | None = None, into: str | None = None, *, cut: str = "", frame: Any = None
    ) -> TransactionSummary:
        """Give what is to be told of one."""
        return cls(receipt, rows, into, receipt.elapsed, receipt.attempts, receipt.as_of, cut=cut, frame=frame)

    def __add__(self, other: TransactionSummary) -> TransactionSummary:
        return TransactionSummary(
            receipt=max(self.receipt, other.receipt, key=lambda one: one.attempts),
            rows=None if self.rows is None and other.rows is None else (self.rows or 0) + (other.rows or 0),
            into=None,
            elapsed=self.elapsed + other.elapsed,
            attempts=self.attempts + other.attempts,
            as_of=self.as_of if self.as_of == other.as_of else None,
            count=self.count + other.count,
        )

    @property
    def ended(self) -> str:
        """Say what became of it."""
        return "committed" if self.receipt.committed else "rolled back"

    @property
    def steady(self) -> str:
        """Say what is the same on every run."""
        what = self.ended if self.rows is None else self.cut or rows_in_words(self.rows)
        several = f"{self.count:,} transactions · " if self.count > 1 else ""
        return f"{several}{what} → {self.into}" if self.into else f"{several}{what}"

    @property
    def facts(self) -> str:
        """Say what differs between runs."""
        facts = [duration(self.elapsed)]
        if self.attempts > self.count:
            facts.append(f"{self.attempts:,} attempts")
        if self.as_of is not None:
            facts.append(f"as of {time_of(self.as_of):%Y-%m-%d %H:%M:%S} UTC{self._behind}")
        return " · ".join(facts)

    @property
    def _behind(self) -> str:
        """How far behind the present a follower was read, which nobody has asked for by a number."""
        asked, staleness = self.receipt.options.as_of, self.receipt.staleness
        if self.count > 1 or asked is None or asked.asked != FOLLOWER or staleness is None:
            return ""
        return f", {duration(max(staleness, 0))} behind"


@dataclass(frozen=True, slots=True)
class TransactionLine:
    """The line about one transaction; there is none about what ran ``within`` one that has not ended."""

    status: StatusLine
    into: str | None
    within: bool

    @property
    def speaks(self) -> bool:
        """Whether a line is shown."""
        return not self.within and self.status.speaks

    def under_value(self, receipt: Receipt, rows: int | None, *, cut: str = "", frame: Any = None) -> None:
        """Say it when the cell has run, of a value that has rows or not, and perhaps not all of them."""
        if self.speaks:
            self.status.add(TransactionSummary.one(receipt, rows, self.into, cut=cut, frame=frame))

    def under_tags(self, tags: Sequence[str], receipt: Receipt) -> None:
        """Show what the server said of statements without rows, and behind it how the transaction went."""
        done, said = TransactionSummary.one(receipt), "\n".join(tags)
        whole = f"{said} · {done.facts}" if len(tags) == 1 else f"{said}\n{done.ended} · {done.facts}"
        self.status.show(said, "" if self.within else whole, done)


class StatusLine:
    """Says how transactions went: once the cell has run, so that it stands below the cell's value.

    Nothing is said of a cell that failed, nor of what ran while outputs were captured.
    """

    def __init__(self, shell: InteractiveShell, settings: Settings) -> None:
        self._shell = shell
        self._settings = settings
        self._done: TransactionSummary | None = None
        self._screen = shell.display_pub
        self._events: dict[str, Callable[..., None]] = {"pre_run_cell": self._begin, "post_run_cell": self._end}

    def join(self) -> None:
        """Hear of the cells that run."""
        for event, heard in self._events.items():
            self._shell.events.register(event, heard)

    def leave(self) -> None:
        """Hear of them no longer."""
        for event, heard in self._events.items():
            self._shell.events.unregister(event, heard)

    def of(self, into: str | None, *, within: bool = False) -> TransactionLine:
        """Give the line about one transaction, whose value has a name or not."""
        return TransactionLine(self, into, within)

    @property
    def speaks(self) -> bool:
        """Whether a line is wanted, and its place is the notebook."""
        return self._settings.status != How.OFF.value and self._shell.display_pub is self._screen

    def add(self, done: TransactionSummary) -> None:
        """Say it when the cell has run."""
        self._done = self._done + done if self._done else done

    def show(self, steady: str, whole: str, done: TransactionSummary) -> None:
        """Show a line in the form for who looks: ``whole`` with all that there is to say, or ``steady``."""
        how, receipts = How(self._settings.status) if whole else How.OFF, self._settings.receipts
        data: Any = words_bundle(steady)
        metadata = metadata_of(done.receipt if receipts and done.count == 1 else None)
        if how is not How.OFF and self._settings.audience is Audience.TERMINAL:
            data = {"text/plain": _faint(_text(whole, done))}
        elif how is How.FULL:
            data = {"text/plain": _text(whole, done), "text/html": _html(whole, done)}
        elif how is How.STEADY and receipts:
            data |= {MIME: {"text": steady}}
            metadata["crdb_status"] = {"html": _html(whole, done)}
        display(data, metadata=metadata, raw=True)

    def _begin(self, *_: Any) -> None:
        self._done = None  # of a cell that ran silently
        self._screen = self._shell.display_pub

    def _end(self, result: Any = None) -> None:
        done, self._done = self._done, None
        if done and result is not None and result.success:
            if done.frame is not None and result.result is done.frame:
                done = replace(done, cut="")
            self.show(done.steady, f"{done.steady} · {done.facts}", done)


def _heading(done: TransactionSummary) -> list[str]:
    return ["The transaction with the most attempts:"] if done.count > 1 else []


def _text(whole: str, done: TransactionSummary) -> str:
    if not done.receipt.retries:
        return whole
    return "\n".join([whole, *_heading(done), attempts.as_text(done.receipt)])


def _faint(text: str) -> str:
    return f"\x1b[2m{text}\x1b[22m" if sys.stdout.isatty() else text


def _html(whole: str, done: TransactionSummary) -> str:
    """Give the lines; behind the last one, if it can be opened, stand the attempts."""
    before, line, last = escape(whole).rpartition("\n")
    if done.receipt.retries:
        opened = "".join(_heading(done)) + attempts.as_html(done.receipt)
        last = f'<details><summary style="cursor: pointer">{last}</summary>{opened}</details>'
    return f'<div class="crdb-status" style="{_STYLE}">{before}{line}{last}</div>'
