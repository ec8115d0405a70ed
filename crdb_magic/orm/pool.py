"""PooledCockroachDatabase: the same database with its connections kept for reuse, but not for ever."""

from __future__ import annotations

import time
from numbers import Real
from random import uniform
from typing import Any

from playhouse.pool import PoolConnection, _PooledPostgresqlDatabase

from crdb_magic.errors import OptionError
from crdb_magic.orm.database import CockroachDatabase
from crdb_magic.session.driver import Connection

_JITTER = 0.1  # so that connections opened together are not closed together


class PooledCockroachDatabase(_PooledPostgresqlDatabase, CockroachDatabase):
    """A CockroachDB database whose connections go back to a pool when they are closed.

    ``max_connections`` (20), ``stale_timeout`` and ``timeout`` (seconds to wait for a free one; 0: forever) are
    peewee's. ``max_lifetime`` is how many seconds a connection may live, ±10 %: behind a load
    balancer 5 to 30 minutes let connections spread over the nodes again
    (https://www.cockroachlabs.com/docs/stable/connection-pooling).
    """

    _max_lifetime: float | None = None

    def init(self, database: str | None, *args: Any, max_lifetime: float | None = None, **kwargs: Any) -> None:
        """Set where to connect, perhaps later than the creation; what of a pool is not given stays as it is."""
        if max_lifetime is not None:
            if not (isinstance(max_lifetime, Real) and max_lifetime > 0):
                raise OptionError(f"max_lifetime is {max_lifetime!r}: give a positive number of seconds, or None.")
            self._max_lifetime = max_lifetime
        super().init(database, *args, **kwargs)  # type: ignore[no-untyped-call]

    def _open(self) -> Connection:
        connection = super()._open()
        if self._max_lifetime is not None:
            spread = uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - no secret
            connection.lives_until = time.monotonic() + self._max_lifetime * spread
        return connection

    def _is_closed(self, conn: Connection) -> bool:
        """Whether an idle connection is of no more use: lost, or too old."""
        if _is_too_old(conn):
            conn.close()
        return bool(super()._is_closed(conn))  # type: ignore[no-untyped-call]

    def _can_reuse(self, conn: Connection) -> bool:
        """Whether a connection that is returned may go back into the pool; an open transaction is rolled back."""
        return not _is_too_old(conn) and bool(super()._can_reuse(conn))  # type: ignore[no-untyped-call]

    def _reconnect(self) -> Connection:
        """Replace the thread's connection by a new one, which takes over its place in the pool."""
        old = self._state.conn
        new = super()._reconnect()
        with self._pool_lock:
            self._in_use.pop(self.conn_key(old), None)
            self._in_use[self.conn_key(new)] = PoolConnection(time.time(), new, time.time())
        return new


def _is_too_old(connection: Connection) -> bool:
    return time.monotonic() >= connection.lives_until
