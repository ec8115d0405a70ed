"""DataFrame -> types and CSV: a type that holds the column, every value exact, NULL told from ''."""

from __future__ import annotations

import csv
import datetime as dt
import enum
import io
import ipaddress
import zoneinfo
from decimal import Decimal
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from column_texts import arrow
from hypothesis import given
from hypothesis import strategies as st

from crdb_magic.columns import encode
from crdb_magic.columns.encode import Load, TableColumn, index_left_out
from crdb_magic.errors import InputError, OptionError
from crdb_magic.values.decode import Interval, decode, interval
from crdb_magic.values.encode_types import spelled
from crdb_magic.values.encode_values import Form, infer, normal, texts
from crdb_magic.values.typemap import lookup

IDENTITY = UUID("63616665-6630-3064-6465-616462656566")
MOMENT = dt.datetime(2026, 11, 23, 10, 11, 12, 345678)
DAY = dt.datetime(2026, 11, 23)
BERLIN, WEST = (dt.timezone(dt.timedelta(hours=hours)) for hours in (1, -5))
MAP = pa.map_(pa.string(), pa.int64())
NAN, INFINITY = float("nan"), float("inf")


class Colour(enum.Enum):
    """Labels of its own."""

    RED = "red"
    BLUE = "blue"


def objects(*values: object) -> pd.Series:
    return pd.Series(list(values), dtype=object)


def load_of(column: object, dtype: str | None = None) -> Load:
    return Load.of(pd.DataFrame({"c": column}), {"c": dtype} if dtype else None)


def content(load: Load) -> str:
    return "".join(chunk.getvalue().decode() for _, chunk in load.chunks())


