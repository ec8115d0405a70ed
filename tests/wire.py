"""The messages of PostgreSQL's protocol, read by other code than frozen/wire.py, whose mistakes it would share."""

from __future__ import annotations

import socket
import ssl
import struct
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from crdb_magic.core.target import Target

# Codes and types of messages: https://www.postgresql.org/docs/current/protocol-message-formats.html
CANCEL, TLS, GSS = 80877102, 80877103, 80877104
QUERY, READY, ERROR, COMPLETE = b"Q", b"Z", b"E", b"C"
COPY_IN, AUTHENTICATION, COPY_DATA_DONE, COPY_FAIL, PASSWORD_GIVEN = b"G", b"R", b"c", b"f", b"p"
PARAMETER, HEADING, ROW, COPY_OUT, COPY_DATA = b"S", b"T", b"D", b"H", b"d"
IDLE, IN_TRANSACTION, ABORTED = b"I", b"T", b"E"
_NO_WORD_NEEDED = {0, 12}  # of authentication: it is done, or the server has the last word

START_UP, PASSWORD, COPY_DONE = "(start-up)", "(password)", "(copy done)"
_POINTS = {b"": START_UP, PASSWORD_GIVEN: PASSWORD, COPY_DATA_DONE: COPY_DONE, COPY_FAIL: COPY_DONE}


class Message(NamedTuple):
    """A message of the protocol; the first ones of a connection have no kind."""

    kind: bytes
    body: bytes

    @property
    def wire(self) -> bytes:
        return self.kind + (len(self.body) + 4).to_bytes(4) + self.body

    @property
    def code(self) -> int:
        """The number at its beginning."""
        return int.from_bytes(self.body[:4])

    @property
    def point(self) -> str | None:
        """The text under which a client's message is logged; None if it waits for no answer."""
        if self.kind == QUERY:
            return self.body.rstrip(b"\0").decode()
        return _POINTS.get(self.kind)

    @property
    def asks(self) -> bool:
        """Whether the server waits for the client to go on."""
        return self.kind == COPY_IN or (self.kind == AUTHENTICATION and self.code not in _NO_WORD_NEEDED)


def query(text: str) -> Message:
    return Message(QUERY, text.encode() + b"\0")


class Wire:
    """One side's socket, read message by message."""

    def __init__(self, connected: socket.socket) -> None:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = connected
        self._unread = bytearray()

    def fileno(self) -> int:
        return self.socket.fileno()

    def secure(self, context: ssl.SSLContext) -> None:
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.socket.do_handshake()  # behind the assignment: it can be hung up meanwhile

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def fill(self) -> None:
        """Read what there is, waiting for something; raises EOFError at the end."""
        data = self.socket.recv(65536)
        while data and isinstance(self.socket, ssl.SSLSocket) and self.socket.pending():
            data += self.socket.recv(65536)
        if not data:
            raise EOFError
        self._unread += data

    def take(self, *, typed: bool = True) -> Message | None:
        """Take the next message, if all of it is here."""
        head = 5 if typed else 4
        end = int.from_bytes(self._unread[head - 4 : head]) + head - 4
        if len(self._unread) < max(head, end):
            return None
        message = Message(bytes(self._unread[: head - 4]), bytes(self._unread[head:end]))
        del self._unread[:end]
        return message

    def read(self, *, typed: bool = True) -> Message:
        """Wait for the next message."""
        while (message := self.take(typed=typed)) is None:
            self.fill()
        return message

    def hang_up(self) -> None:
        """End it, also for a thread that waits for it."""
        with suppress(OSError):
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)

    def close(self, *, reset: bool = False) -> None:
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            self.hang_up()
        self.socket.close()


def connected(target: Target) -> socket.socket:
    """Connect to the server, by TLS where its URL asks for that."""
    host = target["host"].split(",")[0]
    plain = socket.create_connection((host, int(target.get("port", "5432").split(",")[0])))
    if target.get("sslmode") not in {"require", "verify-ca", "verify-full"}:
        return plain
    plain.sendall(Message(b"", TLS.to_bytes(4)).wire)
    if plain.recv(1) != b"S":
        plain.close()
        raise ConnectionError("the server speaks no TLS")
    return _client_context(target).wrap_socket(plain, server_hostname=host)


def _client_context(target: Target) -> ssl.SSLContext:
    authority = target.get("sslrootcert", str(Path("~/.postgresql/root.crt").expanduser()))
    verified = target["sslmode"] != "require"
    context = ssl.create_default_context(cafile=authority if verified and authority != "system" else None)
    context.check_hostname = target["sslmode"] == "verify-full"
    context.verify_mode = ssl.CERT_REQUIRED if verified else ssl.CERT_NONE
    if "sslcert" in target:
        context.load_cert_chain(target["sslcert"], target.get("sslkey"))
    return context
