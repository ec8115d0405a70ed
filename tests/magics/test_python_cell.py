"""%%crdb_txn --python."""

from __future__ import annotations

import re

import pytest

from crdb_magic.errors import BrokenTransactionError, ExceededMaxAttempts, ScriptError, StatementError


def test_the_last_expression_is_the_value(notebook):
    assert notebook("%%crdb_txn --python\nx = 20\nx + 1") == 21


def test_the_value_can_be_named(notebook):
    notebook("%%crdb_txn --python total <<\n40 + 2")

    assert notebook["total"] == 42


def test_a_query_gives_a_typed_frame(notebook, table):
    frame = notebook(f"%%crdb_txn --python\ndb.frame('SELECT * FROM {table} WHERE id = %s', (1,))")

    assert frame.balance.tolist() == [100]


def test_names_appear_when_it_commits(notebook, table):
    notebook(f"%%crdb_txn --python\nn = db.execute_sql('SELECT count(*) FROM {table}').fetchone()[0]")

    assert notebook["n"] == 2
    assert "db" not in notebook.shell.user_ns


def test_names_stay_as_they_were_when_it_fails(notebook, table):
    notebook("kept, gone = 1, 2")
    with pytest.raises(ZeroDivisionError):
        notebook(f"%%crdb_txn --python\nkept = 5\ndel gone\nnew = 6\ndb.execute_sql('DELETE FROM {table}')\n1 / 0")

    assert (notebook["kept"], notebook["gone"], "new" in notebook.shell.user_ns) == (1, 2, False)
    assert notebook(f"%crdb_txn SELECT count(*) AS n FROM {table}").n.tolist() == [2]


def test_each_attempt_begins_with_the_names_of_the_notebook(notebook, refused):
    notebook["tries"] = 0
    notebook(f'%%crdb_txn --python\ntries += 1\ndb.execute_sql("SELECT 1")\ndb.execute_sql("""{refused}""")')

    assert notebook["tries"] == 1


def test_only_the_last_attempt_is_shown_in_its_order(notebook, refused):
    notebook(
        "%%crdb_txn --python\nfrom IPython.display import display\nprint('one')\ndisplay('two')\n"
        f'db.execute_sql("SELECT 1")\ndb.execute_sql("""{refused}""")\nprint("three")'
    )

    assert sorted(notebook.shown.split()) == ["'two'", "committed", "one", "three"]


def test_what_a_failed_cell_printed_is_shown(notebook):
    with pytest.raises(ZeroDivisionError):
        notebook("%%crdb_txn --python\nprint('before')\n1 / 0")

    assert notebook.shown.splitlines()[1 if notebook.shown.startswith("\n") else 0] == "before"


def test_functions_closures_comprehensions_and_imports_behave_as_in_any_cell(notebook):
    cell = """%%crdb_txn --python
import math
factor = 2
def scale(values):
    return [value * factor for value in values]
class Box:
    size = factor
squares = {n: n ** 2 for n in range(3) if n < factor}
"""
    notebook(cell)

    assert notebook("factor = 3\n(scale([1, 2]), Box.size, squares, math.pi > 3)") == ([3, 6], 2, {0: 0, 1: 1}, True)


def test_shell_commands_and_line_magics_work_inside(notebook):
    notebook("%%crdb_txn --python\nwhere = %pwd\nsaid = !echo hello")

    assert notebook["said"] == ["hello"]


def test_a_line_of_sql_inside_runs_in_the_same_transaction(notebook, table):
    with pytest.raises(ZeroDivisionError):
        notebook(f"%%crdb_txn --python\n%crdb_txn UPDATE {table} SET balance = 0\n1 / 0")

    assert notebook(f"%crdb_txn SELECT balance FROM {table} ORDER BY id").balance.tolist() == [100, 20]


@pytest.mark.parametrize("call", ["db.commit()", "db.rollback()", "db.run_transaction(lambda db: None)"])
def test_ending_the_transaction_inside_is_refused_with_the_reason(notebook, table, call):
    with pytest.raises(NotImplementedError, match="run_transaction"):
        notebook(f"%%crdb_txn --python\ndb.execute_sql('DELETE FROM {table}')\n{call}")

    assert notebook(f"%crdb_txn SELECT count(*) AS n FROM {table}").n.tolist() == [2]


def test_await_is_refused_with_the_reason(notebook):
    with pytest.raises(ScriptError, match="cannot await"):
        notebook("%%crdb_txn --python\nimport asyncio\nawait asyncio.sleep(0)")


def test_an_async_function_may_be_defined(notebook):
    notebook("%%crdb_txn --python\nasync def later():\n    await nothing()")

    assert callable(notebook["later"])


def test_a_commit_smuggled_in_is_found_out(notebook, table):
    with pytest.raises(BrokenTransactionError, match="ended by a COMMIT"):
        notebook(f"%%crdb_txn --python\ndb.execute_sql('DELETE FROM {table}')\ndb.execute_sql('COMMIT')")


