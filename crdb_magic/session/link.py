"""Where a session's connection comes from: one that opens when it is needed, and is given up when lost."""

from __future__ import annotations

from abc import ABC, abstractmethod

import psycopg2

from crdb_magic.core.target import Target
from crdb_magic.errors import CrdbMagicError, Outcome
from crdb_magic.session.asking import send
from crdb_magic.session.connection_lock import ConnectionLock
from crdb_magic.session.driver import Connection, connect
from crdb_magic.session.interrupts import has_news
from crdb_magic.session.session_state import NOTHING, SessionState


class Link(ABC):
    """Where a session's connection comes from."""

    @property
    @abstractmethod
    def connection(self) -> Connection:
        """The open connection; raises :class:`ConnectionFailedError` if there can't be one.

        One that the server closed since its last use (a restart, a load balancer, a night) is replaced unnoticed:
        a statement sent on it would be lost, and nobody could tell whether it had run.
        """

    @property
    @abstractmethod
    def opened(self) -> Connection | None:
        """The connection as it is, None if none was opened; opens none."""

    @property
    @abstractmethod
    def turn(self) -> ConnectionLock:
        """The turn on the connection: to be held while something is sent over it."""

    @property
    def in_transaction(self) -> bool:
        """Whether the caller's transaction is open on the connection, or was when that was lost, and was not ended."""
        return self.opened is not None and self.opened.in_transaction and self.turn.is_ours

    @property
    def was_opened(self) -> bool:
        """Whether there is a connection, or was one that is lost."""
        return self.opened is not None

    def open_first(self) -> None:
        """Open the connection if none ever was. A first one that fails is no lost one: there is nothing to run again.

        One that stood before, and can't be replaced now, is a loss, which is for the engine to try again.
        """
        if self.was_opened:
            return
        try:
            _ = self.connection
        except CrdbMagicError as error:
            error.outcome = Outcome.NOT_COMMITTED
            raise

    @abstractmethod
    def discard(self) -> None:
        """Close the connection, whatever state it is in."""


class OwnLink(Link):
    """One connection of our own to a target; each that it opens is told what the one before was.

    ``told`` is what a connection was, beside which this one stands: then it is no first one. What is said on one that
    stands ``aside`` is not listened to.
    """

    def __init__(self, target: Target, told: SessionState | None = None, *, aside: bool = False) -> None:
        self.target = target
        self._aside = aside
        self._connection: Connection | None = None
        self._told = told or NOTHING
        self._was_opened = told is not None
        self._turn = ConnectionLock(lambda: self._connection, self.discard)

    def __repr__(self) -> str:
        return repr(self.target)

    def __str__(self) -> str:
        return self.target.in_words

    @property
    def turn(self) -> ConnectionLock:
        """The turn on the connection, for all threads."""
        return self._turn

    @property
    def connection(self) -> Connection:
        """The open connection, opened or replaced if need be."""
        if self._connection is None or is_gone(self._connection):
            self.discard()
            self._connection = connect(self.target, aside=self._aside)
            self._was_opened = True
            self._connection.tell(self._told)
        return self._connection

    @property
    def opened(self) -> Connection | None:
        """The connection as it is."""
        return self._connection

    @property
    def was_opened(self) -> bool:
        """Whether there ever was a connection, be it the one that this stands beside."""
        return self._was_opened

    def discard(self) -> None:
        """Close the connection, whatever state it is in."""
        if self._connection is not None:
            self._told = self._connection.told
            self._connection.close()
            self._connection = None


def is_gone(connection: Connection) -> bool:
    """Tell whether a connection is of no more use: another process has it, or its socket tells that the server left.

    One with a transaction is of use until that is ended, be it to say that it was lost.
    """
    if connection.in_transaction:
        return False
    if connection.closed or connection.inherited:
        return True
    if not has_news(connection.fileno()):  # the server sent nothing that nobody asked for
        return False
    try:  # a notice, or the end
        send(connection, "SELECT 1")
    except psycopg2.Error:
        return True
    return False
