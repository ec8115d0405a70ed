"""A plan: the steps by which a server answers a statement, and what of them stands out. One value for all servers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pandas as pd

from crdb_magic.core.receipt import Receipt
from crdb_magic.explore.plan_findings import Facts, Finding, findings

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a plan, with the steps that feed it.

    ``name`` is the server's (``hash join``, ``Seq Scan``), ``target`` the table and index that it reads or writes.
    ``details`` say what it does, in the server's words (``filter``: ``v > 1``); ``figures`` are the others that the
    server gave. ``share`` is the part (0 to 1) of the time that was spent in the step itself, without those that feed
    it; of the cost, as the planner reckons it, if it was not executed; None where the server says neither.
    """

    name: str
    target: str = ""
    facts: Facts = field(default_factory=Facts)
    share: float | None = None
    details: Pairs = ()
    figures: Pairs = ()
    steps: tuple[Step, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What stands out, the gravest first."""
        return findings(self.facts, [step.facts for step in self.steps], self.share)

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Step]]:
        """Give it and all steps below it, with how deep they are."""
        yield depth, self
        for step in self.steps:
            yield from step.walk(depth + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a server answers a statement.

    ``steps`` are the roots of its tree, each with ``.steps`` of its own: the last one first, as servers write it.
    ``totals`` are the figures of the whole, ``remarks`` warnings, and what was not understood. ``recommendations``
    are SQL: indexes that the server would like. ``text`` is the plan as the server gave it. ``executed``: with
    EXPLAIN ANALYZE, so that it knows times and rows, which differ from run to run.
    """

    text: str
    executed: bool = False
    steps: tuple[Step, ...] = ()
    totals: Pairs = ()
    remarks: tuple[str, ...] = ()
    recommendations: tuple[str, ...] = ()
    receipt: Receipt | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return self.text

    def walk(self) -> Iterator[tuple[int, Step]]:
        """Give each step with how deep it is, from the top."""
        for step in self.steps:
            yield from step.walk()

    @property
    def frame(self) -> pd.DataFrame:
        """A row a step: depth, step, target, rows, estimated_rows, seconds (its own), share, findings, details."""
        return pd.DataFrame(
            [
                {
                    "depth": depth,
                    "step": step.name,
                    "target": step.target,
                    "rows": step.facts.rows,
                    "estimated_rows": step.facts.estimated,
                    "seconds": step.facts.seconds,
                    "share": step.share,
                    "findings": "; ".join(one.words for one in step.findings),
                    "details": "; ".join(said(pair) for pair in step.details),
                }
                for depth, step in self.walk()
            ],
            columns=_COLUMNS,
        )


_COLUMNS = ["depth", "step", "target", "rows", "estimated_rows", "seconds", "share", "findings", "details"]


def said(pair: tuple[str, str]) -> str:
    """Write a detail, or a figure, as the server did."""
    return ": ".join(filter(None, pair))


def shares(parts: list[float | None]) -> list[float | None]:
    """Give the share that each part has of their sum; None for what is unknown, and for all where there is no sum."""
    whole = sum(filter(None, parts))
    return [None if part is None or not whole else part / whole for part in parts]
