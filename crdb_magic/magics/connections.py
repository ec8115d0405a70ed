"""The notebook's connections, by name, and the local servers that it started."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from crdb_magic.core.target import Target
from crdb_magic.errors import NotConnectedError, StatementError
from crdb_magic.local import LocalServer, NoServer, serving, start
from crdb_magic.session.driver import Connection
from crdb_magic.session.hooks import HOOKS
from crdb_magic.session.past_registry import KEEPERS
from crdb_magic.session.session import Session
from crdb_magic.session.snapshots import Keeper
from crdb_magic.sql.statements import BoundStatement, split

if TYPE_CHECKING:
    from crdb_magic.orm.database import CockroachDatabase

DEFAULT = "default"
Settings = Mapping[str, object]
NO_SETTINGS: Settings = MappingProxyType({})


class Connections:
    """Sessions by name, one of them current."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._servers: dict[tuple[Path | None, bool], LocalServer] = {}  # by folder; a real one, or one that is served
        self._keepers: list[Keeper] = []
        self._databases: dict[Session, CockroachDatabase] = {}
        self._current: str | None = None
        self._of_cell: ContextVar[str | None] = ContextVar("the connection of a Python cell", default=None)

    @property
    def current(self) -> str | None:
        """The connection that is meant where none is named: within a Python cell its own, for its thread and task."""
        name = self._of_cell.get()
        return name if name in self._sessions else self._current

    @current.setter
    def current(self, name: str | None) -> None:
        self._current = name
        self._of_cell.set(None)

    def open(self, name: str, target: Target, settings: Settings = NO_SETTINGS) -> Session:
        """Connect, and only then close what had the name before; the new session is the current one.

        It is told the settings first, and again after a loss; raises :class:`StatementError` for one that is refused.
        """
        return self._add(name, _told(Session(target), settings))

    def open_local(self, name: str, directory: Path | None, settings: Settings = NO_SETTINGS) -> Session:
        """Connect to a local server, started if this notebook has none there; served from a recording, none is."""
        key = directory, HOOKS.stand_in is not None
        if key not in self._servers:
            self._servers[key] = NoServer() if HOOKS.stand_in else start(directory)
        return self.open(name, Target.from_url(self._servers[key].url), settings)

    def _add(self, name: str, session: Session) -> Session:
        self._keep_past(session.connection)
        before = self._sessions.get(name, session)
        self._sessions[name] = session
        self.current = name
        self._release(before)
        return session

    def _keep_past(self, connection: Connection) -> None:
        """Keep the past from now on of a server of this process that has none of its own, whoever started it."""
        is_ours = serving(connection.info.host, connection.info.port) is not None and HOOKS.stand_in is None
        if is_ours and not connection.server.as_of_system_time and connection.address not in KEEPERS:
            self._keepers.append(Keeper(connection.target))

    def get(self, name: str | None = None) -> Session:
        """Give the session of that name, or the current one; raises :class:`NotConnectedError`."""
        if name is None and self.current is not None:
            return self._sessions[self.current]
        if name in self._sessions:
            return self._sessions[str(name)]
        if name is None:
            raise NotConnectedError(
                "There is no connection.", hint="%crdb_connect postgresql://user@host:26257/database, or --local."
            )
        close = get_close_matches(name, self._sessions, n=1)
        open_ = ", ".join(self._sessions) or "none"
        raise NotConnectedError(
            f"No connection is called {name!r}; open: {open_}.", hint=f"Did you mean {close[0]}?" if close else None
        )

    def in_transaction(self, name: str | None = None) -> bool:
        """Whether a transaction is open on the connection of that name, or the current one; not if there is none."""
        session = self._sessions.get(name or self.current or "")
        return session is not None and session.in_transaction

    def database(self, name: str | None = None) -> CockroachDatabase:
        """Give the database of a connection for a Python cell: the user's own, or one over the session."""
        from crdb_magic.orm.database import SessionDatabase

        session = self.get(name)
        if session not in self._databases:
            self._databases[session] = SessionDatabase(session)
        return self._databases[session]

    def adopt(self, name: str, database: CockroachDatabase) -> Session:
        """Use a database of the notebook: its models and our cells then share one connection."""
        self._databases[database.session] = database
        return self._add(name, database.session)

    def use(self, name: str) -> Session:
        """Make a connection the current one."""
        session = self.get(name)
        self.current = name
        return session

    @contextmanager
    def on(self, name: str | None) -> Iterator[None]:
        """Make a connection the current one for a while: that of a Python cell, for the lines of SQL in it."""
        token = self._of_cell.set(name)
        try:
            yield
        finally:
            self._of_cell.reset(token)

    def close(self, name: str) -> None:
        """Close a connection; the last one that is left becomes the current one."""
        self.get(name)
        self._release(self._sessions.pop(name))
        if self._current == name:
            self._current = next(reversed(self._sessions), None)

    def _release(self, session: Session) -> None:
        """Close what has no name any more; a database may have been adopted under two."""
        if session not in self._sessions.values():
            session.close()
            self._databases.pop(session, None)

    def names(self) -> tuple[str, ...]:
        """Name the open connections, in the order of their opening."""
        return tuple(self._sessions)

    @property
    def sessions(self) -> tuple[Session, ...]:
        """The sessions of the open connections, in the order of their opening."""
        return tuple(self._sessions.values())

    def close_all(self) -> list[str]:
        """Close every connection; give a line for each. The local servers keep their data, for who connects again."""
        ended = [f"Closed {name}." for name in self.names()]
        for name in self.names():
            self.close(name)
        return ended

    def end(self) -> list[str]:
        """Close every connection and stop the local servers; give a line for each."""
        ended = self.close_all()
        for keeper in self._keepers:
            keeper.close()
        for (directory, _), server in self._servers.items():
            server.stop()
            ended.append(f"Stopped the local server; {_what_is_left(directory)}.")
        self._keepers.clear()
        self._servers.clear()
        return ended


def _told(session: Session, settings: Settings) -> Session:
    statements = [_setting(name, value) for name, value in settings.items()]
    try:
        if statements:
            session.run(statements)
    except StatementError as error:
        session.close()
        error.advise("It stands in %config CrdbMagic.settings.")
        raise
    return session


def _setting(name: str, value: object) -> BoundStatement:
    values = {f"value_{place}": one for place, one in enumerate(value if isinstance(value, list) else [value])}
    return split(f"SET {name} = {', '.join(f':{one}' for one in values)}")[0].bind(values)


def _what_is_left(directory: Path | None) -> str:
    return f"its data is kept in {directory}" if directory else "its data is gone"
