"""The engine's verbs on a connection: a transaction with BEGIN and COMMIT, and one that is a single statement."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Generic, TypeVar

import psycopg2
from psycopg2 import extensions

from crdb_magic.core.asof import at_hlc
from crdb_magic.core.options import TransactionOptions
from crdb_magic.core.retry import CANCELED, ambiguous, is_lost
from crdb_magic.core.server import Server
from crdb_magic.errors import (
    Attempt,
    BrokenTransactionError,
    CrdbMagicError,
    Outcome,
    PastUnavailableError,
    StatementError,
    TransactionError,
)
from crdb_magic.session.asking import ask, send
from crdb_magic.session.connecting import in_time
from crdb_magic.session.driver import Connection
from crdb_magic.session.link import Link
from crdb_magic.session.past_registry import KEEPERS, check_past
from crdb_magic.session.transaction_state import swallowed
from crdb_magic.session.translation import translate

T = TypeVar("T")

_OPEN = frozenset({extensions.TRANSACTION_STATUS_INTRANS, extensions.TRANSACTION_STATUS_INERROR})


class Verbs(ABC, Generic[T]):
    """What both kinds share: the work, its value once it ran, and the connection that they began on.

    They hold on to that connection: one that is opened after a loss knows nothing of the transaction, and a
    COMMIT there would succeed for nothing.
    """

    value: T
    committed_at: Decimal | None = None
    """The exact instant of the commit, where the answer to it told that."""
    is_of_one_instant = True
    """Whether it can have one."""
    changed_schema = False
    """Whether a statement of it may have changed the schema, as far as their words tell."""

    def __init__(self, link: Link, work: Callable[[Connection], T], options: TransactionOptions) -> None:
        self.options = options = options.within(None)  # a "now" that nobody took for what it means there
        self.read_at: Decimal | None = options.as_of.hlc if options.as_of else None
        self._link = link
        self._work = work
        self.may_have_written = False
        self._held: Connection | None = None
        self._lost = False
        self._outside = sys.exception()  # what is handled while we run is not ours to judge

    def unit(self) -> None:
        """Do the work: what the engine runs between begin and commit."""
        __tracebackhide__ = True
        try:
            self._do()
        except BaseException as error:  # an interrupt as well: it is said to have committed nothing
            if self.connection.ended_within:  # what it did before may be committed: no error makes a retry right
                raise _ended() from error
            raise

    def _do(self) -> None:
        __tracebackhide__ = True
        self._mark = self.connection.notices.heard
        self.value = self._work(self.connection)

    @property
    def notices(self) -> tuple[str, ...]:
        """What the server said besides since the work of the last attempt began, its commit included."""
        return self.connection.notices.since(self._mark)

    @property
    def connection(self) -> Connection:
        """The connection that they began on."""
        assert self._held is not None  # noqa: S101 - the engine begins first
        return self._held

    def translate(self, error: BaseException) -> CrdbMagicError | None:
        """Give an error in our terms, or None where no database is behind it."""
        connected = self._held is not None and not self._held.closed
        translated = translate(error, connected=connected, outside=self._outside)
        self._lost = translated is not None and is_lost(translated)
        if isinstance(translated, StatementError) and translated.sqlstate == CANCELED and self._is_certain:
            translated.outcome = Outcome.NOT_COMMITTED
        return translated

    @property
    def _is_certain(self) -> bool:
        """Whether a statement that was cancelled, lone or COMMIT, committed nothing."""
        return self._held is not None and self._held.server.cancel_is_certain

    @abstractmethod
    def begin(self, seconds_left: float | None) -> None:
        """Begin, on a new connection if the old one is lost."""

    @abstractmethod
    def commit(self) -> None:
        """Commit, or raise what stood against it."""

    def rollback(self) -> None:
        """End the transaction in whatever state it is; a connection that can't even do that is given up.

        Raise an interrupt alone.
        """
        if self._held is None:
            return
        try:
            self._held.disarm()
            status = self._held.transaction_status
            if status == extensions.TRANSACTION_STATUS_ACTIVE:  # a COPY that was left: the rest of it would come first
                self._lost = True
            elif status != extensions.TRANSACTION_STATUS_IDLE:
                send(self._held, "ROLLBACK")
        except Exception:
            self._lost = True
        except BaseException:
            self._link.discard()
            raise
        if self._lost:  # also one that a draining node has left open
            self._link.discard()
        elif not self._held.closed:
            self._lift_limit(self._held)

    def _lift_limit(self, connection: Connection) -> None:
        """Lift a time limit that outlives the transaction; a connection that would keep it is given up.

        The transaction is over by then: what fails here must not make a commit look like a failure.
        """
        connection.disarm()
        if self.options.retry.timeout is None or self._limit_is_local:
            return
        try:
            send(connection, connection.told.settings.get("STATEMENT_TIMEOUT", "RESET statement_timeout"))
        except psycopg2.Error:
            self._link.discard()

    @property
    def _limit_is_local(self) -> bool:
        """Whether the server forgets a time limit with its transaction."""
        return self.connection.server.set_local


class SingleStatement(Verbs[T]):
    """A statement by itself: sending it is the commit, so an unknown outcome is judged as one of COMMIT."""

    def begin(self, seconds_left: float | None) -> None:
        """Open the connection: one that can't be opened has sent nothing."""
        ends = _end(seconds_left)
        with in_time(seconds_left):
            self._held = self._link.connection
        # Of a schema change: other statements with a limit are Explicit.
        if limit := _time_limit(ends, self._held.server, within=False):
            send(self._held, limit())

    @property
    def _limit_is_local(self) -> bool:
        return False

    def unit(self) -> None:
        """Do nothing before the commit."""

    def commit(self) -> None:
        """Send the statement."""
        self._do()
        self._lift_limit(self.connection)


