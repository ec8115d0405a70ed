"""Why an attempt failed, in plain words, and what helps: a table by the words and the SQLSTATE of the refusal.

What CockroachDB's words mean is its "Transaction Retry Error Reference"
(https://www.cockroachlabs.com/docs/stable/transaction-retry-error-reference), told in a sentence each.
"""

from __future__ import annotations

from typing import NamedTuple

from crdb_magic.errors import Attempt


class Cause(NamedTuple):
    """What happened, and what helps against it."""

    what: str
    remedy: str


_RETRY_IS_ENOUGH = "nothing to do: retrying is enough"
_SAME_ORDER = "let all transactions touch their rows in the same order"

_WRITTEN = Cause(
    "another transaction had already written a row that this one was about to write",
    "lock the rows that it will write with SELECT … FOR UPDATE first: others then wait; or let it touch fewer rows",
)
_ABORTED = Cause(
    "another transaction aborted it: one of higher priority, or in a deadlock with it, or because its node seemed dead",
    f"{_SAME_ORDER}; if it comes often where all priorities are the same, the cluster is overloaded",
)
_CONTENDED = Cause(
    "another transaction had changed what this one read or was about to write",
    "let it touch fewer rows and take less time, or run it when less is going on",
)
_LOST = Cause(
    "the connection was lost, or could not be opened",
    "if it happens often, check the network path to the server",
)
_SHUT_DOWN = Cause("the server was being shut down, or ended this connection", "if nobody meant that, see its log")
_TOO_SOON = Cause("the instant to be read was ahead of the clock of the node that was asked", _RETRY_IS_ENOUGH)

_BY_WORD = {
    "RETRY_WRITE_TOO_OLD": _WRITTEN,
    "WriteTooOld": _WRITTEN,
    "RETRY_SERIALIZABLE": Cause(
        "others had changed what this one read before it could commit",
        "lock what it depends on with SELECT … FOR UPDATE, read fewer rows (by an index, not by a full scan), "
        "or read by --as-of what need not be the newest",
    ),
    "RETRY_ASYNC_WRITE_FAILURE": Cause(
        "one of its writes was not replicated: a lease moved, or nodes did not reach each other",
        "if it comes often, look at the health of the cluster",
    ),
    "RETRY_COMMIT_DEADLINE_EXCEEDED": Cause(
        "it ran for so long that the time in which it could commit was over",
        "make it shorter: fewer rows at once, in several transactions; retrying alone seldom helps",
    ),
    "ReadWithinUncertaintyInterval": Cause(
        "it read a row that was written through another node so shortly before that their clocks can't tell the order",
        "use --as-of if historical data will do; otherwise retry",
    ),
    "ABORT_REASON_ABORTED_RECORD_FOUND": _ABORTED,
    "ABORT_REASON_CLIENT_REJECT": _ABORTED,
    "ABORT_REASON_PUSHER_ABORTED": _ABORTED,
    "ABORT_REASON_ABORT_SPAN": _ABORTED,
    "ABORT_REASON_NEW_LEASE_PREVENTS_TXN": Cause(
        "another node took over its rows while it ran, through no fault of its own", _RETRY_IS_ENOUGH
    ),
    "ABORT_REASON_TIMESTAMP_CACHE_REJECTED": Cause(
        "a node no longer knew what was read lately (ranges were merged, or its memory for that was full)",
        _RETRY_IS_ENOUGH,
    ),
    "inject_retry_errors": Cause(
        "this session requests such errors, to test how they are handled",
        "SET inject_retry_errors_enabled = off, and inject_retry_errors_on_commit_enabled",
    ),
    "crdb_internal.force_retry": Cause(
        "a statement asked for it by crdb_internal.force_retry()", "leave that function out"
    ),
}
# What the engine tries again: see `crdb_magic.core.retry.judge`. What is not here was a loss.
_BY_SQLSTATE = {
    "40001": _CONTENDED,
    "CR000": _CONTENDED,
    "40P01": Cause("it and another transaction waited for each other, and the server ended this one", _SAME_ORDER),
    "40003": Cause("the outcome of the commit was unknown", "it ran again because it is marked as idempotent"),
    "53300": Cause("the server took no more connections", "close some elsewhere, or let it take more"),
    "57P01": _SHUT_DOWN,
    "57P02": _SHUT_DOWN,
    "57P03": _SHUT_DOWN,
    "22023": _TOO_SOON,
    "XXUUU": _TOO_SOON,
}


def cause_of(attempt: Attempt) -> Cause:
    """Tell why an attempt that was made again had failed."""
    named = (cause for word, cause in _BY_WORD.items() if word in (attempt.reason or attempt.message))
    return next(named, _BY_SQLSTATE.get(attempt.sqlstate or "", _LOST))
