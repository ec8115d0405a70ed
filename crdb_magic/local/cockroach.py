"""The engine CockroachDB: one insecure node on the loopback, in memory unless its data is kept."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from crdb_magic.errors import LocalServerError
from crdb_magic.local.client import answers, url_of
from crdb_magic.local.folder import FolderKind
from crdb_magic.local.lifeline import Job, Program

if TYPE_CHECKING:
    from pathlib import Path

    from crdb_magic.local.folder import Folder

_OPTIONS = ("--insecure", "--listen-addr=127.0.0.1:0", "--http-addr=127.0.0.1:0")
_IN_MEMORY = "--store=type=mem,size=0.20"  # of the machine's memory, as CockroachDB's own test server does

_SHUTDOWN = ((signal.SIGTERM, 60), (signal.SIGKILL, 10))
_SHUTDOWN_EPHEMERAL = ((signal.SIGTERM, 3), (signal.SIGKILL, 10))


@dataclass(frozen=True, slots=True)
class Cockroach:
    """One start of CockroachDB; it chooses its port itself."""

    program: Path

    kind: ClassVar = FolderKind.COCKROACHDB

    def describe(self, folder: Folder) -> str:
        """Say in one line what this server is."""
        return f"CockroachDB single node, in {folder.path if folder.keep else 'memory'}"

    def job(self, folder: Folder) -> Job:
        """Say what the watchdog is to run."""
        _url_file(folder).unlink(missing_ok=True)
        store = f"--store=path={folder.data}" if folder.keep else _IN_MEMORY
        listening = f"--listening-url-file={_url_file(folder)}"
        server = Program(
            (str(self.program), "start-single-node", *_OPTIONS, store, listening),
            _SHUTDOWN if folder.keep else _SHUTDOWN_EPHEMERAL,
        )
        return Job((server,), str(folder.path), inherit=(folder.lock,))

    def url(self, folder: Folder) -> str | None:
        """Give the URL once the server answers at the port that it wrote down."""
        try:
            written = _url_file(folder).read_text()
        except FileNotFoundError:
            return None
        port = re.search(r"@[^/?]*:(\d+)[/?]", written)  # the file may be empty, or end within the port
        url = url_of(int(port[1])) if port else None
        return url if url and answers(url) else None

    def set_up(self, folder: Folder) -> None:
        """Do nothing: it has all that it needs."""

    def failure(self, folder: Folder) -> LocalServerError:
        """Say why the server ended at its start."""
        return LocalServerError(f"CockroachDB did not start. Its last log lines:\n{folder.last_lines()}")


def _url_file(folder: Folder) -> Path:
    return folder.path / "listening-url"
