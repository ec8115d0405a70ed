"""Which target is meant, and where each part of it comes from: as libpq puts it together."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

from crdb_magic.core.libpq_files import find_service, has_password, is_open, password_file
from crdb_magic.core.target import SSLMODES, URL_VARIABLES, Target
from crdb_magic.doctor.report import Said, note
from crdb_magic.errors import OptionError
from crdb_magic.session.connecting import is_keyword

# https://www.postgresql.org/docs/current/libpq-envars.html, of what is looked at here
_VARIABLES = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
}
# What of them is shown with its value; of a password, only where it comes from; of all else, nothing (core/target.py).
_SHOWN = ("host", "hostaddr", "port", "user", "dbname", "service", "sslmode", "sslrootcert", "sslcert", "sslkey")
_DEFAULT = "libpq's default"
_PORT = "5432"
_LAST_PORT = 65535
Unlock = Callable[[Target], Target]


def as_it_is(target: Target) -> Target:
    """Leave a target without a password that it does not have."""
    return target


class ParameterOrigin(NamedTuple):
    """The value of a parameter, and where it comes from."""

    value: str
    origin: str


class HostAddress(NamedTuple):
    """A host as it is named (empty if none is), the address or name to go to, and the port."""

    host: str
    address: str
    port: int

    @property
    def called(self) -> str:
        """By what it is called: its name, else its address."""
        return self.host or self.address

    @property
    def is_socket(self) -> bool:
        """Whether it is a Unix socket."""
        return not self.address or self.address.startswith(("/", "@"))


@dataclass(frozen=True, slots=True)
class ResolvedTarget:
    """A target as it is handed to libpq, and what libpq makes of it: each parameter with its origin.

    ``remarks`` are about a file of passwords that libpq ignores.
    """

    target: Target
    parts: Mapping[str, ParameterOrigin]
    remarks: tuple[Said, ...] = ()

    def __getitem__(self, key: str) -> str:
        """Give the value of a parameter, empty if it has none."""
        return self.parts[key].value if key in self.parts else ""

    @property
    def places(self) -> tuple[HostAddress, ...]:
        """The hosts with their ports, in the order in which libpq tries them."""
        hosts, addresses = self["host"].split(","), self["hostaddr"].split(",")
        many = max(len(hosts), len(addresses))
        ports = islice(cycle(self["port"].split(",")), many)
        named = zip(islice(cycle(hosts), many), islice(cycle(addresses), many), ports, strict=True)
        return tuple(HostAddress(host, address or host, int(port or _PORT)) for host, address, port in named)

    @property
    def in_words(self) -> str:
        """Say what each part is and where it comes from, and no secret."""
        by_origin: dict[str, list[str]] = {}
        for key in filter(self.parts.__contains__, (*_SHOWN, "password")):
            value, origin = self.parts[key]
            by_origin.setdefault(origin, []).append(key if key == "password" else f"{key} {value}")
        return "; ".join(f"{', '.join(told)} ({origin})" for origin, told in by_origin.items())


def read_meant(
    asked: str | Target, environment: Mapping[str, str], home: Path, unlock: Unlock = as_it_is
) -> ResolvedTarget:
    """Find out what is meant by a URL, keywords, a target, or nothing: the environment.

    Raises :class:`OptionError` for what can't be read, ports or an sslmode that are none, and a service that is in no
    file, or that libpq can't read there.
    """
    named, origin = _asked(asked, environment)
    target = unlock(named)
    parts = {key: ParameterOrigin(value, origin if key in named else "asked for") for key, value in target.items()}
    sources = (_of_service(parts, environment, home), _of_variables(environment))
    for key, part in (pair for source in sources for pair in source):
        parts.setdefault(key, part)
    parts.setdefault("port", ParameterOrigin(_PORT, _DEFAULT))
    if "user" not in parts:
        parts["user"] = ParameterOrigin(_user(), "this machine's user")
    parts.setdefault("dbname", ParameterOrigin(parts["user"].value, _DEFAULT))
    parts.setdefault("sslmode", ParameterOrigin(_mode(parts), _DEFAULT))
    if parts["sslmode"].value not in SSLMODES:
        raise OptionError(f"The sslmode ({parts['sslmode'].origin}) is none of {', '.join(SSLMODES)}.")
    meant = ResolvedTarget(target, parts)
    _check_ports(meant)
    file = password_file({**environment, **_named(parts, "passfile", "PGPASSFILE")}, home)
    return meant if "password" in parts else _with_file(meant, file)


def _check_ports(meant: ResolvedTarget) -> None:
    ports, origin = meant["port"].split(","), meant.parts["port"].origin
    if not all(not port or (port.isdecimal() and 0 < int(port) <= _LAST_PORT) for port in ports):
        raise OptionError(f"The port is no number from 1 to {_LAST_PORT} ({origin}).")
    if len(ports) not in {1, len(meant.places)}:
        raise OptionError(f"There are {len(ports)} ports ({origin}): write one for all hosts, or one for each.")


def _with_file(meant: ResolvedTarget, file: Path) -> ResolvedTarget:
    """Add where the password comes from, if it comes from a file of passwords, or why libpq ignores that."""
    # The default socket is called localhost there.
    wanted = ((one.called or "localhost", str(one.port), meant["dbname"], meant["user"]) for one in meant.places)
    try:
        if not S_ISREG(file.stat().st_mode):
            return meant
        if is_open(file):
            return _remarking(meant, f"{file} may be read by others, so libpq ignores it", f"chmod 600 {file}")
        is_known = any(has_password(file, one) for one in wanted)
    except PermissionError:
        said = f"{file} can't be read by this user, so libpq ignores it"
        return _remarking(meant, said, "chown it, or name another one by PGPASSFILE.")
    except OSError:  # there is none
        return meant
    return replace(meant, parts={**meant.parts, "password": ParameterOrigin("", str(file))}) if is_known else meant


def _remarking(meant: ResolvedTarget, said: str, todo: str) -> ResolvedTarget:
    return replace(meant, remarks=(note(said, todo),))


def _asked(asked: str | Target, environment: Mapping[str, str]) -> tuple[Target, str]:
    if isinstance(asked, Target):
        return asked, "the connection"
    if asked:
        return Target.parse(asked), "the URL" if "://" in asked else "the keywords"
    name = next((name for name in URL_VARIABLES if environment.get(name)), "")
    return Target.from_environment(environment), name


def _of_service(
    parts: Mapping[str, ParameterOrigin], environment: Mapping[str, str], home: Path
) -> Iterator[tuple[str, ParameterOrigin]]:
    name = parts["service"].value if "service" in parts else environment.get("PGSERVICE", "")
    if not name:
        return
    try:
        found = find_service(name, environment, home)
    except OSError as error:
        raise OptionError(f"The file of the service {name} can't be read: {error}.", hint="chown it.") from None
    if found is None:
        raise OptionError(
            f"The service {name} is in no service file.",
            hint="look into ~/.pg_service.conf, PGSERVICEFILE and PGSYSCONFDIR.",
        )
    file, lines = found
    if faulty := next((line for line in lines if not is_keyword(line.key)), None):
        raise OptionError(
            f"Line {faulty.number} of {file} has no parameter of libpq's: it reads nothing of the service {name} then.",
            hint="write keyword=value, the keyword in small letters, and no blank before the =.",
        )
    yield from ((line.key, ParameterOrigin(line.value, f"service {name} in {file}")) for line in lines)


def _of_variables(environment: Mapping[str, str]) -> Iterator[tuple[str, ParameterOrigin]]:
    return (
        (key, ParameterOrigin(environment[name], name)) for key, name in _VARIABLES.items() if environment.get(name)
    )


def _user() -> str:
    """Give the name that libpq takes: of the process's user, whatever the environment says."""
    try:
        import pwd
    except ImportError:  # Windows
        return getpass.getuser()
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise OptionError(
            f"No user is named, and the system knows no name for the user {os.geteuid()} of this process.",
            hint="name one: postgresql://USER@host:26257/database, or PGUSER.",
        ) from None


def _mode(parts: Mapping[str, ParameterOrigin]) -> str:
    """Give libpq's default sslmode, which is another one where the system's authorities are named."""
    return "verify-full" if "sslrootcert" in parts and parts["sslrootcert"].value == "system" else "prefer"


def _named(parts: Mapping[str, ParameterOrigin], key: str, name: str) -> dict[str, str]:
    return {name: parts[key].value} if key in parts else {}
