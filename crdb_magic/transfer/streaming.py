"""Streams the rows of a query in parts, over a connection of its own, all as of one instant.

After a fault the query is read again at that instant, and what was handed on already is passed over: the same bytes,
which is checked, since the order of a query's rows is nobody's promise without an ORDER BY.
"""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Any, Self

from crdb_magic.columns.arrow import Batch, from_csv
from crdb_magic.columns.results import Column, Result
from crdb_magic.core.asof import AsOf
from crdb_magic.core.options import TransactionOptions
from crdb_magic.errors import BrokenTransactionError, OptionError, Outcome
from crdb_magic.session.driver import Connection, Cursor, text_cursor
from crdb_magic.session.link import OwnLink
from crdb_magic.session.past_registry import check_past
from crdb_magic.session.pinning import instant
from crdb_magic.session.queries import Query
from crdb_magic.session.reading import can_copy, describe, lines_to
from crdb_magic.session.session import Session
from crdb_magic.session.session_state import SET_CONFIG
from crdb_magic.sql.kinds import words
from crdb_magic.sql.statements import split
from crdb_magic.values.typemap import SqlType

_PATIENCE = 1.0  # seconds of a wait: a Ctrl-C just before it is noticed at its end only
_PARTS_AHEAD = 4  # of about a megabyte each, read while the ones before are used


def streamable(session: Session, query: Query | None) -> Query:
    """Give back a query whose rows can be streamed from here and now; raises :class:`OptionError` if they can't."""
    if query is None:
        raise OptionError(
            "Only a query by itself can be streamed: one SELECT, VALUES, TABLE or WITH that writes and locks nothing, "
            "without AS OF SYSTEM TIME (--as-of and as_of= say that)."
        )
    if session.in_transaction:
        raise OptionError("A stream reads at its own timestamp: start it outside the transaction.")
    if not (can_copy(session.connection) or session.server.cursors):
        raise OptionError(
            f"{session.server} can't stream: that takes cursors (CockroachDB has them from v22.2) or COPY … TO STDOUT.",
            hint="a plain query reads all rows at once; LIMIT and a key read them in pages.",
        )
    return query


def _beside(session: Session, query: Query) -> Session:
    """Give a session of its own, which is told what the first one was; raises :class:`OptionError` if it can't be."""
    connection = session.connection
    bound = connection.told.bound
    used = {word for statement in split(query.text) for word in words(statement)} | {SET_CONFIG}
    if missing := [what for name, what in bound.items() if name in used]:
        raise OptionError(
            f"A stream has a connection of its own, which does not have {', '.join(missing)}.",
            hint="read it at once, as a frame; or make a table of it, and SET what set_config() has set.",
        )
    return Session(OwnLink(connection.target, replace(connection.told, bound={})))


def columns_of_stream(session: Session, cursor: Cursor, sql: str) -> tuple[Column, ...]:
    """Ask what columns a query has; raises :class:`OptionError` if none: its rows would be nothing."""
    columns = session.columns(cursor.connection, describe(cursor, sql))
    if not columns:
        raise OptionError("The query has no columns: there is nothing to stream.")
    return columns


def results(session: Session, query: Query | None, rows: int, as_of: AsOf | None = None) -> Iterator[Result]:
    """Give the rows of a query as results of so many rows each, the last one of fewer; one at least.

    Without ``as_of`` and a pin it is the instant of the first call for a result. Raises what `Session.transact` raises,
    :class:`OptionError` for what can't be streamed, and :class:`BrokenTransactionError` if rows that had to be read
    again came in another order, or can't be read at that instant again.
    """
    query = streamable(session, query)
    with _BatchReader(_beside(session, query), query, instant(session, as_of)) as reader:
        columns: tuple[Column, ...] = reader.next()
        for batches in _regrouped(reader, rows):
            count = sum(len(batch[0]) for batch in batches)
            yield Result(f"SELECT {count}", columns, batches, count)


def _regrouped(batches: Iterable[Batch], rows: int) -> Iterator[tuple[Batch, ...]]:
    """Make groups of so many rows of batches of any number of them; the last is of fewer, and empty if it is alone."""
    group: list[Batch] = []
    missing, count = rows, 0
    for batch in batches:
        rest = batch
        while len(rest[0]) >= missing:
            yield (*group, tuple(cells[:missing] for cells in rest))
            rest = tuple(cells[missing:] for cells in rest)
            group, missing, count = [], rows, count + 1
        if len(rest[0]):
            group.append(rest)
            missing -= len(rest[0])
    if group or not count:
        yield tuple(group)


