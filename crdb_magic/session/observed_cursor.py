"""A cursor whose connection, and who listens to it, hear what has become of each message that it sends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import psycopg2
from psycopg2 import extensions

from crdb_magic.core.retry import CANCELED
from crdb_magic.errors import StatementError
from crdb_magic.session.interrupts import interruptible

T = TypeVar("T")

_ANSWERED = frozenset(
    {
        extensions.TRANSACTION_STATUS_IDLE,
        extensions.TRANSACTION_STATUS_INTRANS,
        extensions.TRANSACTION_STATUS_INERROR,
    }
)


class ObservedCursor(extensions.cursor):
    """A cursor that tells what has become of what it sends."""

    connection: Any  # the driver's, which knows of us
    is_ours = False
    """Whether what it sends is of no interest to who wants to know what the user has said."""

    def _observed(self, call: Callable[[], T], message: bytes | None = None, statement: bytes | None = None) -> T:
        """Call what sends a message with a statement in it; where psycopg2 spells it, both are what was sent then."""
        __tracebackhide__ = True
        listener, before = self.connection.listener, self.query
        try:
            value = interruptible(self.connection, call)
        except psycopg2.Error as error:
            self._note_failure(statement, before)
            if listener:
                listener.heard(self, self._sent(statement), error)
            raise
        except BaseException as other:  # an interrupt, or what another signal raises
            refused = message is not None and self._was_refused
            # psycopg2 keeps the very message that it has sent, and the tag of the one before until an answer has come
            if self.query is message and self.statusmessage and self.connection.transaction_status in _ANSWERED:
                self._note_success(statement)
                if listener:
                    listener.heard(self, self._sent(statement))
            else:
                self._note_failure(statement, before)
                if listener:
                    listener.left(self, self._sent(statement), refused=refused)
            if isinstance(other, KeyboardInterrupt) and other.__cause__ is None and refused:
                raise other from StatementError("The statement was cancelled.", sqlstate=CANCELED)
            raise
        self._note_success(statement)
        if listener:
            listener.heard(self, self._sent(statement))
        return value

    def _note_success(self, statement: bytes | None) -> None:
        self.connection.note_success(self.statusmessage or "", self.query or b"", self._said(statement))

    def _note_failure(self, statement: bytes | None, before: bytes | None) -> None:
        """Note it, unless psycopg2 has refused what it was to make a message of: nothing was sent."""
        if statement is not None or self.query is not before:
            self.connection.note_failure(self.query or b"", self._said(statement))

    def _sent(self, statement: bytes | None) -> bytes:
        return (self.query or b"") if statement is None else statement

    def _said(self, statement: bytes | None) -> bytes:
        return b"" if self.is_ours else self._sent(statement)

    @property
    def _was_refused(self) -> bool:
        """Whether the server has answered, and not that it was done; or nothing was sent.

        libpq knows of a lost connection before psycopg2's ``closed`` does. The tag of an answer is there before a
        signal can be handled, if psycopg2 decodes it in C. A COPY that was done has no tag.
        """
        connection = self.connection
        return connection.transaction_status in _ANSWERED and connection.encoding == "UTF8" and not self.statusmessage
