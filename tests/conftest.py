"""A server for the tests: the cluster of CRDB_MAGIC_TEST_URL, else a local one that lives as long as the run.

What stands beside it for more than one folder::

    proxy.py            between psycopg2 and the server: breaks what passes at a chosen point
    ├── faults.py           … what goes wrong, and when
    ├── personality.py      … a server that answers as another version does
    ├── wire.py             … the messages of the protocol
    └── tls.py              certificates, to speak TLS in front of a server that can't
    interrupting.py     Ctrl-C at a chosen moment
    bank.py             clients that move money while all fails, and what must be true afterwards
    └── storm.py            … all that fails, at random
    past_texts.py       a small database, what is done to it and asked of it
    tables.py           names that nobody else uses; models of peewee's, dropped at the end
    type_cases.py       golden values, type by type
    ├── types_page.py       … docs/types.md, made of them
    └── column_texts.py     … columns of texts, for laws
    odd_values.py       an enum's text that is not its value
    made_parts.py       parts of docs/, made of the code
    case_names.py       what a case is called, the same in every process
"""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Iterator, Mapping

import pytest
from hypothesis import HealthCheck, settings
from personality import v26
from proxy import Proxy
from tables import unique
from tls import Authority

from crdb_magic import CockroachDatabase
from crdb_magic.core.server import Server
from crdb_magic.core.target import URL_VARIABLES, Target
from crdb_magic.errors import ConnectionFailedError
from crdb_magic.local import start
from crdb_magic.session import reading, sizes
from crdb_magic.session.session import Session
from crdb_magic.session.snapshots import Keeper
from crdb_magic.sql.statements import BoundStatement, split

# How fast an example is says nothing on a machine that does something else too, and a session serves all examples of a
# test. In CI hypothesis has settings of its own, which stay.
_CHECKS = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture)
settings.register_profile("unhurried", settings(), deadline=None, suppress_health_check=_CHECKS)
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def _no_address_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*URL_VARIABLES, *(name for name in os.environ if name.startswith("PG"))):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    """The URL of the server under test."""
    if given := os.environ.get("CRDB_MAGIC_TEST_URL"):
        yield _with_internals(given)
        return
    with start() as server:
        yield server.url


def _with_internals(url: str) -> str:
    """Allow crdb_internal.force_retry() to the tests where it is refused unless asked for (CockroachDB v26.1)."""
    asked = f"{url}{'&' if '?' in url else '?'}options=-c%20allow_unsafe_internals%3Don"
    session = Session(Target.from_url(asked))
    try:
        return asked if session.server else url
    except ConnectionFailedError:  # a parameter that is not known there
        return url
    finally:
        session.close()


@pytest.fixture(scope="session")
def target(url: str) -> Target:
    return Target.from_url(url)


@pytest.fixture(scope="session")
def server(target: Target) -> Server:
    """What the server under test can do."""
    session = Session(target)
    try:
        return session.server
    finally:
        session.close()


@pytest.fixture
def keeper(target: Target, server: Server) -> Iterator[Keeper | None]:
    """The past of a server that has none of its own."""
    if server.as_of_system_time:
        yield None
        return
    kept = Keeper(target)
    yield kept
    kept.close()


@pytest.fixture
def proxy(target: Target) -> Iterator[Proxy]:
    with Proxy(target) as opened:
        yield opened


@pytest.fixture
def past(proxy: Proxy, server: Server) -> Iterator[None]:
    """The past of a server that has none of its own, kept for those who come through the proxy."""
    if server.as_of_system_time:
        yield
        return
    keeper = Keeper(proxy.target)
    yield
    keeper.close()


@pytest.fixture
def session(target: Target, keeper: Keeper | None) -> Iterator[Session]:
    opened = Session(target)
    yield opened
    opened.close()


@pytest.fixture
def other(target: Target) -> Iterator[Session]:
    """Somebody else's session."""
    opened = Session(target)
    yield opened
    opened.close()


@pytest.fixture
def db(url: str) -> Iterator[CockroachDatabase]:
    """A database of peewee's."""
    opened = CockroachDatabase(url)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def plain_server(target: Target) -> None:
    if target.get("sslmode", "prefer") not in {"disable", "allow", "prefer"}:
        pytest.skip("the server under test speaks TLS itself; these tests put TLS in front of one that does not")


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "ours")


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "foreign")


@pytest.fixture
def sql() -> Callable[..., list[BoundStatement]]:
    """Turn a text and its parameters into bound statements."""

    def bound(text: str, values: Mapping[str, object] | None = None) -> list[BoundStatement]:
        return [statement.bind(values or {}) for statement in split(text)]

    return bound