# A column, its type, and its lines of CSV.
COLUMNS = {
    "bool": (pd.Series([True, False]), "BOOL", ["true", "false"]),
    "boolean": (pd.Series([True, None], dtype="boolean"), "BOOL", ["true", ""]),
    "bool objects": (objects(True, None, np.True_), "BOOL", ['"true"', "", '"true"']),
    "int8": (pd.Series([-128], dtype="int8"), "SMALLINT", ["-128"]),
    "int16": (pd.Series([None, 2**15 - 1], dtype="Int16"), "SMALLINT", ["", "32767"]),
    "uint16": (pd.Series([2**16 - 1], dtype="uint16"), "INT4", ["65535"]),
    "int32": (pd.Series([2**31 - 1], dtype="int32"), "INT4", ["2147483647"]),
    "int64": (pd.Series([2**62 + 1, None], dtype="Int64"), "BIGINT", ["4611686018427387905", ""]),
    "uint64": (pd.Series([2**64 - 1], dtype="uint64"), "DECIMAL", ["18446744073709551615"]),
    "int objects": (objects(1, None, np.int64(2)), "BIGINT", ['"1"', "", '"2"']),
    "large ints": (objects(2**64, -1), "DECIMAL", ['"18446744073709551616"', '"-1"']),
    "float32": (pd.Series([0.1], dtype="float32"), "REAL", ["0.10000000149011612"]),
    "float16": (pd.Series([0.5], dtype="float16"), "REAL", ["0.5"]),
    "float64": (pd.Series([0.1, NAN, INFINITY, -INFINITY]), "DOUBLE PRECISION", ["0.1", "", "inf", "-inf"]),
    "whole floats": (pd.Series([1.0, NAN]), "DOUBLE PRECISION", ["1", ""]),
    "masked NaN": (
        pd.Series(pd.arrays.FloatingArray(np.array([NAN, 0.0]), np.array([False, True]))),
        "DOUBLE PRECISION",
        ["nan", ""],
    ),
    "arrow NaN": (arrow(pa.float64(), NAN, None), "DOUBLE PRECISION", ["nan", ""]),
    "float objects": (objects(0.1, 1, None, NAN), "DOUBLE PRECISION", ['"0.1"', '"1"', "", ""]),
    "int and float": (objects(2**53 + 1, 0.5), "DECIMAL", ['"9007199254740993"', '"0.5"']),
    "decimal": (
        objects(Decimal("1.50"), Decimal("NaN"), Decimal("-Infinity"), None, Decimal("1" * 40)),
        "DECIMAL",
        ['"1.50"', '"NaN"', '"-Infinity"', "", f'"{"1" * 40}"'],
    ),
    "decimal and int": (objects(Decimal("1E+3"), 7), "DECIMAL", ['"1E+3"', '"7"']),
    "decimal128": (arrow(pa.decimal128(10, 2), Decimal("1.50"), None), "DECIMAL", ['"1.50"', ""]),
    "decimal256": (arrow(pa.decimal256(60, 1), Decimal("1" * 50)), "DECIMAL", [f'"{"1" * 50}.0"']),
    "str": (pd.Series(["", None, "héllo"]), "TEXT", ['""', "", '"héllo"']),
    "str objects": (objects("", None, np.str_("a"), pd.NA, NAN), "TEXT", ['""', "", '"a"', "", ""]),
    "quotes": (pd.Series(['say "a,b"', "back\\slash"]), "TEXT", ['"say ""a,b"""', '"back\\slash"']),
    "string": (pd.Series(["a", pd.NA], dtype="string"), "TEXT", ['"a"', ""]),
    "string view": (arrow(pa.string_view(), "a", None), "TEXT", ['"a"', ""]),
    "nothing": (objects(None, None), "TEXT", ["", ""]),
    "no rows": (objects(), "TEXT", []),
    "arrow null": (arrow(pa.null(), None), "TEXT", [""]),
    "bytes": (objects(b"\x00\xff", bytearray(b"a"), None), "BYTEA", ['"\\x00ff"', '"\\x61"', ""]),
    "binary": (arrow(pa.binary(), b"\x00\xff", None), "BYTEA", ['"\\x00ff"', ""]),
    "fixed binary": (arrow(pa.binary(2), b"ab"), "BYTEA", ['"\\x6162"']),
    "date": (objects(dt.date(2026, 11, 23), None, dt.date(1, 1, 1)), "DATE", ['"2026-11-23"', "", '"0001-01-01"']),
    "numpy dates": (objects(np.datetime64("2026-01-02"), None), "DATE", ['"2026-01-02"', ""]),
    "lists of numpy dates": (objects(np.array(["2026-01-02"], "M8[D]")), "DATE[]", ['"{""2026-01-02""}"']),
    "numpy moments": (objects(np.datetime64(MOMENT, "ns")), "TIMESTAMP", ['"2026-11-23 10:11:12.345678"']),
    "addresses": (objects(ipaddress.ip_address("::1")), "TEXT", ['"::1"']),
    "ranges": (objects(range(3)), "BIGINT[]", ['"{0,1,2}"']),
    "exact dates": (
        objects("infinity", dt.date(2026, 1, 2), "0044-03-15 BC"),
        "DATE",
        ['"infinity"', '"2026-01-02"', '"0044-03-15 BC"'],
    ),
    "date32": (arrow(pa.date32(), dt.date(2026, 11, 23), None), "DATE", ["2026-11-23", ""]),
    "time": (
        objects(dt.time(10, 11), "24:00:00", dt.time(0, 0, 0, 1)),
        "TIME",
        ['"10:11:00"', '"24:00:00"', '"00:00:00.000001"'],
    ),
    "timetz": (objects(dt.time(10, 11, tzinfo=BERLIN), "24:00:00+00"), "TIMETZ", ['"10:11:00+01:00"', '"24:00:00+00"']),
    "time64": (arrow(pa.time64("ns"), dt.time(1, 2, 3)), "TIME", ["01:02:03.000000"]),
    "timestamp": (pd.Series([MOMENT, pd.NaT]), "TIMESTAMP", ["2026-11-23 10:11:12.345678", ""]),
    "timestamp of ns": (
        pd.Series([MOMENT, pd.NaT], dtype="datetime64[ns]"),
        "TIMESTAMP",
        ["2026-11-23 10:11:12.345678", ""],
    ),
    "timestamptz": (
        pd.Series([MOMENT, pd.NaT]).dt.tz_localize(BERLIN),
        "TIMESTAMPTZ",
        ['"2026-11-23 09:11:12.345678+00"', ""],
    ),
    "far timestamps": (
        pd.Series(np.array(["-0043-03-15", "12026-01-02T03:04:05", "0000-01-01"], dtype="datetime64[s]")),
        "TIMESTAMP",
        [
            '"0044-03-15 00:00:00.000000 BC"',
            '"12026-01-02 03:04:05.000000"',
            '"0001-01-01 00:00:00.000000 BC"',
        ],
    ),
    "far timestamptz": (
        arrow(pa.timestamp("s", "UTC"), -62_167_219_201, None),
        "TIMESTAMPTZ",
        ['"0002-12-31 23:59:59.000000+00 BC"', ""],
    ),
    "far dates": (arrow(pa.date32(), -719_529, 10_000_000), "DATE", ['"0002-12-31 BC"', '"29349-01-26"']),
    "timestamp objects": (
        objects(MOMENT, "infinity", dt.date(2026, 1, 2)),
        "TIMESTAMP",
        None,
    ),
    "exact timestamps": (objects(MOMENT, "infinity"), "TIMESTAMP", ['"2026-11-23 10:11:12.345678"', '"infinity"']),
    "timestamptz objects": (
        objects(MOMENT.replace(tzinfo=BERLIN), pd.Timestamp("2026-01-01", tz="UTC")),
        "TIMESTAMPTZ",
        ['"2026-11-23 09:11:12.345678+00:00"', '"2026-01-01 00:00:00+00:00"'],
    ),
    "timedelta": (
        pd.Series([dt.timedelta(days=1, microseconds=1), pd.NaT, dt.timedelta(seconds=-1)]),
        "INTERVAL",
        ['"1 day 00:00:00.000001"', "", '"-00:00:01"'],
    ),
    "intervals": (
        objects(Interval(14, -3, 1), dt.timedelta(hours=1), None, "infinity"),
        "INTERVAL",
        ['"1 year 2 mons -3 days +00:00:00.000001"', '"01:00:00"', "", '"infinity"'],
    ),
    "arrow interval": (
        arrow(pa.month_day_nano_interval(), (1, -2, 3000), None),
        "INTERVAL",
        ['"1 mon -2 days +00:00:00.000003"', ""],
    ),
    "uuid": (objects(IDENTITY, None), "UUID", [f'"{IDENTITY}"', ""]),
    "arrow uuid": (arrow(pa.uuid(), IDENTITY.bytes, None), "UUID", [f'"{IDENTITY}"', ""]),
    "category": (pd.Series(pd.Categorical(["b", None, "a"])), "TEXT", ['"b"', "", '"a"']),
    "category of ints": (pd.Series(pd.Categorical([3, 1, None])), "BIGINT", ["3", "1", ""]),
    "category of dates": (pd.Series(pd.Categorical([dt.date(2026, 1, 2), None])), "DATE", ['"2026-01-02"', ""]),
    "dictionary": (
        pd.Series(pd.arrays.ArrowExtensionArray(pa.array(["a", None, "a"]).dictionary_encode())),
        "TEXT",
        ['"a"', "", '"a"'],
    ),
    "enum": (objects(Colour.RED, None), "TEXT", ['"red"', ""]),
    "sparse": (pd.Series(pd.arrays.SparseArray([1.5, NAN])), "DOUBLE PRECISION", ["1.5", ""]),
    "json": (
        objects({"a": [1, None, "é"]}, None, pd.NA, [1], "x", 1.5, NAN, True),
        "JSONB",
        ['"{""a"": [1, null, ""é""]}"', '"null"', "", '"[1]"', '"""x"""', '"1.5"', "", '"true"'],
    ),
    "json decimals": (objects({"a": Decimal("1.10"), 1: {}}), "JSONB", ['"{""a"": 1.10, ""1"": {}}"']),
    "json of all sorts": (
        objects({"d": dt.date(2026, 1, 2), "u": IDENTITY, "n": np.int64(1), "x": pd.NA, "l": np.array([1.5])}),
        "JSONB",
        [f'"{{""d"": ""2026-01-02"", ""u"": ""{IDENTITY}"", ""n"": 1, ""x"": null, ""l"": [1.5]}}"'],
    ),
    "struct": (arrow(pa.struct({"a": pa.int64()}), {"a": 1}, None), "JSONB", ['"{""a"": 1}"', ""]),
    "map": (arrow(MAP, [("a", 1)]), "JSONB", ['"{""a"": 1}"']),
    "struct of maps": (arrow(pa.struct({"m": MAP}), {"m": [("a", 1)]}), "JSONB", ['"{""m"": {""a"": 1}}"']),
    "arrow json": (arrow(pa.json_(), "[1]", None), "JSONB", ['"[1]"', ""]),
    "lists of dicts": (objects([{"a": 1}], None), "JSONB", ['"[{""a"": 1}]"', '"null"']),
    "lists of all sorts": (objects([1, "a"]), "JSONB", ['"[1, ""a""]"']),
    "int lists": (objects([1, None, 2], [], None), "BIGINT[]", ['"{1,NULL,2}"', '"{}"', ""]),
    "numpy arrays": (objects(np.array([1, 2]), None), "BIGINT[]", ['"{1,2}"', ""]),
    "float lists": (objects([0.5, NAN, None]), "DOUBLE PRECISION[]", ['"{0.5,nan,NULL}"']),
    "lists with NaN": (objects([1, NAN]), "DOUBLE PRECISION[]", ['"{1,nan}"']),
    "text lists": (
        objects(['a"b', "back\\slash", "", "NULL", None, "{x,y}"]),
        "TEXT[]",
        ['"{""a\\""b"",""back\\\\slash"","""",""NULL"",NULL,""{x,y}""}"'],
    ),
    "text lists with NaN": (
        objects(["a", NAN], [NAN], np.array(["b", NAN], object), ("c", NAN), NAN),
        "TEXT[]",
        ['"{""a"",NULL}"', '"{NULL}"', '"{""b"",NULL}"', '"{""c"",NULL}"', ""],
    ),
    "lists of enums and missing ones": (objects([Colour.RED, pd.NA, None]), "TEXT[]", ['"{""red"",NULL,NULL}"']),
    "arrow scalars": (objects(pa.scalar(1), None), "BIGINT", ['"1"', ""]),
    "nested lists": (objects([[1, 2], [3, None]]), "JSONB", ['"[[1, 2], [3, null]]"']),
    "ragged lists": (objects([[1, 2], [3]], [[]]), "JSONB", ['"[[1, 2], [3]]"', '"[[]]"']),
    "lists of lists of all sorts": (objects([[1, dt.date(2026, 1, 2)]]), "JSONB", ['"[[1, ""2026-01-02""]]"']),
    "lists of numpy's matrices": (objects(np.ones((1, 2, 1))), "JSONB", ['"[[[1.0], [1.0]]]"']),
    "arrow lists of lists": (arrow(pa.list_(pa.list_(pa.int32())), [[1], []], None), "JSONB", ['"[[1], []]"', ""]),
    "swapped bytes": (pd.Series(np.array([1, 2], ">i4")), "INT4", ["1", "2"]),
    "swapped bytes of floats": (pd.Series(np.array([0.5], ">f8")), "DOUBLE PRECISION", ["0.5"]),
    "empty lists": (objects([], []), "TEXT[]", ['"{}"', '"{}"']),
    "bytes lists": (objects([b"\xff"]), "BYTEA[]", ['"{""\\\\xff""}"']),
    "arrow lists": (arrow(pa.list_(pa.int32()), [1, None], None), "INT4[]", ['"{1,NULL}"', ""]),
    "arrow lists of structs": (
        arrow(pa.list_(pa.struct({"a": pa.int64()})), [{"a": 1}], None),
        "JSONB",
        ['"[{""a"": 1}]"', ""],
    ),
}  # fmt: skip
MIXED = COLUMNS.pop("timestamp objects")
_ROUND: list[object] = []
_ROUND.append(_ROUND)


