"""Who hears what connections say and are answered, and what stands in for their servers: a recording, if any."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Protocol

from psycopg2 import Error

from crdb_magic.core.receipt import Receipt

# Those of the driver, which knows of us.
Connection = Any
Cursor = Any


class Listener(Protocol):
    """Somebody who hears what is said on all connections of this process but those that stand aside."""

    def begins(self, cursor: Cursor) -> None:
        """Hear that a cursor is about to send a statement."""

    def heard(self, cursor: Cursor, said: bytes, error: Error | None = None) -> None:
        """Hear that the server has answered a statement, or refused it; rows are there to be fetched."""

    def left(self, cursor: Cursor, said: bytes, *, refused: bool) -> None:
        """Hear that nobody waited for the answer to a statement; ``refused`` is whether it is known to be undone."""

    def tee(self, cursor: Cursor, sql: Any, file: Any) -> Any:
        """Give a file that hears what a COPY moves from or to another one."""

    def read_at(self, connection: Connection, asked: str, at: Decimal) -> None:
        """Hear which exact instant was meant by what was asked for, such as -10s."""

    def ended(self, connection: Connection, receipt: Receipt) -> None:
        """Hear how a transaction of a session ended."""


class StandIn(Protocol):
    """What answers in the place of the servers that are connected to."""

    def place_of(self, target: Mapping[str, str]) -> Mapping[str, str]:
        """Give the parameters with which to connect instead."""

    def receipt_of(self, connection: Connection, receipt: Receipt) -> Receipt:
        """Give the receipt of a transaction as it was when it was recorded."""


class Hooks:
    """The listener and the stand-in of this process, at most one of them; and which servers were connected to.

    A server is known by its number, in the order in which they were first connected to.
    """

    def __init__(self) -> None:
        self.listener: Listener | None = None
        self.stand_in: StandIn | None = None
        self._targets: list[dict[str, str]] = []
        self._connections: list[weakref.ref[Connection]] = []
        self._lock = threading.Lock()

    def opened(self, connection: Connection) -> None:
        """Take a connection that was opened."""
        with self._lock:
            self._connections = [*(one for one in self._connections if one()), weakref.ref(connection)]
        self.number_of(connection.target)

    def number_of(self, target: Mapping[str, str]) -> int:
        """Give the number of a server, from 1; the next one to one that was not known yet."""
        parameters = dict(target)
        with self._lock:
            if parameters not in self._targets:
                self._targets.append(parameters)
            return self._targets.index(parameters) + 1

    def count_anew(self) -> None:
        """Begin to count with the servers to which connections are open."""
        with self._lock:
            connections = [one for known in self._connections if (one := known()) and not one.closed]
            self._targets.clear()
        for connection in connections:
            self.number_of(connection.target)


HOOKS = Hooks()
