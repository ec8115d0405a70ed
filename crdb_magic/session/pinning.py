"""Pins a session to one instant: what it reads from then on agrees, and is the same whenever it is read again."""

from __future__ import annotations

from decimal import Decimal

from crdb_magic.core.asof import NOW, AsOf, at_hlc
from crdb_magic.core.options import Isolation, TransactionOptions
from crdb_magic.errors import OptionError, PastUnavailableError
from crdb_magic.session.asking import ask
from crdb_magic.session.driver import Connection
from crdb_magic.session.past_registry import KEEPERS
from crdb_magic.session.session import Session
from crdb_magic.session.transactions import INSTANT

_AT_PRESENT = TransactionOptions(as_of=NOW, isolation=Isolation.SERIALIZABLE)  # below that it is refused


def present(session: Session) -> AsOf | None:
    """Give the instant that is now, to be read at as often as need be; None where a server has no past."""
    connection = session.connection
    at = _present_at(session, connection)
    if at is not None and connection.listener:
        connection.listener.read_at(connection, NOW.asked, at)
    return None if at is None else at_hlc(at)


def _present_at(session: Session, connection: Connection) -> Decimal | None:
    if keeper := KEEPERS.get(connection.address):
        return keeper.present().at
    if not session.server.as_of_system_time:
        return None
    hlc, _ = session.carry_out(lambda connection: ask(connection, INSTANT), _AT_PRESENT, lambda _: None)
    return Decimal(hlc)


def instant(session: Session, as_of: AsOf | None) -> AsOf | None:
    """Give the one instant of a long reading: as asked, else the pin, else the present, if it can be read again."""
    return TransactionOptions(as_of=as_of).within(session.pinned).as_of or present(session)


def pin(session: Session, as_of: AsOf) -> AsOf:
    """Let all that a session reads be of one instant, until it is unpinned; give that instant, exactly.

    A time ago becomes the instant that it means now. Raises :class:`OptionError` within a transaction,
    :class:`PastUnavailableError` where there is no past, and what `Session.transact` raises.
    """
    with session.link.turn:  # what another thread does is read as it was begun
        if session.in_transaction:
            raise OptionError("A transaction is open on this connection; pin it before or afterwards.")
        session.pinned = _present(session) if as_of == NOW else _resolved(session, as_of)
        return session.pinned


def unpin(session: Session) -> None:
    """Let a session read the present again."""
    with session.link.turn:
        session.pinned = None


def _present(session: Session) -> AsOf:
    now = present(session)
    if now is None:
        raise PastUnavailableError(
            f"{session.server} can't be pinned: it has no AS OF SYSTEM TIME.",
            hint="CockroachDB can, and the local server of %crdb_connect --local.",
        )
    return now


def _resolved(session: Session, as_of: AsOf) -> AsOf:
    """Read at that time, so that one that can't be read is refused now."""
    _, receipt = session.transact(lambda connection: ask(connection, "SELECT 1"), TransactionOptions(as_of=as_of))
    return as_of if as_of.hlc is not None or receipt.as_of is None else at_hlc(receipt.as_of)
