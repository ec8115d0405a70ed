"""Python values as parameters: what the server makes of them, and what can't be sent."""

from __future__ import annotations

import datetime as dt
import enum
import ipaddress
import math
from collections import ChainMap, OrderedDict, UserDict, deque, namedtuple
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from case_names import case_name
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_values import Shouted
from psycopg2 import extensions, extras

from crdb_magic.columns.frames import records
from crdb_magic.errors import ParameterError
from crdb_magic.session.driver import connect
from crdb_magic.session.literals import literal
from crdb_magic.values.decode import Interval

_ON_A_SERVER = settings(max_examples=25)
_ONE = UUID(int=1)
_NAN = float("nan")
_DAY = dt.date(2026, 1, 2)
_MOMENT = dt.datetime(2026, 1, 2, 3, 4, 5, 678901)
_INSTANT = _MOMENT.replace(tzinfo=dt.UTC)


class Mood(enum.Enum):
    """Texts and others."""

    GOOD = "good"
    DATED = _DAY


class Level(enum.IntEnum):
    """Numbers."""

    HIGH = 3


class City(enum.StrEnum):
    """Texts."""

    ROME = "rome"


class Right(enum.Flag):
    """Bits."""

    READ = 1
    WRITE = 2


class Text(str):
    """A text that shows itself as another one."""

    __slots__ = ()

    def __str__(self):
        return "another text"


class Number(int):
    """A number that shows itself as none."""

    def __repr__(self):
        return "no number"


class Measure(float):
    """A float that shows itself as none."""

    def __repr__(self):
        return "no measure"


Pair = namedtuple("Pair", "a b")


@dataclass
class Thing:
    """What SQL knows nothing of."""

    id: int = 1


@pytest.fixture
def echo(session, sql):
    """Send a value and give what comes back."""

    def ask(value, cast=""):
        return records(session.run(sql(f"SELECT :value{cast and '::' + cast}", {"value": value})).results[0])[0][0]

    return ask


# What is sent comes back.


@pytest.mark.parametrize(
    "value",
    [
        *(True, False, None, 2**31, -(2**62), "text", "100% 'quoted' \"\\ :name ; -- $$ 🐓", b"\0\xff", ""),
        *(Decimal("0.10"), Decimal("-1.50"), Decimal("1E-20")),
        *(_DAY, dt.date.min, dt.date.max, dt.time(23, 59, 59, 999999), dt.time(1, 2, tzinfo=dt.UTC)),
        *(_MOMENT, _INSTANT, dt.datetime.min, dt.datetime.max, dt.datetime.max.replace(tzinfo=dt.UTC)),
        *(dt.timedelta(microseconds=-1), dt.timedelta(days=-25, microseconds=1), dt.timedelta(days=400_000)),
        *(Interval(14, -3, 4_000_001), Interval(-1, 1, -1), _ONE),
        *({}, {"a": [1, None, True, "é"]}, [{"a": 1}, None], [[{}], []]),
        *([True, None], [None, 2**40], ["a", None], [_ONE, None], [_DAY, None], [_MOMENT], [_INSTANT, None]),
        *([dt.timedelta(1), None], [Decimal("0.10"), None], [b"\0", None]),
    ],
    ids=repr,
)
def test_a_value_says_its_type_by_itself(echo, value):
    back = echo(value)

    assert (back, type(back)) == (value, type(value))


@pytest.mark.parametrize(
    ("value", "cast"),
    [
        *((-5, "TEXT"), (-1.5, "TEXT"), (Decimal("-0.5"), "TEXT"), ("a\\b", "TEXT")),
        *((-(2**63), "INT8"), (2**63 - 1, "INT8"), (5e-324, "FLOAT8"), (1.7976931348623157e308, "FLOAT8")),
        *((_NAN, "FLOAT8"), (math.inf, "FLOAT8"), (-math.inf, "FLOAT8"), (-0.0, "FLOAT8"), (0.1, "FLOAT8")),
        *((Decimal("NaN"), "DECIMAL"), (Decimal("Infinity"), "DECIMAL"), (Decimal("-Infinity"), "DECIMAL")),
        *(([], "INT8[]"), ([None], "INT8[]"), ([None, None], "UUID[]"), ([1, None, 3], "INT8[]")),
        *(([1.5, None, math.inf, -0.0], "FLOAT8[]"), ([Decimal("Infinity"), None], "DECIMAL[]")),
    ],
)
def test_a_value_comes_back_through_a_cast(echo, value, cast):
    back = echo(value, cast)

    assert repr(back) == repr(str(value) if cast == "TEXT" else value)


