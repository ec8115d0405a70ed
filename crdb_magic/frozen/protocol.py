"""What one client of a recording says, and is answered: PostgreSQL's simple queries, and COPY."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

from crdb_magic.columns.arrow import Batch
from crdb_magic.columns.lines import csv_of
from crdb_magic.core.server import ISOLATION, SESSION_ID
from crdb_magic.errors import CrdbMagicError
from crdb_magic.frozen import nearest, wire
from crdb_magic.frozen.client_state import ENCODING, FAILED, IDLE, UTF8, ClientState
from crdb_magic.frozen.events import Event, RecordedColumn, RecordedConnection, plain_text
from crdb_magic.frozen.forms import COPY_IN, COPY_OUT, LIMIT, NO_PRELUDE, TYPES, Control, controls, prelude_of
from crdb_magic.frozen.message_kind import MessageKind, SentMessage
from crdb_magic.frozen.recording import Question, only_sets
from crdb_magic.frozen.responses import (
    Fetched,
    LeftError,
    RefusedError,
    not_recorded,
    notice_of,
    parts,
    refusal,
    refused,
    table,
)
from crdb_magic.frozen.served import Served

_PART = 5_000  # rows of a message of COPY, at most
_INT, _TEXT = 23, 25  # OIDs
_SYNTAX, _ABORTED, _NO_CURSOR, _FAILED_COPY = "42601", "25P02", "34000", "57014"
_LAST_WORDS = frozenset({"FATAL", "PANIC"})
_ENDS = frozenset({"COMMIT", "ROLLBACK"})
_OURS = {"SELECT 1": (RecordedColumn("?column?", _INT), ["1"])}
_FIRST_QUESTIONS = {  # of `Server.first_question`
    SESSION_ID: (RecordedColumn("session_id", _TEXT), ["0"]),
    ISOLATION: (RecordedColumn("default_transaction_isolation", _TEXT), ["serializable"]),
}
_PLANNED = ["columns: ()"]  # what `session.reading.copies_as_selected` looks for


class Client:
    """One client, to whom a recorded connection is served."""

    def __init__(self, served: Served, place: RecordedConnection) -> None:
        self._served = served
        self._number = place.number
        self._at = ClientState(served.effect, place)
        self._cursor: Fetched | None = None
        self._word = self._sent = ""

    def greeting(self) -> Iterator[bytes]:
        """Give what a client is told first."""
        yield wire.AUTHENTICATED
        for name, value in self._at.parameters.items():
            yield wire.parameter(name, value)
        yield wire.key()
        yield wire.ready(IDLE)

    def leave(self) -> None:
        """Undo what the client has left open."""
        with self._served.lock:
            self._at.end(undone=True)

    def answer(self, sent: str, receive: Callable[[], wire.FrontendMessage]) -> Iterator[bytes]:
        """Answer a query; ``receive`` waits for the rows that a COPY sends.

        Raises :class:`crdb_magic.frozen.responses.LeftError` where the connection was lost.
        """
        self._word, self._sent = "", sent
        self._at.hear()
        whole = self._served.recording.knows(self._question(sent))  # somebody's own BEGIN
        prelude = NO_PRELUDE if whole else prelude_of(sent)
        text = sent[prelude.length :]
        said = b"" if self._is_ours(plain_text(text)) else text.encode()
        try:
            self._at.passing.begin(sent[: prelude.length])
            if prelude.begins:
                yield from self._begin(Control("BEGIN", as_of=prelude.as_of))
            yield from self._statement(text, prelude.length, receive)
            self._at.succeeded(self._word, said)
        except RefusedError as error:
            with self._served.lock:
                self._at.failed(error.fields.get("C", ""), said)
            yield wire.error(error.fields)
            if error.fields.get("V", error.fields.get("S")) in _LAST_WORDS:
                raise LeftError from None
        yield from self._at.news()
        yield wire.ready(self._at.status)

    def _statement(self, text: str, before: int, receive: Callable[[], wire.FrontendMessage]) -> Iterator[bytes]:
        said = text.strip()
        done = controls(said)
        if self._at.status == FAILED and not (done and done[0].ends_failure):
            aborted = "current transaction is aborted, commands ignored until end of transaction block"
            raise self._as_recorded(said, refusal(_ABORTED, aborted))
        if not said:
            yield b"" if self._at.has_just_begun else wire.EMPTY
        elif len(done) == 1 and done[0].verb:
            yield from self._control(done[0], said)
        elif (answer := self._ours(plain_text(said)) or self._settings(said)) is not None:
            yield from answer
        elif COPY_IN.match(said):
            yield from self._copy_in(said, receive)
        elif COPY_OUT.match(said) and SentMessage.of(said).about is MessageKind.STATEMENT:
            raise not_recorded(nearest.no_rows(said))
        else:
            yield from self._asked(said, before, done)

    # What is always answered.

    def _is_ours(self, plain: str) -> bool:
        recording = self._served.recording
        limits = LIMIT.fullmatch(plain) and not recording.having_set(self._number, plain)
        return bool(limits) or plain == "; ".join(self._at.server.settings)

    def _ours(self, plain: str) -> Iterator[bytes] | None:
        if self._is_ours(plain):
            return next(
                (table(*answer) for question, answer in _FIRST_QUESTIONS.items() if plain.endswith(question)),
                iter([wire.complete("SET")]),
            )
        if plain in _OURS and not self._served.recording.knows(self._question(plain)):
            return table(*_OURS[plain])
        return None

    def _fetch(self, count: int) -> Iterator[bytes]:
        if self._cursor is None:
            raise refusal(_NO_CURSOR, 'cursor "crdb_magic_rows" does not exist')
        yield from self._cursor.fetch(count)

    def _begin(self, control: Control) -> Iterator[bytes]:
        with self._served.lock:
            self._at.begin(control.as_of)
        yield wire.complete(self._at.server.start_tag if control.is_start else "BEGIN")

    def _as_recorded(self, plain: str, error: RefusedError) -> RefusedError:
        """Give an error that is always one as it was, if it was recorded here: servers word it in their own ways.

        That of the syntax comes before any other.
        """
        said = self._served.refusal(self._question(plain), self._at, error.fields["C"], _SYNTAX)
        return refused(said) if said else error

    def _control(self, control: Control, plain: str) -> Iterator[bytes]:
        self._word = "ROLLBACK" if self._at.status == FAILED else control.word
        if control.verb == "BEGIN":
            yield from self._begin(control)
            return
        with self._served.lock:
            if control.verb in _ENDS:
                self._end(control.verb, plain)
            else:
                self._savepoint(control, plain)
        yield wire.complete(self._word)

    def _savepoint(self, control: Control, plain: str) -> None:
        try:
            self._at.savepoint(control)
        except RefusedError as error:
            raise self._as_recorded(plain, error) from None

    def _end(self, verb: str, plain: str) -> None:
        undone = verb == "ROLLBACK" or self._at.status == FAILED
        said = None if undone else self._served.refusal(self._question(plain), self._at)
        self._at.end(undone=undone or (said is not None and not said.leaves_open))
        self._cursor = None
        if said:
            raise refused(said)

    # What was recorded.

    def _question(self, plain: str) -> Question:
        return Question(self._number, plain_text(plain), self._at.as_of, self._at.settings(plain))

    def _look(self, question: Question) -> Event:
        try:
            return self._served.look(question, self._at)
        except CrdbMagicError as error:
            raise not_recorded(error) from None

    def _take(self, question: Question, before: int = 0, digest: str | None = None) -> Event:
        try:
            event = self._served.take(question, self._at, digest)
        except CrdbMagicError as error:
            raise not_recorded(error) from None
        if event.refusal:
            raise refused(event.refusal, self._sent[:before])
        return event

    def _settings(self, said: str) -> Iterator[bytes] | None:
        """Answer what only SETs: whole, or one by one, as a new connection is told it."""
        statements = only_sets(said)
        if not statements or self._served.recording.knows(self._question(said)):
            return None
        having_set = self._served.recording.having_set
        whole = having_set(self._number, plain_text(said))
        events = [whole] if whole else [having_set(self._number, plain_text(one)) for one in statements]
        for one, event in zip(statements, events, strict=False):
            if event is None:
                self._look(self._question(one))  # says that it is not there
        return self._having_set([event for event in events if event])

    def _having_set(self, events: list[Event]) -> Iterator[bytes]:
        for event in events:
            if event.refusal:
                raise refused(event.refusal)
            yield from self._done(event)

    def _asked(self, said: str, before: int, done: tuple[Control, ...]) -> Iterator[bytes]:
        message = SentMessage(MessageKind.STATEMENT, said)
        if not self._served.recording.knows(self._question(said)):
            message = SentMessage.of(said)
        question, before = self._question(message.sql), before + message.start
        if message.about is MessageKind.FETCH:
            yield from self._fetch(int(message.sql))
        elif message.about is MessageKind.DESCRIBE:
            yield from self._described(question, before)
        elif said.startswith(TYPES) and message.sql == said and not self._served.recording.knows(question):
            self._look(self._question(said.removeprefix(TYPES)))
            yield from table(RecordedColumn("info", _TEXT), _PLANNED)
        else:
            with self._served.lock:
                event = self._through(question, before, done)
            yield from self._in_form(event, message.about)

    def _through(self, question: Question, before: int, done: tuple[Control, ...]) -> Event:
        """Take an answer within the transactions that the statements of its message begin and end."""
        for control in done:
            if control.verb == "BEGIN":
                self._at.begin(control.as_of)
        event = self._take(question, before)
        for control in done:
            if control.verb in _ENDS:
                self._at.end(undone=control.verb == "ROLLBACK")
        return event

    def _described(self, question: Question, before: int) -> Iterator[bytes]:
        event = self._look(question)
        columns = event.columns if event.columns is not None else self._take(question, before).columns
        if columns is None:
            raise refusal(_SYNTAX, "It gives no rows.")
        yield wire.heading(columns) + wire.complete("SELECT 0")

    def _in_form(self, event: Event, about: MessageKind) -> Iterator[bytes]:
        if event.columns is None:
            yield from self._done(event)
        elif about is MessageKind.DECLARE:
            self._cursor = Fetched(event.columns, self._rows(event))
            yield wire.complete("DECLARE CURSOR")
        elif about is MessageKind.COPY:
            yield wire.copy_out(len(event.columns))
            for part in parts(self._rows(event), _PART):
                yield wire.copied(csv_of(part))
            yield wire.COPIED
            yield from self._done(event, f"COPY {event.rows}")
        else:
            yield wire.heading(event.columns)
            if not event.columns:  # which the store does not count
                yield wire.empty_rows(int(event.tag.rpartition(" ")[2]))
            for batch in self._rows(event):
                yield wire.rows(batch)
            yield from self._done(event)

    def _rows(self, event: Event) -> Iterator[Batch]:
        if event.columns and event.rows:
            try:
                yield from self._served.recording.rows(event)
            except CrdbMagicError as error:  # its file was changed
                raise not_recorded(error) from None

    def _copy_in(self, plain: str, receive: Callable[[], wire.FrontendMessage]) -> Iterator[bytes]:
        question = self._question(plain)
        if self._look(question).is_refused_at_once:
            self._take(question)
        yield wire.COPY_IN
        digest = hashlib.sha256()
        while (message := receive()).kind == wire.COPY_DATA:
            digest.update(message.body)
        if message.kind != wire.COPY_DONE:
            why = message.body.rstrip(b"\0").decode(errors="replace")
            raise refusal(_FAILED_COPY, f"COPY from stdin failed: {why}")
        yield from self._done(self._take(question, digest=digest.hexdigest()))

    def _done(self, event: Event, tag: str | None = None) -> Iterator[bytes]:
        """Say that it is done, and what was said besides: notices, parameters of the server that have changed."""
        if event.told.get(ENCODING, UTF8) != UTF8:
            raise not_recorded(nearest.other_encoding(event.text))
        yield from (wire.notice(notice_of(line)) for line in event.notices)
        self._at.parameters.update(event.told)
        self._word = event.tag.partition(" ")[0]
        yield wire.complete(tag or event.tag or "SET")
