"""What stands out of a step of a plan: by rules that hold for all servers, of facts that a parser has read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crdb_magic.core.amounts import count, duration

_MANY = 1000  # rows: a full scan of fewer is what a planner should choose
_SOME = 100  # rows: to be wrong by fewer does no harm
_OFF = 10  # times: from here on an estimate may have led to another plan than the right one
_FEW_KEPT = 0.1
_COUNTS = 0.05  # the share below which a step is no reason to be slow


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a step; None, and nothing, where the server does not say it.

    ``estimated`` and ``rows`` are those that it gave in all, ``read`` those that it read for them from a table.
    ``seconds`` are its own, ``waited`` those in which it waited for other transactions. ``statistics`` says what is
    wrong with those of its table, ``spilled`` what went to disk. ``cut_short``: what it feeds may have had enough, so
    that fewer rows than estimated are no mistake.
    """

    estimated: float | None = None
    rows: float | None = None
    read: float | None = None
    seconds: float | None = None
    waited: float = 0
    full_scan: bool = False
    filters: bool = False
    statistics: str = ""
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


def findings(facts: Facts, below: Sequence[Facts] = (), share: float | None = None) -> tuple[Finding, ...]:
    """Give what stands out of a step with such a share of the whole, fed by those ``below``; the gravest first."""
    if facts.never_executed:
        return (Finding("never executed", grave=False),)
    found = [*_of_access(facts, share), *_of_estimate(facts, below), *_of_rows(facts), *_of_resources(facts)]
    return tuple(sorted(found, key=lambda finding: not finding.grave))


def _of_access(facts: Facts, share: float | None) -> Iterator[Finding]:
    if facts.full_scan:
        yield Finding("full scan", grave=_is_large(facts) and (share is None or share >= _COUNTS))
    if facts.statistics:
        yield Finding(f"{facts.statistics} statistics")


def _is_large(facts: Facts) -> bool:
    """Whether a full scan reads much; if that is not known, it may."""
    reads = facts.read
    if reads is None and not facts.filters:
        reads = facts.estimated
    return reads is None or reads >= _MANY


def _of_estimate(facts: Facts, below: Sequence[Facts]) -> Iterator[Finding]:
    """Say how wrong an estimate was, where it went wrong: those above are built on it."""
    off = _off(facts)
    if off >= _OFF and not any(_off(one) * 2 >= off for one in below):
        yield Finding(f"estimate off ×{count(off)}")


def _off(facts: Facts) -> float:
    """Give how many times more, or fewer, rows came than was estimated; 1 for what does not matter."""
    rows, estimated = facts.rows, facts.estimated
    if rows is None or estimated is None or abs(rows - estimated) < _SOME or (facts.cut_short and rows < estimated):
        return 1
    return max(rows, estimated, 1) / max(min(rows, estimated), 1)


def _of_rows(facts: Facts) -> Iterator[Finding]:
    rows, read = facts.rows, facts.read
    if rows is not None and read is not None and read >= _MANY and rows < read * _FEW_KEPT:
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


_TROUBLE = ("contention", "temp disk", "temporary files", "retr", "lock table", "latches", "admission control")


def troubles(total: str, value: str) -> bool:
    """Whether a figure of the whole tells of trouble: waits, retries, rows on disk."""
    return any(word in total for word in _TROUBLE) and not value.startswith("0")
