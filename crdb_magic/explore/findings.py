"""What stands out of a step of a plan: by rules that hold for all servers, of facts that a parser has read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from crdb_magic.explore.amounts import count, duration

_MANY = 1000  # rows: a full scan of fewer is what a planner should choose
_OFF = 10  # times: from here on an estimate may have led to another plan than the right one
_FEW_KEPT = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a step; None, and nothing, where the server does not say it.

    ``estimated`` and ``rows`` are those that it gave in all, ``read`` those that it read for them from a table.
    ``seconds`` are its own, ``waited`` those in which it waited for other transactions. ``spilled`` says what went to
    disk. ``cut_short``: what it feeds may have had enough, so that fewer rows than estimated are no mistake.
    """

    estimated: float | None = None
    rows: float | None = None
    read: float | None = None
    read_bytes: str = ""
    seconds: float | None = None
    waited: float = 0
    full_scan: bool = False
    filters: bool = False
    no_statistics: bool = False
    spilled: str = ""
    repeats: float = 1
    workers: tuple[int, int] | None = None
    never_executed: bool = False
    cut_short: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """A few words; ``grave`` is what to look at first."""

    words: str
    grave: bool = True


def findings(facts: Facts) -> tuple[Finding, ...]:
    """Give what stands out of a step, the gravest first."""
    if facts.never_executed:
        return (Finding("never executed", grave=False),)
    found = [*_of_access(facts), *_of_rows(facts), *_of_resources(facts)]
    return tuple(sorted(found, key=lambda finding: not finding.grave))


def _of_access(facts: Facts) -> Iterator[Finding]:
    if facts.full_scan:
        yield Finding("full scan", grave=_is_large(facts))
    if facts.no_statistics:
        yield Finding("no statistics")


def _is_large(facts: Facts) -> bool:
    """Whether a full scan reads much; if that is not known, it may."""
    known = facts.read if facts.read is not None else None if facts.filters else facts.estimated
    return known is None or known >= _MANY


def _of_rows(facts: Facts) -> Iterator[Finding]:
    rows, estimated, read = facts.rows, facts.estimated, facts.read
    if rows is None:
        return
    if estimated is not None:
        off = max(rows, estimated, 1) / max(min(rows, estimated), 1)
        excused = facts.cut_short and rows < estimated
        if off >= _OFF and abs(rows - estimated) >= 10 * _OFF and not excused:
            yield Finding(f"estimate off ×{count(off)}")
    if read is not None and read >= _MANY and rows < read * _FEW_KEPT:
        yield Finding(f"keeps {count(rows)} of {count(read)} rows")


def _of_resources(facts: Facts) -> Iterator[Finding]:
    if facts.spilled:
        yield Finding(f"spilled {facts.spilled}")
    if facts.waited:
        yield Finding(f"waited {duration(facts.waited)} for other transactions")
    if facts.workers is not None:
        launched, planned = facts.workers
        short = launched < planned
        yield Finding(f"{launched} of {planned} workers" if short else f"{planned} workers", grave=short)
    if facts.repeats > 1:
        yield Finding(f"{count(facts.repeats)} times", grave=facts.repeats >= _MANY)


_TROUBLE = ("contention", "temp disk", "retr", "lock table", "latches", "admission control")


def troubles(total: str, value: str) -> bool:
    """Whether a figure of the whole tells of trouble: waits, retries, rows on disk."""
    return any(word in total for word in _TROUBLE) and not value.startswith("0")
