"""PostgreSQL's past: snapshots that one connection exports and keeps importable until it is closed.

PostgreSQL has no AS OF SYSTEM TIME. But one open READ COMMITTED transaction can export many snapshots (0.1 ms
each), and each can be imported while that transaction lives. A keeper takes one when it starts and after each
transaction that wrote (the driver tells it). The newest one not after the asked time is what that time looked
like, as long as nobody else writes to this server. It is for the local server only: an open snapshot holds
back VACUUM.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from decimal import Decimal
from typing import Any

import psycopg2

from crdb_magic.core.asof import AsOf
from crdb_magic.core.target import Target
from crdb_magic.errors import PastUnavailableError
from crdb_magic.session.driver import Connection, connect
from crdb_magic.session.keeping import KEEPERS, Snapshot

_NOW = "(extract(epoch FROM clock_timestamp()) * 1000000000)::numeric(30, 0)"
_NANOSECONDS = Decimal(10**9)

# What a transaction on an imported snapshot read wrongly: relations that were made or rewritten since (they show
# no rows). Its own locks name every relation that it touched, also behind views and functions.
CHANGED_SINCE = """
SELECT DISTINCT l.relation::regclass::text
FROM pg_locks l LEFT JOIN pg_class c ON c.oid = l.relation
WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.relation >= 16384
AND (c.oid IS NULL OR c.relfilenode <> coalesce(pg_relation_filenode(c.oid), 0))
ORDER BY 1 LIMIT 1
"""


class Keeper:
    """Keeps snapshots of one database of a local PostgreSQL server, for all connections of this process to it.

    Threads may share it. Whoever started the server holds it; the connections find it by their address.
    """

    def __init__(self, target: Target) -> None:
        self._lock = threading.Lock()
        self._kept: list[Snapshot] = []
        self._committed: Decimal | None = None
        self._connection: Connection = connect(target, aside=True)
        KEEPERS[self._connection.address] = self
        self._ask("SET application_name = 'crdb_magic (keeps the past)'")  # for who looks at the sessions
        self._ask("BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY")
        self.present()

    @property
    def committed(self) -> Decimal | None:
        """The instant at which the last transaction that may have written is seen, if there was one."""
        return self._committed

    def keep(self) -> Snapshot:
        """Keep the present, behind a transaction that may have written."""
        kept = self.present()
        self._committed = kept.at
        return kept

    def present(self) -> Snapshot:
        """Keep the present."""
        with self._lock:
            name, at = self._ask(f"SELECT pg_export_snapshot(), {_NOW}")
            self._kept.append(Snapshot(at, name))
            return self._kept[-1]

    def find(self, as_of: AsOf) -> Snapshot:
        """Give the newest snapshot not after the asked time; raises :class:`PastUnavailableError`."""
        with self._lock:
            (now,) = self._ask(f"SELECT {_NOW}")
            at = _instant(as_of, now)
            index = bisect_right(self._kept, at, key=lambda kept: kept.at)
        if at > now:
            raise PastUnavailableError(f"as-of {as_of} lies in the future.")
        if index == 0:
            raise PastUnavailableError(
                f"as-of {as_of} is before the local server's kept past begins.",
                hint="PostgreSQL keeps no history of its own; on CockroachDB this reads up to gc.ttlseconds back.",
            )
        return self._kept[index - 1]

    def close(self) -> None:
        """Let the snapshots go."""
        if KEEPERS.get(self._connection.address) is self:
            del KEEPERS[self._connection.address]
        self._connection.close()

    def _ask(self, sql: str) -> tuple[Any, ...]:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql)
                return (cursor.fetchone() if cursor.description else None) or ()
        except psycopg2.Error as error:
            raise PastUnavailableError("The local server's past is lost: the connection that kept it broke.") from error


def _instant(as_of: AsOf, now: Decimal) -> Decimal:
    if as_of.hlc is not None:
        return as_of.hlc
    assert as_of.ago is not None  # noqa: S101 - an AsOf has either
    return now - Decimal(as_of.ago.total_seconds()) * _NANOSECONDS
