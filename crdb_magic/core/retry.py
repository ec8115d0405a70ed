"""The retry engine: runs a unit of work as a transaction until it is committed, refused, or out of attempts.

It knows no SQL and no driver: it gives three verbs to a :class:`Transaction` and asks it to translate what went
wrong. The contract with the unit of work, stated once for every door that leads here:

- it may run several times, each time in a new transaction, so it must not keep results of an earlier run;
- it must not begin, commit or roll back the transaction;
- its effects outside of the database are its own affair: nobody undoes them.

What the engine promises in turn: the work is committed once and its value returned, or an error says in its
last line whether anything was committed. It never runs again what may have been committed, unless the caller
said ``idempotent``.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from random import random as uniform
from typing import Generic, NoReturn, Protocol, TypeVar

from crdb_magic.core.options import RetryPolicy
from crdb_magic.errors import (
    AmbiguousCommitError,
    ConnectionFailedError,
    CrdbMagicError,
    ExceededMaxAttempts,
    Outcome,
    PartialCommitError,
)

T = TypeVar("T")

# SQLSTATEs: https://www.cockroachlabs.com/docs/stable/common-errors and pkg/sql/pgwire/pgcode/codes.go
RETRYABLE = frozenset({"40001", "CR000", "40P01"})  # CR000: before v2; 40P01: a deadlock on PostgreSQL
LOST = frozenset({"57P01", "57P02", "57P03", "58C00", "58C01", "53300", "25P03"})  # and class 08, and no code
UNKNOWN_AT_COMMIT = frozenset({"40003", "57014", "XX000", "XXUUU"})
COMMITTED_BUT = "XXA00"

_REASON = re.compile(r"\b(RETRY_[A-Z_]+|ABORT_REASON_[A-Z_]+|ReadWithinUncertaintyInterval)")


class Transaction(Protocol):
    """The verbs of a transaction. Every error may leave them in the driver's form: ``translate`` reads it."""

    def begin(self, seconds_left: float | None) -> None:
        """Begin, on a new connection if the old one is lost; no statement may then run longer than is left."""

    def commit(self) -> None:
        """Commit; raises if the server did not, or if the work left nothing that could be committed."""

    def rollback(self) -> None:
        """End the transaction whatever state it is in, give up the connection if that fails; never raises."""

    def translate(self, error: BaseException) -> CrdbMagicError | None:
        """Give the error in our terms, or None where it is not about the database."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt that failed and was, or would have been, made again.

    ``reason`` is CockroachDB's word in the message (``RETRY_WRITE_TOO_OLD``); ``wait`` the seconds before the next
    attempt, None after the last.
    """

    number: int
    sqlstate: str | None
    reason: str | None
    message: str
    wait: float | None = None

    @property
    def label(self) -> str:
        """Name the failure in a word or two that are the same on every run."""
        return " ".join(part for part in (self.sqlstate, self.reason) if part) or "connection lost"


@dataclass(frozen=True, slots=True)
class Committed(Generic[T]):
    """The value of the attempt that was committed, the attempts before it, and the seconds that all took."""

    value: T
    failures: tuple[Attempt, ...]
    elapsed: float


Observer = Callable[[Attempt], None]


class Verdict(Enum):
    """What to do about a failed attempt."""

    RETRY = auto()
    RETRY_THOUGH_UNKNOWN = auto()
    UNKNOWN = auto()
    COMMITTED_BUT = auto()
    FINAL = auto()


def judge(
    error: CrdbMagicError | None, *, committing: bool, idempotent: bool = False, reads_only: bool = False
) -> Verdict:
    """Decide by SQLSTATE and phase alone. ``error`` is None for what is not about the database."""
    if error is None:
        return Verdict.UNKNOWN if committing and not reads_only else Verdict.FINAL
    code = error.sqlstate
    if code in RETRYABLE:
        return Verdict.RETRY
    if code == COMMITTED_BUT:
        return Verdict.COMMITTED_BUT
    lost = is_lost(error)
    if not committing or reads_only:
        return Verdict.RETRY if lost else Verdict.FINAL
    if not lost and code not in UNKNOWN_AT_COMMIT:
        return Verdict.FINAL
    again = idempotent and (lost or code == "40003")
    return Verdict.RETRY_THOUGH_UNKNOWN if again else Verdict.UNKNOWN


def is_lost(error: CrdbMagicError) -> bool:
    """Tell whether the connection is gone, or the server is about to take it away."""
    code = error.sqlstate
    if code is None:
        return isinstance(error, ConnectionFailedError)
    return code in LOST or code.startswith("08")


