"""Facts about the files that the rows of a query are written into."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Collection, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from crdb_magic.columns.files import Format, NotHeldError, writer
from crdb_magic.columns.results import Column
from crdb_magic.errors import OptionError, ResultTypeError
from crdb_magic.values.typemap import SqlType, array_of, enum, lookup

FORMATS = [one.value for one in Format]
TYPED = [".parquet", ".arrow"]


def type_of(oid: int) -> SqlType:
    known = lookup(oid)
    assert known is not None
    return known


BOOL, BYTES, INT8, TEXT, JSON = (type_of(oid) for oid in (16, 17, 20, 25, 3802))
FLOAT8, DATE, TIMESTAMPTZ, INTERVAL, DECIMAL, UUID = (type_of(oid) for oid in (701, 1082, 1184, 1186, 1700, 2950))
PRICE = replace(DECIMAL, digits=(10, 2))
MOOD = enum("mood", 100_100, ["sad", "ok"])

NOON = dt.datetime(2026, 11, 23, 12, 0, 0, 500_000, tzinfo=dt.UTC)
SOME_ID = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"

# What the server's CSV says in one column of each type, the column's type in the file, and its values there.
CASES: list[tuple[SqlType, list[str], Any, list[Any]]] = [
    (BOOL, ["t", "f", ""], pa.bool_(), [True, False, None]),
    (INT8, ["9223372036854775807", "-1", ""], pa.int64(), [2**63 - 1, -1, None]),
    (FLOAT8, ["0.1", "Infinity", ""], pa.float64(), [0.1, float("inf"), None]),
    (TEXT, ['"a, ""b""\nc\r\n"', '""', ""], pa.string(), ['a, "b"\nc\r\n', "", None]),
    (BYTES, ["\\x00ff", "\\x", ""], pa.binary(), [b"\x00\xff", b"", None]),
    (DATE, ["2026-11-23", "0001-01-01", ""], pa.date32(), [dt.date(2026, 11, 23), dt.date(1, 1, 1), None]),
    (TIMESTAMPTZ, ["2026-11-23 14:00:00.5+02", ""], pa.timestamp("us", "UTC"), [NOON, None]),
    (PRICE, ["1.10", "-99999999.99", ""], pa.decimal128(10, 2), [Decimal("1.10"), Decimal("-99999999.99"), None]),
    (DECIMAL, ["1.100", "1E+10", "NaN", ""], pa.string(), ["1.100", "1E+10", "NaN", None]),
    (INTERVAL, ["1 mon", "00:00:01", ""], pa.string(), ["1 mon", "00:00:01", None]),
    (UUID, [SOME_ID, ""], pa.uuid(), [uuid.UUID(SOME_ID), None]),
    (JSON, ['"{""a"": 1}"', ""], pa.json_(), ['{"a": 1}', None]),
    (MOOD, ["ok", ""], pa.dictionary(pa.int32(), pa.string(), ordered=True), ["ok", None]),
    (array_of(INT8), ['"{1,NULL}"', "{}", ""], pa.list_(pa.int64()), [[1, None], [], None]),
    (array_of(TEXT), ['"{""a,b"",NULL,""""}"', ""], pa.list_(pa.string()), [["a,b", None, ""], None]),
    (array_of(UUID), [f'"{{{SOME_ID},NULL}}"', ""], pa.list_(pa.string()), [[SOME_ID, None], None]),
    (array_of(INTERVAL), ['"{""1 mon""}"', ""], pa.string(), ['{"1 mon"}', None]),
]


def written(path: Path, columns: Sequence[Column], *parts: str, as_texts: Collection[int] = ()) -> Path:
    with writer(path, columns, as_texts) as file:
        for part in parts:
            file.write(part.encode())
    return path


def read(path: Path) -> pa.Table:
    if path.suffix == ".parquet":
        return parquet.read_table(path)
    with pa.OSFile(str(path)) as source:
        return pa.ipc.open_file(source).read_all()


def lines(values: Sequence[str]) -> str:
    return "".join(f"{value}\n" for value in values)


@pytest.mark.parametrize("suffix", TYPED)
@pytest.mark.parametrize(("type_", "texts", "kind", "values"), CASES, ids=[case[0].name for case in CASES])
def test_values_come_back_from_a_file_with_types(tmp_path, suffix, type_, texts, kind, values):
    table = read(written(tmp_path / f"a{suffix}", [Column("c", type_)], lines(texts)))

    assert table.schema.field("c").type == kind
    assert table["c"].to_pylist() == values


@pytest.mark.parametrize("suffix", TYPED)
@pytest.mark.parametrize(("type_", "texts", "kind", "values"), CASES, ids=[case[0].name for case in CASES])
def test_a_columns_type_is_the_same_whatever_its_rows(tmp_path, suffix, type_, texts, kind, values):
    columns = [Column("c", type_)]
    nothing = written(tmp_path / f"nothing{suffix}", columns)
    nulls = written(tmp_path / f"nulls{suffix}", columns, lines(["", ""]))

    assert [read(path).schema.field("c").type for path in (nothing, nulls)] == [kind, kind]
    assert (read(nothing).num_rows, read(nulls)["c"].to_pylist()) == (0, [None, None])


@pytest.mark.parametrize(("type_", "texts"), [case[:2] for case in CASES], ids=[case[0].name for case in CASES])
def test_pandas_reads_a_parquet_file(tmp_path, type_, texts):
    frame = pd.read_parquet(written(tmp_path / "a.parquet", [Column("c", type_)], lines(texts)))

    assert frame["c"].isna().tolist() == [text == "" for text in texts]


