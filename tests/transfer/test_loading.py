"""Frames on a server: all of their rows or none, each value as it was, in each mode."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import numpy as np
import pandas as pd
import peewee
import pyarrow as pa
import pytest
from faults import SERIALIZABLE, Fault, ServerError, cut_after, cut_before, instead, is_, statement
from hypothesis import given, settings
from hypothesis import strategies as st
from wire import COPY_DONE

from crdb_magic.columns import encode
from crdb_magic.core.options import RetryPolicy, TransactionOptions
from crdb_magic.core.server import Server
from crdb_magic.errors import (
    AmbiguousCommitError,
    ConnectionFailedError,
    ExceededMaxAttempts,
    InputError,
    OptionError,
    StatementError,
)
from crdb_magic.orm.database import CockroachDatabase
from crdb_magic.session.session import Session
from crdb_magic.transfer.loading import Mode, Writing, write
from crdb_magic.values.decode import Interval, decode

NAN = float("nan")


@pytest.fixture
def put(session, name) -> Callable[..., int]:
    """Write a frame into that table."""

    def written(frame: pd.DataFrame, mode: str = "fail", **asked: object) -> int:
        return write(session, frame, Writing(table=name, mode=Mode.parse(mode), **asked)).rows

    return written


@pytest.fixture
def stored(rows, name) -> Callable[..., list[tuple[str | None, ...]]]:
    """Give the text of what the table holds, in the order of its first columns."""
    return lambda columns="*": rows(f"SELECT {columns} FROM {name} ORDER BY 1, 2")


def accounts(**balances: int) -> pd.DataFrame:
    return pd.DataFrame({"owner": list(balances), "balance": list(balances.values())})


# Modes.


def test_a_new_table_has_all_rows(put, stored):
    assert put(accounts(ann=70, bob=50)) == 2
    assert stored() == [("ann", "70"), ("bob", "50")]


def test_a_table_that_exists_is_left_alone(put, stored):
    put(accounts(ann=70))
    with pytest.raises(StatementError, match="already exists") as caught:
        put(accounts(bob=50))

    assert caught.value.sqlstate == "42P07"
    assert "--mode append, replace or upsert" in caught.value.hint
    assert stored() == [("ann", "70")]


def test_append_adds_and_makes_the_table_if_need_be(put, stored):
    for frame in (accounts(ann=70), accounts(bob=50)):
        put(frame, "append", key="owner")

    assert stored() == [("ann", "70"), ("bob", "50")]


def test_append_fills_the_columns_that_it_names(put, stored, session, sql, name):
    session.run(sql(f"CREATE TABLE {name} (note TEXT DEFAULT 'new', balance BIGINT, owner TEXT)"))
    put(accounts(ann=70), "append")

    assert stored() == [("new", "70", "ann")]


def test_append_writes_what_the_table_takes(put, stored, session, sql, name):
    session.run(sql(f"CREATE TABLE {name} (id INT8, doc JSONB, exact DECIMAL(10, 2), at TIMESTAMPTZ)"))
    put(
        pd.DataFrame(
            {
                "id": [1, 2],
                "doc": [[1], None],
                "exact": [1.5, NAN],
                "at": [pd.Timestamp("2026-01-01", tz="UTC"), pd.NaT],
            }
        ),
        "append",
    )

    assert stored("id, doc, exact, extract(epoch from at)::INT8") == [
        ("1", "[1]", "1.50", "1767225600"),
        ("2", "null", None, None),
    ]


TEN_DIGITS = [10_000_000_000.0, None, -3.0]


@pytest.mark.parametrize(
    "column",
    [
        TEN_DIGITS,
        pd.Series(TEN_DIGITS, dtype=object),
        pd.Series(TEN_DIGITS, dtype="float32"),
        [Decimal("1E+10"), None, Decimal("-3.00")],
        pd.Series([Decimal("1E+10"), None, Decimal(-3)], dtype=pd.ArrowDtype(pa.decimal128(20, 2))),
    ],
)
@pytest.mark.parametrize("mode", ["fail", "append", "upsert"])
def test_numbers_without_a_fraction_go_into_integers(put, stored, session, sql, name, column, mode):
    if mode != "fail":
        session.run(sql(f"CREATE TABLE {name} (i INT8 PRIMARY KEY, v INT8)"))
    put(pd.DataFrame({"i": [1, 2, 3], "v": column}), mode, dtypes={"v": "BIGINT"} if mode == "fail" else None)

    assert stored() == [("1", "10000000000"), ("2", None), ("3", "-3")]


def test_lists_of_numbers_without_a_fraction_go_into_arrays_of_integers(put, stored, session, sql, name):
    session.run(sql(f"CREATE TABLE {name} (i INT8, v INT8[])"))
    put(pd.DataFrame({"i": [1], "v": [[1.0, None, 1e10]]}), "append")

    assert stored() == [("1", "{1,NULL,10000000000}")]


@pytest.mark.parametrize("column", [[1e10, 1.5], [1.5, None], pd.Series([1.0, 1.5], dtype=object), [Decimal("1.5"), 2]])
@pytest.mark.parametrize("columns", [["v"], ["v", "i"]])
def test_a_fraction_is_refused_and_not_rounded(put, rows, session, sql, name, column, columns):
    session.run(sql(f"CREATE TABLE {name} (i INT8, v INT8)"))
    with pytest.raises((InputError, StatementError), match=r"1\.5"):
        put(pd.DataFrame({"v": column, "i": 1})[columns], "append")

    assert rows(f"SELECT * FROM {name}") == []


def test_replace_makes_the_table_anew(put, stored):
    put(accounts(ann=70))
    put(pd.DataFrame({"a": [1], "b": [2.5]}), "replace")

    assert stored() == [("1", "2.5")]


def test_replace_that_fails_leaves_the_old_table(put, stored):
    put(accounts(ann=70))
    with pytest.raises(StatementError):
        put(pd.DataFrame({"a": ["1", "x"]}), "replace", dtypes={"a": "UUID"})

    assert stored() == [("ann", "70")]


# Upsert.


def test_upsert_overwrites_rows_of_the_same_key_and_adds_the_others(put, stored):
    put(accounts(ann=70, bob=50), key="owner")
    assert put(accounts(bob=60, eve=1), "upsert") == 2

    assert stored() == [("ann", "70"), ("bob", "60"), ("eve", "1")]


def test_upsert_keeps_the_columns_that_it_does_not_name(put, stored):
    put(pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": [1.5, 2.5]}), key="a")
    put(pd.DataFrame({"b": ["z"], "a": [2]}), "upsert")

    assert stored() == [("1", "x", "1.5"), ("2", "z", "2.5")]


def test_upsert_makes_the_table_if_it_is_told_the_key(put, stored):
    put(accounts(ann=1), "upsert", key="owner")
    put(accounts(ann=2), "upsert", key="owner")

    assert stored() == [("ann", "2")]


def test_upsert_finds_rows_by_all_of_the_key(put, stored, session, sql, name):
    session.run(sql(f"CREATE TABLE {name} (v TEXT, b INT8, a INT8, PRIMARY KEY (a, b))"))
    put(pd.DataFrame({"a": [1, 1], "b": [1, 2], "v": ["x", "y"]}), "upsert")
    put(pd.DataFrame({"a": [1], "b": [2], "v": ["z"]}), "upsert")

    assert stored("a, b, v") == [("1", "1", "x"), ("1", "2", "z")]


def test_upsert_of_keys_alone_adds_the_new_ones(put, stored):
    put(pd.DataFrame({"a": [1], "b": [1]}), key="a,b")
    put(pd.DataFrame({"a": [1, 2], "b": [1, 2]}), "upsert")

    assert stored() == [("1", "1"), ("2", "2")]


def test_upsert_is_exact_for_each_type(put, session, sql, name):
    frame = everything()
    put(frame, key="i")
    before = session.run(sql(f"SELECT * FROM {name} ORDER BY i")).results[0].rows
    put(frame, "upsert")

    assert session.run(sql(f"SELECT * FROM {name} ORDER BY i")).results[0].rows == before


@pytest.mark.parametrize(
    ("base", "column", "text"),
    [("VARCHAR(3)", ["abc"], "abc"), ("JSONB", [[1]], "[1]"), ("INT8", [1e10], "1" + "0" * 10)],
)
def test_a_domain_is_written_as_what_it_is_based_on(put, stored, session, sql, name, base, column, text):
    try:
        session.run(sql(f"CREATE DOMAIN {name}_d AS {base}"))
    except StatementError:
        pytest.skip("there are no domains")
    session.run(sql(f"CREATE TABLE {name} (a INT8 PRIMARY KEY, v {name}_d)"))
    try:
        put(pd.DataFrame({"a": [1], "v": column}), "upsert")
        with pytest.raises((InputError, StatementError)):
            put(pd.DataFrame({"a": [1], "v": ["more than that"]}), "upsert")
        assert stored() == [("1", text)]
    finally:
        session.run(sql(f"DROP TABLE {name}; DROP DOMAIN {name}_d"))


@pytest.mark.parametrize(
    ("make", "frame", "asked", "message"),
    [
        (None, accounts(ann=1), {}, "no table .* primary key would tell"),
        (None, accounts(ann=1), {"key": "uuid"}, "no table .* primary key would tell"),
        ("owner TEXT, balance INT8", accounts(ann=1), {}, "has no primary key"),
        ("id INT8 PRIMARY KEY, owner TEXT, balance INT8", accounts(ann=1), {},
         "no column id, which is in the primary key"),
        ("owner TEXT PRIMARY KEY, balance INT8", accounts(ann=1), {"key": "balance"}, "primary key of .* is owner"),
        ("owner TEXT PRIMARY KEY, balance INT8", pd.concat([accounts(a=1, b=2, c=3)] * 2), {},
         "same primary key: owner = a.*\n.*drop_duplicates"),
        ("owner TEXT PRIMARY KEY, balance INT8", accounts(a=1).assign(owner=None), {}, "'owner' .* 1 of its values"),
        ("owner TEXT PRIMARY KEY, balance INT8", accounts(a=1).assign(x=1), {}, 'column "x" .*does not exist'),
    ],
)  # fmt: skip
def test_an_upsert_that_cannot_work_says_why(put, session, sql, name, make, frame, asked, message):
    if make:
        session.run(sql(f"CREATE TABLE {name} ({make})"))

    with pytest.raises((InputError, StatementError), match=message):
        put(frame, "upsert", **asked)


# Keys and types.


def test_a_key_of_uuids_is_made_by_the_server(put, rows, name):
    put(accounts(ann=1, bob=2), key="uuid")
    ids = [UUID(text) for (text,) in rows(f"SELECT id FROM {name}")]

    assert len(set(ids)) == 2


def test_a_key_of_row_ids_is_made_by_the_server(put, rows, name):
    put(accounts(ann=1, bob=2), key="rowid")
    ids = {int(text) for (text,) in rows(f"SELECT id FROM {name}")}

    assert len(ids) == 2
    assert min(ids) > 2**53


def test_a_key_of_columns_is_the_primary_key(put):
    put(accounts(ann=1), key="owner")

    with pytest.raises(StatementError) as caught:
        put(accounts(ann=2), "append")
    assert caught.value.sqlstate == "23505"


@pytest.mark.parametrize("column", [["a", None], ["a", "a"]])
def test_a_key_that_is_missing_or_comes_twice_is_refused_before_anything_is_sent(put, column):
    with pytest.raises(InputError, match="primary key"):
        put(pd.DataFrame({"k": column, "v": 1}), key="k")


def test_given_types_are_the_table_s(put, stored):
    frame = pd.DataFrame({"a": ["1.005"], "b": [[1, 2]], "c": ["{}"]})
    put(frame, dtypes="a=DECIMAL(10,3),b=JSONB,c=JSONB")

    assert stored("a + 1, b -> 0, c") == [("2.005", "1", "{}")]


def test_a_frame_without_rows_makes_the_table(put, stored, session, sql, name):
    frame = pd.DataFrame(
        {"n": pd.Series(dtype="Int64"), "o": pd.Series(dtype=object), "t": pd.Series(dtype="datetime64[us]")}
    )

    assert put(frame) == 0
    result = session.run(sql(f"SELECT * FROM {name}")).results[0]
    assert [column.type.name for column in result.columns] == ["INT8", "STRING", "TIMESTAMP"]


@pytest.mark.parametrize("table", ['"Any name, 100%"', '"a.b"', '"say ""x"""', "größe", "UPPER"])
@pytest.mark.parametrize("mode", ["replace", "upsert"])
def test_a_table_and_its_columns_may_have_any_name(session, sql, table, mode):
    quoted = table if table.startswith('"') else f'"{table}"'
    frame = pd.DataFrame([["a", 1]], columns=['%s 100% "q"', "Größe"])
    write(session, frame, Writing(table=table, mode=Mode.REPLACE, key=["Größe"]))
    try:
        write(session, frame, Writing(table=table, mode=Mode.parse(mode)))
        result = session.run(sql(f"SELECT * FROM {quoted}")).results[0]
    finally:
        session.run(sql(f"DROP TABLE {quoted}"))

    assert result.rows == (("a", "1"),)
    assert [column.name for column in result.columns] == list(frame.columns)


