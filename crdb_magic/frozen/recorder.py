"""Hears what connections say and are answered, and records it when it counts: behind the commit, or the rollback."""

from __future__ import annotations

import functools
import os
import threading
import warnings
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from psycopg2 import Error

from crdb_magic.core.receipt import Receipt
from crdb_magic.frozen.connection_recorder import ConnectionRecorder, Ended, told_by
from crdb_magic.frozen.events import FACTS, Event, EventKind, RecordedConnection
from crdb_magic.frozen.manifest import Manifest
from crdb_magic.frozen.recording import is_setting
from crdb_magic.frozen.visible_writes import UNCERTAIN
from crdb_magic.session.commits import instant_of_last
from crdb_magic.session.driver import Connection, Cursor
from crdb_magic.session.hooks import HOOKS
from crdb_magic.session.past_registry import KEEPERS

T = TypeVar("T")
COMPLETE = "The recording is complete."
Method = Callable[..., T | None]


def _apart(method: Method[T]) -> Method[T]:
    """Keep what goes wrong here from whoever is listened to; a fork has a recorder that is not its own."""

    @functools.wraps(method)
    def call(self: Recorder, *args: Any, **named: Any) -> T | None:
        if not self.is_open:
            return None
        with self._lock:
            try:
                return method(self, *args, **named)
            except Exception as error:
                self.close()
                self._outcome = f"The recording into {self.folder} has ended: {error}"
                warnings.warn(self._outcome, stacklevel=3)
            except BaseException:  # an interrupt: what was heard is not recorded
                self._skip()
                raise
        return None

    return call


