"""Writes a DataFrame into a table, all of it or nothing, in one transaction that can be run again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from typing import Any, NamedTuple

from crdb_magic.columns.encode import Load, column_names
from crdb_magic.core.options import DEFAULTS, Choice, TransactionOptions
from crdb_magic.core.receipt import Receipt
from crdb_magic.core.server import Server
from crdb_magic.errors import Attempt, CrdbMagicError, InputError, OptionError
from crdb_magic.session.driver import Connection
from crdb_magic.session.session import Session
from crdb_magic.session.translation import translated
from crdb_magic.sql.names import table_name, table_parts
from crdb_magic.transfer.existing import existing
from crdb_magic.transfer.table import Existing, Key, NewTable, copy, insert, parse_dtypes
from crdb_magic.values.encode_types import ColumnTarget, spelled

Progress = Callable[[int], None]


class Mode(Choice):
    """What to do about a table that exists already."""

    FAIL = "fail"
    APPEND = "append"
    REPLACE = "replace"
    UPSERT = "upsert"


@dataclass(frozen=True, kw_only=True, slots=True)
class Writing:
    """What a DataFrame is to be written into, as it was asked for.

    ``key`` is ``uuid``, ``rowid`` or the columns of the primary key; ``dtypes`` the SQL types of columns.
    """

    table: str
    mode: Mode = Mode.FAIL
    key: str | Sequence[str] | None = None
    dtypes: str | Mapping[str, str] | None = None


class Written(NamedTuple):
    """How many rows were written, and the server's notices of the attempt that was committed.

    ``made``: there was no table to append to, or to upsert into.
    """

    rows: int
    notices: tuple[str, ...]
    made: bool


@dataclass(frozen=True, slots=True)
class _LoadPlan:
    """What is sent, each time that the transaction is tried: statements, then all rows by one of two ways.

    ``there`` are the columns of the table that there is.
    """

    load: Load
    table: str
    before: tuple[str, ...] = ()
    insert: str | None = None
    there: tuple[str, ...] = ()

    def run(self, progress: Progress, connection: Connection) -> int:
        """Send it; give the number of the server's first notices that are no news: that there was no table to drop."""
        connection.follow_encoding()
        with translated(connection), connection.cursor() as cursor:
            heard, no_news = connection.notices.heard, 0
            for statement in self.before:
                cursor.execute(statement)
                no_news += (connection.notices.heard - heard) * statement.startswith(_DROP)
            if self.insert is None:
                self._copy(cursor, progress)
            else:
                self._insert(cursor, self.insert, progress)
        return no_news

    def _insert(self, cursor: Any, insert: str, progress: Progress) -> None:
        for rows, arrays in self.load.arrays():
            cursor.execute(insert, arrays)
            progress(rows)

    def _copy(self, cursor: Any, progress: Progress) -> None:
        feed = _Feed(self.load.chunks(), progress)
        names = [column.name for column in self.load.columns]
        statement = copy(self.table, names, utf8=cursor.connection.utf8)
        try:
            cursor.copy_expert(statement, feed, _PIECE)
        except Exception:
            if feed.failure is not None:  # psycopg2 tells the server of it, and hands on what the server says
                raise feed.failure from None
            raise


class _Feed:
    """The file that one COPY reads: the chunks one after the other, each made while the server reads the last."""

    def __init__(self, chunks: Iterator[tuple[int, Any]], progress: Progress) -> None:
        self.failure: BaseException | None = None
        self._chunks = chunks
        self._progress = progress
        self._rows, self._text = 0, BytesIO()

    def read(self, size: int) -> bytes:
        """Give what comes next, nothing at the end."""
        try:
            return self._text.read(size) or self._next(size)
        except BaseException as error:
            self.failure = error
            raise

    def _next(self, size: int) -> bytes:
        self._progress(self._rows)
        self._rows, self._text = next(self._chunks, (0, BytesIO()))
        return self._text.read(size)


def write(
    session: Session,
    frame: Any,
    writing: Writing,
    options: TransactionOptions = DEFAULTS,
    *,
    progress: Progress = lambda _: None,
    observer: Callable[[Attempt], None] = lambda _: None,
    receipt: Callable[[Receipt], None] | None = None,
) -> Written:
    """Write a DataFrame, within the open transaction or else as one of its own.

    ``progress`` is told the rows of each part that was sent, ``observer`` of each attempt that failed: what was sent
    is undone then. ``receipt`` is told that of a transaction of its own.

    Raises :class:`InputError` before anything is sent, and what `Session.transact` raises.
    """
    __tracebackhide__ = True
    if session.pinned and not session.in_transaction:
        raise OptionError(
            f"The connection is pinned to {session.pinned}: nothing can be written.", hint="%crdb_pin off ends that."
        )
    plan = _plan(session, frame, writing)
    told = receipt and (lambda one: receipt(replace(one, rows=plan.load.rows)))
    with _advised(writing.mode, plan, session.server):
        no_news, notices = session.carry_out(partial(plan.run, progress), options, observer, told)
    made = bool(plan.before) and writing.mode in _INTO_WHAT_IS_THERE
    return Written(plan.load.rows, notices[no_news:], made)


# What is to be sent.


