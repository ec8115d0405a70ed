"""Our errors as peewee's users expect them: each of the engine's is also a peewee.OperationalError."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import peewee
from peewee import __exception_wrapper__  # type: ignore[attr-defined]

from crdb_magic import errors
from crdb_magic.core.retry import Verdict, judge
from crdb_magic.errors import CrdbMagicError, Outcome, StatementError


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


class PastUnavailableError(errors.PastUnavailableError, peewee.OperationalError):
    """The asked instant can't be read (any more) on this server."""


_TWINS: dict[type[CrdbMagicError], type[CrdbMagicError]] = {
    twin.__mro__[1]: twin
    for twin in (
        ExceededMaxAttempts,
        AmbiguousCommitError,
        PartialCommitError,
        BrokenTransactionError,
        ConnectionFailedError,
        PastUnavailableError,
    )
}


@contextmanager
def as_peewee(*, committing: bool = False) -> Iterator[None]:
    """Let what is raised inside be peewee's as well; at a commit, an unknown outcome is called so.

    A refused statement becomes peewee's own exception for it (IntegrityError, ProgrammingError …).
    """
    try:
        yield
    except CrdbMagicError as error:
        if committing and judge(error, committing=True) is Verdict.UNKNOWN:
            raise _unknown(error) from error
        if isinstance(error, StatementError) and error.__cause__ is not None:
            _raise_as_peewees(error, error.__cause__)
        raise _twin(error) from error.__cause__


def _raise_as_peewees(error: StatementError, cause: BaseException) -> NoReturn:
    try:
        with __exception_wrapper__:
            raise cause from error
    except peewee.PeeweeException as raised:
        if error.outcome:  # peewee's exception has the server's words alone
            raised.add_note(error.outcome.value)
        raise


def _twin(error: CrdbMagicError) -> CrdbMagicError:
    kind = _TWINS.get(type(error))
    if kind is None:
        return error
    twin = kind.__new__(kind)
    twin.args = error.args
    twin.__dict__.update(error.__dict__)
    return twin


def _unknown(error: CrdbMagicError) -> AmbiguousCommitError:
    return AmbiguousCommitError("No clear answer came to the commit.", outcome=Outcome.UNKNOWN, sqlstate=error.sqlstate)
