"""Plans, asked for on a server."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outline import recorded
from personality import plan

from crdb_magic.core.options import Priority, TransactionOptions
from crdb_magic.core.server import Product, Server
from crdb_magic.errors import OptionError, Outcome, ScriptError, StatementError
from crdb_magic.explore.explaining import Explain, explain, read_plan

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["Plan", "Plans", "Node Type", "Actual Loops", "Plan Rows", "JIT"]), inner)
    ),
)
COCKROACH, POSTGRES = Server(Product.COCKROACHDB, (26, 1, 0)), Server(Product.POSTGRESQL, (18, 0, 0))


@pytest.fixture
def plans(session, sql):
    """Explain a text on the session; gives the plans and the receipt."""

    def asked(text, how=Explain.PLAN, options=None, values=None, **more):
        report, found = explain(session, sql(text, values), how, options or TransactionOptions(), print, **more)
        return found, report.receipt

    return asked


@pytest.mark.parametrize("how", Explain)
def test_a_plan_has_steps(plans, table, how):
    (plan,), _ = plans(f"SELECT * FROM {table} WHERE balance > 50", how)

    assert any(step.facts.full_scan and table in step.target for _, step in plan.walk())
    assert plan.executed is (how is Explain.ANALYZE)


def test_a_plan_tells_how_many_rows_came(plans, table):
    (plan,), _ = plans(f"SELECT * FROM {table} WHERE balance > 50", Explain.ANALYZE)

    assert next(step.facts.rows for _, step in plan.walk()) == 1


def test_each_statement_has_its_plan(plans, table):
    found, _ = plans(f"SELECT 1; UPDATE {table} SET balance = 1")

    assert len(found) == 2


def test_values_are_bound(plans, table):
    (plan,), _ = plans(f"SELECT * FROM {table} WHERE balance > :least", Explain.ANALYZE, values={"least": 99})

    assert plan.steps[0].facts.rows == 1


def test_explaining_a_write_executes_nothing(plans, table, rows):
    plans(f"DELETE FROM {table}")

    assert rows(f"SELECT count(*) FROM {table}") == [("2",)]


def test_what_may_write_is_not_executed_unasked(plans, table, rows):
    with pytest.raises(OptionError, match="DELETE"):
        plans(f"SELECT 1; DELETE FROM {table}", Explain.ANALYZE)

    assert rows(f"SELECT count(*) FROM {table}") == [("2",)]


def test_what_is_executed_and_writes_is_rolled_back(plans, table, rows):
    (_, seen), receipt = plans(
        f"DELETE FROM {table} WHERE id = 1; SELECT * FROM {table}", Explain.ANALYZE, may_write=True
    )

    assert (seen.steps[0].facts.rows, receipt.committed) == (1, False)
    assert rows(f"SELECT count(*) FROM {table}") == [("2",)]


def test_what_only_reads_is_executed_by_itself(plans, table):
    _, receipt = plans(f"SELECT * FROM {table}", Explain.ANALYZE)

    assert receipt.committed


def test_an_explain_is_not_explained(plans):
    with pytest.raises(ScriptError, match="line 1 is an EXPLAIN"):
        plans("EXPLAIN SELECT 1")


def test_options_of_the_transaction_count(plans, server):
    _, receipt = plans("SELECT 1", options=TransactionOptions(priority=Priority.HIGH))

    assert receipt.notes == server.notes(TransactionOptions(priority=Priority.HIGH))


def test_an_error_shows_the_statement(plans):
    with pytest.raises(StatementError) as caught:
        plans("SELECT 1;\nSELECT *\nFROM nowhere_at_all")

    lines = str(caught.value).split("\n")
    place = lines.index("line 3: FROM nowhere_at_all")

    assert lines[place - 1 : place + 2] == ["In statement 2 of 2:", "line 3: FROM nowhere_at_all", " " * 13 + "^"]
    assert caught.value.outcome is Outcome.NOT_COMMITTED


def test_an_error_on_the_first_line_points_into_what_was_typed(plans):
    with pytest.raises(StatementError) as caught:
        plans("/* why */ SELECT * FROM nowhere_at_all WHERE :one = 1", values={"one": 1})

    assert "\nline 1: /* why */ SELECT * FROM nowhere_at_all WHERE :one = 1\n" + " " * 32 + "^\n" in str(caught.value)


def test_a_frame_of_a_plan_has_a_row_a_step(plans, table):
    (plan,), _ = plans(f"SELECT balance FROM {table} ORDER BY balance")

    assert plan.frame.depth.tolist() == list(range(len(plan.frame)))
    assert "full scan" in plan.frame.findings.iloc[-1]


# As a cluster answers.


@pytest.fixture
def of_a_cluster(as_v26, through_v26, sql):
    """Explain a text on a server that answers with a recorded plan; gives the plan, and what was sent."""

    def asked(name, text, how, **more):
        as_v26.rules.append(plan(*recorded(name).split("\n")))
        assert through_v26.server
        as_v26.sent.clear()
        _, (found,) = explain(through_v26, sql(text), how, TransactionOptions(), print, **more)
        return found, as_v26.log

    return asked


def test_a_clusters_plan_is_asked_for_in_one_message(of_a_cluster):
    found, sent = of_a_cluster("v26-lookup.txt", "SELECT * FROM orders", Explain.PLAN)

    assert sent == ["EXPLAIN SELECT * FROM orders"]
    assert found.recommendations == ("CREATE INDEX ON shop.public.orders (status) STORING (customer_id);",)


def test_a_clusters_write_is_executed_in_a_transaction_that_is_rolled_back(of_a_cluster):
    update = "UPDATE accounts SET balance = 1 WHERE id = 1"
    found, sent = of_a_cluster("v26-update-analyze.txt", update, Explain.ANALYZE, may_write=True)

    assert [text.removeprefix("BEGIN;").strip() for text in sent] == [f"EXPLAIN ANALYZE {update}", "ROLLBACK"]
    assert found.steps[0].target == "accounts"


# What is not understood.


@given(st.lists(st.text(max_size=20), min_size=1, max_size=4))
def test_a_text_that_is_no_plan_stays_as_it_is(lines):
    plan = read_plan(lines, POSTGRES)

    assert plan.remarks == tuple("\n".join(lines).split("\n")) or plan.steps


@given(ANY_JSON | st.builds(lambda inner: [{"Plan": inner}], ANY_JSON))
def test_json_of_any_kind_is_no_error(value):
    text = json.dumps(value)

    assert read_plan([text], POSTGRES).text == text


def test_lines_without_a_tree_stay_as_they_are():
    assert read_plan(["Statement diagnostics bundle generated.", "Admin UI: http://…"], COCKROACH).remarks == (
        "Statement diagnostics bundle generated.",
        "Admin UI: http://…",
    )
