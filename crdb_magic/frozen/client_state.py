"""Where a client stands: its transaction, its settings, and the server's parameters as it was told them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from crdb_magic.core.server import Server
from crdb_magic.frozen import wire
from crdb_magic.frozen.events import RecordedConnection
from crdb_magic.frozen.forms import Control
from crdb_magic.frozen.responses import refusal
from crdb_magic.frozen.transaction_settings import TransactionSettings
from crdb_magic.frozen.visible_writes import VisibleWrites
from crdb_magic.session.session_state import SessionStateTracker
from crdb_magic.sql.messages import ends_one

IDLE, OPEN, FAILED = b"I", b"T", b"E"
_SYNTAX, _NO_TRANSACTION, _NO_SAVEPOINT = "42601", "25P01", "3B001"
_SAID = {"SAVEPOINT": "SAVEPOINT", "RELEASE": "RELEASE SAVEPOINT", "TO": "ROLLBACK TO SAVEPOINT"}
ENCODING, UTF8 = "client_encoding", "UTF8"
_DEFAULTS = {
    "server_version": "16.0",
    "server_encoding": "UTF8",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "integer_datetimes": "on",
    "standard_conforming_strings": "on",
}


class ClientState:
    """Where one client stands; ``status`` is that of its transaction, ``as_of`` the instant that this reads.

    Who calls holds the lock of what is in effect.
    """

    def __init__(self, effect: VisibleWrites, place: RecordedConnection) -> None:
        self._effect = effect
        self.parameters = {**_DEFAULTS, **place.parameters, ENCODING: UTF8}  # which is what our connections ask for
        self.server = _server_of(self.parameters)
        self.status = IDLE
        self.as_of: Decimal | None = None
        self._begun = False
        self._lasting = dict(self.parameters)
        self._saved: dict[str, dict[str, str]] = {}
        self._told = dict(self.parameters)
        self._telling = SessionStateTracker(undone=self.server.settings_roll_back)
        self.passing = TransactionSettings()

    def settings(self, text: str) -> tuple[str, ...]:
        """Give what the session was SET to, as far as it counts for a text that is asked."""
        passing = self.passing.settings(text, of_the_past=self.as_of is not None)
        return (*self._telling.now.standing, *passing)

    @property
    def has_just_begun(self) -> bool:
        """Whether the transaction was begun by the message that is answered."""
        return self._begun

    def hear(self) -> None:
        """Hear that a message has come."""
        self._begun = False

    def begin(self, as_of: Decimal | None) -> None:
        """Begin a transaction."""
        self._effect.begin(self)
        self.status, self.as_of, self._begun = OPEN, as_of, True

    def end(self, *, undone: bool) -> None:
        """End it."""
        (self._effect.roll_back if undone else self._effect.commit)(self)
        if undone and self.server.settings_roll_back:
            self.parameters = dict(self._lasting)
        self._saved.clear()
        self.status, self.as_of = IDLE, None

    def succeeded(self, word: str, said: bytes) -> None:
        """Note a message that was answered, by the first word of its tag."""
        self._telling.succeeded(word, said, idle=self.status == IDLE)
        if self.status == IDLE:
            self.passing.end()
        else:
            self.passing.hear(said.decode())

    def failed(self, sqlstate: str, said: bytes) -> None:
        """Note one that was refused: of one that is not understood, the BEGIN in it is not done either."""
        if self._begun and sqlstate == _SYNTAX:
            self.end(undone=True)
        elif self.status == OPEN:
            self.status = FAILED
        self._telling.failed(said, idle=self.status == IDLE, ended=ends_one(said))
        if self.status == IDLE:
            self.passing.end()

    def savepoint(self, control: Control) -> None:
        """Set a savepoint, release it, or go back to it."""
        verb, name = control.verb, control.name
        if self.status == IDLE:
            raise refusal(_NO_TRANSACTION, f"{_SAID[verb]} can only be used in transaction blocks")
        if verb == "SAVEPOINT":
            self._effect.save(self, name)
            self._saved[name] = dict(self.parameters)
        elif not (self._effect.release if verb == "RELEASE" else self._effect.roll_back_to)(self, name):
            raise refusal(_NO_SAVEPOINT, f'savepoint "{name}" does not exist')
        elif verb == "TO" and self.server.settings_roll_back:
            self.parameters = dict(self._saved[name])
        self.status = OPEN

    def news(self) -> Iterator[bytes]:
        """Tell the parameters that are others than the client knows."""
        if self.status == IDLE:
            self._lasting = dict(self.parameters)
        for name, value in self.parameters.items():
            if self._told.get(name) != value:
                yield wire.parameter(name, value)
        self._told = dict(self.parameters)


def _server_of(parameters: dict[str, str]) -> Server:
    numbers = [int(number) for number in re.findall(r"\d+", parameters["server_version"])[:2]]
    major, minor = (*numbers, 0, 0)[:2]
    return Server.identify(parameters.get("crdb_version"), major * 10_000 + minor)
