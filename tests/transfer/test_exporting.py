"""Files of a query's rows: complete or not there, as of one instant, whatever happens on the way."""

from __future__ import annotations

import os
import signal
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from faults import SERIALIZABLE, Exchange, Fault, cut_within, error_within, statement
from pyarrow import parquet
from streams import MANY

from crdb_magic.core.asof import AsOf
from crdb_magic.core.options import TransactionOptions
from crdb_magic.errors import Attempt, CrdbMagicError, OptionError
from crdb_magic.session.queries import Query
from crdb_magic.session.session import Session
from crdb_magic.transfer.exporting import export

pytestmark = pytest.mark.usefixtures("copies_out", "threads_end", "small_parts")

_COPY = statement("COPY")
_ENDLESS = "SELECT generate_series(1, 50000000) AS i, repeat('x', 100) AS x"
SUFFIXES = [".parquet", ".arrow", ".csv"]


def exported(session: Session, text: str, path: Path, **options: Any) -> int:
    return export(session, Query.of_text(text, None), path, **options)


def first_column(path: Path) -> list[int]:
    if path.suffix == ".csv":
        return [int(line.partition(",")[0]) for line in path.read_text().splitlines()[1:]]
    if path.suffix == ".parquet":
        return list(parquet.read_table(path).column(0).to_pylist())
    with pa.OSFile(str(path)) as source:
        return list(pa.ipc.open_file(source).read_all().column(0).to_pylist())


