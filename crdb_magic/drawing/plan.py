"""Plans -> what is shown: a tree beside its figures, in plain text and in HTML, what costs most to be seen first.

What differs from run to run (times, rows, memory) is there only if the plan was executed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import compress

from crdb_magic.core.amounts import count, duration, roughly
from crdb_magic.drawing.html import ASIDE, TEXT, Bundle, element
from crdb_magic.explore.plan import Plan, Step, said
from crdb_magic.explore.plan_findings import Finding, troubles

_BAR = 8  # characters
_HOT = 0.25  # a step with such a share is one to look at
_COARSE = (
    20  # shares are drawn in twentieths: of the planner's cost, since that depends on what statistics were collected
)
# What goes without saying, of CockroachDB's totals.
_AS_EVER = {
    ("vectorized", "true"), ("plan type", "custom"), ("isolation level", "serializable"), ("priority", "normal"),
    ("quality of service", "regular"), ("distribution", "local"),
}  # fmt: skip
# … and what can be said in fewer words.
_SHORT = {
    "cumulative time spent in KV": "in KV", "cumulative time spent due to contention": "contention",
    "cumulative time spent in the lock table": "locks", "cumulative time spent waiting to acquire latches": "latches",
    "rows decoded from KV": "KV rows", "rows read from KV": "KV rows", "maximum memory usage": "memory",
    "DistSQL network usage": "network", "network usage": "network", "max sql temp disk usage": "temporary files",
    "number of transaction retries": "retries of the transaction", "number of statement retries": "retries",
}  # fmt: skip
_AT_FIRST = ("execution time", "planning time")


@dataclass(frozen=True, slots=True)
class _StepRow:
    """A step as it is shown: its figures as words, and how its line and those below it begin in plain text."""

    step: Step
    figures: tuple[str, ...]
    depth: int
    first: str
    further: str

    @property
    def share(self) -> float:
        """How long its bar is, from 0 to 1."""
        return _coarse(self.step.share or 0)


def plan_bundle(plan: Plan) -> Bundle:
    """Show a plan, as text and as HTML."""
    return {"text/plain": as_text(plan), "text/html": as_html(plan)}


# What both forms show.


def _drawn(plan: Plan) -> tuple[tuple[str, ...], list[_StepRow]]:
    """Give the columns that somebody fills, and the rows."""
    columns = _EXECUTED if plan.executed else _PLANNED
    rows = list(_below(plan.steps, 0, "", columns.values()))
    filled = [any(row.figures[number] for row in rows) for number in range(len(columns))]
    kept = [replace(row, figures=tuple(compress(row.figures, filled))) for row in rows]
    return tuple(compress(columns, filled)), kept


def _below(
    steps: Sequence[Step], depth: int, lead: str, columns: Iterable[Callable[[Step], str]]
) -> Iterator[_StepRow]:
    for number, step in enumerate(steps):
        first, further = _branch(lead, last=number == len(steps) - 1) if depth else ("", "")
        yield _StepRow(step, tuple(figure(step) for figure in columns), depth, first, further)
        yield from _below(step.steps, depth + 1, further, columns)


def _branch(lead: str, *, last: bool) -> tuple[str, str]:
    return (f"{lead}└─ ", f"{lead}   ") if last else (f"{lead}├─ ", f"{lead}│  ")


def _time(step: Step) -> str:
    return "" if step.facts.seconds is None or step.facts.never_executed else duration(step.facts.seconds)


def _cost(step: Step) -> str:
    return f"{_coarse(step.share):.0%}" if step.share and _coarse(step.share) else ""


def _coarse(share: float) -> float:
    return round(share * _COARSE) / _COARSE


def _came(step: Step) -> str:
    return "" if step.facts.rows is None else count(step.facts.rows)


def _expected(step: Step) -> str:
    return "" if step.facts.estimated is None or step.facts.never_executed else roughly(step.facts.estimated)


_EXECUTED = {"own time": _time, "rows": _came, "estimated": _expected}
_PLANNED = {"cost": _cost, "≈ rows": _expected}
_WITH_BARS = ("own time", "cost")


def _totals(plan: Plan) -> list[tuple[str, bool]]:
    """Give the figures of the whole that say something, and whether they tell of trouble."""
    shown = [pair for pair in plan.totals if pair not in _AS_EVER and not pair[1].startswith("0")]
    shown.sort(key=lambda pair: _AT_FIRST.index(pair[0]) if pair[0] in _AT_FIRST else len(_AT_FIRST))
    return [(f"{_SHORT.get(name, name)} {value}", troubles(name, value)) for name, value in shown]


# Plain text.


def as_text(plan: Plan) -> str:
    """Draw it with a fixed width: figures on the left, the tree on the right, what stands out behind each step."""
    totals = " · ".join(f"! {words}" if bad else words for words, bad in _totals(plan))
    parts = [totals, "\n".join(_tree_lines(plan)), "\n".join(plan.remarks), _recommended(plan)]
    return "\n\n".join(filter(None, parts))


def _recommended(plan: Plan) -> str:
    return "\n".join(["The server recommends:", *plan.recommendations]) if plan.recommendations else ""


def _tree_lines(plan: Plan) -> Iterator[str]:
    names, rows = _drawn(plan)
    if not rows:
        return
    widths = [max(map(len, column)) for column in zip(names, *(row.figures for row in rows), strict=True)]
    bars = names[0] in _WITH_BARS if names else False

    def line(figures: Sequence[str], bar: str, words: str) -> str:
        cells = [figure.rjust(width) for figure, width in zip(figures, widths, strict=True)]
        return "  ".join([*cells[:1], *([bar.ljust(_BAR)] if bars else []), *cells[1:], words]).rstrip()

    if names:
        yield line(names, "", "step")
    for row in rows:
        yield line(row.figures, "█" * round(row.share * _BAR), row.first + _headed(row.step))
        stem = row.further + ("│  " if row.step.steps else "   ")
        for detail in row.step.details:
            yield line([""] * len(names), "", stem + said(detail))


def _headed(step: Step) -> str:
    found = "".join(f"  {'!' if one.grave else '·'} {one.words}" for one in step.findings)
    return f"{step.name} {step.target}".rstrip() + found


# HTML.

_ROW = "background: none"
_CELL = "padding: 1px 10px 1px 0; text-align: left; vertical-align: top; border: 0"
_NUMBER = "padding: 1px 14px 1px 0; text-align: right; vertical-align: top; border: 0; white-space: nowrap"
_BADGE = "display: inline-block; border: 1px solid; border-radius: 3px; padding: 0 4px; font-size: 90%"
_GRAVE = f"{_BADGE}; color: var(--jp-error-color1, #c62828); font-weight: 600"
_MILD = f"{_BADGE}; {ASIDE}"
_BESIDE = "width: 72px; height: 10px; margin-top: 4px"
_INDENT, _HANGS = 2, 2  # characters: of a step below another one, and of the branch that leads to it
_RED, _BLUE = "var(--jp-error-color1, #c62828)", "var(--jp-brand-color1, #1976d2)"


def as_html(plan: Plan) -> str:
    """Draw it as a table whose rows are the steps: bars, figures, the tree, and badges for what stands out."""
    parts = (
        _totals_html(plan),
        _table(plan),
        _lines("", plan.remarks),
        _lines("The server recommends:", plan.recommendations),
    )
    return element("div", f"{TEXT}; padding-left: 1ch", "".join(parts))


def _totals_html(plan: Plan) -> str:
    totals = [_badge(Finding(words)) if bad else escape(words) for words, bad in _totals(plan)]
    return element("div", f"{ASIDE}; padding-bottom: 6px", " · ".join(totals)) if totals else ""


def _table(plan: Plan) -> str:
    names, rows = _drawn(plan)
    if not rows:
        return ""
    bars = names[0] in _WITH_BARS if names else False
    heads = [element("td", f"{_NUMBER}; {ASIDE}", name) for name in names]
    if bars:
        heads.insert(1, "<td></td>")
    heads.append(element("td", f"{_CELL}; padding-left: {_HANGS}ch; {ASIDE}", "step" if names else ""))
    hottest = max(row.share for row in rows)
    lines = [_row_html(row, hot=row.share == hottest and hottest >= _HOT, bars=bars) for row in rows]
    body = "".join(element("tr", _ROW, line) for line in ("".join(heads), *lines))
    return element("table", f"border: 0; border-collapse: collapse; margin: 0; {TEXT}", f"<tbody>{body}</tbody>")


def _row_html(row: _StepRow, *, hot: bool, bars: bool) -> str:
    weight = "; font-weight: 600" if hot else ""
    cells = [element("td", _NUMBER + weight, escape(figure)) for figure in row.figures]
    if bars:
        cells.insert(1, element("td", _CELL, _bar(row.share)))
    indented = f"{_CELL}; overflow-wrap: anywhere; padding-left: {row.depth * _INDENT + _HANGS}ch"
    return "".join([*cells, element("td", indented, _step_html(row, weight))])


def _bar(share: float) -> str:
    colour = _RED if share >= _HOT else _BLUE
    return element("div", _BESIDE, element("div", f"width: {share:.0%}; height: 100%; background: {colour}", ""))


def _step_html(row: _StepRow, weight: str) -> str:
    step = row.step
    branch = element("span", f"{ASIDE}; margin-left: -{_HANGS}ch", "└ ") if row.depth else ""
    name = branch + element("span", weight.removeprefix("; "), escape(f"{step.name} {step.target}".rstrip()))
    badges = [_badge(one) for one in step.findings]
    details = [element("div", f"{ASIDE}; padding-left: 1ch", escape(said(pair))) for pair in step.details]
    return " ".join([name, *badges]) + "".join(details)


def _badge(finding: Finding) -> str:
    return element("span", _GRAVE if finding.grave else _MILD, escape(finding.words))


def _lines(title: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    text = element("pre", "margin: 0; white-space: pre-wrap", escape("\n".join(lines)))
    return element("div", "padding-top: 6px", element("span", ASIDE, title) * bool(title) + text)