_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
_MOMENTS = st.datetimes()
_ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
_INSTANTS = st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30), timezones=_ZONES)
_SPANS = st.timedeltas(dt.timedelta(days=-(10**6)), dt.timedelta(days=10**6))
_NUMBERS = st.decimals(-(10**20), 10**20, allow_nan=False)
_PLAIN = st.none() | st.booleans() | st.integers() | st.floats(-1e15, 1e15) | _TEXT


def _documents(leaves):
    nested = st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3), max_leaves=8
    )
    return st.dictionaries(_TEXT, nested, max_size=3)


_FAMILIES = {
    "BOOL": st.booleans(),
    "INT8": st.integers(-(2**63), 2**63 - 1),
    "FLOAT8": st.floats(allow_nan=False),
    "DECIMAL": _NUMBERS,
    "TEXT": _TEXT,
    "BYTEA": st.binary(max_size=20),
    "DATE": st.dates(),
    "TIME": st.times(),
    "TIMESTAMP": _MOMENTS,
    "TIMESTAMPTZ": _INSTANTS,
    "INTERVAL": _SPANS,
    "UUID": st.uuids(),
}


@pytest.mark.parametrize("family", _FAMILIES)
@_ON_A_SERVER
@given(data=st.data())
def test_each_value_of_a_family_comes_back(echo, family, data):
    value = data.draw(_FAMILIES[family])

    assert echo(value, family) == value


@pytest.mark.parametrize("family", _FAMILIES)
@_ON_A_SERVER
@given(data=st.data())
def test_each_list_of_a_family_comes_back(echo, family, data):
    values = data.draw(st.lists(st.none() | _FAMILIES[family], max_size=5))

    assert echo(values, f"{family}[]") == values


@_ON_A_SERVER
@given(months=st.integers(-(10**4), 10**4), days=st.integers(-(10**6), 10**6), us=st.integers(-(10**15), 10**15))
def test_each_interval_keeps_its_parts(echo, months, days, us):
    value = Interval(months or 1, days, us)

    assert echo(value) == value


@_ON_A_SERVER
@given(value=_documents(_PLAIN))
def test_each_document_comes_back(echo, value):
    assert echo(value) == value


@_ON_A_SERVER
@given(value=_documents(_PLAIN | _NUMBERS))
def test_a_document_that_was_read_can_be_sent_again(echo, value):
    read = echo(value)

    assert echo(read) == read


@_ON_A_SERVER
@given(value=_NUMBERS)
def test_each_digit_of_a_decimal_in_a_document_comes_back(echo, value):
    assert Decimal(str(echo({"it": value})["it"])) == value


# Python's own kinds.


@pytest.mark.parametrize(
    ("value", "comes"),
    [
        *((Mood.GOOD, "good"), (Mood.DATED, _DAY), (Level.HIGH, 3), (City.ROME, "rome"), (Right.WRITE, 2)),
        (10**30, Decimal(10**30)),
        *((Right.READ | Right.WRITE, 3), (Shouted.HEY, "hey"), ([Mood.GOOD, None], ["good", None])),
        *((Text("mine"), "mine"), (Number(7), 7), ([Number(7)], [7]), ([Text("mine")], ["mine"])),
        *((bytearray(b"ab"), b"ab"), (memoryview(b"ab"), b"ab"), (memoryview(b"abcd")[::2], b"ac")),
        *(({5}, [5]), (frozenset({5}), [5]), (range(3), [0, 1, 2]), (deque([1, 2]), [1, 2])),
        *(({"a": 1}.keys(), ["a"]), ({"a": 1}.values(), [1])),
        *((ipaddress.ip_address("10.0.0.1"), "10.0.0.1"), (ipaddress.ip_network("10.0.0.0/8"), "10.0.0.0/8")),
        *((ipaddress.ip_interface("10.0.0.1/8"), "10.0.0.1/8"), (ipaddress.ip_address("::1"), "::1")),
        *((OrderedDict(b=1), {"b": 1}), (MappingProxyType({"b": 1}), {"b": 1}), (UserDict(b=1), {"b": 1})),
        (ChainMap({"a": 1}, {"b": 2}), {"a": 1, "b": 2}),
        *(([OrderedDict(b=1)], [{"b": 1}]), ([(1, {})], [[1, {}]])),
        (extras.Json({"a": Decimal("0.1000000000000000000001")}), '{"a": 0.1000000000000000000001}'),
        (extras.Json([1], dumps=lambda _: "mine"), "mine"),
    ],
    ids=case_name,
)
def test_a_kind_of_pythons_is_sent_as_what_it_stands_for(echo, value, comes):
    assert echo(value) == comes


