"""Who runs what, and who waits for whom: on the server itself."""

from __future__ import annotations

import threading

import pandas as pd
import pytest

from crdb_magic.core.asof import NOW
from crdb_magic.explore.activity import Activity, activity
from crdb_magic.session.asking import send
from crdb_magic.session.pinning import pin, unpin
from crdb_magic.session.session import Session


def test_the_session_that_asks_is_its_own(session):
    own = activity(session).sessions.query("own")

    assert own[["user", "state"]].to_numpy().tolist() == [[session.connection.info.user, "running"]]
    assert own.application.tolist() == ["crdb_magic"]


def test_another_one_is_told_with_what_it_ran_last_and_since_when(session, other):
    other.ask("SELECT 'hello there'")
    found = activity(session).sessions
    (told,) = found[found.statement.fillna("").str.contains("hello there")].to_dict("records")

    assert (told["state"], told["own"]) == ("idle", False)
    assert isinstance(told["since"], pd.Timestamp)
    assert 0 <= told["seconds"] < 100


@pytest.fixture
def waiting(session, other, target, table):
    """Another session that waits for a row which a third one has changed."""
    waits = Session(target)
    other.connection.arm("BEGIN")
    other.ask(f"UPDATE {table} SET balance = 1 WHERE id = 1")
    thread = threading.Thread(target=waits.ask, args=[f"UPDATE {table} SET balance = 2 WHERE id = 1"])
    thread.start()
    yield table
    send(other.connection, "ROLLBACK")
    thread.join()
    waits.close()


def _until(session: Session) -> Activity:
    for _ in range(1_000):
        found = activity(session)
        if refused := [note for note in found.notes if note.startswith("Locks:")]:
            pytest.skip(f"waits are not told there: {refused[0]}")
        if len(found.waits):  # was asked for before the sessions
            return found
    pytest.fail("nobody waits")


def test_who_waits_for_whom_is_told(session, waiting):
    found = _until(session)
    sessions = found.sessions.set_index("session")
    (wait,) = found.waits.to_dict("records")

    assert wait["on"].endswith(waiting)
    assert sessions.waits_for[wait["session"]] == wait["holder"]
    assert (sessions.state[wait["session"]], sessions.state[wait["holder"]]) == ("running", "in transaction")
    assert "SET balance = 2" in sessions.statement[wait["session"]]


def test_it_is_of_now_whatever_is_pinned(session, other, keeper):
    pin(session, NOW)
    other.ask("SELECT 'after the pin'")
    found = activity(session).sessions.statement.fillna("")
    unpin(session)

    assert found.str.contains("after the pin").any()


def test_within_a_transaction_it_leaves_that_open(session):
    session.connection.arm("BEGIN")
    session.ask("SELECT 1")
    found = activity(session)
    still_open = session.in_transaction
    send(session.connection, "ROLLBACK")

    assert still_open
    assert found.sessions.own.sum() == 1


def test_what_others_run_is_hidden_from_who_may_not_see_it(session, other, server, schema, make):
    if server.shows_sessions:
        pytest.skip("shows one's own sessions alone")
    other.ask("SELECT 'a secret'")
    make("CREATE ROLE {s}_nobody")
    session.ask(f"SET ROLE {schema}_nobody")
    found = activity(session)
    session.ask("RESET ROLE")
    make("DROP ROLE {s}_nobody")

    assert not found.sessions.statement.fillna("").str.contains("a secret").any()
    assert any("Other users' statements: not shown" in note for note in found.notes)
