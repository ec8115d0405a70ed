"""%crdb_receipt and the variable crdb_receipt: how transactions went, and the instants that they can be read at."""

from __future__ import annotations

import pickle
from decimal import Decimal

import pandas as pd
import pytest

from crdb_magic import CockroachDatabase
from crdb_magic.core.receipt import Receipt
from crdb_magic.errors import OptionError

_COLUMNS = [
    "ended_at", "connection", "ran", "rows", "attempts", "elapsed", "committed", "as_of", "committed_at", "staleness",
]  # fmt: skip


@pytest.fixture
def telling(log, server):
    """The notebook of a server that tells when it committed."""
    if server.is_cockroachdb and not server.tells_commit_time:
        pytest.skip("this server does not tell")
    return log


def numbers(notebook, options: str = "") -> list[int]:
    return list(notebook(f"%crdb_txn {options} SELECT n FROM log ORDER BY n").n)


_WRITES = [
    "%crdb_txn INSERT INTO log VALUES (2)",
    "%%crdb_txn\nINSERT INTO log VALUES (2);\nSELECT 1",
    '%%crdb_txn --python\ndb.execute_sql("INSERT INTO log VALUES (2)")',
    "%crdb_write two --table log --mode append",
]


@pytest.mark.parametrize("write", _WRITES)
def test_the_receipt_of_a_write_reads_just_what_it_left(telling, write):
    telling["two"] = pd.DataFrame({"n": [2]})
    telling(write)
    telling["kept"] = telling["crdb_receipt"]
    telling("%crdb_txn INSERT INTO log VALUES (3)")

    assert (numbers(telling, "--as-of :kept"), numbers(telling)) == ([1, 2], [1, 2, 3])


def test_a_pin_and_a_stream_take_it_too(telling, url):
    telling["kept"] = telling["crdb_receipt"]
    telling("%crdb_txn INSERT INTO log VALUES (2)")
    telling("%crdb_pin :kept")
    pinned = numbers(telling)
    telling("%crdb_pin off")
    db = CockroachDatabase(url)
    streamed = [list(part.n) for part in db.frames("SELECT n FROM log", as_of=telling["kept"])]
    db.close()

    assert (pinned, streamed) == ([1], [[1]])


def test_a_reader_of_the_past_has_the_instant_that_it_read(log):
    numbers(log, "--as-of -1us")
    receipt = log["crdb_receipt"]

    assert isinstance(receipt.instant, Decimal)
    assert (receipt.instant, receipt.committed_at) == (receipt.as_of, None)
    assert log("%crdb_receipt").staleness[0] == receipt.staleness


def test_one_of_the_present_that_wrote_nothing_has_none(log):
    numbers(log)

    with pytest.raises(OptionError, match="That Receipt has no timestamp"):
        numbers(log, "--as-of :crdb_receipt")


def test_the_last_is_a_frame_of_one_row(log):
    log("%%crdb_txn\nSELECT 1;\nSELECT n\nFROM log")
    shown = log("%crdb_receipt")

    assert list(shown.columns) == _COLUMNS
    row = shown.loc[0]
    assert (row.connection, row.ran, row.rows, row.attempts) == ("default", "SELECT 1; SELECT n FROM log", 2, 1)
    assert (bool(row.committed), row.as_of, row.ended_at.tzname()) == (True, None, "UTC")


def test_all_of_them_stand_in_their_order(log):
    before = len(log("%crdb_receipt --all"))
    log("%crdb_txn --dry-run DELETE FROM log")
    log("%%crdb_txn --python\n1")
    shown = log("%crdb_receipt --all")[before:]

    assert list(zip(shown.ran, shown.committed, strict=True)) == [
        ("DELETE FROM log", False),
        ("(Python)", True),
    ]


def test_what_failed_has_none(log):
    before = log["crdb_receipt"]
    with pytest.raises(Exception, match="nowhere"):
        log("%crdb_txn SELECT * FROM nowhere")

    assert log["crdb_receipt"] is before


def test_a_line_within_a_python_cell_is_no_transaction_of_its_own(log):
    before = len(log("%crdb_receipt --all"))
    log("%%crdb_txn --python\n%crdb_txn SELECT 1")

    assert len(log("%crdb_receipt --all")) == before + 1


def test_those_of_a_connection_are_told_apart(log, url):
    log(f"%crdb_connect {url} --name second")
    log("%crdb_txn SELECT 42")
    log("%crdb_connect --use default")

    assert list(log("%crdb_receipt --all --on second").ran) == ["SELECT 42"]
    assert len(log("%crdb_receipt --on nobody")) == 0
    log("%crdb_connect --close second")


def test_a_variable_of_the_users_is_left_alone(log):
    log["crdb_receipt"] = "mine"
    log("%crdb_txn SELECT 1")

    assert (log["crdb_receipt"], list(log("%crdb_receipt").ran)) == ("mine", ["SELECT 1"])


def test_without_receipts_none_is_kept(log):
    log("del crdb_receipt")
    log("%config CrdbMagic.receipts = False")
    log("%crdb_txn SELECT 1")

    assert "crdb_receipt" not in log.shell.user_ns
    with pytest.raises(OptionError, match="No receipts are kept"):
        log("%crdb_receipt")


def test_it_shows_itself_in_both_forms(log):
    log("%crdb_txn SELECT '<b>' AS x")
    data, metadata = log.shell.display_formatter.format(log["crdb_receipt"])

    assert "Committed on default\n" in data["text/plain"]
    assert "  ran       SELECT '<b>' AS x\n" in data["text/plain"]
    assert "SELECT &#x27;&lt;b&gt;&#x27; AS x" in data["text/html"]
    assert metadata["crdb"]["attempts"] == 1


def test_it_pickles(log):
    copy = pickle.loads(pickle.dumps(log["crdb_receipt"]))

    assert isinstance(copy, Receipt)
    assert copy == log["crdb_receipt"]


def test_before_any_transaction_it_says_so(unconnected):
    value = unconnected("%crdb_receipt")

    assert (len(value), unconnected.shown.splitlines()[0]) == (0, "No transaction has run yet.")


def test_that_of_a_cell_of_python_has_the_rows_of_its_frame(notebook):
    notebook("%%crdb_txn --python\ndb.frame('SELECT 1 AS n UNION ALL SELECT 2')")

    assert notebook("%crdb_receipt").rows.tolist() == [2]