@pytest.mark.parametrize("fold", [0, 1])
def test_an_hour_that_comes_twice_is_told_apart(echo, fold):
    value = dt.datetime(2025, 10, 26, 2, 30, tzinfo=ZoneInfo("Europe/Rome"), fold=fold)

    assert echo(value) == dt.datetime(2025, 10, 26, fold, 30, tzinfo=dt.UTC)


def test_a_float_of_another_kind_is_its_number(echo):
    assert echo([Measure(1.5)], "FLOAT8[]") == [1.5]


@pytest.mark.parametrize(
    "values",
    [
        (1, 2),
        Pair(1, 2),
        [1, 2],
        {1, 2},
        range(1, 3),
        np.array([1, 2]),
        pd.Series([1, 2]),
        pd.Index([1, 2]),
        pa.array([1, 2]),
    ],
    ids=lambda values: type(values).__name__,
)
def test_in_and_any_take_a_collection_of_each_kind(session, sql, values):
    text = "SELECT 2 IN :values, 3 in\n:values, 2 = ANY(:values), 3 <> all ( :values), 3 NOT IN :values"
    report = session.run(sql(text, {"values": values}))

    assert records(report.results[0]) == [(True, False, True, True, True)]


@pytest.mark.parametrize("values", [[1, 2], {1, 2}, np.array([1, 2])], ids=lambda values: type(values).__name__)
def test_a_list_may_stand_in_the_parentheses_of_in(session, sql, values):
    text = "SELECT 2 IN (:values), 3 IN ( :values ), 3 IN (:values, 3), 2 IN (:two, 5), (1, 2) IN (:pair)"
    report = session.run(sql(text, {"values": values, "two": 2, "pair": (1, 2)}))

    assert records(report.results[0]) == [(True, False, True, True, True)]


@pytest.mark.parametrize("values", [[], (), set(), np.array([])], ids=lambda values: type(values).__name__)
def test_in_takes_no_empty_collection(session, sql, values):
    with pytest.raises(ParameterError, match=r"= ANY\(:values\)"):
        session.run(sql("SELECT 1 IN :values", {"values": values}))


def test_behind_other_words_a_list_stays_an_array(session, sql):
    report = session.run(sql("SELECT :values AS within, 'in' || :word, :values", {"values": [1, 2], "word": "x"}))

    assert records(report.results[0]) == [([1, 2], "inx", [1, 2])]


@pytest.mark.parametrize("values", [[], set(), range(0), np.array([]), pd.Series([]), pd.Index([]), [[]], pa.array([])])
def test_nothing_is_among_no_values(session, sql, values):
    report = session.run(sql("SELECT 1 = ANY(:values), 'a' = ANY(:values), 1 <> ALL(:values)", {"values": values}))

    assert records(report.results[0]) == [(False, False, True)]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([[1, 2], [3, None]], "ARRAY[ARRAY[1,2],ARRAY[3,NULL]]"),
        (np.array([[1.5, -0.0]]), "ARRAY[ARRAY[1.5,'-0.0'::FLOAT8]]"),
        ([[None], [None]], "'{{NULL},{NULL}}'"),
        ([[], []], "'{}'"),
    ],
)
def test_a_list_of_lists_is_an_array_of_more_dimensions(session, values, text):
    """CockroachDB has none, so only the text is told."""
    assert literal("values", values, session.connection) == text


# Documents