@pytest.mark.parametrize(("column", "ddl", "lines"), COLUMNS.values(), ids=COLUMNS)
def test_a_column_has_the_type_that_holds_it_and_each_value_its_text(column, ddl, lines):
    load = load_of(column)

    assert load.columns == (TableColumn("c", ddl),)
    assert content(load).splitlines() == lines


@pytest.mark.parametrize(
    ("column", "dtype", "lines"),
    [
        (objects([1, 2], None, pd.NA), "JSONB", ['"[1, 2]"', '"null"', ""]),
        (objects("x", None), "jsonb", ['"""x"""', '"null"']),
        (pd.Series(['{"a": 1}', None]), "JSONB", ['"{""a"": 1}"', ""]),
        (pd.Series([1, 2]), "JSONB", ["1", "2"]),
        (pd.Series([MOMENT, pd.NaT]), "JSONB", ['"""2026-11-23T10:11:12.345678"""', ""]),
        (arrow(pa.list_(pa.int64()), [1], None), "JSONB", ['"[1]"', ""]),
        (arrow(MAP, [("a", 1)], None), "JSONB", ['"{""a"": 1}"', ""]),
        (arrow(pa.list_(MAP), [[("a", 1)]]), "JSONB[]", ['"{""{\\""a\\"": 1}""}"']),
        (pd.Series([DAY, pd.NaT]), "DATE", ["2026-11-23", ""]),
        (pd.Series([DAY]).dt.tz_localize("Europe/Berlin"), "DATE", ["2026-11-23"]),
        (
            objects(DAY, DAY.replace(tzinfo=BERLIN), pd.NaT, "infinity"),
            "date",
            [*['"2026-11-23"'] * 2, "", '"infinity"'],
        ),
        (objects([DAY, None]), "DATE[]", ['"{""2026-11-23"",NULL}"']),
        (objects(MOMENT.replace(tzinfo=BERLIN)), "TIMESTAMP", ['"2026-11-23 09:11:12.345678+00:00"']),
        (objects(dt.datetime.max.replace(tzinfo=WEST)), "TIMESTAMPTZ", ['"9999-12-31 23:59:59.999999-05:00"']),
        (objects([1.0, 2.5]), "VECTOR(2)", ['"[1.0, 2.5]"']),
        (objects(b"\x01\xff", None), "GEOMETRY(POINT, 4326)", ['"01ff"', ""]),
        (pd.Series([str(IDENTITY)]), "UUID", [f'"{IDENTITY}"']),
        (objects([{"a": 1}]), "JSONB[]", ['"{""{\\""a\\"": 1}""}"']),
        (objects([None, pd.NA, "x", [1], 2]), "JSON[]", ['"{""null"",NULL,""\\""x\\"""",""[1]"",""2""}"']),
        (arrow(pa.list_(MAP), [None]), "JSONB[]", ['"{NULL}"']),
        (arrow(pa.list_(pa.string()), ["[1]", "null", None]), "JSONB[]", ['"{""[1]"",""null"",NULL}"']),
        (objects(1, "a", [2]), "TEXT", ['"1"', '"a"', '"{2}"']),
        (pd.Series([1.0, NAN]), "INT4", ["1", ""]),
        (pd.Series([1e15, -0.0]), "bigint", ["1000000000000000", "0"]),
        (pd.Series([1024.0], dtype="float16"), "INT", ["1024"]),
        (arrow(pa.decimal128(20, 2), Decimal("2.00"), None), "smallint", ["2", ""]),
        (objects(1e15, Decimal("1E+2"), NAN), "INT8", ['"1000000000000000"', '"100"', ""]),
        (objects([1.0, 2.0, None], [[np.float32(3)]]), "INT4 []", ['"{1,2,NULL}"', '"{{3}}"']),
        (pd.Series(pd.Categorical([2.0, None])), "INT8", ["2", ""]),
        (objects([[1, 2], [3, 4]]), "BIGINT[][]", ['"{{1,2},{3,4}}"']),
        (arrow(pa.list_(pa.list_(pa.int32())), [[1], [2]], None), "INT4[]", ['"{{1},{2}}"', ""]),
        (arrow(pa.list_(pa.struct({"a": pa.int64()})), [{"a": 1}]), "JSONB[]", ['"{""{\\""a\\"": 1}""}"']),
    ],
)
def test_a_given_type_stands_as_it_is_and_decides_how_values_are_written(column, dtype, lines):
    load = load_of(column, dtype)

    assert load.columns == (TableColumn("c", dtype),)
    assert content(load).splitlines() == lines


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (pd.Series([1e10, 1.5]), r"1\.5"),
        (pd.Series([2.0**63]), r"9\.22\d+e\+18"),
        (pd.Series([INFINITY]), "inf"),
        (arrow(pa.float64(), NAN), "nan"),
        (arrow(pa.decimal128(3, 2), Decimal("1.50")), r"1\.50"),
        (objects(1, 1.5), r"'1\.5'"),
        (objects(Decimal("1E+99")), r"'1E\+99'"),
        (objects(INFINITY), "'inf'"),
        (pd.Series([True]), "'true'"),
    ],
)
def test_a_column_of_integers_is_not_given_what_is_none(column, value):
    with pytest.raises(InputError, match=rf"'c' holds {value} in row \d .*, and its column .* integers alone"):
        load_of(column, "INT8")


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([pd.NaT, MOMENT]),
        pd.Series([DAY]).dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin"),
        objects(DAY, MOMENT),
        objects([MOMENT]),
    ],
)
def test_a_column_of_dates_is_not_given_times_of_a_day(column):
    with pytest.raises(InputError, match=r"(?s)'c' holds 2026-11-23 \d.*dates alone\..*normalize"):
        load_of(column, "DATE")