def test_the_traceback_begins_in_the_cell(notebook):
    with pytest.raises(ZeroDivisionError) as caught:
        notebook("%%crdb_txn --python\ndef inner():\n    return 1 / 0\ninner()")

    shown = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(caught.value._render_traceback_()))
    assert "inner()" in shown
    assert [word for word in ("retry.py", "session.py", "magic.py", "database.py") if word in shown] == []


def test_a_syntax_error_is_shown_without_our_frames(notebook):
    with pytest.raises(ScriptError) as caught:
        notebook("%%crdb_txn --python\nx = 1\ndef (:")

    assert str(caught.value) == "The cell is not Python: invalid syntax.\nline 2: def (:\n            ^"
    assert "python_cell.py" not in notebook.shown


def test_an_indentation_error_is_as_short(notebook):
    with pytest.raises(ScriptError) as caught:
        notebook("%%crdb_txn --python\nif True:\n    x = 1\n  y = 2")

    assert caught.value.message.splitlines() == [
        "The cell is not Python: unindent does not match any outer indentation level.",
        "line 3:   y = 2",
        "         ^",
    ]


def test_a_line_of_sql_inside_runs_on_the_cells_own_connection(unconnected, url, table):
    unconnected(f"%crdb_connect {url} --name other")
    unconnected(f"%crdb_connect {url}")
    with pytest.raises(ZeroDivisionError):
        unconnected(f"%%crdb_txn --python --on other\n%crdb_txn DELETE FROM {table}\n1 / 0")

    assert unconnected(f"%crdb_txn SELECT * FROM {table}").shape == (2, 2)
    assert unconnected.shell.magics_manager.registry["CrdbMagic"].connections.current == "default"


def test_a_semicolon_at_the_end_hides_the_value(notebook):
    assert notebook("%%crdb_txn --python\n1 + 1;") is None
    assert notebook("%%crdb_txn --python x <<\n1 + 1;") is None
    assert notebook["x"] == 2


def test_exhaustion_is_shown_short(notebook):
    with pytest.raises(ExceededMaxAttempts) as caught:
        notebook(
            "%%crdb_txn --python --max-attempts 2\ndb.execute_sql('SELECT 1')\n"
            "db.execute_sql(\"SELECT crdb_internal.force_retry('1h')\")"
        )

    assert len(caught.value._render_traceback_()) <= 4


def test_an_error_of_sql_inside_keeps_the_users_traceback(notebook):
    with pytest.raises(StatementError) as caught:
        notebook("%%crdb_txn --python\n%crdb_txn SELECT nope")

    assert "SELECT nope" in re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(caught.value._render_traceback_()))


@pytest.mark.parametrize("call", ["db.frame(sql)", "db.execute_sql(sql)", "run('crdb_txn', sql)"])
def test_an_error_of_the_database_is_shown_under_the_users_lines_alone(notebook, table, call):
    notebook["run"] = notebook.shell.run_line_magic
    notebook(f"def ask(db, sql):\n    return {call}")
    with pytest.raises(Exception, match="nope") as caught:
        notebook("%%crdb_txn --python\nask(db, 'nope')")
    shown = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(caught.value._render_traceback_()))

    assert f"return {call}" in shown
    assert re.findall(r"File (\S+)", shown) == []
    assert caught.value.__cause__ or caught.value.__context__


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("x = 1\ndb.frame('SELECT 1 +')", "line 2: db.frame('SELECT 1 +')"),
        ('db.execute_sql("""\nSELECT 1\nFROM WHERE""")', 'line 3: FROM WHERE""")'),
        ("x = 1\ndb.rows('SELECT %s FROM WHERE', [x])", "line 2: db.rows('SELECT %s FROM WHERE', [x])"),
        ("def ask(sql):\n    db.arrow(sql)\nask('SELECT ' + '1 +')", "line 2:     db.arrow(sql)"),
        ("x = 1\n%crdb_txn SELECT 1 +", "line 2: %crdb_txn SELECT 1 +"),
    ],
)
def test_an_error_of_sql_names_the_cells_own_line_its_sqlstate_and_its_outcome(notebook, body, place):
    with pytest.raises(Exception, match="syntax error") as caught:
        notebook(f"%%crdb_txn --python\n{body}")
    said = str(caught.value).splitlines()

    assert place in said
    assert said[-2:] == ["SQLSTATE: 42601", "Nothing was committed."]
    assert [line for line in said if line.startswith("LINE")] == []


def test_the_place_of_sql_that_stands_in_the_cell_has_a_caret(notebook):
    with pytest.raises(Exception, match="syntax error") as caught:
        notebook("%%crdb_txn --python\ndb.frame('SELECT 1 FROM WHERE')")

    assert str(caught.value).splitlines()[1:3] == [
        "line 1: db.frame('SELECT 1 FROM WHERE')",
        "                                ^",
    ]


