"""peewee's CockroachDatabase, written anew: its transactions run on our engine and our connections."""

from __future__ import annotations

import functools
import inspect
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, TypeVar

import peewee

from crdb_magic.core.asof import AsOf
from crdb_magic.core.options import DEFAULT_MAX_ATTEMPTS, Isolation, Priority, RetryPolicy, TransactionOptions
from crdb_magic.core.receipt import Receipt
from crdb_magic.core.retry import Verdict, ambiguous, judge
from crdb_magic.errors import Attempt, OptionError, Outcome
from crdb_magic.orm.blocks import NESTED, RETRIED, Atomic, Retried, TransactionBlock
from crdb_magic.orm.bulk import Bulk
from crdb_magic.orm.dialect import Dialect
from crdb_magic.orm.errors import as_peewee
from crdb_magic.orm.link import Adapter, DatabaseLink
from crdb_magic.session.driver import Connection
from crdb_magic.session.link import is_gone
from crdb_magic.session.reasons import explained, tell
from crdb_magic.session.session import Session
from crdb_magic.session.transactions import Explicit
from crdb_magic.session.translation import translate
from crdb_magic.sql.kinds import check_restarts

T = TypeVar("T")


class CockroachDatabase(Bulk, Dialect):
    """A CockroachDB database for peewee's models.

    ``database`` is a name (with psycopg2's keywords; user root and port 26257 unless given) or a URL
    (``postgresql://``, ``cockroachdb://`` …). ``nested_transactions=False`` refuses savepoints.
    """

    psycopg2_adapter = Adapter

    def init(self, database: str | None, *args: Any, nested_transactions: bool = True, **kwargs: Any) -> None:
        """Set where to connect, perhaps later than the creation."""
        self._nested_transactions = nested_transactions
        self.session.pinned = None
        super().init(database, *args, **kwargs)

    def __init__(self, database: str | None, *args: Any, **kwargs: Any) -> None:
        self.session = Session(DatabaseLink(self))
        super().__init__(database, *args, **kwargs)

    def _connect(self) -> Connection:
        return self._open()

    def _open(self) -> Connection:
        connection: Connection = self._adapter.connect(self, **self.connect_params)
        return connection

    def connection(self) -> Connection:
        """Give the thread's connection, opened if need be, and replaced if the server closed it in between."""
        connection: Connection = super().connection()
        return connection if self.in_transaction() or not is_gone(connection) else self._successor(connection)

    def cursor(self, named_cursor: Any = None) -> Any:
        """Give a cursor on the thread's connection."""
        if not self.is_closed():
            self.connection()
        return super().cursor(named_cursor)

    def abandon(self) -> None:
        """Close the thread's connection in whatever state it is; the next use opens another one."""
        if not self.is_closed():
            self._state.conn.close()

    def _successor(self, old: Connection) -> Connection:
        """Give a connection that stands in for the thread's, and is told what that was."""
        new = self._reconnect()
        new.tell(old.told)
        return new

    def _reconnect(self) -> Connection:
        """Replace the thread's connection by a new one; the contexts that are open stay so."""
        new = self._open()
        self._state.conn.close()
        self._state.conn = new
        return new

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        """Execute SQL; if the session is pinned, outside a transaction, in one that reads at the pin.

        Raises `ScriptError` for the savepoint of CockroachDB's retry protocol: transactions are retried without it.
        """
        if isinstance(sql, str):
            check_restarts(sql)
        with as_peewee(), self.session.link.turn:
            if self.session.pinned is None:
                return self._advised(sql, params)
            if self.session.in_transaction:
                return self._explained(sql, params)
            return self._at_the_pin(sql, params)

    def _advised(self, sql: str, params: Any) -> Any:
        try:
            return super().execute_sql(sql, params)
        except peewee.DatabaseError as error:
            tell(error, translate(error, connected=True))
            raise

    def _at_the_pin(self, sql: str, params: Any) -> Any:
        self.begin()
        try:
            cursor = self._explained(sql, params)
            self.commit()
        except BaseException:
            if self.session.in_transaction:
                self.rollback()
            raise
        return cursor

    def _explained(self, sql: str, params: Any) -> Any:
        begun = self._begun
        with explained(begun.options if begun else TransactionOptions(), self.session.pinned, time.monotonic()):
            return super().execute_sql(sql, params)

    # Transactions

    @property
    def _isolation(self) -> str | None:
        level: str | None = self._adapter.isolation_level_str(self._isolation_level)
        return level

    @property
    def nests(self) -> bool:
        """Whether blocks may be nested: as savepoints."""
        return self._nested_transactions and self.connection().server.savepoints

    def begin(  # type: ignore[override]
        self,
        system_time: object = None,
        priority: Priority | str | None = None,
        isolation_level: str | None = None,
    ) -> None:
        """Begin a transaction; BEGIN is sent with its first statement.

        ``system_time`` is what ``--as-of`` takes, or a naive datetime in local time.
        """
        self._refuse_in_retried("begin()")
        options = _options(system_time, priority, isolation_level or self._isolation).within(self.session.pinned)
        verbs = Explicit(self.session.link, lambda _: None, options)
        with as_peewee(), self.session.link.turn, self._translated(verbs):
            self.connection()  # before it stands on peewee's stack, which a connection that is opened empties
            verbs.begin(None)
        self._state.verbs = verbs

    def commit(self) -> None:
        """Commit; raises AmbiguousCommitError if nobody can tell whether it was committed.

        A transaction in which the only statement failed has nothing to lose, and ends without an error. If
        none is open, nothing is done.
        """
        self._refuse_in_retried("commit()")
        if (verbs := self._current("commit")) is None:
            return
        with self.session.link.turn, self._translated(verbs, committing=not verbs.options.writes_nothing):
            try:
                (verbs.rollback if verbs.has_nothing_to_lose else verbs.commit)()
            except Exception:  # peewee rolls back
                raise
            except BaseException as interrupt:
                self._interrupted(verbs, interrupt)
                raise
        self._state.verbs = None

    def _interrupted(self, verbs: Explicit[None], interrupt: BaseException) -> None:
        """Roll back, and say what became of a commit that was interrupted: nothing while its transaction is open."""
        answer, at_stake = verbs.translate(interrupt), not (verbs.is_open or verbs.options.writes_nothing)
        self.rollback()
        if judge(answer, committing=at_stake, interrupted=True) is Verdict.UNKNOWN:
            raise ambiguous([Attempt(1, None, type(interrupt).__name__, str(interrupt))]) from interrupt
        interrupt.add_note(Outcome.NOT_COMMITTED.value)

    def rollback(self) -> None:
        """Roll back the open transaction, if any; if no error is the reason, its historical reads are checked."""
        self._refuse_in_retried("rollback()")
        if (verbs := self._current("rollback")) is None:
            return
        with as_peewee(), self.session.link.turn:
            (verbs.rollback if sys.exception() else verbs.undo)()
        self._state.verbs = None

    def _current(self, verb: str) -> Explicit[None] | None:
        """Give what is to be ended, be it begun in SQL; None where nothing is open, which peewee ends as well."""
        if self.is_closed():
            raise peewee.InterfaceError(f"Cannot {verb}, database connection not open.")
        if (begun := self._begun) and begun.connection is not self._state.conn:
            self._state.verbs = None
            raise peewee.OperationalError(f"Cannot {verb}: the connection on which it was begun is closed.")
        if begun is None and self.session.in_transaction:
            verbs: Explicit[None] = Explicit(self.session.link, lambda _: None, TransactionOptions())
            verbs.join(self._state.conn)
            self._state.verbs = verbs
        return self._begun

    @property
    def _begun(self) -> Explicit[None] | None:
        """What was begun by hand, or by atomic(), perhaps on a connection that the thread had before."""
        verbs: Explicit[None] | None = getattr(self._state, "verbs", None)
        return verbs

    @contextmanager
    def _translated(self, verbs: Explicit[None], *, committing: bool = False) -> Iterator[None]:
        with as_peewee(committing=committing):
            try:
                yield
            except Exception as error:
                ours = verbs.translate(error)
                if ours is None or ours is error:
                    raise
                raise ours from error

    def push_transaction(self, transaction: Any) -> None:
        """Open a block, unless that of another task of the thread is open: it would be within it, and end it."""
        with as_peewee(), self.session.link.turn:
            super().push_transaction(transaction)

    def _refuse_in_retried(self, call: str) -> None:
        if any(isinstance(block, Retried) for block in self._state.transactions):
            raise NotImplementedError(RETRIED.format(call))

    def atomic(self, *args: Any, **kwargs: Any) -> Atomic:
        """Run a block in a transaction, or, inside one, in a savepoint: `atomic(system_time, priority)`.

        Raises NotImplementedError for a nested block with arguments, or if there are no savepoints.
        """
        return Atomic(self, *args, **kwargs)

    def transaction(self, *args: Any, **kwargs: Any) -> TransactionBlock:
        """Run a block in a transaction, or, inside of one, as a part of it: `transaction(system_time, priority)`.

        Raises NotImplementedError for a nested block with arguments of its own.
        """
        return TransactionBlock(self, *args, **kwargs)

    def savepoint(self) -> Any:
        """Run a block in a savepoint of the open transaction."""
        if not self.nests:
            raise NotImplementedError(NESTED)
        return super().savepoint()

    def run_transaction(
        self,
        callback: Callable[[CockroachDatabase], T],
        max_attempts: int | None = None,
        system_time: object = None,
        priority: Priority | str | None = None,
        *,
        timeout: float | None = None,
        idempotent: bool = False,
        on_retry: Callable[[Attempt], None] = lambda _: None,
    ) -> T:
        """Call the callback with this database in a transaction, retry it on serialization failures, and commit it.

        The callback may run several times: it must not commit or roll back, nor keep results of an earlier attempt.
        ``max_attempts`` counts all attempts (None: 20), ``timeout`` is in seconds, ``on_retry`` is called with each
        failed attempt. Raises ValueError for invalid options, NotImplementedError inside a transaction,
        `ExceededMaxAttempts`, `AmbiguousCommitError`, and what the callback raises.
        """
        __tracebackhide__ = True
        retry = RetryPolicy(
            max_attempts=DEFAULT_MAX_ATTEMPTS if max_attempts is None else max_attempts, timeout=timeout
        )
        options = _options(system_time, priority, self._isolation, retry=retry, idempotent=idempotent)
        with as_peewee():
            return self.transact(callback, options, on_retry)[0]

    def transact(
        self,
        callback: Callable[[CockroachDatabase], T],
        options: TransactionOptions,
        observer: Callable[[Attempt], None] = lambda _: None,
        *,
        ask_when: bool = False,
    ) -> tuple[T, Receipt]:
        """Do what `run_transaction` does, with our options, our errors and a receipt: see `Session.run`."""
        __tracebackhide__ = True
        if self.in_transaction():
            raise NotImplementedError(NESTED)
        _check(callback)
        try:
            work = functools.partial(self._call, callback)
            done = self.session.transact(work, options, observer, ask_when=ask_when)
        except BaseException:  # they are for this commit, not for the next one
            self._clear_commit_callbacks()  # type: ignore[attr-defined]
            raise
        if options.dry_run:
            self._clear_commit_callbacks()  # type: ignore[attr-defined]
        self._run_commit_callbacks()  # type: ignore[attr-defined]
        return done

    def _call(self, callback: Callable[[CockroachDatabase], T], connection: Connection) -> T:
        __tracebackhide__ = True
        self._state.conn, self._state.closed = connection, False
        self._clear_commit_callbacks()  # type: ignore[attr-defined]
        self.push_transaction(Retried())
        try:
            return callback(self)
        finally:
            self._state.transactions.clear()

    def retry_transaction(self, *args: Any, **kwargs: Any) -> Any:
        """Decorate a function `f(db, …)` to run in `run_transaction`, with the arguments of its call.

        The options are those of `run_transaction`; without any, the parentheses may be left out.
        """
        if args and callable(args[0]):
            return self.retry_transaction()(args[0])

        def decorate(function: Callable[..., T]) -> Callable[..., T]:
            @functools.wraps(function)
            def call(*values: Any, **named: Any) -> T:
                return self.run_transaction(lambda db: function(db, *values, **named), *args, **kwargs)

            return call

        return decorate


