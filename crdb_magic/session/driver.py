"""psycopg2's connection and cursor, with a BEGIN that waits for its first statement and results as wire text.

BEGIN travels in the message of the first statement, so that N statements cost N + 1 round trips. It is done
here, below every client of the connection, so that no cursor can slip past it and commit by itself.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from functools import cache, partial
from typing import Any

import psycopg2
from psycopg2 import extensions

from crdb_magic.core.options import Isolation
from crdb_magic.core.server import Server
from crdb_magic.core.target import Target
from crdb_magic.errors import StateLostError
from crdb_magic.session.connecting import awaited, parameters
from crdb_magic.session.cursor_methods import CursorMethods
from crdb_magic.session.hooks import HOOKS, Listener
from crdb_magic.session.literals import adaptable_all
from crdb_magic.session.notices import Notices
from crdb_magic.session.past_registry import keep_after
from crdb_magic.session.session_state import SET_CONFIG, SessionState, SessionStateTracker
from crdb_magic.session.sockets import OnSocket
from crdb_magic.session.transaction_state import TransactionState
from crdb_magic.session.translation import refused, translated
from crdb_magic.sql.messages import ends_one, resets_all

_RESETS = frozenset({"RESET", "DISCARD"})
_SERIALIZABLE = Isolation.SERIALIZABLE.value
_IDLE = extensions.TRANSACTION_STATUS_IDLE
_CANCEL = """
CANCEL QUERIES IF EXISTS (SELECT query_id FROM [SHOW CLUSTER QUERIES] WHERE session_id = %s)
"""


class Connection(OnSocket):
    """A connection in autocommit mode whose transactions begin with their first statement.

    ``server`` is what answered; ``lives_until`` the time (``time.monotonic()``) at which a pool lets it go. What is
    said on one that stands ``aside`` is nobody's concern: the past is kept there, or names are read for Tab.
    """

    lives_until = math.inf
    aside = False
    is_played = False
    """Whether its server is a thread of this process, which plays a recording."""
    target: Target
    notices: Notices  # type: ignore[assignment]  # it takes whatever has append
    _answer = ""  # to `Server.first_question`

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.course = TransactionState()
        self.statements_sent = 0
        self.server = Server.identify(self.info.parameter_status("crdb_version"), self.server_version)
        self.notices = Notices()
        self._telling = SessionStateTracker(undone=self.server.settings_roll_back)
        self._process = os.getpid()
        self.address = self.peer(), self.info.dbname
        self.database = self.info.dbname
        """Its name on the server: CockroachDB Cloud takes that of the cluster before it, CLUSTER.DATABASE."""

    def __repr__(self) -> str:
        return f"Connection({getattr(self, 'target', '')!r})"  # psycopg2's own tells all but the password

    def arm(self, begin: str, timeout: Callable[[], str] | None = None) -> None:
        """Let ``begin`` travel with the next statement, and ``timeout()`` with each until the transaction ends."""
        self.course = TransactionState(begin, timeout)

    def disarm(self) -> None:
        """Forget the transaction, and what of its prelude waits."""
        self.course = TransactionState()

    @property
    def listener(self) -> Listener | None:
        """Who hears what is said on it now."""
        return None if self.aside else HOOKS.listener

    @property
    def ended_within(self) -> bool:
        """Whether a statement of the transaction has ended it, be it that another one was begun since."""
        return self.course.ended_within(idle=self.idle)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction was begun that has no end yet: its BEGIN may wait, or its connection be lost."""
        return not self.inherited and self.course.is_open(idle=self.idle, lost=bool(self.closed))

    @property
    def inherited(self) -> bool:
        """Whether it is not ours, but of the process that we were forked from: two can't speak on one line."""
        return self._process != os.getpid()

    @property
    def transaction_status(self) -> int:
        """The state of the server's transaction (``psycopg2.extensions.TRANSACTION_STATUS_*``)."""
        return self.get_transaction_status()

    @property
    def idle(self) -> bool:
        """Whether the server has no transaction open."""
        return self.get_transaction_status() == _IDLE

    @property
    def is_asked(self) -> bool:
        """Whether a statement runs now; another thread may look."""
        return self.transaction_status == extensions.TRANSACTION_STATUS_ACTIVE

    @property
    def utf8(self) -> bool:
        """Whether the server sends texts in UTF-8: unless somebody has set another client_encoding."""
        return self.info.parameter_status("client_encoding") == "UTF8"

    def follow_encoding(self) -> None:
        """Let psycopg2 speak the client_encoding that a statement has set, which it does not notice."""
        spoken = self.info.parameter_status("client_encoding")
        if spoken and spoken != self.encoding:
            super().set_client_encoding(spoken)

    def set_client_encoding(self, encoding: str) -> None:
        """Set it as a statement does, of which a later connection is told."""
        with self.cursor(cursor_factory=Cursor) as cursor:
            cursor.execute("SET client_encoding = %s", [encoding])
        self.follow_encoding()

    def cursor(self, name: str | None = None, cursor_factory: Any = None, **rest: Any) -> Any:  # type: ignore[override]
        """Give a cursor; one of another kind than ours is made to be both, so that it sends the prelude too."""
        factory: Any = cursor_factory or self.cursor_factory
        return super().cursor(name, factory if issubclass(factory, Cursor) else _ours_too(factory), **rest)

    def set_up(self) -> None:
        """Make the settings that are ours, and learn what the session must be known by."""
        with self.cursor(cursor_factory=Cursor) as cursor:
            cursor.is_ours = True
            cursor.execute("; ".join(self.server.settings))
            self._answer = str(cursor.fetchall()[0][0]) if cursor.description else ""
            if self.server.is_cockroachdb and "." in self.database:
                cursor.execute("SELECT current_database()")
                self.database = str(cursor.fetchall()[0][0])

    def prelude(self) -> str:
        """Take what must go before the next statement, in the same message."""
        prelude = self.course.prelude()
        self.statements_sent += 1
        return prelude

    def close(self) -> None:
        """Close it, unless it is another process's."""
        if not self.inherited:
            super().close()

    def commit(self) -> None:
        """Commit. psycopg2's own does so for a ``with connection:`` only, and else nothing in autocommit mode."""
        super().commit()
        self._end("COMMIT")

    def rollback(self) -> None:
        """Roll back. psycopg2's own does so for a ``with connection:`` only, and else nothing in autocommit mode."""
        super().rollback()
        self._end("ROLLBACK")

    def reset(self) -> None:
        """Roll back, and forget all settings. psycopg2's own leaves autocommit mode, too."""
        self.rollback()
        with self.cursor(cursor_factory=Cursor) as cursor:
            for sql in ("RESET ALL", "SET SESSION AUTHORIZATION DEFAULT"):
                cursor.execute(sql)

    def _end(self, verb: str) -> None:
        if self.in_transaction:
            with self.cursor() as cursor:
                cursor.execute(verb)
        else:
            self.note_success(verb, b"")

    def cancel(self) -> None:
        """Send the protocol's cancel request; none to a thread that needs Python's lock, which PQcancel holds."""
        if not self.is_played:
            super().cancel()

    def cancel_statement(self) -> None:
        """Ask the server, over another connection, to end the statement that runs now."""
        if self.server.wire_cancel:
            self.knock()
            self.cancel()
            return
        with closing(connect(self.target)) as other, other.cursor() as cursor:
            cursor.execute(_CANCEL, (self._answer,))

    def note_failure(self, sent: bytes, said: bytes = b"") -> None:
        """Remember what a message that failed may have done all the same, and what of the settings in it is undone."""
        idle, ended = self.idle, ends_one(sent)
        self.course.failed(idle=idle, ended=ended)
        self._telling.failed(said, idle=idle, ended=ended)

    def note_success(self, tag: str, sent: bytes, said: bytes = b"") -> None:
        """Remember what a message has done, and what stays of what was ``said``: the message without our prelude.

        Behind the end of a transaction the past may be kept.
        """
        word, idle = tag.partition(" ")[0], self.idle
        self.course.succeeded(word, said, idle=idle)
        self._telling.succeeded(word, said, idle=idle)
        if (word in _RESETS or b";" in said) and resets_all(said):
            self.set_up()
        if idle:
            keep_after(self.address, word, sent)

    @property
    def settings(self) -> tuple[str, ...]:
        """What its session was SET to that counts now, in order."""
        return tuple(self._telling.now.settings.values())

    @property
    def writes_when_it_reads(self) -> bool:
        """Whether the transaction surely writes at the instant that it reads, so that this can be told as one."""
        if not self.server.weak_isolation:
            return True
        said = self.course.isolation or ("" if self._has_set_isolation else self._answer)
        return said == _SERIALIZABLE

    @property
    def _has_set_isolation(self) -> bool:
        now = self._telling.now
        return SET_CONFIG in now.bound or any("isolation" in one.lower() for one in now.settings.values())

    @property
    def standing(self) -> tuple[str, ...]:
        """What may make its session answer otherwise than another one: its settings, and what it alone has."""
        return self._telling.now.standing

    @property
    def told(self) -> SessionState:
        """What its session was told that one which stands in for it has to be told too."""
        return self._telling.told

    def said_of(self, setting: str) -> str:
        """Give the last statement that has set it by its name, in upper case; empty where there was none."""
        return self._telling.now.settings.get(setting, "")

    def tell(self, told: SessionState) -> None:
        """Let it stand in for one that was lost.

        Raises :class:`StateLostError`, once, for what can't be made again, and :class:`StatementError` if a setting is
        refused now: the connection is closed then, and the next one will be told the same, and name the same.
        """
        self._telling.begin_with(told)
        if told.settings:
            try:
                with translated(self), self.cursor() as cursor:
                    cursor.execute("\n;".join(told.settings.values()))  # each may end in a comment
            except BaseException:
                self.close()
                raise
        self._telling.begin_with(replace(told, bound={}))
        if told.bound:
            raise StateLostError(
                f"The connection was lost, and with it: {', '.join(told.bound.values())}.",
                hint="make them again; what was SET has been set again.",
            )


