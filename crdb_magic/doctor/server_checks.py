"""The checks of a server that lets the user in: what it can do, clock, latency, privileges, the past."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta
from functools import partial
from statistics import median

from crdb_magic.core.amounts import duration
from crdb_magic.core.asof import NOW, time_of
from crdb_magic.doctor.case import Case
from crdb_magic.doctor.report import Said, UnaskedError, note, ok, problem
from crdb_magic.errors import StatementError
from crdb_magic.explore.questions import ask, at_present, instant, read
from crdb_magic.explore.retention import retention
from crdb_magic.session.past_registry import KEEPERS
from crdb_magic.sql.names import written

_TIMES = 10
_SLOW = 0.1  # seconds
_SKEWED = 0.5  # seconds: beyond the offset that CockroachDB tolerates between its nodes (--max-offset)

# Properties of core/server.py, and what they are called here.
_ABILITIES = {
    "priorities": "priorities",
    "as_of_system_time": "as-of of any instant that it keeps",
    "copy_to": "COPY TO",
    "cursors": "cursors",
    "tells_commit_time": "commit timestamps",
    "upsert": "UPSERT",
    "wire_cancel": "cancel by the protocol",
    "transactional_ddl": "schema changes in transactions",
}


def authentication(case: Case) -> Iterator[Said]:
    """Say whether the server lets the user in; raises ConnectionFailedError."""
    try:
        yield ok(f"user {case.session.connection.info.user} is let in")
    except StatementError as error:
        yield problem(f"what the notebook's connection was SET to is refused: {error.message}", error.hint)


def product(case: Case) -> Iterator[Said]:
    """Say what answered, and what it can do."""
    server = case.session.server
    can = [words for name, words in _ABILITIES.items() if getattr(server, name)]
    cannot = [words for words in _ABILITIES.values() if words not in can]
    yield ok(f"{server}: {', '.join(can)}" + (f"; not: {', '.join(cannot)}" if cannot else ""))
    if not server.is_tried:
        yield note(f"{server} is older than what crdb_magic is tried on", "upgrade it, or look twice at results.")


def database(case: Case) -> Iterator[Said]:
    """Say whether the database is there: CockroachDB lets users connect to one that is not."""
    name = case.session.connection.database
    known = at_present(case.session, "SHOW DATABASES") if case.session.server.own_words else [{"database_name": name}]
    if any(row["database_name"] == name for row in known):
        yield ok(f"{name} is there")
    else:
        yield problem(f"{name} is not among the databases that the user may see", f"CREATE DATABASE {written(name)}")


def clock(case: Case) -> Iterator[Said]:
    """Say how far the server's clock is from this machine's: half the round trip is the way there."""
    connection, now = case.session.connection, case.conditions.clock
    before = now()
    told = instant(ask(connection, "SELECT clock_timestamp()")[0][0]).to_pydatetime().astimezone(UTC)
    after = now()
    skew: timedelta = told - (before + (after - before) / 2)
    seconds = abs(skew.total_seconds())
    if seconds <= _SKEWED:
        yield ok(f"the clocks agree within {duration((after - before).total_seconds() / 2 + seconds)}")
    else:
        place = "ahead of" if skew > timedelta(0) else "behind"
        said = f"the server's clock is {duration(seconds)} {place} this machine's"
        yield note(said, "set both by NTP: times that you write as --as-of are the server's.")


def latency(case: Case) -> Iterator[Said]:
    """Say how long a statement takes that does nothing."""
    connection, timer = case.session.connection, case.conditions.timer

    def once() -> float:
        before = timer()
        ask(connection, "SELECT 1")
        return timer() - before

    times = [once()]
    while len(times) < _TIMES and sum(times) < case.conditions.timeout:
        times.append(once())
    seconds = median(times)
    said = f"{duration(seconds)}, the median of {len(times)} times SELECT 1"
    if seconds <= _SLOW:
        yield ok(said)
    else:
        yield note(said, "each statement takes that long at least: connect to a node nearby, or run nearer to it.")


def privileges(case: Case) -> Iterator[Said]:
    """Say whether the user may do what the magics ask for."""
    name, schema, may = _row(case, _MAY_MAKE)
    user = written(str(name))
    yield _activity(case, user)
    if case.session.server.own_words:
        yield _internals(case)
    if may == "t":
        yield ok(f"%crdb_write: tables can be made in the schema {schema}")
    elif schema is None:
        yield note("%crdb_write: no schema of the search_path is there", "SET search_path = …, or CREATE SCHEMA.")
    else:
        said = f"%crdb_write: no table can be made in the schema {schema}"
        yield note(said, f"GRANT CREATE ON SCHEMA {written(schema)} TO {user}")


_MAY_MAKE = "SELECT current_user, current_schema(), has_schema_privilege(current_schema(), 'CREATE')"


def _activity(case: Case, user: str) -> Said:
    """Say whether others' sessions are seen: the question of explore/activity.py that needs it, or the role."""
    server = case.session.server
    if server.shows_sessions:
        may = _may(case, "SELECT 1 FROM crdb_internal.cluster_transactions LIMIT 1")
        grant = (
            f"GRANT SYSTEM VIEWACTIVITY TO {user}" if server.system_privileges else f"ALTER USER {user} VIEWACTIVITY"
        )
    else:
        may = _row(case, "SELECT pg_has_role('pg_read_all_stats', 'USAGE')") == ("t",)
        grant = f"GRANT pg_read_all_stats TO {user}"
    if may:
        return ok("%crdb_activity: the sessions of all users are shown")
    return note("%crdb_activity: what other users do is not shown", grant)


def _internals(case: Case) -> Said:
    """Say whether crdb_internal is open: v26.1 closes it unless allow_unsafe_internals is set (pkg/sql/vars.go)."""
    if _may(case, "SELECT 1 FROM crdb_internal.node_build_info LIMIT 1"):
        return ok("crdb_internal is open; the magics need little of it")
    return ok("crdb_internal is closed, which the magics don't mind (SET allow_unsafe_internals = on opens it)")


def past(case: Case) -> Iterator[Said]:
    """Say how long the past is kept, and so a pin holds."""
    server = case.session.server
    if keeper := KEEPERS.get(case.session.connection.address):
        begins = f"{time_of(keeper.since):%Y-%m-%d %H:%M:%S} UTC" if keeper.since else "the next write"
        yield ok(f"the local server keeps it from {begins} on, as long as it runs")
        return
    if not server.as_of_system_time:
        raise UnaskedError(f"{server.product.value} keeps no past but what a notebook's own local server has")
    told = retention(case.session)
    if told.seconds is None:
        yield note(f"%crdb_pin --show can't tell how long the past is kept: {' '.join(told.notes) or 'not shown'}")
    else:
        yield ok(f"kept for {duration(told.seconds)} (gc.ttlseconds of {told.of})")


def _may(case: Case, sql: str) -> bool:
    """Whether a question is answered; raises what is no matter of privileges."""
    try:
        at_present(case.session, sql)
    except StatementError as error:
        if error.sqlstate != "42501":
            raise
        return False
    return True


def _row(case: Case, sql: str) -> tuple[str | None, ...]:
    return read(case.session, partial(ask, sql=sql), NOW)[0]
