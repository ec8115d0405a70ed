"""JSON text: what is read is what was written, and what JSON has no form for is told by its place."""

from __future__ import annotations

import datetime as dt
import enum
import json
from collections import OrderedDict, UserDict
from decimal import Decimal
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from case_names import case_name
from hypothesis import given
from hypothesis import strategies as st
from odd_values import Shouted

from crdb_magic.values.decode import Interval
from crdb_magic.values.json_text import json_text
from crdb_magic.values.unwrap import NoFormError, TooFineError

NAN = float("nan")
DAY = dt.date(2026, 1, 2)
MOMENT = dt.datetime(2026, 1, 2, 3, 4, 5)
EXACT = Decimal("0.10")


class Colour(enum.Enum):
    """A text, and a value that is none."""

    RED = "red"
    SINCE = DAY


LEAVES = (
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)  # fmt: skip
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(DOCUMENTS)
def test_what_is_written_is_read_as_it_was(value):
    assert json.loads(json_text(value)) == value


@given(DOCUMENTS)
def test_a_decimal_changes_nothing_of_what_stands_beside_it(value):
    assert json_text([value, EXACT]) == f"[{json_text(value)}, 0.10]"


@given(st.decimals(allow_nan=False, allow_infinity=False), st.text(max_size=3))
def test_a_decimal_keeps_its_digits(number, key):
    written = json_text({key: [number]})

    assert str(json.loads(written, parse_float=Decimal, parse_int=Decimal)[key][0]) == str(number)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        *((DAY, '"2026-01-02"'), (dt.time(1, 2), '"01:02:00"'), (MOMENT, '"2026-01-02T03:04:05"')),
        (MOMENT.replace(tzinfo=dt.UTC), '"2026-01-02T03:04:05+00:00"'),
        (UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        (Interval(14, 0, 0), '"1 year 2 mons"'),
        *((Colour.RED, '"red"'), (Colour.SINCE, '"2026-01-02"'), (Shouted.HEY, '"HEY"')),
        *((pd.NA, "null"), (pd.NaT, "null"), (np.datetime64("NaT"), "null")),
        *((np.int64(3), "3"), (np.float32(0.5), "0.5"), (np.bool_(True), "true"), (np.str_("t"), '"t"')),
        *((np.datetime64("2026-01-02"), '"2026-01-02"'), (pd.Timestamp(MOMENT), '"2026-01-02T03:04:05"')),
        *((np.arange(2), "[0, 1]"), (pd.Series(["a", None]), '["a", null]'), (pa.array([1, None]), "[1, null]")),
        *(((1, EXACT), "[1, 0.10]"), (OrderedDict(b=1), '{"b": 1}'), (UserDict(b=EXACT), '{"b": 0.10}')),
        *((Decimal("1E+3"), "1E+3"), ("é\0", '"é\\u0000"')),
        ({2: 0, None: 0, True: 0, 1.5: 0, "a": 0}, '{"2": 0, "null": 0, "true": 0, "1.5": 0, "a": 0}'),
        ({np.int64(7): 0, Colour.RED: 0}, '{"7": 0, "red": 0}'),
    ],
    ids=case_name,
)
def test_a_value_has_one_text_whether_a_decimal_stands_beside_it_or_not(value, written):
    assert json_text(value) == written
    assert json_text([value, EXACT]) == f"[{written}, 0.10]"


@pytest.mark.parametrize(
    ("value", "says"),
    [
        *((b"x", "a bytes, which JSON has no form for"), ([1j], "a complex at [0], which JSON has no form for")),
        ({"a": [0, {"s": {1}}]}, "a set at ['a'][1]['s'], which JSON has no form for"),
        ({"t": dt.timedelta(1)}, "a timedelta at ['t'], which JSON has no form for"),
        ({"p": pd.Period("2026")}, "a Period at ['p'], which JSON has no form for"),
        ([10**5000], "a int at [0], which JSON has no form for"),
        *(
            ([NAN], "nan at [0], which is not a number in JSON"),
            (-Decimal("inf"), "-Infinity, which is not a number in JSON"),
        ),
        *(
            ({NAN: 1}, "nan, which is not a number in JSON"),
            ([{DAY: 1}], "a date as a key at [0], where JSON takes texts"),
        ),
    ],
)
def test_what_json_has_no_form_for_is_told_with_its_place(value, says):
    with pytest.raises(NoFormError) as caught:
        json_text(value)

    assert str(caught.value) == says


def test_a_time_below_the_microsecond_is_not_cut():
    with pytest.raises(TooFineError):
        json_text({"at": pd.Timestamp(1)})


def test_a_document_that_holds_itself_has_no_end():
    value: list[object] = []
    value.append(value)

    with pytest.raises(RecursionError):
        json_text(value)
