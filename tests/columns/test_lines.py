"""Lines of CSV that are made here: what the servers' own would say, and no row that a reader passes over."""

from __future__ import annotations

import csv
import io

import pandas as pd
import pytest
from column_texts import SENDABLE
from hypothesis import given
from hypothesis import strategies as st
from type_cases import TYPES

from crdb_magic.columns.arrow import from_csv, from_rows
from crdb_magic.columns.lines import csv_of, without_blank

TEXTS = st.none() | SENDABLE | st.text('",\n\r\\. a')


def _rows(columns: int) -> st.SearchStrategy[list[tuple[str | None, ...]]]:
    return st.lists(st.tuples(*[TEXTS] * columns), min_size=1, max_size=40)


@given(st.integers(1, 3).flatmap(_rows))
def test_what_was_written_is_read(rows):
    batch = from_csv(csv_of(from_rows(rows)), [TYPES["STRING"]] * len(rows[0]))

    assert list(zip(*(column.to_pylist() for column in batch), strict=True)) == rows


@pytest.mark.parametrize(
    ("row", "line"),
    [
        (("a", None, ""), 'a,,""\n'),
        (('say "a, b"', "x"), '"say ""a, b""",x\n'),
        (("two\nlines", "\r"), '"two\nlines","\r"\n'),
        (("\\.", "größe ☃"), '"\\.",größe ☃\n'),
        ((None,), "\n"),
    ],
)
def test_a_line_is_quoted_where_it_must_be(row, line):
    assert csv_of(from_rows([row])).decode() == line


@given(_rows(1))
def test_in_lines_of_one_column_no_row_is_blank(rows):
    lines = without_blank(csv_of(from_rows(rows))).decode()
    found = list(csv.reader(io.StringIO(lines, newline=""), strict=True))

    assert found == [[text or ""] for (text,) in rows]


def test_pandas_sees_a_row_for_each_null():
    frame = pd.read_csv(io.BytesIO(b"n\n" + without_blank(b"1\n\n2\n\n\n")))

    assert frame["n"].isna().tolist() == [False, True, False, True, True]
