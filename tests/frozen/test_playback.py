"""A recording in a folder is opened, and serves all that reads: frames, models, what explores a database."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path

import peewee
import psycopg2
import pyarrow as pa
import pytest
from recordings import AT, COCKROACH, INT, SHOP, TEXT, Tape, as_texts

from crdb_magic.core.asof import AsOf
from crdb_magic.core.options import TransactionOptions
from crdb_magic.errors import CrdbMagicError, NotRecordedError, RecordingError
from crdb_magic.frozen import server, store
from crdb_magic.frozen.events import Event, EventKind, RecordedColumn, RecordedConnection
from crdb_magic.frozen.manifest import Manifest
from crdb_magic.frozen.playback import open_playback
from crdb_magic.orm.database import CockroachDatabase, SessionDatabase
from crdb_magic.session.hooks import HOOKS
from crdb_magic.session.session import Session
from crdb_magic.sql.statements import split

QUERY = "SELECT * FROM orders"
COLUMNS = (RecordedColumn("id", INT), RecordedColumn("name", TEXT))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A recording of one query."""
    stored = store.write(tmp_path, COLUMNS, [(pa.array(["1", "2"]), pa.array(["tea", None]))])
    with Manifest(tmp_path) as manifest:
        manifest.append([RecordedConnection(number=1, database="shop", parameters=COCKROACH)])
        manifest.append(
            [
                Event(
                    number=1,
                    kind=EventKind.READ,
                    connection=1,
                    text=QUERY,
                    tag="SELECT 2",
                    columns=COLUMNS,
                    rows=2,
                    hash=stored.hash,
                )
            ]
        )
    return tmp_path


def test_a_folder_is_served(folder):
    with open_playback(folder), closing(Session(SHOP)) as session:
        assert as_texts(session.ask(QUERY).rows) == [("1", "tea"), ("2", None)]


def test_a_folder_without_a_recording_is_none(tmp_path):
    with pytest.raises(RecordingError, match="no recording"):
        open_playback(tmp_path)


def test_rows_that_are_gone_are_missed(folder):
    next((folder / "data").iterdir()).unlink()
    with open_playback(folder), closing(Session(SHOP)) as session, pytest.raises(NotRecordedError, match="is missing"):
        session.ask(QUERY)


def test_what_stood_in_before_does_so_again(folder):
    with open_playback(folder) as outer:
        with open_playback(folder):
            pass

        assert HOOKS.stand_in is outer
    assert HOOKS.stand_in is None


def test_it_may_be_closed_twice(folder):
    playback = open_playback(folder)
    playback.close()
    playback.close()

    assert HOOKS.stand_in is None


def test_one_that_is_closed_serves_nobody(folder):
    with open_playback(folder):
        session = Session(SHOP)
        session.ask(QUERY)
    with closing(session), pytest.raises(CrdbMagicError):
        session.ask(QUERY)