class Recorder:
    """Records all that is asked on the connections of this process, from now on until it is closed or another begins.

    ``folder`` is made if need be; raises :class:`crdb_magic.errors.RecordingError` if another recorder has it. What
    goes wrong later (a full disk) ends the recording with a warning, and nothing else: no transaction is lost for it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._manifest = Manifest(folder)
        if isinstance(HOOKS.listener, Recorder):  # not before the folder is ours: it would end for nothing
            HOOKS.listener.close()
        self._process = os.getpid()
        self._outcome = COMPLETE
        self._lock = threading.RLock()
        self._number = self._after = 0
        self._lines: WeakKeyDictionary[Connection, ConnectionRecorder] = WeakKeyDictionary()
        self._places: dict[int, RecordedConnection] = {}
        HOOKS.count_anew()
        HOOKS.listener = self

    @property
    def is_open(self) -> bool:
        """Whether it records: not in a fork."""
        return HOOKS.listener is self and os.getpid() == self._process

    @property
    def outcome(self) -> str:
        """What is there when it is closed, in a sentence: all of it, or why it broke off."""
        if os.getpid() != self._process:
            return f"Nothing is recorded here: this process was forked from the one that records into {self.folder}."
        return self._outcome

    def close(self) -> None:
        """End the recording; the folder is whole."""
        with self._lock:
            if self.is_open:
                HOOKS.listener = None
                for line in self._lines.values():
                    line.leave()
                self._manifest.close()

    @_apart
    def show(self, connection: Connection, shown: str) -> None:
        """Take the line that the notebook shows of a connection."""
        self._introduce(self._line(connection, shown), shown)

    # What a listener hears.

    @_apart
    def begins(self, cursor: Cursor) -> None:
        """Hear that a cursor is about to send a statement."""
        self._line(cursor.connection).begins(cursor, self._after)

    @_apart
    def heard(self, cursor: Cursor, said: bytes, error: Error | None = None) -> None:
        """Hear the answer; record all of its transaction if that has ended with it."""
        line = self._line(cursor.connection)
        line.heard(cursor, said.decode(errors="replace"), error)
        self._doubt(line)
        if line.has_ended:
            self._record(line)

    @_apart
    def left(self, cursor: Cursor, said: bytes, *, refused: bool) -> None:
        """Hear that nobody waited for an answer."""
        line = self._line(cursor.connection)
        line.left(said.decode(errors="replace"), refused=refused)
        self._doubt(line)

    def tee(self, cursor: Cursor, sql: Any, file: Any) -> Any:
        """Give a file that hears what a COPY moves."""
        return self._tee(cursor, sql, file) or file

    @_apart
    def _tee(self, cursor: Cursor, sql: Any, file: Any) -> Any:
        return self._line(cursor.connection).tee(cursor, sql, file, self._after) if isinstance(sql, str) else None

    @_apart
    def read_at(self, connection: Connection, asked: str, at: Decimal) -> None:
        """Record which instant was meant."""
        self._append([self._numbered(Event(kind=EventKind.INSTANT, text=asked, at=at, **self._of(connection)))])

    @_apart
    def ended(self, connection: Connection, receipt: Receipt) -> None:
        """Record how a transaction went."""
        facts = {name: value for name in FACTS if (value := getattr(receipt, name)) not in (None, ())}
        event = Event(kind=EventKind.RECEIPT, text="", receipt=facts, **self._of(connection))
        self._append([self._numbered(event)])

    # What is recorded.

    def _doubt(self, line: ConnectionRecorder) -> None:
        """Let what follows stand behind a write that is not in the recording, where there may have been one."""
        if line.is_in_doubt:
            line.is_in_doubt = False
            self._skip()

    def _skip(self) -> None:
        self._number += 1
        self._after = self._number

    def _of(self, connection: Connection) -> dict[str, Any]:
        return {"number": 0, "connection": self._line(connection).number}

    def _line(self, connection: Connection, shown: str = "") -> ConnectionRecorder:
        if connection not in self._lines:
            line = ConnectionRecorder(connection, HOOKS.number_of(connection.target), self.folder)
            self._lines[connection] = line
            if line.number not in self._places:
                self._introduce(line, shown)
                self._append([self._numbered(_setting(line, sql)) for sql in connection.settings])
        return self._lines[connection]

    def _introduce(self, line: ConnectionRecorder, shown: str) -> None:
        """Record what a connection is, the first time and when it is shown in another way."""
        parameters = told_by(line.connection)
        before = self._places.get(line.number)
        if before is not None:
            shown, parameters = shown or before.shown, dict(before.parameters)
        place = RecordedConnection(
            number=line.number,
            shown=shown,
            database=line.connection.database,
            user=line.connection.info.user,
            parameters=parameters,
        )
        if place != before:
            self._places[line.number] = place
            self._manifest.append([place])

    def _record(self, line: ConnectionRecorder) -> None:
        """Give the numbers, and behind which write each of it was, to what a transaction was answered.

        While others have written meanwhile nobody can tell what of that its reads of the present have seen.
        """
        ended = line.take()
        is_certain = ended.began == self._after
        before, marks, events = self._after, dict[str, int](), list[Event]()
        at = _present(line.connection, ended)
        for step in ended.steps:
            if isinstance(step, Event):
                numbered = self._numbered(replace(step, undone=ended.undone, at=None if step.refusal else at))
                events.append(
                    numbered if is_certain or numbered.kind is EventKind.WRITE else replace(numbered, after=UNCERTAIN)
                )
            elif step.back:
                self._after = marks.get(step.name, self._after)
            else:
                marks[step.name] = self._after
        if ended.undone:
            self._after = before
        self._append(events)

    def _numbered(self, event: Event) -> Event:
        self._number += 1
        event = replace(event, number=self._number, after=self._after)
        if event.kind is EventKind.WRITE and event.refusal is None and not is_setting(event):
            self._after = event.number
        return event

    def _append(self, events: list[Event]) -> None:
        if events:
            self._manifest.append(events)


def _setting(line: ConnectionRecorder, sql: str) -> Event:
    return Event(
        number=0, kind=EventKind.WRITE, connection=line.number, text=sql, tag="SET", told=told_by(line.connection)
    )


def _present(connection: Connection, ended: Ended) -> Decimal | None:
    """Give the instant at which a transaction that wrote nothing has read the present, where that can be known."""
    events = [step for step in ended.steps if isinstance(step, Event)]
    if not events or any(event.as_of is not None or event.kind is not EventKind.READ for event in events):
        return None
    keeper = KEEPERS.get(connection.address)
    return keeper.present().at if keeper else instant_of_last(connection, may_ask=True)
