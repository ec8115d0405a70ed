"""The attempts of a transaction on a line of time: each with its reason, what helps, and the wait before the next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from crdb_magic.core.amounts import duration
from crdb_magic.core.causes import cause_of
from crdb_magic.core.receipt import Receipt
from crdb_magic.drawing.html import element
from crdb_magic.errors import Attempt

_MOST = 8  # attempts that are shown; of more, the first and the last ones
_WIDTH = 24  # characters of the whole time in a text
_REFUSED, _COMMITTED, _WAIT = "#c77d0a", "#3d9a50", "#80808055"  # legible on light and on dark
_ROW = "white-space: pre; overflow: hidden; text-overflow: ellipsis"
_TRACK = "display: inline-block; width: 180px; margin: 0 8px"
_BAR = "display: inline-block; height: 7px; min-width: 1px"


@dataclass(frozen=True, slots=True)
class TimedAttempt:
    """One attempt: when it began, how long it took, how long was waited after it (seconds), and how it ended."""

    number: int
    begun: float
    took: float
    waited: float
    end: str
    committed: bool

    @property
    def words(self) -> str:
        """Say how it ended."""
        return self.end if self.committed else f"{self.end}, waited {duration(self.waited)}"


def as_text(receipt: Receipt) -> str:
    """Draw it with characters."""
    scale = _WIDTH / _whole(receipt)
    lines = [
        f"{step.number:>4}  {_characters(step, scale)}  {duration(step.took):>7}  {step.words}"
        if isinstance(step, TimedAttempt)
        else step
        for step in _shown(receipt)
    ]
    return "\n".join([*lines, *(f"{name}: {why}" for name, why in _explanations(receipt.retries))])


def as_html(receipt: Receipt) -> str:
    """Draw it with inline styles that JupyterLab's sanitizer lets through: no variables, no gradients."""
    scale = 100 / _whole(receipt)
    rows = [_row(step, scale) if isinstance(step, TimedAttempt) else f"<div>{step}</div>" for step in _shown(receipt)]
    why = [f"<div><b>{escape(name)}</b>: {escape(why)}</div>" for name, why in _explanations(receipt.retries)]
    return "".join([*rows, *why])


def _steps(receipt: Receipt) -> Iterator[TimedAttempt]:
    now = 0.0
    for retry in receipt.retries:
        took, waited = retry.elapsed or 0, retry.wait or 0
        yield TimedAttempt(retry.number, now, took, waited, _name(retry), committed=False)
        now += took + waited
    yield TimedAttempt(receipt.attempts, now, max(receipt.elapsed - now, 0), 0, "committed", committed=True)


def _whole(receipt: Receipt) -> float:
    return max(receipt.elapsed, *(step.begun + step.took for step in _steps(receipt))) or 1


def _shown(receipt: Receipt) -> list[TimedAttempt | str]:
    steps: list[TimedAttempt | str] = list(_steps(receipt))
    left_out = len(steps) - _MOST
    if left_out <= 1:
        return steps
    half = _MOST // 2
    return [*steps[:half], f"   …  {left_out} more", *steps[-half:]]


def _characters(step: TimedAttempt, scale: float) -> str:
    begun, ended, again = (
        round(moment * scale) for moment in (step.begun, step.begun + step.took, step.begun + step.took + step.waited)
    )
    begun = min(begun, _WIDTH - 1)
    ended = max(ended, begun + 1)
    return f"{' ' * begun}{'█' * (ended - begun)}{'░' * (again - ended)}".ljust(_WIDTH)


def _row(step: TimedAttempt, scale: float) -> str:
    colour = _COMMITTED if step.committed else _REFUSED
    place = f"margin-left: {step.begun * scale:.1f}%; width: {step.took * scale:.1f}%"
    bars = element("span", f"{_BAR}; {place}; background-color: {colour}", "")
    if step.waited:
        bars += element("span", f"{_BAR}; width: {step.waited * scale:.1f}%; background-color: {_WAIT}", "")
    words = f"{duration(step.took):>7}  {escape(step.words)}"
    return element("div", _ROW, f"{step.number:>4}{element('span', _TRACK, bars)}{words}")


def _name(retry: Attempt) -> str:
    return retry.reason or retry.label


def _explanations(retries: Sequence[Attempt]) -> list[tuple[str, str]]:
    """Tell of each reason once what it means, and what helps."""
    causes = {_name(retry): cause_of(retry) for retry in retries}
    return [(name, f"{cause.what}. What helps: {cause.remedy}.") for name, cause in causes.items()]
