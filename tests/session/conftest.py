"""Sessions that lead through the proxy, results that count as large, and threads that have to end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from proxy import Proxy

from crdb_magic.core.server import Server
from crdb_magic.session import execution, reading, sizes
from crdb_magic.session.session import Session


@pytest.fixture
def through(proxy: Proxy, past: None) -> Iterator[Session]:
    """A session that leads through the proxy, connected."""
    opened = Session(proxy.target)
    assert opened.server
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
    monkeypatch.setattr(execution, "LARGE", 3)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the parts of a COPY be of a few lines."""
    monkeypatch.setattr(reading, "BYTES", 1000)


@pytest.fixture
def copies_out(server: Server) -> None:
    if not server.copy_to:
        pytest.skip("COPY … TO STDOUT is unknown there")


@pytest.fixture
def threads_end() -> Iterator[None]:
    """Nothing of ours runs on, but the one thread that waits for Ctrl-C."""
    yield
    running = [thread.name for thread in threading.enumerate() if thread.name.startswith("crdb_magic")]

    assert set(running) <= {"crdb_magic interrupts"}
