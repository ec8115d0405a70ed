"""The way to a server, asked step by step: addresses, a connection, what it answers to PostgreSQL's request for TLS."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import NamedTuple

from crdb_magic.core.amounts import duration
from crdb_magic.doctor.resolved_target import HostAddress
from crdb_magic.session.connecting import within
from crdb_magic.session.sockets import SSL_REQUEST

_IPV6 = "v6"


class Address(NamedTuple):
    """An address of a place; ``family`` is v4 or v6."""

    place: HostAddress
    host: str
    family: str

    @property
    def where(self) -> tuple[str, int]:
        """What to connect to."""
        return self.host, self.place.port

    def __str__(self) -> str:
        host = f"[{self.host}]" if self.family == _IPV6 else self.host
        return f"{host}:{self.place.port}"


def addresses(place: HostAddress, timeout: float) -> tuple[Address, ...]:
    """Give all addresses of a place, best first; raises OSError."""
    look_up = partial(socket.getaddrinfo, place.address, place.port, type=socket.SOCK_STREAM)
    try:
        found = within(timeout, look_up)
    except UnicodeError:  # of an empty label, or a long one
        raise OSError(errno.EINVAL, "it is no host name") from None
    except TimeoutError:
        raise OSError(errno.ETIMEDOUT, f"no name server answers within {duration(timeout)}") from None
    families = {socket.AF_INET: "v4", socket.AF_INET6: _IPV6}
    return tuple(Address(place, str(where[0]), families.get(family, "")) for family, *_, where in found)


@dataclass(frozen=True, slots=True)
class Knock:
    """An address that was connected to: the seconds that it took, or why it could not be."""

    address: Address
    seconds: float | None = None
    error: OSError | None = None

    @property
    def reached(self) -> bool:
        """Whether somebody listens there."""
        return self.error is None


def knock(address: Address, timeout: float, timer: Callable[[], float]) -> Knock:
    """Connect within so many seconds, and leave."""
    before = timer()
    try:
        socket.create_connection(address.where, timeout).close()
    except OSError as error:
        return Knock(address, error=error)
    return Knock(address, timer() - before)


class Greeting(Enum):
    """What a listener makes of PostgreSQL's request for TLS."""

    TLS = "speaks PostgreSQL's protocol, and TLS"
    PLAIN = "speaks PostgreSQL's protocol, without TLS"
    REFUSED = "speaks PostgreSQL's protocol, and answers with an error"
    HTTP = "speaks HTTP, not PostgreSQL's protocol"
    SILENT = "never answers"
    FOREIGN = "does not speak PostgreSQL's protocol"


# One letter is the whole of two answers: SSH's banner begins with it. An error has its length behind it, or (that of a
# postmaster that can't fork) a text.
_ANSWERS = {
    b"S": Greeting.TLS,
    b"N": Greeting.PLAIN,
    b"E": Greeting.REFUSED,
    b"E\0": Greeting.REFUSED,
    b"Ec": Greeting.REFUSED,
}


def greet(address: Address, timeout: float) -> Greeting:
    """Ask for TLS as libpq does; where that is not understood, by HTTP. Raises OSError if nobody can be reached."""
    try:
        said = _answer(address, timeout, SSL_REQUEST, 2)
    except TimeoutError:
        return Greeting.HTTP if _speaks_http(address, timeout) else Greeting.SILENT
    return _ANSWERS.get(said) or (Greeting.HTTP if _speaks_http(address, timeout) else Greeting.FOREIGN)


def _speaks_http(address: Address, timeout: float) -> bool:
    try:
        return _answer(address, timeout, b"HEAD / HTTP/1.0\r\n\r\n", 4) == b"HTTP"
    except OSError:
        return False


def _answer(address: Address, timeout: float, sent: bytes, length: int) -> bytes:
    with socket.create_connection(address.where, timeout) as link:
        link.sendall(sent)
        try:
            return link.recv(length)
        except ConnectionError:
            return b""


@contextmanager
def handshake(address: Address, timeout: float, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    """Speak TLS with a server that offers it; raises OSError."""
    with socket.create_connection(address.where, timeout) as link:
        link.sendall(SSL_REQUEST)
        link.recv(1)
        with context.wrap_socket(link, server_hostname=address.place.called) as secure:
            yield secure
