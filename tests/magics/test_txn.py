"""%%crdb_txn."""

from __future__ import annotations

import json
from decimal import Decimal

import pandas as pd
import pytest

from crdb_magic.errors import (
    ExceededMaxAttempts,
    NotConnectedError,
    OptionError,
    ParameterError,
    PastUnavailableError,
    ResultTypeError,
    ScriptError,
    StatementError,
)
from crdb_magic.magics import arguments, txn_options
from crdb_magic.magics.magic import CrdbMagic


def test_the_last_result_is_the_value_of_the_cell(notebook):
    frame = notebook("%%crdb_txn\nSELECT 1 AS a;\nSELECT 2 AS b, NULL::INT8 AS c")

    assert (list(frame.columns), frame.b.tolist()) == (["b", "c"], [2])


def test_an_earlier_result_is_shown_under_its_statement(notebook):
    notebook("%%crdb_txn\n-- first\nSELECT 1 AS a;\nSELECT 2 AS b")

    assert notebook.shown.splitlines()[:2] == ["SELECT 1 AS a", "   a"]


def test_the_last_result_stands_under_its_statement_too_where_another_one_is_above_it(notebook):
    notebook("%%crdb_txn\nSELECT 1 AS a;\nSELECT 2 AS b")

    assert "\nSELECT 2 AS b" in notebook.shown


@pytest.mark.parametrize("cell", ["%%crdb_txn\nSELECT 2 AS b", "%%crdb_txn df <<\nSELECT 1 AS a;\nSELECT 2 AS b"])
def test_alone_or_taken_by_a_variable_it_needs_no_heading(notebook, cell):
    notebook(cell)

    assert "SELECT 2" not in notebook.shown


def test_a_statement_without_rows_shows_its_tag(notebook, table):
    value = notebook(f"%%crdb_txn\nUPDATE {table} SET balance = 5;\nDELETE FROM {table} WHERE id = 1")

    assert value is None
    assert notebook.shown.split() == ["UPDATE", "2", "DELETE", "1"]


def test_the_value_is_the_last_result_even_if_a_statement_without_rows_follows(notebook, table):
    frame = notebook(f"%%crdb_txn\nSELECT id FROM {table} ORDER BY id;\nDELETE FROM {table}")

    assert frame.id.tolist() == [1, 2]


def test_a_named_result_is_assigned_and_not_shown(notebook):
    value = notebook("%%crdb_txn answer <<\nSELECT 42 AS n")

    assert value is None
    assert notebook["answer"].n.tolist() == [42]


def test_a_shift_in_the_sql_is_no_assignment(notebook):
    assert notebook("%crdb_txn SELECT 1 << 2 AS n").n.tolist() == [4]


def test_the_line_form_gives_a_frame(notebook):
    notebook("df = %crdb_txn SELECT 7 AS n")

    assert notebook["df"].n.tolist() == [7]


def test_variables_of_the_notebook_are_bound(notebook):
    notebook["city"], notebook["ids"] = "a'; DROP TABLE x; --", [1, 2]
    frame = notebook("%%crdb_txn\nSELECT :city AS city, 1 = ANY(:ids) AS is_in, ':city' AS text, '10:11'::TIME AS t")

    assert (frame.city[0], frame.is_in[0], frame.text[0]) == ("a'; DROP TABLE x; --", True, ":city")


def test_a_variable_of_the_calling_function_is_bound(notebook):
    notebook("def ask(n):\n    return get_ipython().run_line_magic('crdb_txn', 'SELECT :n::INT8 AS n')")
    notebook("n = 1")

    assert notebook("ask(3)").n.tolist() == [3]


def test_neither_dollars_nor_braces_are_expanded_by_ipython(notebook):
    notebook["id"] = 5

    assert notebook("%crdb_txn SELECT '$id {id}' AS t").t.tolist() == ["$id {id}"]


def test_a_missing_variable_is_named_with_the_nearest_one(notebook):
    notebook["amount"] = 1

    with pytest.raises(ParameterError, match=r"(?s)no value for :amout \(line 2\).*Did you mean :amount\?"):
        notebook("%%crdb_txn\nSELECT 1,\n  :amout")


def test_leading_nbval_markers_are_not_sent(notebook):
    assert notebook("%%crdb_txn\n# NBVAL_IGNORE_OUTPUT\nSELECT 1 AS n").n.tolist() == [1]


