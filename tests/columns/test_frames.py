"""Result -> DataFrame: dtypes that do not depend on the rows, NULL, exact values, names."""

from __future__ import annotations

import gc
import json
import re
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from itertools import product
from pathlib import Path
from uuid import UUID

import column_texts
import numpy as np
import pandas as pd
import pytest
from column_texts import ARROW, EVERYDAY, EVERYDAY_ARROW
from hypothesis import given
from hypothesis import strategies as st
from type_cases import GOLDEN, alike, cells

from crdb_magic.columns.frame_options import EXACT
from crdb_magic.columns.frames import records, to_frame
from crdb_magic.columns.results import Column, Result
from crdb_magic.columns.tables import to_arrow
from crdb_magic.errors import ExactTextWarning, ResultTypeError
from crdb_magic.values.decode import Interval
from crdb_magic.values.typemap import BUILTIN, SqlType, array_of, enum, lookup

ANSWERS = json.loads((Path(__file__).parents[1] / "values" / "crdb_types.json").read_text(encoding="utf-8"))["values"]

TYPES = {type_.name: type_ for type_ in BUILTIN}
MOOD = enum("mood", 100_100, ["sad", "ok", "happy"])
MOOD_DTYPE = pd.CategoricalDtype(["sad", "ok", "happy"], ordered=True)
TYPES |= {"ENUM": MOOD} | {f"{name}[]": array_of(TYPES[name]) for name in ("INT8", "TIMESTAMPTZ", "JSONB", "FLOAT4")}

DTYPES = [
    ("BOOL", ["t", "f"], "boolean"),
    ("INT8", ["9223372036854775807", "-9223372036854775808"], "Int64"),
    ("INT4", ["2147483647"], "Int32"),
    ("INT2", ["-32768"], "Int16"),
    ("OID", ["4294967295"], "Int64"),
    ("FLOAT8", ["0.1", "Infinity"], "Float64"),
    ("FLOAT4", ["3.4028235e+38"], "Float32"),
    ("DECIMAL", ["1.50"], object),
    ("STRING", ["héllo"], "str"),
    ("NAME", ["a"], "str"),
    ("INET", ["::1"], "str"),
    ("RECORD", ["(1,a)"], "str"),
    ("BYTES", ["\\x00"], object),
    ("DATE", ["2026-11-23"], object),
    ("TIME", ["10:11:12"], object),
    ("TIMETZ", ["10:11:12+03"], object),
    ("TIMESTAMP", ["2026-11-23 10:11:12.5", "0001-01-01 00:00:00"], "datetime64[us]"),
    ("TIMESTAMPTZ", ["2026-11-23 10:11:12.5+00", "9999-12-31 00:00:00+00:00"], "datetime64[us, UTC]"),
    ("INTERVAL", ["1 day", "-00:00:01"], "timedelta64[us]"),
    ("UUID", ["63616665-6630-3064-6465-616462656566"], object),
    ("JSONB", ["{}", '"x"'], object),
    ("GEOMETRY", ["00"], object),
    ("VECTOR", ["[1,2]"], object),
    ("INT8[]", ["{1}", "{}"], object),
    ("UNKNOWN", [], object),
    ("ENUM", ["ok"], MOOD_DTYPE),
]


def result_of(type_: str | SqlType, *texts: str | None) -> Result:
    """Make the result of one column ``v``."""
    return column_texts.result_of(TYPES[type_] if isinstance(type_, str) else type_, *texts)


def column_of(type_: str | SqlType, *texts: str | None) -> pd.Series:
    return to_frame(result_of(type_, *texts))["v"]


def named(*names: str) -> Result:
    columns = tuple(Column(name, TYPES["INT8"]) for name in names)
    return column_texts.result_of_rows(columns, [str(place) for place in range(len(names))])


@pytest.mark.parametrize(("name", "texts", "dtype"), DTYPES, ids=[row[0] for row in DTYPES])
def test_the_dtype_is_the_same_with_values_with_nulls_and_without_rows(name, texts, dtype):
    dtypes = {column_of(name, *rows).dtype for rows in ((), (None,), texts, (*texts, None))}

    assert dtypes == {pd.Series(dtype=dtype).dtype}


@pytest.mark.parametrize("name", [row[0] for row in DTYPES])
def test_null_is_missing(name):
    assert column_of(name, None, None).isna().all()


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer["type"])
def test_the_text_of_a_real_cockroachdb_fits_in_a_frame(answer):
    type_ = lookup(answer["oid"])
    assert type_

    assert to_frame(result_of(type_, answer["wire"], None)).shape == (2, 1)


