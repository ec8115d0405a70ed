"""The attempts of a transaction on a line of time: each with its reason, what helps, and the wait before the next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from crdb_magic.core.causes import cause_of
from crdb_magic.core.receipt import Receipt
from crdb_magic.errors import Attempt
from crdb_magic.magics.outputs import duration_in_words

_MOST = 8  # attempts that are shown; of more, the first and the last ones
_WIDTH = 30  # characters of the whole time in a text
_REFUSED, _COMMITTED, _WAIT = "#c77d0a", "#3d9a50", "#80808055"  # legible on light and on dark
_ROW = "display: inline-block; white-space: pre"
_TRACK = f"{_ROW}; width: 240px; margin: 0 8px"
_BAR = "display: inline-block; height: 7px; min-width: 1px"


@dataclass(frozen=True, slots=True)
class Step:
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
        return f"{self.end}, then waited {duration_in_words(self.waited)}" if not self.committed else self.end


def as_text(receipt: Receipt) -> str:
    """Draw it with characters."""
    scale = _WIDTH / _whole(receipt)
    lines = [
        f"{step.number:>4}  {_characters(step, scale)}  {duration_in_words(step.took):>7}  {step.words}"
        if isinstance(step, Step)
        else step
        for step in _shown(receipt)
    ]
    return "\n".join([*lines, *_explanations(receipt.retries)])


def as_html(receipt: Receipt) -> str:
    """Draw it with inline styles that JupyterLab's sanitizer lets through: no variables, no gradients."""
    scale = 100 / _whole(receipt)
    rows = [_row(step, scale) if isinstance(step, Step) else f"<div>{step}</div>" for step in _shown(receipt)]
    why = escape("\n".join(_explanations(receipt.retries)))
    return f'{"".join(rows)}<div style="white-space: pre-wrap">{why}</div>'


def _steps(receipt: Receipt) -> Iterator[Step]:
    now = 0.0
    for retry in receipt.retries:
        took, waited = retry.elapsed or 0, retry.wait or 0
        yield Step(retry.number, now, took, waited, retry.label, committed=False)
        now += took + waited
    yield Step(receipt.attempts, now, max(receipt.elapsed - now, 0), 0, "committed", committed=True)


def _whole(receipt: Receipt) -> float:
    return max(receipt.elapsed, *(step.begun + step.took for step in _steps(receipt))) or 1


def _shown(receipt: Receipt) -> list[Step | str]:
    steps: list[Step | str] = list(_steps(receipt))
    left_out = len(steps) - _MOST
    if left_out <= 1:
        return steps
    half = _MOST // 2
    return [*steps[:half], f"   …  {left_out} more", *steps[-half:]]


def _characters(step: Step, scale: float) -> str:
    begun, ended, again = (
        round(moment * scale) for moment in (step.begun, step.begun + step.took, step.begun + step.took + step.waited)
    )
    begun = min(begun, _WIDTH - 1)
    ended = max(ended, begun + 1)
    return f"{' ' * begun}{'█' * (ended - begun)}{'░' * (again - ended)}".ljust(_WIDTH)


def _row(step: Step, scale: float) -> str:
    colour = _COMMITTED if step.committed else _REFUSED
    bars = (
        f'<span style="{_BAR}; margin-left: {step.begun * scale:.1f}%; width: {step.took * scale:.1f}%; '
        f'background-color: {colour}"></span>'
    )
    if step.waited:
        bars += f'<span style="{_BAR}; width: {step.waited * scale:.1f}%; background-color: {_WAIT}"></span>'
    return (
        f'<div><span style="{_ROW}">{step.number:>4}</span><span style="{_TRACK}">{bars}</span>'
        f'<span style="{_ROW}">{duration_in_words(step.took):>7}  {escape(step.words)}</span></div>'
    )


def _explanations(retries: Sequence[Attempt]) -> list[str]:
    """Tell of each reason once what it means, and what helps."""
    causes = {retry.label: cause_of(retry) for retry in retries}
    return [f"{label}: {cause.what}. What helps: {cause.remedy}." for label, cause in causes.items()]
