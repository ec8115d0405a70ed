"""A session with a cluster: SQL statements or a callback, run as one transaction through the retry engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from decimal import Decimal
from functools import lru_cache
from typing import TypeVar

from crdb_magic.columns.objects import Finish, as_read
from crdb_magic.columns.results import Column, Report, Result
from crdb_magic.core.asof import AsOf
from crdb_magic.core.kinds import plain, reads_only
from crdb_magic.core.options import TransactionOptions
from crdb_magic.core.receipt import Receipt
from crdb_magic.core.retry import Committed, Observer, run
from crdb_magic.core.server import Server
from crdb_magic.core.statements import BoundStatement, split
from crdb_magic.core.target import Target
from crdb_magic.errors import CrdbMagicError, OptionError
from crdb_magic.session.catalog import Catalog
from crdb_magic.session.driver import Connection
from crdb_magic.session.execution import Answer, ask, execute
from crdb_magic.session.link import Link, OwnLink
from crdb_magic.session.queries import Query, Values
from crdb_magic.session.reading import Columns, can_copy
from crdb_magic.session.reasons import explained
from crdb_magic.session.sizes import Sizes, estimate
from crdb_magic.session.transactions import Explicit, SingleStatement, Verbs

T = TypeVar("T")

_DEFAULTS = TransactionOptions()


def _unheard(_: object) -> None:
    """Observe nothing."""


class Session:
    """One connection to a cluster, opened when first needed and again after it was lost.

    It is not to be shared between threads. While it is ``pinned`` (see `crdb_magic.session.pinning`), all that names
    no instant of its own is read at that one.
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
        """The server that answered; connects if need be."""
        return self.link.connection.server

    @property
    def connection(self) -> Connection:
        """The open psycopg2 connection; raises :class:`ConnectionFailedError` if there can't be one."""
        return self.link.connection

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open on the connection: begun by a database of models, or by a Python cell."""
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
    ) -> Report:
        """Run the statements as one transaction, committed before it returns.

        A single statement of which nothing was asked that BEGIN would say goes by itself: one round trip instead
        of two. Raises the errors of :func:`crdb_magic.core.retry.run`.

        While a transaction is open on the connection they run within it, once; whoever began it will end it.
        """
        options = options or _DEFAULTS
        if self.in_transaction:
            return self._run_within(statements, options, finish)
        options = options.within(self.pinned)
        alone = len(statements) == 1 and options.plain and plain(statements[0].source)
        alone = alone and not self._sizes.large(statements[0].source.text)  # COPY takes two messages
        verbs = (SingleStatement if alone else Explicit)(
            self.link, lambda connection: execute(connection, statements, self._sizes, finish), options
        )
        reading = all(reads_only(one.source) for one in statements)
        committed = self._engine(verbs, observer, reading=reading)
        results = self._typed(verbs.connection, verbs.value)
        return Report(results, _receipt(verbs.connection.server, options, committed, verbs.read_at, results))

    def _run_within(self, statements: Sequence[BoundStatement], options: TransactionOptions, finish: Finish) -> Report:
        if options != _DEFAULTS:
            raise OptionError(
                "A transaction is open on this connection; its options were given when it was begun.",
                hint="leave the options out, or end the transaction first.",
            )
        connection, started = self.link.connection, time.monotonic()
        results = self._typed(connection, execute(connection, statements, self._sizes, finish))
        alone = Committed(None, (), time.monotonic() - started)
        return Report(results, _receipt(connection.server, options, alone, None, results))

    def ask(self, sql: str, values: Values = None, finish: Finish = as_read) -> Result:
        """Run one statement with psycopg2's placeholders: within the open transaction, else as one of its own."""

        def send(connection: Connection) -> Answer:
            return ask(connection, sql, values, self._sizes, finish)

        if self.in_transaction:
            answer, connection = send(self.link.connection), self.link.connection
        else:
            options = _DEFAULTS.within(self.pinned)
            reading, by_itself = _known_of(sql)
            alone = options.plain and by_itself and not self._sizes.large(sql)
            verbs = (SingleStatement if alone else Explicit)(self.link, send, options)
            self._engine(verbs, _unheard, reading=reading)
            answer, connection = verbs.value, verbs.connection
        return self._typed(connection, [answer])[0]

    def look_ahead(self, query: Query | None) -> None:
        """Ask the planner, once for each query, whether it is large and so best read by COPY.

        It takes a message, which a transaction should not: before one, not within.
        """
        if query is None or query.text in self._sizes or self.in_transaction:
            return
        with suppress(CrdbMagicError):  # what can't be asked now shows when the query itself is sent
            if can_copy(self.connection):
                self._sizes.note(query.text, estimate(self.connection, query))

    def transact(
        self,
        work: Callable[[Connection], T],
        options: TransactionOptions | None = None,
        observer: Observer = _unheard,
    ) -> tuple[T, Receipt]:
        """Run a callback on the connection as one transaction; see the contract in ``core.retry``."""
        __tracebackhide__ = True
        options = (options or _DEFAULTS).within(self.pinned)
        verbs = Explicit(self.link, work, options)
        committed = self._engine(verbs, observer, reading=False)
        return verbs.value, _receipt(verbs.connection.server, options, committed, verbs.read_at, ())

    def _engine(self, verbs: Verbs[T], observer: Observer, *, reading: bool) -> Committed[None]:
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
            reads_only=reading or options.writes_nothing,
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
            )
            for one in answers
        )


@lru_cache(maxsize=256)
def _known_of(sql: str) -> tuple[bool, bool]:
    """Tell whether a text only reads, and whether it may go without a transaction."""
    statements = split(sql)
    return all(map(reads_only, statements)), all(map(plain, statements))


def _receipt(
    server: Server,
    options: TransactionOptions,
    committed: Committed[None],
    read_at: Decimal | None,
    results: Sequence[Result],
) -> Receipt:
    return Receipt(
        server=str(server),
        options=options,
        retries=committed.failures,
        as_of=read_at,
        elapsed=committed.elapsed,
        statements=len(results),
        rows=sum(one.row_count for one in results if one.columns is not None),
        notes=server.notes(options),
    )
