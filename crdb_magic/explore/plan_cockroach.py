"""CockroachDB's plans: the lines of EXPLAIN and EXPLAIN ANALYZE -> a `Plan`.

The tree is written by pkg/sql/opt/exec/explain (emit.go, output.go), the recommendations by pkg/sql/opt/indexrec. What
a step says has changed with every version, so a line that is not known here is kept as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from crdb_magic.core.amounts import MOST
from crdb_magic.explore.plan import Plan, Step, shares
from crdb_magic.explore.plan_findings import Facts

_STEP = re.compile(r"(?P<branch>[ │├└─]*)• ?(?P<name>.*)", re.DOTALL)
_BESIDE = " │"
_BLANK = ("", "·")  # the second: as CockroachDB's own tests write it
_RECOMMENDED = re.compile(r"\s*(?:index recommendations: \d+|\d+\. type: index \w+|SQL commands?: (?P<sql>.+))")

_TARGETS = ("table", "into", "from", "left table")
_ROWS, _ESTIMATED = "actual row count", "estimated row count"
_READ = ("KV rows decoded", "KV rows read")  # since v23.2, before
# A step that reads says the first, others the second from v24.3 on; before that only their share of the CPU is known.
_OWN_TIME = ("KV time", "execution time", "sql cpu time")
_WAITED, _SPILLED, _SPANS, _NO_STATISTICS = (
    "KV contention time", "estimated max sql temp disk usage", "spans", "missing stats",
)  # fmt: skip
# What says how it went, not what is done. "nodes" and "cluster nodes": of v21 and v22.
_FIGURES = {
    *_READ, *_OWN_TIME, _ROWS, _ESTIMATED, _WAITED, _SPILLED, _NO_STATISTICS, "KV bytes read", "KV gRPC calls",
    "KV latch wait time", "KV lock wait time", "KV pairs read", "MVCC seek count (ext/int)",
    "MVCC step count (ext/int)", "auto commit", "cluster nodes", "estimated max memory allocated", "kv cpu time",
    "kv nodes", "nodes", "regions", "sql nodes", "used follower read", "used streamer", "vectorized batch count",
}  # fmt: skip
_INACCURATE = "  ----------------------  WARNING"  # behind the table's name, since v22.2
_WAIT_FOR_ALL = ("sort", "top-k", "group (hash)", "group (scalar)")  # their input is read to its end, LIMIT or not


@dataclass(slots=True)
class _WrittenStep:
    """A step as it is written: the column of its bullet, its name, and the lines below it."""

    column: int
    name: str
    lines: list[str] = field(default_factory=list)


def parse(lines: Sequence[str]) -> Plan:
    """Read the lines of a plan; what is not known of them is among its details, totals and remarks."""
    begins, ends = _tree_of(lines)
    totals = [_pair(line.strip()) for line in lines[:begins] if line.strip() not in _BLANK]
    written = _written(lines[begins:ends])
    steps = [_step(one.name, [_pair(line) for line in one.lines]) for one in written]
    parts = shares([step.facts.seconds for step in steps])
    steps = [replace(step, share=share) for step, share in zip(steps, parts, strict=True)]
    tail = [line.strip() for line in lines[ends:] if line.strip() not in _BLANK]
    known = [_RECOMMENDED.fullmatch(line) for line in tail]
    return Plan(
        text="\n".join(lines),
        executed="execution time" in dict(totals) or any(step.facts.rows is not None for step in steps),
        steps=tuple(_in_context(root) for root in _forest([one.column for one in written], steps)),
        totals=tuple(pair for pair in totals if pair[0]),
        remarks=(
            *(text for key, text in totals if not key),
            *(line for line, found in zip(tail, known, strict=True) if not found),
        ),
        recommendations=tuple(found["sql"] for found in known if found and found["sql"]),
    )


def _tree_of(lines: Sequence[str]) -> tuple[int, int]:
    """Give where the tree begins and ends: with its first bullet, at the first blank line behind its last one."""
    bullets = [number for number, line in enumerate(lines) if _STEP.fullmatch(line)]
    if not bullets:
        return len(lines), len(lines)
    behind = (number for number in range(bullets[-1], len(lines)) if lines[number].strip() in _BLANK)
    return bullets[0], next(behind, len(lines))


def _written(tree: Sequence[str]) -> list[_WrittenStep]:
    written: list[_WrittenStep] = []
    for line in tree:
        if found := _STEP.fullmatch(line):
            written.append(_WrittenStep(len(found["branch"]), found["name"].strip()))
        elif line.strip(_BESIDE).strip() not in _BLANK:
            written[-1].lines.append(line.lstrip(_BESIDE).strip())
    return written


def _forest(columns: Sequence[int], steps: Sequence[Step]) -> tuple[Step, ...]:
    """Put each step below the last one before it whose bullet stands further to the left."""
    roots, at = [], 0
    while at < len(steps):
        end = next((i for i in range(at + 1, len(steps)) if columns[i] <= columns[at]), len(steps))
        roots.append(replace(steps[at], steps=_forest(columns[at + 1 : end], steps[at + 1 : end])))
        at = end
    return tuple(roots)


def _in_context(step: Step, *, cut_short: bool = False) -> Step:
    """Tell a step what those around it say of it: a LIMIT above, and what a filter had to look at."""
    cut = cut_short or step.facts.cut_short
    below = (cut or step.name == "limit") and step.name not in _WAIT_FOR_ALL
    read = step.steps[0].facts.rows if step.name == "filter" and step.steps else step.facts.read
    return replace(
        step,
        facts=replace(step.facts, cut_short=cut, read=read),
        steps=tuple(_in_context(one, cut_short=below) for one in step.steps),
    )


def _pair(line: str) -> tuple[str, str]:
    """Part a line into what it tells and what that is; without a name if it is not so."""
    key, _, value = line.partition(": ")
    if key and value:
        return key, value
    return (line, "") if line in _FIGURES else ("", line)


def _step(name: str, pairs: Sequence[tuple[str, str]]) -> Step:
    named = dict(reversed(pairs))
    target = next((pair for pair in pairs if pair[0] in _TARGETS), ("", ""))
    said = {target, ("spans", "FULL SCAN")}  # by the target, and by a finding
    return Step(
        name=name,
        target=target[1].partition(_INACCURATE)[0],
        facts=_facts(named),
        details=(*(pair for pair in pairs if pair[0] not in _FIGURES and pair not in said), *_read_of(named)),
        figures=tuple(pair for pair in pairs if pair[0] in _FIGURES),
    )


def _read_of(named: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if size := named.get("KV bytes read"):
        yield "KV rows", f"{_first(named, _READ)} ({size})"


def _facts(named: Mapping[str, str]) -> Facts:
    estimated, spilled, spans = named.get(_ESTIMATED, ""), named.get(_SPILLED, "0 B"), named.get(_SPANS, "")
    return Facts(
        estimated=None if "missing stats" in estimated else read_count(estimated),
        rows=read_count(named.get(_ROWS, "")),
        read=read_count(_first(named, _READ)),
        seconds=read_duration(_first(named, _OWN_TIME)),
        waited=read_duration(named.get(_WAITED, "")) or 0,
        full_scan=spans.startswith("FULL SCAN"),
        statistics=_statistics(named),
        spilled="" if spilled == "0 B" else spilled,
        cut_short="SOFT LIMIT" in spans,
    )


def _statistics(named: Mapping[str, str]) -> str:
    table = named.get("table", "")
    if _NO_STATISTICS in named or (table and "missing stats" in named.get(_ESTIMATED, "")):
        return "no"
    return "old" if _INACCURATE in table else ""


def _first(named: Mapping[str, str], keys: Sequence[str]) -> str:
    return next((named[key] for key in keys if key in named), "")


# CockroachDB's pkg/util/humanizeutil and Go's time.Duration: 125,000; 1m59s, 1.2s, 604µs.
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_PART = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|µs|us|ns)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "µs": 1e-6, "us": 1e-6, "ns": 1e-9}


def read_count(text: str) -> float | None:
    """Read a number with commas; of two with a dash between them, the larger."""
    numbers = [float(found.replace(",", "")) for found in _NUMBER.findall(text.partition("(")[0])]
    return max((number for number in numbers if number < MOST), default=None)


def read_duration(text: str) -> float | None:
    """Read a duration, in seconds."""
    parts = _PART.findall(text)
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    return seconds if parts and seconds < MOST else None
