"""%crdb_export, and the forms of the value of a cell."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from crdb_magic.errors import (
    InputError,
    NotConnectedError,
    OptionError,
    ParameterError,
    PastUnavailableError,
    ScriptError,
    StatementError,
)

# Exporting.


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))


def rows(path: str) -> list[dict[str, object]]:
    return list(parquet.read_table(path).to_pylist())


@pytest.mark.usefixtures("copies_out")
@pytest.mark.parametrize(
    "line",
    [
        "'SELECT 1::INT8 AS n' a.parquet",
        '"SELECT 1::INT8 AS n" a.parquet',
        "  'SELECT 1::INT8 AS n;'   'a.parquet'  ",
        "--on default 'SELECT 1::INT8 AS n' \"a.parquet\"",
        "'SELECT 1::INT8 AS n' a.parquet --on default",
        "'SELECT 1::INT8 AS n' ~/a.parquet",
        "'SELECT 1::INT8 AS n -- what else' a.parquet",
    ],
)
def test_the_line_form_takes_a_query_in_quotes_and_a_file(notebook, line):
    notebook(f"%crdb_export {line}")

    assert rows("a.parquet") == [{"n": 1}]


@pytest.mark.usefixtures("copies_out")
@pytest.mark.parametrize(
    ("line", "file"),
    [("a.parquet", "a.parquet"), ("'two words.parquet'", "two words.parquet"), ("~/b.parquet", "b.parquet")],
)
def test_the_cell_form_takes_a_file_and_the_query_below(notebook, line, file):
    notebook(f"%%crdb_export {line}\n-- all of it\nSELECT 1::INT8 AS n,\n  'it''s' AS s;\n")

    assert rows(file) == [{"n": 1, "s": "it's"}]


@pytest.mark.usefixtures("copies_out")
def test_quotes_within_the_query_are_its_own(notebook):
    notebook("""%crdb_export 'SELECT 'a b' AS "x y", 'c' AS c' 'two words.parquet'""")

    assert rows("two words.parquet") == [{"x y": "a b", "c": "c"}]


@pytest.mark.usefixtures("copies_out")
@pytest.mark.parametrize(
    "cell", ["%crdb_export 'SELECT :city AS city' a.parquet", "%%crdb_export a.parquet\nSELECT :city AS city"]
)
def test_variables_of_the_notebook_are_bound(notebook, cell):
    notebook["city"] = "a'; DROP TABLE x; --"
    notebook(cell)

    assert rows("a.parquet") == [{"city": "a'; DROP TABLE x; --"}]


@pytest.mark.usefixtures("copies_out")
def test_what_was_written_is_said(notebook):
    notebook("%crdb_export 'SELECT * FROM generate_series(1, 1234)' a.csv")

    assert notebook.shown == "a.csv: 1,234 rows.\n"


@pytest.mark.usefixtures("copies_out")
def test_the_past_is_an_option(notebook, table, keeper):
    notebook("now = %crdb_txn SELECT cluster_logical_timestamp() AS t")
    notebook["before"] = notebook["now"].t[0]
    notebook(f"%crdb_txn DELETE FROM {table}")
    notebook(f"%crdb_export --as-of :before 'SELECT balance FROM {table} ORDER BY id' a.csv")

    assert isinstance(notebook["before"], Decimal)
    assert Path("a.csv").read_text() == '"balance"\n100\n20\n'


@pytest.mark.usefixtures("copies_out")
def test_a_server_of_somebody_else_that_has_no_past_says_so(notebook, server, proxy):
    if server.as_of_system_time:
        pytest.skip("it has one")
    notebook["elsewhere"] = "postgresql://{user}:{password}@{host}:{port}/{dbname}".format(**proxy.target)
    notebook("%crdb_connect :elsewhere")

    with pytest.raises(PastUnavailableError, match="cannot read the past"):
        notebook("%crdb_export --as-of -1s 'SELECT 1' a.csv")


@pytest.mark.usefixtures("copies_out")
def test_the_file_may_be_a_variable(notebook, tmp_path):
    notebook["first"], notebook["second"] = "a.parquet", tmp_path / "b.parquet"
    notebook("%crdb_export 'SELECT 1::INT8 AS n' :first")
    notebook("%%crdb_export :second\nSELECT 2::INT8 AS n")

    assert (rows("a.parquet"), rows("b.parquet")) == ([{"n": 1}], [{"n": 2}])


@pytest.mark.usefixtures("copies_out")
def test_an_error_shows_the_statement_as_written_and_leaves_no_file(notebook, tmp_path):
    notebook["many"] = [1, 2]
    with pytest.raises(StatementError, match='"nope" does not exist') as caught:
        notebook("%%crdb_export a.csv\n-- why\nSELECT :many,\n  i FROM nope")

    assert caught.value.excerpt == ("line 3:   i FROM nope", "                 ^")
    assert list(tmp_path.rglob("*.csv")) == []


@pytest.mark.usefixtures("copies_out")
@pytest.mark.parametrize(
    ("cell", "error", "message"),
    [
        (
            "%crdb_export 'SELECT 1' a.txt",
            OptionError,
            r"'a\.txt' names no known format: use \.parquet, \.arrow, \.csv",
        ),
        ("%crdb_export 'SELECT 1; SELECT 2' a.csv", OptionError, "Only a query by itself"),
        ("%crdb_export 'DELETE FROM t' a.csv", OptionError, "Only a query by itself"),
        ("%%crdb_export a.csv\n-- nothing", OptionError, "There is no query"),
        ("%crdb_export 'SELECT 1' missing/a.csv", OptionError, "There is no folder 'missing' for 'a.csv'"),
        ("%crdb_export 'SELECT 1' :nowhere", ParameterError, "no variable nowhere for the file :nowhere"),
    ],
)
def test_what_can_not_be_exported_is_refused_with_a_sentence(notebook, cell, error, message):
    with pytest.raises(error, match=message):
        notebook(cell)


@pytest.mark.parametrize(
    ("cell", "error", "message"),
    [
        ("%crdb_export", OptionError, r"%crdb_export \[options\] 'SELECT …' FILE, or"),
        ("%crdb_export a.csv", OptionError, "What goes where"),
        ("%crdb_export SELECT 1 a.csv", OptionError, "What goes where"),
        ("%crdb_export df.head() a.csv --on default", OptionError, "--on is for queries"),
        ("%crdb_export 'SELECT 1'", OptionError, "What goes where"),
        ("%crdb_export 'SELECT 1' two words.csv", OptionError, "What goes where"),
        ("%%crdb_export\nSELECT 1", OptionError, "What goes where"),
        ("%%crdb_export two words.csv\nSELECT 1", OptionError, "What goes where"),
        ("%crdb_export --loud 'SELECT 1' a.csv", OptionError, "no option --loud"),
        ("%crdb_export --as-of yesterday 'SELECT 1' a.csv", OptionError, "'yesterday' is not an instant"),
        ("%crdb_export 'SELECT :nobody' a.csv", ParameterError, "no value for :nobody"),
        ("%%crdb_export a.csv\nSELECT 'open", ScriptError, "is not closed"),
        ("%crdb_export 'SELECT 1' a.csv", NotConnectedError, "%crdb_connect"),
    ],
)
def test_a_call_that_cannot_work_says_what_would(unconnected, cell, error, message):
    with pytest.raises(error, match=message):
        unconnected(cell)


# The forms of a cell's value.


def test_a_value_may_be_an_arrow_table(notebook):
    table = notebook("%%crdb_txn --as arrow\nSELECT 1::INT8 AS n, NULL::TEXT AS s")

    assert table.equals(pa.table({"n": pa.array([1], pa.int64()), "s": pa.array([None], pa.string())}))


def test_a_value_may_be_rows(notebook):
    assert notebook("%%crdb_txn --as rows\nSELECT 1.50 AS p, NULL AS n, ARRAY['a'] AS a") == [
        (Decimal("1.50"), None, ["a"])
    ]


def test_a_value_is_a_frame_if_nothing_else_is_said(notebook):
    both = [notebook(f"%%crdb_txn {option}\nSELECT 1::INT8 AS n") for option in ("", "--as frame")]

    pd.testing.assert_frame_equal(*both)


def test_an_assigned_value_has_the_form_too(notebook):
    notebook("%%crdb_txn found << --as rows\nSELECT 1::INT8")

    assert notebook["found"] == [(1,)]


def test_an_earlier_result_is_shown_as_a_frame_whatever_the_value_is(notebook):
    notebook("%%crdb_txn --as rows\nSELECT 1 AS a;\nSELECT 2 AS b")

    assert notebook.shown.splitlines()[:2] == ["SELECT 1 AS a", "   a"]


def test_a_value_that_is_not_of_the_last_statement_stands_under_its_own(notebook, table):
    notebook(f"%%crdb_txn\nUPDATE {table} SET balance = 5;\nSELECT 1 AS one;\nDELETE FROM {table}")

    assert notebook.shown.splitlines()[:3] == ["UPDATE 2", "DELETE 2", "SELECT 1 AS one"]


_PLAN = "EXPLAIN SELECT i FROM generate_series(1, 1000) AS t (i) ORDER BY i"


def test_a_plan_is_a_frame_that_is_shown_as_its_lines(notebook):
    plan = notebook(f"%crdb_txn {_PLAN}")

    assert isinstance(plan, pd.DataFrame)
    assert notebook.forms(plan)["text/plain"] == "\n".join(plan.iloc[:, 0])
    assert "<table" not in notebook.forms(plan)["text/html"]


def test_a_plan_before_the_value_is_shown_as_its_lines(notebook):
    plan = notebook(f"%crdb_txn {_PLAN}")
    notebook(f"%%crdb_txn df <<\n{_PLAN};\nSELECT 1 AS one")

    assert [output.data["text/plain"] for output in notebook.outputs[:2]] == [_PLAN, "\n".join(plan.iloc[:, 0])]


def test_a_column_of_that_name_alone_is_no_plan(notebook):
    frame = notebook("%crdb_txn SELECT 'x' AS info")

    assert "<table" in notebook.forms(frame)["text/html"]


def test_frames_may_be_of_arrow(notebook):
    notebook('%config CrdbMagic.dtype_backend = "arrow"')
    dtypes = notebook("%crdb_txn SELECT 1::INT8 AS n, 'x'::TEXT AS s").dtypes

    assert [dtype.pyarrow_dtype for dtype in dtypes] == [pa.int64(), pa.string()]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("%%crdb_txn --as table\nSELECT 1", r"frame.*arrow.*rows"),
        ("%%crdb_txn --as rows --python\ndb", "--as is for SQL"),
    ],
)
def test_a_form_that_is_none_is_refused(notebook, cell, message):
    with pytest.raises(OptionError, match=message):
        notebook(cell)


# A frame.


@pytest.mark.parametrize(
    ("line", "file", "count"),
    [
        ("df a.parquet", "a.parquet", 3),
        ("df.head(2) 'two words.parquet'", "two words.parquet", 2),
        ('df.query("a > 1")   ~/b.parquet', "b.parquet", 2),
        ("df[['a', 'b']] :path", "c.parquet", 3),
    ],
)
def test_a_frame_is_exported_without_a_connection(unconnected, line, file, count):
    unconnected["df"] = pd.DataFrame({"a": [1, 2, 3], "b": ["x", None, ""]})
    unconnected["path"] = Path("c.parquet")
    unconnected(f"%crdb_export {line}")

    assert len(rows(file)) == count
    assert unconnected.shown.strip().endswith(f"{count} rows.")


@pytest.mark.usefixtures("copies_out")
@pytest.mark.parametrize("suffix", ["parquet", "arrow", "csv"])
def test_its_file_is_that_of_its_query(notebook, suffix):
    query = (
        "SELECT i::INT8 AS i, i::FLOAT8 / 4 AS f, (i / 4)::DECIMAL(6, 2) AS d, i % 2 = 0 AS b, 'a,' || i AS t, "
        "'2026-11-23'::DATE + i AS day, CASE WHEN i > 1 THEN '' END AS e FROM generate_series(1, 3) AS t (i) ORDER BY i"
    )
    notebook(f"%%crdb_export asked.{suffix}\n{query}")
    notebook(f"%%crdb_txn df <<\n{query}")
    notebook(f"%crdb_export df made.{suffix}")

    if suffix == "csv":
        assert Path("made.csv").read_text() == Path("asked.csv").read_text()
    else:
        read = parquet.read_table if suffix == "parquet" else lambda path: pa.ipc.open_file(path).read_all()
        assert read(f"made.{suffix}").to_pylist() == read(f"asked.{suffix}").to_pylist()


@pytest.mark.parametrize(
    ("columns", "suffix", "said"),
    [
        ("sum(i) AS s, avg(i) AS a, 1 AS n", "parquet", " s, a are texts (DECIMAL without declared digits): ::DECIMAL"),
        ("sum(i) AS s", "arrow", " s is text (DECIMAL without declared digits): ::DECIMAL(12, 2) makes numbers."),
        ("sum(i)::DECIMAL(12, 2) AS s, max(i) AS m", "parquet", ""),
        ("sum(i) AS s", "csv", ""),
    ],
)
def test_numbers_that_are_texts_in_a_file_are_named(notebook, columns, suffix, said):
    notebook(
        f"%crdb_export 'SELECT {columns} FROM generate_series(1::INT8, 3) AS t (i) GROUP BY i ORDER BY i' a.{suffix}"
    )

    assert notebook.shown.strip().startswith(f"a.{suffix}: 3 rows.{said}")
    assert bool(said) == ("text" in notebook.shown)


@pytest.mark.parametrize("copies", ["", "SET client_encoding = 'LATIN1'"])
def test_a_bool_in_csv_is_what_readers_take_for_one(notebook, copies):
    query = "SELECT i, nullif(i = 1, i = 3) AS b, ' ,\"' AS t, '' AS e FROM generate_series(1, 3) AS t (i) ORDER BY i"
    notebook(f"%crdb_txn {copies or 'SELECT 1'}")
    notebook(f"%%crdb_export asked.csv\n{query}")
    notebook(f"%%crdb_txn df <<\n{query}")
    notebook("%crdb_export df made.csv")

    lines = ['"i","b","t","e"', '1,true," ,""",""', '2,," ,""",""', '3,false," ,""",""']
    assert Path("asked.csv").read_text().splitlines() == Path("made.csv").read_text().splitlines() == lines