def test_the_type_of_the_table_that_there_is_decides_too():
    load = Load.of(pd.DataFrame({"c": objects([1], [2])}), None, {"c": spelled("jsonb")})

    assert content(load).splitlines() == ['"[1]"', '"[2]"']


@pytest.mark.parametrize(
    ("column", "message", "hint"),
    [
        (objects(1, "a"), "several types: int, str", "--dtype"),
        (objects(True, 2), "several types: bool, int", "--dtype"),
        (objects(dt.date(2026, 1, 2), "tomorrow"), "several types: date, str", "--dtype"),
        (objects(MOMENT, MOMENT.replace(tzinfo=dt.UTC)), "types: datetime, datetime with a time zone", "--dtype"),
        (objects(dt.time(1), dt.time(1, tzinfo=dt.UTC)), "types: time, time with a time zone", "--dtype"),
        (objects(1 + 2j), "complex, which has no SQL type", r"\.real"),
        (objects(np.complex64(1)), "complex64, which has no SQL type", r"\.real"),
        (pd.Series([1 + 2j]), "complex, which has no SQL type", r"\.real"),
        (pd.Series(pd.period_range("2026-01", periods=2, freq="M")), "Period, which has no SQL type", "to_timestamp"),
        (pd.Series(pd.interval_range(0, 2)), "Interval, which has no SQL type", r"\.left"),
        (objects(object()), "object, which has no SQL type", "astype"),
        (pd.Series(["a\0b"]), "a zero byte", "take it out"),
        (objects("a", "\ud800"), "half of a surrogate pair", ""),
        (objects([[NAN]]), r"nan at \[0\]\[0\], which is not a number in JSON", "None for a null"),
        (objects({"a": NAN}), r"nan at \['a'\], which is not a number in JSON", "None for a null"),
        (objects([{"a": b""}]), r"a bytes at \[0\]\['a'\], which JSON has no form for", "a text or a number"),
        (objects({(1, 2): 1}), "a tuple as a key, where JSON takes texts", ""),
        (objects({"a": pd.Timestamp(1)}), "finer than a microsecond", r"dt\.round"),
        (objects(_ROUND), "nested deeper than Python goes, or that holds itself", ""),
        (objects({"a": _ROUND}), "nested deeper than Python goes, or that holds itself", ""),
        (pd.Series(pd.to_datetime([1], unit="ns")), "finer than a microsecond", r"dt\.round"),
        (pd.Series(pd.to_timedelta([1], unit="ns")), "finer than a microsecond", r"dt\.round"),
        (objects(pd.Timestamp(1), "infinity"), "finer than a microsecond", r"dt\.round"),
        (objects(np.array([1], "datetime64[ns]")), "finer than a microsecond", r"dt\.round"),
        (arrow(pa.timestamp("s"), 2**60), "beyond those that the server keeps", ""),
        (arrow(pa.time64("ns"), 1), "finer than a microsecond", r"dt\.round"),
        (arrow(pa.month_day_nano_interval(), (0, 0, 1)), "finer than a microsecond", r"dt\.round"),
        (objects(dt.time(1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))), "offset depends on the day", "timestamp"),
        (arrow(MAP, [("a", 1), ("a", 2)]), "a map whose keys can't", "once"),
        (objects(np.timedelta64(1, "M")), "no fixed length", "astype"),
        (objects(np.datetime64("10000")), "outside of the years from 1 to 9999", ""),
        (objects(10**5000), "can't be written: Exceeds the limit", ""),
        (pd.Series([1], dtype="longdouble"), "can't be written: Unsupported", ""),
        (MIXED[0], "several types: date, datetime, str", "--dtype"),
    ],
)  # fmt: skip
def test_a_column_that_no_type_holds_is_refused_by_its_name(column, message, hint):
    with pytest.raises(InputError, match=rf"(?s)^Column 'c' holds .*{message}.*{hint}"):
        load_of(column)


