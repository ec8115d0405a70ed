"""%crdb_write."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pandas as pd
import pytest

from crdb_magic.errors import InputError, OptionError, ParameterError, StatementError


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
    with pytest.raises(StatementError):
        notebook(f"%crdb_write df --table {name}")
    notebook(f"%crdb_write df --table {name} --mode append")

    assert notebook(f"%crdb_txn SELECT count(*) AS n FROM {name}").n.tolist() == [6]


def test_rows_that_the_table_refuses_leave_nothing_behind(notebook, table):
    notebook["df"] = pd.DataFrame({"id": range(3, 50_000), "balance": [*range(49_996), -1]})

    with pytest.raises(StatementError):
        notebook(f"%crdb_write df --table {table} --mode append")
    assert notebook(f"%crdb_txn SELECT count(*) AS n FROM {table}").n.tolist() == [2]


@pytest.mark.parametrize(
    ("line", "error", "message"),
    [
        ("df", OptionError, "Add --table"),
        ("nothing --table t", ParameterError, "'nothing' is no DataFrame"),
        ("odd --table t", InputError, "'c' holds"),
        ("df --table t --mode replace", OptionError, "fail, append"),
    ],
)
def test_a_call_that_cannot_work_says_what_would(notebook, frame, line, error, message):
    notebook["df"], notebook["odd"] = frame, pd.DataFrame({"c": [[1], [2]]})

    with pytest.raises(error, match=message):
        notebook(f"%crdb_write {line}")
