"""Every exception of crdb_magic, split by what the reader can do about it, and the plain values that they carry.

::

    CrdbMagicError
    ├── InputError                    the request itself is wrong; nothing was sent
    │   ├── OptionError               an option that does not exist, or a value that it cannot have
    │   ├── ParameterError            a :name without a value, or with one that cannot be sent
    │   ├── ScriptError               SQL that cannot be split, or does not belong in a transaction cell
    │   └── NotConnectedError         no connection of that name is open
    ├── RecordingError                a recording can't be made, read or served
    │   └── NotRecordedError          a query is not in it, or was recorded differently
    ├── LocalServerError              the local server could not be found, started or reached
    ├── ConnectionFailedError         a connection could not be opened, or was lost
    ├── StateLostError                a connection was lost, with state that can't be restored
    ├── BusyError                     the connection is in a transaction of another thread or task
    ├── StatementError                the server refused a statement
    ├── PastUnavailableError          the requested timestamp can't be read (any more) on this server
    ├── TransactionError              the transaction as a whole did not end as it should
    │   ├── ExceededMaxAttempts       every attempt failed with a retryable error, or the time ran out
    │   ├── AmbiguousCommitError      nobody knows whether it was committed
    │   ├── PartialCommitError        it was committed, but a schema change in it failed afterwards
    │   └── BrokenTransactionError    its body swallowed an error, or ended the transaction itself
    └── ResultTypeError               a column arrives in a format that can't be read

And a warning, ExactTextWarning: a value is not in the format of its type, and is kept as the server's text.

Nothing here is decided by a message or by the class of a driver's exception: ``sqlstate`` decides.
``str()`` of an error is the same on every run (nbval compares it): no address, duration or transaction id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

NOT_RECORDED = "FZ404"
"""The SQLSTATE, of no class that a server has, with which a recording that is served refuses what is not in it."""


class Outcome(Enum):
    """Whether a transaction was committed: the last line of each error that ends one."""

    NOT_COMMITTED = "Nothing was committed."
    COMMITTED = "It was committed."
    UNKNOWN = "Unknown: it may have been committed. Look in the database for what it writes before running it again."


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt that failed and was, or would have been, made again.

    ``reason`` is CockroachDB's code in the message (``RETRY_WRITE_TOO_OLD``), or the type of an exception that was not
    a database error; ``wait`` the seconds before the next attempt, None after the last; ``elapsed`` the seconds
    that it took, its rollback included, if known.
    """

    number: int
    sqlstate: str | None
    reason: str | None
    message: str
    wait: float | None = None
    elapsed: float | None = None

    @property
    def label(self) -> str:
        """Name the failure in a word or two that are the same on every run."""
        return " ".join(part for part in (self.sqlstate, self.reason) if part) or "connection lost"


class CrdbMagicError(Exception):
    """The base of all errors of crdb_magic: a message, a hint, and the outcome of the transaction.

    What to do: catch it to catch any error of crdb_magic; ``.outcome`` says whether the writes were committed.
    """

    outcome: Outcome | None = None
    sqlstate: str | None = None

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def advise(self, hint: str | None) -> None:
        """Add a hint after the existing one."""
        self.hint = " ".join(filter(None, (self.hint, hint))) or None

    def _context(self) -> Sequence[str]:
        """Give the lines between the message and the hint."""
        return ()

    def __str__(self) -> str:
        lines = [self.message, *self._context()]
        if self.hint:
            lines.append(f"Hint: {self.hint}")
        if self.outcome:
            lines.append(self.outcome.value)
        return "\n".join(lines)

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception's own calls the class with the message alone, too little where keywords are needed.
        return _without_init, (type(self), self.args), self.__dict__

    def _render_traceback_(self) -> list[str]:
        """Show the error in a notebook by itself, without a traceback of our frames (an IPython protocol)."""
        return f"{type(self).__name__}: {self}".splitlines()


def _without_init(kind: type[CrdbMagicError], args: tuple[str, ...]) -> CrdbMagicError:
    return kind.__new__(kind, *args)


class InputError(CrdbMagicError):
    """The request itself is wrong; nothing was sent.

    What to do: correct the request as the message says, and run it again.
    """


class OptionError(InputError, ValueError):
    """An option that does not exist, or a value that it cannot have.

    What to do: use an option or a value that the message names; ``%crdb_txn?`` lists them.
    """


class ParameterError(InputError):
    """A ``:name`` without a value, or with one that cannot be sent.

    What to do: assign the variable first, or pass what the message asks for.
    """


class ScriptError(InputError):
    """SQL that cannot be split into statements, or does not belong in a transaction cell.

    What to do: fix the SQL at the caret; what the hint names (BEGIN, COMMIT, a psql script) does not belong in a cell.
    """


