"""Result -> Arrow table: the type that holds the values exactly, else the server's texts, whatever the batches."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pyarrow as pa
import pytest
from column_texts import EACH, column_of, parted, result_of, result_of_rows
from hypothesis import given
from hypothesis import strategies as st
from type_cases import GOLDEN, MOOD, TYPES, alike

from crdb_magic.columns.arrow import TEXT, cast
from crdb_magic.columns.results import Column, Result
from crdb_magic.columns.tables import to_arrow
from crdb_magic.values.decode import decode
from crdb_magic.values.typemap import Family, array_of

CASES = [(name, case) for name, golden in GOLDEN.items() for case in golden.cases + golden.odd]
HELD = {Family.DECIMAL, Family.BYTES, Family.GEO, Family.UUID, Family.DATE, Family.TIME, Family.TIMESTAMP, Family.INT8}


def column(name: str, *texts: str | None) -> pa.ChunkedArray:
    return to_arrow(result_of(GOLDEN[name].type, *texts))["v"]


@pytest.mark.parametrize(("name", "case"), CASES, ids=[f"{name} {case.text:.40}" for name, case in CASES])
def test_a_text_becomes_a_value_of_an_arrow_table(name, case):
    assert alike(column(name, case.text, None).to_pylist(), [case.table, None])


@pytest.mark.parametrize("name", EACH)
@given(data=st.data())
def test_it_makes_no_difference_in_which_batches_the_rows_came(name, data):
    type_, texts = GOLDEN[name].type, data.draw(column_of(name))
    table, whole = to_arrow(data.draw(parted(type_, texts))), to_arrow(result_of(type_, *texts))
    table.validate(full=True)

    assert (table.schema, repr(table.to_pydict())) == (whole.schema, repr(whole.to_pydict()))  # NaN equals nothing


@pytest.mark.parametrize("name", [name for name in EACH if GOLDEN[name].type.family in HELD])
@given(data=st.data())
def test_a_column_holds_its_values_or_its_texts(name, data):
    type_, texts = GOLDEN[name].type, data.draw(column_of(name))
    made = column(name, *texts)
    values = texts if made.type == TEXT else [decode(type_, text) for text in texts]

    assert made.to_pylist() == values


@pytest.mark.parametrize("name", [*EACH, "UNKNOWN"])
def test_the_type_is_the_same_with_nulls_and_without_rows(name):
    assert column(name).type == column(name, None).type


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["1.50", "-2"], pa.decimal128(38, 2)),
        (["-" + "9" * 38], pa.decimal128(38, 0)),
        (["0." + "9" * 38], pa.decimal128(38, 38)),
        (["1E+10", "0E-3"], pa.decimal128(38, 3)),
        (["1" * 38, "0.1"], pa.decimal256(76, 1)),
        (["1" * 76], pa.decimal256(76, 0)),
        (["-0." + "1" * 76], pa.decimal256(76, 76)),
        (["1E+75"], pa.decimal256(76, 0)),
        (["1" * 77], TEXT),
        (["1E+76"], TEXT),
        (["1E-77"], TEXT),
        (["1" * 40, "0." + "1" * 40], TEXT),
        (["NaN", "1"], TEXT),
        (["sNaN"], TEXT),
        ([None], pa.decimal128(38, 0)),
    ],
)
def test_decimals_have_room_for_all_their_digits(texts, kind):
    made = column("DECIMAL", *texts)

    assert made.type == kind
    assert made.to_pylist() == (texts if kind == TEXT else [text and Decimal(text) for text in texts])


@pytest.mark.parametrize(
    ("digits", "kind"),
    [
        ((12, 2), pa.decimal128(12, 2)),
        ((50, 2), pa.decimal256(50, 2)),
        ((1000, 2), pa.decimal128(38, 1)),
        ((65535, 65535), pa.decimal128(38, 1)),
    ],
)
def test_a_decimal_has_the_digits_that_its_column_was_declared_with_if_arrow_has_so_many(digits, kind):
    assert to_arrow(result_of(replace(TYPES["DECIMAL"], digits=digits), "1.5", None))["v"].type == kind


@pytest.mark.parametrize(
    ("name", "odd"),
    [
        ("DATE", "infinity"),
        ("TIME", "24:00:00"),
        ("TIMESTAMP", "0044-03-15 10:00:00 BC"),
        ("TIMESTAMPTZ", "-infinity"),
        ("DECIMAL", "NaN"),
    ],
)
def test_one_odd_value_leaves_all_values_of_its_column_as_texts(name, odd):
    texts = next(case.text for case in GOLDEN[name].cases), None, odd

    assert (column(name, *texts).type, column(name, *texts).to_pylist()) == (TEXT, list(texts))


@pytest.mark.parametrize(
    "text", ["2026-11-23 10:11:12+00:00", "2026-11-23 13:11:12+03", "2026-11-23 10:09:57-00:01:15"]
)
def test_instants_among_texts_are_in_utc(text):
    assert column("TIMESTAMPTZ", text, "infinity").to_pylist() == ["2026-11-23 10:11:12+00", "infinity"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DATE", "2026-11-30"),
        ("TIME", "10:11:00"),
        ("TIME", "10:11:12.1203"),
        ("TIMESTAMP", "0999-01-10 10:00:00"),
        ("TIMESTAMP", "2026-11-23 10:11:10.5"),
        ("TIMESTAMPTZ", "2026-11-23 10:11:10+00"),
        ("TIMESTAMPTZ", "2026-11-23 10:11:10.00001+00"),
    ],
)
def test_what_was_cast_is_spelt_as_the_server_spelt_it_when_it_must_be_a_text_again(name, text):
    type_ = TYPES[name]
    batches = (cast(type_, pa.array([text, None])),), (pa.array(["24:00:00" if name == "TIME" else "infinity"]),)
    table = to_arrow(Result("SELECT 3", (Column("v", type_),), batches, 3))

    assert table["v"].to_pylist()[:2] == [text, None]


def test_intervals_without_months_are_durations():
    assert column("INTERVAL", "1 day", None, "-00:00:01").to_pylist() == [timedelta(1), None, -timedelta(seconds=1)]


@pytest.mark.parametrize("odd", ["1 mon", "106751992 days"])
def test_with_an_interval_that_is_no_duration_all_keep_their_parts(odd):
    made = column("INTERVAL", "25:00:00", odd)

    assert made.type == pa.month_day_nano_interval()
    assert made[0].as_py() == pa.MonthDayNano([0, 0, 90_000_000_000_000])


@pytest.mark.parametrize("text", ["infinity", "2562047788:00:54.775807", "2562047789:00:00"])
def test_an_interval_that_arrow_does_not_hold_leaves_texts(text):
    assert column("INTERVAL", "1 mon", text).to_pylist() == ["1 mon", text]


def test_bytes_may_come_in_the_escape_format():
    assert column("BYTES", "\\x00", None, "\\000A\\\\").to_pylist() == [b"\0", None, b"\0A\\"]


def test_the_labels_of_an_enum_are_a_dictionary_in_their_order():
    made = column("ENUM", "ok", None, "sad")

    assert (made.type.ordered, made.chunk(0).dictionary.to_pylist()) == (True, list(MOOD.labels))
    assert made.to_pylist() == ["ok", None, "sad"]


def test_uuids_and_documents_have_arrows_types():
    kinds = [column("UUID").type, column("JSONB").type, column("UUID[]").type]

    assert kinds == [pa.uuid(), pa.json_(TEXT), pa.list_(pa.uuid())]


def test_null_in_json_is_told_apart_from_its_own_null():
    assert column("JSONB", "null", None).is_null().to_pylist() == [False, True]


def test_an_array_of_arrays_of_a_domain_is_a_list_of_lists():
    scores = array_of(array_of(TYPES["INT8"]), 1)

    assert to_arrow(result_of(scores, '{"{1,NULL}","{}",NULL}'))["v"].to_pylist() == [[[1, None], [], None]]


def test_the_columns_of_a_table_are_named_as_those_of_a_frame():
    columns = [Column(name, TYPES["INT8"]) for name in ("id", "id", "")]

    assert to_arrow(result_of_rows(columns, ["1", "2", "3"])).column_names == ["id", "id_1", "column3"]


@pytest.mark.parametrize(
    ("result", "rows"),
    [(Result("INSERT 0 2", row_count=2), 0), (Result("SELECT 0", ()), 0), (Result("SELECT 3", (), (), 3), 3)],
)
def test_without_columns_the_rows_that_came_are_counted(result, rows):
    assert to_arrow(result).shape == (rows, 0)


def test_without_rows_the_columns_are_there():
    assert to_arrow(result_of(TYPES["INT8"])).schema == pa.schema([("v", pa.int64())])