@pytest.mark.parametrize(
    ("value", "comes"),
    [
        ({"price": Decimal("0.1000000000000000000001")}, {"price": Decimal("0.1000000000000000000001")}),
        ({"big": Decimal("1E+3"), "small": Decimal("-1E-7")}, {"big": 1000, "small": -1e-7}),
        (
            {"n": np.int64(3), "x": np.float32(0.5), "b": np.bool_(True), "t": np.str_("t")},
            {"n": 3, "x": 0.5, "b": True, "t": "t"},
        ),
        ({"many": np.arange(3), "more": pd.Series(["a", None])}, {"many": [0, 1, 2], "more": ["a", None]}),
        ({"gone": [pd.NA, pd.NaT, None]}, {"gone": [None, None, None]}),
        ({"mood": Mood.GOOD, "level": Level.HIGH}, {"mood": "good", "level": 3}),
        (
            {2: "a", None: "b", True: "c", 1.5: "d", np.int64(7): "e"},
            {"2": "a", "true": "c", "null": "b", "1.5": "d", "7": "e"},
        ),
        ([{"exact": Decimal("1.50")}, pd.NA], [{"exact": 1.5}, None]),
        (
            {"day": _DAY, "at": np.datetime64("2026-01-02T03"), "id": _ONE, "span": Interval(0, 1, 0)},
            {"day": "2026-01-02", "at": "2026-01-02T03:00:00", "id": str(_ONE), "span": "1 day"},
        ),
        ({"text": "'\\\" % é 🐓 \n \x7f"}, {"text": "'\\\" % é 🐓 \n \x7f"}),
        (pd.Series([{"a": 1}, pd.NA, None]), [{"a": 1}, None, None]),
        (np.array([{"a": 1}, None]), [{"a": 1}, None]),
        (pa.scalar({"a": Decimal("1.5")}), {"a": 1.5}),
    ],
    ids=repr,
)
def test_a_document_keeps_what_json_can_say(echo, value, comes):
    assert echo(value) == comes


def test_a_text_among_documents_is_one_and_no_document_by_itself(echo):
    assert echo([{}, "[]"]) == [{}, "[]"]


@pytest.mark.parametrize("value", [[1, 2.5], ["a", None], []])
def test_a_list_of_plain_values_is_a_document_where_sql_says_so(session, sql, value):
    report = session.run(sql("SELECT to_jsonb(:value::TEXT[])", {"value": value}))

    assert records(report.results[0]) == [([one and str(one) for one in value],)]


