"""Texts -> Arrow arrays by kernels: cast exactly or not at all; rows and CSV as they were sent."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from column_texts import EACH, SENDABLE, column_of, texts_of
from hypothesis import given
from hypothesis import strategies as st
from type_cases import GOLDEN, TYPES

from crdb_magic.columns.arrow import KERNELS, NO_TEXTS, TEXT, as_array, cast, from_csv, from_rows, joined, typed
from crdb_magic.values.decode import decode, span

CAST = [name for name, golden in GOLDEN.items() if golden.type.family in KERNELS]
INEXACT = {"FLOAT4"}  # of 32 bits: see test_a_float4_is_the_nearest_one
CELLS = st.none() | SENDABLE | st.text('",\r\n\\. N\ufeff;') | st.sampled_from(["", "\\.", "NULL", '""', "\ufeffa"])


def texts(*values: str | None) -> pa.Array:
    return pa.array(values, TEXT)


def written(rows: list[list[str | None]]) -> bytes:
    """Write rows as PostgreSQL's COPY … (FORMAT csv) does: what needs quotes has them, NULL is nothing."""
    return "".join(",".join(map(_field, row)) + "\n" for row in rows).encode()


def _field(text: str | None) -> str:
    if text is None:
        return ""
    quoted = not text or set(text) & set('",\r\n') or text == "\\."
    return '"' + text.replace('"', '""') + '"' if quoted else text


def read(chunk: bytes, width: int) -> list[list[str | None]]:
    batch = from_csv(chunk, [TYPES["STRING"]] * width)
    return [list(row) for row in zip(*(column.to_pylist() for column in batch), strict=True)]


# Casting.


@pytest.mark.parametrize("name", CAST)
def test_the_texts_of_a_column_are_cast_to_its_type(name):
    type_ = GOLDEN[name].type
    offset = "-00:01:15"  # that no kernel reads
    column = [text for text in GOLDEN[name].texts if not text.endswith(offset)]

    assert cast(type_, texts(*column, None)).type == KERNELS[type_.family]


@pytest.mark.parametrize(
    ("name", "text"),
    [(name, case.text) for name in CAST if name != "INTERVAL" for case in GOLDEN[name].odd]
    + [("BOOL", "true"), ("INTERVAL", "infinity"), ("INTERVAL", "2562047788:00:54.775807")],
)
def test_a_column_with_a_text_that_no_kernel_reads_stays_texts(name, text):
    column = texts(text, None, *GOLDEN[name].texts)

    assert cast(TYPES[name], column) is column


@pytest.mark.parametrize("name", sorted(set(CAST) - INEXACT))
@given(data=st.data())
def test_what_is_cast_is_what_the_decoder_gives(name, data):
    type_, column = GOLDEN[name].type, data.draw(column_of(name))
    made = cast(type_, texts(*column))
    values = [decode(type_, text) for text in (made.to_pylist() if made.type == TEXT else column)]

    assert made.type == TEXT or repr([_pythons(value) for value in made.to_pylist()]) == repr(values)


def _pythons(value: object) -> object:
    """Give an instant with the same name of its zone, an interval with the decoder's class."""
    if isinstance(value, pa.MonthDayNano):
        return span(value.months, value.days, value.nanoseconds // 1000)
    return value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo else value


def test_a_float4_is_the_nearest_one():
    assert cast(TYPES["FLOAT4"], texts("0.1")).to_pylist() == [0.10000000149011612]


@pytest.mark.parametrize("name", ["STRING", "DECIMAL", "UUID", "JSONB"])
def test_what_has_no_kernel_stays_texts(name):
    column = texts("1")

    assert cast(TYPES[name], column) is column


@pytest.mark.parametrize("column", [texts(), texts(None), texts(None, None)])
@pytest.mark.parametrize("name", CAST)
def test_a_column_without_a_value_is_cast_as_well(name, column):
    made = cast(TYPES[name], column)

    assert (made.type, made.null_count) == (KERNELS[TYPES[name].family], len(column))


def test_what_was_cast_is_not_cast_again():
    once = cast(TYPES["INT8"], texts("1"))

    assert cast(TYPES["INT8"], once) is once


def test_each_column_of_a_batch_is_cast_for_itself():
    batch = typed((TYPES["INT8"], TYPES["DATE"]), (texts("1"), texts("infinity")))

    assert [column.type for column in batch] == [pa.int64(), TEXT]


# Rows and CSV.


@pytest.mark.parametrize("times", [1, 1000], ids=["few", "many"])
def test_rows_become_columns(times):
    batch = from_rows([(b"1", None), ("\u00e9".encode(), "b")] * times)

    assert [as_array(column).to_pylist() for column in batch] == [["1", "é"] * times, [None, "b"] * times]


@given(st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1)))
def test_rows_are_read_as_they_were_written(rows):
    assert read(written(rows), len(rows[0])) == rows


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1))
def test_texts_are_read_as_pythons_csv_reads_them(rows):
    chunk = written(rows)
    theirs = list(csv.reader(io.StringIO(chunk.decode(), newline=""), strict=True))

    assert [[cell or "" for cell in row] for row in read(chunk, 2)] == theirs


