"""When the last transaction of a connection was committed: by who keeps the past, or by a question behind it."""

from __future__ import annotations

from decimal import Decimal

import psycopg2

from crdb_magic.errors import Outcome
from crdb_magic.session.asking import ask
from crdb_magic.session.driver import Connection
from crdb_magic.session.past_registry import KEEPERS
from crdb_magic.session.transactions import INSTANT, TELL


def instant_of_last(connection: Connection, *, may_ask: bool, changed_schema: bool = False) -> Decimal | None:
    """Give the instant at which what the last transaction wrote is seen, None where nobody tells.

    To ask takes a message; below SERIALIZABLE it would tell another one (`Server.weak_isolation`). What goes wrong with
    that is no failure of the transaction, which is over.
    What ``changed_schema`` is done by jobs behind the commit, and is not seen there, but from now on: see
    logic_test/show_commit_timestamp, ddl.
    """
    keeper = KEEPERS.get(connection.address)
    if keeper is not None:
        return keeper.committed
    if not (may_ask and connection.server.tells_commit_time and connection.writes_when_it_reads):
        return None
    try:
        told = ask(connection, INSTANT if changed_schema else TELL)
    except psycopg2.Error:
        return None
    except BaseException as interrupt:
        interrupt.add_note(Outcome.COMMITTED.value)
        raise
    return Decimal(told) if told else None
