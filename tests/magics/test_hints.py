"""Names and near misses in cells: SQL, exports, and in which place of the cell."""

from __future__ import annotations

import pytest

from crdb_magic.core.options import RetryPolicy
from crdb_magic.errors import ConnectionFailedError, CrdbMagicError, ParameterError, ScriptError, StatementError
from crdb_magic.explore import suggestions


def test_a_name_is_a_variable_in_double_quotes(notebook, table):
    notebook["tbl"], notebook["column"] = table, "balance"

    assert notebook('%crdb_txn SELECT :"column" FROM :"tbl" ORDER BY id').balance.tolist() == [100, 20]
    assert notebook('%%crdb_txn\nSELECT :"column"\nFROM :"tbl" ORDER BY id').balance.tolist() == [100, 20]


def test_a_name_works_in_an_export(notebook, table, tmp_path):
    notebook["tbl"] = table
    notebook(f'%%crdb_export {tmp_path / "a.csv"}\nSELECT id FROM :"tbl" ORDER BY id')

    assert (tmp_path / "a.csv").read_text().split() == ['"id"', "1", "2"]


@pytest.mark.parametrize(
    ("near", "words"),
    [
        ("SELECT * FROM :tbl", 'The name of a table or a column is written :"tbl".'),
        ("SELECT * FROM {tbl}", 'A variable is written :tbl for its value, :"tbl" for the name that it holds.'),
        ("SELECT $tbl", "A variable is written :tbl"),
        ("\\d accounts", "\\d is psql's."),
        ("SELECT tbl", "The notebook has a variable of that name: write :tbl for its value."),
        ("SELECT * FROM tbl", 'The notebook has a variable tbl: if it holds the name of the table, write :"tbl".'),
        ('SELECT * FROM :"both"', ':"both" is one name, dots included'),
        ("SELECT $1", "write :name"),
    ],
)
def test_the_refusal_of_a_near_miss_has_a_hint(notebook, table, near, words):
    notebook["tbl"], notebook["both"] = table, f"public.{table}"
    with pytest.raises(StatementError) as caught:
        notebook(f"%crdb_txn {near}")

    assert words in str(caught.value.hint)


@pytest.mark.parametrize("magic", ["%crdb_txn {}", "%%crdb_txn\n{}", "%%crdb_export {tmp}/a.csv\n{}"])
@pytest.mark.parametrize(("near", "error"), [("SELECT :ids[0]", ParameterError), ("SELECT 1\u200b AS n", ScriptError)])
def test_what_would_mean_something_else_is_not_sent(notebook, tmp_path, magic, near, error):
    notebook["ids"] = [7, 8]
    with pytest.raises(error, match="line 1"):
        notebook(magic.format(near, tmp=tmp_path))


def test_a_byte_order_mark_at_the_start_of_a_cell_does_not_matter(notebook):
    assert notebook("%%crdb_txn\n\ufeffSELECT 1 AS n").n.tolist() == [1]


def test_a_hint_stands_behind_the_servers_own(notebook, table):
    notebook["balanc"] = 1
    with pytest.raises(CrdbMagicError) as caught:
        notebook(f"%crdb_txn SELECT balanc FROM {table}")

    assert str(caught.value.hint).endswith("The notebook has a variable of that name: write :balanc for its value.")


def test_a_table_that_is_misspelt_is_suggested_on_every_run(notebook, table):
    said = set()
    for _ in range(2):
        with pytest.raises(StatementError) as caught:
            notebook(f"%crdb_txn SELECT 1; SELECT * FROM {table}s")
        said.add(str(caught.value))

    assert len(said) == 1
    assert f"Hint: Did you mean {table}?\nNothing was committed." in said.pop()


def test_a_table_is_suggested_for_one_with_its_schema(notebook, table):
    with pytest.raises(StatementError, match=f"Did you mean {table}\\?"):
        notebook(f"%crdb_txn SELECT * FROM public.{table}s")


def _refused(notebook, sql):
    with pytest.raises(StatementError) as caught:
        notebook(f"%crdb_txn {sql}")
    return str(caught.value)


@pytest.mark.parametrize(
    "end", [KeyboardInterrupt(), ConnectionFailedError("gone"), ValueError("a bug of ours")], ids=repr
)
def test_the_error_is_raised_whatever_becomes_of_the_question_after_it(notebook, table, monkeypatch, end):
    def question(_):
        raise end

    monkeypatch.setattr(suggestions, "relations", question)
    shown = _refused(notebook, f"SELECT * FROM {table}s")

    assert f'"{table}s" does not exist' in shown
    assert "Did you mean" not in shown


def test_a_question_that_is_to_be_asked_again_is_let_be(notebook, table, monkeypatch, refused):
    asked = []

    def question(connection):
        asked.append(refused)
        connection.cursor().execute(refused)

    monkeypatch.setattr(suggestions, "relations", question)
    _refused(notebook, f"SELECT * FROM {table}s")

    assert len(asked) == 1


def test_a_question_that_takes_long_is_ended(notebook, table, monkeypatch):
    relations = suggestions.relations

    def question(connection):
        connection.cursor().execute("SELECT pg_sleep(60)")
        return relations(connection)

    monkeypatch.setattr(suggestions, "relations", question)
    monkeypatch.setattr(suggestions, "_ONCE", RetryPolicy(max_attempts=1, timeout=0.1))

    assert "Did you mean" not in _refused(notebook, f"SELECT * FROM {table}s")


def test_within_a_transaction_nothing_is_asked_for_that(notebook, table):
    notebook("%load_ext crdb_magic")
    with pytest.raises(StatementError) as caught:
        notebook(f"%%crdb_txn --python\nget_ipython().run_line_magic('crdb_txn', 'SELECT * FROM {table}s')")

    assert "Did you mean" not in str(caught.value)


def test_a_parameter_in_quotes_is_told_beside_the_result_that_it_finds(notebook, table):
    notebook["who"] = "Ann"
    frame = notebook(f"%crdb_txn SELECT * FROM {table} WHERE id::TEXT = ':who'")

    assert (len(frame), notebook.shown.splitlines()[0]) == (
        0,
        "':who' is a text; the variable is :who, without quotes.",
    )


@pytest.mark.parametrize("write", ["SELECT * FROM {} WHERE id = :ids", "DELETE FROM {} WHERE id = :ids"])
def test_a_list_that_is_compared_by_equals_says_what_takes_one(notebook, table, write):
    notebook["ids"] = [1, 2]
    with pytest.raises(StatementError, match=r":ids is a list: write IN :ids, or = ANY\(:ids\)\."):
        notebook(f"%crdb_txn {write.format(table)}")


def test_a_statement_below_one_without_a_semicolon_says_what_is_missing(notebook, table):
    with pytest.raises(StatementError, match=r"Is a ; missing before UPDATE\?"):
        notebook(f"%%crdb_txn\nSELECT * FROM {table}\nUPDATE {table} SET balance = 1")
