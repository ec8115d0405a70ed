"""The engine PostgreSQL, set up to stand in for CockroachDB: initdb, then `postgres` on the loopback."""

from __future__ import annotations

import shutil
import signal
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from crdb_magic.errors import LocalServerError
from crdb_magic.local.account import NAME
from crdb_magic.local.client import install_shims, name_database, url_of
from crdb_magic.local.copies import reachable_copy
from crdb_magic.local.folder import FolderKind
from crdb_magic.local.lifeline import Job, Program
from crdb_magic.local.password import make_password, password_file, password_of, take_back

if TYPE_CHECKING:
    from pathlib import Path

    from crdb_magic.local.account import Account
    from crdb_magic.local.binaries import Install
    from crdb_magic.local.folder import Folder

_INITDB = ("--no-instructions", "--username=root", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C")
_BUILTIN_LOCALE = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")  # bytes decide the order, Unicode upper()
_BUILTIN_LOCALE_SINCE = 17

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "default_transaction_isolation": "serializable",
    "deadlock_timeout": "100ms",
    "client_connection_check_interval": "500ms",  # a statement ends when its client is gone
    "search_path": '"$user", public, crdb_internal',  # the last one holds the shims
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%q%m [%p] ",  # only for sessions: what an error at the start shows is always the same
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "jit": "off",
    "track_commit_timestamp": "on",  # which snapshot shows an instant,
    "track_functions": "pl",  # and whether it was read truly: session/unchanged.py
}
_SETTINGS_SINCE = {18: {"io_method": "sync"}}  # no idle workers
# Nobody but the user commits, or changes a plan: autovacuum's ANALYZE is a transaction as well.
_EPHEMERAL_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}

_SHUTDOWN = ((signal.SIGINT, 60), (signal.SIGQUIT, 10), (signal.SIGKILL, 10))
_SHUTDOWN_EPHEMERAL = ((signal.SIGQUIT, 5), (signal.SIGKILL, 5))  # nothing is written that nobody will read

_PATIENCE = ((0, 20), (signal.SIGKILL, 10))  # initdb killed midway leaves shared memory behind


class PortTakenError(LocalServerError):
    """Another process took the port between our choice and the server's start."""


def free_port() -> int:
    """Give a port of the loopback that nobody listens on at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Postgres:
    """One start of PostgreSQL on a port; ``reason`` says why it is not CockroachDB."""

    install: Install
    account: Account | None
    port: int
    reason: str

    kind: ClassVar = FolderKind.POSTGRESQL

    def describe(self, folder: Folder) -> str:
        """Say in one line what this server is."""
        place = f", in {folder.path}" if folder.keep else ""
        return f"PostgreSQL {self.install.version} standing in for CockroachDB ({self.reason}){place}"

    def job(self, folder: Folder) -> Job:
        """Prepare the folder, and say what the watchdog is to run.

        Raises LocalServerError if the data can't be used: of another version, or out of the server's user's reach.
        """
        self._check_reach(folder)
        programs = self._programs(folder)
        server = Program(
            (str(programs / "postgres"), "-D", str(folder.data), *self._options(folder)),
            _SHUTDOWN if folder.keep else _SHUTDOWN_EPHEMERAL,
        )
        return Job(
            programs=(*self._first(programs, folder), server),
            folder=str(folder.path),
            inherit=(folder.lock,),
            user=self.account.uid if self.account else None,
            group=self.account.gid if self.account else None,
        )

    def url(self, folder: Folder) -> str | None:
        """Give the URL once the server says in its own folder that it is ready: on the port may be another one."""
        try:
            state = _pid_file(folder).read_text().splitlines()[7]
        except (FileNotFoundError, IndexError):
            return None
        return url_of(self.port, password_of(folder)) if state.strip() == "ready" else None

    def set_up(self, folder: Folder) -> None:
        """Make what CockroachDB has from the start."""
        password = password_of(folder)
        if not folder.kind:
            take_back(folder, self.account)
            name_database(self.port, password)
        install_shims(self.port, password)

    def failure(self, folder: Folder) -> LocalServerError:
        """Say why the server ended at its start."""
        error = LocalServerError if _is_free(self.port) else PortTakenError
        return error(f"PostgreSQL did not start. Its last log lines:\n{folder.last_lines()}")

    def _first(self, programs: Path, folder: Folder) -> tuple[Program, ...]:
        if folder.kind:
            self._check_version(folder)
            _pid_file(folder).unlink(missing_ok=True)  # of a crash: we have the lock, so its server is gone
            return ()
        folder.data.mkdir(mode=0o700)
        if self.account:
            shutil.chown(folder.data, self.account.uid, self.account.gid)
        make_password(folder, self.account)
        locale = _BUILTIN_LOCALE if self.install.major >= _BUILTIN_LOCALE_SINCE else ()
        sync = () if folder.keep else ("--no-sync",)
        password = f"--pwfile={password_file(folder)}"
        command = (str(programs / "initdb"), *_INITDB, password, *locale, *sync, "-D", str(folder.data))
        return (Program(command, _PATIENCE),)

    def _programs(self, folder: Folder) -> Path:
        if not self.install.hidden:
            return self.install.bin
        return reachable_copy(self.install.bin, folder.path / "programs")

    def _options(self, folder: Folder) -> tuple[str, ...]:
        settings = {**_SETTINGS, **({} if folder.keep else _EPHEMERAL_SETTINGS), "port": str(self.port)}
        for major, newer in _SETTINGS_SINCE.items():
            settings |= newer if self.install.major >= major else {}
        return tuple(f"--{name}={value}" for name, value in settings.items())

    def _check_reach(self, folder: Folder) -> None:
        if self.account and not self.account.can_enter(folder.path):
            raise LocalServerError(
                f"PostgreSQL runs as the user {NAME} here, who can't enter {folder.path}.",
                hint="Name a directory that every user can enter, for example below /var/tmp.",
            )

    def _check_version(self, folder: Folder) -> None:
        held = (folder.data / "PG_VERSION").read_text().strip()
        if held != str(self.install.major):
            raise LocalServerError(
                f"PostgreSQL {self.install.major} can't read the data in {folder.path}, which is of PostgreSQL {held}.",
                hint="Name another directory.",
            )


def _pid_file(folder: Folder) -> Path:
    return folder.data / "postmaster.pid"


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
