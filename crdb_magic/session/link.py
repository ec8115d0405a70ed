"""A connection that opens when it is needed, says which server answered, and is given up when lost."""

from __future__ import annotations

import psycopg2

from crdb_magic.core.server import Server
from crdb_magic.core.target import Target
from crdb_magic.session.driver import Connection, connect
from crdb_magic.session.translation import refused


class Link:
    """One connection to a target, opened again after it was lost."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._connection: Connection | None = None
        self._server: Server | None = None

    @property
    def connection(self) -> Connection:
        """The open connection; raises :class:`ConnectionFailedError` if there can't be one."""
        if self._connection is None or self._connection.closed:
            self._connection = self._open()
        return self._connection

    @property
    def server(self) -> Server:
        """The server that answered."""
        if self._server is None:
            _ = self.connection
        assert self._server is not None  # noqa: S101 - _open sets it
        return self._server

    def _open(self) -> Connection:
        try:
            connection = connect(self.target)
            self._server = Server.identify(connection.info.parameter_status("crdb_version"), connection.server_version)
            with connection.cursor() as cursor:
                cursor.execute("; ".join(self._server.settings))
        except psycopg2.Error as error:
            raise refused(error, self.target) from error
        return connection

    def discard(self) -> None:
        """Close the connection, whatever state it is in."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
