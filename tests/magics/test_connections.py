"""The notebook's connections, by name."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from crdb_magic import CockroachDatabase
from crdb_magic.core.target import Target
from crdb_magic.magics.connections import Connections


@pytest.fixture
def connections() -> Iterator[Connections]:
    opened = Connections()
    yield opened
    opened.close_all()


@pytest.fixture
def db(url: str) -> Iterator[CockroachDatabase]:
    database = CockroachDatabase(url)
    yield database
    database.close()


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
