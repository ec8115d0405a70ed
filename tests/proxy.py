"""A proxy between psycopg2 and the server under test, which breaks what passes through it at a chosen point.

::

    with Proxy(target) as proxy:
        session = Session(proxy.target)
        proxy.rules.append(Fault(statement("COMMIT"), cut_after))

Each client message that waits for an answer is a point: a query, the start of a connection, a password, the end of
the data of a COPY. It is logged by its text (``proxy.log``, whose length counts the round trips), and the first fault
of ``proxy.rules`` that wants it acts; the others do not see it. What acts is a function of an :class:`Exchange`.

Both sides stay consistent. Where the client is told an error that the server never raised, the server's transaction
is aborted (by a statement that fails) or, at COMMIT, rolled back, and the client is told the state that this leaves.
What is cut off was done by the server before, or never reached it: a test knows what the database holds.
"""

from __future__ import annotations

import math
import re
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self

from crdb_magic.core.target import Target

START_UP, PASSWORD, COPY_DONE = "(start-up)", "(password)", "(copy done)"

# Codes and types of messages: https://www.postgresql.org/docs/current/protocol-message-formats.html
_CANCEL, _TLS, _GSS = 80877102, 80877103, 80877104
_QUERY, _READY, _ERROR, _COMPLETE = b"Q", b"Z", b"E", b"C"
_COPY_IN, _AUTHENTICATION, _COPY_DONE, _COPY_FAIL, _PASSWORD = b"G", b"R", b"c", b"f", b"p"
_IDLE, _IN_TRANSACTION, _ABORTED = b"I", b"T", b"E"
_NO_WORD_NEEDED = {0, 12}  # of authentication: it is done, or the server has the last word

_BEGINS = re.compile(r"\s*(BEGIN|START\s+TRANSACTION)\b", re.IGNORECASE)
_ENDS = re.compile(r"\s*(COMMIT|END|ROLLBACK|ABORT)\s*;?\s*", re.IGNORECASE)


# What the server says.


@dataclass(frozen=True)
class ServerError:
    """An error as a server words it."""

    sqlstate: str
    text: str
    hint: str | None = None
    severity: str = "ERROR"

    @property
    def message(self) -> Message:
        fields = {"S": self.severity, "V": self.severity, "C": self.sqlstate, "M": self.text, "H": self.hint}
        said = "".join(f"{key}{value}\0" for key, value in fields.items() if value)
        return Message(_ERROR, said.encode() + b"\0")


_META = (
    '"sql txn" meta={id=56041a3c key=/Table/104/1/1/0 iso=Serializable pri=0.00246256 epo=0 '
    "ts=1722882686.481050825,0 min=1722882686.481050825,0 seq=1} lock=true stat=PENDING "
    "rts=1722882686.481050825,0 wto=false gul=1722882686.981050825,0"
)


def _restart(reason: str, anchor: str) -> ServerError:
    return ServerError(
        "40001",
        f"restart transaction: TransactionRetryWithProtoRefreshError: {reason}: {_META}",
        f"See: https://www.cockroachlabs.com/docs/v24.1/transaction-retry-error-reference.html#{anchor}",
    )


