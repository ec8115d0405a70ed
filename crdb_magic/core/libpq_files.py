"""The files of libpq that say where to connect and with which password: which entry counts, never a secret."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

# https://www.postgresql.org/docs/current/libpq-pgservice.html, libpq-pgpass.html
_COLON = re.compile(r"(?<!\\):")


class ServiceLine(NamedTuple):
    """A line of a service: its number in the file, and what stands on both sides of its ``=``."""

    number: int
    key: str
    value: str


def _service_files(environment: Mapping[str, str], home: Path) -> Iterator[Path]:
    """Name the service files that are there, in the order in which libpq reads them."""
    places = [Path(environment.get("PGSERVICEFILE") or home / ".pg_service.conf")]
    if folder := environment.get("PGSYSCONFDIR"):
        places.append(Path(folder) / "pg_service.conf")
    return (place for place in places if is_file(place))


def _service(file: Path, name: str) -> list[ServiceLine] | None:
    """Give the lines of a service in a file, None if it is not in it; of several with one key the first counts.

    libpq takes a key as it is written: in capitals, or with a blank before the ``=``, it is none of its own.
    """
    found: list[ServiceLine] | None = None
    for number, line in enumerate(map(str.strip, file.read_text(errors="replace").splitlines()), 1):
        if line.startswith("["):
            if found is not None:
                break
            found = [] if line == f"[{name}]" else None
        elif found is not None and line and not line.startswith(("#", "ldap:")):
            key, equals, value = line.partition("=")
            found.append(ServiceLine(number, key if equals else "", value))
    return found


def find_service(name: str, environment: Mapping[str, str], home: Path) -> tuple[Path, list[ServiceLine]] | None:
    """Give the file in which libpq finds a service, and its lines there; None if it is in none. Raises OSError."""
    found = ((file, _service(file, name)) for file in _service_files(environment, home))
    return next(((file, lines) for file, lines in found if lines is not None), None)


def is_file(path: str | Path) -> bool:
    """Whether a file is there, as far as this user may see; that of Path raises where he may not, up to Python 3.13."""
    return os.path.isfile(path)


def password_file(environment: Mapping[str, str], home: Path) -> Path:
    """Name the file of passwords, be it there or not."""
    return Path(environment.get("PGPASSFILE") or home / ".pgpass")


def is_open(file: Path) -> bool:
    """Whether others may read, or change, a file of passwords; libpq ignores it then."""
    return _allows(file, 0o077)


def is_open_key(file: Path) -> bool:
    """Whether they may a private key; libpq refuses it then. Root's may be read by a group (fe-secure-openssl.c)."""
    return _allows(file, 0o037 if file.stat().st_uid == 0 else 0o077)


def _allows(file: Path, modes: int) -> bool:
    return os.name == "posix" and bool(file.stat().st_mode & modes)


def has_password(file: Path, wanted: tuple[str, str, str, str]) -> bool:
    """Whether a line of the file gives a password for that host, port, database and user."""
    return any(_fits(line, wanted) for line in file.read_text(errors="replace").splitlines())


def _fits(line: str, wanted: tuple[str, ...]) -> bool:
    fields = [re.sub(r"\\(.)", r"\1", field) for field in _COLON.split(line)]
    told = fields[: len(wanted)]
    return (
        not line.startswith("#")
        and len(fields) > len(wanted)
        and all(one in ("*", other) for one, other in zip(told, wanted, strict=True))
    )
