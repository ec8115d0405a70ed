"""A pinned session: what it reads is of one instant, until it is unpinned or told to read now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from crdb_magic.core.asof import NOW, AsOf
from crdb_magic.core.options import TransactionOptions
from crdb_magic.errors import OptionError, Outcome, PastUnavailableError, StatementError
from crdb_magic.session.asking import ask
from crdb_magic.session.pinning import pin, unpin
from crdb_magic.session.queries import Query
from crdb_magic.session.session import Session
from crdb_magic.transfer.exporting import export
from crdb_magic.transfer.loading import Writing, write
from crdb_magic.transfer.streaming import results

_AT_PRESENT = TransactionOptions(as_of=NOW)

Count = Callable[..., int]


@pytest.fixture
def pinned(session: Session, other: Session, table: str) -> Iterator[AsOf]:
    """The instant that the session is pinned to; somebody has added a third account since."""
    instant = pin(session, NOW)
    other.ask(f"INSERT INTO {table} VALUES (3, 0)")
    yield instant
    unpin(session)


@pytest.fixture
def count(session: Session, sql, table: str) -> Count:
    """Count the accounts by a cell."""

    def counted(options: TransactionOptions | None = None) -> int:
        return int(session.run(sql(f"SELECT count(*) FROM {table}"), options).results[0].rows[0][0])

    return counted


def test_a_cell_reads_the_instant_of_the_pin(count, pinned):
    assert [count(), count()] == [2, 2]


def test_a_query_by_itself_reads_it_too(session, table, pinned):
    assert session.ask(f"SELECT count(*) FROM {table}").rows == (("2",),)


def test_a_callback_reads_it_too(session, table, pinned):
    seen, receipt = session.transact(lambda connection: ask(connection, f"SELECT count(*) FROM {table}"))

    assert (seen, receipt.as_of) == ("2", pinned.hlc)


@pytest.mark.usefixtures("copies_out", "three_are_many", "pinned")
def test_a_large_query_is_copied_from_it(session, table):
    text = f"SELECT id FROM {table}, generate_series(1, 5)"

    assert [session.ask(text).row_count for _ in range(2)] == [10, 10]


@pytest.mark.usefixtures("copies_out", "pinned")
def test_a_stream_and_a_file_are_of_it(session, table, tmp_path):
    query, path = Query.of_text(f"SELECT id FROM {table}", None), Path(tmp_path, "a.csv")

    assert sum(result.row_count for result in results(session, query, 10)) == 2
    assert sum(result.row_count for result in results(session, query, 10, NOW)) == 3
    assert (export(session, query, path), export(session, query, path, as_of=NOW)) == (2, 3)


def test_now_steps_out_of_it(count, pinned):
    assert (count(_AT_PRESENT), count()) == (3, 2)


def test_now_may_write(session, sql, table, count, pinned):
    session.run(sql(f"DELETE FROM {table} WHERE id = 1"), _AT_PRESENT)

    assert (count(_AT_PRESENT), count()) == (2, 2)


def test_now_is_the_present_without_a_pin_too(session, sql, table, count):
    session.run(sql(f"DELETE FROM {table}"), _AT_PRESENT)

    assert count(_AT_PRESENT) == 0


def test_an_instant_of_ones_own_comes_first(session, sql, table, count, pinned):
    later = session.run(sql("SELECT cluster_logical_timestamp()"), _AT_PRESENT).results[0].rows[0][0]

    assert count(TransactionOptions(as_of=AsOf.parse(Decimal(later)))) == 3


def test_the_receipt_names_it(session, sql, pinned):
    receipt = session.run(sql("SELECT 1")).receipt

    assert (receipt.options.as_of, receipt.as_of) == (pinned, pinned.hlc)


def test_the_instant_of_what_is_read_is_that_of_the_pin(rows, pinned):
    assert Decimal(rows("SELECT cluster_logical_timestamp()")[0][0]) == pinned.hlc


def test_unpinned_the_present_is_read_again(session, count, pinned):
    unpin(session)

    assert count() == 3


def test_a_time_ago_is_pinned_to_the_instant_that_it_meant(session, sql, table):
    pinned = pin(session, AsOf.parse("-1us"))
    read_at = [session.run(sql(f"SELECT count(*) FROM {table}")).receipt.as_of for _ in range(2)]
    unpin(session)

    assert [pinned.hlc] * 2 == read_at


def test_an_instant_keeps_the_name_that_it_was_given(session, rows):
    instant = AsOf.parse(Decimal(rows("SELECT cluster_logical_timestamp()")[0][0]))
    pinned = pin(session, instant)
    unpin(session)

    assert pinned == instant


def test_an_instant_that_cannot_be_read_is_refused_and_the_old_pin_stays(session, pinned):
    with pytest.raises((PastUnavailableError, StatementError)):
        pin(session, AsOf.parse(pinned.hlc + 10**14))

    assert session.pinned == pinned


@pytest.mark.parametrize("write_", ["a cell", "a query", "a callback"])
def test_a_write_is_refused_with_the_way_out(session, sql, table, count, pinned, write_):
    text = f"DELETE FROM {table}"
    writes = {
        "a cell": lambda: session.run(sql(text)),
        "a query": lambda: session.ask(text),
        "a callback": lambda: session.transact(lambda _: session.ask(text)),
    }

    with pytest.raises(StatementError) as caught:
        writes[write_]()

    assert (caught.value.sqlstate, caught.value.outcome) == ("25006", Outcome.NOT_COMMITTED)
    assert caught.value.hint == (
        f"the connection is pinned to {pinned}: --as-of now overrides it, %crdb_pin off ends it."
    )
    assert count(_AT_PRESENT) == 3


def test_only_the_pin_is_explained(session, sql, table, pinned):
    with pytest.raises(StatementError) as caught:
        session.run(sql(f"DELETE FROM {table}"), TransactionOptions(as_of=AsOf.parse("-1us")))

    assert "pin" not in str(caught.value)


def test_a_frame_cannot_be_written_into_the_past(session, table, pinned):
    with pytest.raises(OptionError, match=f"pinned to {pinned}"):
        write(session, pd.DataFrame({"id": [4]}), Writing(table=table))


def test_a_pin_is_set_outside_of_transactions(session, count):
    with pytest.raises(OptionError, match="A transaction is open"):
        session.transact(lambda connection: (ask(connection, "SELECT 1"), pin(session, NOW)))

    assert session.pinned is None


def test_a_server_without_a_past_cannot_be_pinned(target, server):
    if server.as_of_system_time:
        pytest.skip("it has one")
    without_keeper = Session(target)

    for instant in (NOW, AsOf.parse("-1us")):
        with pytest.raises(PastUnavailableError):
            pin(without_keeper, instant)

    without_keeper.close()
    assert without_keeper.pinned is None