@pytest.mark.parametrize("call", ["frame", "rows", "arrow", "execute_sql"])
def test_a_parameter_of_sql_cells_hints_at_the_placeholders_of_python(notebook, call):
    with pytest.raises(Exception, match=":id is for cells of SQL"):
        notebook(f"%%crdb_txn --python\ndb.{call}('SELECT :id')")


def test_a_note_of_the_users_stays_with_an_error_of_sql(notebook):
    with pytest.raises(Exception, match="syntax error") as caught:
        notebook(
            "%%crdb_txn --python\ntry:\n    db.rows('SELECT 1 +')\nexcept Exception as e:\n"
            "    e.add_note('mine')\n    raise"
        )

    assert caught.value.__notes__ == ["mine"]


def test_what_a_users_error_was_raised_from_is_shown(notebook):
    with pytest.raises(ValueError, match="inner") as caught:
        notebook(
            "%%crdb_txn --python\ntry:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise ValueError('inner') from e"
        )

    assert "ZeroDivisionError" in "\n".join(caught.value._render_traceback_())


def test_a_database_of_the_notebook_shares_its_connection(unconnected, url, table):
    unconnected(f"from crdb_magic import CockroachDatabase\nmine = CockroachDatabase({url!r})")
    unconnected("%crdb_connect mine")
    same = unconnected("%%crdb_txn --python\ndb is mine")
    unconnected("block = mine.atomic(); _ = block.__enter__()")
    unconnected(f"%crdb_txn UPDATE {table} SET balance = 0")
    unconnected("mine.rollback(); _ = mine.pop_transaction()")

    assert same is True
    assert unconnected(f"%crdb_txn SELECT balance FROM {table} ORDER BY id").balance.tolist() == [100, 20]


def test_a_frame_that_it_gives_has_the_receipt(notebook, refused):
    notebook(f'%%crdb_txn --python df <<\ndb.execute_sql("SELECT 1")\ndb.frame("""{refused}""")')

    assert notebook["df"].attrs["crdb"]["attempts"] == 3


@pytest.mark.parametrize(
    ("made", "change"),
    [
        ("[1]", "it.append(2)"),
        ("[1, 2]", "it[0] = object()"),
        ("{}", "it['a'] = 1"),
        ("{'a': 1}", "it['a'] = object()"),
    ],
)
def test_what_a_rolled_back_attempt_changed_in_place_is_named(notebook, made, change):
    notebook(f"it = {made}\nsame = [1]")
    with pytest.raises(ZeroDivisionError):
        notebook(f"%%crdb_txn --python\n{change}\n1 / 0")

    assert "rolled back, and not undone: it." in notebook.shown


def test_what_the_committed_attempt_changed_in_place_needs_no_warning(notebook):
    notebook("it = [1]")
    notebook("%%crdb_txn --python\nit.append(2)")

    assert (notebook["it"], notebook.shown.strip()) == ([1, 2], "committed")


# Cells in several threads.


def test_a_line_in_another_thread_does_not_run_on_the_connection_of_a_python_cell(notebook, url):
    notebook(f"%crdb_connect {url} --name other")
    notebook("%crdb_txn SET application_name = 'other'")
    notebook("%crdb_connect --use default")
    notebook("from concurrent.futures import ThreadPoolExecutor")
    notebook(
        "%%crdb_txn --python --on other\nhere = %crdb_txn --as rows SHOW application_name\n"
        "with ThreadPoolExecutor() as pool:\n"
        "    there = pool.submit(get_ipython().run_line_magic, 'crdb_txn', '--as rows SHOW application_name').result()"
    )

    assert (notebook["here"], notebook["there"]) == ([("other",)], [("crdb_magic",)])


def test_cells_in_several_threads_are_transactions_of_their_own(notebook, table, rows):
    notebook["run"] = lambda sql: notebook.shell.run_cell_magic("crdb_txn", "", sql)
    notebook("from concurrent.futures import ThreadPoolExecutor")
    notebook(
        "with ThreadPoolExecutor(8) as pool:\n"
        f"    wrong = [pool.submit(run, 'INSERT INTO {table} VALUES (3, 3); SELECT 1/0') for _ in range(10)]\n"
        f"    add = 'UPDATE {table} SET balance = balance + 1 WHERE id = 1; SELECT 1'\n"
        "    right = [pool.submit(run, add) for _ in range(10)]\n"
        "done = [one.exception() for one in right]"
    )

    assert notebook["done"] == [None] * 10
    assert rows(f"SELECT id, balance FROM {table} ORDER BY id") == [("1", "110"), ("2", "20")]


def test_a_cell_without_code_is_no_transaction(notebook):
    with pytest.raises(ScriptError, match=r"The cell has no code\."):
        notebook("%%crdb_txn --python\n# later")
