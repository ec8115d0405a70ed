"""%crdb_write."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

import pandas as pd
import pytest

from crdb_magic.errors import InputError, OptionError, ParameterError, StatementError
from crdb_magic.explore import suggestions


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "whole": pd.array([2**62, None, 3], dtype="Int64"),
            "real": [1.5, float("nan"), -0.25],
            "text": ["", 'a,"b"\nc\\', None],
            "exact": [Decimal("1.10"), None, Decimal("-7")],
            "yes": pd.array([True, None, False], dtype="boolean"),
            "day": [dt.date(2026, 11, 23), None, dt.date(1, 1, 1)],
            "moment": pd.to_datetime(["2026-11-23T10:00:00.123456Z", None, "1970-01-01T00:00:00.5Z"], utc=True),
            "kind": pd.Categorical(["a", None, "b"]),
        }
    )


@pytest.fixture
def name(notebook, table) -> str:
    yield f"{table}_written"
    notebook(f"%crdb_txn DROP TABLE IF EXISTS {table}_written")


def test_what_was_written_comes_back_the_same(notebook, frame, name):
    notebook["df"] = frame
    notebook(f"%crdb_write df --table {name}")
    back = notebook(f"%crdb_txn SELECT * FROM {name} ORDER BY whole NULLS FIRST").iloc[[2, 0, 1]].reset_index(drop=True)

    assert back.whole.tolist()[0] == 2**62
    assert back.text.tolist()[:2] == ["", 'a,"b"\nc\\']
    assert back.exact.tolist() == [Decimal("1.10"), None, Decimal("-7")]
    assert back.day.tolist() == [dt.date(2026, 11, 23), None, dt.date(1, 1, 1)]
    assert back.moment.dt.as_unit("us").tolist()[0] == frame.moment[0]
    assert back.isna().sum().tolist() == [1] * 8


def test_an_existing_table_is_left_alone_unless_told_to_append(notebook, frame, name):
    notebook["df"] = frame
    notebook(f"%crdb_write df --table {name}")
    with pytest.raises(StatementError, match="Hint: --mode append"):
        notebook(f"%crdb_write df --table {name}")
    notebook(f"%crdb_write df --table {name} --mode append")

    assert notebook(f"%crdb_txn SELECT count(*) AS n FROM {name}").n.tolist() == [6]


def test_rows_that_the_table_refuses_leave_nothing_behind(notebook, table):
    notebook["df"] = pd.DataFrame({"id": range(3, 50_000), "balance": [*range(49_996), -1]})

    with pytest.raises(StatementError):
        notebook(f"%crdb_write df --table {table} --mode append")
    assert notebook(f"%crdb_txn SELECT count(*) AS n FROM {table}").n.tolist() == [2]


class _Interrupted(dict):
    """A value at which somebody interrupts."""

    def items(self) -> None:
        raise KeyboardInterrupt


def test_an_interrupt_before_a_row_was_sent_says_that_nothing_was_committed(notebook, table):
    notebook["df"] = pd.DataFrame({"id": [3], "balance": [_Interrupted(a=1)]})
    with pytest.raises(KeyboardInterrupt) as caught:
        notebook(f"%crdb_write df --table {table}_new")

    assert caught.value._render_traceback_()[1:] == ["Nothing was committed."]


def test_in_a_python_cell_an_interrupt_says_so_once(notebook, table):
    notebook["df"] = pd.DataFrame({"id": [3], "balance": [_Interrupted(a=1)]})
    with pytest.raises(KeyboardInterrupt) as caught:
        notebook(f"%%crdb_txn --python\n%crdb_write df --table {table}_new")

    assert caught.value._render_traceback_()[1:] == ["Nothing was committed."]


def test_replace_makes_the_table_anew(notebook, frame, name):
    notebook["df"], notebook["less"] = frame, frame[["whole", "text"]]
    notebook(f"%crdb_write df --table {name}")
    notebook(f"%crdb_write less --table {name} --mode replace")

    assert notebook(f"%crdb_txn SELECT * FROM {name}").columns.tolist() == ["whole", "text"]


def test_upsert_overwrites_by_the_key(notebook, name):
    notebook["df"] = pd.DataFrame({"id": [1, 2], "v": ["a", "b"]})
    notebook["changed"] = pd.DataFrame({"id": [2, 3], "v": ["B", "C"]})
    notebook(f"%crdb_write df --table {name} --key id")
    notebook(f"%crdb_write changed --table {name} --mode upsert")

    assert notebook(f"%crdb_txn SELECT v FROM {name} ORDER BY id").v.tolist() == ["a", "B", "C"]


@pytest.mark.parametrize("key", ["uuid", "rowid"])
def test_a_key_may_be_made_by_the_server(notebook, frame, name, key):
    notebook["df"] = frame
    notebook(f"%crdb_write df --table {name} --key {key}")

    assert notebook(f"%crdb_txn SELECT DISTINCT id FROM {name}").shape == (3, 1)


def test_types_may_be_given_in_the_line_or_by_a_variable(notebook, name):
    notebook["df"] = pd.DataFrame({"price": [1.005], "tags": [["a"]]})
    notebook(f"%crdb_write df --table {name} --dtype price=DECIMAL(10,3),tags=JSONB")
    notebook["types"] = {"price": "DECIMAL(10, 3)", "tags": "JSONB"}
    notebook(f"%crdb_write df --table {name} --dtype :types --mode replace")
    back = notebook(f"%crdb_txn SELECT price, tags->>0 AS tag FROM {name}")

    assert back.price.tolist() == [Decimal("1.005")]
    assert back.tag.tolist() == ["a"]


def test_a_name_with_a_point_stands_in_its_own_quotes(notebook):
    notebook["df"] = pd.DataFrame({"a": [1]})
    notebook("""%crdb_write df --table '"my.table"' --mode replace""")
    try:
        assert notebook('%crdb_txn SELECT a FROM "my.table"').a.tolist() == [1]
    finally:
        notebook('%crdb_txn DROP TABLE "my.table"')


def test_in_a_python_cell_a_frame_is_a_part_of_its_transaction(notebook, table):
    notebook["df"] = pd.DataFrame({"id": [3], "balance": [1]})
    with pytest.raises(ZeroDivisionError):
        notebook(f"%%crdb_txn --python\n%crdb_write df --table {table} --mode append\n1 / 0")

    assert notebook(f"%crdb_txn SELECT count(*) AS n FROM {table}").n.tolist() == [2]


@pytest.mark.parametrize(("rows", "words"), [(3, "3 rows"), (1, "1 row"), (0, "0 rows")])
def test_how_many_rows_were_written_is_said(notebook, frame, name, rows, words):
    notebook["df"] = frame.head(rows)
    notebook(f"%crdb_write df --table {name}")

    assert notebook.shown == f"{name}: {words} written.\n"


def test_an_index_with_a_name_is_said_to_be_left_out(notebook, frame, name):
    notebook["df"] = frame.set_index("whole")
    notebook(f"%crdb_write df --table {name}")

    assert notebook.shown == f"{name}: 3 rows written, without the index 'whole' (df.reset_index() keeps it).\n"


@pytest.mark.parametrize(
    ("line", "error", "message"),
    [
        ("df", OptionError, "Add --table"),
        ("df.head(, --table t", ParameterError, r"is not a Python expression \(invalid syntax\)"),
        ("nothing --table t", ParameterError, "'nothing' is not a DataFrame"),
        ("odd --table t", InputError, "'c' holds complex"),
        ("df --table t --mode both", OptionError, "fail, append, replace, upsert"),
        ("df --table a..b", OptionError, "is not a valid table name"),
        ("df --table t --key exakt", OptionError, "Did you mean exact"),
        ("df --table t --dtype exact", OptionError, "column=TYPE"),
        ("df --table t --dtype exakt=INT4", OptionError, "Did you mean exact"),
        ("df --table t --dtype 'exact=INT4; DROP TABLE u'", OptionError, "is not a valid type"),
        ("df --table t --key text", InputError, "'text' is in the primary key, and 1 of its values is missing"),
    ],
)
def test_a_call_that_cannot_work_says_what_would(notebook, frame, line, error, message):
    notebook["df"], notebook["odd"] = frame, pd.DataFrame({"c": [1j]})

    with pytest.raises(error, match=message):
        notebook(f"%crdb_write {line}")


# What is written may be an expression.


@pytest.mark.parametrize(
    ("line", "rows"),
    [
        ("df.head(2) --table {}", 2),
        ("--table {} df[['a', 'b --mode x']]", 3),
        ('df.query("a > 1") --table {} --mode fail', 2),
        ("df[df['b --mode x'] == \"y --table z\"] --table {}", 1),
        ("(df.assign(c=1 --1)) --table {}", 3),
        ("pd.concat([df, df], ignore_index=True) --table {}", 6),
        ("df.rename(columns={{'a': '''it's --on'''}}) --table {}", 3),
    ],
)
def test_an_expression_is_written_as_the_notebook_understands_it(notebook, name, line, rows):
    notebook["pd"] = pd
    notebook["df"] = pd.DataFrame({"a": [1, 2, 3], "b --mode x": ["x", "y --table z", ""]})
    notebook("%crdb_write " + line.format(name))

    assert notebook.shown.strip() == f"{name}: {rows} {'row' if rows == 1 else 'rows'} written."


def test_local_names_count_in_an_expression(notebook, name):
    notebook("import pandas as pd")
    notebook(f"def f(local):\n    get_ipython().run_line_magic('crdb_write', 'local.head(1) --table {name}')")
    notebook("f(pd.DataFrame({'a': [1, 2]}))")

    assert notebook.shown.strip() == f"{name}: 1 row written."


def test_an_error_of_an_expression_is_the_users_own(notebook):
    notebook["df"] = pd.DataFrame({"a": [1]})
    with pytest.raises(KeyError) as caught:
        notebook("%crdb_write df['b'] --table t")
    lines = notebook.shell.InteractiveTB.structured_traceback(KeyError, caught.value, caught.tb)
    shown = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(lines))

    assert "----> 1 df['b']" in shown
    assert "crdb_magic" not in shown


def test_an_expression_that_is_no_frame_is_refused_by_its_type(notebook):
    notebook["df"] = pd.DataFrame({"a": [1]})
    with pytest.raises(ParameterError, match=r"^'df\.a' is a Series, not a DataFrame: write %crdb_write FRAME"):
        notebook("%crdb_write df.a --table t")


def test_an_arrow_table_is_written_value_for_value(notebook, name):
    query = (
        "SELECT 1.50::DECIMAL(10, 2) AS d, '63616665-6630-3064-6465-616462656566'::UUID AS u, "
        "'{\"a\": 1}'::JSONB AS j, NULL::TEXT AS t, ARRAY[1, NULL]::INT8[] AS i, '2026-11-23'::DATE AS day"
    )
    notebook["table"] = notebook(f"%crdb_txn --as arrow {query}")
    notebook(f"%crdb_write table --table {name}")

    assert notebook(f"%crdb_txn --as rows SELECT * FROM {name}") == notebook(f"%crdb_txn --as rows {query}")


# What else is said.


def test_a_column_that_the_table_has_not_is_answered_with_those_that_it_has(notebook, table):
    notebook["df"] = pd.DataFrame({"id": [3], "balnce": [1]})
    with pytest.raises(StatementError) as caught:
        notebook(f"%crdb_write df --table {table} --mode append")

    assert caught.value.sqlstate == "42703"
    assert caught.value.hint == f'the columns of "{table}" are id, balance.'


def test_the_servers_notices_are_shown(notebook, server, table):
    if server.is_cockroachdb:
        pytest.skip("its triggers are younger than the oldest server")
    body = "BEGIN RAISE NOTICE 'row %', NEW.id; RETURN NEW; END"
    notebook(f"%%crdb_txn\nCREATE FUNCTION {table}_say() RETURNS trigger LANGUAGE plpgsql AS $${body}$$;\n"
             f"CREATE TRIGGER say BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_say()")  # fmt: skip
    notebook["df"] = pd.DataFrame({"id": [3, 4], "balance": [1, 2]})
    try:
        notebook(f"%crdb_write df --table {table} --mode append")
    finally:
        shown = notebook.shown
        notebook(f"%crdb_txn DROP FUNCTION {table}_say CASCADE")

    assert shown.splitlines() == [f"{table}: 2 rows written.", "NOTICE: row 3", "NOTICE: row 4"]


def test_that_there_was_no_table_to_replace_is_no_news(notebook, frame, name):
    notebook["df"] = frame
    notebook(f"%crdb_write df --table {name} --mode replace")

    assert notebook.shown.strip() == f"{name}: 3 rows written."


# A table that is not there where rows were to be added.


@pytest.mark.parametrize("options", ["--mode append", "--mode upsert --key whole"])
def test_that_a_table_was_made_to_add_rows_to_is_said_with_the_one_that_may_be_meant(notebook, frame, name, options):
    notebook["df"] = frame.head(1)
    notebook(f"%crdb_write df --table {name}")
    notebook(f"%crdb_write df --table {name}s {options}")
    shown = notebook.shown
    notebook(f"%crdb_txn DROP TABLE {name}s")

    assert shown.startswith(f"{name}s: table made, 1 row written.\nDid you mean {name}")


def test_an_interrupt_after_a_write_says_that_it_was_done(notebook, frame, name, monkeypatch):
    def question(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(suggestions, "relations", question)
    notebook["df"] = frame.head(1)
    with pytest.raises(KeyboardInterrupt) as caught:
        notebook(f"%crdb_write df --table {name} --mode append")

    assert notebook.shown.splitlines()[0] == f"{name}: table made, 1 row written."
    assert caught.value._render_traceback_() == ["KeyboardInterrupt: the write was done.", "It was committed."]
    assert len(notebook(f"%crdb_txn SELECT * FROM {name}")) == 1


def test_a_table_of_another_number_is_not_meant(notebook, frame, name):
    notebook["df"] = frame.head(1)
    notebook(f"%crdb_write df --table {name}")
    notebook(f"%crdb_write df --table {name}7 --mode append")
    shown = notebook.shown
    notebook(f"%crdb_txn DROP TABLE {name}7")

    assert name not in shown.removeprefix(f"{name}7: table made, 1 row written.")


def test_rows_that_are_added_to_a_table_make_none(notebook, frame, name):
    notebook["df"] = frame.head(1)
    notebook(f"%crdb_write df --table {name}")
    notebook(f"%crdb_write df --table {name} --mode append")

    assert notebook.shown == f"{name}: 1 row written.\n"


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("fram --table t", "Did you mean frame?"),
        ("zzz --table t", None),
        ("frame.whole --table t", "frame.whole.to_frame() is one."),
        ("[1, 2] --table t", None),
    ],
)
def test_what_is_nearly_a_frame_has_a_hint(notebook, frame, line, hint):
    notebook["frame"] = frame
    with pytest.raises(ParameterError) as caught:
        notebook(f"%crdb_write {line}")

    assert caught.value.hint == hint