_CIRCLE: dict[str, object] = {}
_CIRCLE["again"] = _CIRCLE
_ROUND: list[object] = []
_ROUND.append(_ROUND)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"a": [0, {"thing": Thing()}]}, "holds a Thing at ['a'][1]['thing'], which JSON has no form for"),
        ([{}, 1j], "holds a complex at [1], which JSON has no form for"),
        ({"b": b"x"}, "holds a bytes at ['b'], which JSON has no form for"),
        ({"s": {1}}, "holds a set at ['s'], which JSON has no form for"),
        ({"n": _NAN}, "holds nan at ['n'], which is not a number in JSON"),
        ({"n": [Decimal("-Infinity")]}, "holds -Infinity at ['n'][0], which is not a number in JSON"),
        ({"n": np.array([math.inf])}, "holds inf at ['n'][0], which is not a number in JSON"),
        ({"a": {_DAY: 1}}, "holds a date as a key at ['a'], where JSON takes texts"),
        ({(1, 2): 1}, "holds a tuple as a key, where JSON takes texts"),
        ({"a": "\ud800"}, "holds a text that holds a character no server takes"),
        (_CIRCLE, "is nested deeper than Python goes, or holds itself"),
        (_ROUND, "is nested deeper than Python goes, or holds itself"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_document_that_json_cannot_say_is_told_where(session, sql, value, says):
    with pytest.raises(ParameterError) as caught:
        session.run(sql("SELECT :doc", {"doc": value}))

    assert caught.value.message == f":doc {says}."


# numpy, pandas and Arrow


@pytest.mark.parametrize(
    ("value", "cast", "comes"),
    [
        *((kind(7), "INT8", 7) for kind in (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32)),
        *((np.uint64(2**64 - 1), "DECIMAL", Decimal(2**64 - 1)), (np.int64(-7), "TEXT", "-7")),
        *((kind(0.1), "FLOAT8", float(kind(0.1))) for kind in (np.float16, np.float32, np.float64)),
        (np.longdouble("0.1"), "DECIMAL", Decimal("0.1")),
        *((np.float64("nan"), "TEXT", "NaN"), (np.float64("inf"), "FLOAT8", math.inf), (np.bool_(True), "BOOL", True)),
        *((np.str_("é"), "TEXT", "é"), (np.bytes_(b"\xff"), "BYTEA", b"\xff")),
        (np.datetime64("2026-01-02T03:04:05.678901"), "TIMESTAMP", _MOMENT),
        (np.datetime64("2026-01-02T03:04:05.678901000"), "TIMESTAMP", _MOMENT),
        *(
            (np.datetime64("2026-01-02T03"), "TIMESTAMP", dt.datetime(2026, 1, 2, 3)),
            (np.datetime64("NaT"), "DATE", None),
        ),
        *((np.datetime64("2026-01-02"), "DATE", _DAY), (np.datetime64("2026"), "DATE", dt.date(2026, 1, 1))),
        *(
            (np.timedelta64(-1, unit), "INTERVAL", dt.timedelta(**{name: -1}))
            for unit, name in zip(
                ("W", "D", "h", "m", "s", "ms", "us"),
                ("weeks", "days", "hours", "minutes", "seconds", "milliseconds", "microseconds"),
                strict=True,
            )
        ),
        *((np.timedelta64(1, "s").astype("m8[ns]"), "INTERVAL", dt.timedelta(seconds=1)),),
        *((np.timedelta64("NaT"), "INTERVAL", None), (np.timedelta64("NaT", "Y"), "INTERVAL", None)),
        *((np.array(7), "INT8", 7), (np.array([1, 2], "u1"), "INT8[]", [1, 2]), (np.array([], "M8[s]"), "DATE[]", [])),
        *((np.array(["a", "b"]), "TEXT[]", ["a", "b"]), (np.array(["a"], np.dtypes.StringDType()), "TEXT[]", ["a"])),
        (np.array([1.5, "b", None, _ONE][2:], object), "UUID[]", [None, _ONE]),
        (np.array(["2026-01-02", "NaT"], "M8[ns]"), "TIMESTAMP[]", [dt.datetime(2026, 1, 2), None]),
        (np.array(["2026-01-02", "NaT"], "M8[D]"), "DATE[]", [_DAY, None]),
        (np.ma.masked_equal([1, 2], 2), "INT8[]", [1, None]),
        (np.arange(3)[:0], "INT8[]", []),
    ],
    ids=repr,
)
def test_a_value_of_numpys_keeps_its_meaning(echo, value, cast, comes):
    assert echo(value, cast) == comes


def test_a_nan_of_numpys_is_a_number(echo):
    assert repr(echo(np.array([1.5, _NAN]), "FLOAT8[]")) == "[1.5, nan]"


_MASKED = pd.arrays.FloatingArray(np.array([1.5, _NAN, 0]), np.array([False, False, True]))


@pytest.mark.parametrize(
    ("value", "cast", "comes"),
    [
        *((pd.Timestamp(_MOMENT), "TIMESTAMP", _MOMENT), (pd.Timestamp(_INSTANT), "TIMESTAMPTZ", _INSTANT)),
        (pd.Timestamp("2026-01-02 03:00", tz="Europe/Rome"), "TIMESTAMPTZ", dt.datetime(2026, 1, 2, 2, tzinfo=dt.UTC)),
        *((pd.Timestamp(_MOMENT).as_unit("ns"), "TIMESTAMP", _MOMENT), (pd.NaT, "TIMESTAMP", None)),
        *((pd.Timedelta(days=-30, microseconds=1), "INTERVAL", dt.timedelta(-30, 0, 1)), (pd.NA, "INT8", None)),
        *(
            (pd.Series(["a", None]), "TEXT[]", ["a", None]),
            (pd.Series(["a", None], dtype="string"), "TEXT[]", ["a", None]),
        ),
        *((pd.Series(["a", None], dtype="category"), "TEXT[]", ["a", None]), (pd.Index(["a"]), "TEXT[]", ["a"])),
        *(
            (pd.Series([1.5, _NAN]), "FLOAT8[]", [1.5, None]),
            (pd.Series([1, None], dtype="Int64"), "INT8[]", [1, None]),
        ),
        (pd.Series([1.5, None], dtype="double[pyarrow]"), "FLOAT8[]", [1.5, None]),
        (pd.Series([True, None], dtype="boolean"), "BOOL[]", [True, None]),
        (pd.Series(["a", None], dtype=pd.ArrowDtype(pa.string())), "TEXT[]", ["a", None]),
        (pd.Series([_ONE, None, pd.NA, pd.NaT, _NAN], dtype=object), "UUID[]", [_ONE, *[None] * 4]),
        (pd.Series([b"\0", None]), "BYTEA[]", [b"\0", None]),
        (pd.Series([Interval(1, 0, 0), None]), "INTERVAL[]", [Interval(1, 0, 0), None]),
        (pd.Series([dt.timedelta(1), None]), "INTERVAL[]", [dt.timedelta(1), None]),
        (pd.Series(pd.to_datetime(["2026-01-02", None])), "TIMESTAMP[]", [dt.datetime(2026, 1, 2), None]),
        (pd.Series(pd.to_datetime([_INSTANT, None])), "TIMESTAMPTZ[]", [_INSTANT, None]),
        *((pd.RangeIndex(2), "INT8[]", [0, 1]), (pd.array([1, None]), "INT8[]", [1, None])),
        (pd.DatetimeIndex(["2026-01-02"]), "TIMESTAMP[]", [dt.datetime(2026, 1, 2)]),
        *(
            (pa.scalar(7), "INT8", 7),
            (pa.scalar(None), "INT8", None),
            (pa.scalar(Decimal("1.50")), "DECIMAL", Decimal("1.50")),
        ),
        *((pa.array([1, None]), "INT8[]", [1, None]), (pa.chunked_array([["a"], ["b"]]), "TEXT[]", ["a", "b"])),
        (pa.scalar(_MOMENT, pa.timestamp("ns")), "TIMESTAMP", _MOMENT),
    ],
    ids=case_name,
)
def test_a_value_of_pandas_or_arrows_keeps_its_meaning(echo, value, cast, comes):
    assert echo(value, cast) == comes


def test_a_masked_nan_is_a_number_and_what_is_missing_is_null(echo):
    assert repr(echo(pd.Series(_MASKED), "FLOAT8[]")) == "[1.5, nan, None]"


# What can't be sent


@pytest.mark.parametrize(
    ("value", "says"),
    [
        *((object(), "is a object, which has no SQL form"), ([1, object()], "holds a object, which has no SQL form")),
        *((Thing(), "is a Thing, which has no SQL form"), (iter([1]), "is a list_iterator, which has no SQL form")),
        *(((one for one in [1]), "is a generator, which has no SQL form"), (1j, "is a complex, which has no SQL form")),
        *((int, "is a type, which has no SQL form"), (np.complex64(1), "is a complex64, which has no SQL form")),
        (np.zeros(1, [("a", "i4")]), "is a ndarray, which has no SQL form"),
        *(
            (np.dtype("i4"), "is a Int32DType, which has no SQL form"),
            (np.void(b"a"), "is a void, which has no SQL form"),
        ),
        *((pd.DataFrame({"a": [1]}), "is a DataFrame, which has no SQL form"),),
        *(
            (pd.Period("2026"), "is a Period, which has no SQL form"),
            (pd.Interval(0, 1), "is a Interval, which has no SQL form"),
        ),
        *((pd.MultiIndex.from_tuples([(1, 2)]), "is a MultiIndex, which has no SQL form"),),
        *((pd.Series([pd.Period("2026")]), "holds a Period, which has no SQL form"),),
        *((text, "is a text that holds a character no server takes") for text in ("a\0b", "\ud800", Text("ok \udfff"))),
        *(([text], "holds a text that holds a character no server takes") for text in ("a\0b", "\ud800")),
        (pd.Timestamp(1), "is a Timestamp with digits below the microsecond, which no server keeps"),
        (pd.Timedelta(-1), "is a Timedelta with digits below the microsecond, which no server keeps"),
        ([pd.Timestamp(1)], "holds a Timestamp with digits below the microsecond, which no server keeps"),
        (np.datetime64(1, "ns"), "is a datetime64 with digits below the microsecond, which no server keeps"),
        (np.array([0, 1], "m8[ps]"), "is a ndarray with digits below the microsecond, which no server keeps"),
        *(
            (np.datetime64(when), "is a datetime64 outside of the years from 1 to 9999")
            for when in ("10000", "10000-01-01T00")
        ),
        (pd.Timestamp(np.datetime64("10000", "s")), "is a Timestamp outside of the years from 1 to 9999"),
        (np.timedelta64(1, "M"), "is a timedelta64 in a unit of no fixed length"),
        (np.timedelta64(1), "is a timedelta64 in a unit of no fixed length"),
        (dt.time(1, tzinfo=ZoneInfo("Europe/Rome")), "is a time in a zone whose offset depends on the day"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isascii() else "",
)
def test_a_value_that_cannot_be_sent_is_refused_by_name(session, sql, value, says):
    with pytest.raises(ParameterError) as caught:
        session.run(sql("SELECT :value", {"value": value}))

    assert caught.value.message == f":value {says}."


# Values that know better


class Point:
    """What psycopg2 knows nothing of."""

    def __init__(self, x):
        self.x = x


class Speaking(dict):
    """A document that knows its SQL."""

    def __conform__(self, protocol):
        return extensions.AsIs("'spoken'")


@pytest.fixture
def registered():
    """Points that the user has told psycopg2 of."""
    extensions.register_adapter(Point, lambda point: extensions.AsIs(f"'({point.x})'"))
    yield
    del extensions.adapters[Point, extensions.ISQLQuote]


def test_an_adapter_of_the_users_is_used(echo, registered):
    assert (echo(Point(3)), echo([Point(3), None])) == ("(3)", ["(3)", None])


def test_a_value_that_adapts_itself_does_so(echo):
    assert (echo(Speaking()), echo([Speaking()])) == ("spoken", ["spoken"])


def test_an_adapter_of_psycopg2s_is_used(echo):
    assert echo(extensions.AsIs("1 + 1")) == 2
    assert echo(extras.NumericRange(1, 3), "TEXT") == "[1,3)"


# The same with psycopg2's placeholders


@pytest.mark.parametrize(
    ("value", "comes"),
    [
        *((_ONE, _ONE), (np.int64(3), 3), (pd.NA, None), ({"a": Decimal("1.50")}, {"a": 1.5}), ([{}], [{}])),
        *(("100% 'q' %s", "100% 'q' %s"), (Mood.GOOD, "good"), (Interval(1, 2, 3), Interval(1, 2, 3))),
        (pd.Series(["a", None]), ["a", None]),
    ],
    ids=repr,
)
@pytest.mark.parametrize(
    ("query", "values"),
    [("SELECT %s, '%%'", lambda value: [value]), ("SELECT %(v)s, '%%'", lambda value: {"v": value})],
)
def test_a_placeholder_takes_the_same_values(session, query, values, value, comes):
    assert records(session.ask(query, values(value))) == [(comes, "%")]


@pytest.mark.parametrize(
    ("query", "values", "says"),
    [
        ("SELECT %s, %s", [1, object()], "Parameter 2 is a object, which has no SQL form."),
        ("SELECT %(a)s", {"a": {"b": {1}}}, "%(a)s holds a set at ['b'], which JSON has no form for."),
    ],
)
def test_a_value_that_a_placeholder_cannot_take_is_named(session, query, values, says):
    with pytest.raises(ParameterError) as caught:
        session.ask(query, values)

    assert caught.value.message == says


def test_a_cursor_of_the_servers_takes_the_same_values(target):
    with closing(connect(target)) as connection:
        cursor = connection.cursor("named", withhold=True)  # psycopg2 refuses others in autocommit mode
        cursor.execute("SELECT %s::INT8, %s", [np.int64(3), Mood.GOOD])

        assert cursor.fetchall() == [(3, "good")]


def test_what_no_placeholder_names_is_not_looked_at(session):
    assert records(session.ask("SELECT %(a)s, %(a)s", {"a": 1, "other": object()})) == [(1, 1)]


@pytest.mark.parametrize("values", [None, [], {}, (), np.array([])])
def test_no_values_are_no_values(session, values):
    assert records(session.ask("SELECT 1", values)) == [(1,)]


def test_a_column_may_hold_all_the_values(session):
    assert records(session.ask("SELECT %s, %s", pd.Series([1, 2]))) == [(1, 2)]
