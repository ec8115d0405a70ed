"""PostgreSQL's past: snapshots that one connection exports and keeps importable until it is closed.

PostgreSQL has no AS OF SYSTEM TIME. But one open READ COMMITTED transaction can export many snapshots (0.1 ms
each), and each can be imported while that transaction lives. A keeper takes one when it starts and after each
transaction that wrote (the driver tells it). The one that sees just the transactions that had committed by the asked
time, by the server's own record (track_commit_timestamp), is what that time looked like, whoever else wrote; where none
was kept it is an error. It is for the local server only: an open snapshot holds back VACUUM.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

import psycopg2

from crdb_magic.core.asof import AsOf
from crdb_magic.core.target import Target
from crdb_magic.errors import PastUnavailableError
from crdb_magic.session.asking import ask
from crdb_magic.session.driver import Connection, connect
from crdb_magic.session.past_registry import KEEPERS, Snapshot
from crdb_magic.session.unchanged import untrue

_NOW = "(extract(epoch FROM clock_timestamp()) * 1000000000)::numeric(30, 0)"
_NANOSECONDS = Decimal(10**9)
_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY"

# Which of two snapshots see just the transactions that had committed by then.
_EXACT = """
SELECT {which} FROM (
    SELECT x::text::xid8 AS xid, extract(epoch FROM pg_xact_commit_timestamp(x::text::xid)) * 1000000000 <= {at} AS done
    FROM generate_series({first}, {behind} - 1) AS x
) AS committed WHERE done IS NOT NULL
"""
_SEES = "coalesce(bool_and(done = pg_visible_in_snapshot(xid, '{}')), true)"


class _Kept(NamedTuple):
    """A snapshot, and which transactions it sees: PostgreSQL's xmin:xmax:those in progress."""

    snapshot: Snapshot
    sees: str

    @property
    def ends(self) -> tuple[int, int]:
        """The first transaction that it may not see, and the one behind the last that it may see."""
        first, behind, _ = self.sees.split(":")
        return int(first), int(behind)


class Keeper:
    """Keeps snapshots of one database of a local PostgreSQL server, for all connections of this process to it.

    Threads may share it. Whoever started the server holds it; the connections find it by their address.
    """

    def __init__(self, target: Target) -> None:
        self._lock = threading.Lock()
        self._kept: list[_Kept] = []
        self._committed: Decimal | None = None
        self._connection: Connection = connect(target, aside=True)
        KEEPERS[self._connection.address] = self
        self._ask("SET application_name = 'crdb_magic (keeps the past)'")  # for who looks at the sessions
        self._ask(_BEGIN)
        self.present()

    @property
    def since(self) -> Decimal | None:
        """The first instant that is kept, if one is."""
        return self._kept[0].snapshot.at if self._kept else None

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
            return self._keep().snapshot

    def forget(self) -> None:
        """Let go of all that is kept: CREATE INDEX CONCURRENTLY waits for whoever may still see the past."""
        with self._lock:
            self._kept.clear()
            self._ask(f"ROLLBACK; {_BEGIN}")

    def find(self, as_of: AsOf) -> Snapshot:
        """Give the snapshot that shows the asked time; raises :class:`PastUnavailableError`.

        It is the newest one that is not after it, or the next, whichever sees just what was committed by then: the
        commit of another transaction, and the snapshot behind it, are two steps.
        """
        with self._lock:
            (now,) = self._ask(f"SELECT {_NOW}")
            at = _instant(as_of, now)
            index = bisect_right(self._kept, at, key=lambda kept: kept.snapshot.at)
            if at > now:
                raise PastUnavailableError(f"as-of {as_of} lies in the future.")
            if index == 0:
                raise PastUnavailableError(
                    f"as-of {as_of} is before the local server's kept past begins.",
                    hint="PostgreSQL keeps no history of its own; on CockroachDB this reads up to gc.ttlseconds back.",
                )
            found = self._exact(at, self._kept[index - 1 : index + 1])
            if found is None and index == len(self._kept):
                self._keep()
                found = self._exact(at, self._kept[index - 1 :])
        if found is None:
            raise PastUnavailableError(
                f"as-of {as_of} lies between two transactions, and the local server kept no snapshot between them.",
                hint="it keeps one after each transaction of this process that wrote.",
            )
        return found

    def _exact(self, at: Decimal, candidates: list[_Kept]) -> Snapshot | None:
        first, behind = candidates[0].ends[0], str(candidates[-1].ends[1])
        if len(candidates) == 1:  # of all that have begun since
            behind = "pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
        which = ", ".join(_SEES.format(one.sees) for one in candidates)
        answers = self._ask(_EXACT.format(which=which, at=at, first=first, behind=behind))
        return next((one.snapshot for one, exact in zip(candidates, answers, strict=True) if exact), None)

    def check(self, connection: Connection, as_of: AsOf) -> None:
        """Raise :class:`PastUnavailableError` if a transaction on a snapshot may have shown something untrue."""
        course = connection.course

        def now(sql: str) -> str:
            with self._lock:
                return str(self._ask(sql)[0])

        if why := untrue(partial(ask, connection), now, lets_go=course.lets_go, looks_up=course.looks_up):
            raise PastUnavailableError(
                f"The local server can't show what was read as of {as_of}: {why}.",
                hint="its snapshots keep rows; how they are defined, and what it is called, is the present's.",
            )

    def _keep(self) -> _Kept:
        name, sees, at = self._ask(f"SELECT pg_export_snapshot(), pg_current_snapshot()::text, {_NOW}")
        self._kept.append(_Kept(Snapshot(at, name), sees))
        return self._kept[-1]

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
