"""PostgreSQL's plans: the JSON of EXPLAIN (FORMAT JSON) -> a `Plan`.

It is written by src/backend/commands/explain.c. The figures of a step are those of one run of it, on average, and
include the steps that feed it; here they are those of all runs, and of the step alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from crdb_magic.core.amounts import MOST, count, duration, size
from crdb_magic.explore.plan import Pairs, Plan, Step, shares
from crdb_magic.explore.plan_findings import Facts

Node = Mapping[str, Any]

# What says what is done; all else is a figure, or in the name and the target.
_DETAILS = (
    "Subplan Name", "Index Cond", "Recheck Cond", "TID Cond", "Hash Cond", "Merge Cond", "Join Filter", "Filter",
    "One-Time Filter", "Run Condition", "Order By", "Cache Key", "Group Key", "Sort Key", "Presorted Key",
    "Conflict Resolution", "Conflict Arbiter Indexes", "Sort Method",
)  # fmt: skip
_TARGETS = ("Relation Name", "Function Name", "CTE Name", "Tuplestore Name", "Table Function Name")
_ELSEWHERE = {*_DETAILS, *_TARGETS, "Node Type", "Plans", "Alias", "Index Name", "Operation"}
_AGGREGATES = {"Sorted": "GroupAggregate", "Hashed": "HashAggregate", "Mixed": "MixedAggregate"}
_WAIT_FOR_ALL = ("Sort", "Hash", "Aggregate", "ModifyTable")  # their input is read to its end, LIMIT or not
_LEADS = 0.3  # the share of a process that leads one worker (get_parallel_divisor in costsize.c)
_KIBIBYTE = 1024
_BLOCK = 8 * _KIBIBYTE  # unless PostgreSQL was built with another size
_BUFFERS = {"Shared Hit Blocks": "from cache", "Shared Read Blocks": "read"}


@dataclass(frozen=True, slots=True)
class _Around:
    """What the steps around one say of it: how many processes run it, what CTEs took, whether a LIMIT is above.

    ``divisor``: by how many the planner divides the rows of what is shared among them.
    """

    processes: float = 1
    divisor: float = 1
    ctes: Mapping[str, float] = field(default_factory=dict)
    cut_short: bool = False


def parse(text: str) -> Plan:
    """Read the JSON of a plan; raises one of Python's errors for what is none."""
    documents = json.loads(text)
    nodes = [document["Plan"] for document in documents]
    executed = any("Actual Loops" in node for node in nodes)
    roots = [_step(node, _Around(ctes=dict(_ctes(node)))) for node in nodes]
    times = [step.facts.seconds for root in roots for _, step in root.walk()]
    costs = [cost for node in nodes for cost in _costs(node, _number(node, "Total Cost"))]
    parts = iter(shares(times if executed else [*costs]))
    return Plan(
        text=text,
        executed=executed,
        steps=tuple(_with_shares(root, parts) for root in roots),
        totals=tuple(pair for document in documents for pair in _totals(document)),
    )


def _number(node: Node, key: str) -> float:
    number = float(node.get(key, 0))
    return number if 0 <= number < MOST else 0


def _children(node: Node) -> list[Node]:
    return list(node.get("Plans", ()))


def _step(node: Node, around: _Around) -> Step:
    below = _below(node, around)
    return Step(
        name=_name(node),
        target=_target(node),
        facts=_facts(node, around),
        details=tuple((key.lower(), _said(node[key])) for key in _DETAILS if node.get(key)),
        figures=tuple((key, _said(value)) for key, value in node.items() if key not in _ELSEWHERE),
        steps=tuple(_step(child, _as_fed(node, child, below)) for child in _children(node)),
    )


def _said(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value)


def _below(node: Node, around: _Around) -> _Around:
    kind = node["Node Type"]
    if kind.startswith("Gather"):
        planned, launched = _number(node, "Workers Planned"), _number(node, "Workers Launched")
        around = replace(around, processes=launched + 1, divisor=planned + max(1 - _LEADS * planned, 0))
    return replace(around, cut_short=(around.cut_short or kind == "Limit") and kind not in _WAIT_FOR_ALL)


def _as_fed(node: Node, child: Node, below: _Around) -> _Around:
    """Tell what a semi join looks through that the first match is enough."""
    first_match = node.get("Join Type") in {"Semi", "Anti"} and child.get("Parent Relationship") == "Inner"
    return replace(below, cut_short=below.cut_short or first_match)


def _name(node: Node) -> str:
    """Give the name that the plan has as text."""
    name, join = str(node["Node Type"]), node.get("Join Type", "Inner")
    if name == "ModifyTable":
        name = node.get("Operation", name)
    elif name == "Aggregate":
        name = _AGGREGATES.get(node.get("Strategy", ""), name)
    elif join != "Inner":
        name = f"{name.removesuffix(' Join')} {join} Join"
    if node.get("Scan Direction") == "Backward":
        name = f"{name} Backward"
    part = node.get("Partial Mode", "Simple")
    if part != "Simple":
        return f"{part} {name}"
    return f"Parallel {name}" if node.get("Parallel Aware") is True else name


def _target(node: Node) -> str:
    table = next((str(node[key]) for key in _TARGETS if key in node), "")
    alias, index = str(node.get("Alias", "")), str(node.get("Index Name", ""))
    named = f"{table} as {alias}" if table and alias and alias != table else table
    return f"{named} using {index}" if named and index else named or index