def test_nanoseconds_that_are_none_are_no_hindrance():
    assert content(load_of(pd.Series([np.datetime64(MOMENT, "ns")]))) == "2026-11-23 10:11:12.345678\n"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (pd.Series([1]), r"a Series, not a DataFrame\.\n.*\.to_frame\(\)"),
        (pa.table({"a": [1]}), r"a Table, not a DataFrame\.\n.*\.to_pandas\(\)"),
        ([1], r"a list, not a DataFrame\.\n.*pandas\.DataFrame\("),
    ],
)
def test_what_is_no_frame_is_refused_with_a_way_to_one(value, message):
    with pytest.raises(InputError, match=message):
        Load.of(value)


def test_a_frame_of_nothing_is_refused():
    with pytest.raises(InputError, match="no columns"):
        Load.of(pd.DataFrame(index=range(3)))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["a", "a"], "two columns 'a'"),
        ([1, "1"], "two columns '1'"),
        ([""], "'' is not a valid column name"),
        (["a\0"], "is not a valid column name"),
    ],
)
def test_names_that_no_table_has_are_refused(columns, message):
    with pytest.raises(InputError, match=message):
        Load.of(pd.DataFrame([[1] * len(columns)], columns=columns))


def test_names_of_several_levels_are_refused_with_a_way_to_join_them():
    with pytest.raises(InputError, match="several levels"):
        Load.of(pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])))


