"""What a server answers, and the recording of it: the same rows, tags, errors, notices and receipts, to the letter."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg2
import pytest
from faults import Exchange, ServerError, instead
from personality import always
from scripts import model_of
from tables import unique

from crdb_magic.core.asof import AsOf, time_of
from crdb_magic.core.options import RetryPolicy, TransactionOptions
from crdb_magic.core.target import Target
from crdb_magic.errors import NOT_RECORDED, CrdbMagicError
from crdb_magic.explore.schema import explore
from crdb_magic.frozen.playback import open_playback
from crdb_magic.frozen.recorder import Recorder
from crdb_magic.orm.database import SessionDatabase
from crdb_magic.session.queries import Query
from crdb_magic.session.session import Session
from crdb_magic.sql.statements import split
from crdb_magic.transfer.exporting import export
from crdb_magic.transfer.streaming import results

Step = Callable[[Session], Any]
T = unique("twice")


def cell(text: str, values: dict[str, object] | None = None, **options: Any) -> Step:
    """A cell of SQL: all that is shown of it."""

    def run(session: Session) -> Any:
        statements = [statement.bind(values or {}) for statement in split(text)]
        report = session.run(statements, TransactionOptions(**options))
        receipt = report.receipt
        shown = [(one.tag, one.columns, [*map(tuple, one.rows)], one.notices) for one in report.results]
        return shown, receipt.as_of, receipt.elapsed, receipt.attempts, receipt.notices

    return run


def sent(*texts: str) -> Step:
    """Texts that go over a cursor of psycopg2's own, in one transaction."""

    def run(session: Session) -> Any:
        def work(connection: Any) -> Any:
            said = []
            with connection.cursor() as cursor:
                for text in texts:
                    try:
                        cursor.execute(text)
                        said.append((cursor.statusmessage, cursor.fetchall() if cursor.description else None))
                    except psycopg2.Error as error:
                        said.append((error.pgcode, str(error)))
            return said

        return session.transact(work)[0]

    return run


def copied(text: str, data: str) -> Step:
    def run(session: Session) -> Any:
        def work(connection: Any) -> str:
            with connection.cursor() as cursor:
                cursor.copy_expert(text, io.StringIO(data))
                return str(cursor.statusmessage)

        return session.transact(work)[0]

    return run


def spoken(*texts: str) -> Step:
    """Texts that go over a cursor of psycopg2's own, outside of what we begin and end."""

    def run(session: Session) -> Any:
        with session.connection.cursor() as cursor:
            return [_said(cursor, text) for text in texts]

    return run


def spoken_text(text: str) -> Step:
    """A query whose rows nobody fetches."""

    def run(session: Session) -> Any:
        with session.connection.cursor() as cursor:
            cursor.execute(text)
            return cursor.rowcount

    return run


def described_as(text: str) -> Step:
    def run(session: Session) -> Any:
        with session.connection.cursor() as cursor:
            cursor.execute(text)
            return [tuple(column) for column in cursor.description]

    return run


def refused_outside(session: Session) -> Any:
    """Say what may only be said within a transaction."""
    said = []
    with session.connection.cursor() as cursor:
        for text in ("RELEASE SAVEPOINT s", "ROLLBACK TO s"):
            with pytest.raises(psycopg2.Error) as error:
                cursor.execute(text)
            said.append((error.value.pgcode, str(error.value)))
    return said


def _said(cursor: Any, text: str) -> Any:
    cursor.execute(text)
    return cursor.statusmessage, cursor.fetchall() if cursor.description else None, cursor.connection.transaction_status


def exported(text: str) -> Step:
    def run(session: Session) -> Any:
        with TemporaryDirectory() as folder:
            file = Path(folder) / "rows.csv"
            return export(session, Query.of_text(text, None), file), file.read_text()

    return run


def described() -> Step:
    return lambda session: repr(explore(session, T))


def modelled(session: Session) -> Any:
    """A model that reads and writes, with a block within a block that is undone."""
    db = SessionDatabase(session)
    named = model_of(db, T)
    number = named.select().count() + 10
    with db.atomic():
        named.create(id=number, name="peewee")
        with suppress(LookupError), db.atomic():
            named.delete().execute()
            raise LookupError
    return [(row.id, row.name) for row in named.select().order_by(named.id)], db.get_tables()


