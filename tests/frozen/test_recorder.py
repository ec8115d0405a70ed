"""The recorder: what is asked and answered is put down, each once, when it counts."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from faults import Fault, cut_after, cut_before, statement
from psycopg2 import extras
from tables import unique

from crdb_magic.core.asof import AsOf
from crdb_magic.core.options import TransactionOptions
from crdb_magic.core.target import Target
from crdb_magic.errors import AmbiguousCommitError, CrdbMagicError, RecordingError
from crdb_magic.frozen import store
from crdb_magic.frozen.events import COMMITTED, Event, EventKind
from crdb_magic.frozen.manifest import load
from crdb_magic.frozen.recorder import Recorder
from crdb_magic.frozen.visible_writes import UNCERTAIN
from crdb_magic.session.session import Session

_OF_COMMITS = EventKind.INSTANT, COMMITTED


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "frozen"


@pytest.fixture
def recorder(session: Session, table: str, folder: Path) -> Iterator[Recorder]:
    """One that records what is done from now on: a table is there."""
    opened = Recorder(folder)
    yield opened
    opened.close()


@pytest.fixture
def events(recorder: Recorder, folder: Path) -> Callable[[], list[Event]]:
    """What was recorded of statements and of times ago, but for receipts and instants of commits."""

    def given() -> list[Event]:
        recorder.close()
        events = load(folder).events
        return [one for one in events if one.kind is not EventKind.RECEIPT and (one.kind, one.text) != _OF_COMMITS]

    return given


def texts(folder: Path, event: Event) -> list[tuple[str | None, ...]]:
    batches = store.read(folder, event.hash, event.columns or ())
    return [row for batch in batches for row in zip(*(column.to_pylist() for column in batch), strict=True)]


def test_a_statement_is_recorded_as_it_was_written_and_as_it_was_sent(session, sql, table, events, folder):
    session.run(sql(f"SELECT id FROM {table} WHERE id = ANY(:ids) ORDER BY id", {"ids": [1, 2]}))
    (event,) = events()

    assert (event.kind, event.sql) == (EventKind.READ, f"SELECT id FROM {table} WHERE id = ANY(:ids) ORDER BY id")
    assert event.text == event.sql.replace(":ids", event.values["ids"])
    assert (texts(folder, event), event.rows, event.tag) == ([("1",), ("2",)], 2, "SELECT 2")


def test_each_is_behind_the_write_that_was_last_in_effect(session, sql, table, events):
    session.run(sql(f"SELECT 1; UPDATE {table} SET balance = 0; SELECT 2"))
    session.run(sql("SELECT 3"))
    read, write, second, third = events()

    assert (read.after, write.after, second.after, third.after) == (0, 0, write.number, write.number)


def test_what_was_rolled_back_is_in_effect_no_longer(session, sql, table, events):
    session.run(sql(f"UPDATE {table} SET balance = 0; SELECT 1"), TransactionOptions(dry_run=True))
    session.run(sql("SELECT 2"))
    write, within, later = events()

    assert (write.undone, within.after, later.after) == (True, write.number, 0)


def test_nor_is_what_a_savepoint_undid(session, sql, table, events):
    session.run(sql(f"SAVEPOINT s; DELETE FROM {table}; ROLLBACK TO s; SELECT 1"))
    write, read = events()

    assert (write.undone, read.after) == (False, 0)


def test_of_a_transaction_that_was_tried_again_the_last_attempt_is_recorded(session, sql, refuse_until, events):
    session.run(sql(f"SELECT 1; {refuse_until(3)}"))

    assert len(events()) == 2


def test_an_error_is_recorded_with_its_place_in_the_statement(session, sql, events):
    with pytest.raises(CrdbMagicError):
        session.run(sql("SELECT 1; SELECT nothing"))
    _, event = events()

    assert event.refusal is not None
    assert (event.refusal.fields["C"], event.text) == ("42703", "SELECT nothing")
    assert event.refusal.fields.get("P", "8") == "8"


def test_a_cursor_of_psycopg2_gives_its_objects_and_the_texts_are_recorded(db, table, events, folder):
    given = db.execute_sql(f"SELECT id, 1.50, NULL, '{{a,b}}'::TEXT[] FROM {table} WHERE id = %s", [1]).fetchall()
    event = events()[-1]

    assert [list(map(str, row)) for row in given] == [["1", "1.50", "None", "['a', 'b']"]]
    assert texts(folder, event) == [("1", "1.50", None, "{a,b}")]
    assert event.values == {"1": "1"}


def test_so_do_cursors_of_other_kinds(session, table, events, folder):
    with session.connection.cursor(cursor_factory=extras.RealDictCursor) as cursor:
        cursor.execute(f"SELECT id, balance FROM {table} ORDER BY id")
        rows = [cursor.fetchone(), *cursor.fetchall()]
    (event,) = events()

    assert [dict(row) for row in rows] == [{"id": 1, "balance": 100}, {"id": 2, "balance": 20}]
    assert texts(folder, event) == [("1", "100"), ("2", "20")]


@pytest.mark.usefixtures("keeper")
def test_the_exact_instant_of_the_past_is_recorded(session, sql, events):
    receipt = session.run(sql("SELECT 1"), TransactionOptions(as_of=AsOf.parse("-1us"))).receipt
    instant, read = events()

    assert (instant.kind, instant.text, instant.at) == (EventKind.INSTANT, "-1us", receipt.as_of)
    assert (read.kind, read.as_of) == (EventKind.READ, receipt.as_of)


@pytest.mark.parametrize("way", ["frames", "export"])
def test_a_stream_and_a_file_are_recorded_as_the_query_that_they_are(db, server, table, events, folder, tmp_path, way):
    if not (server.copy_to or server.cursors):
        pytest.skip("no rows can be streamed there")
    query = f"SELECT id FROM {table} ORDER BY id"
    if way == "frames":
        assert [len(frame) for frame in db.frames(query, 1)] == [1, 1]
    else:
        assert db.export(query, tmp_path / "rows.csv") == 2
    event = next(event for event in events() if event.kind is EventKind.READ)

    assert (event.text, texts(folder, event), event.tag) == (query, [("1",), ("2",)], "SELECT 2")


def test_of_rows_that_are_written_the_hash_is_recorded(db, recorder, events):
    name = unique("copied")
    db.execute_sql(f"CREATE TABLE {name} (x INT)")
    for value in (1, 1, 2):
        db.write_frame(pd.DataFrame({"x": [value]}), name, mode="append")
    db.execute_sql(f"DROP TABLE {name}")
    one, same, other = [event.digest for event in events() if event.digest]

    assert (one == same, one == other) == (True, False)


def test_a_setting_belongs_to_what_is_asked_under_it(session, sql, events):
    session.run(sql("SET TIME ZONE 'Europe/Oslo'"))
    session.run(sql("SELECT 1"))
    setting, read = events()

    assert (setting.tag, setting.told["TimeZone"], setting.settings) == ("SET", "Europe/Oslo", ())
    assert (read.settings, read.after) == (("SET TIME ZONE 'Europe/Oslo'",), 0)


def test_one_that_was_made_before_is_recorded_too(session, sql, folder):
    session.run(sql("SET TIME ZONE 'Europe/Oslo'"))
    recorder = Recorder(folder)
    recorder.show(session.connection, "a server")
    recorder.close()

    assert [event.text for event in load(folder).events] == ["SET TIME ZONE 'Europe/Oslo'"]


def test_connections_are_known_by_the_order_in_which_they_were_opened(session, other, sql, recorder, folder):
    other.run(sql("SELECT 1"))
    session.run(sql("SELECT 2"))
    recorder.close()
    contents = load(folder)

    assert len({event.connection for event in contents.events}) == len(contents.connections) == 1


def test_no_secret_gets_into_it(target: Target, session, sql, recorder, folder):
    session.run(sql("SELECT 1"))
    recorder.show(session.connection, "a server")
    recorder.close()
    everything = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    secrets = [target[key].encode() for key in ("password", "host", "port") if len(target.get(key, "")) > 4]

    assert [secret for secret in secrets if secret in everything] == []


def test_what_is_asked_in_threads_is_recorded(session, sql, events):
    threads = [threading.Thread(target=session.run, args=(sql(f"SELECT {number}"),)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(event.text for event in events()) == [f"SELECT {number}" for number in range(5)]


def test_a_fork_records_nothing(session, sql, target, events):
    child = os.fork()
    if not child:
        try:
            Session(target).run(sql("SELECT 'child'"))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    session.run(sql("SELECT 'parent'"))

    assert [event.text for event in events()] == ["SELECT 'parent'"]


def test_and_says_so(recorder, folder, in_a_fork):
    def said() -> None:
        assert recorder.outcome == (
            f"Nothing is recorded here: this process was forked from the one that records into {folder}."
        )

    in_a_fork(said)
    recorder.close()

    assert recorder.outcome == "The recording is complete."


def test_what_goes_wrong_ends_the_recording_and_nothing_else(session, sql, recorder, folder):
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "data").rmdir()
    (folder / "data").write_text("in the way")

    with pytest.warns(UserWarning, match="The recording into .* has ended") as warned:
        report = session.run(sql("SELECT 1"))
    recorder.close()

    assert (report.results[0].rows, recorder.is_open) == ((("1",),), False)
    assert recorder.outcome == str(warned[0].message)


def test_a_stream_whose_rows_can_t_be_stored_comes_all_the_same(db, recorder, monkeypatch):
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(store, "_write", full)
    with pytest.warns(UserWarning, match="The recording into .* has ended: No space left on device"):
        frames = list(db.frames("SELECT generate_series(1, 60000) AS i", 20_000))

    assert (sum(map(len, frames)), recorder.is_open) == (60_000, False)


def test_behind_a_commit_of_which_nobody_knows_is_another_state(through, proxy, sql, table, events):
    recorded = sql(f"SELECT count(*) FROM {table}")
    through.run(recorded)
    proxy.rules.append(Fault(statement("COMMIT"), cut_after))
    with pytest.raises(AmbiguousCommitError):
        through.run(sql(f"DELETE FROM {table}; SELECT 1"))
    through.run(recorded)
    before, behind = (event for event in events() if event.kind is EventKind.READ)

    assert before.after == 0
    assert behind.after not in {0, *(event.number for event in events())}


def test_so_it_is_behind_what_came_through_another_door(session, sql, table, events):
    with session.connection.cursor() as cursor:
        cursor.copy_from(io.StringIO("7\t7\n"), table)
    session.run(sql("SELECT 1"))
    (event,) = events()

    assert event.after not in {0, event.number}


def test_a_connection_that_is_lost_is_not_recorded_twice(through, proxy, sql, table, events):
    proxy.rules.append(Fault(statement("DELETE"), cut_before))
    through.run(sql(f"SELECT 1; DELETE FROM {table}; SELECT 2"))

    assert [event.text for event in events()] == ["SELECT 1", f"DELETE FROM {table}", "SELECT 2"]


def test_what_is_told_later_is_not_recorded(session, sql, recorder, folder):
    recorder.close()
    session.run(sql("SELECT 1"))

    with pytest.raises(RecordingError):
        load(folder)


def test_what_others_have_written_meanwhile_makes_a_reading_one_of_no_certain_state(session, other, sql, table, events):
    def work(connection: object) -> None:
        session.ask(f"SELECT balance FROM {table} WHERE id = 1")
        other.run(sql(f"UPDATE {table} SET balance = 7 WHERE id = 2"))

    session.transact(work)
    session.run(sql(f"SELECT balance FROM {table} WHERE id = 2"))
    write, uncertain, certain = events()

    assert (write.kind, uncertain.after, certain.after) == (EventKind.WRITE, UNCERTAIN, write.number)