@pytest.mark.parametrize(
    ("chunk", "cells"),
    [
        ("\n", [None]),
        ("\n\n1\n\n", [None, None, "1", None]),
        ('""\n\n', ["", None]),
        ('"\\."\n', ["\\."]),
        ("\\.\n", ["\\."]),
        ("NULL\n", ["NULL"]),
        (" a \n", [" a "]),
        ('"a\r\nb"\n"\r"\n', ["a\r\nb", "\r"]),
        ("\ufeffa\n\ufeffb\n", ["\ufeffa", "\ufeffb"]),
        ("\ufeff\ufeff\n", ["\ufeff\ufeff"]),
        ('"a""b"\n', ['a"b']),
        ("1\n2", ["1", "2"]),
    ],
)
def test_a_single_column_is_read_line_by_line(chunk, cells):
    assert read(chunk.encode(), 1) == [[cell] for cell in cells]


def test_very_many_columns_are_read():
    row = [None if place % 3 else str(place) for place in range(1500)]

    assert read(written([row, row]), 1500) == [row, row]


def test_a_value_longer_than_a_block_is_read():
    long = "a,\n" * 1_000_000

    assert read(written([[long, "1"]]), 2) == [[long, "1"]]


@pytest.mark.parametrize("name", ["STRING", "INT8"])
@pytest.mark.parametrize(
    ("chunk", "width"), [("1\n", 2), ("1,2,3\n", 2), ("1,2\n3\n", 2), ("1,2\n3,4,5\n", 2), ("1,2\n", 1)]
)
def test_a_line_of_another_number_of_columns_is_refused(name, chunk, width):
    with pytest.raises(pa.ArrowInvalid):
        from_csv(chunk.encode(), [TYPES[name]] * width)


def test_what_is_not_utf8_is_refused():
    with pytest.raises(pa.ArrowInvalid):
        from_csv(b"\xff\n", [TYPES["STRING"]])


@given(st.data())
def test_csv_is_cast_as_texts_are(data):
    names = data.draw(st.lists(st.sampled_from(EACH), min_size=1, max_size=3))
    height = data.draw(st.integers(1, 5))
    columns = [data.draw(st.lists(st.none() | texts_of(name), min_size=height, max_size=height)) for name in names]
    types = [GOLDEN[name].type for name in names]
    batch = from_csv(written(list(zip(*columns, strict=True))), types)
    cast_ = typed(types, tuple(texts(*column) for column in columns))

    assert [(one.type, str(one)) for one in batch] == [(one.type, str(one)) for one in cast_]  # a NaN is none


@pytest.mark.parametrize(("name", "text"), [("INT2", "32768"), ("INT8", "one"), ("BOOL", "true")])
def test_a_text_of_another_form_is_left_as_it_is_and_its_column_alone(name, text):
    batch = from_csv(f"{text},1\n".encode(), [TYPES[name], TYPES["INT8"]])

    assert [column.type for column in batch] == [TEXT, pa.int64()]


@pytest.mark.parametrize("arrays", [[], [texts("a")], [texts("a"), texts(None, "b")]])
def test_arrays_are_joined(arrays):
    assert joined(arrays, TEXT).to_pylist() == [value for array in arrays for value in array.to_pylist()]


def test_no_texts_are_an_array_of_texts():
    assert (NO_TEXTS.type, len(NO_TEXTS)) == (TEXT, 0)