def test_a_schema_may_be_named(session, sql, rows, name):
    session.run(sql(f"CREATE SCHEMA {name}_s"))
    table = f'{name}_s."t"'
    try:
        write(session, accounts(ann=1), Writing(table=table, key="owner"))
        write(session, accounts(ann=2), Writing(table=table, mode=Mode.UPSERT))
        assert rows(f"SELECT * FROM {table}") == [("ann", "2")]
    finally:
        session.run(sql(f"DROP SCHEMA {name}_s CASCADE"))


# What is written comes back the same.


def everything() -> pd.DataFrame:
    moment = dt.datetime(2026, 11, 23, 10, 11, 12, 345678)
    return pd.DataFrame(
        {
            "i": [1, 2],
            "yes": pd.array([True, None], dtype="boolean"),
            "small": pd.array([1, None], dtype="Int16"),
            "real": pd.Series(pd.arrays.FloatingArray(np.array([NAN, 0.1]), np.array([False, False]))),
            "exact": [Decimal("1.10"), Decimal("NaN")],
            "text": ["", 'q"\\,\n{}'],
            "bytes": [b"\x00\xff", None],
            "day": [dt.date(2026, 1, 2), None],
            "hour": [dt.time(1, 2, 3), "24:00:00"],
            "naive": [moment, None],
            "aware": pd.Series([moment, pd.NaT]).dt.tz_localize("UTC"),
            "span": pd.to_timedelta(["1 days 00:00:01", None]),
            "months": [Interval(14, -3, 1), None],
            "uuid": [UUID(int=1), None],
            "json": [{"a": [1.5, None]}, None],
            "texts": [["a", None, ""], []],
            "numbers": [[1, 2], None],
            "kind": pd.Categorical(["a", None]),
        }
    )