GOLDEN_CASES = [(name, case) for name, golden in GOLDEN.items() for case in golden.cases + golden.odd]


@pytest.mark.filterwarnings("ignore:.*datetime64:crdb_magic.errors.ExactTextWarning")
@pytest.mark.parametrize("rows", [2, 100], ids=["few", "many"])
@pytest.mark.parametrize(("name", "case"), GOLDEN_CASES, ids=[f"{name} {case.text:.40}" for name, case in GOLDEN_CASES])
def test_a_text_becomes_a_value_of_a_frame(name, case, rows):
    result = result_of(GOLDEN[name].type, *[case.text, None] * (rows // 2))

    assert alike(cells(to_frame(result)["v"])[:2], [case.numpy, None])
    assert alike(cells(to_frame(result, ARROW)["v"])[:2], [case.arrow, None])
    assert alike(cells(to_frame(result, EVERYDAY)["v"])[:2], [case.everyday, None])


EVERY_WAY = [
    *product(column_texts.EACH, (EXACT, ARROW)),
    *product(("DECIMAL", "DATE", "DECIMAL[]"), (EVERYDAY, EVERYDAY_ARROW)),
]


@pytest.mark.filterwarnings("ignore::crdb_magic.errors.ExactTextWarning")
@pytest.mark.parametrize(("name", "options"), EVERY_WAY, ids=str)
@given(data=st.data())
def test_it_makes_no_difference_in_which_batches_the_rows_came(name, options, data):
    type_, texts = GOLDEN[name].type, data.draw(column_texts.column_of(name))
    frame = to_frame(data.draw(column_texts.parted(type_, texts)), options)

    assert described(frame["v"]) == described(to_frame(result_of(type_, *texts), options)["v"])


def described(column: pd.Series) -> tuple[object, str, list[bool]]:
    """Give what tells two columns apart; NaN is equal to nothing."""
    return column.dtype, repr(cells(column)), column.isna().tolist()


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("BOOL", "bool[pyarrow]"),
        ("INT8", "int64[pyarrow]"),
        ("DECIMAL", "decimal128(38, 0)[pyarrow]"),
        ("STRING", "string[pyarrow]"),
        ("DATE", "date32[day][pyarrow]"),
        ("TIMESTAMPTZ", "timestamp[us, tz=UTC][pyarrow]"),
        ("INTERVAL", "duration[us][pyarrow]"),
        ("UUID", "string[pyarrow]"),
        ("JSONB", "string[pyarrow]"),
        ("INT8[]", "list<item: int64>[pyarrow]"),
        ("ENUM", "dictionary<values=string, indices=int32, ordered=1>[pyarrow]"),
        ("UNKNOWN", "string[pyarrow]"),
    ],
)
@pytest.mark.parametrize("texts", [(), (None,), (None, None)])
def test_the_columns_of_arrows_backend_have_its_types(name, dtype, texts):
    assert str(to_frame(result_of(name, *texts), ARROW)["v"].dtype) == dtype


@pytest.mark.parametrize("name", column_texts.EACH)
def test_a_frame_of_arrows_columns_can_be_shown_and_written(name):
    golden = GOLDEN[name]
    frame = to_frame(result_of(golden.type, *golden.texts, None), ARROW)

    assert frame.to_html()
    assert frame.to_csv()


def test_the_columns_of_one_frame_can_be_named_without_naming_those_of_the_next():
    to_frame(named("a", "b")).columns.name = "mine"

    assert to_frame(named("a", "b")).columns.name is None


def test_the_interval_that_numpy_would_call_nat_is_none():
    assert column_of("INTERVAL", "-106751991 days -04:00:54.775808").notna().all()


@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)))
def test_integers_never_go_through_a_float(values):
    column = column_of("INT8", *(None if value is None else str(value) for value in values))

    assert [None if value is pd.NA else value for value in column] == values


def test_a_float_that_is_nan_is_not_null():
    column = column_of("FLOAT8", "NaN", None, "1.5")

    assert column.isna().tolist() == [False, True, False]
    assert np.isnan(column[0])


def test_a_float4_is_the_nearest_one():
    assert column_of("FLOAT4", "0.1")[0] == np.float32(0.1)


def test_decimals_are_exact():
    assert column_of("DECIMAL", "1.50", None, "1" * 40).tolist() == [Decimal("1.50"), None, Decimal("1" * 40)]


def test_null_among_objects_is_none():
    assert column_of("DATE", "2026-11-23", None).tolist() == [date(2026, 11, 23), None]


