"""How plans are drawn."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdb_magic.core.server import Product, Server
from crdb_magic.drawing.plan import as_html, as_text
from crdb_magic.explore.explaining import read_plan

PLANS = Path(__file__).parents[1] / "explore" / "plans"
COCKROACH, POSTGRES = Server(Product.COCKROACHDB, (26, 1, 0)), Server(Product.POSTGRESQL, (18, 0, 0))


def drawn(name):
    server = POSTGRES if name.endswith(".json") else COCKROACH
    return read_plan((PLANS / name).read_text().rstrip("\n").split("\n"), server)


def test_an_executed_plan_shows_times_rows_and_what_stands_out():
    text = as_text(drawn("v25-spilled-analyze.txt"))

    assert [line.rstrip() for line in text.split("\n")[2:14]] == [
        "own time               rows  estimated  step",
        "                                        root",
        "  345 µs                 10         10  ├─ top-k",
        "                                        │  │  order: -sum,+id",
        "                                        │  │  k: 10",
        "   2.1 s            139,841        220  │  └─ group (hash)  ! estimate off ×641  ! spilled 36 MiB",
        "                                        │     │  group by: id_word",
        "   1.7 s              4.4 M      3.2 M  │     └─ hash join  ! spilled 99 MiB",
        "                                        │        │  equality: (id_document) = (id)",
        "                                        │        │  right cols are key",
        "    30 s  ██████      8.8 M      8.8 M  │        ├─ scan vocabulary@vocabulary_pkey  ! full scan  "
        "! old statistics  ! waited 1.2 s for other transactions",
        "                                        │        │     KV rows: 8,832,016 (437 MiB)",
    ]


def test_the_figures_of_the_whole_come_first_and_trouble_is_marked():
    head = as_text(drawn("v25-spilled-analyze.txt")).split("\n")[0]

    assert head.startswith("execution time 1m59s · planning time 30ms · ")
    assert "! contention 1.2s" in head
    assert "! temporary files 135 MiB" in head
    assert "! retries of the transaction 2" in head


def test_a_plan_that_was_not_executed_shows_shares_of_the_cost():
    lines = as_text(drawn("pg18-parallel.json")).split("\n")

    assert lines[0] == "cost            ≈ rows  step"
    assert lines[-4] == " 85%  ███████   29,000                    ├─ Parallel Seq Scan flights as f  ! full scan"


def test_nothing_that_differs_from_run_to_run_is_shown_of_a_plan_that_was_not_executed():
    shown = drawn("v26-lookup.txt")

    assert "ago" not in as_text(shown) + as_html(shown)


def test_columns_that_nobody_fills_are_left_out():
    assert as_text(drawn("v22.1-filter.txt")).split("\n")[0] == "filter"


def test_recommended_indexes_stand_below_to_be_copied():
    assert as_text(drawn("v22.1-filter.txt")).endswith("\n\nThe server recommends:\nCREATE INDEX ON fact_t (v);")


@pytest.mark.parametrize("name", sorted(path.name for path in PLANS.glob("*-*.*")))
def test_both_forms_say_the_same(name):
    plan = drawn(name)

    assert words(as_text(plan)) == words(_Texts.of(as_html(plan)))


def words(text):
    return set(re.findall(r"\w{2,}", text))


class _Texts(HTMLParser):
    """Collects what a page shows, and checks that its tags are closed in order."""

    def __init__(self):
        super().__init__()
        self.texts = []
        self.open = []

    @classmethod
    def of(cls, html):
        page = cls()
        page.feed(html)
        page.close()
        assert page.open == []
        return " ".join(page.texts)

    def handle_data(self, data):
        self.texts.append(data)

    def handle_starttag(self, tag, attrs):
        assert [name for name, _ in attrs if name != "style"] == []
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


LINES = st.lists(
    st.builds("{}{}{}".format, st.text(" │├└─", max_size=8), st.sampled_from(["• ", ""]), st.text(max_size=20))
    | st.sampled_from((PLANS / "v25-spilled-analyze.txt").read_text().split("\n")),
    max_size=12,
)
NODES = st.recursive(
    st.fixed_dictionaries(
        {"Node Type": st.sampled_from(["Seq Scan", "Gather", "Nested Loop", "Limit"])},
        optional={
            key: st.floats() | st.integers(0, 10**400)
            for key in ("Plan Rows", "Actual Rows", "Actual Loops", "Actual Total Time", "Total Cost", "Hash Batches")
        },
    ),
    lambda inner: st.builds(lambda node, plans: {**node, "Plans": plans}, inner, st.lists(inner, max_size=3)),
    max_leaves=5,
)


@given(LINES)
def test_whatever_a_cluster_says_is_drawn(lines):
    plan = read_plan(lines, COCKROACH)

    assert words(as_text(plan)) == words(_Texts.of(as_html(plan)))


@given(NODES)
def test_whatever_postgresql_says_is_drawn(node):
    plan = read_plan([json.dumps([{"Plan": node}])], POSTGRES)

    assert words(as_text(plan)) == words(_Texts.of(as_html(plan)))