@dataclass(frozen=True)
class Kind:
    """Values of a column, and how they are put into a frame."""

    values: st.SearchStrategy[object]
    column: Callable[[list[object]], object] = lambda values: pd.Series(values, dtype=object)


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
INT8 = st.integers(-(2**63), 2**63 - 1)
UTC = st.just(dt.UTC)
NUMBERS = st.integers(-(10**20), 10**20) | st.sampled_from([0.1, -1.5, Decimal("0.12345678901234567890")])
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
KINDS = {
    "ints": Kind(INT8, lambda values: pd.array(values, dtype="Int64")),
    "floats": Kind(st.floats(),
                   lambda values: pd.Series(pd.arrays.ArrowExtensionArray(pa.array(values, pa.float64())))),
    "decimals": Kind(st.decimals(-(10**30), 10**30) | st.sampled_from([Decimal("NaN"), Decimal("-Infinity")])),
    "texts": Kind(TEXT | st.sampled_from(["\\.", "\n\\.\n", "NULL", "\\N", "\r\n", '"', "'"]),
                  lambda values: pd.Series(values, dtype="str")),
    "bytes": Kind(st.binary(max_size=5)),
    "dates": Kind(st.dates() | st.sampled_from(["infinity", "0044-03-15 BC"])),
    "times": Kind(st.times() | st.just("24:00:00")),
    "timestamps": Kind(st.datetimes(), lambda values: pd.Series(values, dtype="datetime64[us]")),
    "timestamptzs": Kind(st.datetimes(timezones=UTC), lambda values: pd.Series(values, dtype="datetime64[us, UTC]")),
    "timedeltas": Kind(st.timedeltas(dt.timedelta(-9_000_000), dt.timedelta(9_000_000)),
                       lambda values: pd.Series(values, dtype="timedelta64[us]")),
    "intervals": Kind(st.builds(Interval, *[st.integers(-(10**6), 10**6).filter(bool)] * 3)),
    "uuids": Kind(st.uuids()),
    "arrays": Kind(st.lists(st.none() | INT8, max_size=4)),
    "text arrays": Kind(st.lists(st.none() | TEXT, min_size=1, max_size=4)),
    "lists of lists": Kind(st.lists(st.lists(st.none() | INT8, max_size=2), min_size=1, max_size=3)),
}  # fmt: skip