def test_null_in_json_is_told_apart_from_its_own_null():
    sql_null, json_null, value = column_of("JSONB", None, "null", '{"a": 1.5}')

    assert sql_null is pd.NA
    assert (json_null, value) == (None, {"a": 1.5})


def test_arrays_of_equal_length_stay_lists():
    assert column_of("INT8[]", "{1,2}", "{3,NULL}").tolist() == [[1, 2], [3, None]]


def test_times_and_uuids_are_pythons():
    frame = to_frame(
        column_texts.result_of_rows(
            (Column("t", TYPES["TIME"]), Column("u", TYPES["UUID"])),
            ("10:11:12", "63616665-6630-3064-6465-616462656566"),
        )
    )

    assert frame.loc[0].tolist() == [time(10, 11, 12), UUID("63616665-6630-3064-6465-616462656566")]


@pytest.mark.parametrize(
    "text", ["2026-11-23 10:11:12+00", "2026-11-23 15:41:12+05:30", "2026-11-23 10:09:57-00:01:15"]
)
def test_an_instant_is_in_utc_whatever_its_offset(text):
    assert column_of("TIMESTAMPTZ", text, None)[0] == pd.Timestamp("2026-11-23 10:11:12", tz="UTC")


def test_an_instant_outside_of_pandas_makes_its_column_objects():
    column = column_of("TIMESTAMPTZ", "2026-11-23 10:11:12+00", "infinity", None)

    assert column.tolist() == [datetime(2026, 11, 23, 10, 11, 12, tzinfo=UTC), "infinity", None]


@pytest.mark.parametrize("name", ["DATE", "TIMESTAMP", "TIMESTAMPTZ", "INTERVAL"])
def test_a_column_of_exact_texts_only_is_still_of_objects(name):
    assert column_of(name, "infinity", "-infinity").dtype == object


def test_intervals_are_timedeltas():
    assert column_of("INTERVAL", "1 day -01:00:00").tolist() == [timedelta(hours=23)]


def test_with_months_in_one_interval_all_keep_their_parts():
    column = column_of("INTERVAL", "1 mon", "25:00:00", None)

    assert column.tolist() == [Interval(1, 0, 0), Interval(0, 0, 90_000_000_000), None]


def test_an_interval_too_long_for_pandas_is_not_cut():
    assert column_of("INTERVAL", "106751992 days").tolist() == [Interval(0, 106_751_992, 0)]


def test_an_interval_shows_as_the_server_writes_it():
    assert "1 year 2 mons" in str(column_of("INTERVAL", "1 year 2 mons"))


def test_the_labels_of_an_enum_have_their_order():
    column = column_of(MOOD, "happy", None, "sad")

    assert column.min() == "sad"
    assert column.cat.codes.tolist() == [2, -1, 0]


def test_a_label_that_the_type_did_not_have_yet_makes_texts():
    column = column_of(MOOD, "ok", "euphoric")

    assert (column.dtype, column.tolist()) == ("str", ["ok", "euphoric"])


@pytest.mark.parametrize("batches", [1, 2])
@pytest.mark.parametrize("rows", [2, 100], ids=["few", "many"])
@pytest.mark.parametrize(
    "name", ["BOOL", "INT8", "FLOAT8", "TIMESTAMP", "TIMESTAMPTZ", "INTERVAL", "DECIMAL", "STRING"]
)
def test_a_frame_can_be_written_to(name, rows, batches):
    one = result_of(name, *[GOLDEN[name].cases[0].text] * rows)
    frame = to_frame(replace(one, batches=one.batches * batches, row_count=rows * batches))
    frame.loc[1, "v"] = frame.loc[0, "v"]

    assert frame.loc[1, "v"] == frame.loc[0, "v"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("BOOL", "true"),
        ("INT8", "one"),
        ("FLOAT4", "one"),
        ("DECIMAL", "one"),
        ("DATE", "23.11.2026"),
        ("TIMESTAMP", "2026-11-23 10:11:12+00"),
        ("TIMESTAMPTZ", "2026-11-23 10:11:12"),
        ("INTERVAL", "P1Y"),
        ("JSONB", "{"),
        ("INT8[]", "1"),
    ],
)
@pytest.mark.parametrize("make", [lambda one: cells(to_frame(one)["v"]), lambda one: [row[0] for row in records(one)]])
def test_a_text_of_another_form_stays_text_beside_the_values_and_that_is_said(name, text, make):
    usual = GOLDEN[name].cases[0]
    with pytest.warns(ExactTextWarning, match=rf'^Column "v" .* form of {re.escape(name)}: it stays text\.$'):
        null, odd, beside = make(result_of(name, None, text, usual.text))

    assert (null, odd) == (None, text)
    assert alike(beside, usual.value)