def _plan(session: Session, frame: Any, writing: Writing) -> _LoadPlan:
    parts, dtypes = table_parts(writing.table), parse_dtypes(writing.dtypes)
    table, key = table_name(parts), Key.of(writing.key, column_names(frame))
    there = existing(session, parts) if writing.mode in _INTO_WHAT_IS_THERE else None
    load = Load.of(frame, dtypes, there.columns if there else None)
    _check_size(load, session.server)
    new = NewTable(table, load.columns, key)
    if there and writing.mode is Mode.UPSERT:
        return _LoadPlan(load, table, (), _upsert(load, new, there, session.server), tuple(there.columns))
    rows = None if _copied(load, there, session.server) else insert(table, _casts(load, there))
    if there:
        return _LoadPlan(load, table, (), rows, tuple(there.columns))
    _check_key(load, key.columns)
    return _LoadPlan(load, table, _making(new, writing.mode), rows)


def _copied(load: Load, there: Existing | None, server: Server) -> bool:
    """Tell whether COPY stores what an INSERT would; else the rows go by INSERT."""
    if load.has_blank_lines:
        return False
    if there and (there.by_insert or any(column.name in there.generated for column in load.columns)):
        return False
    if not server.copy_by_name and any(target.named for target in _targets(load, there)):
        return False
    return server.copy_tells_empty or not load.has_empty_texts


def _targets(load: Load, there: Existing | None) -> list[ColumnTarget]:
    """Say what each column takes; the server refuses, by its name, one that it does not have."""
    if there is None:
        return [spelled(column.ddl) for column in load.columns]
    return [there.columns.get(column.name, _ANY) for column in load.columns]


def _casts(load: Load, there: Existing | None) -> dict[str, str]:
    targets = _targets(load, there)
    return {column.name: target.cast for column, target in zip(load.columns, targets, strict=True)}


def _making(new: NewTable, mode: Mode) -> tuple[str, ...]:
    if mode is Mode.UPSERT and not new.key.columns:
        raise OptionError(
            f"There is no table {new.name} whose primary key would tell which rows to overwrite.",
            hint="name the key of the table to be made: --key COLUMN.",
        )
    drop = (f"{_DROP} TABLE IF EXISTS {new.name}",) if mode is Mode.REPLACE else ()
    return (*drop, new.create(unless_there=mode is Mode.APPEND))


def _upsert(load: Load, new: NewTable, there: Existing, server: Server) -> str:
    if not there.key:
        raise OptionError(
            f"{new.name} has no primary key, which would tell which rows to overwrite.",
            hint="--mode append adds rows; ALTER TABLE … ADD PRIMARY KEY gives it a key.",
        )
    casts = _casts(load, there)
    if missing := [name for name in there.key if name not in casts]:
        raise InputError(
            f"The DataFrame has no column {missing[0]}, which is in the primary key of {new.name}.",
            hint="the key tells which rows to overwrite; --mode append adds rows.",
        )
    if new.key != Key() and set(new.key.columns) != set(there.key):
        raise OptionError(f"The primary key of {new.name} is {', '.join(there.key)}: leave --key out.")
    _check_key(load, there.key)
    return insert(new.name, casts, **({"verb": "UPSERT"} if server.upsert else {"key": there.key}))


def _check_key(load: Load, names: tuple[str, ...]) -> None:
    for name in names:
        if count := load.nulls(name):
            missing = f"{count:,} of its values {'is' if count == 1 else 'are'} missing"
            raise InputError(f"Column {name!r} is in the primary key, and {missing}.")
    if names and (repeated := load.first_repeated(names)):
        values = ", ".join(f"{name} = {value}" for name, value in zip(names, repeated, strict=True))
        raise InputError(
            f"Two rows have the same primary key: {values}.",
            hint=f'keep the last of each: df.drop_duplicates({list(names)}, keep="last").',
        )


def _check_size(load: Load, server: Server) -> None:
    if server.largest_load is not None and load.size > server.largest_load:
        raise InputError(
            f"The DataFrame is about {load.size >> 20:,} MiB, too much for one transaction of {server}.", hint=_PARTS
        )


@contextmanager
def _advised(mode: Mode, plan: _LoadPlan, server: Server) -> Iterator[None]:
    """Add to the server's own error what can be done about it."""
    too_large = _TOO_LARGE | ({_OVER_A_LIMIT} if server.largest_load else set())
    try:
        yield
    except CrdbMagicError as error:
        reason = [attempt.reason for attempt in getattr(error, "attempts", ())][-1:]
        if error.sqlstate in too_large or reason == [_TOO_LATE]:
            error.hint = " ".join(filter(None, (error.hint, _PARTS)))
        if plan.there and error.sqlstate == _NO_COLUMN:
            error.hint = f"the columns of {plan.table} are {', '.join(plan.there)}."
        error.hint = _HINTS.get((mode, error.sqlstate), error.hint)
        raise


_INTO_WHAT_IS_THERE = {Mode.APPEND, Mode.UPSERT}
_DROP = "DROP"
_NO_COLUMN = "42703"
_PIECE = 1 << 16  # bytes of a CopyData message
_PARTS = "write it in parts with --mode append, each a transaction of its own, or load files with IMPORT INTO."
_TOO_LARGE = {"53200", "53100"}  # out of memory, disk full
_OVER_A_LIMIT = "54000"  # of a transaction, where one can't be large; else of a row or a key, which parts don't help
_TOO_LATE = "RETRY_COMMIT_DEADLINE_EXCEEDED"
_ANY = ColumnTarget("TEXT")
_HINTS: dict[tuple[Mode, str | None], str] = {
    (Mode.FAIL, "42P07"): "--mode append, replace or upsert (mode= in Python) writes into an existing table.",
    (Mode.REPLACE, "55000"): "this server keeps a dropped name until the commit: DROP TABLE first, then write.",
}
