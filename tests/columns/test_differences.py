"""What differs between two frames: exactly, by position, by key, or as multisets."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdb_magic.columns.differences import By, absent, differences
from crdb_magic.errors import OptionError
from crdb_magic.values.decode import Interval

_NAN = float("nan")


def listed(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


# Cells. A column of objects but where a dtype is named.

_UTC, _CET = dt.UTC, dt.timezone(dt.timedelta(hours=1))
DIFFERENT = [
    (None, _NAN),
    (None, pd.NA),
    (pd.NA, _NAN),
    (pd.NaT, None),
    (1, 1.0),
    (1, True),
    (0.0, -0.0),
    (Decimal("1.0"), Decimal("1.00")),
    (Decimal(1), 1),
    ("1", 1),
    ("a", b"a"),
    ([1], [True]),
    ([1, None], [1, pd.NA]),
    ([Decimal("1.0")], [Decimal("1.00")]),
    ({"a": 1}, {"a": 1.0}),
    ({"a": [1]}, {"a": [1, 1]}),
    ({"a": None}, {}),
    ([], {}),
    ("[]", []),
    (dt.date(2026, 6, 1), dt.datetime(2026, 6, 1)),
    (dt.time(12, tzinfo=_UTC), dt.time(13, tzinfo=_CET)),
    (Interval(1, 0, 0), Interval(0, 30, 0)),
    (UUID(int=1), str(UUID(int=1))),
    (np.array([1.0]), np.array([2.0])),
]
SAME = [
    None, pd.NA, pd.NaT, _NAN, 1, 1.5, True, "a", b"a", Decimal("1.10"), [1, None, "x"], {"b": 1, "a": [None]},
    dt.date(2026, 6, 1), dt.time(12, tzinfo=_UTC), Interval(1, 2, 3), UUID(int=1), np.array([1.0, 2.0]), 2**70,
]  # fmt: skip


def _of_objects(*values: object) -> pd.DataFrame:
    column = np.empty(len(values), object)
    column[:] = list(values)
    return pd.DataFrame({"x": pd.Series(column, dtype=object)})


@pytest.mark.parametrize("by", [By.POSITION, By.NOTHING])
@pytest.mark.parametrize(("then", "now"), DIFFERENT, ids=repr)
def test_what_is_not_the_same_value_differs(then, now, by):
    assert len(differences(_of_objects(then), _of_objects(now), by)) == (1 if by is By.POSITION else 2)


@pytest.mark.parametrize("value", SAME, ids=repr)
def test_a_value_is_the_same_as_itself(value):
    then, now = _of_objects(value, "other"), _of_objects(value, "other")

    assert all(differences(then, now, by, key).empty for by, key in [(By.POSITION, ()), (By.NOTHING, ())])


def test_the_order_of_an_objects_items_is_none():
    assert differences(_of_objects({"a": 1, "b": 2}), _of_objects({"b": 2, "a": 1}), By.POSITION).empty


_TYPED = [
    ("Int64", [1, None, 2**63 - 1], [1, 0, 2**63 - 1]),
    ("boolean", [True, None], [True, False]),
    ("str", ["", None], ["", ""]),
    ("datetime64[us]", ["2026-06-01 12:00:00.000001", None], ["2026-06-01 12:00:00.000001", "1970-01-01"]),
    ("datetime64[us, UTC]", ["2026-06-01", None], ["2026-06-01", "2026-06-02"]),
    (pd.CategoricalDtype(["b", "a"], ordered=True), ["b", None], ["b", "a"]),
    (pd.ArrowDtype(pa.decimal128(5, 2)), [Decimal("1.10"), None], [Decimal("1.10"), Decimal("0.00")]),
    (pd.ArrowDtype(pa.float64()), [1.5, None], [1.5, 0.0]),
    (pd.ArrowDtype(pa.binary()), [b"\xff", None], [b"\xff", b""]),
    (pd.ArrowDtype(pa.list_(pa.int64())), [[1], None], [[1], []]),
    (pd.ArrowDtype(pa.timestamp("us", "UTC")), [dt.datetime(2026, 6, 1, tzinfo=_UTC), None],
     [dt.datetime(2026, 6, 1, tzinfo=_UTC), dt.datetime(1970, 1, 1, tzinfo=_UTC)]),
]  # fmt: skip


@pytest.mark.parametrize(("dtype", "then", "now"), _TYPED, ids=lambda one: str(one)[:30])
def test_what_is_missing_differs_from_each_value_in_every_dtype(dtype, then, now):
    before, after = (pd.DataFrame({"x": pd.array(values, dtype=dtype)}) for values in (then, now))
    found = differences(before, after, By.POSITION)

    assert found.row.tolist() == [1]
    assert differences(before, before.copy(), By.POSITION).empty


def test_nan_and_null_are_told_apart_in_a_column_of_floats():
    def column(values: list[float], mask: list[bool]) -> pd.DataFrame:
        return pd.DataFrame({"x": pd.arrays.FloatingArray(np.array(values), np.array(mask))})

    then, now = column([_NAN, _NAN, 1.0], [False, False, True]), column([_NAN, 0.0, _NAN], [False, True, False])

    assert differences(then, now, By.POSITION).row.tolist() == [1, 2]


def test_a_frame_with_numpys_own_floats_can_be_compared():
    then = pd.DataFrame({"x": [0.0, _NAN, 1.5]})
    now = pd.DataFrame({"x": [-0.0, _NAN, 1.5]})

    assert differences(then, now, By.POSITION).row.tolist() == [0]


# Rows.

_THEN = pd.DataFrame({"id": [1, 2, 3], "city": ["Ulm", "Bern", "Graz"], "price": [10, 20, 30]})


def test_by_position_a_changed_row_shows_what_differs_then_and_now():
    now = _THEN.assign(price=[10, 21, 30])

    assert listed(differences(_THEN, now, By.POSITION)) == [
        {"difference": "changed", "row": 1, "price (then)": 20, "price (now)": 21}
    ]


def test_by_key_rows_are_found_wherever_they_stand():
    now = pd.DataFrame({"id": [4, 3, 1], "city": ["Pau", "Graz", "Ulm"], "price": [40, 31, 10]})

    assert listed(differences(_THEN, now, By.KEY, ["id"])) == [
        {"difference": "only then", "id": 2, "city (then)": "Bern", "city (now)": None, "price (then)": 20,
         "price (now)": None},
        {"difference": "changed", "id": 3, "city (then)": "Graz", "city (now)": "Graz", "price (then)": 30,
         "price (now)": 31},
        {"difference": "only now", "id": 4, "city (then)": None, "city (now)": "Pau", "price (then)": None,
         "price (now)": 40},
    ]  # fmt: skip


def test_a_key_may_be_several_columns_with_a_null_among_them():
    then = pd.DataFrame({"a": pd.array([1, 1, None], "Int64"), "b": ["x", "y", "x"], "n": [1, 2, 3]})
    now = then.iloc[::-1].assign(n=[3, 9, 1])

    assert listed(differences(then, now, By.KEY, ["a", "b"])) == [
        {"difference": "changed", "a": 1, "b": "y", "n (then)": 2, "n (now)": 9}
    ]


def test_by_nothing_rows_count_as_often_as_they_are_there():
    then, now = pd.DataFrame({"n": [1, 1, 2, 3]}), pd.DataFrame({"n": [3, 2, 2, 1]})

    assert listed(differences(then, now, By.NOTHING)) == [
        {"difference": "only then", "n": 1},
        {"difference": "only now", "n": 2},
    ]


def test_large_integers_keep_their_digits_beside_a_row_that_is_not_there():
    then, now = pd.DataFrame({"n": [2**62 + 1]}), pd.DataFrame({"n": [2**62 + 1, 2**62 + 3]})

    assert differences(then, now, By.POSITION)["n (now)"].tolist() == [2**62 + 3]


@pytest.mark.parametrize("by", By)
def test_of_no_rows_and_no_columns_nothing_differs(by):
    key = ["id"] if by is By.KEY else []

    assert differences(_THEN[:0], _THEN[:0], by, key).empty
    assert [len(differences(_THEN[:0], _THEN, by, key)), len(differences(_THEN, _THEN[:0], by, key))] == [3, 3]
    assert by is By.KEY or differences(pd.DataFrame(), pd.DataFrame(), by).empty


def test_an_index_is_not_looked_at():
    assert differences(_THEN.set_index(pd.Index([7, 8, 9])), _THEN, By.POSITION).empty


# Columns.


@pytest.mark.parametrize("by", By)
@pytest.mark.parametrize(
    ("now", "said"),
    [
        (_THEN.drop(columns="price"), ["column price: only then"]),
        (_THEN.assign(x=1), ["column x: only now"]),
        (_THEN[["city", "id", "price"]], ["columns: in another order"]),
        (_THEN.rename(columns={"price": "cost"}), ["column price: only then", "column cost: only now"]),
    ],
)
def test_a_column_that_is_there_once_or_elsewhere_is_said(by, now, said):
    key = ["id"] if by is By.KEY else []

    assert differences(_THEN, now, by, key).difference.tolist() == said


def test_so_is_one_of_another_type_and_its_values_are_compared_as_python_has_them():
    now = _THEN.assign(id=_THEN.id.astype("Int64"), price=_THEN.price.astype(float))

    assert differences(_THEN, now, By.POSITION).difference.tolist() == [
        "column id: int64 then, Int64 now",
        "column price: int64 then, float64 now",
        "changed",
        "changed",
        "changed",
    ]


def test_columns_of_the_result_have_names_of_their_own():
    then, now = pd.DataFrame({"difference": [1], "row": [1]}), pd.DataFrame({"difference": [1], "row": [2]})

    assert list(differences(then, now, By.KEY, ["difference"]).columns) == [
        "difference", "difference_1", "row (then)", "row (now)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("then", "key", "match"),
    [
        (_THEN, ["nothing"], "no column nothing then"),
        (_THEN, [], "A key needs at least one column"),
        (_THEN.assign(id=1), ["id"], "Two rows have the same key then"),
        (pd.concat([_THEN, _THEN], axis=1), ["id"], "The DataFrame then has two columns of the same name"),
    ],
)
def test_what_tells_no_rows_apart_is_no_key(then, key, match):
    with pytest.raises(OptionError, match=match):
        differences(then, _THEN, By.KEY, key)


# Laws: what is found is what a comparison cell by cell finds.

_CELLS = st.sampled_from(
    [None, _NAN, 0, 0.0, -0.0, 1, True, "1", Decimal("1.0"), Decimal("1.00"), [1], [1.0], {"a": 1}]
)
_ROWS = st.lists(st.tuples(_CELLS, _CELLS), max_size=6)


def _frame(rows: list[tuple[object, object]]) -> pd.DataFrame:
    columns = [_of_objects(*(row[place] for row in rows)).x for place in range(2)]
    return pd.DataFrame(dict(zip("ab", columns, strict=True)))


def _named(row: tuple[object, ...]) -> str:
    return repr([(type(cell).__name__, repr(cell)) for cell in row])


@given(_ROWS, _ROWS)
def test_by_position_those_rows_differ_that_read_otherwise(then, now):
    found = differences(_frame(then), _frame(now), By.POSITION)
    both = [(place, _named(one) == _named(other)) for place, (one, other) in enumerate(zip(then, now, strict=False))]
    rest = range(min(len(then), len(now)), max(len(then), len(now)))

    assert found.row.tolist() == [*(place for place, same in both if not same), *rest]


@given(_ROWS, _ROWS)
def test_by_nothing_the_surplus_is_that_of_multisets(then, now):
    found = differences(_frame(then), _frame(now), By.NOTHING)
    of_then, of_now = Counter(map(_named, then)), Counter(map(_named, now))
    kinds = Counter(found.difference)

    assert (kinds["only then"], kinds["only now"]) == ((of_then - of_now).total(), (of_now - of_then).total())


@given(_ROWS, _ROWS)
def test_by_key_it_is_the_same_from_the_other_side(then, now):
    one, other = (_frame(rows).assign(id=range(len(rows))) for rows in (then, now))
    forwards, backwards = differences(one, other, By.KEY, ["id"]), differences(other, one, By.KEY, ["id"])
    turned = {"only then": "only now", "only now": "only then", "changed": "changed"}

    assert sorted(zip(forwards.id, forwards.difference, strict=True)) == sorted(
        zip(backwards.id, map(turned.__getitem__, backwards.difference), strict=True)
    )


@given(_ROWS, st.randoms())
def test_rows_in_another_order_are_the_same_by_nothing_and_by_key(rows, random):
    then = _frame(rows).assign(id=range(len(rows)))
    now = then.iloc[random.sample(range(len(rows)), len(rows))]

    assert differences(then, now, By.NOTHING).empty
    assert differences(then, now, By.KEY, ["id"]).empty


def test_what_is_missing_because_there_is_no_such_row_is_told_from_null():
    then = pd.DataFrame({"id": [1, 2], "a": ["x", None], "b": [1, 1]})
    now = pd.DataFrame({"id": [2, 3], "a": ["y", None]})
    found = differences(then, now, By.KEY, ["id"])

    assert absent(found).iloc[:, 1:].to_numpy().tolist() == [
        [True, True, True],
        [False, False, True],
        [False, False, False],
        [False, True, False],
    ]
