"""--limit: no more rows are fetched, and what is shown says that there are more."""

from __future__ import annotations

from decimal import Decimal

import pytest
from traitlets import TraitError

from crdb_magic.errors import OptionError, StatementError

MORE = "the first 3 rows; there are more"
_ROWS = "SELECT i FROM generate_series(1, {}) AS t (i) ORDER BY i"


def test_a_cell_gives_the_first_rows_and_says_below_them_that_there_are_more(notebook):
    frame = notebook(f"%%crdb_txn --limit 3\n{_ROWS.format(100)}")
    forms = notebook.forms(frame)

    assert frame.i.tolist() == [1, 2, 3]
    assert forms["text/plain"].splitlines()[-1] == MORE
    assert MORE in forms["text/html"]


@pytest.mark.parametrize("rows", [0, 2, 3])
def test_nothing_is_said_when_all_came(notebook, rows):
    frame = notebook(f"%%crdb_txn --limit 3\n{_ROWS.format(rows)}")

    assert len(frame) == rows
    assert "more" not in notebook.forms(frame)["text/plain"]


@pytest.mark.parametrize("options", ["df << --limit 3", "--limit 3 --as rows", "--limit 3 --as arrow"])
def test_it_is_said_at_once_of_what_is_not_shown_as_a_frame(notebook, options):
    notebook(f"%%crdb_txn {options}\n{_ROWS.format(4)}")

    assert notebook.shown.splitlines()[0].startswith(MORE)


@pytest.mark.parametrize(("form", "rows"), [("rows", 3), ("arrow", 3), ("frame", 3)])
def test_each_form_has_so_many_rows(notebook, form, rows):
    assert len(notebook(f"%%crdb_txn --limit 3 --as {form}\n{_ROWS.format(4)}")) == rows


def test_each_statement_of_a_cell_is_limited(notebook):
    value = notebook(f"%%crdb_txn --limit 3\n{_ROWS.format(5)};\n{_ROWS.format(2)}")

    assert f"2  3\n\n{MORE}" in notebook.shown
    assert len(value) == 2


def test_the_server_sends_one_row_more_and_no_others(notebook, tries):
    notebook(f"%crdb_txn --limit 3 SELECT nextval('{tries}') FROM generate_series(1, 100)")

    assert notebook(f"%crdb_txn SELECT nextval('{tries}') AS n").n.tolist() == [5]


@pytest.mark.usefixtures("three_are_many", "copies_out")
def test_a_large_result_by_copy_is_limited_too(notebook):
    query = _ROWS.format(10).replace("SELECT i", "SELECT i, i * 1.5 AS d, 'x' AS t")
    session = notebook.shell.magics_manager.registry["CrdbMagic"].connections.get(None)
    session._sizes.note(f"{query}\nLIMIT 5", 5)
    frame = notebook(f"%%crdb_txn --limit 4\n{query}")

    assert [row[1:] for row in frame.itertuples(name=None)] == [(i, i * Decimal("1.5"), "x") for i in range(1, 5)]
    assert session._sizes.large(f"{query}\nLIMIT 5")


def test_rows_of_several_batches_are_limited(notebook):
    frame = notebook(f"%%crdb_txn --limit 7000\n{_ROWS.format(10_000)}")

    assert frame.i.tolist() == list(range(1, 7001))


@pytest.mark.parametrize(
    "own", ["LIMIT 2", "LIMIT 100", "LIMIT :n", "LIMIT 2 * 50", "FETCH FIRST 50 ROWS ONLY", "OFFSET 1"]
)
def test_the_smaller_limit_counts(notebook, own):
    notebook["n"] = 50

    assert len(notebook(f"%%crdb_txn --limit 3\n{_ROWS.format(100)} {own}")) == (2 if own == "LIMIT 2" else 3)


def test_a_limit_of_null_is_none(notebook):
    assert len(notebook(f"%%crdb_txn --limit 3\n{_ROWS.format(100)} LIMIT NULL")) == 3


def test_more_rows_than_a_limit_that_can_not_be_lowered_are_left_out(notebook):
    assert len(notebook(f"%%crdb_txn --limit 3\n{_ROWS.format(100)} FETCH FIRST (4 + 5) ROWS ONLY")) == 3


def test_what_writes_is_not_limited(notebook, table):
    frame = notebook(f"%crdb_txn --limit 1 UPDATE {table} SET balance = 5 RETURNING id")

    assert len(frame) == 2
    assert notebook.forms(frame)["text/plain"].splitlines()[-1] == "all 2 rows: what writes or locks has no limit"