def test_nothing_is_left_by_one_that_is_killed(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    Path(tempfile.tempdir).mkdir()
    with open_playback(folder), closing(Session(SHOP)) as session:
        session.ask(QUERY)

        assert not list(Path(tempfile.tempdir).iterdir())


def test_it_begins_again_from_the_top(folder):
    for _ in range(2):
        with open_playback(folder), closing(Session(SHOP)) as session:
            assert session.ask(QUERY).row_count == 2


def test_no_message_holds_a_password(play):
    session = play(Tape())
    with pytest.raises(NotRecordedError) as caught:
        session.ask(QUERY)

    assert "s3cret" not in str(caught.value) + repr(caught.value.__cause__)


# Models.

_MODEL = 'SELECT "t1"."id", "t1"."name" FROM "order" AS "t1"'


def test_a_model_reads_and_writes(play):
    tape = Tape(COCKROACH)
    tape.read(_MODEL, {"id": INT, "name": TEXT}, [("1", "tea")])
    tape.read(
        'INSERT INTO "order" ("name") VALUES (\'cup\') RETURNING "order"."id"',
        {"id": INT},
        [("2",)],
        kind=EventKind.WRITE,
        tag="INSERT 0 1",
    )
    tape.read(_MODEL, {"id": INT, "name": TEXT}, [("1", "tea"), ("2", "cup")])
    db = SessionDatabase(play(tape))

    class Order(peewee.Model):
        name = peewee.TextField()

        class Meta:
            database = db

    before = [(one.id, one.name) for one in Order.select()]
    made = Order.create(name="cup")

    assert (before, made.id) == ([(1, "tea")], 2)
    assert [(one.id, one.name) for one in Order.select()] == [(1, "tea"), (2, "cup")]


def test_a_database_of_its_own_is_served(play, leaving):
    tape = Tape(COCKROACH)
    tape.read(QUERY, {"id": INT, "name": TEXT}, [("1", "tea")])
    play(tape)
    db = CockroachDatabase("postgresql://root@nowhere:26257/shop")
    leaving.callback(db.close)

    assert db.execute_sql(QUERY).fetchall() == [(1, "tea")]


def test_a_block_that_fails_is_undone(play):
    tape = Tape()
    tape.write("INSERT INTO orders VALUES (4)", "INSERT 0 1")
    tape.read(QUERY, {"id": INT}, [("1",)], after=0)
    db = SessionDatabase(play(tape))
    with pytest.raises(LookupError), db.atomic():
        db.execute_sql("INSERT INTO orders VALUES (4)")
        raise LookupError

    assert db.execute_sql(QUERY).fetchall() == [(1,)]


def test_nested_blocks_are_savepoints(play):
    tape = Tape(COCKROACH)
    tape.write("INSERT INTO orders VALUES (4)", "INSERT 0 1", undone=True)
    tape.read(QUERY, {"id": INT}, [("1",)], after=0)
    db = SessionDatabase(play(tape))
    with db.atomic():
        with pytest.raises(LookupError), db.atomic():
            db.execute_sql("INSERT INTO orders VALUES (4)")
            raise LookupError

        assert db.execute_sql(QUERY).fetchall() == [(1,)]


def test_a_frame_is_made_of_it(play):
    tape = Tape()
    tape.read(QUERY, {"id": INT, "name": TEXT}, [("1", "tea"), ("2", None)])
    frame = SessionDatabase(play(tape)).frame(QUERY)

    assert frame.to_dict("list")["id"] == [1, 2]


def test_frames_are_made_of_a_stream(play):
    tape = Tape()
    tape.read(QUERY, {"id": INT}, [("1",), ("2",), ("3",)])
    frames = list(SessionDatabase(play(tape)).frames(QUERY, chunksize=2))

    assert [len(frame) for frame in frames] == [2, 1]


# Types that only the catalogue knows.

_TYPES = """SELECT t.oid, t.typname, t.typtype, t.typarray, t.typelem, t.typbasetype, e.enumlabel
FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_enum e ON e.enumtypid = t.oid
WHERE t.oid IN (100042) ORDER BY t.oid, e.enumsortorder"""
_OF_TYPES = {
    "oid": 26,
    "typname": TEXT,
    "typtype": TEXT,
    "typarray": 26,
    "typelem": 26,
    "typbasetype": 26,
    "enumlabel": TEXT,
}


def test_a_type_is_known_wherever_it_is_first_seen(play):
    tape = Tape()
    tape.read("SELECT mood", {"mood": 100_042}, [("sad",)])
    tape.read(_TYPES, _OF_TYPES, [("100042", "mood", "e", "0", "0", "0", "sad")])
    tape.write("DELETE FROM orders", "DELETE 0")
    tape.read("SELECT another", {"mood": 100_042}, [("sad",)])
    session = play(tape)
    session.ask("DELETE FROM orders")

    assert session.ask("SELECT another").columns[0].type.name == "mood"


def test_a_type_that_was_not_recorded_is_no_text(play):
    tape = Tape()
    tape.read("SELECT mood", {"mood": 100_042}, [("sad",)])

    with pytest.raises(NotRecordedError):
        play(tape).ask("SELECT mood")


# Whom it lets in.


@pytest.fixture
def elsewhere(monkeypatch):
    """A system without Linux's abstract sockets."""
    monkeypatch.setattr(server, "_HAS_ABSTRACT_SOCKETS", False)


def test_a_recording_is_served_by_this_machine_alone(play, elsewhere):
    tape = Tape(COCKROACH)
    tape.instant("-10s", AT)
    tape.read(QUERY, {"id": INT}, [("1",)], as_of=AT)
    session = play(tape)
    statements = [statement.bind({}) for statement in split(QUERY)]

    assert session.run(statements, TransactionOptions(as_of=AsOf.parse("-10s"))).results[0].row_count == 1
    assert session.connection.peer()[0] == "127.0.0.1"


def test_a_stranger_is_not_served(play):
    play(Tape())
    place = HOOKS.stand_in.place_of(SHOP)

    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(**{**place, "password": "guessed"})
