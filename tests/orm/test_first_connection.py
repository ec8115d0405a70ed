"""A first connection that fails is no lost one: whichever door is used, it is tried once and says why."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from faults import Fault, ServerError, instead, is_
from proxy import Proxy
from wire import START_UP

from crdb_magic import CockroachDatabase
from crdb_magic.errors import ConnectionFailedError, Outcome
from crdb_magic.session.session import Session
from crdb_magic.sql.statements import split

_AWAY = ServerError("53300", "sorry, too many clients already", severity="FATAL")
_WRONG = ServerError("28P01", "password authentication failed for user root")

DOORS = {
    "frame": lambda db, _: db.frame("SELECT 1"),
    "frame that writes": lambda db, _: db.frame("INSERT INTO t VALUES (1) RETURNING 1"),
    "rows": lambda db, _: db.rows("SELECT 1"),
    "arrow": lambda db, _: db.arrow("SELECT 1"),
    "frames": lambda db, _: next(db.frames("SELECT 1")),
    "frames as of": lambda db, _: next(db.frames("SELECT 1", as_of="-1s")),
    "export": lambda db, path: db.export("SELECT 1", path / "x.csv"),
    "write_frame": lambda db, _: db.write_frame(pd.DataFrame({"id": [1]}), "t"),
    "run_transaction": lambda db, _: db.run_transaction(lambda _: None),
    "atomic": lambda db, _: db.atomic().__enter__(),
    "execute_sql": lambda db, _: db.execute_sql("SELECT 1"),
    "run": lambda db, _: db.session.run([one.bind({}) for one in split("SELECT 1")]),
    "ask": lambda db, _: db.session.ask("SELECT 1"),
    "transact": lambda db, _: db.session.transact(lambda _: None),
}
ENGINE = ["frame", "frame that writes", "rows", "arrow", "run_transaction", "run", "ask", "transact"]


def _database(proxy: Proxy) -> CockroachDatabase:
    parameters = dict(proxy.target)
    return CockroachDatabase(parameters.pop("dbname"), **parameters)


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_a_wrong_password_is_sent_once_and_is_the_error(proxy, tmp_path, door):
    proxy.rules.append(Fault(is_(START_UP), instead(_WRONG), times=math.inf))

    with pytest.raises(ConnectionFailedError, match="password authentication failed"):
        door(_database(proxy), tmp_path)

    assert proxy.log == [START_UP]


@pytest.mark.parametrize("door", [DOORS[name] for name in ENGINE], ids=ENGINE)
def test_it_says_that_nothing_was_committed(proxy, tmp_path, door):
    proxy.rules.append(Fault(is_(START_UP), instead(_WRONG), times=math.inf))

    with pytest.raises(ConnectionFailedError) as caught:
        door(_database(proxy), tmp_path)

    assert caught.value.outcome is Outcome.NOT_COMMITTED


def test_a_session_that_was_connected_waits_for_a_server_that_is_away(proxy):
    session = Session(proxy.target)
    session.ask("SELECT 1")
    session.close()
    proxy.rules.append(Fault(is_(START_UP), instead(_WRONG), times=2))

    assert session.ask("SELECT 2").row_count == 1


def test_a_stream_stands_beside_a_connection_and_waits_too(proxy, past, copies_out):
    db = _database(proxy)
    with db.connection_context():
        db.rows("SELECT 1")
        proxy.rules.append(Fault(is_(START_UP), instead(_AWAY), times=2))

        assert [len(frame) for frame in db.frames("SELECT 1")] == [1]