@pytest.mark.parametrize(
    ("cell", "error", "message"),
    [
        ("%%crdb_txn\n-- nothing", ScriptError, "holds no SQL statement"),
        ("%crdb_txn", ScriptError, "holds no SQL statement"),
        ("%%crdb_txn\nSELECT 'open", ScriptError, "is not closed"),
        ("%%crdb_txn\nBEGIN;\nSELECT 1;\nCOMMIT", ScriptError, "the cell is the transaction"),
        ("%%crdb_txn\nSAVEPOINT cockroach_restart", ScriptError, "cockroach_restart"),
        ("%%crdb_txn --loud\nSELECT 1", OptionError, "no option --loud"),
        ("%%crdb_txn SELECT 1\nSELECT 1", OptionError, "SQL goes below"),
        ("%crdb_txn SELECT 1 --limit 5", OptionError, "--limit comes after the SQL"),
        ("%crdb_txn SELECT 1 /* so */ --as=rows", OptionError, "--as=rows comes after the SQL"),
        ("%%crdb_txn --as-of yesterday\nSELECT 1", OptionError, "'yesterday' is not an instant"),
        ("%%crdb_txn --max-attempts 0\nSELECT 1", OptionError, "at least 1"),
        ("%%crdb_txn --timeout -1\nSELECT 1", OptionError, "positive number of seconds"),
    ],
)
def test_a_cell_that_cannot_run_is_refused_before_anything_is_sent(unconnected, cell, error, message):
    with pytest.raises(error, match=message):
        unconnected(cell)


def test_without_a_connection_the_next_step_is_named(unconnected):
    with pytest.raises(NotConnectedError, match="%crdb_connect"):
        unconnected("%crdb_txn SELECT 1")


def test_a_failed_cell_changes_no_variable(notebook):
    notebook["df"] = "old"

    with pytest.raises(StatementError):
        notebook("%%crdb_txn df <<\nSELECT 1; SELECT nope")
    assert notebook["df"] == "old"


def test_an_error_is_shown_short_and_its_last_line_says_what_became_of_the_writes(notebook, table):
    with pytest.raises(StatementError) as caught:
        notebook(f"%%crdb_txn\nDELETE FROM {table};\nSELECT *\nFROM nope")

    lines = caught.value._render_traceback_()
    assert lines[0].startswith("StatementError: relation")
    assert lines[1:] == [
        "In statement 2 of 2:",
        "line 3: FROM nope",
        "             ^",
        "SQLSTATE: 42P01",
        "Nothing was committed.",
    ]


def test_the_text_of_an_error_is_the_same_on_every_run(notebook, refused):
    texts = set()
    for _ in range(2):
        with pytest.raises(ExceededMaxAttempts) as caught:
            notebook("%%crdb_txn --max-attempts 2\nSELECT 1; SELECT crdb_internal.force_retry('1h')")
        texts.add(str(caught.value))

    assert len(texts) == 1


def test_retries_leave_no_output_where_nobody_looks(notebook, refused):
    notebook(f"%%crdb_txn df <<\nSELECT 1; {refused}")

    assert [output.data["text/plain"].splitlines()[0] for output in notebook.outputs] == [
        "SELECT 1",
        "   ?column?",
        "1 row → df",
    ]


def test_the_receipt_is_with_the_frame(notebook, refused):
    notebook(f"%%crdb_txn df <<\nSELECT 1 AS x; {refused}")
    receipt = notebook["df"].attrs["crdb"]

    assert receipt["attempts"] == 3
    assert [retry["sqlstate"] for retry in receipt["retries"]] == ["40001", "40001"]
    assert json.loads(json.dumps(receipt)) == receipt


def test_the_receipt_is_metadata_of_the_frames_own_output_only(notebook):
    notebook("df = %crdb_txn SELECT 1 AS x")
    formatter = notebook.shell.display_formatter
    frame = notebook["df"]

    assert formatter.format(frame)[1]["crdb"]["attempts"] == 1
    assert "crdb" not in formatter.format(frame.head())[1]


def test_receipts_can_be_switched_off(notebook):
    notebook("%config CrdbMagic.receipts = False")

    assert notebook("%crdb_txn SELECT 1 AS x").attrs == {}


@pytest.mark.parametrize("receipts", [True, False])
def test_an_empty_result_says_that_it_has_no_rows(notebook, table, receipts):
    notebook(f"%config CrdbMagic.receipts = {receipts}")
    forms = notebook.forms(notebook(f"%crdb_txn SELECT * FROM {table} WHERE false"))

    assert "0 rows" in forms["text/plain"]
    assert "0 rows" in forms["text/html"]
    assert "balance" in forms["text/html"]


def test_an_empty_result_before_the_last_one_says_so_too(notebook, table):
    notebook(f"%%crdb_txn\nSELECT * FROM {table} WHERE false; SELECT 1")

    assert "0 rows" in notebook.shown


@pytest.mark.parametrize("made", ["%crdb_txn SELECT 1 AS n", "pd.DataFrame({'n': []})"])
def test_other_frames_are_shown_as_pandas_does(notebook, made):
    notebook["pd"] = pd
    frame = notebook(made)

    assert notebook.forms(frame)["text/plain"] == repr(frame)


def test_the_past_is_an_option(notebook, table, server):
    notebook.shell.run_line_magic("crdb_connect", "--local")
    notebook("%crdb_txn CREATE TABLE log (n INT)")
    notebook("%crdb_txn INSERT INTO log VALUES (1)")
    notebook("now = %crdb_txn SELECT cluster_logical_timestamp() AS t")
    notebook["before"] = notebook["now"].t[0]
    notebook("%crdb_txn DELETE FROM log")
    notebook("past = %crdb_txn --as-of :before SELECT * FROM log")

    assert notebook["past"].n.tolist() == [1]
    assert Decimal(notebook["past"].attrs["crdb"]["as_of"]) <= notebook["before"]


