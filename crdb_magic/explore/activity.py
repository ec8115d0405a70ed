"""Who is connected, what they run, who waits for whom, and what was waited for lately: one shape for both servers.

CockroachDB's SHOW tells each user of their own sessions, and those with VIEWACTIVITY of all; transactions and waits
are in ``crdb_internal`` alone, of which v26.1 leaves open what is asked here (pkg/sql/crdb_internal.go,
SupportedVTables), though none of its functions. What is refused is left out and said. The columns of these views grow
with the versions: they are read by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import pandas as pd

from crdb_magic.core.asof import NOW
from crdb_magic.explore.questions import Named, at_present, instant, named, optional
from crdb_magic.session.session import Session


class Running(NamedTuple):
    """A session. ``state`` is running, in transaction or idle; ``since`` when, in UTC, that or its statement began.

    ``statement`` is the one that runs, or the last one; None if the server does not show it. ``waits_for`` names the
    sessions that hold what it waits for; ``own`` is the one that asks.
    """

    session: str
    user: str
    application: str
    client: str
    state: str
    since: pd.Timestamp
    seconds: float
    statement: str | None
    waits_for: str
    own: bool


class Wait(NamedTuple):
    """A session that waits for another one's lock, on what, and for how long; sessions are None if not known."""

    session: str | None
    holder: str | None
    on: str
    seconds: float | None


class Contention(NamedTuple):
    """A wait that is over: when it was seen, on what, for how long, by which transaction for which."""

    at: pd.Timestamp
    on: str
    seconds: float
    kind: str
    waiting: str
    blocking: str


