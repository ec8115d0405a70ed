"""A plan as lines: each step with what is known of it, to be compared as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from crdb_magic.explore.plan import Plan, Step, said

PLANS = Path(__file__).parent / "plans"


def recorded(name: str) -> str:
    return (PLANS / name).read_text().rstrip("\n")


def outline(plan: Plan) -> list[str]:
    """Give ``name target [estimated → rows, share] <findings> (details)``, indented."""
    return ["  " * depth + "".join(_parts(step)) for depth, step in plan.walk()]


def _parts(step: Step) -> Iterator[str]:
    yield f"{step.name} {step.target}".rstrip()
    facts = step.facts
    figures = ["" if facts.estimated is None else f"{facts.estimated:.0f}"]
    figures += [] if facts.rows is None else [f"→ {facts.rows:.0f}"]
    figures += [] if step.share is None else [f"{step.share:.0%}"]
    if shown := " ".join(filter(None, figures)):
        yield f" [{shown}]"
    if step.findings:
        yield f" <{', '.join(one.words.upper() if one.grave else one.words for one in step.findings)}>"
    if step.details:
        yield f" ({'; '.join(map(said, step.details))})"