class Cursor(CursorMethods):
    """A cursor that sends the connection's prelude with its statement.

    psycopg2's other methods do not go through ``execute``; each is led past the prelude too (`cursor_methods`).
    """

    connection: Connection
    sent_before = 0
    """How many characters of the last message came before the statement."""
    is_of_texts = False
    """Whether its values come as the server's texts."""
    written: tuple[str, Any] | None = None
    """The statement that is sent as it was written, with placeholders, and their values: for who listens."""

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002 - psycopg2's name for it
        """Execute as psycopg2 does, after the prelude, in the same message."""
        __tracebackhide__ = True
        vars = adaptable_all(vars)  # noqa: A001
        if self.name is not None:  # psycopg2 makes a DECLARE of it
            self._alone(super().execute, query, vars)
            return
        # Spelled first, if it is not yet: one that can't be must not take the prelude with it.
        statement = query if vars is None and isinstance(query, bytes) else self.mogrify(query, vars)
        if vars is not None:
            self.written = query, vars
        prelude = self.connection.prelude()
        self.sent_before = len(prelude)
        self._send(prelude, statement)

    def _send(self, prelude: str, statement: bytes) -> None:
        __tracebackhide__ = True
        message = prelude.encode() + statement if prelude else statement
        if listener := self.connection.listener:
            listener.begins(self)
        self._observed(partial(super().execute, message), message, statement)

    def _flush(self) -> None:
        prelude = self.connection.prelude()
        self.sent_before = 0
        if prelude:
            with self.connection.cursor(cursor_factory=Cursor) as plain:  # psycopg2 would DECLARE it on a named one
                plain._send(prelude, b"")


