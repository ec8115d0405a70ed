"""Wire text -> Python value: golden values of a real CockroachDB, odd forms of PostgreSQL, and laws."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from math import inf, nan
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from type_cases import of_oid

from crdb_magic.values.decode import Interval, decode, decoder, interval
from crdb_magic.values.typemap import BUILTIN, array_of, enum

ANSWERS = json.loads(Path(__file__).with_name("crdb_types.json").read_text(encoding="utf-8"))["values"]

TYPES = {type_.name: type_ for type_ in BUILTIN}
ALL = [*BUILTIN, *(array_of(type_) for type_ in BUILTIN), array_of(array_of(TYPES["STRING"]), 1)]
SOME_UUID = UUID("63616665-6630-3064-6465-616462656566")
POINT = bytes.fromhex("000000000000F03F0000000000000040")

GOLDEN = {
    "BOOL": True,
    "INT": 1,
    "INT2": 1,
    "INT4": 1,
    "INT8": 9223372036854775807,
    "FLOAT4": 1.5,
    "FLOAT8": 1.5,
    "FLOAT8 nan": nan,
    "FLOAT8 inf": -inf,
    "DECIMAL": Decimal("12345678901234567890.123456789"),
    "DECIMAL(12,2)": Decimal("1.50"),
    "DECIMAL nan": Decimal("NaN"),
    "DECIMAL inf": Decimal("Infinity"),
    "STRING": "héllo",
    "STRING(3)": "abc",
    "VARCHAR": "a",
    "CHAR": "a",
    '"char"': "a",
    "NAME": "a",
    "COLLATE": "a",
    "BYTES": b"\x00\xff",
    "DATE": date(2026, 11, 23),
    "DATE infinity": "infinity",
    "DATE -infinity": "-infinity",
    "DATE BC": "0044-03-15 BC",
    "TIME": time(10, 11, 12, 123456),
    "TIME 24": "24:00:00",
    "TIMETZ": time(10, 11, 12, 500000, timezone(timedelta(hours=3))),
    "TIMESTAMP": datetime(2026, 11, 23, 10, 11, 12, 123456),
    "TIMESTAMPTZ": datetime(2026, 11, 23, 7, 11, 12, 123456, UTC),
    "TIMESTAMP infinity": "294276-12-31 23:59:59.999999",
    "INTERVAL": Interval(14, 3, 14_706_789_000),
    "INTERVAL negative": Interval(-1, 0, -1_000_000),
    "BIT(3)": "101",
    "VARBIT": "1011",
    "INET": "10.0.0.1/24",
    "INET6": "::1",
    "UUID": SOME_UUID,
    "JSONB object": {"a": [1, 2.5, None], "b": "x"},
    "JSONB scalar": 1,
    "JSONB null": None,
    "INT[]": [1, None, 3],
    "STRING[]": ["a,b", '"q"', None, "NULL"],
    "BOOL[]": [True, False],
    "FLOAT[]": [1.5, nan],
    "DECIMAL[]": [Decimal("1.5")],
    "UUID[]": [SOME_UUID],
    "DATE[]": [date(2026, 11, 23)],
    "TIMESTAMPTZ[]": [datetime(2026, 11, 23, 10, 11, 12, tzinfo=UTC)],
    "TIMESTAMP[]": [datetime(2026, 11, 23, 10, 11, 12)],
    "INTERVAL[]": [timedelta(days=1)],
    "INET[]": ["10.0.0.1"],
    "BYTES[]": [b"\x01"],
    "TIME[]": [time(10)],
    "BIT[]": ["1"],
    "VARBIT[]": ["101"],
    "TUPLE": '(1,"a,b",)',
    "labelled TUPLE": "(1,a)",
    "empty array": [],
    "GEOMETRY": b"\x01\x01\x00\x00\x00" + POINT,
    "GEOGRAPHY": b"\x01\x01\x00\x00\x20\xe6\x10\x00\x00" + POINT,
    "BOX2D": "BOX(1 2,3 4)",
    "OID": 26,
    "REGCLASS": "pg_class",
    "REGTYPE": "bigint",
    "REGNAMESPACE": "public",
    "unknown NULL": None,
    "literal 1": 1,
    "literal 1.5": Decimal("1.5"),
    "literal 'x'": "x",
    "7/2": Decimal("3.5"),
    "7//2": 3,
    "2^3": 8,
    "1 << 2": 4,
    "sum int": Decimal(3),
    "avg int": Decimal("1.5"),
    "count": 1,
    "extract": 1795392000.0,
    "length": 3,
    "now()": True,
    "JSON ->": 1,
    "JSON ->>": "1",
    "gen_random_uuid": True,
    "unique_rowid": True,
    "cluster_logical_timestamp": True,
}


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer["type"])
def test_the_text_of_a_real_cockroachdb_becomes_the_value_that_was_selected(answer):
    value = decode(of_oid(answer["oid"]), answer["wire"])
    expected = GOLDEN[answer["type"]]

    assert repr(value) == repr(expected)  # 1, 1.0 and True are equal, NaN is not


def test_each_golden_value_has_its_answer():
    assert GOLDEN.keys() == {answer["type"] for answer in ANSWERS}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("BOOL", "f", False),
        ("FLOAT8", "Infinity", inf),
        ("FLOAT4", "1e-07", 1e-07),
        ("DECIMAL", "-Infinity", Decimal("-Infinity")),
        ("DECIMAL", "1" * 40, Decimal("1" * 40)),
        ("BYTES", "\\x", b""),
        ("BYTES", "\\000\\377\\\\'A", b"\x00\xff\\'A"),
        ("TIMETZ", "10:00:00-15:59:59", time(10, tzinfo=timezone(-timedelta(hours=15, minutes=59, seconds=59)))),
        ("TIMETZ", "10:00:00+03", time(10, tzinfo=timezone(timedelta(hours=3)))),
        ("TIMESTAMPTZ", "2026-11-23 15:41:12.5+05:30", datetime(2026, 11, 23, 10, 11, 12, 500000, UTC)),
        ("TIMESTAMPTZ", "2026-11-23 10:11:12+03", datetime(2026, 11, 23, 7, 11, 12, tzinfo=UTC)),
        ("TIMESTAMPTZ", "1800-01-01 00:00:00-00:01:15", datetime(1800, 1, 1, 0, 1, 15, tzinfo=UTC)),
        ("INTERVAL", "00:00:00", timedelta(0)),
        ("INTERVAL", "-00:00:00.000001", timedelta(microseconds=-1)),
        ("INTERVAL", "-1 days +02:03:04.5", timedelta(days=-1, hours=2, minutes=3, seconds=4.5)),
        ("INTERVAL", "100:00:00", timedelta(hours=100)),
        ("INTERVAL", "1 mon -2 days +03:00:00", Interval(1, -2, 10_800_000_000)),
        ("INTERVAL", "2147483647 days", Interval(0, 2147483647, 0)),
        ("JSON", ' {"a": 1} ', {"a": 1}),
        ("JSONB", "12345678901234567890123", 12345678901234567890123),
        ("JSONB", "[1.10, 0.1, 1e2]", [1.1, 0.1, 100.0]),
        ("JSONB", "0.1234567890123456789", Decimal("0.1234567890123456789")),
        ("JSONB", "0.30000000000000004", 0.30000000000000004),
        ("JSONB", "[1e400, 1e-400]", [Decimal("1e400"), Decimal("1e-400")]),
        ("VECTOR", "[1,2.5,-3e-05]", [1.0, 2.5, -3e-05]),
        ("VOID", "", ""),
    ],
)
def test_the_text_of_a_scalar_becomes_its_value(name, text, value):
    assert repr(decode(TYPES[name], text)) == repr(value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DATE", "10000-01-01"),
        ("TIMETZ", "24:00:00+03"),
        ("TIMESTAMP", "infinity"),
        ("TIMESTAMP", "4714-11-24 00:00:00 BC"),
        ("TIMESTAMPTZ", "-infinity"),
        ("TIMESTAMPTZ", "294276-12-31 23:59:59.999999+00:00"),
        ("TIMESTAMPTZ", "4714-11-24 00:00:00+00 BC"),
        ("TIMESTAMPTZ", "9999-12-31 23:59:59-05"),
        ("TIMESTAMPTZ", "0001-01-01 00:00:00+05"),
        ("INTERVAL", "infinity"),
        ("JSONB", "[" * 100_000 + "]" * 100_000),
        ("JSONB", "9" * 5000),
    ],
)
def test_a_value_that_python_cannot_hold_is_handed_on_as_its_exact_text(name, text):
    assert decode(TYPES[name], text) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("BOOL", "true"),
        ("INT8", "1.5"),
        ("FLOAT8", "one"),
        ("DECIMAL", "1,5"),
        ("BYTES", "\\xf"),
        ("BYTES", "a\\b"),
        ("BYTES", "é"),
        ("DATE", "23.11.2026"),
        ("DATE", "0044-03-15 BCE"),
        ("TIME", "10:00:00+03"),
        ("TIME", "24:00:01"),
        ("TIMETZ", "10:00:00"),
        ("TIMESTAMP", "2026-11-23 10:11:12+00"),
        ("TIMESTAMPTZ", "2026-11-23 10:11:12"),
        ("INTERVAL", ""),
        ("INTERVAL", "P1Y"),
        ("UUID", "63616665"),
        ("JSONB", "{"),
        ("JSONB", "NaN"),
        ("JSONB", "1 2"),
        ("VECTOR", "1,2"),
        ("GEOMETRY", "POINT(1 2)"),
    ],
)
def test_a_text_that_does_not_have_the_form_of_its_type_is_refused(name, text):
    with pytest.raises(ValueError):  # noqa: PT011 - the frame layer says which column it was
        decode(TYPES[name], text)


def test_null_is_none():
    assert decode(TYPES["INT8"], None) is None


def test_the_label_of_an_enum_is_a_text():
    assert decode(enum("mood", 1, ["ok"]), "ok") == "ok"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("INT4", "[2:3]={1,2}", [1, 2]),
        ("INT4", "{{1,2},{3,NULL}}", [[1, 2], [3, None]]),
        ("STRING", '[0:1][-2:-1]={{"a,",b},{"c\\\\d","q\\""}}', [["a,", "b"], ["c\\d", 'q"']]),
        ("STRING", '{"","null",null}', ["", "null", "null"]),
        ("STRING", '{"a\nb","\\n"}', ["a\nb", "n"]),
        ("JSONB", '{"{\\"a\\": \\"b,c\\"}",NULL,"null"}', [{"a": "b,c"}, None, None]),
        ("GEOMETRY", "{00FF:NULL:01}", [b"\x00\xff", None, b"\x01"]),
        ("VECTOR", '{"[1,2]"}', [[1.0, 2.0]]),
        ("DATE", "{2026-11-23,infinity}", [date(2026, 11, 23), "infinity"]),
        ("INTERVAL", '{"1 mon -2 days",00:00:01}', [Interval(1, -2, 0), timedelta(seconds=1)]),
    ],
)
def test_the_elements_of_an_array_are_decoded(name, text, value):
    assert decode(array_of(TYPES[name]), text) == value


@pytest.mark.parametrize("text", ["", "1", "{", "}", "{1", "{1}{2}", "{1,,2}", '{"1}', "{{1}", '{"1"2}', "{" * 50_000])
def test_a_broken_array_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - the frame layer says which column it was
        decode(array_of(TYPES["STRING"]), text)


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ((0, 0, 0), "00:00:00"),
        ((14, 3, 14_706_789_000), "1 year 2 mons 3 days 04:05:06.789"),
        ((-1, 0, -1_000_000), "-1 mons -00:00:01"),
        ((1, -2, 10_800_000_000), "1 mon -2 days +03:00:00"),
        ((-24, 1, 0), "-2 years +1 day"),
        ((0, 0, 360_000_000_001), "100:00:00.000001"),
    ],
)
def test_an_interval_is_written_as_the_server_writes_it(parts, text):
    assert str(Interval(*parts)) == text


@given(st.builds(Interval, *[st.integers(-(2**31), 2**31)] * 2, st.integers(-(2**63), 2**63)))
def test_an_interval_is_read_from_what_it_writes(value):
    assert interval(str(value)) == value


@given(st.timedeltas())
def test_an_interval_without_months_is_the_timedelta_that_it_is(value):
    written = Interval(0, value.days, value.seconds * 1_000_000 + value.microseconds)

    assert decode(TYPES["INTERVAL"], str(written)) == value


def array_literal(value: object) -> str:
    """Write an array as the server does, each text in quotes."""
    if isinstance(value, list):
        return "{" + ",".join(map(array_literal, value)) + "}"
    return "NULL" if value is None else '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NESTED = st.lists(st.none() | TEXTS) | st.lists(st.lists(st.none() | TEXTS | st.lists(TEXTS)))


@given(NESTED)
def test_an_array_of_texts_is_read_from_what_is_written(value):
    assert decode(array_of(TYPES["STRING"]), array_literal(value)) == value


@pytest.mark.parametrize(
    ("name", "values", "write"),
    [
        ("INT8", st.integers(), str),
        ("FLOAT8", st.floats(allow_nan=False), repr),
        ("DECIMAL", st.decimals(allow_nan=False), str),
        ("BYTES", st.binary(), lambda value: "\\x" + value.hex()),
        ("UUID", st.uuids(), str),
        ("DATE", st.dates(), str),
        ("TIME", st.times(), str),
        ("TIMESTAMP", st.datetimes(), str),
        ("TIMESTAMPTZ", st.datetimes(timezones=st.just(UTC)), str),
        ("JSONB", st.recursive(st.none() | st.booleans() | st.integers() | TEXTS, st.lists), json.dumps),
    ],
)
@given(data=st.data())
def test_a_value_is_read_from_what_is_written(name, values, write, data):
    value = data.draw(values)

    assert decode(TYPES[name], write(value)) == value


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_number_in_json_keeps_its_value(number):
    text = str(number)
    value = decode(TYPES["JSONB"], text.replace("E+", "e"))

    assert Decimal(repr(value) if isinstance(value, float) else value) == number


WIRE = st.text() | st.text('0123456789+-:. {}[]",\\NULLtfeEnaBCinfinityxmondays')


@given(st.sampled_from(ALL), WIRE)
def test_any_text_is_read_or_refused_with_a_value_error(type_, text):
    with suppress(ValueError):  # nothing else may come out
        decoder(type_)(text)
