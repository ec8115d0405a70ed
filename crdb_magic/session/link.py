"""Where a session's connection comes from: one that opens when it is needed, and is given up when lost."""

from __future__ import annotations

import select
from abc import ABC, abstractmethod

import psycopg2

from crdb_magic.core.target import Target
from crdb_magic.errors import CrdbMagicError, Outcome
from crdb_magic.session.driver import Connection, connect


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
    def in_transaction(self) -> bool:
        """Whether a transaction is open on the connection, or was when that was lost, and nobody has ended it."""
        return self.opened is not None and self.opened.in_transaction

    def open_first(self) -> None:
        """Open the connection if none ever was. A first one that fails is no lost one: there is nothing to run again.

        One that stood before, and can't be replaced now, is a loss, which is for the engine to try again.
        """
        if self.opened is not None:
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
    """One connection of our own to a target."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._connection: Connection | None = None

    def __repr__(self) -> str:
        return repr(self.target)

    @property
    def connection(self) -> Connection:
        """The open connection, opened or replaced if need be."""
        if self._connection is None or is_gone(self._connection):
            self._connection = connect(self.target)
        return self._connection

    @property
    def opened(self) -> Connection | None:
        """The connection as it is."""
        return self._connection

    def discard(self) -> None:
        """Close the connection, whatever state it is in; it is remembered that there was one."""
        if self._connection is not None:
            self._connection.disarm()
            self._connection.close()


def is_gone(connection: Connection) -> bool:
    """Tell whether a connection is of no more use: another process has it, or its socket tells that the server left.

    One with a transaction is of use until that is ended, be it to say that it was lost.
    """
    if connection.in_transaction:
        return False
    if connection.closed or connection.inherited:
        return True
    if not _has_news(connection):
        return False
    try:  # a notice, or the end
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except psycopg2.Error:
        return True
    return False


def _has_news(connection: Connection) -> bool:
    """Tell whether the server sent something that nobody asked for."""
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([connection], [], [], 0)[0])
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))
