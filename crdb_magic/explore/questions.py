"""How a database is asked about itself: at which instant, with rows as texts, and what it refuses left out and said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import TypeVar

import pandas as pd

from crdb_magic.core.asof import NOW, AsOf
from crdb_magic.core.options import DEFAULTS, RetryPolicy, TransactionOptions
from crdb_magic.errors import StatementError
from crdb_magic.session.driver import Connection, text_cursor
from crdb_magic.session.queries import Values
from crdb_magic.session.session import Session
from crdb_magic.session.translation import translated

T = TypeVar("T")
Row = tuple[str | None, ...]
Named = Mapping[str, str | None]


def read(
    session: Session, work: Callable[[Connection], T], as_of: AsOf | None = None, retry: RetryPolicy = DEFAULTS.retry
) -> T:
    """Ask within the open transaction, which then shows what it has made, else in one that only reads."""
    options = DEFAULTS if session.in_transaction else TransactionOptions(read_only=True, as_of=as_of, retry=retry)
    return session.carry_out(work, options, lambda _: None)[0]


def optional(
    session: Session, what: str, question: Callable[[Connection], list[T]], as_of: AsOf | None = None
) -> tuple[list[T], tuple[str, ...]]:
    """Ask what may be refused: gives rows, or a sentence about why there are none."""
    if session.in_transaction:
        return [], (not_within(what),)
    try:
        return read(session, question, as_of), ()
    except StatementError as error:
        return [], (" ".join(filter(None, (_refusal(session, what, error), error.hint))),)


def not_within(what: str) -> str:
    """Say that something is left out because a refusal would be the end of the open transaction."""
    return f"{what}: not asked for within a transaction."


def _refusal(session: Session, what: str, error: StatementError) -> str:
    if error.sqlstate == "42501":
        return f"{what}: not shown to user {session.connection.info.user} (SQLSTATE 42501)."
    return f"{what}: refused by the server: {error.message} (SQLSTATE {error.sqlstate})."


def ask(connection: Connection, sql: str, values: Values = None) -> list[Row]:
    """Ask a question; gives the rows as the server's texts."""
    with text_cursor(connection) as cursor, translated(connection):
        cursor.execute(sql, values)
        return list(map(_texts, cursor.fetchall()))


def named(connection: Connection, sql: str) -> list[Named]:
    """Ask a question; gives the rows as the server's texts, by the names of the columns."""
    with text_cursor(connection) as cursor, translated(connection):
        cursor.execute(sql)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, _texts(row), strict=True)) for row in cursor.fetchall()]


def _texts(row: Sequence[bytes | str | None]) -> Row:
    """Give a row's texts; of types that psycopg2 does not know they come as such."""
    return tuple(str(cell, "utf-8") if isinstance(cell, bytes) else cell for cell in row)


def at_present(session: Session, sql: str) -> list[Named]:
    """Ask a question, whatever the session is pinned to; gives the rows by the names of the columns."""
    return read(session, partial(named, sql=sql), NOW)


def whole(text: str | None) -> int | None:
    """Read a number without its fraction."""
    return None if text is None else int(Decimal(text))


def instant(text: str | None) -> pd.Timestamp:
    """Read an instant, in UTC: CockroachDB gave some without their zone until v22.2."""
    read = pd.Timestamp(str(text))
    return read.tz_localize("UTC") if read.tzinfo is None else read.tz_convert("UTC")