def streamed(text: str, as_of: str | None = None) -> Step:
    def run(session: Session) -> Any:
        parts = results(session, Query.of_text(text, None), 2, AsOf.parse(as_of) if as_of else None)
        return [[*map(tuple, part.rows)] for part in parts]

    return run


_MOOD, _UNMADE = f"SELECT 'sad'::{T}_m AS mood", f"DROP TYPE {T}_m"
_MANY = "SELECT i, 'row ' || i AS name FROM generate_series(1, 60000) AS t (i) ORDER BY i"
_TOKYO = "SET TimeZone = 'Asia/Tokyo'"
_EMPTY = f"DELETE FROM {T}"
_COPY = f"COPY {T} FROM STDIN WITH CSV"
_TIME = "SELECT '2026-01-01 00:00+00'::TIMESTAMPTZ::TEXT"
_TZ = cell(_TIME)
_AGO = cell(f"SELECT * FROM {T} ORDER BY id", as_of=AsOf.parse("-1us"))
_EMPTIED = cell(f"DELETE FROM {T}")
ALL = f"SELECT * FROM {T} ORDER BY id"
MADE = (cell(f"CREATE TABLE {T} (id INT PRIMARY KEY, name TEXT)"), cell(f"INSERT INTO {T} VALUES (1, 'a'), (2, NULL)"))
SCRIPTS: dict[str, Sequence[Step]] = {
    "reads": [cell(ALL), cell(f"SELECT * FROM {T} WHERE id = :id", {"id": 1}), cell(f"SELECT FROM {T}"), cell(ALL)],
    "writes": [cell(f"INSERT INTO {T} VALUES (3, 'c') RETURNING id"), cell(ALL), cell(f"DELETE FROM {T}; {ALL}")],
    "types": [cell("SELECT 1.50::DECIMAL(8, 2), 'x'::VARCHAR(3), ARRAY[1, NULL], '[1]'::JSONB, '1 day'::INTERVAL")],
    "errors": [
        cell("SELECT 1 / 0"),
        cell(f"INSERT INTO {T} VALUES (1, 'again')"),
        cell(f"SELECT *\nFROM {T}\nWHERE nme = 1"),
        cell("SELECT 1; SELECT *\nFROM nowhere"),
        cell("SELEC 1; SELECT 2"),
        cell("SELECT 1 / 0", read_only=True),
        cell(ALL),
    ],
    "notices": [cell(f"CREATE TABLE IF NOT EXISTS {T} (id INT)"), cell("DROP TABLE IF EXISTS nowhere; SELECT 1")],
    "dry runs": [cell(f"DELETE FROM {T}; {ALL}", dry_run=True), cell(ALL), cell(f"DELETE FROM {T}"), cell(ALL)],
    "savepoints": [cell(f"SAVEPOINT s; DELETE FROM {T}; {ALL}; ROLLBACK TO s; {ALL}; RELEASE SAVEPOINT s"), cell(ALL)],
    "caught errors": [sent("SAVEPOINT s", "SELECT 1 / 0", "SELECT 2", "ROLLBACK TO s", f"DELETE FROM {T}"), cell(ALL)],
    "messages of several": [sent(f"INSERT INTO {T} VALUES (5, 'e'); {ALL}"), cell(ALL), sent("SELECT 1; SELECT 2")],
    "settings": [
        cell("SET TimeZone = 'Europe/Oslo'; SELECT '2026-01-01 00:00+00'::TIMESTAMPTZ::TEXT"),
        cell(_TOKYO, dry_run=True),
        _TZ,
        streamed("SELECT '2026-01-01 00:00+00'::TIMESTAMPTZ::TEXT"),
        cell("RESET TimeZone"),
        _TZ,
    ],
    "the past": [_AGO, _EMPTIED, cell(ALL), _AGO],
    "streams": [streamed(ALL), _EMPTIED, streamed(ALL), streamed("SELECT 1 / 0"), streamed(ALL, "-1us")],
    "COPY": [copied(_COPY, "7,x\n8,\n"), cell(ALL), copied(_COPY, "7,x\n")],
    "time limits": [cell(ALL, retry=RetryPolicy(timeout=60)), cell("SELECT 1", retry=RetryPolicy(timeout=60))],
    "types of one's own": [cell(f"CREATE TYPE {T}_m AS ENUM ('sad', 'glad')"), cell(_MOOD), cell(_MOOD), cell(_UNMADE)],
    "exports": [exported(ALL), _EMPTIED, exported(ALL)],
    "schemas": [described(), cell(f"ALTER TABLE {T} ADD COLUMN more INT"), described()],
    "commits that are refused": [
        cell(f"ALTER TABLE {T} ADD CONSTRAINT one_name UNIQUE (name) DEFERRABLE INITIALLY DEFERRED"),
        cell(f"INSERT INTO {T} VALUES (3, 'a'); {ALL}"),
        cell(ALL),
        cell(f"INSERT INTO {T} VALUES (3, 'b'); {ALL}"),
        cell(ALL),
    ],
    "models": [modelled, cell(ALL), modelled],
    "large results": [cell(_MANY), cell(_MANY), streamed(_MANY)],
    "somebody's own BEGIN": [spoken("BEGIN", _EMPTY, ALL, "ROLLBACK", ALL), spoken(f"BEGIN; {_EMPTY}; COMMIT", ALL)],
    "somebody's own COMMIT of what failed": [
        spoken("BEGIN", _EMPTY), spoken("SELECT 1 / 0"), spoken("COMMIT"), spoken(ALL),
    ],
    "somebody's own settings": [spoken("BEGIN", _TOKYO, "SHOW TimeZone", "ROLLBACK", "SHOW TimeZone")],
    "what the driver can't cast": [spoken_text("SELECT '0044-03-15 00:00:00+00 BC'::TIMESTAMPTZ")],
    "RESET ALL": [cell(_TOKYO), cell("RESET ALL"), _TZ],
    "a transaction that is started": [spoken("START TRANSACTION", "COMMIT")],
    "savepoints by their names": [
        spoken("BEGIN", 'SAVEPOINT "s t" -- a note', _EMPTY, 'ROLLBACK TO "s t"', ALL, "COMMIT"),
        cell('ROLLBACK TO "S t"'),
        cell(ALL),
    ],
    "errors of what controls": [sent("SELEC 1", "SELEC 2", "SELECT 1"), refused_outside, cell(ALL)],
    "COPY that is refused": [copied(_COPY, "1,x\n"), copied(_COPY, "zz\n"), copied(_COPY, "7,x\n"), cell(ALL)],
    "descriptions": [described_as("SELECT 1, 'x'::VARCHAR(3), 1.5::DECIMAL(8, 2), 'y', '{1}'::INT[], now()::DATE")],
    "nothing": [cell("SELECT 1", read_only=True), sent(), sent("")],
}  # fmt: skip