def test_the_index_is_left_out():
    assert content(Load.of(pd.DataFrame({"a": [1]}, index=["x"]))) == "1\n"


@pytest.mark.parametrize(
    ("index", "said"),
    [
        (pd.RangeIndex(1), None),
        (pd.Index(["x"], name="id"), "without the index 'id' (df.reset_index() keeps it)"),
        (pd.MultiIndex.from_tuples([(1, 2)], names=["a", None]), "without the index 'a' (df.reset_index() keeps it)"),
        (pd.MultiIndex.from_tuples([(1, 2)], names=["a", 0]), "without the index 'a', '0' (df.reset_index() keeps it)"),
    ],
)
def test_an_index_with_a_name_is_not_left_out_silently(index, said):
    assert index_left_out(pd.DataFrame({"a": [1]}, index=index)) == said


def test_rows_go_in_chunks_of_rows_and_of_bytes(monkeypatch):
    monkeypatch.setattr(encode, "CHUNK_ROWS", 40)
    assert [rows for rows, _ in load_of(range(100)).chunks()] == [40, 40, 20]
    monkeypatch.setattr(encode, "CHUNK_BYTES", 8 * 30)
    assert [rows for rows, _ in load_of(range(100)).chunks()] == [20] * 5


def test_no_chunk_is_larger_for_small_rows_beside_large_ones(monkeypatch):
    monkeypatch.setattr(encode, "CHUNK_BYTES", 1000)
    load = load_of(["s"] * 20 + ["large" * 50] * 3 + ["larger" * 500])

    assert [rows for rows, text in load.chunks() if len(text.getvalue()) > 1000] == [1]
    assert sum(rows for rows, _ in load.chunks()) == load.rows