def same(one: object, two: object) -> bool:
    return one == two or (one != one and two != two)  # noqa: PLR0124 - NaN


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@settings(max_examples=20)
@given(data=st.data())
def test_each_value_comes_back_as_it_was(put, session, sql, name, kind, data):
    values = data.draw(st.lists(st.none() | kind.values, min_size=1, max_size=5))
    put(pd.DataFrame({"i": range(len(values)), "v": kind.column(values)}), "replace")
    back = column_of(session, sql, name)

    only_texts = all(isinstance(value, str | None) for value in values)
    assert only_texts or all(map(same, back, values))
    assert [value is None for value in back] == [value is None for value in values]


@settings(max_examples=20)
@given(st.lists(JSON, max_size=4))
def test_json_comes_back_as_it_was_its_null_told_from_sql_s(put, session, sql, name, values):
    put(pd.DataFrame({"i": range(len(values) + 2), "v": [{}, pd.NA, *values]}), "replace")
    back = column_of(session, sql, name, null=pd.NA)

    assert back[0] == {}
    assert back[1] is pd.NA
    assert back[2:] == values


def column_of(session: Session, sql: Callable, name: str, null: object = None) -> list[object]:
    result = session.run(sql(f"SELECT v FROM {name} ORDER BY i")).results[0]
    return [null if text is None else decode(result.columns[0].type, text) for (text,) in result.rows]