@dataclass(frozen=True, slots=True)
class Activity:
    """What goes on; its parts are DataFrames. ``notes`` say what was left out, and why."""

    running: tuple[Running, ...]
    waiting: tuple[Wait, ...] = ()
    contended: tuple[Contention, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def sessions(self) -> pd.DataFrame:
        """A row for each session: session, user, application, client, state, since, seconds, statement, …."""
        return pd.DataFrame(self.running, columns=Running._fields)

    @property
    def waits(self) -> pd.DataFrame:
        """A row for each session and one for which it waits: session, holder, on, seconds."""
        return pd.DataFrame(self.waiting, columns=Wait._fields)

    @property
    def contention(self) -> pd.DataFrame:
        """A row for each wait that is over, the latest first: at, on, seconds, kind, waiting, blocking."""
        return pd.DataFrame(self.contended, columns=Contention._fields)


def activity(session: Session) -> Activity:
    """Look at what goes on now, whatever the session is pinned to."""
    asked = _Asked(session)
    now = instant(asked.all("SELECT clock_timestamp() AS now")[0]["now"])
    contended: tuple[Contention, ...] = ()
    if session.server.shows_sessions:  # whoever waits is likely to be there a moment later, too
        waits = tuple(map(_wait, asked.some("Locks", _LOCKS)))
        contended = tuple(map(_contention, asked.some("Recent contention", _CONTENTION)))
        running = _shown(asked, now)
    else:
        waits = tuple(map(_wait, asked.all(_BLOCKED)))
        running = _from_views(asked, now)
        asked.notes.append(f"Recent contention: {session.server.product.value} keeps no record of it.")
    holders = {one.session: [wait.holder for wait in waits if wait.session == one.session] for one in running}
    known = (one._replace(waits_for=", ".join(sorted({*filter(None, holders[one.session])}))) for one in running)
    ordered = sorted(known, key=lambda one: (_STATES.index(one.state), one.since))
    return Activity(tuple(ordered), waits, contended, tuple(asked.notes))


class _Asked:
    """Questions to a session, each by itself, and notes of what it was refused."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.notes: list[str] = []

    @property
    def user(self) -> str:
        """Who asks."""
        return str(self._session.connection.info.user)

    def all(self, sql: str) -> list[Named]:
        """Give the rows by the names of their columns, whatever the session is pinned to."""
        return at_present(self._session, sql)

    def some(self, what: str, sql: str) -> list[Named]:
        """Give the rows of what may be refused, or none and a note."""
        rows, notes = optional(self._session, what, partial(named, sql=sql), NOW)
        self.notes += notes
        return rows


def _shown(asked: _Asked, now: pd.Timestamp) -> list[Running]:
    """Give the sessions of CockroachDB, each with the statement that it runs.

    Their ``status`` there is ACTIVE while they run one, whatever transaction is open (cockroachdb/cockroach#81904).
    """
    transactions = {one["session_id"]: one for one in asked.some("Open transactions", _OPEN)}
    transactions |= {one["session_id"]: one for one in asked.some("Since when", _BEGUN)}
    statements = {one["session_id"]: one for one in asked.all("SHOW CLUSTER STATEMENTS")}
    own = asked.all("SHOW session_id")[0]["session_id"]
    return [
        _session(one, statements.get(one["session_id"], {}), transactions.get(one["session_id"], {}), own, now)
        for one in asked.all("SHOW CLUSTER SESSIONS")
    ]


def _session(one: Named, statement: Named, transaction: Named, own: str | None, now: pd.Timestamp) -> Running:
    since = instant(statement.get("start") or transaction.get("start") or one["session_start"])
    idle = "in transaction" if transaction else "idle"
    return Running(
        session=str(one["session_id"]),
        user=one["user_name"] or "",
        application=one["application_name"] or "",
        client=one["client_address"] or "",
        state="running" if statement else idle,
        since=since,
        seconds=_seconds(since, now),
        statement=statement.get("query") or one["last_active_query"],
        waits_for="",
        own=one["session_id"] == own,
    )


def _from_views(asked: _Asked, now: pd.Timestamp) -> list[Running]:
    """Give the sessions of PostgreSQL."""
    rows = asked.all(_ACTIVITY)
    if any(row["query"] == _HIDDEN for row in rows):
        asked.notes.append(f"Other users' statements: not shown to user {asked.user}.")
    return [
        Running(
            session=str(row["pid"]),
            user=row["usename"] or "",
            application=row["application_name"] or "",
            client=row["client_addr"] or "local",
            state=_POSTGRESQL.get(row["state"] or "", "idle"),
            since=instant(row["since"]),
            seconds=_seconds(instant(row["since"]), now),
            statement=None if row["query"] == _HIDDEN else row["query"],
            waits_for="",
            own=row["own"] == "t",
        )
        for row in rows
    ]


def _wait(row: Named) -> Wait:
    seconds = row["seconds"]
    return Wait(row["session"], row["holder"], row["on"] or "", None if seconds is None else float(seconds))


def _contention(row: Named) -> Contention:
    place = [row.get(part) or "" for part in ("database_name", "schema_name", "table_name")]
    index = f"@{row['index_name']}" if row.get("index_name") else ""
    return Contention(
        at=instant(row["collection_ts"]),
        on=".".join(filter(None, place)) + index,
        seconds=float(row["seconds"] or 0),
        kind=(row.get("contention_type") or "LOCK_WAIT").lower().replace("_", " "),
        waiting=row["waiting_txn_id"] or "",
        blocking=row["blocking_txn_id"] or "",
    )


def _seconds(since: pd.Timestamp, now: pd.Timestamp) -> float:
    return max((now - since).total_seconds(), 0.0)


_STATES = ("running", "in transaction", "idle")
_POSTGRESQL = {
    "active": "running",
    "fastpath function call": "running",
    "idle in transaction": "in transaction",
    "idle in transaction (aborted)": "in transaction",
}
_HIDDEN = "<insufficient privilege>"
# Of what may not be seen, the kind of process is hidden too.
_ACTIVITY = """
SELECT pid, usename, application_name, client_addr, state, query, pid = pg_backend_pid() AS own,
  coalesce(CASE state WHEN 'active' THEN query_start ELSE state_change END, backend_start, now()) AS since
FROM pg_catalog.pg_stat_activity WHERE coalesce(backend_type = 'client backend', datid IS NOT NULL)
"""
# Who waits for a row waits for the transaction that has it, and holds a lock of the row's place in the line.
_BLOCKED = """
SELECT l.pid AS session, b.pid AS holder, coalesce(c.relname, l.locktype) AS "on",
  extract(epoch FROM clock_timestamp() - l.waitstart) AS seconds
FROM pg_catalog.pg_locks l
CROSS JOIN LATERAL unnest(pg_blocking_pids(l.pid)) AS b (pid)
LEFT JOIN pg_catalog.pg_class c ON c.oid = coalesce(l.relation, (
  SELECT t.relation FROM pg_catalog.pg_locks t WHERE t.pid = l.pid AND t.locktype = 'tuple' LIMIT 1))
WHERE NOT l.granted ORDER BY 4 DESC, 1, 2
"""
# The first tells each user of their own, the second those alone who have VIEWACTIVITY.
_OPEN = "SELECT session_id FROM crdb_internal.cluster_sessions WHERE kv_txn <> ''"
_BEGUN = "SELECT session_id, start FROM crdb_internal.cluster_transactions"
# v22.1's columns; of docs/v22.1/crdb-internal.md. Each reading of the locks asks every table's ranges for theirs, so it
# is done once; who may not see keys (VIEWACTIVITYREDACTED) gets empty ones, which join all (pkg/sql/crdb_internal.go).
_LOCKS = """
WITH l AS MATERIALIZED (SELECT * FROM crdb_internal.cluster_locks WHERE contended AND lock_key <> ''),
t AS MATERIALIZED (SELECT id, session_id FROM crdb_internal.cluster_transactions)
SELECT DISTINCT wt.session_id AS session, ht.session_id AS holder,
  concat_ws('.', w.database_name, w.schema_name, w.table_name) AS "on", extract(epoch FROM w.duration) AS seconds
FROM l w JOIN l h ON h.range_id = w.range_id AND h.lock_key = w.lock_key AND h.txn_id <> w.txn_id
LEFT JOIN t wt ON wt.id = w.txn_id LEFT JOIN t ht ON ht.id = h.txn_id
WHERE h.granted AND NOT w.granted ORDER BY 4 DESC, 1, 2
"""
_CONTENTION = """
SELECT *, extract(epoch FROM contention_duration) AS seconds FROM crdb_internal.transaction_contention_events
ORDER BY collection_ts DESC LIMIT 20
"""