def test_array_literals_are_no_larger_than_a_message_may_be(monkeypatch):
    """Of booleans they are fifty times as large as Arrow's own bytes."""
    monkeypatch.setattr(encode, "CHUNK_BYTES", 1000)
    load = Load.of(pd.DataFrame({"a": [True] * 1000, "b": [None] * 1000, "c": ["x" * 2000, *"y" * 999]}))
    parts = list(load.arrays())

    assert [sum(map(len, arrays)) <= 1000 for _, arrays in parts].count(False) == 1
    assert sum(rows for rows, _ in parts) == load.rows


def test_columns_that_are_cut_elsewhere_make_no_smaller_chunks():
    parts = [pd.DataFrame({"a": ["x"], "b": [1]})] * 50

    assert [rows for rows, _ in Load.of(pd.concat(parts)).chunks()] == [50]


def test_the_size_is_that_of_the_text():
    load = load_of([10, 11, 12])

    assert load.size == len(content(load))
    assert Load.of(pd.DataFrame({"a": []})).size == 0


def test_an_empty_text_is_noticed():
    assert load_of(["a", "", None]).has_empty_texts
    assert not Load.of(pd.DataFrame({"a": ["a", None], "b": [1, 2]})).has_empty_texts


def test_a_row_that_is_an_empty_line_is_noticed():
    assert load_of(["a", None]).has_blank_lines
    assert not load_of(["a", ""]).has_blank_lines
    assert not Load.of(pd.DataFrame({"a": [None], "b": [None]})).has_blank_lines


