"""From a folder and an engine to a server that answers."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing, suppress
from typing import TYPE_CHECKING, Protocol

from crdb_magic.errors import LocalServerError
from crdb_magic.local.account import server_account
from crdb_magic.local.binaries import find_cockroach, find_postgres
from crdb_magic.local.cockroach import Cockroach
from crdb_magic.local.folder import FolderKind, open_folder
from crdb_magic.local.lifeline import Lifeline
from crdb_magic.local.postgres import PortTakenError, Postgres, free_port
from crdb_magic.local.server import LocalServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from crdb_magic.local.folder import Folder
    from crdb_magic.local.lifeline import Job

_LIMIT = 60.0  # seconds until a server must answer
_INTERVAL = 0.005  # seconds between two looks
_PORTS = 5  # how many to try


class Engine(Protocol):
    """What to run, and how to see that it is there."""

    @property
    def kind(self) -> FolderKind: ...  # noqa: D102

    def describe(self, folder: Folder) -> str: ...  # noqa: D102
    def job(self, folder: Folder) -> Job: ...  # noqa: D102
    def url(self, folder: Folder) -> str | None: ...  # noqa: D102
    def set_up(self, folder: Folder) -> None: ...  # noqa: D102
    def failure(self, folder: Folder) -> LocalServerError: ...  # noqa: D102


def launch(directory: Path | None, choose: Callable[[FolderKind | None], Engine]) -> LocalServer:
    """Start the engine that is chosen, and choose again if its port was taken meanwhile."""
    try:
        for _ in range(_PORTS - 1):
            with suppress(PortTakenError):
                return _launch(directory, choose)
        return _launch(directory, choose)
    except OSError as error:
        raise LocalServerError(f"The local server could not be started: {error}") from error


def choose_engine(kept: FolderKind | None) -> Engine:
    """Choose by what is on this machine, unless data of one kind is there already."""
    if kept is FolderKind.POSTGRESQL:
        return _postgres("its kept data is PostgreSQL's")
    if cockroach := find_cockroach():
        return Cockroach(cockroach)
    if kept is FolderKind.COCKROACHDB:
        raise LocalServerError(
            "The directory holds data of CockroachDB, and there is no cockroach program to serve it.",
            hint="Set COCKROACH_BINARY to one, or name another directory.",
        )
    return _postgres("no cockroach binary found")


def _postgres(reason: str) -> Postgres:
    account = server_account()
    return Postgres(find_postgres(account), account, free_port(), reason)


def _launch(directory: Path | None, choose: Callable[[FolderKind | None], Engine]) -> LocalServer:
    with ExitStack() as failing, closing(open_folder(directory)) as folder:
        lifeline = Lifeline(folder)
        failing.callback(lifeline.stop)
        server = _serve(folder, lifeline, choose)
        failing.pop_all()
    return server


def _serve(folder: Folder, lifeline: Lifeline, choose: Callable[[FolderKind | None], Engine]) -> LocalServer:
    engine = choose(folder.kind)
    lifeline.run(engine.job(folder))
    url = _wait(engine, folder, lifeline)
    engine.set_up(folder)
    folder.finish(engine.kind)
    return LocalServer(url, engine.describe(folder), folder.path, lifeline)


def _wait(engine: Engine, folder: Folder, lifeline: Lifeline) -> str:
    until = time.monotonic() + _LIMIT
    while time.monotonic() < until:
        if lifeline.ended(within=_INTERVAL):
            raise engine.failure(folder)
        if url := engine.url(folder):
            return url
    raise LocalServerError(f"The local server does not answer. Its last log lines:\n{folder.last_lines()}")