@pytest.mark.parametrize(("name", "value"), [("INT8", 2**63), ("INT2", 2**15)])
def test_a_number_too_large_for_its_type_is_exact(name, value):
    with pytest.warns(ExactTextWarning):
        frame = to_frame(result_of(name, str(value), "1"))

    assert frame["v"].tolist() == [value, 1]


@pytest.mark.parametrize(
    ("names", "unique"),
    [
        (("a", "b"), ["a", "b"]),
        (("id", "id", "id"), ["id", "id_1", "id_2"]),
        (("id", "id", "id_1"), ["id", "id_2", "id_1"]),
        (("id_1", "id", "id", "id_1"), ["id_1", "id", "id_2", "id_1_1"]),
        (("", "?column?", ""), ["column1", "?column?", "column3"]),
        (("", "column1"), ["column1_1", "column1"]),
    ],
)
def test_each_column_has_a_name_of_its_own(names, unique):
    assert to_frame(named(*names)).columns.tolist() == unique


@given(st.lists(st.sampled_from(["", "a", "a_1", "a_1_1", "column1", "column2", "column1_1"])))
def test_names_never_collide_and_the_first_of_a_name_keeps_it(names):
    unique = to_frame(named(*names)).columns.tolist()

    assert len(set(unique)) == len(names)
    assert all(unique[names.index(name)] == name for name in set(names) - {""})


def test_rows_without_columns_are_counted():
    assert to_frame(Result("SELECT 3", (), row_count=3)).shape == (3, 0)


def test_a_statement_without_rows_makes_an_empty_frame():
    assert to_frame(Result("CREATE TABLE")).shape == (0, 0)


def test_records_are_tuples_of_python_values():
    columns = (Column("a", TYPES["INT8"]), Column("b", TYPES["DATE"]))

    assert records(column_texts.result_of_rows(columns, ("1", None), ("2", "2026-11-23"))) == [
        (1, None),
        (2, date(2026, 11, 23)),
    ]


@pytest.mark.parametrize("columns", [None, (), (Column("a", TYPES["INT8"]),)])
def test_there_is_no_record_without_a_row(columns):
    assert records(Result("SELECT 0", columns)) == []


def test_rows_without_columns_are_empty_records():
    assert records(Result("SELECT 2", (), row_count=2)) == [(), ()]


@pytest.mark.parametrize(
    ("name", "text", "values", "in_arrow"),
    [
        (
            "TIMESTAMPTZ[]",  # both infinities, and one that is none
            '{"-4713-11-24 00:00:00+00:00","294276-12-31 23:59:59.999999+00:00","2026-11-23 10:00:00+00:00",NULL}',
            [
                "-4713-11-24 00:00:00+00:00",
                "294276-12-31 23:59:59.999999+00:00",
                datetime(2026, 11, 23, 10, 0, 0, 0, UTC),
                None,
            ],
            [
                "-4713-11-24 00:00:00+00:00",
                "294276-12-31 23:59:59.999999+00:00",
                "2026-11-23 10:00:00+00",
                None,
            ],
        ),
        (
            "JSONB[]",  # literals of SQL: cockroachdb/cockroach#94705
            r"""{"'{\"a\": [1, 2]}'",NULL,"null",1.5,"\"x\"","e'\"\\'\\u00E9\\xE2\\x98\\x83\\\\n\"'"}""",
            [{"a": [1, 2]}, None, None, 1.5, "x", "'é☃\n"],
            ['{"a": [1, 2]}', None, "null", "1.5", '"x"', '"\'é☃\\n"'],
        ),
    ],
    ids=["instants", "JSON"],
)
def test_the_arrays_of_cockroachdb_22_are_read(name, text, values, in_arrow):
    result = result_of(name, text, text)

    # In a frame, NULL among JSON is not JSON's own null.
    in_frame = [
        pd.NA if text is None and name == "JSONB[]" else one for one, text in zip(values, in_arrow, strict=True)
    ]

    assert [value for (value,) in records(result)] == [values, values]
    assert to_frame(result)["v"].tolist() == [in_frame, in_frame]
    assert to_arrow(result)["v"].to_pylist() == [in_arrow, in_arrow]
    assert cells(to_frame(result, ARROW)["v"]) == [in_arrow, in_arrow]


def test_a_float4_in_an_array_is_the_number_of_its_shortest_text():
    result = result_of("FLOAT4[]", "{0.10000000149011612,NULL}", "{0.1,NULL}")  # CockroachDB, PostgreSQL

    assert records(result) == [([0.1, None],), ([0.1, None],)]