def test_null_in_an_array_of_json_is_told_from_json_s(put, rows, session, sql, name):
    session.run(sql(f"CREATE TABLE {name} (v JSONB[])"))
    put(pd.DataFrame({"v": [[None, pd.NA, {"a": None}]]}), "append")

    assert rows(f"SELECT v[1]::TEXT, v[2]::TEXT, v[3]::TEXT FROM {name}") == [("null", None, '{"a": null}')]


@pytest.mark.parametrize("values", [["a", None, ""], [None], [None, None, "b"]])
def test_one_column_of_rows_that_csv_would_leave_empty(put, rows, name, values):
    put(pd.DataFrame({"v": pd.Series(values, dtype="str")}))
    put(pd.DataFrame({"v": pd.Series(values, dtype="str")}), "append")

    assert sorted(rows(f"SELECT v FROM {name}"), key=str) == sorted([(value,) for value in values * 2], key=str)


ONE_COLUMN = {
    "BIGINT": ([1e10], "10000000000"),
    "DECIMAL": ([1234567890.1234567], "1234567890.1234567"),
    "DOUBLE PRECISION": (pd.Series([0.1], dtype="Float32"), "0.10000000149011612"),
    "UUID": (pd.Series([str(UUID(int=1))], dtype="str"), str(UUID(int=1))),
    "JSONB": (pd.Series(["[1]"], dtype="str"), "[1]"),
    "DATE": (pd.Series(["2026-01-02"], dtype="str"), "2026-01-02"),
    "INET": (pd.Series(["::1"], dtype="str"), "::1"),
    "INTERVAL": (pd.Series(["1 day"], dtype="str"), "1 day"),
    "CHAR(2)": (["xy"], "xy"),
    "CHAR(2)[]": ([["xy"]], "{xy}"),
    "BIT(3)[]": ([["101"]], "{101}"),
    "INT4": ([], None),
}


@pytest.mark.parametrize(
    ("type_", "column", "text"), [(type_, *one) for type_, one in ONE_COLUMN.items()], ids=ONE_COLUMN
)
def test_one_column_with_null_goes_as_the_table_reads_it(put, rows, session, sql, name, type_, column, text):
    session.run(sql(f"CREATE TABLE {name} (v {type_})"))
    put(pd.DataFrame({"v": [*column, None]}, dtype=getattr(column, "dtype", None)), "append")

    assert set(rows(f"SELECT v FROM {name}")) == {(text,), (None,)}


@pytest.mark.parametrize("columns", [["v", "i"], ["v"]])
def test_another_encoding_of_the_client_writes_the_right_texts(put, session, rows, name, columns):
    try:
        session.ask("SET client_encoding = 'LATIN1'")
    except StatementError:
        pytest.skip("UTF-8 is all that is spoken there")
    put(pd.DataFrame({"v": ["größe", None], "i": [1, 2]})[columns])
    session.ask("SET client_encoding = 'UTF8'")

    assert set(rows(f"SELECT v FROM {name}")) == {("größe",), (None,)}


# All or nothing.


