"""What a notebook does, as steps whose outcome is all that it could show: the words of scripts for the laws."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pandas as pd
import peewee
import psycopg2
from psycopg2 import extras
from tables import unique
from type_cases import ARRAYS, SCALARS

from crdb_magic.core.asof import AsOf
from crdb_magic.core.options import RetryPolicy, TransactionOptions
from crdb_magic.core.target import Target
from crdb_magic.errors import CrdbMagicError
from crdb_magic.orm.database import SessionDatabase
from crdb_magic.session.session import Session
from crdb_magic.sql.statements import split

T, TRIES = unique("law"), unique("tries")
ALL = f"SELECT * FROM {T} ORDER BY id"
NOTEBOOKS = ("a", "b", "c")
"""Sessions of a notebook: the first two have one connection string, and so are one connection of the recording."""


class Step(NamedTuple):
    """What is done, with what, in which session."""

    does: str
    what: Any = ""
    who: str = "a"


class Sessions:
    """The sessions of a notebook, opened when they are first asked."""

    def __init__(self, target: Target) -> None:
        self._targets = {"a": target, "b": target, "c": target.having(application_name="another")}
        self._sessions: dict[str, Session] = {}
        self.folder = TemporaryDirectory()

    def session(self, who: str) -> Session:
        if who not in self._sessions:
            self._sessions[who] = Session(self._targets[who])
        return self._sessions[who]

    def close(self) -> None:
        for one in self._sessions.values():
            one.close()
        self.folder.cleanup()


def outcomes(target: Target, script: Sequence[Step]) -> list[Any]:
    """Run a script; give what each step shows."""
    with closing(Sessions(target)) as sessions:
        return [outcome(sessions, step) for step in script]


def outcome(sessions: Sessions, step: Step) -> Any:
    try:
        return shown(DOES[step.does](sessions, sessions.session(step.who), step.what))
    except (CrdbMagicError, psycopg2.Error, peewee.PeeweeException) as error:
        return of_error(error)


def of_error(error: BaseException) -> Any:
    """Give all that is told of an error, with the SQLSTATE that is behind it."""
    behind: BaseException | None = error
    while behind is not None and not (state := getattr(behind, "sqlstate", None) or getattr(behind, "pgcode", None)):
        behind = behind.__cause__ or behind.__context__
    return "raised", type(error).__name__, state, str(error)


def shown(value: Any) -> Any:
    """Give a value with the types in it, to be compared: NaN is itself."""
    if isinstance(value, list | tuple):
        return [type(value).__name__, *map(shown, value)]
    if isinstance(value, dict):
        return {name: shown(one) for name, one in value.items()}
    return type(value).__name__, repr(value)


def _cell(options: TransactionOptions) -> Callable[[Sessions, Session, str], Any]:
    def run(_: Sessions, session: Session, text: str) -> Any:
        report = session.run([statement.bind({}) for statement in split(text)], options)
        receipt = report.receipt
        results = [(one.tag, one.columns, [*map(tuple, one.rows)], one.notices) for one in report.results]
        return results, receipt.attempts, receipt.rows, receipt.notices

    return run


def _bound(_: Sessions, session: Session, given: tuple[str, dict[str, Any]]) -> Any:
    text, values = given
    report = session.run([statement.bind(values) for statement in split(text)], TransactionOptions())
    return [(one.tag, [*map(tuple, one.rows)]) for one in report.results]


def _execute(_: Sessions, session: Session, given: tuple[str, Any]) -> Any:
    cursor = SessionDatabase(session).execute_sql(*given)
    return cursor.rowcount, cursor.statusmessage, cursor.fetchall() if cursor.description else None


def _frame(_: Sessions, session: Session, text: str) -> Any:
    frame = SessionDatabase(session).frame(text)
    return [*frame.columns], [*map(str, frame.dtypes)], frame.to_numpy(object).tolist(), frame.attrs.get("x")


def _rows(_: Sessions, session: Session, text: str) -> Any:
    return SessionDatabase(session).rows(text)


def _arrow(_: Sessions, session: Session, text: str) -> Any:
    table = SessionDatabase(session).arrow(text)
    return str(table.schema), table.to_pylist()


def _frames(_: Sessions, session: Session, text: str) -> Any:
    return [frame.to_numpy(object).tolist() for frame in SessionDatabase(session).frames(text, 2)]


def _export(sessions: Sessions, session: Session, given: tuple[str, str]) -> Any:
    text, suffix = given
    file = Path(sessions.folder.name) / f"rows.{suffix}"
    file.unlink(missing_ok=True)
    rows = SessionDatabase(session).export(text, file)
    return rows, file.read_bytes()


def _write(_: Sessions, session: Session, rows: Sequence[tuple[int, str]]) -> Any:
    frame = pd.DataFrame(rows, columns=["id", "name"])
    return SessionDatabase(session).write_frame(frame, T, mode="append")


def model_of(db: SessionDatabase, table: str) -> Any:
    """Give the model of a table with the columns id and name."""

    class Row(peewee.Model):
        name = peewee.TextField(null=True)

        class Meta:
            database = db
            table_name = table

    return Row


def _model(_: Sessions, session: Session, given: tuple[str, int]) -> Any:
    verb, number = given
    db = SessionDatabase(session)
    named = model_of(db, T)
    done: list[Any] = []
    if verb == "create":
        done.append(named.create(id=number, name="peewee").id)
    elif verb == "nested":
        with db.atomic():
            done.append(named.update(name="outer").where(named.id == number).execute())
            with suppress(LookupError), db.atomic():
                done.append(named.delete().execute())
                raise LookupError
    elif verb == "transact":
        done.append(db.run_transaction(lambda _: named.update(name="t").where(named.id >= number).execute()))
    return done, [(row.id, row.name) for row in named.select().order_by(named.id)]


def _spoken(_: Sessions, session: Session, texts: Sequence[str]) -> Any:
    said: list[Any] = []
    with session.connection.cursor() as cursor:
        for text in texts:
            try:
                cursor.execute(text)
                rows = cursor.fetchall() if cursor.description else None
                said.append((cursor.statusmessage, cursor.rowcount, rows, _described(cursor)))
            except psycopg2.Error as error:
                said.append((type(error).__name__, error.pgcode, str(error), error.diag.statement_position))
            said.append(session.connection.transaction_status)
        session.connection.rollback()
    return said


def _described(cursor: Any) -> Any:
    return [tuple(one) for one in cursor.description or ()]


def _cursor(_: Sessions, session: Session, way: str) -> Any:
    if way == "dict":
        with session.connection.cursor(cursor_factory=extras.RealDictCursor) as cursor:
            cursor.execute(ALL)
            return [dict(row) for row in cursor]
    with session.connection.cursor() as cursor:
        if way == "many":
            cursor.executemany(f"INSERT INTO {T} VALUES (%s, %s)", [(70, "m"), (71, "n")])
            return cursor.rowcount, cursor.statusmessage
        if way == "values":
            extras.execute_values(cursor, f"INSERT INTO {T} VALUES %s", [(80, "m"), (81, "n")])
            return cursor.rowcount, cursor.statusmessage
        cursor.execute(ALL)
        return cursor.fetchone(), cursor.fetchmany(1), [*cursor], cursor.rownumber, _described(cursor)


def _copy(_: Sessions, session: Session, data: str) -> Any:
    with session.connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {T} FROM STDIN WITH CSV", io.StringIO(data))
        return cursor.statusmessage, cursor.rowcount


def _retry(_: Sessions, session: Session, times: int) -> Any:
    refuse = f"SELECT CASE WHEN nextval('{TRIES}') < {times} THEN crdb_internal.force_retry('1h') ELSE 0 END"
    options = TransactionOptions(retry=RetryPolicy(max_attempts=5))
    texts = split(f"UPDATE {T} SET name = name || '!'; {refuse}; {ALL}")
    report = session.run([one.bind({}) for one in texts], options)
    session.ask(f"SELECT setval('{TRIES}', 1, false)")
    return report.receipt.attempts, [[*map(tuple, one.rows)] for one in report.results]


DOES: dict[str, Callable[[Sessions, Session, Any], Any]] = {
    "cell": _cell(TransactionOptions()),
    "dry": _cell(TransactionOptions(dry_run=True)),
    "read only": _cell(TransactionOptions(read_only=True)),
    "past": _cell(TransactionOptions(as_of=AsOf.parse("-1us"))),
    "bound": _bound,
    "execute": _execute,
    "frame": _frame,
    "rows": _rows,
    "arrow": _arrow,
    "frames": _frames,
    "export": _export,
    "write": _write,
    "model": _model,
    "spoken": _spoken,
    "cursor": _cursor,
    "copy": _copy,
    "retry": _retry,
}

_TIME = "SELECT '2026-01-01 00:00+00'::TIMESTAMPTZ::TEXT AS t, '2026-01-01 00:00+00'::TIMESTAMPTZ AS u"
_NAMES = [
    "BOOL",
    "INT8",
    "INT4",
    "INT2",
    "FLOAT8",
    "FLOAT4",
    "DECIMAL",
    "TEXT",
    "VARCHAR",
    "CHAR",
    "BYTEA",
    "DATE",
    "TIME",
    "TIMETZ",
    "TIMESTAMP",
    "TIMESTAMPTZ",
    "INTERVAL",
    "UUID",
    "JSONB",
    "INET",
    "BIT",
    "VARBIT",
]


def _of_type(name: str, array: str, texts: Sequence[str]) -> str:
    values = [f"'{text}'::{name}{array}" for text in texts if len(text) < 200 and "'" not in text]
    return f"SELECT {', '.join([*values, f'NULL::{name}{array}'])}"


_OF_TYPES = [
    _of_type(name, array, kinds[name].texts)
    for array, kinds in (("", SCALARS), ("[]", ARRAYS))
    for name in _NAMES
    if name in kinds
]
READS = [
    ALL,
    f"SELECT count(*) FROM {T}",
    f"SELECT FROM {T}",
    f"SELECT max(id) AS m, min(name) FROM {T}",
    _TIME,
    f"WITH x AS ({ALL}) SELECT name, id FROM x WHERE id > 1 ORDER BY id",
    "SELECT 1.50::DECIMAL(8, 2), NULL, 'x'::VARCHAR(3)",
    f"SELECT id FROM {T} WHERE false",
    "SELECT 'ü€', E'a\\nb', '', ' '",
    *_OF_TYPES,
    "SHOW TimeZone",
    "SELECT current_setting('DateStyle')",
    "VALUES (1, 'a'), (2, NULL)",
    "SELECT id, id FROM (SELECT 1 AS id) q",
    f"TABLE {T} ORDER BY 1",
]
WRITES = [
    f"INSERT INTO {T} VALUES (3, 'c')",
    f"INSERT INTO {T} VALUES (4, NULL), (5, 'e') RETURNING id, name",
    f"INSERT INTO {T} SELECT id + 10, name FROM {T}",
    f"UPDATE {T} SET name = 'u' WHERE id = 1",
    f"UPDATE {T} SET id = id + 1 WHERE id = (SELECT max(id) FROM {T}) RETURNING *",
    f"DELETE FROM {T} WHERE id > 2",
    f"DELETE FROM {T}",
    f"WITH d AS (DELETE FROM {T} WHERE id = 1 RETURNING *) SELECT * FROM d",
    f"ALTER TABLE {T} ADD COLUMN IF NOT EXISTS extra INT",
    f"ALTER TABLE {T} DROP COLUMN IF EXISTS extra",
    f"CREATE TABLE IF NOT EXISTS {T} (id INT)",
    f"DROP TABLE IF EXISTS {T}_nowhere",
    f"TRUNCATE {T}",
    f"INSERT INTO {T} VALUES (1, 'a') ON CONFLICT (id) DO UPDATE SET name = 'conflict'",
    f"CREATE TEMPORARY TABLE {T}_t AS SELECT * FROM {T}",
    f"INSERT INTO {T} SELECT 100 + id, name FROM {T}_t",
    f"SELECT * FROM {T} WHERE id = 1 FOR UPDATE",
]
SETS = [
    "SET TimeZone = 'Asia/Tokyo'",
    "RESET TimeZone",
    "SET LOCAL TimeZone = 'Europe/Oslo'",
    "SET DateStyle = 'SQL, DMY'",
    "SET IntervalStyle = 'iso_8601'",
    "RESET ALL",
    "SELECT set_config('TimeZone', 'America/Lima', false)",
    "SELECT set_config('TimeZone', 'America/Lima', true)",
    "SET search_path = pg_catalog",
    "SET TimeZone TO DEFAULT",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "SET default_transaction_read_only = off",
]
ERRORS = [
    "SELECT 1 / 0",
    f"INSERT INTO {T} VALUES (1, 'again'), (1, 'again')",
    f"SELECT *\nFROM {T}\nWHERE nme = 1",
    "SELEC 1",
    f"SELECT * FROM {T}_t ORDER BY id",
    "SELECT 'x'::INT",
    f"DROP TABLE {T}_t",
    "SET nothing_at_all = 1",
]
SAVEPOINTS = ["SAVEPOINT s", "ROLLBACK TO s", "RELEASE SAVEPOINT s", 'SAVEPOINT "S t"', 'ROLLBACK TO "S t"']
CONTROL = ["BEGIN", "COMMIT", "ROLLBACK", "BEGIN READ ONLY", "START TRANSACTION", "END", "ABORT"]