# CockroachDB's own texts: issues 94741, 128379, 48168 of cockroachdb/cockroach, pkg/sql/pgwire/server.go,
# pkg/sql/conn_executor.go
WRITE_TOO_OLD = _restart(
    "WriteTooOldError: write for key /Table/104/1/1/0 at timestamp 1722882686.481050825,0 too old; "
    "must write at or above 1722882686.482505999,1",
    "retry_write_too_old",
)
SERIALIZABLE = _restart(
    "TransactionRetryError: retry txn (RETRY_SERIALIZABLE - failed preemptive refresh due to conflicting locks on "
    "/Table/104/1/1/0 [reason=wait_policy])",
    "retry_serializable",
)
ABORTED = _restart("TransactionAbortedError(ABORT_REASON_CLIENT_REJECT)", "abort_reason_client_reject")
OLD_RETRY = ServerError("CR000", f"restart transaction: HandledRetryableTxnError: {_META}")
DEADLOCK = ServerError("40P01", "deadlock detected")
AMBIGUOUS = ServerError(
    "40003",
    "result is ambiguous: error=rpc error: code = Unavailable desc = error reading from server: EOF [exhausted]",
)
CANCELED = ServerError("57014", "query execution canceled due to statement timeout")
SHUTTING_DOWN = ServerError("57P01", "server is shutting down", severity="FATAL")
NOT_ACCEPTING = ServerError("57P01", "server is not accepting clients, try another node", severity="FATAL")
TOO_MANY = ServerError("53300", "sorry, too many clients already", severity="FATAL")
UNKNOWN_RESOLUTION = ServerError("08007", "transaction resolution unknown")
UNAVAILABLE = ServerError("58C00", "replica unavailable: (n1,s1):1 unable to serve request to r51:/Table/104/{1-2}")
INTERNAL = ServerError("XX000", "internal error: expected *DString, found tree.dNull")
UNCATEGORISED = ServerError("XXUUU", "context deadline exceeded")
SCHEMA_CHANGE_FAILED = ServerError(
    "XXA00",
    "transaction committed but schema change aborted with error: (23505): "
    'failed to ingest index entries: duplicate key value violates unique constraint "balances"',
    "Some of the non-DDL statements may have committed successfully, but some of the DDL statement(s) failed.\n"
    "Manual inspection may be required to determine the actual state of the database.",
)
NEEDS_TLS = ServerError("08P01", "node is running secure mode, SSL connection required")


# When something goes wrong, and what.


def statement(words: str) -> Callable[[str], bool]:
    """Want a query one of whose statements begins with these words."""
    pattern = re.compile(rf"(^|;)\s*{words}\b", re.IGNORECASE)
    return lambda text: pattern.search(text) is not None


def is_(point: str) -> Callable[[str], bool]:
    """Want one of START_UP, PASSWORD, COPY_DONE."""
    return lambda text: text == point


def anything(text: str) -> bool:
    return True


@dataclass
class Fault:
    """What to do with the messages that ``when`` wants: with so many of them, beginning with the n-th."""

    when: Callable[[str], bool]
    do: Action
    times: float = 1
    nth: int = 1
    seen: int = field(default=0, init=False)

    @property
    def fired(self) -> bool:
        """Whether it acted as often as it was meant to; once, if that is for ever."""
        return self.seen >= self.nth + (0 if self.times == math.inf else self.times - 1)

    def wants(self, text: str) -> bool:
        if not self.when(text):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times


def pass_on(exchange: Exchange) -> None:
    """Do nothing."""
    exchange.pass_on()


def cut_before(exchange: Exchange) -> None:
    """Cut both connections; the server never heard of it."""
    exchange.cut()


def cut_after(exchange: Exchange) -> None:
    """Let the server do it and cut both connections; the client hears nothing."""
    exchange.finish()
    exchange.cut()


def reset_after(exchange: Exchange) -> None:
    """Do as cut_after, but as a machine does that forgot the connection: by a TCP reset."""
    exchange.finish()
    exchange.cut(reset=True)


def cut_within(share: float) -> Action:
    """Let the server do it and give the client a share of the answer's bytes: always less than all of them."""

    def act(exchange: Exchange) -> None:
        answer = b"".join(message.wire for message in exchange.finish())
        exchange.client.send(answer[: min(int(len(answer) * share), len(answer) - 1)])
        exchange.cut()

    return act


def instead(error: ServerError) -> Action:
    """Answer with an error, and don't send it to the server; a FATAL one also ends both connections."""

    def act(exchange: Exchange) -> None:
        if error.severity == "FATAL":
            exchange.client.send(error.message.wire)
            exchange.cut()
        else:
            exchange.tell([error.message, Message(_READY, exchange.abort())])

    return act


def afterwards(error: ServerError) -> Action:
    """Let the server do it, and replace its answer by an error; a FATAL one also ends both connections.

    In a transaction the server's is aborted then; a COMMIT, or what stands by itself, stays committed.
    """

    def act(exchange: Exchange) -> None:
        exchange.finish()
        if error.severity == "FATAL":
            exchange.client.send(error.message.wire)
            exchange.cut()
        else:
            exchange.tell([error.message, Message(_READY, exchange.fail())])

    return act


def error_and_cut(error: ServerError) -> Action:
    """Answer with an error and cut both connections before the ReadyForQuery behind it."""

    def act(exchange: Exchange) -> None:
        exchange.client.send(error.message.wire)
        exchange.cut()

    return act