def _facts(node: Node, around: _Around) -> Facts:
    divisor = around.divisor if _is_shared(node) else 1
    planned = _number(node, "Plan Rows") * divisor
    known = Facts(estimated=planned, full_scan=node["Node Type"] == "Seq Scan", filters="Filter" in node)
    if "Actual Loops" not in node:
        return known
    loops, repeats = _number(node, "Actual Loops"), _repeats(node, around.processes)
    rows = _number(node, "Actual Rows") * loops
    removed = sum(_number(node, key) for key in node if key.startswith("Rows Removed by")) * loops
    return replace(
        known,
        estimated=planned * (repeats if divisor > 1 else loops),  # the processes that share it make one run together
        rows=rows,
        read=rows + removed,
        seconds=_own_seconds(node, around),
        spilled=_spilled(node),
        repeats=repeats,
        workers=_workers(node),
        never_executed=not loops,
        cut_short=around.cut_short,
    )


def _is_shared(node: Node) -> bool:
    """Whether each process gives a part of the rows, instead of all of them."""
    return node.get("Parallel Aware") is True or any(map(_is_shared, _children(node)))


def _repeats(node: Node, processes: float) -> float:
    """Give how often a step ran, one run after the other: what ran beside it in another process took no time more."""
    loops = _number(node, "Actual Loops")
    return loops / max(min(loops, processes), 1)


def _seconds(node: Node, processes: float) -> float:
    """Give the time that a step took, with those that feed it."""
    return _number(node, "Actual Total Time") / 1000 * _repeats(node, processes)


def _own_seconds(node: Node, around: _Around) -> float:
    """Give the time that a step took itself: a CTE's belongs to its own steps, not to who reads it."""
    below = _below(node, around).processes
    others = sum(_seconds(child, below) for child in _children(node) if not _cte(child))
    reads = around.ctes.get(node.get("CTE Name", ""), 0) if node["Node Type"] == "CTE Scan" else 0
    return max(_seconds(node, around.processes) - others - reads, 0)


def _cte(node: Node) -> str:
    """Give the name of the CTE that a step is, or nothing."""
    name = str(node.get("Subplan Name", ""))
    return name.removeprefix("CTE ") if name.startswith("CTE ") else ""


def _ctes(node: Node) -> Iterator[tuple[str, float]]:
    if name := _cte(node):
        yield name, _seconds(node, 1)
    for child in _children(node):
        yield from _ctes(child)


def _workers(node: Node) -> tuple[int, int] | None:
    if not node["Node Type"].startswith("Gather"):
        return None
    return int(_number(node, "Workers Launched")), int(_number(node, "Workers Planned"))


def _spilled(node: Node) -> str:
    """Say what went to disk because there was no memory for it (work_mem): of a sort, a hash table, a store of rows."""
    processes = [node, *node.get("Workers", ())]
    disk = sum(_number(one, "Sort Space Used") for one in processes if one.get("Sort Space Type") == "Disk")
    disk += sum(_number(one, "Disk Usage") for one in processes)
    disk += _number(node, "Maximum Storage") if node.get("Storage") == "Disk" else 0
    if disk:
        return size(disk * _KIBIBYTE)
    batches = _number(node, "Hash Batches")
    return f"in {count(batches)} batches" if batches > 1 else ""


def _costs(node: Node, whole: float, scale: float = 1) -> Iterator[float]:
    """Give the cost of each step without those that feed it, as far as it counts.

    That of a step below a LIMIT is reckoned for all its rows, and that of what a nested loop repeats for one run.
    """
    left, parts = whole, []
    children = _children(node)
    for number, child in enumerate(children):
        inner = node["Node Type"] == "Nested Loop" and number == len(children) - 1
        part = left if inner else min(_number(child, "Total Cost") * scale, left)
        parts.append((child, part))
        left -= part
    yield left
    for child, part in parts:
        total = _number(child, "Total Cost")
        yield from _costs(child, part, part / total if total else 1)


def _with_shares(step: Step, parts: Iterator[float | None]) -> Step:
    return replace(step, share=next(parts), steps=tuple(_with_shares(one, parts) for one in step.steps))


def _totals(document: Node) -> Iterator[tuple[str, str]]:
    for key in ("Planning Time", "Execution Time"):
        if key in document:
            yield key.lower(), duration(_number(document, key) / 1000)
    if jit := document.get("JIT"):
        yield "compiling (JIT)", duration(_number(jit.get("Timing", {}), "Total") / 1000)
    yield from _of_triggers(document.get("Triggers", ()))
    buffers = {name: _number(document["Plan"], key) * _BLOCK for key, name in _BUFFERS.items()}
    if said := ", ".join(f"{size(number)} {name}" for name, number in buffers.items() if number):
        yield "buffers", said
    if temporary := _number(document["Plan"], "Temp Written Blocks"):
        yield "temporary files", size(temporary * _BLOCK)


def _of_triggers(triggers: Iterable[Node]) -> Pairs:
    """Say what triggers took: those of foreign keys too, which no step shows."""
    return tuple(
        (
            f"trigger {one.get('Constraint Name', one.get('Trigger Name', ''))}",
            f"{duration(_number(one, 'Time') / 1000)}, {count(_number(one, 'Calls'))} calls",
        )
        for one in triggers
    )
