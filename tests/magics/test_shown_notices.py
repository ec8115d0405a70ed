"""What the server says besides its answers, as a notebook shows it: under the statement, the same on every run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from crdb_magic.errors import StatementError


@pytest.fixture
def say(notebook) -> Iterator[str]:
    """Make a function that raises a notice of the text that it is given, and gives it back."""
    body = "BEGIN RAISE NOTICE '%', t; RETURN t; END"
    try:
        notebook(f"%crdb_txn CREATE OR REPLACE FUNCTION say(t TEXT) RETURNS TEXT LANGUAGE plpgsql AS $$ {body} $$")
    except StatementError as error:
        pytest.skip(f"no PL/pgSQL: {error.sqlstate}")
    yield "say"
    notebook("%crdb_txn DROP FUNCTION say(TEXT)")


def test_a_notice_stands_under_the_tag_of_its_statement(notebook, table):
    made = f"CREATE TABLE IF NOT EXISTS {table} (id INT)"
    notebook(f"%%crdb_txn\n{made};\nUPDATE {table} SET balance = 1 WHERE id = 1")

    assert notebook.shown.splitlines()[:3] == [
        "CREATE TABLE",
        f'NOTICE: relation "{table}" already exists, skipping',
        "UPDATE 1",
    ]


def test_those_of_a_query_that_is_not_the_last_stand_under_its_rows(notebook, say):
    notebook("%%crdb_txn\nSELECT say('first') AS a;\nSELECT 2 AS b")

    assert [output.data["text/plain"].splitlines()[0] for output in notebook.outputs] == [
        "SELECT say('first') AS a",
        "       a",
        "NOTICE: first",
        "1 row",
    ]


def test_those_of_the_value_stand_before_it_under_its_statement(notebook, say):
    frame = notebook("%%crdb_txn\nSELECT 1 AS a;\nSELECT say('last') AS b")

    assert frame.b.tolist() == ["last"]
    assert notebook.outputs[-2].data["text/plain"] == "SELECT say('last') AS b\nNOTICE: last"


def test_that_of_a_statement_by_itself_needs_no_caption(notebook, say):
    notebook("one = %crdb_txn SELECT say('alone')")

    assert notebook.shown.splitlines()[0] == "NOTICE: alone"


def test_it_is_escaped(notebook, say):
    notebook("%crdb_txn SELECT say('<b>')")

    assert "NOTICE: &lt;b&gt;" in notebook.outputs[0].data["text/html"]


def test_the_frame_of_a_python_cell_has_them_in_its_receipt(notebook, say):
    frame = notebook("%%crdb_txn --python\ndb.execute_sql(\"SELECT say('one')\")\ndb.frame(\"SELECT say('two')\")")

    assert frame.attrs["crdb"]["notices"] == ["NOTICE: one", "NOTICE: two"]
