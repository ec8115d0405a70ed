"""Where the connections of peewee's databases come from: its adapter makes ours, and keeps one a thread."""

from __future__ import annotations

import threading
from typing import Any

import peewee

from crdb_magic.core.target import Target
from crdb_magic.orm.errors import as_peewee
from crdb_magic.session.asking import send
from crdb_magic.session.connection_lock import ConnectionLock
from crdb_magic.session.driver import Connection, connect
from crdb_magic.session.link import Link, is_gone

_DEFAULTS = {"user": "root", "port": "26257"}


class Adapter(peewee.Psycopg2Adapter):
    """peewee's door to the driver: connections are ours."""

    def connect(self, db: Any, **parameters: Any) -> Connection:
        """Open a connection; raises peewee's OperationalError too."""
        with as_peewee():
            return connect(_target(db.database, parameters))

    def rollback(self, connection: Connection) -> None:
        """Roll back, also what has not been begun yet."""
        connection.disarm()
        send(connection, "ROLLBACK")

    def is_connection_reusable(self, connection: Connection) -> bool:
        """Whether it can go back to a pool; a BEGIN that still waits must not go with it."""
        connection.disarm()
        return bool(super().is_connection_reusable(connection))

    def is_connection_closed(self, connection: Connection) -> bool:
        """Whether it is of no more use, by a look at the socket: no round trip at each check-out."""
        return is_gone(connection)


def _target(database: str, parameters: dict[str, Any]) -> Target:
    given = {key: str(value) for key, value in parameters.items() if value is not None}
    if "://" in database:
        return Target.from_url(database).having(**given)
    if dsn := given.pop("dsn", None):
        return Target.parse(dsn).having(**given)
    return Target({**_DEFAULTS, "dbname": database, **given})


class DatabaseLink(Link):
    """The connection of the calling thread, as peewee keeps it; its tasks have to take turns."""

    def __init__(self, database: Any) -> None:
        self._database = database
        self._here = threading.local()

    @property
    def turn(self) -> ConnectionLock:
        """The turn on the thread's connection."""
        if not hasattr(self._here, "turn"):
            self._here.turn = ConnectionLock(lambda: self.opened, self.discard)
        turn: ConnectionLock = self._here.turn
        return turn

    def __repr__(self) -> str:
        return type(self._database).__name__

    @property
    def connection(self) -> Connection:
        """The thread's connection, opened or replaced if need be."""
        connection: Connection = self._database.connection()
        return connection

    @property
    def opened(self) -> Connection | None:
        """The thread's connection as it is."""
        connection: Connection | None = self._database._state.conn
        return connection

    def discard(self) -> None:
        """Close the thread's connection; the next use opens another one."""
        self._database.abandon()
