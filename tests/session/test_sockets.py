"""The socket under a connection."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from crdb_magic.session import sockets
from crdb_magic.session.sockets import OnSocket


@pytest.fixture
def stopped() -> Iterator[OnSocket]:
    """A connection to a server that was stopped: the kernel lets in who comes, and nobody answers."""
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as listener,
        socket.create_connection(listener.getsockname()) as under,
    ):
        connection = OnSocket.__new__(OnSocket)
        connection.fileno = under.fileno
        yield connection


def test_a_server_that_does_not_answer_is_not_asked_to_cancel(stopped, monkeypatch):
    monkeypatch.setattr(sockets, "_KNOCK", 0.1)

    with pytest.raises(TimeoutError):
        stopped.knock()


def test_a_server_that_answers_is_there(session):
    session.connection.knock()