@pytest.fixture
def small_chunks(monkeypatch) -> None:
    monkeypatch.setattr(encode, "CHUNK_ROWS", 2)


FIVE = pd.DataFrame({"a": range(5), "b": list("vwxyz")})


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("mode", ["append", "replace", "upsert"])
@pytest.mark.parametrize("fault", [instead(SERIALIZABLE), cut_before], ids=["40001", "cut"])
def test_a_load_is_begun_again_from_its_first_row(put, stored, through_unkept, proxy, name, mode, fault):
    put(FIVE.head(3), key="a")
    point = statement("INSERT") if mode == "upsert" and not through_unkept.server.upsert else is_(COPY_DONE)
    point = statement("UPSERT") if mode == "upsert" and through_unkept.server.upsert else point
    proxy.rules.append(Fault(point, fault, 1, 2 if mode == "upsert" else 1))
    told: list[int] = []
    frame = FIVE.assign(a=FIVE.a + 10) if mode == "append" else FIVE
    write(
        through_unkept,
        frame,
        Writing(table=name, mode=Mode.parse(mode)),
        progress=told.append,
        observer=lambda _: told.clear(),
    )

    assert proxy.rules[0].fired
    assert sum(told) == 5
    assert len(stored()) == (8 if mode == "append" else 5)


def test_a_load_whose_commit_is_not_answered_is_said_to_be_unknown(put, through_unkept, proxy, name):
    put(FIVE)
    proxy.rules.append(Fault(statement("COMMIT"), cut_after))

    with pytest.raises(AmbiguousCommitError):
        write(through_unkept, FIVE, Writing(table=name, mode=Mode.APPEND))


@pytest.mark.usefixtures("small_chunks")
def test_a_load_that_fails_in_its_last_row_leaves_nothing(put, stored, session, sql, name):
    session.run(sql(f"CREATE TABLE {name} (a INT8 CHECK (a < 4), b TEXT)"))
    with pytest.raises(StatementError) as caught:
        put(FIVE, "append")

    assert caught.value.sqlstate == "23514"
    assert stored() == []


def test_what_interrupts_the_progress_comes_out_as_it_is(session, rows, name, put):
    class StoppedError(Exception):
        pass

    def stop(_: int) -> None:
        raise StoppedError

    put(FIVE.head(0))
    with pytest.raises(StoppedError):
        write(session, FIVE, Writing(table=name, mode=Mode.APPEND), progress=stop)

    assert rows(f"SELECT count(*) FROM {name}") == [("0",)]


def test_a_copy_costs_as_many_round_trips_however_many_chunks(through_unkept, proxy, name, put, small_chunks):
    put(FIVE.head(0))
    proxy.sent.clear()
    write(through_unkept, FIVE, Writing(table=name, mode=Mode.REPLACE))

    assert [text.split()[0] for text in proxy.log if text != COPY_DONE] == ["BEGIN", "CREATE", "COPY", "COMMIT"]


# Too large.


@pytest.mark.parametrize(("version", "largest"), [("CockroachDB CCL v25.4.2", 512 << 20), (None, None)])
def test_how_large_a_load_may_be_is_known_of_each_server(version, largest):
    assert Server.identify(version, 180_006).largest_load == largest


def test_a_load_too_large_for_one_transaction_is_refused_before_anything_is_sent(put, stored, monkeypatch):
    put(accounts(ann=1))
    monkeypatch.setattr(Server, "largest_load", property(lambda _: 20))

    with pytest.raises(InputError, match=r"too much for one transaction(?s:.*)--mode append, .* IMPORT INTO"):
        put(accounts(ann=1, bob=2, eve=3), "append")
    put(accounts(bob=2), "append")
    assert len(stored()) == 2


@pytest.mark.parametrize(
    ("error", "largest", "advice"),
    [
        (ServerError("53200", "root: memory budget exceeded"), None, "--mode append"),
        (ServerError("54000", "command is too large"), 512 << 20, "--mode append"),
        (ServerError("54000", "row is too big: size 9016"), None, None),
        (ServerError("42P10", 'column "a" is a generated column'), None, r"df\.drop"),
    ],
)
def test_what_the_server_refuses_keeps_its_error_with_advice(
    through_unkept, proxy, name, put, monkeypatch, error, largest, advice
):
    monkeypatch.setattr(Server, "largest_load", property(lambda _: largest))
    put(FIVE)
    proxy.rules.append(Fault(is_(COPY_DONE), instead(error)))

    with pytest.raises(StatementError, match=error.text) as caught:
        write(through_unkept, FIVE, Writing(table=name, mode=Mode.APPEND))
    assert caught.value.sqlstate == error.sqlstate
    assert re.search(advice, caught.value.hint) if advice else caught.value.hint is None


