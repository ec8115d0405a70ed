"""What start() gives where a recording has the answers: the same to hold, and nothing runs."""

from __future__ import annotations

from pathlib import Path

import psycopg2
import pytest
from seen_from_outside import query

from crdb_magic.core.target import Target
from crdb_magic.environment import FROZEN
from crdb_magic.local import NoServer, serving, start


@pytest.fixture
def _frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FROZEN, "frozen/report")
    monkeypatch.setattr("crdb_magic.local.launching.launch", None)


@pytest.mark.usefixtures("_frozen")
@pytest.mark.parametrize("directory", [None, Path("data")])
def test_it_starts_none(directory: Path | None) -> None:
    with start(directory) as server:
        assert isinstance(server, NoServer)

    server.stop()


def test_an_empty_variable_is_none(monkeypatch):
    monkeypatch.setenv(FROZEN, "")
    with start() as server:
        assert query(server.url, "SELECT 1") == [(1,)]


def test_it_has_all_that_a_server_has(server):
    assert set(vars(NoServer())) == {name for name in vars(server) if not name.startswith("_")}


def test_it_is_not_one_that_runs():
    frozen = NoServer()

    assert (repr(frozen), serving("frozen.invalid", 5432)) == (
        "<LocalServer postgresql://root@frozen.invalid/defaultdb?sslmode=disable: a recording, instead of a local "
        "server>",
        None,
    )


@pytest.mark.parametrize("name", ["user", "dbname", "sslmode"])
def test_it_is_asked_as_a_server_of_ours_is(server, name):
    assert Target.from_url(NoServer().url)[name] == Target.from_url(server.url)[name]


def test_without_a_recording_its_url_leads_nowhere():
    with pytest.raises(psycopg2.OperationalError, match="could not translate host name"):
        psycopg2.connect(NoServer().url)
