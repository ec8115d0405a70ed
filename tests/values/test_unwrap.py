"""What stands for another value gives it; what stands for none is left as it is."""

from __future__ import annotations

import datetime as dt
import enum
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from case_names import case_name

from crdb_magic.values.decode import Interval
from crdb_magic.values.unwrap import NoFormError, TooFineError, is_na, is_wrapping, plain

DAY = dt.date(2026, 1, 2)
MOMENT = dt.datetime(2026, 1, 2, 3, 4, 5, 678901)


class Inner(enum.Enum):
    """A value of numpy's."""

    THREE = np.int64(3)


class Outer(enum.Enum):
    """A value of another class of labels."""

    INNER = Inner.THREE


@pytest.mark.parametrize(
    ("value", "stands_for"),
    [
        *((Inner.THREE, 3), (Outer.INNER, 3)),
        *(
            (np.int8(7), 7),
            (np.float32(0.5), 0.5),
            (np.bool_(True), True),
            (np.str_("t"), "t"),
            (np.bytes_(b"b"), b"b"),
        ),
        (np.longdouble("0.1"), Decimal("0.1")),
        *((np.array([[1], [2]]), [[1], [2]]), (np.array(7), 7), (np.array(Inner.THREE, object), 3)),
        *((np.datetime64("2026-01-02"), DAY), (np.datetime64(MOMENT, "us"), MOMENT), (np.datetime64("NaT"), None)),
        *((np.timedelta64(1, "h"), dt.timedelta(hours=1)), (np.array(["2026-01-02", "NaT"], "M8[D]"), [DAY, None])),
        *((pd.NA, None), (pd.NaT, None), (pd.Timestamp(MOMENT), MOMENT), (pd.Timedelta(1, "h"), dt.timedelta(hours=1))),
        (pa.MonthDayNano([1, -2, 3000]), Interval(1, -2, 3)),
        *((pd.Series([1.5, None]), [1.5, None]), (pd.Index(["a"]), ["a"]), (pd.array([1, None]), [1, None])),
        *((pa.scalar(7), 7), (pa.array([1, None]), [1, None]), (pa.scalar(MOMENT, pa.timestamp("ns")), MOMENT)),
    ],
    ids=case_name,
)
def test_a_value_is_what_it_stands_for(value, stands_for):
    found = plain(value)

    assert (found, type(found)) == (stands_for, type(stands_for))


@pytest.mark.parametrize(
    "value",
    [
        *(1, "a", None, DAY, [np.int64(1)], object()),
        *(np.complex64(1), np.void(b"a"), np.zeros(1, [("a", "i4")]), np.dtype("i4")),
        *(pd.Period("2026"), pd.Interval(0, 1), pd.DataFrame({"a": [1]}), pd.MultiIndex.from_tuples([(1, 2)])),
        pa.int64(),
    ],
    ids=case_name,
)
def test_what_stands_for_nothing_is_left(value):
    assert plain(value) is value


@pytest.mark.parametrize(
    ("value", "error", "says"),
    [
        (pd.Timestamp(1), TooFineError, "a Timestamp with digits below the microsecond, which no server keeps"),
        (np.datetime64(1, "ns"), TooFineError, "a datetime64 with digits below the microsecond, which no server keeps"),
        (np.timedelta64(1, "M"), NoFormError, "a timedelta64 in a unit of no fixed length"),
        (np.datetime64("10000"), NoFormError, "a datetime64 outside of the years from 1 to 9999"),
        (pd.Timestamp(np.datetime64("10000", "s")), NoFormError, "a Timestamp outside of the years from 1 to 9999"),
    ],
)
def test_what_datetime_does_not_hold_is_refused(value, error, says):
    with pytest.raises(error) as caught:
        plain(value)

    assert str(caught.value) == says
    assert caught.value.value is value


def test_a_class_tells_whether_its_values_may_stand_for_others():
    assert all(map(is_wrapping, [Inner, np.int64, pd.Timestamp, type(pd.NA), pa.Int64Scalar]))
    assert not any(map(is_wrapping, [int, str, list, type(None), dt.datetime]))


def test_na_and_nat_are_told_from_none():
    assert [is_na(type(value)) for value in (pd.NA, pd.NaT, None, "NA")] == [True, True, False, False]
