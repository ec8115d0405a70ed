"""One connection as it is heard: what its open transaction was answered so far, and when that counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from psycopg2 import Error

from crdb_magic.columns.arrow import Batch
from crdb_magic.core.retry import RETRYABLE
from crdb_magic.frozen import store
from crdb_magic.frozen.copy_tee import CopyInTee, CopyOutTee, RowSpool
from crdb_magic.frozen.event_fields import kind_of, refusal_of, values_of
from crdb_magic.frozen.events import COMMIT, ErrorResponse, Event, EventKind, RecordedColumn, plain_text
from crdb_magic.frozen.forms import Control, controls, statements_of
from crdb_magic.frozen.message_kind import MessageKind, SentMessage
from crdb_magic.frozen.rows import Texts, headings
from crdb_magic.frozen.secrets import masked, without_secrets
from crdb_magic.frozen.transaction_settings import TransactionSettings
from crdb_magic.session.driver import Connection, Cursor
from crdb_magic.sql.kinds import ends_transaction
from crdb_magic.sql.statements import Statement

_TOLD = (
    "server_version", "crdb_version", "server_encoding", "client_encoding", "DateStyle", "IntervalStyle", "TimeZone",
    "integer_datetimes", "standard_conforming_strings", "is_superuser", "session_authorization",
)  # fmt: skip
"""The parameters that a server tells, and tells again when they change."""


def told_by(connection: Connection) -> dict[str, str]:
    """Give the parameters that a connection's server told."""
    told = {name: connection.info.parameter_status(name) for name in _TOLD}
    return {name: value for name, value in told.items() if value is not None}


class Mark(NamedTuple):
    """A savepoint that was set, or gone back to."""

    name: str
    back: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """All that a transaction was answered, in order, and whether it was rolled back. Events have no numbers yet.

    ``began`` is the number of the last write that was in effect when it began.
    """

    steps: tuple[Event | Mark, ...]
    undone: bool
    began: int


@dataclass
class _FetchedRows:
    """What a query's rows are stored in while they are fetched."""

    message: SentMessage
    pour: RowSpool | None = None