class Explicit(Verbs[T]):
    """BEGIN with all that was asked, COMMIT with all that can be checked; ROLLBACK instead, if it is a dry run.

    A time ago is resolved by the first attempt, and all later ones read the same instant.
    """

    def begin(self, seconds_left: float | None) -> None:
        """Let BEGIN wait for the first statement; only a time ago asks the server which instant that is."""
        ends = _end(seconds_left)
        with in_time(seconds_left):
            connection = self._link.connection
        if connection.in_transaction:
            raise BrokenTransactionError(
                "The connection is in a transaction already.",
                outcome=Outcome.NOT_COMMITTED,
                hint="a transaction can't be begun inside of another one.",
            )
        asked = self.read_at
        connection.arm(self._begin_sql(connection), _time_limit(ends, connection.server))
        self._held = connection
        if self.read_at is None and self.options.as_of is not None:
            self.read_at = Decimal(ask(connection, INSTANT))
        connection.course.read_at = self.read_at
        if self.read_at not in {asked, None} and self.options.as_of and connection.listener:
            connection.listener.read_at(connection, self.options.as_of.asked, self.read_at)

    def _begin_sql(self, connection: Connection) -> str:
        server, as_of = connection.server, self.options.as_of
        if as_of is None:
            return server.begin(self.options)
        if not server.as_of_system_time or connection.address in KEEPERS:
            return self._begin_on_snapshot(connection)
        asked = at_hlc(self.read_at) if self.read_at is not None else as_of
        return server.begin(replace(self.options, as_of=asked))

    def _begin_on_snapshot(self, connection: Connection) -> str:
        assert self.options.as_of is not None  # noqa: S101 - asked by the caller
        keeper = KEEPERS.get(connection.address)
        if keeper is None:
            raise PastUnavailableError(
                f"{connection.server} cannot read the past: it has no AS OF SYSTEM TIME.",
                hint="CockroachDB can, and the local server of %crdb_connect --local.",
            )
        asked = self.options.as_of
        snapshot = keeper.find(asked if self.read_at is None else at_hlc(self.read_at, asked.asked))
        self.read_at = snapshot.at
        # SERIALIZABLE refuses an imported snapshot; for reading alone there is no difference.
        begin = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '{snapshot.name}'"
        return f"{begin}; SET LOCAL crdb_magic.read_at = '{snapshot.at}'"  # for cluster_logical_timestamp()

    def join(self, connection: Connection) -> None:
        """Take over the transaction that is open there, which somebody began in SQL."""
        self._held = connection

    @property
    def is_open(self) -> bool:
        """Whether the server says that it is open, and so has not committed it."""
        return self.connection.transaction_status in _OPEN

    @property
    def has_nothing_to_lose(self) -> bool:
        """Whether a statement failed, and none before it can have written."""
        connection = self.connection
        failed = (
            connection.transaction_status == extensions.TRANSACTION_STATUS_INERROR or connection.course.failed_to_begin
        )
        return failed and not connection.closed and not connection.course.may_have_written

    def commit(self) -> None:
        """Commit, or end a dry run, unless the work left nothing that could be committed."""
        connection = self.connection
        if connection.ended_within:
            raise _ended()
        if connection.closed:
            raise swallowed("A statement of the transaction lost the connection")
        status = connection.transaction_status
        if connection.course.failed_to_begin or status == extensions.TRANSACTION_STATUS_INERROR:
            raise swallowed("A statement of the transaction failed")
        if connection.course.begin_waits:  # nothing was ever sent
            connection.disarm()
            return
        check_past(connection, self.options.as_of)
        self.may_have_written = connection.course.may_have_written
        self.is_of_one_instant = connection.writes_when_it_reads
        self.changed_schema = connection.course.changed_schema
        end = "ROLLBACK" if self.options.dry_run else "COMMIT"
        if self._is_told_when(connection):
            self.committed_at = _commit_and_tell(connection)
        elif send(connection, end) != end:  # an aborted transaction answers ROLLBACK to COMMIT, without an error
            raise swallowed("A statement of the transaction failed")
        self._lift_limit(connection)

    def _is_told_when(self, connection: Connection) -> bool:
        """Whether the message that commits may ask for the instant too.

        Not behind a schema change: one that fails after its commit is an error (XXA00), behind which CockroachDB goes
        on in the message (pkg/sql/conn_executor.go, txnCommit), and psycopg2 hears what came last.
        """
        if self.options.dry_run or self.options.writes_nothing or connection.address in KEEPERS:
            return False
        asked = connection.server.tells_commit_time and self.may_have_written and self.is_of_one_instant
        return asked and connection.course.changed_rows_alone

    def undo(self) -> None:
        """Roll back because somebody asked for it, who keeps what they have read: of the past it is checked first."""
        try:
            if self.connection.transaction_status == extensions.TRANSACTION_STATUS_INTRANS:
                check_past(self.connection, self.options.as_of)
        finally:
            self.rollback()


