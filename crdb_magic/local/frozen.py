"""Stands in for a local server where a recording has the answers: nothing runs."""

from __future__ import annotations

import os
from pathlib import Path

from crdb_magic.environment import FROZEN
from crdb_magic.local.server import LocalServer


class NoServer(LocalServer):
    """What a program holds instead of a server: connections go to the recording, whatever their URL.

    Its own URL leads nowhere: no host name ends in .invalid (RFC 2606). Its user and database are those of a local
    server. There is no log, and so no ``folder`` with one.
    """

    def __init__(self) -> None:
        self.url = "postgresql://root@frozen.invalid/defaultdb?sslmode=disable"
        self.description = "a recording, instead of a local server"
        self.folder = Path(os.devnull)

    def stop(self) -> None:
        """Do nothing: nothing runs."""


def start(directory: Path | None = None) -> LocalServer:
    """Start a server, in memory or in a temporary folder, or on the data kept in a directory.

    Kept data is served by the engine that wrote it. If CRDB_MAGIC_FROZEN names a recording, no server is started.
    Raises LocalServerError with what to do about it.
    """
    if os.environ.get(FROZEN):
        return NoServer()
    from crdb_magic.local.launching import choose_engine, launch

    return launch(directory, choose_engine)