@dataclass
class ConnectionRecorder:
    """What is heard on one connection, in the words of its server's ``number``.

    Of a transaction that the server asked to run again nothing stays; nor of one whose connection is lost.
    ``is_in_doubt`` is whether something was perhaps written of which nothing is recorded.
    """

    connection: Connection
    number: int
    folder: Path
    has_ended: bool = False
    is_in_doubt: bool = False
    _steps: list[Event | Mark] = field(default_factory=list)
    _undone: bool = False
    _is_retried: bool = False
    _described: tuple[str, tuple[RecordedColumn, ...]] = ("", ())
    _reading: _FetchedRows | None = None
    _tap: CopyOutTee | CopyInTee | None = None
    _texts: Texts | None = None
    _notices: int = 0
    _told: Mapping[str, str] = field(default_factory=dict)
    _settings: tuple[str, ...] = ()
    _read_at: Decimal | None = None
    _began: int = 0
    _passing: TransactionSettings = field(default_factory=TransactionSettings)

    def begins(self, cursor: Cursor, after: int) -> None:
        """Hear that a statement is about to be sent, behind the last write in effect of all connections.

        Not one of ours in the middle of another one.
        """
        if cursor.is_ours and self._texts is not None:
            return
        if not self._steps:
            self._began = after
        self._texts = Texts(cursor)
        self._notices = self.connection.notices.heard
        self._told = told_by(self.connection)
        self._settings = self.connection.standing
        self._read_at = self.connection.course.read_at

    def take(self) -> Ended:
        """Give what has ended."""
        steps = [] if self._is_retried else self._steps
        ended = Ended(tuple(steps), self._undone, self._began)
        self._steps, self._undone, self._is_retried, self.has_ended = [], False, False, False
        return ended

    def tee(self, cursor: Cursor, sql: str, file: Any, after: int) -> Any:
        """Give a file that hears what a COPY moves: the rows of a query that was described, or what is written."""
        self.begins(cursor, after)
        message = SentMessage.of(sql)
        if message.about is MessageKind.COPY and self._described[0] == message.text:
            self._tap = CopyOutTee(file, self.folder, self._described[1])
        elif "FROM STDIN" in sql and hasattr(file, "read"):
            self._tap = CopyInTee(file)
        return self._tap or file

    def heard(self, cursor: Cursor, said: str, error: Error | None) -> None:
        """Hear an answer to what had been heard to begin; of what comes through another door nothing is recorded."""
        if self._texts is None:
            self.is_in_doubt |= kind_of(statements_of(said)) is EventKind.WRITE
            return
        if not self._texts.are_of(cursor):
            return
        sent = (cursor.query or b"").decode(errors="replace")
        self._passing.begin(sent[: len(sent) - len(said)])
        try:
            self._texts.leave()
            self._take_in(cursor, said, error)
        finally:
            self._texts = None
        if self.connection.idle:
            self._passing.end()
        elif error is None and not cursor.is_ours:
            self._passing.hear(said)
        if self.connection.idle and not self.has_ended:
            self.has_ended = bool(self._steps)

    def left(self, said: str, *, refused: bool) -> None:
        """Hear that nobody waited for an answer."""
        if self._texts is not None:
            self._texts.leave()
            self._texts = None
        tap, self._tap = self._tap, None
        if isinstance(tap, CopyOutTee):
            tap.rows.give_up()
        if not refused:
            self._lose(statements_of(said))

    def _take_in(self, cursor: Cursor, said: str, error: Error | None) -> None:
        tap, self._tap = self._tap, None
        written, cursor.written = cursor.written, None
        if error is not None:
            self.leave(tap)
            if not error.pgcode or self.connection.closed:
                self._lose(statements_of(said))
                return
        controlled = controls(said)
        if controlled and controlled[0].verb and (len(controlled) == 1 or cursor.is_ours):
            self._control(cursor, controlled[0], said, error)
        elif plain_text(said) and not cursor.is_ours:
            self._answer(cursor, SentMessage.of(said), error, tap, written)

    def leave(self, tap: CopyOutTee | CopyInTee | None = None) -> None:
        """Give up what is being stored: nobody reads on."""
        reading, self._reading = self._reading, None
        pours = (tap.rows if isinstance(tap, CopyOutTee) else None, reading.pour if reading else None)
        for pour in filter(None, pours):
            pour.give_up()

    def _lose(self, statements: tuple[Statement, ...]) -> None:
        """Lose the connection: what it has not committed is undone; of a commit, or without a BEGIN, nobody knows."""
        wrote = any(isinstance(step, Event) and step.kind is EventKind.WRITE for step in self._steps)
        commits = any(map(ends_transaction, statements))
        alone = not self.connection.in_transaction and kind_of(statements) is EventKind.WRITE
        self.is_in_doubt |= alone or (commits and wrote)
        self._steps.clear()

    def _control(self, cursor: Cursor, control: Control, said: str, error: Error | None) -> None:
        ends = control.verb in {"COMMIT", "ROLLBACK"}
        if error is not None:
            self._refused(cursor, SentMessage.of(COMMIT if control.verb == COMMIT else said), error, None)
            if ends and self._steps:
                self._undone = not refusal_of(error, 0).leaves_open
        elif ends:
            self.leave()
            undone = "ROLLBACK" in {control.verb, cursor.statusmessage}  # so is a COMMIT of what failed
            self.has_ended, self._undone = True, undone
            self._is_retried &= self._undone
        elif control.verb in {"SAVEPOINT", "TO"}:
            self._steps.append(Mark(control.name, back=control.verb == "TO"))

    def _answer(
        self,
        cursor: Cursor,
        message: SentMessage,
        error: Error | None,
        tap: CopyOutTee | CopyInTee | None,
        written: Any,
    ) -> None:
        if error is not None:
            self._refused(cursor, message, error, written, tap.digest if isinstance(tap, CopyInTee) else "")
        elif message.about is MessageKind.DESCRIBE:
            self._described = message.text, headings(cursor)
        elif message.about is MessageKind.DECLARE:
            self._reading = _FetchedRows(message)
        elif message.about is MessageKind.FETCH:
            self._fetched(cursor)
        elif isinstance(tap, CopyOutTee):
            self._keep(cursor, self._event(message, written), tap.rows.columns, tap.end(), selected=True)
        elif isinstance(tap, CopyInTee):
            event = self._event(message, written, digest=tap.digest, tag=f"COPY {cursor.rowcount}")
            self._add(cursor, event)
        else:
            self._stored(cursor, message, written)

    def _refused(self, cursor: Cursor, message: SentMessage, error: Error, written: Any, digest: str = "") -> None:
        if error.pgcode in RETRYABLE:
            self._is_retried = not self.connection.idle or message.text == COMMIT
            return
        refusal = refusal_of(error, cursor.sent_before + message.start)
        if _has_secrets(message):
            refusal = ErrorResponse({code: masked(text) for code, text in refusal.fields.items()})
        self._steps.append(self._event(message, written, digest=digest, refusal=refusal))

    def _fetched(self, cursor: Cursor) -> None:
        reading = self._reading
        if reading is None:
            return
        reading.pour = reading.pour or RowSpool(self.folder, headings(cursor))
        if batch := self._batch():
            reading.pour.put(batch)
            return
        self._reading = None
        event = self._event(reading.message, None)
        self._keep(cursor, event, reading.pour.columns, reading.pour.end(), selected=True)

    def _stored(self, cursor: Cursor, message: SentMessage, written: Any) -> None:
        event = self._event(message, written)
        if cursor.description is None:
            self._add(cursor, event)
            return
        columns, batch = headings(cursor), self._batch()
        self._keep(cursor, event, columns, store.write(self.folder, columns, [batch] if batch else []))

    def _batch(self) -> Batch:
        return self._texts.batch() if self._texts else ()

    def _keep(
        self,
        cursor: Cursor,
        event: Event,
        columns: tuple[RecordedColumn, ...],
        stored: store.Stored,
        *,
        selected: bool = False,
    ) -> None:
        tag = f"SELECT {stored.rows}" if selected else ""
        self._add(cursor, replace(event, columns=columns, rows=stored.rows, hash=stored.hash, tag=tag))

    def _add(self, cursor: Cursor, event: Event) -> None:
        told = {name: value for name, value in told_by(self.connection).items() if self._told.get(name) != value}
        tag, notices = event.tag or cursor.statusmessage or "", self.connection.notices.since(self._notices)
        self._steps.append(replace(event, tag=tag, notices=notices, told=told))

    def _event(self, message: SentMessage, written: Any, **answer: Any) -> Event:
        """Make an event of what was asked: in a transaction that reads the past nothing can write."""
        kind = EventKind.READ if self._read_at is not None else kind_of(statements_of(message.sql))
        values = {} if _has_secrets(message) else values_of(self.connection, written)
        sql = plain_text(written[0]) if written and values else ""
        passing = self._passing.settings(message.sql, of_the_past=self._read_at is not None)
        return Event(
            number=0, kind=kind, connection=self.number, text=message.text, sql=sql, values=values, as_of=self._read_at,
            settings=(*self._settings, *passing), **answer,
        )  # fmt: skip


def _has_secrets(message: SentMessage) -> bool:
    return without_secrets(message.sql) != message.sql
