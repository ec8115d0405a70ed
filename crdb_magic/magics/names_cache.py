"""The names of each connection's database, read in the background and kept for Tab."""

from __future__ import annotations

import threading
import weakref
from contextlib import suppress
from weakref import WeakKeyDictionary

from crdb_magic.core.target import Target
from crdb_magic.errors import CrdbMagicError
from crdb_magic.explore.names import UNKNOWN, DatabaseNames, read_names
from crdb_magic.session.session import Session
from crdb_magic.session.session_state import SessionState

THREAD = "crdb_magic names"


class NamesCache:
    """What was last read of each session's database; a thread reads it again when the session has changed it.

    It has a connection of its own, which closes when all is read. Nobody waits for it, and nobody hears if it fails:
    what is not there is not offered.
    """

    def __init__(self) -> None:
        self._names: WeakKeyDictionary[Session, DatabaseNames] = WeakKeyDictionary()
        self._marks: WeakKeyDictionary[Session, object] = WeakKeyDictionary()

    def of(self, session: Session) -> DatabaseNames:
        """Give what is known now; what is to be read will be there the next time."""
        self.look_at(session)
        return self._names.get(session, UNKNOWN)

    def look_at(self, session: Session) -> None:
        """Let the names be read if they may be others than those that are known, and no transaction is open."""
        connection = session.link.opened
        if connection is None or connection.closed or connection.in_transaction:
            return
        told = connection.told
        mark = (weakref.ref(connection), told.changes, dict(told.settings))
        if self._marks.get(session) == mark:
            return
        self._marks[session] = mark
        threading.Thread(
            target=self._read, args=(session, mark, connection.target, told), name=THREAD, daemon=True
        ).start()

    def _read(self, session: Session, mark: object, target: Target, told: SessionState) -> None:
        with suppress(CrdbMagicError):
            names = read_names(target, told)
            if self._marks.get(session) is mark:  # else another thread reads what is newer
                self._names[session] = names