class _BatchReader:
    """A thread that reads, as far ahead as there is room, and hands on the columns and then batches.

    They are made in it: Arrow's reader has a handler of signals of its own, in the main thread, and loses some.
    """

    def __init__(self, session: Session, query: Query, as_of: AsOf | None) -> None:
        self._session = session
        self._query = query
        self._options = TransactionOptions(as_of=as_of, read_only=as_of is None)
        self._items: queue.Queue[Any] = queue.Queue(_PARTS_AHEAD)
        self._stopped = threading.Event()
        self._seen = _Seen()
        self._columns: tuple[Column, ...] | None = None
        self._connection: Connection | None = None
        self._thread = threading.Thread(target=self._run, name="crdb_magic stream", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._stopped.set()
        connection = self._connection
        if connection is not None:
            for stop in (connection.cancel_statement, connection.cut):
                with suppress(Exception):  # it may have come to its end by itself
                    stop()
        self._thread.join()

    def next(self) -> Any:
        """Give the next item; raises what the thread met."""
        item = self._take()
        if isinstance(item, BaseException):
            raise item
        return item

    def _take(self) -> Any:
        while True:
            with suppress(queue.Empty):
                return self._items.get(timeout=_PATIENCE)

    def __iter__(self) -> Iterator[Batch]:
        return iter(self.next, None)

    def _run(self) -> None:
        try:
            self._session.transact(self._read, self._options, lambda _: self._go_on())
            self._end(None)
        except _StoppedError:
            pass
        except BaseException as error:
            with suppress(_StoppedError):
                self._end(error)
        finally:
            self._session.close()

    def _end(self, item: BaseException | None) -> None:
        self._connection = None  # there is no more to stop
        self._put(item)

    def _read(self, connection: Connection) -> None:
        self._connection = connection
        self._go_on()
        self._seen.rewind(same_instant=self._options.as_of is not None)
        with text_cursor(connection) as cursor, self._query.spelled(cursor) as sql:
            columns = columns_of_stream(self._session, cursor, sql)
            if self._columns is None:
                check_past(connection, self._options.as_of)  # before anything is handed on, and at the end again
                self._columns = columns
                self._put(columns)
            types = [column.type for column in columns]
            lines_to(cursor, sql, {one.oid for one in types}, partial(self._hand_on, types))
        self._seen.check_end()

    def _hand_on(self, types: Sequence[SqlType], part: bytes) -> None:
        self._go_on()
        if self._seen.is_new(part):
            self._put(from_csv(part, types))

    def _put(self, item: Any) -> None:
        while True:
            self._go_on()
            with suppress(queue.Full):
                return self._items.put(item, timeout=0.1)

    def _go_on(self) -> None:
        if self._stopped.is_set():
            raise _StoppedError


class _StoppedError(Exception):
    """Nobody wants more of the stream."""


class _Seen:
    """How much of a stream was handed on, and its digest: to pass over it when the stream begins again."""

    def __init__(self) -> None:
        self._length = self._passed = 0
        self._digest = hashlib.blake2b()

    def rewind(self, *, same_instant: bool) -> None:
        """Begin, or begin again; raises :class:`BrokenTransactionError` where that would be at another instant."""
        if self._length and not same_instant:
            raise _broken("the server keeps no past in which they could be read on")
        self._passed = 0
        self._check = hashlib.blake2b()

    def is_new(self, part: bytes) -> bool:
        """Whether a part was not handed on before; raises :class:`BrokenTransactionError` if it is another one."""
        self._passed += len(part)
        if self._passed - len(part) >= self._length:
            self._digest.update(part)
            self._length = self._passed
            return True
        self._check.update(part)
        same = self._check.digest() == self._digest.digest()
        if self._passed > self._length or (self._passed == self._length and not same):
            raise _broken(
                "the rows came in another order when they were read again", "ORDER BY a key keeps their order."
            )
        return False

    def check_end(self) -> None:
        """Raise :class:`BrokenTransactionError` if the stream ended before all that was handed on came again."""
        if self._passed < self._length:
            raise _broken("fewer rows came when they were read again")


def _broken(why: str, hint: str | None = None) -> BrokenTransactionError:
    return BrokenTransactionError(
        f"The reading of the rows was interrupted, and {why}.", outcome=Outcome.NOT_COMMITTED, hint=hint
    )
