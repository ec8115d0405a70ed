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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from random import random as uniform
from typing import Generic, NoReturn, Protocol, TypeVar

from crdb_magic.core.causes import cause_of
from crdb_magic.core.options import RetryPolicy
from crdb_magic.core.wording import plain_words
from crdb_magic.errors import (
    AmbiguousCommitError,
    Attempt,
    ConnectionFailedError,
    CrdbMagicError,
    ExceededMaxAttempts,
    Outcome,
    PartialCommitError,
    PastUnavailableError,
    StatementError,
    TransactionError,
)

T = TypeVar("T")

# SQLSTATEs: https://www.cockroachlabs.com/docs/stable/common-errors and pkg/sql/pgwire/pgcode/codes.go
RETRYABLE = frozenset({"40001", "CR000", "40P01"})  # CR000: before v2; 40P01: a deadlock on PostgreSQL
LOST = frozenset({"57P01", "57P02", "57P03", "58C00", "58C01", "53300", "25P03"})  # and class 08, and no code
CANCELED = "57014"
_REFUSED_MESSAGE = "08P01"  # unless the connection ended: so PgBouncer says that it lost the server
AMBIGUOUS = "40003"
UNKNOWN_AT_COMMIT = frozenset({AMBIGUOUS, CANCELED, "XX000", "XXUUU"})
COMMITTED_BUT = "XXA00"
# Classes of what is found before anything is done: not supported, no such object, not allowed, a wrong value.
_AT_ONCE = ("0A", "22", "25", "28", "3D", "3F", "42")

_IDEMPOTENT = "if running it twice does no harm, say so with --idempotent (idempotent=True)."
_MORE_ATTEMPTS = "Or give it more attempts (.attempts has the reason of each)."
_REASON = re.compile(r"\b(RETRY_[A-Z_]+|ABORT_REASON_[A-Z_]+|ReadWithinUncertaintyInterval|WriteTooOld)")


class Transaction(Protocol):
    """The verbs of a transaction. Every error may leave them in the driver's form: ``translate`` reads it."""

    def begin(self, seconds_left: float | None) -> None:
        """Begin, on a new connection if the old one is lost; no statement may then run longer than is left."""

    def commit(self) -> None:
        """Commit; raises if the server did not, or if the work left nothing that could be committed."""

    def rollback(self) -> None:
        """End the transaction whatever state it is in, give up the connection if that fails; raises only interrupts."""

    def translate(self, error: BaseException) -> CrdbMagicError | None:
        """Give the error in our terms, or None where it is not about the database."""


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
    error: CrdbMagicError | None,
    *,
    committing: bool,
    idempotent: bool = False,
    reads_only: bool = False,
    interrupted: bool = False,
) -> Verdict:
    """Decide by SQLSTATE and phase alone. ``error`` is None for what is not about the database.

    An interrupt is never retried, even one that came with an answer of the server (``interrupted``); but that may tell
    that nothing was committed.

    A :class:`TransactionError` says itself what became of a transaction, be it of this one or of another one that
    the work ran elsewhere: it is final, whatever SQLSTATE it was raised for.
    """
    at_stake = committing and not reads_only
    if error is None or interrupted:
        clear = error is not None and error.sqlstate != COMMITTED_BUT and not _is_unclear(error)
        return Verdict.UNKNOWN if at_stake and not clear else Verdict.FINAL
    if isinstance(error, TransactionError):
        return Verdict.FINAL
    code = error.sqlstate
    if code == COMMITTED_BUT:
        return Verdict.COMMITTED_BUT
    comes_soon = isinstance(error, PastUnavailableError) and error.soon
    if code in RETRYABLE or comes_soon or (is_lost(error) and not at_stake):
        return Verdict.RETRY
    if not (at_stake and _is_unclear(error)):
        return Verdict.FINAL
    again = idempotent and (is_lost(error) or code == AMBIGUOUS)
    return Verdict.RETRY_THOUGH_UNKNOWN if again else Verdict.UNKNOWN


def ambiguous(attempts: Sequence[Attempt], *, hint: str | None = None) -> AmbiguousCommitError:
    """Make the error for a commit whose outcome nobody knows; the last attempt tells what came instead of it."""
    last = attempts[-1]
    return AmbiguousCommitError(
        f"The outcome of the commit is unknown ({last.label}).",
        outcome=Outcome.UNKNOWN,
        sqlstate=last.sqlstate,
        attempts=attempts,
        hint=hint,
    )