@pytest.mark.parametrize("make", [to_frame, records, to_arrow, partial(to_frame, options=ARROW)])
@pytest.mark.parametrize(
    ("name", "style", "text", "right"),
    [("INTERVAL", "intervalstyle", "P1D", "'postgres'"), ("DATE", "datestyle", "11/10/2026", "'ISO'")],
)
def test_a_column_in_a_style_that_is_not_read_is_refused_and_names_the_setting(name, style, text, right, make):
    column = Column("v", TYPES[name], style)
    with pytest.raises(ResultTypeError, match=rf'^Column "v" .* {name} .*{style} was set\.\n.*SET {style} = {right}'):
        make(column_texts.result_of_rows([column], [text]))


@pytest.mark.parametrize("style", ["", "datestyle"])
def test_the_collector_runs_again_afterwards(style):
    with suppress(ResultTypeError):
        to_frame(column_texts.result_of_rows([Column("v", TYPES["DATE"], style)], ["2026-11-23"]))

    assert gc.isenabled()


# What pandas computes with.

DECIMALS = st.decimals(allow_nan=False).map(str) | st.from_regex(r"-?[0-9]{1,60}(\.[0-9]{1,60})?", fullmatch=True)


@pytest.mark.parametrize("options", [EVERYDAY, EVERYDAY_ARROW], ids=["numpy", "arrow"])
@given(texts=st.lists(DECIMALS, min_size=1, max_size=40))
def test_a_float_of_a_decimal_is_the_nearest_one(options, texts):
    assert to_frame(result_of("DECIMAL", *texts), options)["v"].tolist() == [float(text) for text in texts]


@pytest.mark.parametrize(
    ("name", "text", "dtype", "in_arrow"),
    [
        ("DECIMAL", "1.50", "Float64", "double[pyarrow]"),
        ("DATE", "2026-11-23", "datetime64[us]", "timestamp[us][pyarrow]"),
        ("DECIMAL[]", "{1.50}", "object", "list<item: decimal128(38, 2)>[pyarrow]"),
        ("DATE[]", "{2026-11-23}", "object", "list<item: date32[day]>[pyarrow]"),
    ],
)
@pytest.mark.parametrize("rows", [0, 1, 100], ids=["none", "few", "many"])
def test_numbers_are_floats_and_dates_instants_but_arrays_stay_exact(name, text, dtype, in_arrow, rows):
    result = result_of(GOLDEN[name].type, *[text] * rows)

    assert str(to_frame(result, EVERYDAY)["v"].dtype) == dtype
    if rows or name != "DECIMAL[]":  # whose scale is that of its values
        assert str(to_frame(result, EVERYDAY_ARROW)["v"].dtype) == in_arrow


@pytest.mark.parametrize("text", ["infinity", "-infinity", "0044-03-15 BC", "10000-01-01"])
@pytest.mark.parametrize(("options", "exact"), [(EVERYDAY, EXACT), (EVERYDAY_ARROW, ARROW)], ids=["numpy", "arrow"])
@pytest.mark.parametrize("rows", [1, 50], ids=["few", "many"])
def test_a_column_with_a_date_that_is_no_instant_stays_as_it_is_and_says_so(text, options, exact, rows):
    result = result_of("DATE", *["2026-11-23", None, text] * rows)
    with pytest.warns(ExactTextWarning, match=r'^Column "v" has a date that does not fit datetime64 '):
        column = to_frame(result, options)["v"]

    pd.testing.assert_series_equal(column, to_frame(result, exact)["v"])


def test_null_of_a_decimal_is_told_from_its_nan_as_floats():
    column = to_frame(result_of("DECIMAL", "NaN", None, "Infinity", "1E+400"), EVERYDAY)["v"]

    assert column.isna().tolist() == [False, True, False, False]
    assert repr(column.tolist()) == "[nan, <NA>, inf, inf]"


def test_pandas_computes_with_them():
    frame = to_frame(
        column_texts.result_of_rows(
            [Column("day", TYPES["DATE"]), Column("price", TYPES["DECIMAL"])],
            ["2026-11-23", "1.50"], ["2026-11-24", None], ["2026-12-01", "3"],
        ),
        EVERYDAY,
    )  # fmt: skip

    assert (frame["price"] * 1.1).sum() == pytest.approx(4.95)
    assert frame["price"].describe()["mean"] == 2.25
    assert frame["day"].dt.month.tolist() == [11, 11, 12]
    assert frame.resample("MS", on="day")["price"].sum().tolist() == [1.5, 3]