def test_a_deadline_that_can_t_be_met_is_advised_on_too(through_unkept, proxy, name, put):
    put(FIVE)
    late = ServerError(
        "40001", "restart transaction: retry txn (RETRY_COMMIT_DEADLINE_EXCEEDED - txn timestamp pushed)"
    )
    proxy.rules.append(Fault(statement("COMMIT"), instead(late), 2))
    options = TransactionOptions(retry=RetryPolicy(max_attempts=2, wait_initial=0, wait_max=0))

    with pytest.raises(ExceededMaxAttempts, match="--mode append"):
        write(through_unkept, FIVE, Writing(table=name, mode=Mode.APPEND), options)


# From Python.


def test_a_database_writes_frames(db, stored, name):
    assert db.write_frame(accounts(ann=1), name, key="owner") == 1
    assert db.write_frame(accounts(ann=2, bob=1), name, mode="upsert") == 2

    assert stored() == [("ann", "2"), ("bob", "1")]


def test_null_in_arrays_of_json_survives_the_way_back(db, session, sql, name):
    session.run(sql(f"CREATE TABLE {name} (i INT8, v JSONB[])"))
    frame = pd.DataFrame({"i": [1, 2, 3], "v": [[None, pd.NA, {"a": None}, [1], "x"], None, []]})
    db.write_frame(frame, name, mode="append")
    for _ in range(2):
        frame = db.frame(f"SELECT * FROM {name} ORDER BY i")
        session.run(sql(f"DELETE FROM {name}"))
        db.write_frame(frame, name, mode="append")

    assert [list(items) if items is not None else None for items in frame.v] == [
        [None, pd.NA, {"a": None}, [1], "x"], None, [],
    ]  # fmt: skip


def test_a_database_warns_of_an_index_that_it_leaves_out(db, name):
    with pytest.warns(UserWarning, match=rf"{name} was written without the index 'owner' \(df\.reset_index"):
        db.write_frame(accounts(ann=1).set_index("owner"), name)


def test_what_a_database_wrote_it_reads(db, name):
    frame = pd.DataFrame({"id": [1, 2], "doc": [{"a": 1}, pd.NA], "tags": [["x"], []]})
    db.write_frame(frame, name, key=["id"])
    back = db.frame(f"SELECT * FROM {name} ORDER BY id")

    assert back.id.tolist() == [1, 2]
    assert back.doc[0] == {"a": 1}
    assert back.doc[1] is pd.NA
    assert [list(tags) for tags in back.tags] == [["x"], []]


def test_in_an_open_transaction_a_frame_is_a_part_of_it(db, stored, name):
    db.write_frame(accounts(ann=1), name)
    with db.atomic() as transaction:
        db.write_frame(accounts(bob=1), name, mode="append")
        transaction.rollback()
    db.run_transaction(lambda db: db.write_frame(accounts(eve=1), name, mode="append"))

    assert stored() == [("ann", "1"), ("eve", "1")]


def test_a_database_begins_again_on_a_new_connection(proxy, stored, put, name):
    put(FIVE.head(0))
    parameters = dict(proxy.target)
    database = CockroachDatabase(parameters.pop("dbname"), **parameters)
    proxy.rules.append(Fault(is_(COPY_DONE), cut_before))
    try:
        database.write_frame(FIVE, name, mode="append")
    finally:
        database.close()

    assert len(stored()) == 5


def test_a_database_raises_what_its_transactions_do(db, name):
    db.write_frame(accounts(ann=1), name)
    with pytest.raises(peewee.ProgrammingError, match="already exists"):
        db.write_frame(accounts(ann=1), name)
    with pytest.raises(ValueError, match="mode 'both' does not exist"):
        db.write_frame(accounts(ann=1), name, mode="both")
    nowhere = CockroachDatabase("bank", host="127.0.0.1", port=1, connect_timeout=2)
    with pytest.raises(ConnectionFailedError):
        nowhere.write_frame(accounts(ann=1), name)
    with pytest.raises(OptionError):
        db.write_frame(accounts(ann=1), name, key="nothing")