def tagged_rollback(exchange: Exchange) -> None:
    """Roll back, and answer without an error, by the tag ROLLBACK: what a COMMIT that fails says."""
    exchange.tell([Message(_COMPLETE, b"ROLLBACK\0"), Message(_READY, exchange.abort())])


def delay(seconds: float) -> Action:
    """Wait before it is sent to the server."""

    def act(exchange: Exchange) -> None:
        time.sleep(seconds)
        exchange.pass_on()

    return act


def trickle(exchange: Exchange) -> None:
    """Give the client the answer byte by byte."""
    for byte in b"".join(message.wire for message in exchange.finish()):
        exchange.client.send(bytes([byte]))


def never_answer(exchange: Exchange) -> None:
    """Swallow it, and all that follows, until the connection is closed."""
    while True:
        exchange.client.read()


# How it is done.


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
        if self.kind == _QUERY:
            return self.body.rstrip(b"\0").decode()
        return {b"": START_UP, _PASSWORD: PASSWORD, _COPY_DONE: COPY_DONE, _COPY_FAIL: COPY_DONE}.get(self.kind)

    @property
    def asks(self) -> bool:
        """Whether the server waits for the client to go on."""
        return self.kind == _COPY_IN or (self.kind == _AUTHENTICATION and self.code not in _NO_WORD_NEEDED)


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


class Link:
    """One client's connection and ours to the server behind it, served by a thread of its own."""

    def __init__(self, proxy: Proxy, number: int, client: socket.socket) -> None:
        self.proxy = proxy
        self.number = number
        self.client = Wire(client)
        self.server = self.client  # until there is one
        self.status = _IDLE
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        try:
            with suppress(OSError, EOFError):
                if self._start():
                    self._relay()
        finally:
            self.client.close()
            self.server.close()

    def hang_up(self) -> None:
        self.client.hang_up()
        self.server.hang_up()

    def _start(self) -> bool:
        """Lead the client through what comes before the first query; False if nothing follows."""
        while (opening := self.client.read(typed=False)).code in {_TLS, _GSS}:
            secure = self.proxy.tls if opening.code == _TLS else None
            self.client.send(b"S" if secure else b"N")
            if secure:
                self.client.secure(secure)
        if self.proxy.tls and not isinstance(self.client.socket, ssl.SSLSocket):
            self.client.send(NEEDS_TLS.message.wire)
            return False
        self.server = Wire(_connected(self.proxy.upstream))
        if opening.code == _CANCEL:
            self.server.send(opening.wire)
            return False
        self._from_client(opening)
        return True

    def _relay(self) -> None:
        while True:
            ready, _, _ = select.select([self.client, self.server], [], [])
            for side in ready:
                side.fill()
                while message := side.take():
                    if side is self.client:
                        self._from_client(message)
                    else:
                        self._from_server(message)

    def _from_client(self, message: Message) -> None:
        act = self.proxy.noted(self.number, message.point) if message.point else pass_on
        act(Exchange(self, message))

    def _from_server(self, message: Message) -> None:
        self._note(message)
        self.client.send(message.wire)

    def _note(self, message: Message) -> None:
        if message.kind == _READY:
            self.status = message.body

    def hear(self) -> Message:
        """Wait for the server's next message."""
        message = self.server.read()
        self._note(message)
        return message

    def lead(self) -> None:
        """Pass on to the server what it waits for: a password, or the data of a COPY up to their end."""
        while (message := self.client.read()).kind not in {_PASSWORD, _COPY_DONE, _COPY_FAIL}:
            self.server.send(message.wire)
        self.proxy.noted(self.number, message.point or "")
        self.server.send(message.wire)


