"""PostgreSQL's plans."""

from __future__ import annotations

import json

import pytest
from outline import outline, recorded

from crdb_magic.explore.plan_postgres import parse

TREES = {
    "pg18-parallel.json": """
Limit [3 0%]
  Sort [35 0%] (sort key: (count(*)) DESC)
    Finalize GroupAggregate [35 0%] (group key: p.manufacturer)
      Gather Merge [84 10%]
        Sort [84 0%] (sort key: p.manufacturer)
          Partial HashAggregate [84 1%] (group key: p.manufacturer)
            Hash Join [26846 2%] (hash cond: (f.tailnum = p.tailnum))
              Parallel Seq Scan flights as f [28596 87%] <FULL SCAN> (filter: (arr_delay > 60))
              Hash [3322 0%]
                Seq Scan planes as p [3322 1%] <full scan>
""",
    "pg18-parallel-analyze.json": """
Limit [3 → 3 0%]
  Sort [35 → 3 0%] (sort key: (count(*)) DESC; sort method: top-N heapsort)
    Finalize GroupAggregate [35 → 33 0%] (group key: p.manufacturer)
      Gather Merge [84 → 79 11%] <2 workers>
        Sort [84 → 79 0%] (sort key: p.manufacturer; sort method: quicksort)
          Partial HashAggregate [84 → 79 2%] (group key: p.manufacturer)
            Hash Join [26846 → 24015 3%] (hash cond: (f.tailnum = p.tailnum))
              Parallel Seq Scan flights as f [28596 → 27789 83%] <FULL SCAN, KEEPS 27,789 OF 336,777 ROWS> \
(filter: (arr_delay > 60))
              Hash [9966 → 9966 1%]
                Seq Scan planes as p [9966 → 9966 1%] <full scan>
""",
    "pg18-spilled-analyze.json": """
Limit [5 → 5 0%]
  Sort [113036 → 5 12%] (sort key: f.distance; sort method: top-N heapsort)
    Hash Join [113036 → 542506 47%] \
(hash cond: ((f.tailnum = g.tailnum) AND (f.year = g.year) AND (f.month = g.month) AND (f.day = g.day)))
      Seq Scan flights as f [340982 → 336776 13%] <FULL SCAN>
      Hash [340982 → 334264 16%] <SPILLED IN 16 BATCHES>
        Seq Scan flights as g [340982 → 336776 13%] <FULL SCAN>
""",
    "pg18-cte-analyze.json": """
Nested Loop [170 → 36 0%] (join filter: (l.carrier = a.carrier))
  Seq Scan flights [171 → 39 87%] <FULL SCAN, KEEPS 39 OF 336,776 ROWS> \
(subplan name: CTE late; filter: (arr_delay > 600))
  Nested Loop Semi Join [170 → 36 0%] (join filter: ((m.tailnum <> l.tailnum) AND (l.carrier = m.carrier)))
    CTE Scan late as l [171 → 39 0%]
    CTE Scan late as m [6669 → 340 0%] <39 times>
  Materialize [576 → 576 0%] <36 times>
    Seq Scan airlines as a [16 → 16 0%] <full scan>
  Aggregate [36 → 36 0%] <36 times> (subplan name: SubPlan 2)
    Seq Scan planes as p [36 → 25 12%] <FULL SCAN, KEEPS 25 OF 119,581 ROWS, 36 times> (filter: (tailnum = l.tailnum))
""",
}


@pytest.mark.parametrize("name", TREES)
def test_a_plan_is_read_as_a_tree(name):
    assert outline(parse(recorded(name))) == TREES[name].strip().split("\n")


def test_the_figures_of_the_whole_are_totals():
    assert parse(recorded("pg18-spilled-analyze.json")).totals == (
        ("planning time", "241 µs"),
        ("execution time", "359 ms"),
        ("buffers", "43 MiB from cache, 71 MiB read"),
        ("temporary files", "38 MiB"),
    )


def node(kind="Seq Scan", **more):
    return {"Node Type": kind, "Actual Loops": 1, "Actual Rows": 1, "Plan Rows": 1, "Actual Total Time": 1.0, **more}


def step(**more):
    return parse(json.dumps([{"Plan": node(**more)}])).steps[0]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"kind": "Sort", "Sort Space Type": "Disk", "Sort Space Used": 2048}, "spilled 2 MiB"),
        ({"kind": "Sort", "Workers": [{"Sort Space Type": "Disk", "Sort Space Used": 64}]}, "spilled 64 KiB"),
        ({"kind": "Aggregate", "Disk Usage": 3000, "HashAgg Batches": 5}, "spilled 2.9 MiB"),
        ({"kind": "Hash", "Hash Batches": 4}, "spilled in 4 batches"),
        ({"kind": "CTE Scan", "Storage": "Disk", "Maximum Storage": 1024}, "spilled 1 MiB"),
        ({"kind": "Gather", "Workers Planned": 4, "Workers Launched": 1}, "1 of 4 workers"),
        ({"kind": "Index Scan", "Actual Loops": 5000}, "5,000 times"),
        ({"kind": "Index Scan", "Actual Loops": 0}, "never executed"),
        ({"kind": "Index Scan", "Plan Rows": 10, "Actual Rows": 5000}, "estimate off ×500"),
        ({"kind": "Join", "Rows Removed by Join Filter": 99_999}, "keeps 1 of 100,000 rows"),
    ],
    ids=str,
)
def test_what_stands_out_is_said(given, words):
    assert [one.words for one in step(**given).findings] == [words]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"kind": "Hash Join", "Join Type": "Left"}, "Hash Left Join"),
        ({"kind": "Nested Loop", "Join Type": "Anti"}, "Nested Loop Anti Join"),
        ({"kind": "Aggregate", "Strategy": "Sorted", "Partial Mode": "Finalize"}, "Finalize GroupAggregate"),
        ({"kind": "ModifyTable", "Operation": "Update", "Relation Name": "t"}, "Update t"),
        ({"kind": "Index Scan", "Scan Direction": "Backward", "Index Name": "i", "Relation Name": "t", "Alias": "u"},
         "Index Scan Backward t as u using i"),
        ({"kind": "Bitmap Index Scan", "Index Name": "i"}, "Bitmap Index Scan i"),
    ],
    ids=str,
)  # fmt: skip
def test_a_step_is_named_as_in_the_text_of_a_plan(given, name):
    one = step(**given)

    assert f"{one.name} {one.target}".rstrip() == name


def test_the_time_of_a_step_is_its_own_and_that_of_all_its_runs():
    inner = node("Index Scan", **{"Actual Loops": 10, "Actual Total Time": 2.0})
    loop = step(kind="Nested Loop", **{"Actual Total Time": 50.0, "Plans": [inner]})

    assert [round(one.facts.seconds, 3) for _, one in loop.walk()] == [0.03, 0.02]


def test_what_ran_in_several_processes_at_once_took_the_time_of_one():
    scan = node(**{"Actual Loops": 3, "Actual Total Time": 40.0})
    gather = step(kind="Gather", **{"Workers Launched": 2, "Actual Total Time": 50.0, "Plans": [scan]})

    assert [round(one.facts.seconds, 3) for _, one in gather.walk()] == [0.01, 0.04]


def test_a_trigger_of_a_foreign_key_is_among_the_totals():
    trigger = {"Trigger Name": "RI_1", "Constraint Name": "t_fk", "Time": 1500.0, "Calls": 1000}
    plan = parse(json.dumps([{"Plan": node(), "Triggers": [trigger]}]))

    assert plan.totals == (("trigger t_fk", "1.5 s, 1,000 calls"),)
