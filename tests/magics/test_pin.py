"""%crdb_pin: one instant for the cells of a notebook."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from crdb_magic.errors import OptionError, ParameterError, StatementError


@pytest.fixture
def log(notebook, keeper):
    """A table with a row, of a notebook that may read the past."""
    notebook("%crdb_txn DROP TABLE IF EXISTS pin_log")
    notebook("%crdb_txn CREATE TABLE pin_log (n INT)")
    notebook("%crdb_txn INSERT INTO pin_log VALUES (1)")
    yield notebook
    notebook("%crdb_pin off")
    notebook("%crdb_txn DROP TABLE pin_log")


def numbers(notebook, options: str = "") -> list[int]:
    return list(notebook(f"%crdb_txn {options} SELECT n FROM pin_log ORDER BY n").n)


def test_after_a_pin_all_cells_read_one_instant_until_it_is_off(log):
    log("%crdb_pin")
    log("%crdb_txn --as-of now INSERT INTO pin_log VALUES (2)")
    pinned = numbers(log), list(log('%%crdb_txn --python\ndb.frame("SELECT n FROM pin_log")').n)
    stepped_out = numbers(log, "--as-of now")
    log("%crdb_pin OFF")

    assert (pinned, stepped_out, numbers(log)) == (([1], [1]), [1, 2], [1, 2])


def test_the_pin_that_was_shown_can_be_come_back_to(log):
    log("%crdb_pin")
    found = re.fullmatch(r"Pinned to \S+ \S+; to come back to it: (%crdb_pin \S+)", log.shown.strip())
    log("%crdb_txn --as-of now INSERT INTO pin_log VALUES (2)")
    log("%crdb_pin off")
    assert found is not None
    log(found[1])

    assert numbers(log) == [1]


def test_a_table_that_is_younger_is_not_there_and_why_is_told(log):
    log("%crdb_pin -1us")
    with pytest.raises(OptionError) as caught:
        log("%crdb_schema pin_logs")

    assert "Did you mean pin_log? What is younger than the pin, " in str(caught.value)


@pytest.mark.parametrize("line", ["{}", "'{}'", ":then"])
def test_an_instant_is_named_as_it_was_given(log, line):
    log("now = %crdb_txn SELECT cluster_logical_timestamp()::STRING AS t")
    log["then"] = log["now"].t[0]
    log("%crdb_pin " + line.format(log["then"]))

    assert log.shown.strip() == f"Pinned to {log['then']}."


def test_a_time_ago_may_be_written_as_it_is(log):
    log("%crdb_pin -1us")

    assert "to come back to it" in log.shown


def test_the_list_of_connections_tells_of_the_pin(log):
    log("%crdb_pin")
    log("%crdb_connect --list")
    pinned = log.shown
    log("%crdb_pin off")
    log("%crdb_connect --list")

    assert (", pinned to " in pinned, ", pinned to " in log.shown) == (True, False)


def test_a_write_is_refused_with_the_way_out(log):
    log("%crdb_pin")

    with pytest.raises(StatementError, match="--as-of now steps out of that"):
        log("%crdb_txn INSERT INTO pin_log VALUES (2)")


def test_so_is_one_in_a_python_cell(log):
    log("%crdb_pin")

    with pytest.raises(Exception, match="read-only") as caught:
        log('%%crdb_txn --python\ndb.execute_sql("INSERT INTO pin_log VALUES (2)")')

    assert [line.partition(":")[0] for line in str(caught.value).splitlines()[-2:]] == [
        "Hint",
        "Nothing was committed.",
    ]


@pytest.mark.parametrize(
    ("line", "error", "match"),
    [
        ("yesterday", OptionError, "'yesterday' is not an instant"),
        ("10s", OptionError, "not in the past"),
        (":nothing", ParameterError, "no variable nothing"),
        (":frame", OptionError, "as-of takes no DataFrame"),
        ("--off", OptionError, "no option --off"),
    ],
)
def test_nonsense_is_refused(log, line, error, match):
    log["frame"] = pd.DataFrame({"n": [1]})
    with pytest.raises(error, match=match):
        log(f"%crdb_pin {line}")
