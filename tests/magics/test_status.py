"""The line under a result: what is the same on every run in its data, the rest in its metadata."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from IPython.utils.capture import capture_output

from crdb_magic import CockroachDatabase
from crdb_magic.magics.audience import Audience
from crdb_magic.magics.status import MIME


@pytest.fixture
def full(notebook):
    notebook("%config CrdbMagic.status = 'full'")
    return notebook


def lines(notebook) -> list[str]:
    """Give what stands under the value, its times left out."""
    text = notebook.outputs[-1].data["text/plain"] if notebook.outputs else ""
    return re.sub(r"[\d.]+ [mµ]?s\b", "TIME", text).splitlines()


# What is said.


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("%crdb_txn SELECT 1", "1 row"),
        ("df = %crdb_txn SELECT 1", "1 row"),
        ("%%crdb_txn df <<\nSELECT * FROM generate_series(1, 2000) AS t (i)", "2,000 rows → df"),
        ("%%crdb_txn\nSELECT 1 WHERE false", "0 rows"),
        ("%%crdb_txn --as arrow\nSELECT 1", "1 row"),
        ("%%crdb_txn\nSELECT 1; SELECT * FROM generate_series(1, 3) AS t (i)", "3 rows"),
        ("%%crdb_txn --python\nx = 1", "committed"),
        ("%%crdb_txn --python total <<\n40 + 2", "committed → total"),
        ("%%crdb_txn --python\ndb.frame('SELECT 1')", "1 row"),
        ("a = %crdb_txn SELECT 1\nb = %crdb_txn SELECT 2\n1", "2 transactions · 2 rows"),
        ("a = %crdb_txn SELECT 1\nget_ipython().run_cell_magic('crdb_txn', '--python', '1')", "2 transactions · 1 row"),
        ("%crdb_txn --as-of now SELECT 1", "1 row"),
    ],
)
def test_the_data_says_what_is_the_same_on_every_run(notebook, cell, said):
    notebook(cell)
    output = notebook.outputs[-1]

    assert (output.data["text/plain"], output.data[MIME]) == (said, {"text": said})
    assert said in output.data["text/html"]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("%crdb_txn SELECT 1", ["1 row · TIME"]),
        ("%%crdb_txn df <<\nSELECT 1", ["1 row → df · TIME"]),
        ("%%crdb_txn\nUPDATE {table} SET balance = 1", ["UPDATE 2 · TIME"]),
        (
            "%%crdb_txn\nUPDATE {table} SET balance = 1; DELETE FROM {table}",
            ["UPDATE 2", "DELETE 2", "committed · TIME"],
        ),
        ("%%crdb_txn --python\nx = 1", ["committed · TIME"]),
        ("a = %crdb_txn SELECT 1\nb = %crdb_txn SELECT 2", ["2 transactions · 2 rows · TIME"]),
    ],
)
def test_the_whole_line_tells_the_time_too(full, table, cell, said):
    full(cell.format(table=table))

    assert lines(full) == said


def test_the_whole_line_is_in_the_metadata(notebook):
    notebook("%crdb_txn SELECT 1")
    metadata = notebook.outputs[-1].metadata

    assert re.search(r">1 row · \S+ [mµ]?s<", metadata["crdb_status"]["html"])
    assert metadata["crdb"]["attempts"] == 1


def test_it_can_be_saved_as_json_and_is_small(notebook):
    notebook("%crdb_txn SELECT 1")
    output = notebook.outputs[-1]

    assert len(json.dumps([output.data, output.metadata])) < 2500


def test_statements_without_rows_have_no_line_of_their_own(notebook, table):
    notebook(f"%%crdb_txn\nDELETE FROM {table}")
    (output,) = notebook.outputs

    assert (output.data["text/plain"], output.data[MIME]) == ("DELETE 2", {"text": "DELETE 2"})
    assert "DELETE 2 · " in output.metadata["crdb_status"]["html"]


def test_the_instant_that_was_read_is_told(full, table, server):
    if not server.as_of_system_time:
        full("%crdb_connect --local")
        table = "(SELECT 1)"
    full(f"%crdb_txn --as-of -1us SELECT * FROM {table} AS t")

    assert re.search(r" · as of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$", full.outputs[-1].data["text/plain"])


@pytest.mark.parametrize(
    "cell",
    [
        "1 + 1",
        "%crdb_txn EXPLAIN SELECT 1",
        "%%crdb_txn --python\nx = %crdb_txn SELECT 1\nx = %crdb_txn SELECT 1",
        "%%capture\n%crdb_txn SELECT 1",
        "from IPython.utils.capture import capture_output\nwith capture_output():\n    %crdb_txn SELECT 1",
    ],
)
def test_no_line_but_that_of_the_cells_own_transaction(notebook, cell):
    notebook(cell)

    assert [output.data["text/plain"] for output in notebook.outputs if MIME in output.data] in ([], ["committed"])


@pytest.mark.parametrize("end", ["1 / 0", "%crdb_txn SELECT nope"])
def test_a_cell_that_fails_says_nothing_and_leaves_nothing_for_the_next_one(notebook, end):
    with pytest.raises(Exception, match=r"nope|division"):
        notebook(f"df = %crdb_txn SELECT 1\n{end}")
    failed = notebook.outputs
    notebook("1")

    assert (failed, notebook.outputs) == ([], [])


def test_what_ran_silently_is_not_told_of_in_the_next_cell(notebook):
    with capture_output() as captured:
        for cell, silent in [("1", False), ("df = %crdb_txn SELECT 1", True), ("2", False)]:
            notebook.shell.run_cell(cell, silent=silent)

    assert captured.outputs == []


def test_what_ran_within_a_block_is_not_told_of_as_if_it_had_been_committed(notebook, url):
    notebook["db"] = CockroachDatabase(url)
    notebook("%crdb_connect db")
    notebook("with db.atomic():\n    df = %crdb_txn SELECT 1")

    assert notebook.outputs == []


def test_within_an_open_transaction_tags_are_shown_without_a_time(notebook, table):
    notebook(f"%%crdb_txn --python\n%crdb_txn DELETE FROM {table}")

    assert [MIME in output.data for output in notebook.outputs] == [False, True]


# What can be set.


def test_it_can_be_switched_off(notebook, table):
    notebook("%config CrdbMagic.status = 'off'")
    notebook(f"%%crdb_txn\nDELETE FROM {table}")
    tag = notebook.outputs[0]
    notebook("%crdb_txn SELECT 1")

    assert (list(tag.data), list(tag.metadata), notebook.outputs) == (["text/plain", "text/html"], ["crdb"], [])


def test_without_receipts_no_time_is_in_the_metadata(notebook):
    notebook("%config CrdbMagic.receipts = False")
    notebook("%crdb_txn SELECT 1")
    output = notebook.outputs[-1]

    assert (output.data["text/plain"], output.metadata, MIME in output.data) == ("1 row", {}, False)


def test_a_terminal_has_the_whole_line(notebook, monkeypatch):
    monkeypatch.setattr(Audience, "of", lambda _: Audience.TERMINAL)
    notebook("%crdb_txn SELECT 1")

    assert lines(notebook) == ["1 row · TIME"]


def test_on_a_screen_it_is_faint(notebook, monkeypatch):
    monkeypatch.setattr(Audience, "of", lambda _: Audience.TERMINAL)
    notebook("import sys; sys.stdout.isatty = lambda: True\ndf = %crdb_txn SELECT 1")

    assert re.fullmatch(r"\x1b\[2m1 row · .*\x1b\[22m", notebook.outputs[-1].data["text/plain"])


def test_a_reload_does_not_double_it_and_unloading_ends_it(notebook):
    events = notebook.shell.events.callbacks
    notebook("%reload_ext crdb_magic")
    notebook("%crdb_txn SELECT 1")
    lines_after_reload = len(notebook.outputs)
    notebook("%unload_ext crdb_magic")
    heard = [one for event in ("pre_run_cell", "post_run_cell") for one in events[event] if "Status" in repr(one)]
    notebook("%load_ext crdb_magic")

    assert (lines_after_reload, heard) == (1, [])


# How the attempts are drawn.


def test_more_than_one_attempt_can_be_opened(notebook, refused):
    notebook(f"%%crdb_txn df <<\nSELECT 1; {refused}")
    html = notebook.outputs[-1].metadata["crdb_status"]["html"]

    assert re.search(r"<summary[^>]*>1 row → df · .* · 3 attempts</summary>", html)
    assert html.count("40001, waited") == 2
    assert "force_retry" in html


def test_of_many_transactions_the_one_with_the_most_attempts_can_be_opened(full, refused):
    full(f'for _ in range(3):\n    get_ipython().run_cell_magic(\'crdb_txn\', \'\', """SELECT 1; {refused}""")')
    first, heading, *attempts, _ = lines(full)

    assert first == "3 transactions · 3 rows · TIME · 5 attempts"
    assert heading == "The transaction with the most attempts:"
    assert len(attempts) == 3


def test_where_all_is_shown_the_attempts_stand_below_the_line(full, refused):
    full(f"%%crdb_txn df <<\nSELECT 1; {refused}")
    first, *attempts, why = lines(full)

    assert (first, len(attempts)) == ("1 row → df · TIME · 3 attempts", 3)
    assert attempts[-1].endswith("TIME  committed")
    assert "force_retry" in why


def test_nothing_is_drawn_that_jupyterlabs_sanitizer_drops(notebook, refused):
    notebook(f"%%crdb_txn df <<\nSELECT 1; {refused}")
    html = notebook.outputs[-1].metadata["crdb_status"]["html"]

    assert set(re.findall(r"<(\w+)", html)) == {"div", "span", "b", "details", "summary"}
    assert "var(" not in html


def test_an_output_holds_what_a_notebook_file_can_hold(notebook, refused):
    notebook(f"%%crdb_txn df <<\nSELECT 1; {refused}")
    outputs: list[Any] = [[output.data, output.metadata] for output in notebook.outputs]

    assert json.loads(json.dumps(outputs)) == outputs
