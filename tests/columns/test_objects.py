"""Texts -> Python objects: the fast ways give what the decoder gives, for each text of each type."""

from __future__ import annotations

import pyarrow as pa
import pytest
from column_texts import EACH, column_of, parted
from hypothesis import given
from hypothesis import strategies as st
from type_cases import GOLDEN, TYPES

from crdb_magic.columns.arrow import TEXT, cast
from crdb_magic.columns.frames import records
from crdb_magic.columns.objects import objects
from crdb_magic.values.decode import decode
from crdb_magic.values.typemap import array_of

CASES = [(name, case) for name, golden in GOLDEN.items() for case in golden.cases + golden.odd]


def texts(*values: str | None) -> pa.Array:
    return pa.array(values, TEXT)


@pytest.mark.parametrize(("name", "case"), CASES, ids=[f"{name} {case.text:.40}" for name, case in CASES])
def test_a_text_becomes_its_python_value(name, case):
    assert repr(objects(GOLDEN[name].type, texts(case.text, None))) == repr([case.value, None])


@pytest.mark.parametrize(("name", "case"), CASES, ids=[f"{name} {case.text:.40}" for name, case in CASES])
def test_so_does_one_that_was_cast_before(name, case):
    type_ = GOLDEN[name].type

    assert repr(objects(type_, cast(type_, texts(None, case.text)))) == repr([None, case.value])


@pytest.mark.parametrize("name", EACH)
@given(data=st.data())
def test_a_column_in_any_batches_has_the_values_that_the_decoder_gives(name, data):
    type_, column = GOLDEN[name].type, data.draw(column_of(name))
    values = [value for (value,) in records(data.draw(parted(type_, column)))]

    assert repr(values) == repr([decode(type_, text) for text in column])


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("BYTES", ["\\x00", "\\000\\\\A"]),
        ("BYTES", ["\\xABcd", "\\xAbCD"]),
        ("JSONB", ["1", "1e400", '"NaN"']),
        ("JSONB", ["[" * 990 + "]" * 990, "1"]),
        ("DECIMAL", ["1", "NaN", "1E+10", "0E-7"]),
        ("UUID", ["63616665663030646465616462656566"]),
        ("TIME", ["24:00:00", "00:00:00"]),
    ],
)
def test_a_text_that_the_fast_way_does_not_read_is_decoded(name, column):
    type_ = TYPES[name]

    assert repr(objects(type_, texts(*column))) == repr([decode(type_, text) for text in column])


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("JSONB", ["1,2"]),
        ("JSONB", ["[1", "2]"]),
        ("JSONB", ["", "1"]),
        ("JSONB", ["NaN"]),
        ("BYTES", ["\\x0"]),
        ("DECIMAL", ["1,5"]),
        ("FLOAT4", ["one"]),
        ("UUID", ["6361"]),
        ("VECTOR", ["1,2"]),
        ("VECTOR", ["[1,,2]"]),
        ("GEOMETRY", ["POINT(1 2)"]),
        ("INTERVAL", ["P1Y"]),
    ],
)
def test_a_text_of_another_form_is_refused(name, column):
    with pytest.raises(ValueError):  # noqa: PT011 - the result says which column it was
        objects(TYPES[name], texts(*column))


def test_the_arrays_of_a_domain_of_arrays_are_lists_of_lists():
    scores = array_of(array_of(TYPES["INT8"]), 1)

    assert objects(scores, texts('{"{1,NULL}","{}",NULL}')) == [[[1, None], [], None]]


def test_two_nulls_of_json_are_one_in_python():
    assert objects(TYPES["JSONB"], texts("null", None)) == [None, None]