@pytest.mark.parametrize(("names", "rows"), [("n", '1\n""\n2\n'), ("n,m", "1,\n,\n2,\n")])
def test_each_null_is_a_row_of_a_csv_file(tmp_path, names, rows):
    columns = [Column(name, INT8) for name in names.split(",")]
    path = written(tmp_path / "a.csv", columns, rows.replace('""', ""))

    assert path.read_text() == ",".join(f'"{column.name}"' for column in columns) + "\n" + rows
    assert pd.read_csv(path)["n"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize("suffix", TYPED)
def test_a_column_in_a_style_that_is_not_read_is_refused(tmp_path, suffix):
    with pytest.raises(ResultTypeError, match="datestyle"):
        written(tmp_path / f"a{suffix}", [Column("d", DATE, "datestyle")])


@pytest.mark.parametrize("suffix", TYPED)
def test_parts_follow_each_other_in_a_file(tmp_path, suffix):
    columns = [Column("n", INT8), Column("m", MOOD)]
    table = read(written(tmp_path / f"a{suffix}", columns, "1,ok\n2,sad\n", "3,\n", "4,sad\n"))

    assert table.to_pydict() == {"n": [1, 2, 3, 4], "m": ["ok", "sad", None, "sad"]}


def test_many_small_parts_are_one_row_group(tmp_path):
    path = written(tmp_path / "a.parquet", [Column("n", INT8)], *(f"{n}\n" for n in range(500)))

    assert parquet.ParquetFile(path).num_row_groups == 1
    assert read(path)["n"].to_pylist() == list(range(500))


def test_a_row_group_is_written_when_it_is_large(tmp_path, monkeypatch):
    monkeypatch.setattr("crdb_magic.columns.files._GROUP", 1000)
    part = lines(["1"] * 50)
    path = written(tmp_path / "a.parquet", [Column("n", INT8)], *[part] * 9)

    groups = parquet.ParquetFile(path).metadata
    assert [groups.row_group(place).num_rows for place in range(groups.num_row_groups)] == [150, 150, 150]


NAMES = ["a", "a", "", 'say "hi", twice', "?column?", "größe"]
UNIQUE = ["a", "a_1", "column3", 'say "hi", twice', "?column?", "größe"]


@pytest.mark.parametrize("suffix", TYPED)
def test_columns_have_names_of_their_own(tmp_path, suffix):
    path = written(tmp_path / f"a{suffix}", [Column(name, INT8) for name in NAMES], "1,2,3,4,5,6\n")

    assert read(path).to_pylist() == [dict(zip(UNIQUE, range(1, 7), strict=True))]


def test_csv_is_a_line_of_names_and_what_the_server_wrote(tmp_path):
    said = '1,"",,"a ""b""\nc",5,6\n'
    path = written(tmp_path / "a.csv", [Column(name, INT8) for name in NAMES], said, said)

    assert path.read_bytes().decode() == '"a","a_1","column3","say ""hi"", twice","?column?","größe"\n' + said + said


@pytest.mark.parametrize("suffix", FORMATS)
def test_what_was_written_is_counted(tmp_path, suffix):
    with writer(tmp_path / f"a{suffix}", [Column("n", INT8)], ()) as file:
        counts = [file.write(part) for part in (b"1\n2\n", b"3\n")]

    assert counts == [2, 1]


# A value that the column's type in a file does not hold.
NOT_HELD = [
    (DATE, "infinity"),
    (DATE, "0044-03-15 BC"),
    (TIMESTAMPTZ, "-infinity"),
    (PRICE, "NaN"),
    (type_of(1083), "24:00:00"),
    (array_of(INT8), '"{{1,2},{3,4}}"'),
    (MOOD, "new"),
    (array_of(MOOD), '"{new}"'),
]


@pytest.mark.parametrize("suffix", TYPED)
@pytest.mark.parametrize(("type_", "text"), NOT_HELD, ids=[f"{case[0].name} {case[1]}" for case in NOT_HELD])
def test_a_value_that_a_type_does_not_hold_names_its_column(tmp_path, suffix, type_, text):
    with pytest.raises(NotHeldError) as caught:
        written(tmp_path / f"a{suffix}", [Column("n", INT8), Column("c", type_)], "1,\n", f"2,{text}\n")

    assert caught.value.place == 1


@pytest.mark.parametrize("suffix", TYPED)
@pytest.mark.parametrize(("type_", "text"), NOT_HELD, ids=[f"{case[0].name} {case[1]}" for case in NOT_HELD])
def test_as_texts_a_column_holds_all_that_the_server_writes(tmp_path, suffix, type_, text):
    columns = [Column("n", INT8), Column("c", type_)]
    table = read(written(tmp_path / f"a{suffix}", columns, "1,\n", f"2,{text}\n", as_texts={1}))

    assert table.to_pylist() == [{"n": 1, "c": None}, {"n": 2, "c": text.strip('"')}]


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="there is no list of the open files")
def test_a_failure_closes_the_file(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    with pytest.raises(ZeroDivisionError), writer(path, [Column("n", INT8)], ()):
        raise ZeroDivisionError

    assert path not in [link.resolve() for link in Path("/proc/self/fd").iterdir()]


@pytest.mark.parametrize(
    ("name", "format_"),
    [("a.parquet", Format.PARQUET), ("a.b.ARROW", Format.ARROW), ("weird name.Csv", Format.CSV)],
)
def test_a_format_is_told_by_the_end_of_the_name(name, format_):
    assert Format.of(Path(name)) is format_


@pytest.mark.parametrize("name", ["a", "a.txt", "a.parquet.gz", ".parquet", "csv"])
def test_another_end_is_refused_with_those_that_are_known(name):
    with pytest.raises(OptionError, match=f"'{re.escape(name)}' names no known format: use .parquet, .arrow, .csv"):
        Format.of(Path(name))
