"""Why an attempt failed, by the words and the SQLSTATE of its refusal."""

from __future__ import annotations

import pytest

from crdb_magic.core.causes import cause_of
from crdb_magic.core.retry import LOST, RETRYABLE
from crdb_magic.errors import Attempt

# As in CockroachDB's "Transaction Retry Error Reference" and pkg/kv/kvpb/errors.go, and as PostgreSQL says it.
_SAMPLES = [
    ("40001", "TransactionRetryWithProtoRefreshError: TransactionRetryError: retry txn (RETRY_WRITE_TOO_OLD - "
     "WriteTooOld flag converted to WriteTooOldError)", "had already written"),
    ("40001", "TransactionRetryWithProtoRefreshError: WriteTooOldError: write at timestamp 1.2 too old",
     "had already written"),
    ("40001", "TransactionRetryError: retry txn (RETRY_SERIALIZABLE - failed preemptive refresh due to encountered "
     "recently written committed value /Table/106/1/1/0 @1700512205.521833000,2)", "before it could commit"),
    ("40001", "TransactionRetryError: retry txn (RETRY_ASYNC_WRITE_FAILURE - missing intent on failure)", "replicated"),
    ("40001", "TransactionRetryError: retry txn (RETRY_COMMIT_DEADLINE_EXCEEDED - txn timestamp pushed too much)",
     "so long"),
    ("40001", "ReadWithinUncertaintyIntervalError: read at time 1.2,0 encountered previous write", "clocks"),
    ("40001", "TransactionAbortedError(ABORT_REASON_ABORTED_RECORD_FOUND)", "aborted it"),
    ("40001", "TransactionAbortedError(ABORT_REASON_CLIENT_REJECT)", "aborted it"),
    ("40001", "TransactionAbortedError(ABORT_REASON_PUSHER_ABORTED)", "aborted it"),
    ("40001", "TransactionAbortedError(ABORT_REASON_ABORT_SPAN)", "aborted it"),
    ("40001", "TransactionAbortedError(ABORT_REASON_NEW_LEASE_PREVENTS_TXN)", "took over its rows"),
    ("40001", "TransactionAbortedError(ABORT_REASON_TIMESTAMP_CACHE_REJECTED)", "read lately"),
    ("40001", "injected by `inject_retry_errors_enabled` session variable", "requests such errors"),
    ("40001", "forced by crdb_internal.force_retry()", "force_retry"),
    ("40001", "could not serialize access due to concurrent update", "had changed what"),
    ("40P01", "deadlock detected", "waited for each other"),
    ("40003", "result is ambiguous", "outcome of the commit"),
    ("53300", "sorry, too many clients already", "no more connections"),
    ("57P01", "terminating connection due to administrator command", "shut down"),
    ("22023", "AS OF SYSTEM TIME: cannot specify timestamp in the future", "ahead of the clock"),
    (None, "server closed the connection unexpectedly", "lost"),
    ("08006", "SSL connection has been closed unexpectedly", "lost"),
]  # fmt: skip


@pytest.mark.parametrize(("sqlstate", "message", "what"), _SAMPLES, ids=lambda value: str(value)[:60])
def test_a_refusal_is_told_in_plain_words(sqlstate: str | None, message: str, what: str) -> None:
    assert what in cause_of(Attempt(1, sqlstate, None, message)).what


def test_the_reason_decides_where_there_is_one() -> None:
    attempt = Attempt(1, "40001", "RETRY_SERIALIZABLE", "a row that says WriteTooOld")

    assert "before it could commit" in cause_of(attempt).what


@pytest.mark.parametrize("sqlstate", sorted(RETRYABLE | LOST))
def test_whatever_is_tried_again_has_a_remedy(sqlstate: str) -> None:
    assert cause_of(Attempt(1, sqlstate, None, "")).remedy
