"""The socket under a connection: where it leads, whether anybody can be reached there, and how it is cut."""

from __future__ import annotations

import os
import socket
import struct
from selectors import EVENT_WRITE, DefaultSelector
from typing import Any

from crdb_magic.session.guarded import Guarded

_KNOCK = 2.0  # seconds until nobody is taken to be there
# https://www.postgresql.org/docs/current/protocol-message-formats.html
SSL_REQUEST = struct.pack(">II", 8, 80877103)
"""Asks a server whether it has TLS: each one says something to that, before anybody is let in."""
_RESET_AT_CLOSE = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)  # struct linger: on, for no time


class OnSocket(Guarded):
    """A connection that knows its socket."""

    def peer(self) -> object:
        """Give the address that it leads to: localhost and 127.0.0.1 are one server."""
        with self._socket() as under:
            return under.getpeername()

    def knock(self) -> None:
        """See that the server answers: PQcancel would wait for minutes, and no thread of Python could go on.

        The kernel lets in who comes to a process that is stopped, so a word of the server is waited for: to whether it
        has TLS each one says something.
        """
        peer = self.peer()
        if isinstance(peer, tuple):  # no socket of Unix's
            with socket.create_connection(peer[:2], _KNOCK) as door:
                door.sendall(SSL_REQUEST)
                door.recv(1)

    def cut(self) -> None:
        """Cut the socket under a statement that can't be cancelled: whoever waits for it goes on, with an error.

        The connection is of no more use, and its close is a reset. A server that is told of the end politely, while
        it waits for room to send its rows, would go on waiting for a minute (Linux keeps the window shut so long).
        """
        with self._socket() as under:
            under.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
            under.shutdown(socket.SHUT_RDWR)

    def _socket(self) -> socket.socket:
        return socket.socket(fileno=socket.dup(self.fileno()))  # os.dup knows no sockets of Windows


class Paced:
    """A file that is read by COPY as fast as there is room in the socket.

    libpq sends the rest behind the last piece while psycopg2 holds Python's lock: a server that is a thread of this
    process could make no room for it.
    """

    def __init__(self, connection: OnSocket, file: Any) -> None:
        self._connection = connection
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def read(self, size: int) -> Any:
        """Read the next piece."""
        with DefaultSelector() as room:
            room.register(self._connection, EVENT_WRITE)
            room.select()
        return self._file.read(size)
