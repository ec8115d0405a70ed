"""%%crdb_txn --explain and --dry-run."""

from __future__ import annotations

import re

import pytest
from IPython.core.interactiveshell import InteractiveShell

from crdb_magic.drawing.plan import as_html
from crdb_magic.errors import OptionError, Outcome, ResultTypeError, StatementError
from crdb_magic.explore.plan import Plan


def forms(value):
    """Give what a notebook shows of a value."""
    data, metadata = InteractiveShell.instance().display_formatter.format(value)
    return data["text/plain"], data["text/html"], metadata


def test_the_value_is_a_plan(notebook, table):
    plan = notebook(f"%crdb_txn --explain SELECT * FROM {table} WHERE balance > 5")

    assert isinstance(plan, Plan)
    assert plan.frame.findings.str.contains("full scan").any()


def test_a_plan_is_assigned(notebook, table):
    notebook(f"%%crdb_txn plan << --explain\nSELECT * FROM {table}")

    assert notebook["plan"].steps


def test_a_plan_is_a_tree_in_text_and_in_html(notebook, table):
    text, html, _ = forms(notebook(f"%crdb_txn --explain SELECT id FROM {table} ORDER BY balance"))

    assert re.search(rf"└─ .*[sS]can {table}.*  [!·] full scan", text)
    assert re.search(rf"└.*[sS]can {table}.*full scan</span>", html)


def test_a_plan_that_was_not_executed_is_shown_the_same_again(notebook, table):
    cell = f"%%crdb_txn --explain\nSELECT balance, count(*) FROM {table} WHERE id > 1 GROUP BY balance"

    assert forms(notebook(cell))[:2] == forms(notebook(cell))[:2]


def test_the_receipt_is_in_the_metadata(notebook):
    _, _, metadata = forms(notebook("%crdb_txn --explain SELECT 1"))

    assert metadata["crdb"]["attempts"] == 1


def test_there_is_no_receipt_if_none_is_wanted(notebook):
    notebook("%config CrdbMagic.receipts = False")
    plan = notebook("%crdb_txn --explain SELECT 1")

    assert forms(plan)[2] == {}


def test_an_earlier_plan_is_shown_under_its_statement(notebook, table):
    notebook(f"%%crdb_txn plan << --explain\nSELECT 1;\nSELECT * FROM {table}")

    assert notebook.shown.startswith("SELECT 1\n")
    assert notebook.shown.rstrip().endswith(f"SELECT * FROM {table}")


def test_an_executed_write_says_that_it_was_rolled_back(notebook, table):
    notebook(f"%crdb_txn --explain=analyze --yes DELETE FROM {table}")

    assert "Rolled back: nothing was committed." in notebook.shown
    assert len(notebook(f"%crdb_txn SELECT * FROM {table}")) == 2


def test_an_executed_query_says_no_such_thing(notebook, table):
    notebook(f"%crdb_txn plan << --explain=analyze SELECT * FROM {table}")

    assert notebook.shown == ""


def test_a_write_is_not_executed_unasked(notebook, table):
    with pytest.raises(OptionError, match="--explain=analyze executes"):
        notebook(f"%crdb_txn --explain=analyze DELETE FROM {table}")


def test_variables_are_bound(notebook, table):
    notebook["least"] = 50
    plan = notebook(f"%crdb_txn --explain=analyze SELECT * FROM {table} WHERE balance > :least")

    assert plan.steps[0].facts.rows == 1


def test_within_a_transaction_a_plan_is_of_what_that_sees(notebook, table):
    cell = f"%%crdb_txn --python\n%crdb_txn DELETE FROM {table}\nplan = %crdb_txn --explain SELECT * FROM {table}\nplan"

    assert isinstance(notebook(cell), Plan)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ("--explain --dry-run", "executes nothing"),
        ("--explain --as rows", "is a plan"),
        ("--explain --python", "is for SQL"),
        ("--explain --yes", "--explain=analyze"),
        ("--yes", "--explain=analyze"),
        ("--explain=verbose", "explain 'verbose' does not exist: plan, analyze"),
    ],
)
def test_what_does_not_go_together_is_refused(notebook, options, why):
    with pytest.raises(OptionError, match=why):
        notebook(f"%%crdb_txn {options}\nSELECT 1")


def test_a_plan_in_sql_is_shown_as_the_server_gives_it(notebook):
    frame = notebook("%crdb_txn EXPLAIN SELECT 1")

    assert list(frame.columns) in (["info"], ["QUERY PLAN"])


def test_what_comes_from_the_server_is_escaped():
    plan = Plan(text="", remarks=("<script>",))

    assert "&lt;script&gt;" in as_html(plan)


# --dry-run


def test_a_dry_run_shows_what_was_done_and_that_it_was_not_committed(notebook, table):
    notebook(f"%%crdb_txn --dry-run\nUPDATE {table} SET balance = 5;\nDELETE FROM {table} WHERE id = 1")

    assert notebook.shown.splitlines()[:2] == ["UPDATE 2", "DELETE 1"]
    assert notebook.shown.splitlines()[2].startswith("Rolled back: nothing was committed.")
    assert notebook(f"%crdb_txn SELECT balance FROM {table} ORDER BY id").balance.tolist() == [100, 20]


def test_a_dry_run_gives_results_as_usual(notebook, table):
    frame = notebook(f"%%crdb_txn --dry-run\nDELETE FROM {table} WHERE id = 1 RETURNING balance")

    assert (frame.balance.tolist(), frame.attrs["crdb"]["committed"]) == ([100], False)


def test_a_dry_run_of_python_keeps_its_names_and_nothing_in_the_database(notebook, table):
    cell = f"%%crdb_txn --python --dry-run\ngone = db.execute_sql('DELETE FROM {table}').rowcount\ngone"

    assert notebook(cell) == 2
    assert notebook.shown.strip().startswith("Rolled back: nothing was committed.")
    assert notebook["gone"] == 2
    assert len(notebook(f"%crdb_txn SELECT * FROM {table}")) == 2


def test_what_waits_for_a_commit_is_not_done_in_a_dry_run(notebook, table):
    notebook["done"] = []
    notebook("%%crdb_txn --python --dry-run\ndb.after_commit(lambda: done.append(1))\ndb.execute_sql('SELECT 1')")
    notebook("%%crdb_txn --python\ndb.execute_sql('SELECT 1')")

    assert notebook["done"] == []


def test_there_is_no_dry_run_within_a_transaction(notebook):
    with pytest.raises(OptionError, match="open on this connection"):
        notebook("%%crdb_txn --python\n%crdb_txn --dry-run SELECT 1")


def test_a_result_that_can_not_be_read_says_that_nothing_was_committed(notebook):
    try:
        notebook("%crdb_txn SET intervalstyle = 'iso_8601'")
    except StatementError as error:
        pytest.skip(f"not a value there: {error}")  # as a CockroachDB v22.1 answered
    with pytest.raises(ResultTypeError) as caught:
        notebook("%crdb_txn --dry-run SELECT '1 day'::INTERVAL")

    assert caught.value.outcome is Outcome.NOT_COMMITTED


def test_an_error_of_a_dry_run_is_that_of_the_transaction(notebook, table):
    with pytest.raises(StatementError):
        notebook(f"%crdb_txn --dry-run INSERT INTO {table} VALUES (1, 1)")
