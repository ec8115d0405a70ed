"""A session with a cluster: SQL statements or a callback, run as one transaction through the retry engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from crdb_magic.core.kinds import plain, reads_only
from crdb_magic.core.options import TransactionOptions
from crdb_magic.core.results import Column, Receipt, Report, Result
from crdb_magic.core.retry import Committed, Observer, run
from crdb_magic.core.server import Server
from crdb_magic.core.statements import BoundStatement
from crdb_magic.core.target import Target
from crdb_magic.errors import PastUnavailableError
from crdb_magic.session.catalog import Catalog
from crdb_magic.session.driver import Connection
from crdb_magic.session.execution import Answer, execute
from crdb_magic.session.link import Link, OwnLink
from crdb_magic.session.snapshots import Keeper
from crdb_magic.session.transactions import Explicit, SingleStatement, Verbs

T = TypeVar("T")


def _unheard(_: object) -> None:
    """Observe nothing."""


class Session:
    """One connection to a cluster, opened when first needed and again after it was lost.

    It is not to be shared between threads. ``keeper`` gives the past of a local PostgreSQL server.
    """

    def __init__(self, where: Target | Link, *, keeper: Keeper | None = None) -> None:
        self._link = where if isinstance(where, Link) else OwnLink(where)
        self._catalog = Catalog()
        self._keeper = keeper

    def __repr__(self) -> str:
        return f"Session({self._link!r})"

    @property
    def server(self) -> Server:
        """The server that answered; connects if need be."""
        return self._link.connection.server

    @property
    def connection(self) -> Connection:
        """The open psycopg2 connection; raises :class:`ConnectionFailedError` if there can't be one."""
        return self._link.connection

    def close(self) -> None:
        """Close the connection."""
        self._link.discard()

    def run(
        self,
        statements: Sequence[BoundStatement],
        options: TransactionOptions | None = None,
        observer: Observer = _unheard,
    ) -> Report:
        """Run the statements as one transaction, committed before it returns.

        A single statement of which nothing was asked that BEGIN would say goes by itself: one round trip instead
        of two. Raises the errors of :func:`crdb_magic.core.retry.run`.
        """
        options = options or TransactionOptions()
        alone = len(statements) == 1 and options.plain and plain(statements[0].source)
        verbs = (SingleStatement if alone else Explicit)(
            self._link, lambda connection: execute(connection, statements), options, self._keeper
        )
        reading = all(reads_only(one.source) for one in statements)
        committed = self._engine(verbs, observer, reading=reading)
        results = self._typed(verbs.connection, verbs.value)
        return Report(results, self._receipt(verbs, committed, results))

    def transact(
        self,
        work: Callable[[Connection], T],
        options: TransactionOptions | None = None,
        observer: Observer = _unheard,
    ) -> tuple[T, Receipt]:
        """Run a callback on the connection as one transaction; see the contract in ``core.retry``."""
        verbs = Explicit(self._link, work, options or TransactionOptions(), self._keeper)
        committed = self._engine(verbs, observer, reading=False)
        return verbs.value, self._receipt(verbs, committed, ())

    def _engine(self, verbs: Verbs[T], observer: Observer, *, reading: bool) -> Committed[None]:
        options = verbs.options
        nothing_to_lose = reading or options.read_only or options.as_of is not None
        committed = run(
            verbs.unit,
            verbs,
            options.retry,
            idempotent=options.idempotent,
            reads_only=nothing_to_lose,
            observer=observer,
        )
        if self._keeper is not None and not nothing_to_lose:
            with suppress(PastUnavailableError):  # a keeper that broke says so when the past is asked for
                self._keeper.keep()
        return committed

    def _typed(self, connection: Connection, answers: Sequence[Answer]) -> tuple[Result, ...]:
        types = self._catalog.resolve(connection, (oid for one in answers for _, oid in one.columns or ()))
        return tuple(
            Result(
                tag=one.tag,
                columns=None if one.columns is None else tuple(Column(name, types[oid]) for name, oid in one.columns),
                rows=one.rows,
                row_count=one.row_count,
            )
            for one in answers
        )

    def _receipt(self, verbs: Verbs[T], committed: Committed[None], results: Sequence[Result]) -> Receipt:
        return Receipt(
            server=str(verbs.connection.server),
            options=verbs.options,
            retries=committed.failures,
            as_of=verbs.read_at,
            elapsed=committed.elapsed,
            statements=len(results),
            rows=sum(len(one.rows) for one in results),
            notes=verbs.connection.server.notes(verbs.options),
        )