@pytest.mark.parametrize(
    ("column", "literal"),
    [
        (pd.Series([1, None], dtype="Int64"), "{1,NULL}"),
        (pd.Series(["a", "", None, 'q"\\', "NULL"]), '{"a","",NULL,"q\\"\\\\","NULL"}'),
        (pd.Series([True, False]), "{true,false}"),
        (pd.Series([0.1, NAN]), "{0.1,NULL}"),
        (pd.Series([MOMENT]), "{2026-11-23 10:11:12.345678}"),
        (objects([1, 2], None), '{"{1,2}",NULL}'),
    ],
)
def test_a_chunk_can_go_as_an_array_of_texts(column, literal):
    assert [arrays for _, arrays in load_of(column).arrays()] == [[literal]]


def test_the_first_key_that_comes_twice_is_found():
    load = Load.of(pd.DataFrame({"a": [1, 2, 1, 2], "b": ["x", "y", "z", "y"]}))

    assert load.first_repeated(("a",)) == ("1",)
    assert load.first_repeated(("a", "b")) == ("2", "y")
    assert Load.of(pd.DataFrame({"a": [1, 2]})).first_repeated(("a",)) is None


def test_a_type_for_a_column_that_there_is_not_is_refused():
    with pytest.raises(OptionError, match=r"--dtype names prise.*\n.*Did you mean price"):
        Load.of(pd.DataFrame({"price": [1]}), {"prise": "INT4"})


# What is written is read as the same.


def text(value: object) -> str | None:
    """Give the text of one value."""
    return texts([value], Form.PLAIN)[0]


@given(st.lists(st.none() | st.text(), max_size=5))
def test_a_text_array_is_read_as_it_was(values):
    assert decode(lookup(1009), text(values)) == values


@given(st.lists(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=2, max_size=2), min_size=1, max_size=4))
def test_an_array_of_arrays_is_read_as_it_was(values):
    assert decode(lookup(1016), text(values)) == values


@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1))
def test_csv_is_csv_and_tells_null_from_nothing(values):
    written = content(Load.of(pd.DataFrame({"a": objects(*values), "b": 1})))
    read = csv.reader(
        io.StringIO(written, newline=""), quoting=csv.QUOTE_NOTNULL if hasattr(csv, "QUOTE_NOTNULL") else 0
    )

    assert [row[0] or "" for row in read] == [value or "" for value in values]
    assert written.count('"') >= 2 * sum(value is not None for value in values)


@given(st.timedeltas())
def test_a_timedelta_is_written_exactly(value):
    read = interval(text(value))

    assert dt.timedelta(days=read.days, microseconds=read.microseconds) == value


@given(st.lists(st.none() | st.datetimes() | st.just("infinity"), min_size=1))
def test_values_that_arrow_can_and_cannot_hold_are_written_alike(values):
    present = [value for value in values if isinstance(value, dt.datetime)]
    written = texts(normal(values), Form.PLAIN)

    assert [written[place] for place, value in enumerate(values) if value in present] == [
        value.isoformat(" ") for value in values if value in present
    ]
    assert infer(present).family.name in {"TIMESTAMP", "TEXT"}
