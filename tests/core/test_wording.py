"""What stays of a server's words: what is the same on every run."""

from __future__ import annotations

import faults
import pytest

from crdb_magic.core.wording import plain_words, without_ids


@pytest.mark.parametrize(
    ("message", "plain"),
    [
        (
            faults.WRITE_TOO_OLD.text,
            "WriteTooOldError: write for key … at timestamp … too old; must write at or above …",
        ),
        (
            faults.SERIALIZABLE.text,
            "TransactionRetryError: retry txn (RETRY_SERIALIZABLE - failed preemptive refresh due to conflicting locks "
            "on … [reason=wait_policy])",
        ),
        (faults.ABORTED.text, "TransactionAbortedError(ABORT_REASON_CLIENT_REJECT)"),
        (faults.OLD_RETRY.text, "HandledRetryableTxnError"),
        (faults.AMBIGUOUS.text, faults.AMBIGUOUS.text),
        ('write for key /Table/104/1/"john smith"/0 refused', "write for key … refused"),
        (
            "restart transaction: read at time 1722882686.48,0 encountered previous write within uncertainty interval; "
            "observed timestamps: [{1 1722882686.48,0} {2 1722882686.49,0}]",
            "read at time … encountered previous write within uncertainty interval",
        ),
        (
            "Could not connect to 127.0.0.1:46703: Connection refused\nand more",
            "Could not connect to …: Connection refused",
        ),
        (
            "could not serialize access due to read/write dependencies among transactions",
            "could not serialize access due to read/write dependencies among transactions",
        ),
    ],
)
def test_keys_ids_times_and_addresses_are_left_out(message, plain):
    assert plain_words(message) == plain


@pytest.mark.parametrize(
    ("notice", "shown"),
    [
        (
            "NOTICE: waiting for job(s) to complete: 120040716, 120040717\nIf …",
            "NOTICE: waiting for job(s) to complete: …\nIf …",
        ),
        ('NOTICE: relation "t_12" already exists, skipping', 'NOTICE: relation "t_12" already exists, skipping'),
        ('while updating tuple (2,22) in relation "t_12"', 'while updating tuple … in relation "t_12"'),
        ("NOTICE: 1200407160811749377", "NOTICE: 1200407160811749377"),
    ],
)
def test_the_numbers_of_jobs_and_the_places_of_rows_are_left_out_and_nothing_else(notice, shown):
    assert without_ids(notice) == shown
