"""Streams and exports where there is no COPY … TO: by a cursor of the server's, with the same guarantees."""

from __future__ import annotations

import threading
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from faults import SERIALIZABLE, Exchange, Fault, cut_after, cut_before, cut_within, error_within, instead, statement
from personality import v22
from proxy import Proxy
from pyarrow import parquet
from streams import MANY, numbers, streamed

from crdb_magic.columns.frames import records, to_frame
from crdb_magic.core.asof import AsOf
from crdb_magic.core.server import Server
from crdb_magic.errors import BrokenTransactionError, OptionError, StatementError
from crdb_magic.session.queries import Query
from crdb_magic.session.session import Session
from crdb_magic.transfer.exporting import export

pytestmark = pytest.mark.usefixtures("by_cursor", "threads_end")

_FETCH = statement("FETCH")
_VALUES = """
SELECT * FROM (VALUES ('', 1), (NULL, NULL), ('a "quoted", comma', 2), (e'two\\nlines\\r\\n', 3), ('\\.', 4),
    (' blank ', 5), ('größe ☃', 6), ('"', 7), (e'\\ufeff', 8)) AS t (a, b)
"""


@pytest.fixture
def by_cursor(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    """No COPY … TO, and parts of a few rows."""
    if not server.cursors:
        pytest.skip("there are no cursors")
    monkeypatch.setattr(Server, "copy_to", property(lambda _: False))
    monkeypatch.setattr("crdb_magic.session.reading.ROWS", 100)


@pytest.mark.parametrize("text", [_VALUES, MANY, f"{MANY} LIMIT 0", f"{MANY} LIMIT 100", f"{MANY} -- the end"])
def test_rows_are_those_of_the_plain_query(session, text):
    rows = [row for part in streamed(session, text) for row in records(part)]

    assert rows == records(session.ask(text))


def test_columns_are_those_of_the_plain_query(session):
    text = "SELECT 1 AS n, 'x'::TEXT AS s, true AS b, now() AS t, 1.5::DECIMAL(5, 2) AS d, ARRAY[1] AS a, 'x' AS a"
    (part,) = streamed(session, text)

    assert part.columns == session.ask(text).columns
    assert to_frame(part).dtypes.tolist() == to_frame(session.ask(text)).dtypes.tolist()


def test_rows_that_come_meanwhile_do_not_show(session, other, table):
    session.ask(f"INSERT INTO {table} SELECT i, 0 FROM generate_series(3, 5000) AS t (i)")
    parts = streamed(session, f"SELECT id FROM {table} ORDER BY id")
    found = [next(parts)]
    other.ask(f"DELETE FROM {table} WHERE id > 4000")
    found += parts

    assert numbers(iter(found)) == list(range(1, 5001))


def test_parts_of_large_values_are_of_few_rows(through, proxy, monkeypatch):
    monkeypatch.setattr("crdb_magic.session.reading.BYTES", 10_000)
    text = "SELECT i, repeat('x', 1000) AS x FROM generate_series(1, 130) AS t (i)"

    assert numbers(streamed(through, text)) == list(range(1, 131))
    assert [sent for sent in proxy.log if sent.startswith("FETCH")][:2] == [
        f"FETCH FORWARD {rows} FROM crdb_magic_rows" for rows in (100, 9)
    ]


def test_the_past_is_read(session, table):
    then = Decimal(session.ask("SELECT cluster_logical_timestamp()").rows[0][0])
    session.ask(f"DELETE FROM {table}")

    assert numbers(streamed(session, f"SELECT id FROM {table} ORDER BY id", as_of=AsOf.parse(then))) == [1, 2]


def test_after_a_fault_the_same_instant_is_read_again(through, proxy, other, table):
    other.ask(f"INSERT INTO {table} SELECT i, 0 FROM generate_series(3, 3000) AS t (i)")

    def change(exchange: Exchange) -> None:
        other.ask(f"DELETE FROM {table} WHERE id > 100")
        exchange.cut()

    proxy.rules.append(Fault(_FETCH, change, nth=15))

    assert numbers(streamed(through, f"SELECT id FROM {table} ORDER BY id")) == list(range(1, 3001))


@pytest.mark.parametrize(
    "faults",
    [
        [Fault(statement("DECLARE"), cut_after)],
        [Fault(_FETCH, cut_before, nth=1)],
        [Fault(_FETCH, cut_after, nth=9)],
        [Fault(_FETCH, cut_within(0.5), nth=21)],  # the last one, without rows
        [Fault(_FETCH, error_within(0.5, SERIALIZABLE), nth=9)],
        [Fault(_FETCH, instead(SERIALIZABLE), nth=12, times=3)],
        [Fault(_FETCH, cut_after, nth=15), Fault(_FETCH, cut_after, nth=4), Fault(_FETCH, cut_after, nth=19)],
        [Fault(statement("COMMIT"), cut_within(0))],
    ],
    ids=["DECLARE", "first FETCH", "midstream", "at the end", "40001", "refused", "several", "COMMIT"],
)
def test_a_fault_is_passed_over_and_all_rows_come_once_in_order(through, proxy, faults):
    for one in faults:
        one.seen = 0
    proxy.rules += faults
    found = list(streamed(through, MANY, 300))

    assert numbers(iter(found)) == list(range(1, 2001))
    assert [part.row_count for part in found] == [300] * 6 + [200]
    assert all(one.fired for one in faults)


def test_rows_that_come_in_another_order_when_read_again_are_an_error(through, proxy):
    proxy.rules.append(Fault(_FETCH, cut_after, nth=15))

    with pytest.raises(BrokenTransactionError, match="another order"):
        list(streamed(through, "SELECT i FROM generate_series(1, 2000) AS t (i) ORDER BY random()"))


def test_where_there_is_no_past_a_stream_that_has_begun_is_not_read_on(target, proxy, server):
    if server.as_of_system_time:
        pytest.skip("there is one")
    proxy.rules.append(Fault(_FETCH, cut_after, nth=15))
    alone = Session(proxy.target)

    with pytest.raises(BrokenTransactionError, match="no past"):
        list(streamed(alone, MANY))
    alone.close()


def test_an_error_behind_many_rows_comes_where_the_rows_end(session):
    parts = streamed(session, "SELECT 1 / (1900 - i) AS n FROM generate_series(1, 2000) AS t (i)", 1000)

    assert next(parts).row_count == 1000
    with pytest.raises(StatementError, match="division by zero"):
        next(parts)


def test_a_stream_that_is_let_be_stops_at_once(session):
    for part in streamed(session, "SELECT generate_series(1, 50000000) AS i"):
        assert part.row_count == 500
        break

    assert [thread for thread in threading.enumerate() if thread.name == "crdb_magic stream"] == []


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_a_file_is_written_and_after_a_fault_begun_again(through, proxy, tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    proxy.rules.append(Fault(_FETCH, cut_after, nth=9))

    assert export(through, Query.of_text(MANY, None), path) == 2000
    assert first_column(path) == list(range(1, 2001))


def first_column(path: Path) -> list[int]:
    if path.suffix == ".csv":
        return [int(line.partition(",")[0]) for line in path.read_text().splitlines()[1:]]
    return list(parquet.read_table(path).column(0).to_pylist())


def test_a_csv_file_is_the_one_that_copy_makes(session, tmp_path, monkeypatch):
    if session.server.is_cockroachdb:
        pytest.skip("it quotes a blank at the beginning, too")
    path, query = (
        tmp_path / "a.csv",
        Query.of_text(_VALUES.replace("\\.", "."), None),
    )  # in quotes, as CockroachDB has it
    export(session, query, path)
    by_cursor = path.read_bytes()
    monkeypatch.setattr(Server, "copy_to", property(lambda _: True))
    export(session, query, path)

    assert path.read_bytes() == by_cursor


def test_cockroachdb_22_is_read_so(target, server, tmp_path):
    if server.is_cockroachdb:
        pytest.skip("a cluster answers for itself")
    with Proxy(target, personality=v22()) as proxy:
        session = Session(proxy.target)
        found = numbers(streamed(session, MANY))
        rows = export(session, Query.of_text(MANY, None), tmp_path / "a.arrow")
        session.close()

    assert found == list(range(1, 2001))
    assert rows == 2000
    with pa.OSFile(str(tmp_path / "a.arrow")) as source:
        assert pa.ipc.open_file(source).read_all().num_rows == 2000


def test_without_cursors_it_is_said_what_is_missing(session, monkeypatch, tmp_path):
    monkeypatch.setattr(Server, "cursors", property(lambda _: False))

    with pytest.raises(OptionError, match=r"cursors \(CockroachDB has them from v22\.2\) or COPY"):
        next(streamed(session, MANY))
    with pytest.raises(OptionError, match="reads all rows at once"):
        export(session, Query.of_text(MANY, None), tmp_path / "a.csv")