class SessionDatabase(CockroachDatabase):
    """peewee's view of a session: the same connection, and so the same transaction."""

    def __init__(self, session: Session) -> None:
        super().__init__(session.connection.database)
        self.session = session
        # peewee's lock, while threads connect: who holds the session's turn would wait for who wants it.
        self._lock = nullcontext()

    def _open(self) -> Connection:
        return self.session.connection

    def _successor(self, _: Connection) -> Connection:
        """Give the connection that the session has told."""
        return self._reconnect()

    def _close(self, conn: Connection) -> None:
        """Leave the connection to the session."""


def _options(
    system_time: object,
    priority: Priority | str | None,
    isolation: str | None,
    **others: Any,
) -> TransactionOptions:
    return TransactionOptions(
        as_of=None if system_time is None else AsOf.parse(system_time),
        priority=None if priority is None else Priority.parse(priority),
        isolation=Isolation.parse(isolation) if isolation else None,
        **others,
    )


def _check(callback: Callable[..., object]) -> None:
    """Raise OptionError for a function whose body would run behind the commit."""
    if inspect.iscoroutinefunction(callback) or inspect.isgeneratorfunction(callback):
        raise OptionError(
            "An async or generator callback would do its work after the commit.",
            hint="give a plain function, which returns a list instead of yielding.",
        )


def run_transaction(db: CockroachDatabase, callback: Callable[[CockroachDatabase], T], *args: Any, **kwargs: Any) -> T:
    """Run a callback as `CockroachDatabase.run_transaction` does."""
    if not isinstance(db, CockroachDatabase):
        raise OptionError(f"This is {type(db).__module__}'s {type(db).__name__}: import it from crdb_magic.")
    return db.run_transaction(callback, *args, **kwargs)
