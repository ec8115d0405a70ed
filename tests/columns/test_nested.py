"""Array literals -> lists of texts: plain ones by kernels, quoted ones one by one, of more dimensions none."""

from __future__ import annotations

import pyarrow as pa
import pytest
from column_texts import SENDABLE, array_literal
from hypothesis import given
from hypothesis import strategies as st
from type_cases import TYPES

from crdb_magic.columns.arrow import TEXT
from crdb_magic.columns.nested import split
from crdb_magic.values.typemap import array_of

STRINGS = array_of(TYPES["STRING"])
ITEMS = st.none() | SENDABLE | st.text('NULnul{}[]",:=\\ \n\r\t')
ROWS = st.lists(st.none() | st.lists(ITEMS))


def parts(*literals: str | None) -> list[list[str | None] | None] | None:
    lists = split(STRINGS, pa.array(literals, TEXT))
    return None if lists is None else lists.to_pylist()


def literal(items: list[str | None] | None) -> str | None:
    return None if items is None else array_literal(items)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("{}", []),
        ("{a}", ["a"]),
        ('{""}', [""]),
        ('{"",""}', ["", ""]),
        ("{NULL}", [None]),
        ('{"NULL","null",null}', ["NULL", "null", "null"]),
        ('{"a b",c}', ["a b", "c"]),
        ('{"a,b"}', ["a,b"]),
        ('{"{}"}', ["{}"]),
        ('{"\\"","\\\\"}', ['"', "\\"]),
        ('{"a\nb","\r"}', ["a\nb", "\r"]),
        ("{é,🐓}", ["é", "🐓"]),
        ("[2:3]={5,6}", ["5", "6"]),
        (None, None),
    ],
)
def test_a_literal_is_parted_into_its_elements(text, items):
    assert parts(text) == [items]


@given(ROWS)
def test_what_was_written_is_read(rows):
    assert parts(*map(literal, rows)) == rows


@given(ROWS, st.integers(0, 5), st.integers(0, 5))
def test_a_slice_of_literals_is_read_as_its_own_rows(rows, start, length):
    whole = pa.array(list(map(literal, rows)), TEXT)

    assert split(STRINGS, whole.slice(start, length)).to_pylist() == rows[start : start + length]


@given(ROWS)
def test_the_lists_are_sound(rows):
    split(STRINGS, pa.array(list(map(literal, rows)), TEXT)).validate(full=True)


@pytest.mark.parametrize("text", ["{{1,2},{3,4}}", "{{1},{NULL}}", "[0:0][1:1]={{1}}", '{{"a,"}}'])
def test_more_dimensions_are_not_split(text):
    assert parts("{1}", text, None) is None


@pytest.mark.parametrize("text", ["", "1", "{", "{1", "1}", "{1,,2}", "{,}", '{"1}', '{"1"2}'])
def test_what_is_no_literal_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - the result says which column it was
        parts("{1}", text)


def test_geometries_are_parted_by_colons():
    lists = split(array_of(TYPES["GEOMETRY"]), pa.array(["{00FF:NULL:01}", "{}", None], TEXT))

    assert lists.to_pylist() == [["00FF", None, "01"], [], None]


def test_a_vector_is_parted_like_an_array():
    lists = split(TYPES["VECTOR"], pa.array(["[1,2.5,-3e-05]", None, "[0]"], TEXT))

    assert lists.to_pylist() == [["1", "2.5", "-3e-05"], None, ["0"]]


@pytest.mark.parametrize("text", ["", "[]", "[1", "1,2", "{1,2}", "[1,,2]"])
def test_what_is_no_vector_is_refused(text):
    with pytest.raises(ValueError, match="array"):
        split(TYPES["VECTOR"], pa.array(["[1]", text], TEXT))


@pytest.mark.parametrize("name", ["VECTOR", "STRING"])
@pytest.mark.parametrize("rows", [[], [None], [None, None]])
def test_nothing_is_parted_into_nothing(name, rows):
    type_ = TYPES[name] if name == "VECTOR" else STRINGS

    assert split(type_, pa.array(rows, TEXT)).to_pylist() == rows