def test_a_parameter_in_quotes_is_told(notebook):
    notebook["who"] = "Ann"
    notebook("%%crdb_export a.csv\nSELECT 1 AS n WHERE 'Ann' = ':who'")

    assert notebook.shown.splitlines() == ["a.csv: 0 rows.", "':who' is a text; the variable is :who, without quotes."]


def test_one_column_of_bools_keeps_its_nulls(notebook):
    notebook("%crdb_export 'SELECT NULL::BOOL AS b UNION ALL SELECT true' one.csv")

    assert Path("one.csv").read_text() == '"b"\n""\ntrue\n'


def test_a_frame_that_no_table_holds_leaves_no_file(unconnected):
    unconnected["df"] = pd.DataFrame({"a": [object()]})
    with pytest.raises(InputError, match="Column 'a'"):
        unconnected("%crdb_export df a.parquet")

    assert list(Path().iterdir()) == []


def test_the_index_that_is_left_out_is_named(unconnected):
    unconnected["df"] = pd.DataFrame({"a": [1]}, index=pd.Index([5], name="key"))
    unconnected("%crdb_export df a.csv")

    assert unconnected.shown.strip() == "a.csv: 1 row, without the index 'key' (df.reset_index() keeps it)."


def test_sql_without_quotes_is_no_expression(unconnected):
    with pytest.raises(OptionError, match="What goes where"):
        unconnected("%crdb_export select 1 a.csv")