class Exchange:
    """One message that waits for its answer, as the function sees it that acts on it."""

    def __init__(self, link: Link, message: Message) -> None:
        self.client = link.client
        self._link = link
        self._message = message

    def pass_on(self) -> None:
        """Let all go its way."""
        self._link.server.send(self._message.wire)

    def finish(self) -> list[Message]:
        """Let the server do it; gives the last part of the answer, of which the client has heard nothing."""
        self.pass_on()
        held: list[Message] = []
        try:
            while not held or held[-1].kind != _READY:
                held.append(self._link.hear())
                if held[-1].asks:
                    self.tell(held)
                    held.clear()
                    self._link.lead()
        except EOFError:  # the server refused the connection
            self.tell(held)
            raise
        return held

    def tell(self, messages: Sequence[Message]) -> None:
        """Send messages to the client."""
        self.client.send(b"".join(message.wire for message in messages))

    def cut(self, *, reset: bool = False) -> None:
        """End both connections."""
        self._link.client.close(reset=reset)
        self._link.server.close()
        raise EOFError

    def abort(self) -> bytes:
        """Leave the server as the message would, had it failed; gives the state that a client is told then."""
        text = self._message.point or ""
        if text == COPY_DONE:
            self._ask(Message(_COPY_FAIL, b"aborted by the proxy\0"))
        elif _ENDS.fullmatch(text):
            self._ask(_query("ROLLBACK"))
        elif self._link.status == _IN_TRANSACTION or _BEGINS.match(text):
            self.fail(begin=self._link.status == _IDLE)
        return self._link.status

    def fail(self, *, begin: bool = False) -> bytes:
        """Abort the server's transaction, if there is one; gives the state that a client is told then."""
        if begin or self._link.status == _IN_TRANSACTION:
            self._ask(_query("BEGIN; SELECT 1/0" if begin else "SELECT 1/0"))
            assert self._link.status == _ABORTED
        return self._link.status

    def _ask(self, message: Message) -> None:
        """Have a word with the server alone."""
        self._link.server.send(message.wire)
        while self._link.hear().kind != _READY:
            pass


Action = Callable[[Exchange], None]


def _query(text: str) -> Message:
    return Message(_QUERY, text.encode() + b"\0")


class Sent(NamedTuple):
    """A logged message: the number of its connection, from 1 on, and its text."""

    connection: int
    text: str


class Proxy:
    """Listens on a port of its own before the server of a target, until it is closed.

    ``target`` leads through it. With ``tls`` it speaks TLS to its clients, and to no others. ``rules`` are the faults
    to come; ``sent`` is the log with the numbers of the connections.
    """

    def __init__(self, upstream: Target, *, tls: ssl.SSLContext | None = None) -> None:
        self.upstream = upstream
        self.tls = tls
        self.rules: list[Fault] = []
        self.sent: list[Sent] = []
        self._lock = threading.Lock()
        self._links: list[Link] = []
        self._place = _bound(0)  # keeps the port while nobody listens there
        self.port = int(self._place.getsockname()[1])
        self.accept()

    @property
    def target(self) -> Target:
        rest = {key: value for key, value in self.upstream.items() if not key.startswith("ssl")}
        return Target(rest).having(host="127.0.0.1", port=str(self.port), sslmode="disable", gssencmode="disable")

    @property
    def log(self) -> list[str]:
        """The texts of all messages that waited for an answer, in order."""
        return [sent.text for sent in self.sent]

    @property
    def connections(self) -> int:
        """How many connections were accepted so far."""
        return len(self._links)

    def noted(self, number: int, text: str) -> Action:
        """Log a text, and give what is to be done about it."""
        with self._lock:
            self.sent.append(Sent(number, text))
            return next((fault.do for fault in self.rules if fault.wants(text)), pass_on)

    def accept(self) -> None:
        """Listen, or listen again."""
        self._listener = _bound(self.port)
        self._listener.listen(128)
        self._thread = threading.Thread(target=self._listen, args=(self._listener,), daemon=True)
        self._thread.start()

    def refuse(self) -> None:
        """Let new connections be refused; those that are open stay."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def cut(self) -> None:
        """Cut all open connections."""
        for link in self._links:
            link.hang_up()
            link.thread.join()

    def close(self) -> None:
        self.refuse()
        self.cut()
        self._place.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _listen(self, listener: socket.socket) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = listener.accept()
                link = Link(self, self.connections + 1, client)
                self._links.append(link)
                link.thread.start()


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(("127.0.0.1", port))
    return bound


def _connected(target: Target) -> socket.socket:
    """Connect to the server, by TLS where its URL asks for that."""
    host = target["host"].split(",")[0]
    plain = socket.create_connection((host, int(target.get("port", "5432").split(",")[0])))
    if target.get("sslmode") not in {"require", "verify-ca", "verify-full"}:
        return plain
    plain.sendall(Message(b"", _TLS.to_bytes(4)).wire)
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