def test_rows_that_are_locked_are_not_limited(notebook, table):
    assert len(notebook(f"%crdb_txn --limit 1 SELECT * FROM {table} FOR UPDATE")) == 2


def test_the_configuration_gives_the_default_and_all_lifts_it(notebook):
    notebook("%config CrdbMagic.limit = 3")
    sizes = [len(notebook(f"%%crdb_txn {options}\n{_ROWS.format(5)}")) for options in ("", "--limit 4", "--limit all")]

    assert sizes == [3, 4, 5]


def test_a_limit_that_the_cell_did_not_ask_for_says_what_lifts_it(notebook):
    notebook("%config CrdbMagic.limit = 3")
    frame = notebook(f"%%crdb_txn\n{_ROWS.format(5)}")

    assert notebook.forms(frame)["text/plain"].splitlines()[-1] == f"{MORE}: --limit all fetches them"


# The guard of the kernel.


@pytest.fixture
def guarded(notebook, table):
    """A table of which the planner thinks that it has more rows than the guard allows."""
    session = notebook.shell.magics_manager.registry["CrdbMagic"].connections.get(None)
    query = f"SELECT * FROM {table} ORDER BY id"
    session._sizes.note(query, 10**9)
    notebook("%config CrdbMagic.guard = 1")
    return query


def test_a_query_that_the_planner_thinks_huge_is_cut_and_says_how_to_have_all(notebook, guarded):
    frame = notebook(f"%crdb_txn {guarded}")

    assert frame.id.tolist() == [1]
    assert notebook.forms(frame)["text/plain"].splitlines()[-1] == (
        "the first 1 row; there are more: --limit all fetches them"
    )


def test_what_is_shown_with_its_cut_is_not_told_of_it_again(notebook, guarded):
    notebook(f"%crdb_txn {guarded}")

    assert [output.data["text/plain"].splitlines()[-1] for output in notebook.outputs] == ["1 row"]


@pytest.mark.parametrize("form", ["frame", "rows"])
def test_what_nobody_asked_to_be_cut_says_so_also_where_it_is_not_shown(notebook, guarded, form):
    notebook(f"x = %crdb_txn --as {form} {guarded}")

    assert notebook.shown.strip() == "the first 1 row; there are more: --limit all fetches them"


@pytest.mark.parametrize("cell", ["%crdb_txn --limit all {}", "%crdb_txn --limit 5 {}", "%%crdb_txn\nSELECT 1;\n{}"])
def test_the_guard_is_for_a_query_by_itself_of_which_nothing_was_asked(notebook, guarded, cell):
    assert len(notebook(cell.format(guarded))) == 2


def test_the_guard_is_no_limit_in_a_query_that_is_smaller(notebook, table):
    query = f"SELECT * FROM {table} ORDER BY id"
    notebook("%config CrdbMagic.guard = 1")
    frame = notebook(f"%crdb_txn {query} LIMIT 2")

    assert len(frame) == 2


@pytest.mark.parametrize("limit", ["0", "-1", "many", "9223372036854775807"])
def test_nonsense_is_refused(notebook, limit):
    with pytest.raises(OptionError, match="is not a number of rows: 1 at least, or all"):
        notebook(f"%crdb_txn --limit {limit} SELECT 1")


def test_the_configuration_refuses_nonsense():
    from crdb_magic.magics.magic import CrdbMagic

    with pytest.raises(TraitError):
        CrdbMagic.limit._validate(CrdbMagic, 0)


def test_an_error_points_at_the_line_of_the_cell_as_it_was_sent(notebook):
    with pytest.raises(StatementError, match=r"line 4: LIMIT 4 OFFSET nope"):
        notebook("%%crdb_txn --limit 3\nSELECT 1;\n\nSELECT 2\nOFFSET nope")


def test_python_says_what_it_wants(notebook):
    notebook("%config CrdbMagic.limit = 3")
    frame = notebook(f'%%crdb_txn --python\ndb.frame("{_ROWS.format(5)}")')

    assert len(frame) == 5


@pytest.mark.parametrize("option", ["--limit 3", "--numbers float", "--dates datetime64"])
def test_what_is_for_sql_is_refused_with_python(notebook, option):
    with pytest.raises(OptionError, match="is for SQL"):
        notebook(f"%%crdb_txn --python {option}\n1")