class NotConnectedError(InputError):
    """No connection of that name is open.

    What to do: ``%crdb_connect``; ``%crdb_connect --list`` shows the names that are open.
    """


class RecordingError(CrdbMagicError):
    """A recording can't be made, read or served: its folder is not a recording, is in use, or was changed.

    What to do: name a folder that ``%crdb_freeze`` has made and that is not in use, or record it again.
    """


class NotRecordedError(RecordingError):
    """A query is not in the recording that is served, or was recorded differently: the message shows the difference.

    What to do: look at that difference; run in the recorded order, or record it again.
    """

    sqlstate = NOT_RECORDED
    outcome = Outcome.NOT_COMMITTED


class LocalServerError(CrdbMagicError):
    """The local server could not be found, started or reached.

    What to do: follow the hint: usually ``pip install 'crdb_magic[local]'``, or another directory.
    """


class ConnectionFailedError(CrdbMagicError):
    """A connection could not be opened, or was lost outside a commit.

    What to do: check host, port, user and TLS; the hint says which. Outside of a transaction, run it again.
    """

    def __init__(self, message: str, *, sqlstate: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.sqlstate = sqlstate


class StateLostError(CrdbMagicError):
    """A connection was lost, and with it state that can't be restored: temporary tables, prepared statements.

    It is raised once, instead of running the first statement on the new connection; later statements run.

    What to do: create the temporary tables and prepared statements again, and go on.
    """


class BusyError(CrdbMagicError):
    """The connection is in a transaction that another thread or task began, and waiting for its end would not help.

    What to do: end the open transaction, or give the thread or task a connection of its own.
    """

    outcome = Outcome.NOT_COMMITTED


class StatementError(CrdbMagicError):
    """The server refused a statement.

    Attributes: ``sqlstate`` (five characters), ``detail``, ``hint``, ``context`` (which line and column of a COPY,
    which line of a function) as the server gave them; ``excerpt``, the lines that show where in the cell the
    statement is, with a caret under the offending word.

    What to do: fix the SQL; the SQLSTATE says what is wrong, the caret where.
    """

    def __init__(
        self,
        message: str,
        *,
        sqlstate: str | None,
        detail: str | None = None,
        context: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.sqlstate = sqlstate
        self.detail = detail
        self.context = context
        self.excerpt: tuple[str, ...] = ()

    def _context(self) -> Sequence[str]:
        known = {"Detail": self.detail, "Context": self.context, "SQLSTATE": self.sqlstate}
        return (*self.excerpt, *(f"{name}: {value}" for name, value in known.items() if value))


class PastUnavailableError(CrdbMagicError):
    """The requested timestamp can't be read (any more) on this server.

    ``soon``: it is ahead of the clock of the node that was asked, which will reach it in a moment.

    What to do: read at a later timestamp, or the present; ``%crdb_pin --show`` tells how far back you can read.
    """

    def __init__(
        self, message: str, *, sqlstate: str | None = None, soon: bool = False, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.sqlstate = sqlstate
        self.soon = soon


class TransactionError(CrdbMagicError):
    """The transaction as a whole did not end as it should.

    ``attempts`` holds every attempt that failed, in order; the last driver or server error is ``__cause__``.

    What to do: read its last line first: it says whether anything was committed.
    """

    def __init__(
        self,
        message: str,
        *,
        outcome: Outcome,
        sqlstate: str | None = None,
        attempts: Sequence[Attempt] = (),
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.outcome = outcome
        self.sqlstate = sqlstate
        self.attempts = tuple(attempts)


class ExceededMaxAttempts(TransactionError):  # noqa: N818 - the name that peewee's users know
    """Every attempt failed with a retryable error, or the time ran out.

    What to do: read ``.attempts``, which has each reason; shorten the transaction, lock its rows first with SELECT …
    FOR UPDATE, or try later.
    """


class AmbiguousCommitError(TransactionError):
    """Nobody knows whether the transaction was committed; it is never retried automatically.

    What to do: look in the database for what it writes before running it again; if running it twice does no harm, use
    ``--idempotent`` next time.
    """


class PartialCommitError(TransactionError):
    """The transaction was committed, but a schema change in it failed afterwards (SQLSTATE XXA00).

    What to do: don't run it again: its rows are there. Look at the schema, and make the missing change.
    """


class BrokenTransactionError(TransactionError):
    """The transaction's body swallowed an error of the server, or ended the transaction itself.

    What to do: let errors propagate out of the callback, and don't COMMIT or ROLLBACK in it; use a savepoint.
    """


class ResultTypeError(CrdbMagicError):
    """A column's values arrive in a format that can't be read; the message names the column, its type and the setting.

    What to do: reset the setting that the message names, or cast the column to TEXT.
    """


class ExactTextWarning(UserWarning):
    """A value is not in the format of its type, and is kept as the server's text; the message names the column.

    What to do: look at the column; cast it in SQL if you want another format.
    """
