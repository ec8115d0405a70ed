"""Serves a recording to psycopg2 in this process: a socket for each connection, and a password that is kept here."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from hmac import compare_digest
from secrets import token_hex
from selectors import EVENT_READ, DefaultSelector
from typing import NamedTuple

from crdb_magic.frozen import wire
from crdb_magic.frozen.events import RecordedConnection
from crdb_magic.frozen.past import FrozenPast
from crdb_magic.frozen.protocol import Client
from crdb_magic.frozen.responses import LeftError
from crdb_magic.frozen.served import Served
from crdb_magic.session.past_registry import KEEPERS

_HAS_ABSTRACT_SOCKETS = sys.platform == "linux"
_LOCAL = "127.0.0.1"
_INTERNAL = "XX000"
_NAME = "crdb_magic recording"


class _Door(NamedTuple):
    """A socket that listens for the clients of a recorded connection, and where it is."""

    place: RecordedConnection
    listener: socket.socket
    host: str
    port: int

    @property
    def address(self) -> object:
        """What a client knows it by (`session.sockets`)."""
        name = self.listener.getsockname()
        return name[:2] if isinstance(name, tuple) else name


class FrozenServer:
    """Serves each connection of a recording until it is closed, in threads that end with the process."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self.process = os.getpid()
        self._password = token_hex()
        self._doors = {number: _opened(place) for number, place in served.recording.places.items()}
        self._here, self._there = socket.socketpair()
        self._clients: dict[socket.socket, threading.Thread] = {}
        self._past: dict[tuple[object, ...], FrozenPast] = {
            (door.address, _database(door.place)): past
            for door in self._doors.values()
            if (past := self._past_of(door))
        }
        KEEPERS.update(self._past)
        self._thread = threading.Thread(target=self._listen, name=_NAME, daemon=True)
        self._thread.start()

    def _past_of(self, door: _Door) -> FrozenPast | None:
        number, has_past = door.place.number, "crdb_version" in door.place.parameters
        return FrozenPast(self._served, number) if has_past or self._served.recording.keeps_the_past(number) else None

    def parameters(self, number: int) -> Mapping[str, str]:
        """Give the parameters with which to connect, as the recorded connection of that number."""
        door = self._doors[number]
        return {
            "host": door.host,
            "port": str(door.port),
            "dbname": _database(door.place),
            "user": door.place.user or "root",
            "password": self._password,
            "sslmode": "disable",
            "gssencmode": "disable",
        }

    def close(self) -> None:
        """Leave all clients, and close the sockets."""
        for address, past in self._past.items():
            if KEEPERS.get(address) is past:
                del KEEPERS[address]
        if self.process == os.getpid() and self._thread.is_alive():
            self._there.send(b"x")
            self._thread.join()
        for one in (self._here, self._there, *(door.listener for door in self._doors.values())):
            one.close()

    def _listen(self) -> None:
        with DefaultSelector() as doors:
            doors.register(self._here, EVENT_READ)
            for door in self._doors.values():
                doors.register(door.listener, EVENT_READ, door)
            while all(self._let_in(key.data) for key, _ in doors.select()):
                pass
        self._leave_all()

    def _let_in(self, door: _Door | None) -> bool:
        """Let a client in; False when the server is to be closed."""
        if door is None:
            return False
        with suppress(OSError):
            connected, _ = door.listener.accept()
            connected.setblocking(True)  # noqa: FBT003 - a positional argument in Python's own way
            thread = threading.Thread(target=self._serve, args=(connected, door), name=_NAME, daemon=True)
            self._clients = {one: other for one, other in self._clients.items() if other.is_alive()}
            self._clients[connected] = thread
            thread.start()
        return True

    def _leave_all(self) -> None:
        for connected in self._clients:
            with suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)
        for thread in self._clients.values():
            thread.join()

    def _serve(self, connected: socket.socket, door: _Door) -> None:
        client, line = Client(self._served, door.place), wire.Wire(connected)
        try:
            if _greeted(line, client, self._password):
                _converse(line, client)
        except (EOFError, LeftError, OSError):
            pass
        finally:
            client.leave()
            line.close()


def _database(place: RecordedConnection) -> str:
    return place.database or "defaultdb"


def _opened(place: RecordedConnection) -> _Door:
    """Listen where no network is needed and no file is left by who is killed; elsewhere on this machine's own address.

    libpq takes a host that begins with @ for a name of Linux's abstract sockets
    (https://www.postgresql.org/docs/current/libpq-connect.html).
    """
    if not _HAS_ABSTRACT_SOCKETS:
        listener = socket.create_server((_LOCAL, 0))
        return _Door(place, listener, _LOCAL, listener.getsockname()[1])
    name = f"crdb_magic-{token_hex(8)}"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"\0{name}/.s.PGSQL.{place.number}")
    listener.listen()
    return _Door(place, listener, f"@{name}", place.number)


def _greeted(line: wire.Wire, client: Client, password: str) -> bool:
    """Let a client begin; False for a stranger, and for who only wants another one's statement to be cancelled."""
    code, _ = line.first()
    while code in {wire.TLS, wire.GSS}:
        line.send(b"N")
        code, _ = line.first()
    if code == wire.CANCEL:
        return False
    line.send(wire.PASSWORD)
    if not compare_digest(line.next().body, f"{password}\0".encode()):
        return False
    line.send(b"".join(client.greeting()))
    return True


def _converse(line: wire.Wire, client: Client) -> None:
    while (message := line.next()).kind != wire.END:
        if message.kind != wire.QUERY:  # the rest of a COPY that was refused
            continue
        try:
            for part in client.answer(message.body.rstrip(b"\0").decode(), line.next):
                line.send(part)
        except (EOFError, LeftError, OSError):
            raise
        except Exception as error:  # else the client would wait for ever
            line.send(wire.error({"S": "FATAL", "C": _INTERNAL, "M": f"The recording can't be served: {error!r}"}))
            raise LeftError from error