def test_a_server_of_somebody_else_that_has_no_past_says_so(notebook, server, proxy):
    if server.as_of_system_time:
        pytest.skip("it has one")
    notebook["elsewhere"] = "postgresql://{user}:{password}@{host}:{port}/{dbname}".format(**proxy.target)
    notebook("%crdb_connect :elsewhere")

    with pytest.raises(PastUnavailableError, match="cannot read the past"):
        notebook("%crdb_txn --as-of -1s SELECT 1")


def test_help_that_is_asked_for_as_an_option_is_shown(notebook):
    notebook("%crdb_txn --help")

    assert notebook.shown.strip() == notebook.shell.find_line_magic("crdb_txn").__doc__.strip()


def test_the_help_shows_usage_options_and_examples(notebook):
    text = notebook.shell.find_line_magic("crdb_txn").__doc__

    assert [word for word in ("%%crdb_txn", "--as-of WHEN", "Examples:") if word not in text] == []


def test_connections_and_receipts_outlive_a_reload(notebook):
    notebook("df = %crdb_txn SELECT 1 AS n")
    notebook("%crdb_txn SET application_name = 'still here'")
    notebook("%reload_ext crdb_magic")
    said = notebook.shown

    assert said.strip() == ""
    assert notebook("%crdb_txn SHOW application_name").iloc[0, 0] == "still here"
    assert notebook.shell.display_formatter.format(notebook["df"])[1]["crdb"]["attempts"] == 1


def test_a_local_server_its_data_and_a_pin_outlive_a_reload_and_their_end_is_named(unconnected):
    unconnected("%crdb_connect --local")
    unconnected("%crdb_txn CREATE TABLE kept (id INT)")
    unconnected("%crdb_pin")
    unconnected("%reload_ext crdb_magic")
    unconnected("%crdb_connect --list")
    listed = unconnected.shown
    rows = unconnected("%crdb_txn SELECT count(*) AS n FROM kept").n.tolist()
    unconnected("%unload_ext crdb_magic")
    said = unconnected.shown
    unconnected("%load_ext crdb_magic")

    assert rows == [0]
    assert ", pinned to " in listed
    assert said.splitlines() == ["Closed default.", "Stopped the local server; its data is gone."]


def test_loading_twice_is_harmless_and_unloading_takes_the_magics_away(notebook):
    notebook("%load_ext crdb_magic")
    notebook("%reload_ext crdb_magic")
    notebook("%unload_ext crdb_magic")

    assert notebook.shell.find_cell_magic("crdb_txn") is None
    assert [name for names in notebook.shell.magics_manager.magics.values() for name in names if "crdb" in name] == []
    notebook("%load_ext crdb_magic")


def test_a_result_outlives_its_connection(notebook):
    frame = notebook("%crdb_txn SELECT 1 AS n")
    notebook("%crdb_connect --close default")

    assert isinstance(frame, pd.DataFrame)
    assert frame.n.tolist() == [1]


@pytest.mark.parametrize(
    ("cell", "outcome"),
    [
        ("%crdb_txn SELECT '1 day'::INTERVAL", "It was committed."),
        ("%%crdb_txn --python\n%crdb_txn SELECT '1 day'::INTERVAL", "Nothing was committed."),
    ],
)
def test_a_result_that_can_not_be_read_says_what_became_of_its_transaction(notebook, cell, outcome):
    notebook("%crdb_txn SET intervalstyle = 'iso_8601'")
    with pytest.raises(ResultTypeError) as caught:
        notebook(cell)

    assert (str(caught.value) + "".join(getattr(caught.value, "__notes__", ()))).endswith(outcome)


class _Asked(dict):
    """Options, and the names of those that were asked for."""

    def __init__(self, options, names):
        super().__init__(options)
        self._names = names

    def __contains__(self, name):
        self._names.add(name)
        return super().__contains__(name)

    def __getitem__(self, name):
        self._names.add(name)
        return super().__getitem__(name)

    def get(self, name, default=None):
        self._names.add(name)
        return super().get(name, default)


@pytest.mark.parametrize(
    ("option", "cell"),
    [("python", "%%crdb_txn --python\n1"), ("explain", "%%crdb_txn --explain\nSELECT 1")],
)
def test_each_option_means_something_beside_another_or_is_refused_there(notebook, monkeypatch, option, cell):
    wanted, asked = CrdbMagic.wanted, set()
    monkeypatch.setattr(arguments, "MappingProxyType", lambda given: _Asked(given, asked))
    monkeypatch.setattr(CrdbMagic, "wanted", lambda self, call: _Asked(wanted(self, call), asked))
    notebook(cell)
    refused = {name for pair in txn_options._APART for name in pair[:2] if option in pair[:2]}
    unread = {one.name for one in txn_options.TXN_OPTIONS} - asked - refused

    assert not unread, f"read there, or refused by a row of _APART: {unread}"
