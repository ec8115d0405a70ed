"""How a receipt is shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from crdb_magic.core.asof import AsOf
from crdb_magic.core.options import DEFAULTS, TransactionOptions
from crdb_magic.core.receipt import Receipt
from crdb_magic.drawing.receipt import receipt_bundle
from crdb_magic.errors import Attempt
from crdb_magic.magics.status import TransactionSummary

_READ = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)
_HLC = Decimal("1780315200000000000.0000000002")
_WRITE = Receipt(
    server="a server",
    options=DEFAULTS,
    retries=(),
    as_of=None,
    elapsed=0.012,
    statements=2,
    rows=3,
    committed_at=_HLC,
    ended_at=_READ + timedelta(seconds=1),
    connection="default",
    ran=("UPDATE t SET n = 1", "SELECT * FROM t"),
)
_FOLLOWER = replace(
    _WRITE,
    options=TransactionOptions(as_of=AsOf.parse("follower")),
    as_of=_HLC,
    committed_at=None,
    ended_at=_READ + timedelta(seconds=4.8),
)


def test_what_is_known_stands_in_lines_and_what_is_not_is_left_out():
    assert receipt_bundle(_WRITE)["text/plain"].splitlines() == [
        "Committed on default",
        "  ran           UPDATE t SET n = 1",
        "                SELECT * FROM t",
        "  rows          3 rows",
        "  took          12 ms",
        "  ended at      2026-06-01 12:00:01.000000 UTC",
        "  committed at  1780315200000000000.0000000002 (2026-06-01 12:00:00.000000 UTC)",
        "  server        a server",
    ]


@pytest.mark.parametrize("told", ["1780315200000000000", "1780315200000000000.0000000000"])
def test_an_instant_is_shown_alike_however_it_was_told(told):
    text = receipt_bundle(replace(_WRITE, committed_at=Decimal(told)))["text/plain"]

    assert "  committed at  1780315200000000000 (2026-06-01 12:00:00.000000 UTC)" in text


def test_a_reader_of_the_past_tells_how_far_behind_it_was():
    text = receipt_bundle(_FOLLOWER)["text/plain"]

    assert ("  read at   1780315200000000000.0000000002" in text, "  behind    4.8 s" in text) == (True, True)
    assert "committed at" not in text


def test_so_does_the_line_under_its_result():
    assert TransactionSummary.one(_FOLLOWER).facts == "12 ms · as of 2026-06-01 12:00:00 UTC, 4.8 s behind"
    assert TransactionSummary.one(
        replace(_FOLLOWER, options=TransactionOptions(as_of=AsOf.parse("-5s")))
    ).facts.endswith("UTC")


def test_its_attempts_are_drawn_below():
    drawn = receipt_bundle(replace(_WRITE, retries=(Attempt(1, "40001", None, "restart", 0.001, 0.002),)))

    assert "took          12 ms, 2 attempts" in drawn["text/plain"]
    assert "40001" in drawn["text/plain"].splitlines()[-1]
    assert "40001" in drawn["text/html"]


def test_what_was_rolled_back_says_so():
    dry = replace(_WRITE, options=TransactionOptions(dry_run=True), committed_at=None)

    assert receipt_bundle(dry)["text/plain"].startswith("Rolled back on default\n")