def is_lost(error: CrdbMagicError) -> bool:
    """Tell whether the connection is gone, or the server is about to take it away.

    CockroachDB before v22.1 closes the connection of a statement that is to be cancelled: that is no loss. Nor is a
    message that it refuses for its size.
    """
    code = error.sqlstate or ""
    gone = isinstance(error, ConnectionFailedError) and code != CANCELED
    return gone or code in LOST or (code.startswith("08") and code != _REFUSED_MESSAGE)


def is_of_connecting(error: CrdbMagicError) -> bool:
    """Tell whether an error is of a connection that could not be opened, or was lost, however often it was tried."""
    if isinstance(error, ExceededMaxAttempts):
        return error.sqlstate is None and error.attempts[-1].reason is None
    return isinstance(error, ConnectionFailedError)


def _is_unclear(error: CrdbMagicError) -> bool:
    """Tell whether an answer to COMMIT leaves open what became of it: one without a code is not the server's.

    One that comes with an outcome was translated by who knows what its code means on this server.
    """
    if error.outcome is Outcome.NOT_COMMITTED:
        return False
    codeless = isinstance(error, StatementError) and error.sqlstate is None
    return codeless or error.sqlstate in UNKNOWN_AT_COMMIT or is_lost(error)


def run(  # noqa: PLR0913 - the last four are the world outside, given by tests
    work: Callable[[], T],
    transaction: Transaction,
    policy: RetryPolicy,
    *,
    idempotent: bool = False,
    reads_only: bool = False,
    in_steps: bool = False,
    observer: Observer = lambda _: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    random: Callable[[], float] = uniform,
) -> Committed[T]:
    """Run ``work`` in a transaction until it is committed.

    An error of the work that is not to be retried is raised as it is, one of the verbs in our terms. Otherwise
    raises :class:`ExceededMaxAttempts`, :class:`AmbiguousCommitError` or :class:`PartialCommitError` from the last
    error. ``observer`` is told of each failed attempt before the wait; it cannot steer, but an exception of it (or
    of ``sleep``: an interrupt) ends the run. ``clock`` and ``sleep`` speak in seconds.

    ``in_steps``: the work commits by itself, bit by bit; what failed late is not run again unless ``idempotent``.
    """
    __tracebackhide__ = True  # what a notebook shows of an error is the user's code, not the way to it
    started = clock()
    failures: list[Attempt] = []
    maybe_committed = False
    while True:
        begun = clock()
        left = None if policy.timeout is None else policy.timeout - (begun - started)
        try:
            value = _attempt(work, transaction, left, idempotent=idempotent, reads_only=reads_only)
            return Committed(value, tuple(failures), clock() - started)
        except _Failed as failed:
            failure, failed.took = failed, clock() - begun
        maybe_committed |= failure.verdict is Verdict.RETRY_THOUGH_UNKNOWN or (in_steps and failure.came_late)
        outcome = Outcome.UNKNOWN if maybe_committed else Outcome.NOT_COMMITTED
        if failure.verdict not in _AGAIN or (in_steps and failure.came_late and not idempotent):
            failure.end(failures, outcome)
        wait = random() * policy.longest_wait(len(failures) + 1)
        why = _reason_to_stop(policy, len(failures) + 1, clock() - started + wait)
        failures.append(failure.attempt(len(failures) + 1, None if why else wait))
        if why:
            raise failure.exceeded(why, failures, outcome) from failure.cause
        try:
            failure.go_on()
            observer(failures[-1])
            sleep(wait)
        except BaseException as interruption:
            _sign(interruption, outcome)
            raise


_AGAIN = frozenset({Verdict.RETRY, Verdict.RETRY_THOUGH_UNKNOWN})


class _Phase(Enum):
    BEGIN = auto()
    WORK = auto()
    COMMIT = auto()


