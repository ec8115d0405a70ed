"""A session with a cluster: SQL statements or a callback, run as one transaction through the retry engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Generic, NamedTuple, TypeVar

from crdb_magic.columns.objects import Finish, as_read
from crdb_magic.columns.results import Column, Result, TransactionResults
from crdb_magic.core.asof import AsOf
from crdb_magic.core.options import DEFAULTS, TransactionOptions
from crdb_magic.core.receipt import Receipt
from crdb_magic.core.retry import Committed, Observer, run
from crdb_magic.core.server import Server
from crdb_magic.core.target import Target
from crdb_magic.errors import CrdbMagicError, OptionError, Outcome, StateLostError
from crdb_magic.session.catalog import Catalog
from crdb_magic.session.commits import instant_of_last
from crdb_magic.session.connecting import in_time
from crdb_magic.session.driver import Connection
from crdb_magic.session.execution import Answer, ask, execute
from crdb_magic.session.hooks import HOOKS
from crdb_magic.session.link import Link, OwnLink
from crdb_magic.session.past_registry import KEEPERS
from crdb_magic.session.queries import Query, Values
from crdb_magic.session.reading import Columns, can_copy
from crdb_magic.session.reasons import explained
from crdb_magic.session.sizes import Sizes, estimate
from crdb_magic.session.transactions import Explicit, SingleStatement, Verbs
from crdb_magic.sql.kinds import changes_schema, check_restarts, commits_in_steps, may_write, plain, reads_only
from crdb_magic.sql.statements import BoundStatement, Statement, split

T = TypeVar("T")


def _unheard(_: object) -> None:
    """Observe nothing."""


class _Nature(NamedTuple):
    """What is known of statements by their words.

    Whether they only read, and whether they may write; whether they are one that may go without BEGIN and COMMIT, and
    whether that commits in steps of its own, or changes the schema.
    """

    reads_only: bool = False
    may_write: bool = True
    alone: bool = False
    in_steps: bool = False
    changes_schema: bool = False

    @classmethod
    def of(cls, statements: Sequence[Statement]) -> _Nature:
        alone = len(statements) == 1 and plain(statements[0])
        return cls(
            reads_only=all(map(reads_only, statements)),
            may_write=any(map(may_write, statements)),
            alone=alone,
            in_steps=alone and commits_in_steps(statements[0]),
            changes_schema=alone and changes_schema(statements[0]),
        )

    def small(self, sizes: Sizes, text: str) -> _Nature:
        """Give it for a statement that is read by COPY if its result is large, which takes two messages."""
        return self._replace(alone=self.alone and not sizes.large(text))


@dataclass(frozen=True, slots=True)
class _Done(Generic[T]):
    """What was done, on which connection and how: within the open transaction, or committed as one of its own."""

    value: T
    connection: Connection
    options: TransactionOptions
    committed: Committed[None]
    read_at: Decimal | None = None
    notices: tuple[str, ...] = ()
    alone: bool = False
    committed_at: Decimal | None = None

    def receipt(self, results: Sequence[Result] = ()) -> Receipt:
        server = self.connection.server
        receipt = Receipt(
            server=str(server),
            options=self.options,
            retries=self.committed.failures,
            as_of=self.read_at,
            elapsed=self.committed.elapsed,
            statements=len(results),
            rows=sum(one.row_count for one in results if one.columns is not None),
            notes=server.notes(self.options, alone=self.alone),
            notices=self.notices,
            committed_at=self.committed_at,
            ended_at=datetime.now(UTC),
        )
        if HOOKS.stand_in:
            return HOOKS.stand_in.receipt_of(self.connection, receipt)
        if self.connection.listener:
            self.connection.listener.ended(self.connection, receipt)
        return receipt


class Session:
    """One connection to a cluster, opened when first needed and again after it was lost.

    It serves one transaction at a time: a thread waits until another thread's has ended (who can't is in
    `crdb_magic.session.connection_lock`), and only the thread and the task that began one send statements within it, or
    whoever has a cursor of its ``connection``. While it is ``pinned`` (see `crdb_magic.session.pinning`), everything
    without an as-of of its own is read at the pin.
    """

    def __init__(self, where: Target | Link) -> None:
        self.link = where if isinstance(where, Link) else OwnLink(where)
        self.pinned: AsOf | None = None
        self._catalog = Catalog()
        self._sizes = Sizes()

    def __repr__(self) -> str:
        return f"Session({self.link!r})"

    @property
    def server(self) -> Server:
        """The server that answered; connects if needed."""
        return self.connection.server

    @property
    def connection(self) -> Connection:
        """The open psycopg2 connection; raises :class:`ConnectionFailedError` if there can't be one."""
        opened = self.link.opened
        if opened is not None and not self.link.turn.is_ours:
            return opened  # in use, and so not to be replaced; what it is connected to can be told without waiting
        with self.link.turn:
            return self.link.connection

    @property
    def in_transaction(self) -> bool:
        """Whether the caller's transaction is open: begun by a database of models, or by a Python cell."""
        return self.link.in_transaction

    def close(self) -> None:
        """Close the connection."""
        self.link.discard()

    def run(
        self,
        statements: Sequence[BoundStatement],
        options: TransactionOptions | None = None,
        observer: Observer = _unheard,
        finish: Finish = as_read,
        *,
        ask_when: bool = False,
    ) -> TransactionResults:
        """Run the statements as one transaction, committed before it returns.

        A single statement of which nothing was asked that BEGIN would say goes by itself: one round trip instead
        of two. Raises the errors of :func:`crdb_magic.core.retry.run`. ``ask_when`` is whether the receipt is to have
        the instant of the commit even where that takes one more message.

        While a transaction is open on the connection they run within it, once; whoever began it will end it.
        """
        sources = [one.source for one in statements]

        def send(connection: Connection) -> list[Answer]:
            return execute(connection, statements, self._sizes, finish)

        def nature() -> _Nature:
            return _Nature.of(sources).small(self._sizes, sources[0].text)

        with self.link.turn:
            done = self._carry_out(send, options or DEFAULTS, observer, nature, ask_when=ask_when)
            results = self._typed(done.connection, done.value)
        return TransactionResults(results, done.receipt(results))

    def ask(self, sql: str, values: Values = None, finish: Finish = as_read) -> Result:
        """Run one statement with psycopg2's placeholders: within the open transaction, else as one of its own.

        Raises `ScriptError` for savepoints of CockroachDB's retry protocol.
        """
        check_restarts(sql)

        def send(connection: Connection) -> Answer:
            return ask(connection, sql, values, self._sizes, finish)

        def nature() -> _Nature:
            return _nature_of(sql).small(self._sizes, sql)

        with self.link.turn:
            done = self._carry_out(send, DEFAULTS, _unheard, nature)
            return self._typed(done.connection, [done.value])[0]

    def look_ahead(self, query: Query | None) -> int:
        """Ask the planner, once for each query, whether it is large and so best read by COPY.

        It takes a message, which a transaction should not: before one, not within. Give how many rows the query is
        known, or thought, to have; 0 if that is not known.
        """
        if query is None:
            return 0
        if query.text not in self._sizes and not self.in_transaction:
            self._ask_planner(query)
        return self._sizes.rows(query.text)

    def _ask_planner(self, query: Query) -> None:
        with self.link.turn:
            self.link.open_first()
            try:
                if can_copy(self.connection):
                    self._sizes.note(query.text, estimate(self.connection, query))
            except StateLostError as lost:  # which is said once: the query would not hear of it
                lost.outcome = Outcome.NOT_COMMITTED
                raise
            except CrdbMagicError:  # what can't be asked now shows when the query itself is sent
                pass

    def transact(
        self,
        work: Callable[[Connection], T],
        options: TransactionOptions | None = None,
        observer: Observer = _unheard,
        *,
        ask_when: bool = False,
    ) -> tuple[T, Receipt]:
        """Run a callback on the connection as one transaction; see the contract in ``core.retry``."""
        __tracebackhide__ = True
        with self.link.turn:
            done = self._through_engine(work, options or DEFAULTS, observer, _Nature(), ask_when=ask_when)
        return done.value, done.receipt()

    def carry_out(
        self,
        work: Callable[[Connection], T],
        options: TransactionOptions,
        observer: Observer,
        receipt: Callable[[Receipt], None] | None = None,
    ) -> tuple[T, tuple[str, ...]]:
        """Do the work within the open transaction, which takes no options, else as one of its own by `transact`.

        Give what it gives, and what the server said besides: at a COPY psycopg2 hears of that with the next statement.
        ``receipt`` is told that of a transaction of its own.
        """
        __tracebackhide__ = True
        with self.link.turn:
            within = self.in_transaction
            done = self._carry_out(work, options, observer, _Nature, ask_when=receipt is not None)
        if receipt and not within:
            receipt(done.receipt())
        return done.value, done.notices

    def _carry_out(
        self,
        work: Callable[[Connection], T],
        options: TransactionOptions,
        observer: Observer,
        nature: Callable[[], _Nature],
        *,
        ask_when: bool = False,
    ) -> _Done[T]:
        __tracebackhide__ = True
        if self.in_transaction:
            return self._within(work, options)
        return self._through_engine(work, options, observer, nature(), ask_when=ask_when)

    def _within(self, work: Callable[[Connection], T], options: TransactionOptions) -> _Done[T]:
        if options != DEFAULTS:
            raise OptionError(
                "A transaction is open on this connection; its options were given when it was begun.",
                hint="leave the options out, or end the transaction first.",
            )
        connection, started = self.link.connection, time.monotonic()
        heard = connection.notices.heard
        value = work(connection)
        committed = Committed(None, (), time.monotonic() - started)
        return _Done(value, connection, options, committed, notices=connection.notices.since(heard))

    def _through_engine(
        self,
        work: Callable[[Connection], T],
        options: TransactionOptions,
        observer: Observer,
        nature: _Nature,
        *,
        ask_when: bool,
    ) -> _Done[T]:
        __tracebackhide__ = True
        options = options.within(self.pinned)
        with in_time(options.retry.timeout):
            self.link.open_first()
        has_to = self._has_to_go_alone(nature, options)
        if options.dry_run and (has_to or nature.in_steps):
            raise _not_undoable(self.server)
        if nature.in_steps and (keeper := KEEPERS.get(self.connection.address)):
            keeper.forget()
        alone = nature.alone and (options.plain or has_to)
        verbs = (SingleStatement if alone else Explicit)(self.link, work, options)
        committed = self._engine(verbs, observer, nature)
        wrote = nature.may_write and (alone or verbs.may_have_written)
        at = _committed_at(verbs, nature, may_ask=ask_when) if wrote else None
        return _Done(verbs.value, verbs.connection, options, committed, verbs.read_at, verbs.notices, alone, at)

    def _has_to_go_alone(self, nature: _Nature, options: TransactionOptions) -> bool:
        """Whether the server changes its schema outside of transactions only, whatever else was asked."""
        return nature.changes_schema and not options.writes_nothing and not self.server.transactional_ddl

    def _engine(self, verbs: Verbs[T], observer: Observer, nature: _Nature) -> Committed[None]:
        __tracebackhide__ = True
        options = verbs.options
        began = time.monotonic()

        def unit() -> None:
            __tracebackhide__ = True
            with explained(options, self.pinned, began):
                verbs.unit()

        return run(
            unit,
            verbs,
            options.retry,
            idempotent=options.idempotent,
            reads_only=nature.reads_only or options.writes_nothing or options.dry_run,
            in_steps=nature.in_steps,
            observer=observer,
        )

    def columns(self, connection: Connection, columns: Columns) -> tuple[Column, ...]:
        """Give columns with their types, asking the server's catalogue for those that it alone knows."""
        return self._catalog.columns(connection, columns)

    def _typed(self, connection: Connection, answers: Sequence[Answer]) -> tuple[Result, ...]:
        return tuple(
            Result(
                tag=one.tag,
                columns=None if one.columns is None else self.columns(connection, one.columns),
                batches=one.batches,
                row_count=one.row_count,
                notices=one.notices,
                more=one.more,
            )
            for one in answers
        )


def _committed_at(verbs: Verbs[T], nature: _Nature, *, may_ask: bool) -> Decimal | None:
    """Give the instant at which what was written is seen, and let it be known."""
    if verbs.options.dry_run or verbs.options.writes_nothing:
        return None
    connection = verbs.connection
    may_ask = may_ask and verbs.is_of_one_instant
    changed_schema = verbs.changed_schema or nature.changes_schema
    at = verbs.committed_at or instant_of_last(connection, may_ask=may_ask, changed_schema=changed_schema)
    if at is not None and connection.listener:
        connection.listener.read_at(connection, "commit", at)
    return at


def _not_undoable(server: Server) -> OptionError:
    return OptionError(
        f"On {server.product.value} this statement goes by itself, outside of a transaction: it can't be rolled back.",
        hint="a dry run takes what a transaction holds.",
    )


@lru_cache(maxsize=256)
def _nature_of(sql: str) -> _Nature:
    return _Nature.of(split(sql))