@pytest.fixture
def rows(session: Session, sql: Callable[..., list[BoundStatement]]) -> Callable[[str], list[tuple[str | None, ...]]]:
    """Give the wire text of a query's rows."""

    def ask(text: str) -> list[tuple[str | None, ...]]:
        return list(session.run(sql(text)).results[-1].rows)

    return ask


@pytest.fixture
def table(session: Session, sql: Callable[..., list[BoundStatement]]) -> Iterator[str]:
    """A table of two accounts: (1, 100) and (2, 20)."""
    name = unique("accounts")
    session.run(sql(f"CREATE TABLE {name} (id INT PRIMARY KEY, balance INT CHECK (balance >= 0))"))
    session.run(sql(f"INSERT INTO {name} VALUES (1, 100), (2, 20)"))
    yield name
    session.run(sql(f"DROP TABLE IF EXISTS {name}"))


@pytest.fixture
def tries(session: Session, sql: Callable[..., list[BoundStatement]]) -> Iterator[str]:
    """A sequence: it keeps counting when a transaction is rolled back, so a statement can fail the first times."""
    name = unique("tries")
    session.run(sql(f"CREATE SEQUENCE {name}"))
    yield name
    session.run(sql(f"DROP SEQUENCE {name}"))


@pytest.fixture
def cut_off(session: Session, other: Session, sql: Callable[..., list[BoundStatement]]) -> Callable[[], None]:
    """Let the server end the session's connection behind its back."""
    who, end = ("SHOW session_id", "CANCEL SESSION '{}'")
    if not session.server.is_cockroachdb:
        who, end = ("SELECT pg_backend_pid()", "SELECT pg_terminate_backend({}, 5000)")

    def cut() -> None:
        name = session.run(sql(who)).results[0].rows[0][0]
        other.run(sql(end.format(name)))

    return cut


@pytest.fixture
def refuse_until(tries: str) -> Callable[[int], str]:
    """A statement that asks for a retry (SQLSTATE 40001) until it was run so many times."""

    def statement(times: int) -> str:
        return f"SELECT CASE WHEN nextval('{tries}') < {times} THEN crdb_internal.force_retry('1h') ELSE 0 END"

    return statement


# What leads through the proxy, what counts as large, and threads that have to end.


@pytest.fixture
def through(proxy: Proxy, past: None) -> Iterator[Session]:
    """A session that leads through the proxy, connected."""
    opened = Session(proxy.target)
    assert opened.server
    yield opened
    opened.close()


@pytest.fixture
def through_unkept(proxy: Proxy) -> Iterator[Session]:
    """The same where nobody keeps a past; its connecting is not in the log."""
    opened = Session(proxy.target)
    assert opened.server
    proxy.sent.clear()
    yield opened
    opened.close()


@pytest.fixture
def as_v26(target: Target, server: Server) -> Iterator[Proxy]:
    """The server under test, which answers as CockroachDB v26.1 does."""
    if server.is_cockroachdb:
        pytest.skip("a cluster answers for itself")
    with Proxy(target, personality=v26()) as opened:
        yield opened


@pytest.fixture
def through_v26(as_v26: Proxy) -> Iterator[Session]:
    """A session with it."""
    opened = Session(as_v26.target)
    yield opened
    opened.close()


@pytest.fixture
def trips(proxy: Proxy, through: Session) -> Callable[[Callable[[], object]], list[str]]:
    """Give what the session sends and waits for while something is done; the keeper's connection is not counted."""
    ours = proxy.connections

    def measured(do: Callable[[], object]) -> list[str]:
        proxy.sent.clear()
        do()
        return [text for connection, text in proxy.sent if connection >= ours]

    return measured


@pytest.fixture
def three_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a result of three rows count as a large one."""
    monkeypatch.setattr(sizes, "LARGE", 3)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the parts of a COPY be of a few lines."""
    monkeypatch.setattr(reading, "BYTES", 1000)


@pytest.fixture
def copies_out(server: Server) -> None:
    if not server.copy_to:
        pytest.skip("COPY … TO STDOUT is unknown there")


@pytest.fixture
def no_collection() -> Iterator[None]:
    """No garbage is collected: hypothesis hears of that in Python, where a KeyboardInterrupt would be lost."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def threads_end() -> Iterator[None]:
    """Nothing of ours runs on, but the one thread that waits for Ctrl-C."""
    yield
    running = [thread.name for thread in threading.enumerate() if thread.name.startswith("crdb_magic")]

    assert set(running) <= {"crdb_magic interrupts"}
