"""Our errors as peewee's users expect them: each of the engine's is also a peewee.OperationalError."""

from __future__ import annotations

import peewee
from peewee import __exception_wrapper__  # type: ignore[attr-defined]

from crdb_magic import errors
from crdb_magic.core.retry import Verdict, ambiguous, judge
from crdb_magic.errors import Attempt, CrdbMagicError, StatementError


class TransactionError(errors.TransactionError, peewee.OperationalError):
    """The transaction as a whole did not end as it should."""


class ExceededMaxAttempts(errors.ExceededMaxAttempts, peewee.OperationalError):
    """The server asked for a retry at each attempt, or the time ran out."""


class AmbiguousCommitError(errors.AmbiguousCommitError, peewee.OperationalError):
    """Nobody knows whether the transaction was committed."""


class PartialCommitError(errors.PartialCommitError, peewee.OperationalError):
    """The transaction was committed, but a schema change in it failed afterwards."""


class BrokenTransactionError(errors.BrokenTransactionError, peewee.OperationalError):
    """The transaction's body swallowed an error of the server, or ended the transaction itself."""


class ConnectionFailedError(errors.ConnectionFailedError, peewee.OperationalError):
    """A connection could not be opened, or was lost outside a commit."""


class StateLostError(errors.StateLostError, peewee.OperationalError):
    """A connection was lost with what can't be made again."""


class BusyError(errors.BusyError, peewee.OperationalError):
    """The connection is in a transaction of another thread or task."""


class PastUnavailableError(errors.PastUnavailableError, peewee.OperationalError):
    """The requested timestamp can't be read (any more) on this server."""


_TWINS: dict[type[CrdbMagicError], type[CrdbMagicError]] = {
    twin.__mro__[1]: twin
    for twin in (
        TransactionError,
        ExceededMaxAttempts,
        AmbiguousCommitError,
        PartialCommitError,
        BrokenTransactionError,
        ConnectionFailedError,
        StateLostError,
        BusyError,
        PastUnavailableError,
    )
}


class as_peewee:  # noqa: N801 - read as a phrase: with as_peewee()
    """Let what is raised inside be peewee's as well; at a commit of what may have written, an unknown outcome is said.

    A refused statement becomes peewee's own exception for it (IntegrityError, ProgrammingError …).
    """

    def __init__(self, *, committing: bool = False) -> None:
        self._committing = committing

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        __tracebackhide__ = True
        if not isinstance(error, CrdbMagicError):
            return
        if self._committing and judge(error, committing=True) is Verdict.UNKNOWN:
            raise _twin(ambiguous([Attempt(1, error.sqlstate, None, error.message)]), error) from error
        cause = error.__cause__
        if isinstance(error, StatementError) and cause is not None:
            raise _peewees(error, cause) from cause.with_traceback(None)  # which shows our frames alone
        raise _twin(error, cause) from cause


def is_peewees(error: BaseException) -> bool:
    """Whether an error is one of peewee's classes, and so of the database."""
    return isinstance(error, peewee.PeeweeException)


def _peewees(error: StatementError, cause: BaseException) -> Exception:
    """Make peewee's exception of a refusal; it has the server's words alone, ours are added."""
    try:
        __exception_wrapper__.__exit__(type(cause), cause, None)
    except peewee.PeeweeException as made:
        hint = f"Hint: {error.hint}" if error.hint and error.hint not in str(made) else None
        for note in filter(None, (hint, error.outcome and error.outcome.value)):
            made.add_note(note)
        return made.with_traceback(None)
    return error


def _twin(error: CrdbMagicError, cause: BaseException | None) -> CrdbMagicError:
    kind = _TWINS.get(type(error))
    if kind is None:
        return error
    twin = kind.__new__(kind)
    twin.args = error.args
    twin.__dict__.update(error.__dict__, orig=_drivers(cause))
    return twin


def _drivers(error: BaseException | None) -> BaseException | None:
    """Give the driver's error behind one of ours, where there is one, as peewee's errors have it."""
    while isinstance(error, CrdbMagicError):
        error = error.__cause__
    return error
