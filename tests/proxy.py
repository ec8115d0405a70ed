"""A proxy between psycopg2 and the server under test, which breaks what passes through it at a chosen point.

::

    with Proxy(target) as proxy:
        session = Session(proxy.target)
        proxy.rules.append(Fault(statement("COMMIT"), cut_after))

Each client message that waits for an answer is a point: a query, the start of a connection, a password, the end of
the data of a COPY. It is logged by its text (``proxy.log``, whose length counts the round trips), and the first fault
of ``proxy.rules`` (see ``faults``) that wants it acts; the others do not see it. Behind those come the rules of the
proxy's personality (see ``personality``), if it has one.
"""

from __future__ import annotations

import re
import select
import socket
import ssl
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple, Self

import wire
from faults import NEEDS_TLS, Action, Fault, pass_on
from personality import ITSELF, Personality
from wire import COPY_DONE, Message, Wire, query

from crdb_magic.core.target import Target

_BEGINS = re.compile(r"\s*(BEGIN|START\s+TRANSACTION)\b", re.IGNORECASE)
_ENDS = re.compile(r"\s*(COMMIT|END|ROLLBACK|ABORT)\s*;?\s*(SHOW COMMIT TIMESTAMP)?", re.IGNORECASE)


class Sent(NamedTuple):
    """A logged message: the number of its connection, from 1 on, and its text."""

    connection: int
    text: str


class Proxy:
    """Listens on a port of its own before the server of a target, until it is closed.

    ``target`` leads through it. With ``tls`` it speaks TLS to its clients, and to no others. ``rules`` are the faults
    to come; ``sent`` is the log with the numbers of the connections. ``personality`` is the server that it plays.
    """

    def __init__(
        self, upstream: Target, *, tls: ssl.SSLContext | None = None, personality: Personality = ITSELF
    ) -> None:
        self.upstream = upstream
        self.tls = tls
        self.personality = personality
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
            rules = (*self.rules, *self.personality.rules)
            return next((fault.do for fault in rules if fault.wants(text)), pass_on)

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


class Link:
    """One client's connection and ours to the server behind it, served by a thread of its own."""

    def __init__(self, proxy: Proxy, number: int, client: socket.socket) -> None:
        self.proxy = proxy
        self.number = number
        self.client = Wire(client)
        self.server = self.client  # until there is one
        self.status = wire.IDLE
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
        while (opening := self.client.read(typed=False)).code in {wire.TLS, wire.GSS}:
            secure = self.proxy.tls if opening.code == wire.TLS else None
            self.client.send(b"S" if secure else b"N")
            if secure:
                self.client.secure(secure)
        if self.proxy.tls and not isinstance(self.client.socket, ssl.SSLSocket):
            self.client.send(NEEDS_TLS.message.wire)
            return False
        self.server = Wire(wire.connected(self.proxy.upstream))
        if opening.code == wire.CANCEL:
            self.server.send(opening.wire)
            return False
        self._from_client(opening)
        return True

    def _relay(self) -> None:
        while True:
            ready, _, _ = select.select([self.server, self.client], [], [])
            side, handle = ready[0], self._from_server if ready[0] is self.server else self._from_client
            side.fill()  # of one side at a time: what is done about it may read the other
            while message := side.take():
                handle(message)

    def _from_client(self, message: Message) -> None:
        act = self.proxy.noted(self.number, message.point) if message.point else pass_on
        act(Exchange(self, self.proxy.personality.spelled(message)))

    def _from_server(self, message: Message) -> None:
        self.client.send(b"".join(one.wire for one in self._heard(message)))

    def _heard(self, message: Message) -> Sequence[Message]:
        if message.kind == wire.READY:
            self.status = message.body
        return self.proxy.personality.heard(message)

    def hear(self) -> Sequence[Message]:
        """Wait for the server's next message; gives it with what the personality adds."""
        return self._heard(self.server.read())

    def lead(self) -> None:
        """Pass on to the server what it waits for: a password, or the data of a COPY up to their end."""
        while (message := self.client.read()).kind not in {wire.PASSWORD_GIVEN, wire.COPY_DATA_DONE, wire.COPY_FAIL}:
            self.server.send(message.wire)
        self.proxy.noted(self.number, message.point or "")
        self.server.send(message.wire)


class Exchange:
    """One message that waits for its answer, as the function sees it that acts on it."""

    def __init__(self, link: Link, message: Message) -> None:
        self.client = link.client
        self.text = message.point or ""
        self._link = link
        self._message = message

    @property
    def status(self) -> bytes:
        """The server's state, as its last ReadyForQuery told it."""
        return self._link.status

    @property
    def in_transaction(self) -> bool:
        """Whether its last statement is within a transaction, be it one that the message begins."""
        return self.status == wire.IN_TRANSACTION or _BEGINS.match(self.text) is not None

    def pass_on(self) -> None:
        """Let all go its way."""
        self._link.server.send(self._message.wire)

    def finish(self) -> list[Message]:
        """Let the server do it; gives the last part of the answer, of which the client has heard nothing."""
        self.pass_on()
        held: list[Message] = []
        try:
            while not held or held[-1].kind != wire.READY:
                held.extend(self._link.hear())
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

    def next(self) -> str:
        """Wait for the client's next message, and log it; gives its text."""
        message = self.client.read()
        if message.point is None:  # it leaves
            raise EOFError
        self._link.proxy.noted(self._link.number, message.point)
        return message.point

    def cut(self, *, reset: bool = False) -> None:
        """End both connections."""
        self._link.client.close(reset=reset)
        self._link.server.close()
        raise EOFError

    def abort(self) -> bytes:
        """Leave the server as the message would, had it failed; gives the state that a client is told then."""
        if self.text == COPY_DONE:
            self._ask(Message(wire.COPY_FAIL, b"aborted by the proxy\0"))
        elif _ENDS.fullmatch(self.text):
            self.ask("ROLLBACK")
        elif self.in_transaction:
            self.fail(begin=self.status == wire.IDLE)
        return self.status

    def fail(self, *, begin: bool = False) -> bytes:
        """Abort the server's transaction, if there is one; gives the state that a client is told then."""
        if begin or self.status == wire.IN_TRANSACTION:
            self.ask("BEGIN; SELECT 1/0" if begin else "SELECT 1/0")
            assert self.status == wire.ABORTED
        return self.status

    def ask(self, text: str) -> list[Message]:
        """Have a word with the server alone; gives its answer."""
        return self._ask(query(text))

    def _ask(self, message: Message) -> list[Message]:
        self._link.server.send(message.wire)
        answer: list[Message] = []
        while not answer or answer[-1].kind != wire.READY:
            answer.extend(self._link.hear())
        return answer


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(("127.0.0.1", port))
    return bound