def _ended() -> BrokenTransactionError:
    return BrokenTransactionError(
        "The transaction was ended by a COMMIT or ROLLBACK in it, or by a statement that commits.",
        outcome=Outcome.UNKNOWN,
        hint="leave COMMIT and ROLLBACK out; what ran before them may be committed.",
    )


def _end(seconds_left: float | None) -> float | None:
    return None if seconds_left is None else time.monotonic() + seconds_left


def _time_limit(ends: float | None, server: Server, *, within: bool = True) -> Callable[[], str] | None:
    """Give what sets the server's statement_timeout to the time left, before each statement."""
    if ends is None:
        return None

    def limit() -> str:
        milliseconds = int((ends - time.monotonic()) * 1000)
        if milliseconds < 1:
            raise TransactionError(
                "The time limit of the transaction is used up.", outcome=Outcome.NOT_COMMITTED, sqlstate=CANCELED
            )
        return server.limit_statement(milliseconds, within=within)

    return limit


TELL = "SHOW COMMIT TIMESTAMP"
INSTANT = "SELECT cluster_logical_timestamp()"
_NONE_BEFORE = "25000"


def _commit_and_tell(connection: Connection) -> Decimal | None:
    """Commit, and ask in the same message when that was: an answer means that it was done.

    Where the session's last transaction was not committed the question is refused: that of one which was rolled back
    without an error, of which it is better to leave open what became of it.
    """
    try:
        told = ask(connection, f"COMMIT; {TELL}")
    except psycopg2.Error as error:
        if error.pgcode != _NONE_BEFORE:
            raise
        raise ambiguous([Attempt(1, _NONE_BEFORE, None, str(error.diag.message_primary))]) from error
    return Decimal(told) if told else None