class _Failed(Exception):  # noqa: N818 - never leaves this module: how an attempt reports its end
    interruption: BaseException | None = None  # of the rollback
    took: float | None = None  # seconds

    def __init__(self, cause: BaseException, error: CrdbMagicError | None, verdict: Verdict, phase: _Phase) -> None:
        super().__init__()
        self.cause = cause
        self.error = error
        self.verdict = verdict
        self.phase = phase

    def go_on(self) -> None:
        """Raise the interrupt that came while the attempt was rolled back."""
        if self.interruption:
            raise self.interruption

    @property
    def came_late(self) -> bool:
        """Whether something may have been done before it failed."""
        code = self.error.sqlstate if self.error else None
        return self.phase is _Phase.COMMIT and not (code or "").startswith(_AT_ONCE)

    def attempt(self, number: int, wait: float | None) -> Attempt:
        if self.error is None:  # its type is the same on every run, its text need not be
            return Attempt(number, None, type(self.cause).__name__, str(self.cause), wait, self.took)
        found = _REASON.search(self.error.message)
        reason = found.group() if found else None
        return Attempt(number, self.error.sqlstate, reason, self.error.message, wait, self.took)

    def end(self, failures: list[Attempt], outcome: Outcome) -> NoReturn:
        """Raise what the caller is to see of a failure that is not retried."""
        __tracebackhide__ = True
        attempts = (*failures, self.attempt(len(failures) + 1, None))
        if self.verdict is Verdict.UNKNOWN:
            again = judge(self.error, committing=True, idempotent=True) is Verdict.RETRY_THOUGH_UNKNOWN
            raise ambiguous(attempts, hint=_IDEMPOTENT if again else None) from self.cause
        if self.verdict is Verdict.COMMITTED_BUT:
            raise self._partial(attempts) from self.cause
        shown = self.cause if self.phase is _Phase.WORK or self.error is None else self.error
        _sign(shown, outcome)
        if shown is self.cause:
            raise shown
        raise shown from self.cause

    def _partial(self, attempts: Sequence[Attempt]) -> PartialCommitError:
        return PartialCommitError(
            f"A schema change of the transaction failed after its commit: {attempts[-1].message}",
            outcome=Outcome.COMMITTED, sqlstate=attempts[-1].sqlstate, attempts=attempts, hint=self._hint,
        )  # fmt: skip

    def exceeded(self, why: str, attempts: Sequence[Attempt], outcome: Outcome) -> ExceededMaxAttempts:
        last = attempts[-1]
        cause = cause_of(last)
        advice = f"{cause.what}: {cause.remedy}. {_MORE_ATTEMPTS}" if last.sqlstate in RETRYABLE else None
        return ExceededMaxAttempts(
            f"Gave up: {why} (the last with {last.label}).\nThe last error was: {plain_words(last.message)}",
            outcome=outcome, sqlstate=last.sqlstate, attempts=attempts,
            hint=" ".join(filter(None, (advice, self._hint))) or None,
        )  # fmt: skip

    @property
    def _hint(self) -> str | None:
        return self.error.hint if self.error else None


def _attempt(
    work: Callable[[], T],
    transaction: Transaction,
    seconds_left: float | None,
    *,
    idempotent: bool,
    reads_only: bool,
) -> T:
    __tracebackhide__ = True
    phase = _Phase.BEGIN
    try:
        transaction.begin(seconds_left)
        phase = _Phase.WORK
        value = work()
        phase = _Phase.COMMIT
        transaction.commit()
    except BaseException as cause:
        answer, interrupted = transaction.translate(cause), not isinstance(cause, Exception)
        verdict = judge(
            answer,
            committing=phase is _Phase.COMMIT,
            idempotent=idempotent,
            reads_only=reads_only,
            interrupted=interrupted,
        )
        failed = _Failed(cause, None if interrupted else answer, verdict, phase)
        try:
            transaction.rollback()
        except BaseException as interruption:
            failed.interruption = interruption
        raise failed from cause
    return value


def _reason_to_stop(policy: RetryPolicy, attempts: int, elapsed: float) -> str | None:
    if attempts >= policy.max_attempts:
        return f"all {attempts} attempts failed" if attempts > 1 else "the only attempt failed"
    if policy.timeout is not None and elapsed >= policy.timeout:
        return f"the time limit of {policy.timeout:g} s is used up"
    return None


def _sign(error: BaseException, outcome: Outcome) -> None:
    """Let an error that passes through say what became of the transaction."""
    if not isinstance(error, CrdbMagicError):
        error.add_note(outcome.value)
    elif error.outcome in (None, Outcome.NOT_COMMITTED):  # what it says of itself leaves out earlier attempts
        error.outcome = outcome
