"""The notebook's connections, by name."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from crdb_magic import CockroachDatabase
from crdb_magic.core.target import Target
from crdb_magic.local import start
from crdb_magic.magics.connections import Connections
from crdb_magic.session.hooks import HOOKS
from crdb_magic.session.past_registry import KEEPERS


@pytest.fixture
def connections() -> Iterator[Connections]:
    opened = Connections()
    yield opened
    opened.end()


@pytest.mark.parametrize("end", ["close", "replace"])
def test_a_connection_that_has_ended_leaves_nothing_behind(connections: Connections, target: Target, end: str) -> None:
    session = weakref.ref(connections.open("one", target))
    connections.database("one")
    connections.close("one") if end == "close" else connections.open("one", target)
    gc.collect()

    assert session() is None


@pytest.mark.parametrize("end", ["close", "replace"])
def test_a_database_that_has_another_name_too_stays_open(
    connections: Connections, target: Target, db: CockroachDatabase, end: str
) -> None:
    for name in ("one", "two"):
        connections.adopt(name, db)
    db.execute_sql("PREPARE ask AS SELECT 1")
    connections.close("one") if end == "close" else connections.open("one", target)

    assert connections.database("two") is db
    assert db.execute_sql("EXECUTE ask").fetchone() == (1,)


class StandIn:
    """Leads all connections to one place."""

    def __init__(self, place: Target) -> None:
        self.place_of = lambda target: place


def test_served_from_a_recording_no_local_server_is_started_and_none_keeps_a_past(
    connections: Connections, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crdb_magic.magics.connections.start", None)
    monkeypatch.setattr(HOOKS, "stand_in", StandIn(target))
    session = connections.open_local("one", None)

    assert KEEPERS.get(session.connection.address) is None
    assert connections.end() == ["Closed one.", "Stopped the local server; its data is gone."]


def test_the_past_of_a_server_of_ours_is_kept_whoever_started_it(connections: Connections) -> None:
    with start() as server:
        db = CockroachDatabase(server.url)
        connections.adopt("mine", db)
        db.execute_sql("CREATE TABLE kept AS SELECT 1 AS n")
        before = db.rows("SELECT cluster_logical_timestamp()")[0][0]
        db.execute_sql("DELETE FROM kept")
        with db.atomic(system_time=before):
            kept = db.rows("SELECT n FROM kept")
        connections.end()

    assert kept == [(1,)]