@pytest.fixture(params=SUFFIXES)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A file that is there already."""
    there = tmp_path / f"rows{request.param}"
    there.write_text("old")
    return there


def test_a_file_holds_all_rows_and_their_number_is_told(session, path):
    assert exported(session, MANY, path) == 2000
    assert first_column(path) == list(range(1, 2001))
    assert os.listdir(path.parent) == [path.name]


def test_a_query_without_rows_makes_a_file_of_its_columns(session, path):
    assert exported(session, f"{MANY} LIMIT 0", path) == 0
    assert first_column(path) == []


def test_newlines_within_values_are_no_rows(session, tmp_path):
    path = tmp_path / "a.csv"

    assert exported(session, "SELECT e'two\\nlines' AS s FROM generate_series(1, 300)", path) == 300
    assert path.read_text() == '"s"\n' + '"two\nlines"\n' * 300


def test_csv_tells_null_from_an_empty_text(session, tmp_path):
    path = tmp_path / "a.csv"
    exported(session, "VALUES ('', NULL, 1), (NULL, '', 2)", path)

    assert path.read_text() == '"column1","column2","column3"\n"",,1\n,"",2\n'


def test_a_column_with_an_infinite_date_becomes_one_of_texts(session, tmp_path):
    path = tmp_path / "a.parquet"
    late = "CASE WHEN i = 1900 THEN 'infinity' ELSE '2026-11-23' END::DATE"
    rows = exported(session, f"SELECT i, {late} AS day, 'x'::TEXT AS s FROM generate_series(1, 2000) AS t (i)", path)
    table = parquet.read_table(path)

    assert (rows, table.schema.types) == (2000, [table.schema.field("i").type, pa.string(), pa.string()])
    assert table["day"].to_pylist() == ["2026-11-23"] * 1899 + ["infinity"] + ["2026-11-23"] * 100
    assert os.listdir(tmp_path) == ["a.parquet"]


def test_the_past_is_exported(session, table, path):
    then = Decimal(session.ask("SELECT cluster_logical_timestamp()").rows[0][0])
    session.ask(f"DELETE FROM {table}")

    assert exported(session, f"SELECT id FROM {table} ORDER BY id", path, as_of=AsOf.parse(then)) == 2
    assert first_column(path) == [1, 2]


def test_progress_is_told_the_rows(session, path):
    told: list[int] = []
    exported(session, MANY, path, progress=told.append)

    assert sum(told) == 2000
    assert len(told) > 10


# What goes wrong.


@pytest.mark.parametrize(
    "actions",
    [[cut_within(0.7)], [error_within(0.7, SERIALIZABLE)], [cut_within(0), cut_within(0.3)]],
    ids=["cut", "40001", "twice"],
)
def test_after_a_fault_it_begins_again(through, proxy, path, actions):
    proxy.rules += [Fault(_COPY, action) for action in actions]
    heard: list[Attempt] = []

    assert exported(through, MANY, path, observer=heard.append) == 2000
    assert first_column(path) == list(range(1, 2001))
    assert [attempt.number for attempt in heard] == list(range(1, len(actions) + 1))
    assert os.listdir(path.parent) == [path.name]


def test_after_a_fault_the_same_instant_is_read(through, proxy, other, table, path):
    other.ask(f"INSERT INTO {table} SELECT i, 0 FROM generate_series(3, 3000) AS t (i)")

    def change(exchange: Exchange) -> None:
        exchange.finish()
        other.ask(f"DELETE FROM {table} WHERE id > 100")
        exchange.cut()

    proxy.rules.append(Fault(_COPY, change))

    assert exported(through, f"SELECT id FROM {table} ORDER BY id", path) == 3000
    assert first_column(path) == list(range(1, 3001))


def test_who_counts_the_rows_hears_that_it_begins_again(session, tmp_path):
    counted: list[int] = []
    late = "CASE WHEN i = 1900 THEN 'infinity' ELSE '2026-11-23' END::DATE"
    text = f"SELECT {late} AS day FROM generate_series(1, 2000) AS t (i)"
    exported(session, text, tmp_path / "a.parquet", progress=counted.append, observer=lambda _: counted.clear())

    assert sum(counted) == 2000


def left_as_it_was(path: Path, session: Session) -> bool:
    """Tell whether the old file is there, nothing beside it, and the session usable."""
    there = [one.read_text() for one in path.parent.iterdir()]
    return (there, session.in_transaction, session.ask("SELECT 2").rows) == (["old"], False, (("2",),))


BAD = [
    "SELECT * FROM nope",
    "SELECT 1 / (1900 - i) AS n FROM generate_series(1, 2000) AS t (i)",
    "SELECT 1; SELECT 2",
    "DELETE FROM nope",
    "SELECT",
]


@pytest.mark.parametrize("text", BAD)
def test_a_query_that_fails_leaves_the_old_file(session, path, text):
    with pytest.raises(Exception, match=r"nope|division|by itself|no columns|syntax"):
        exported(session, text, path)

    assert left_as_it_was(path, session)


def test_faults_without_an_end_leave_the_old_file(through, proxy, path, monkeypatch):
    monkeypatch.setattr("crdb_magic.core.options.RetryPolicy.longest_wait", lambda *_: 0)
    proxy.rules.append(Fault(_COPY, cut_within(0.7), times=20))
    with pytest.raises(CrdbMagicError, match="Gave up"):
        exported(through, MANY, path)

    assert left_as_it_was(path, through)


@pytest.mark.usefixtures("no_collection")
def test_an_interrupt_leaves_the_old_file(session, path):
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        exported(session, _ENDLESS, path)
    timer.join()

    assert left_as_it_was(path, session)


def test_an_error_of_who_counts_leaves_the_old_file(session, path):
    def fail(_: int) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        exported(session, _ENDLESS, path, progress=fail)

    assert left_as_it_was(path, session)


@pytest.mark.parametrize(
    ("place", "why"), [("missing/a.csv", "no folder"), ("a-file/a.csv", "no folder"), ("a-folder.csv", "is a folder")]
)
def test_a_place_that_is_none_is_refused_before_anything_is_sent(trips, through, tmp_path, place, why):
    (tmp_path / "a-file").write_text("old")
    (tmp_path / "a-folder.csv").mkdir()

    def refused() -> None:
        with pytest.raises(OptionError, match=why):
            exported(through, MANY, tmp_path / place)

    assert trips(refused) == []
    assert sorted(os.listdir(tmp_path)) == ["a-file", "a-folder.csv"]


def test_a_link_stays_one_and_leads_to_the_rows(session, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link.csv").symlink_to("there/rows.csv")
    exported(session, MANY, tmp_path / "link.csv")

    assert (tmp_path / "link.csv").is_symlink()
    assert first_column(tmp_path / "there" / "rows.csv") == list(range(1, 2001))


def test_home_is_known(session, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    exported(session, MANY, Path("~/rows.csv"))

    assert os.listdir(tmp_path) == ["rows.csv"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is full")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_is_an_error_of_the_disk(session, tmp_path, monkeypatch, suffix):
    monkeypatch.setattr("crdb_magic.columns.files._GROUP", 1000)
    monkeypatch.setattr("crdb_magic.transfer.exporting.token_hex", lambda _: "full")
    path = tmp_path / f"a{suffix}"
    (tmp_path / f".a-full{suffix}").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        exported(session, MANY, path)

    assert list(tmp_path.iterdir()) == []
    assert session.ask("SELECT 2").rows == (("2",),)


@pytest.mark.parametrize("name", ["rows", "rows.txt", "rows.parquet.zip"])
def test_another_format_is_refused_before_anything_is_sent(trips, through, tmp_path, name):
    def refused() -> None:
        with pytest.raises(OptionError, match=r"\.parquet, \.arrow, \.csv"):
            exported(through, MANY, tmp_path / name)

    assert trips(refused) == []
    assert list(tmp_path.iterdir()) == []


def test_within_a_transaction_it_is_refused(session, path):
    def work(connection: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        exported(session, MANY, path)

    with pytest.raises(OptionError, match="outside the transaction"):
        session.transact(work, TransactionOptions())
    assert left_as_it_was(path, session)