def outcomes(session: Session, script: Sequence[Step]) -> list[Any]:
    return [_outcome(session, step) for step in script]


def _outcome(session: Session, step: Step) -> Any:
    try:
        return step(session)
    except (CrdbMagicError, psycopg2.Error) as error:
        return type(error), str(error)


def _twice(target: Target, folder: Path, script: Sequence[Step]) -> tuple[list[Any], list[Any]]:
    """Do something on a server, recorded, and again without one; gives both outcomes."""
    with closing(Session(target)) as before:
        outcomes(before, [cell(f"DROP TABLE IF EXISTS {T}")])
    recorder = Recorder(folder)
    try:
        with closing(Session(target)) as live:
            was = outcomes(live, [*MADE, *script])
    finally:
        recorder.close()
    with open_playback(folder), closing(Session(target)) as frozen:
        return was, outcomes(frozen, [*MADE, *script])


@pytest.fixture
def twice(target, keeper, tmp_path) -> Any:
    return lambda script: _twice(target, tmp_path, script)


@pytest.fixture
def twice_as_v26(as_v26, tmp_path) -> Any:
    """The same on what answers as CockroachDB v26.1 does."""
    return lambda script: _twice(as_v26.target, tmp_path, script)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_recording_answers_as_the_server_did(twice, name):
    live, frozen = twice(SCRIPTS[name])

    assert frozen == live


@pytest.mark.parametrize(
    "name", ["reads", "writes", "errors", "dry runs", "streams", "large results", "models", "exports"]
)
def test_a_recording_answers_as_cockroachdb_did(twice_as_v26, name):
    live, frozen = twice_as_v26(SCRIPTS[name])

    assert frozen == live


