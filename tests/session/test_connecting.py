"""What opening a connection is told, and that it can be interrupted and ends in time."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from faults import Exchange, Fault, is_
from interrupting import interrupted_after
from proxy import Proxy
from wire import START_UP

from crdb_magic.core.options import RetryPolicy, TransactionOptions
from crdb_magic.core.target import Target
from crdb_magic.errors import ConnectionFailedError, ExceededMaxAttempts
from crdb_magic.orm.database import CockroachDatabase
from crdb_magic.session.connecting import in_time, is_keyword, parameters
from crdb_magic.session.driver import connect
from crdb_magic.session.session import Session

pytestmark = pytest.mark.usefixtures("no_collection")


@dataclass
class _Held:
    """New connections through a proxy, which wait until they are let go; ``waited`` tells whether one was."""

    proxy: Proxy
    let_go: threading.Event = field(default_factory=threading.Event)

    def __call__(self, exchange: Exchange) -> None:
        self.let_go.wait(8)  # seconds, below those after which a connection is given up
        self.let_go.set()
        exchange.pass_on()

    @property
    def waited(self) -> bool:
        return self.let_go.is_set()


@pytest.fixture
def held(proxy: Proxy) -> Iterator[_Held]:
    holding = _Held(proxy)
    proxy.rules.append(Fault(is_(START_UP), holding))
    yield holding
    holding.let_go.set()


def test_a_connecting_that_takes_long_is_interrupted(proxy, held):
    with pytest.raises(KeyboardInterrupt), interrupted_after(0.3):
        connect(proxy.target)

    assert not held.waited


def test_a_connection_that_opens_after_an_interrupt_is_closed(proxy, held):
    with pytest.raises(KeyboardInterrupt), interrupted_after(0.3):
        connect(proxy.target)
    held.let_go.set()
    (link,) = proxy._links
    link.thread.join(5)

    assert not link.thread.is_alive()


def test_an_interrupt_while_connecting_knows_no_password(proxy, held):
    with pytest.raises(KeyboardInterrupt) as caught, interrupted_after(0.3):
        connect(proxy.target.having(password="s3cret-word"))

    assert "s3cret-word" not in "".join(repr(entry.frame.f_locals) for entry in caught.traceback[1:])


@pytest.fixture
def lost(proxy: Proxy) -> Iterator[Session]:
    """A session whose connection was lost."""
    session = Session(proxy.target)
    assert session.server
    proxy.cut()
    yield session
    session.close()


_BRIEFLY = TransactionOptions(retry=RetryPolicy(timeout=0.3))


def test_a_time_limit_bounds_the_connecting_too(lost, held, sql):
    with pytest.raises(ExceededMaxAttempts, match=r"the time limit of 0\.3 s is used up") as caught:
        lost.run(sql("SELECT 1"), _BRIEFLY)

    assert not held.waited
    assert caught.value.attempts[-1].message == "Could not connect to 127.0.0.1: timeout expired"


def test_a_time_limit_bounds_it_in_any_thread(lost, held, sql):
    with ThreadPoolExecutor(1) as threads, pytest.raises(ExceededMaxAttempts):
        threads.submit(lost.run, sql("SELECT 1"), _BRIEFLY).result()

    assert not held.waited


@pytest.mark.parametrize(
    "open_", [Session, lambda target: CockroachDatabase(**target).session], ids=["session", "database"]
)
def test_a_time_limit_bounds_the_first_connecting(proxy, held, sql, open_):
    target = proxy.target
    if open_ is not Session:
        target = {"database": target["dbname"], **{key: target[key] for key in target if key != "dbname"}}
    with pytest.raises(ConnectionFailedError, match="timeout expired"):
        open_(target).run(sql("SELECT 1"), _BRIEFLY)

    assert not held.waited


def test_who_is_in_time_gets_a_connection(target):
    with in_time(30):
        connection = connect(target)
    connection.close()

    assert connection.closed


def test_a_fork_connects_too(target):
    child = os.fork()
    if child == 0:
        connect(target).close()
        os._exit(7)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


# What libpq is told.

_PATIENCE = {
    "connect_timeout": "10", "keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3",
}  # fmt: skip
_TOLD = {"client_encoding": "UTF8", "fallback_application_name": "crdb_magic"}


@pytest.mark.parametrize(
    ("target", "environment", "told"),
    [
        ({}, {}, _PATIENCE),
        ({"connect_timeout": "3"}, {}, _PATIENCE | {"connect_timeout": "3"}),
        ({}, {"PGCONNECT_TIMEOUT": "3"}, {key: _PATIENCE[key] for key in _PATIENCE if key != "connect_timeout"}),
        ({}, {"PGCONNECT_TIMEOUT": ""}, _PATIENCE),
        ({"connect_timeout": "4"}, {"PGCONNECT_TIMEOUT": "3"}, _PATIENCE | {"connect_timeout": "4"}),
        ({"service": "slow"}, {}, {"keepalives_count": "3", "service": "slow"}),
        ({}, {"PGSERVICE": "slow"}, {"keepalives_count": "3"}),
        ({}, {"PGSERVICE": "none"}, _PATIENCE),
    ],
)
def test_what_somebody_has_said_of_patience_counts_before_ours(target, environment, told, monkeypatch, tmp_path):
    file = tmp_path / "services"
    file.write_text("[slow]\nconnect_timeout=60\nkeepalives_idle=9\nkeepalives_interval=9\nclient_encoding=latin1\n")
    for name in ("PGSERVICE", "PGCONNECT_TIMEOUT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**environment, "PGSERVICEFILE": str(file)}.items():
        monkeypatch.setenv(name, value)

    assert parameters(Target(target)) == _TOLD | told


@pytest.mark.parametrize(
    ("name", "known"),
    [("port", True), ("sslmode", True), ("prot", False), ("port ", False), ("HOST", False), ("", False)],
)
def test_keywords_are_those_of_libpq(name, known):
    assert is_keyword(name) == known


def test_where_no_thread_begins_any_more_it_connects_itself(monkeypatch, target):
    """As from Python 3.12 on while the interpreter ends: in a function of atexit."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    connection = connect(target)

    assert not connection.closed
    connection.close()
