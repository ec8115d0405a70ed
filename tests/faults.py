"""What goes wrong on the way between psycopg2 and a server, and when: what a test gives to the proxy's ``rules``.

A fault is a predicate on the text of a message, and an action. Where an action tells the client an error that the
server never raised, the server's transaction is aborted (by a statement that fails) or, at COMMIT, rolled back, and
the client is told the state that this leaves. What is cut off was done by the server before, or never reached it.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from wire import COMPLETE, ERROR, READY, Message, Wire


class Exchange(Protocol):
    """One message that waits for its answer, as an action sees it.

    ``client`` is the socket towards psycopg2, ``text`` what the message says, ``status`` the state (of a
    ReadyForQuery) in which the server is.
    """

    client: Wire
    text: str
    status: bytes
    in_transaction: bool

    def pass_on(self) -> None:
        """Let all go its way."""

    def ask(self, text: str) -> list[Message]:
        """Have a word with the server alone; gives its answer."""

    def next(self) -> str:
        """Wait for the client's next message, and log it; gives its text."""

    def finish(self) -> list[Message]:
        """Let the server do it; gives the last part of the answer, of which the client has heard nothing."""

    def tell(self, messages: Sequence[Message]) -> None:
        """Send messages to the client."""

    def cut(self, *, reset: bool = False) -> None:
        """End both connections."""

    def abort(self) -> bytes:
        """Leave the server as the message would, had it failed; gives the state that a client is told then."""

    def fail(self) -> bytes:
        """Abort the server's transaction, if there is one; gives the state that a client is told then."""


Action = Callable[[Exchange], None]


# When, and how often.


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


# What.


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


def error_within(share: float, error: ServerError) -> Action:
    """Let the server do it, and break its answer off by an error, behind a share of its messages."""

    def act(exchange: Exchange) -> None:
        answer = exchange.finish()
        exchange.tell(answer[: int(len(answer) * share)])
        exchange.tell([error.message, Message(READY, exchange.fail())])

    return act


def instead(error: ServerError) -> Action:
    """Answer with an error, and don't send it to the server; a FATAL one also ends both connections."""

    def act(exchange: Exchange) -> None:
        if error.severity == "FATAL":
            exchange.client.send(error.message.wire)
            exchange.cut()
        else:
            exchange.tell([error.message, Message(READY, exchange.abort())])

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
            exchange.tell([error.message, Message(READY, exchange.fail())])

    return act


def error_and_cut(error: ServerError) -> Action:
    """Answer with an error and cut both connections before the ReadyForQuery behind it."""

    def act(exchange: Exchange) -> None:
        exchange.client.send(error.message.wire)
        exchange.cut()

    return act


def tagged_rollback(exchange: Exchange) -> None:
    """Roll back, and answer without an error, by the tag ROLLBACK: what a COMMIT that fails says."""
    exchange.tell([Message(COMPLETE, b"ROLLBACK\0"), Message(READY, exchange.abort())])


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


# The errors that servers send, and how they word them.


@dataclass(frozen=True)
class ServerError:
    """An error as a server words it."""

    sqlstate: str
    text: str
    hint: str | None = None
    severity: str = "ERROR"
    detail: str | None = None

    @property
    def message(self) -> Message:
        fields = {"S": self.severity, "V": self.severity, "C": self.sqlstate}
        fields |= {"M": self.text, "D": self.detail, "H": self.hint}
        said = "".join(f"{key}{value}\0" for key, value in fields.items() if value)
        return Message(ERROR, said.encode() + b"\0")


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
