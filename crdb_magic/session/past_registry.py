"""Who keeps the past of a database that has none, and after which messages there is something new to keep."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol
from weakref import WeakValueDictionary

from crdb_magic.core.asof import AsOf
from crdb_magic.errors import PastUnavailableError
from crdb_magic.sql.kinds import may_write
from crdb_magic.sql.messages import some

Connection = Any  # that of the driver, which knows of us


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A kept instant: nanoseconds since 1970 by the server's clock, and PostgreSQL's name for it."""

    at: Decimal
    name: str


class PastKeeper(Protocol):
    """Somebody who keeps the past of a database."""

    def keep(self) -> Snapshot:
        """Keep the present, behind a transaction that may have written."""

    def present(self) -> Snapshot:
        """Keep the present, to be read at from now on."""

    def find(self, as_of: AsOf) -> Snapshot:
        """Give what is kept of an instant; raises :class:`PastUnavailableError`."""

    def forget(self) -> None:
        """Let go of all that is kept: CREATE INDEX CONCURRENTLY waits for whoever may still see the past."""

    def check(self, connection: Connection, as_of: AsOf) -> None:
        """Raise :class:`PastUnavailableError` if a transaction of the past may have shown something untrue."""

    @property
    def since(self) -> Decimal | None:
        """The first instant that is kept, if one is."""

    @property
    def committed(self) -> Decimal | None:
        """The instant at which the last transaction that may have written is seen, if there was one."""


KEEPERS: WeakValueDictionary[tuple[object, ...], PastKeeper] = WeakValueDictionary()
"""Who keeps the past of which database, by `Connection.address`."""

os.register_at_fork(after_in_child=KEEPERS.clear)  # their connections are the parent's

# The first words of tags, which are those of a message's last statement: what it may have written is for `may_write`.
LOOKED_INTO = frozenset({"", "BEGIN", "EXPLAIN", "RELEASE", "ROLLBACK", "SAVEPOINT", "SELECT", "SET", "SHOW"})


def keep_after(address: tuple[object, ...], word: str, sent: bytes) -> None:
    """Let the past be kept, if somebody does, when a message that ended a transaction may have written.

    ``word`` is the first one of its tag.
    """
    keeper = KEEPERS.get(address)
    if keeper is None:
        return
    if word not in LOOKED_INTO or some(may_write, sent, unreadable=True):
        with suppress(PastUnavailableError):  # one that broke says so when the past is asked for
            keeper.keep()


def check_past(connection: Connection, as_of: AsOf | None) -> None:
    """Raise :class:`PastUnavailableError` if a transaction that reads the past may have shown something untrue."""
    if as_of is not None and (keeper := KEEPERS.get(connection.address)):
        keeper.check(connection, as_of)