def test_the_place_of_an_error_is_in_the_statement_whatever_goes_before_it(twice_as_v26, as_v26):
    def refuse(exchange: Exchange) -> None:
        """Draw the place below all of the message, prelude included (pkg/sql/parser/lexer.go)."""
        message, _, _ = as_v26.log[-1].partition("\n) AS q")
        drawn = f"source SQL:\n{message}\n{' ' * 9}^"
        instead(ServerError("42601", 'at or near "frmo": syntax error', detail=drawn))(exchange)

    as_v26.rules.append(always(r"SELECT (1 FRMO|\* FROM \(\nSELECT 1 FRMO)", refuse))
    text, at = "SELECT 1 FRMO nowhere", AsOf.parse("1722882686481050825.0000000002")
    live, frozen = twice_as_v26([cell(text), cell(text, as_of=at), streamed(text, str(at)), sent(text)])

    assert frozen == live
    assert ["line 1: SELECT 1 FRMO nowhere\n                 ^\n" in str(one) for _, one in live[2:4]] == [True, True]


OTHERWISE: dict[str, tuple[Sequence[Step], Step]] = {
    "what was SET for the transaction": ([cell(f"SET LOCAL TimeZone = 'Asia/Tokyo'; {_TIME}")], cell(_TIME)),
    "it gone back to a savepoint": (
        [cell(f"SAVEPOINT s; SET LOCAL TimeZone = 'Asia/Tokyo'; ROLLBACK TO s; {_TIME}")],
        cell(f"SAVEPOINT s; SET LOCAL TimeZone = 'Asia/Tokyo'; {_TIME}"),
    ),
    "whether it may write": ([cell(_EMPTY)], cell(_EMPTY, read_only=True)),
    "a time ago, behind a write": ([_AGO, cell(_EMPTY)], _AGO),
    "rows of a COPY that was refused": ([copied(_COPY, "1,x\n")], copied(_COPY, "7,x\n")),
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_what_differs_is_refused(target, keeper, tmp_path, name):
    recorded, other = OTHERWISE[name]
    _, _ = _twice(target, tmp_path, recorded)
    with open_playback(tmp_path), closing(Session(target)) as frozen:
        outcomes(frozen, [*MADE, *(recorded if "behind" in name else ())])

        with pytest.raises((CrdbMagicError, psycopg2.Error)) as error:
            other(frozen)
        assert NOT_RECORDED in {getattr(error.value, "sqlstate", ""), getattr(error.value, "pgcode", "")}


def test_two_sessions_are_answered_as_they_were(target, session, keeper, tmp_path):
    outcomes(session, [cell(f"DROP TABLE IF EXISTS {T}"), *MADE])
    other = target.having(application_name="other")
    # On CockroachDB who reads waits for who has written there (concurrency/lock_table.go); it is asked of other rows.
    meanwhile = f"SELECT * FROM {T} WHERE id < 9" if session.server.is_cockroachdb else ALL

    def both() -> list[Any]:
        with closing(Session(target)) as one, closing(Session(other)) as two:
            return [
                _outcome(one if turn else two, step)
                for turn, step in [
                    (True, cell(ALL)),
                    (False, cell(ALL)),
                    (False, cell(f"INSERT INTO {T} VALUES (3, 'c')")),
                    (True, cell(ALL)),
                    (True, _EMPTIED),
                    (False, cell(ALL)),
                    (False, spoken("BEGIN", f"INSERT INTO {T} VALUES (9, 'i')")),
                    (True, cell(meanwhile)),
                    (False, spoken("COMMIT")),
                    (True, cell(ALL)),
                ]
            ]

    recorder = Recorder(tmp_path)
    try:
        live = both()
    finally:
        recorder.close()
    with open_playback(tmp_path):
        frozen = both()

    assert frozen == live


def test_a_time_between_two_writes_is_read_again(twice, session, keeper):
    if keeper is None:
        pytest.skip("a cluster reads any time")
    asked: list[AsOf] = []

    def between(reading: Session) -> Any:
        if not asked:
            at = keeper.present().at
            asked.append(AsOf.parse(time_of(at) + timedelta(microseconds=1)))
        return cell(ALL, as_of=asked[0])(reading)

    live, frozen = twice([between, cell(f"DELETE FROM {T}"), between])

    assert frozen == live
    assert [type(one[0]) for one in live] == [list] * 5
    assert live[2][1] != Decimal(asked[0].hlc or 0)