@cache
def _ours_too(factory: type[extensions.cursor]) -> type[extensions.cursor]:
    return type(factory.__name__, (factory, Cursor), {})


def text_cursor(connection: Connection) -> Cursor:
    """Give a cursor whose values are the server's texts, untouched, as UTF-8: decoding them is for `values`.

    Each type that psycopg2 would turn into an object comes as its text, by psycopg2's own C code; others may have
    registered more of them since the last time, as peewee does with UUID.
    """
    connection.follow_encoding()
    cursor: Cursor = connection.cursor(cursor_factory=Cursor)
    text = extensions.BYTES if connection.utf8 else extensions.UNICODE
    cursor.is_of_texts = True
    cursor.string_types = dict.fromkeys((*extensions.string_types, *connection.string_types), text)
    return cursor


def connect(target: Target, *, aside: bool = False) -> Connection:
    """Open a connection and set it up, in one message; raises :class:`ConnectionFailedError`.

    An interrupt may be shown with all that is known here: of a target that is no password.
    """
    played = HOOKS.stand_in is not None
    place = HOOKS.stand_in.place_of(target) if HOOKS.stand_in else target
    failure = None
    try:
        connection = awaited(lambda: _open(place))
        connection.commit_by_itself()
        connection.target, connection.aside, connection.is_played = target, aside, played
        connection.set_up()
    except psycopg2.Error as error:
        failure = refused(error, target)
    if failure:
        raise failure  # here, where the driver's error is no context of it
    if not aside:
        HOOKS.opened(connection)
    return connection


def _open(place: Mapping[str, str]) -> Connection:
    given: dict[str, Any] = parameters(place)
    connection: Connection = psycopg2.connect(**given, connection_factory=Connection, cursor_factory=Cursor)
    return connection