def run(  # noqa: PLR0913 - the last four are the world outside, given by tests
    work: Callable[[], T],
    transaction: Transaction,
    policy: RetryPolicy,
    *,
    idempotent: bool = False,
    reads_only: bool = False,
    observer: Observer = lambda _: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    random: Callable[[], float] = uniform,
) -> Committed[T]:
    """Run ``work`` in a transaction until it is committed.

    An error that is not to be retried is raised as it is. Otherwise raises :class:`ExceededMaxAttempts`,
    :class:`AmbiguousCommitError` or :class:`PartialCommitError` from the last error. ``observer`` is told of each
    failed attempt before the wait; it cannot steer. ``clock`` and ``sleep`` speak in seconds.
    """
    started = clock()
    failures: list[Attempt] = []
    maybe_committed = False
    while True:
        left = None if policy.timeout is None else policy.timeout - (clock() - started)
        try:
            value = _attempt(work, transaction, left, idempotent=idempotent, reads_only=reads_only)
            return Committed(value, tuple(failures), clock() - started)
        except _Failed as failed:
            failure = failed
        maybe_committed |= failure.verdict is Verdict.RETRY_THOUGH_UNKNOWN
        if failure.verdict not in _AGAIN:
            failure.end(failures, maybe_committed=maybe_committed)
        wait = random() * policy.longest_wait(len(failures) + 1)
        why = _reason_to_stop(policy, len(failures) + 1, clock() - started + wait)
        failures.append(failure.attempt(len(failures) + 1, None if why else wait))
        if why:
            raise _exceeded(why, failures, maybe_committed=maybe_committed) from failure.cause
        observer(failures[-1])
        sleep(wait)


_AGAIN = frozenset({Verdict.RETRY, Verdict.RETRY_THOUGH_UNKNOWN})


class _Failed(Exception):  # noqa: N818 - never leaves this module: how an attempt reports its end
    def __init__(self, cause: BaseException, error: CrdbMagicError | None, verdict: Verdict) -> None:
        super().__init__()
        self.cause = cause
        self.error = error
        self.verdict = verdict

    def attempt(self, number: int, wait: float | None) -> Attempt:
        message = self.error.message if self.error else str(self.cause)
        found = _REASON.search(message)
        code = self.error.sqlstate if self.error else None
        return Attempt(number, code, found.group() if found else None, message, wait)

    def end(self, failures: list[Attempt], *, maybe_committed: bool) -> NoReturn:
        """Raise what the caller is to see of a failure that is not retried."""
        attempts = (*failures, self.attempt(len(failures) + 1, None))
        code = self.error.sqlstate if self.error else None
        if self.verdict is Verdict.UNKNOWN:
            raise AmbiguousCommitError(
                f"The answer to COMMIT never came ({attempts[-1].label}).",
                outcome=Outcome.UNKNOWN, sqlstate=code, attempts=attempts,
                hint="if running it twice does no harm, say so with --idempotent (idempotent=True).",
            ) from self.cause  # fmt: skip
        if self.verdict is Verdict.COMMITTED_BUT:
            raise PartialCommitError(
                "A schema change of the transaction failed after its commit.",
                outcome=Outcome.COMMITTED, sqlstate=code, attempts=attempts,
            ) from self.cause  # fmt: skip
        _sign(self.cause, Outcome.UNKNOWN if maybe_committed else Outcome.NOT_COMMITTED)
        raise self.cause


def _attempt(
    work: Callable[[], T],
    transaction: Transaction,
    seconds_left: float | None,
    *,
    idempotent: bool,
    reads_only: bool,
) -> T:
    committing = False
    try:
        transaction.begin(seconds_left)
        value = work()
        committing = True
        transaction.commit()
    except BaseException as cause:
        error = transaction.translate(cause)
        verdict = judge(error, committing=committing, idempotent=idempotent, reads_only=reads_only)
        transaction.rollback()
        raise _Failed(cause, error, verdict) from cause
    return value


def _reason_to_stop(policy: RetryPolicy, attempts: int, elapsed: float) -> str | None:
    if attempts >= policy.max_attempts:
        return f"all {attempts} attempts failed" if attempts > 1 else "the only attempt failed"
    if policy.timeout is not None and elapsed >= policy.timeout:
        return f"the time limit of {policy.timeout:g} s is used up"
    return None


def _exceeded(why: str, failures: list[Attempt], *, maybe_committed: bool) -> ExceededMaxAttempts:
    last = failures[-1]
    return ExceededMaxAttempts(
        f"Gave up: {why}, the last with {last.label}.",
        outcome=Outcome.UNKNOWN if maybe_committed else Outcome.NOT_COMMITTED,
        sqlstate=last.sqlstate,
        attempts=failures,
    )


def _sign(error: BaseException, outcome: Outcome) -> None:
    """Let an error that passes through say what became of the transaction."""
    if not isinstance(error, CrdbMagicError):
        error.add_note(outcome.value)
    elif error.outcome is None:
        error.outcome = outcome
