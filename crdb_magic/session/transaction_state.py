"""What has become of a connection's transaction, message by message: begun, refused, ended, written."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from crdb_magic.errors import BrokenTransactionError, Outcome
from crdb_magic.session.past_registry import LOOKED_INTO
from crdb_magic.sql.kinds import changes_schema, may_write
from crdb_magic.sql.messages import FILLER, LETS_GO, LOOKS_UP, ends_one, says, some

# The first words of the tags of a message that may have ended a transaction without leaving none: COMMIT AND CHAIN.
_BOUNDARIES = frozenset({"COMMIT", "ROLLBACK", "SHOW"})
_ROWS_ALONE = re.compile(
    FILLER + rb"(?:insert|upsert|update|delete|select|with|values|table|copy|show|savepoint|release)\b[^;]*;?\s*\Z",
    re.IGNORECASE | re.DOTALL,
)
_LEVEL = re.compile(r"ISOLATION LEVEL (\w+(?: \w+)?)")
_LOOKED_AT = 1 << 16  # bytes of a message, whose rest are values
_MOST_LOOKED_INTO = 100  # messages of a transaction that are kept until it ends


class TransactionState:
    """The course of one transaction, or of what is sent outside of any.

    ``begin`` waits for the first statement, ``timeout()`` goes with each. ``idle`` is, each time, whether the server
    has no transaction open. ``read_at`` is the exact instant of the past that is read, if it is one; of what is read
    there it is noted whether it may have let go of locks, or looked something up by its name. ``isolation`` is the
    level that BEGIN has named, empty for none; something else if another statement has said anything about it.
    """

    __slots__ = (
        "_answered",
        "_begin",
        "_begun",
        "_changed_more_than_rows",
        "_ended",
        "_has_written",
        "_in_sql",
        "_timeout",
        "_to_look_into",
        "changed_schema",
        "failed_to_begin",
        "isolation",
        "lets_go",
        "looks_up",
        "read_at",
    )

    def __init__(self, begin: str = "", timeout: Callable[[], str] | None = None) -> None:
        self._begin, self._timeout = begin, timeout
        self.failed_to_begin = False
        self.read_at: Decimal | None = None
        self.isolation = found[1].lower() if (found := _LEVEL.search(begin)) else ""
        self.lets_go = self.looks_up = self.changed_schema = False
        self._begun = self._answered = self._ended = self._has_written = self._changed_more_than_rows = False
        self._in_sql = False  # begun by a statement of the user's
        self._to_look_into: list[bytes] = []

    @property
    def begin_waits(self) -> bool:
        """Whether BEGIN has not been sent yet."""
        return bool(self._begin)

    def prelude(self) -> str:
        """Take what must go before the next statement, in the same message."""
        if self.failed_to_begin:
            raise swallowed("An earlier statement of this transaction failed")
        if not (self._begin or self._timeout):
            return ""
        parts = [self._begin, self._timeout() if self._timeout else ""]
        self._begun = self._begun or self.begin_waits
        self._begin = ""
        # On lines of their own: PostgreSQL's message shows the line that it does not understand.
        return "".join(f"{part};\n" for part in parts if part)

    def failed(self, *, idle: bool, ended: bool) -> None:
        """Note a message that failed.

        Of a first one the server has refused the BEGIN as well: what comes after it must not run by itself, outside of
        any transaction. But a COMMIT of the user's own in it may have ``ended`` the transaction, before the failure or
        before the connection was lost.
        """
        self._ended |= ended
        self.failed_to_begin |= self._begun and not self._answered and idle and not self._ended

    def succeeded(self, word: str, said: bytes, *, idle: bool) -> None:
        """Note a message that was answered; ``word`` is the first of its tag, ``said`` it without our prelude."""
        if b"isolation" in said[:_LOOKED_AT].lower():
            self.isolation = "said otherwise"
        if not self._begun:
            if idle:
                return
            self._begun = self._in_sql = True
        elif self._in_sql and idle:
            self.__init__()  # type: ignore[misc]  # the next one is another one
            return
        self._answered = True
        if self.read_at is not None:
            self.lets_go |= says(LETS_GO, said)
            self.looks_up |= says(LOOKS_UP, said)
        if not self._ended:
            may_end = word in _BOUNDARIES or b";" in said
            self._ended = idle or (may_end and ends_one(said))
        if said and _ROWS_ALONE.match(said) is None:
            self._changed_more_than_rows = True
            self.changed_schema = self.changed_schema or some(changes_schema, said, unreadable=True)
        if word in LOOKED_INTO and len(self._to_look_into) < _MOST_LOOKED_INTO:
            self._to_look_into.append(said)
        else:
            self._has_written = True

    def ended_within(self, *, idle: bool) -> bool:
        """Whether a statement of the transaction has ended it, be it that another one was begun since."""
        return self._ended or (self._answered and idle)

    def is_open(self, *, idle: bool, lost: bool) -> bool:
        """Whether a transaction was begun that has no end yet: its BEGIN may wait, or its connection be ``lost``.

        What comes after a loss belongs to the transaction: it must not run by itself, on another connection.
        """
        return bool(self._begin or self.failed_to_begin or (self._begun if lost else not idle))

    @property
    def may_have_written(self) -> bool:
        """Whether a statement that was answered may have written, as far as their words tell."""
        return self._has_written or any(some(may_write, said, unreadable=True) for said in self._to_look_into)

    @property
    def changed_rows_alone(self) -> bool:
        """Whether each message was a statement that surely changes no schema and starts no job, by its first word."""
        return not self._changed_more_than_rows


def swallowed(what: str) -> BrokenTransactionError:
    """Make the error for a transaction whose body caught what had broken it."""
    return BrokenTransactionError(
        f"{what}, and its error was caught.",
        outcome=Outcome.NOT_COMMITTED,
        hint="let the error go, or put the statement that may fail into a savepoint.",
    )
