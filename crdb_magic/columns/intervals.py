"""A column of intervals' texts -> Arrow's intervals, with months, days and nanoseconds apart; and their lengths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Array = Any
T = TypeVar("T")

CALENDAR = pa.month_day_nano_interval()

_PATTERN = (
    r"^(?:(?P<years>[+-]?\d+) years?)?(?: ?(?P<months>[+-]?\d+) mons?)?(?: ?(?P<days>[+-]?\d+) days?)?"
    r"(?: ?(?P<sign>[+-]?)(?P<hours>\d+):(?P<minutes>\d\d):(?P<seconds>\d\d)(?:\.(?P<fraction>\d{1,6}))?)?$"
)
_LAYOUT = np.dtype([("months", np.int32), ("days", np.int32), ("nanoseconds", np.int64)])
_DAY = 86_400_000_000  # microseconds
_NAT = -(2**63)


def calendar(texts: Array) -> Array:
    """Read the texts; raise `pyarrow.ArrowInvalid` if one is infinite, longer than Arrow's, or no interval."""
    found = pc.extract_regex(texts, _PATTERN)
    if found.null_count != texts.null_count:
        raise pa.ArrowInvalid("not an INTERVAL, or an infinite one")
    years, months, days, sign, hours, minutes, seconds, fraction = found.flatten()
    clock = _number(hours)
    for sixtieth in (minutes, seconds):
        clock = pc.add_checked(pc.multiply_checked(clock, 60), _number(sixtieth))
    clock = pc.add_checked(pc.multiply_checked(clock, 10**9), _number(pc.utf8_rpad(fraction, 9, "0")))
    parts = np.zeros(len(texts), _LAYOUT)
    parts["months"] = _filled(pc.add_checked(pc.multiply_checked(_number(years), 12), _number(months)).cast(pa.int32()))
    parts["days"] = _filled(_number(days).cast(pa.int32()))
    parts["nanoseconds"] = _filled(pc.if_else(pc.equal(sign, "-"), pc.negate(clock), clock))
    return pa.Array.from_buffers(CALENDAR, len(texts), [texts.is_valid().buffers()[1], pa.py_buffer(parts)])


def parts(calendars: Array) -> Any:
    """Give months, days and nanoseconds as the fields of a NumPy array; of NULL they are anything."""
    begin = calendars.offset
    return np.frombuffer(calendars.buffers()[1], _LAYOUT)[begin : begin + len(calendars)]


def values(calendars: Array, make: Callable[[int, int, int], T]) -> list[T | None]:
    """Make something of the months, days and microseconds of each interval; NULL is None."""
    valid = calendars.is_valid().to_pylist()
    of = parts(calendars).tolist()
    return [make(one[0], one[1], one[2] // 1000) if there else None for one, there in zip(of, valid, strict=True)]


def duration(calendars: Array) -> Array:
    """Make durations in microseconds; raise `pyarrow.ArrowInvalid` if an interval has months or is too long."""
    of, missing = parts(calendars), calendars.is_null()
    if pc.any(pc.and_not(pa.array(of["months"] != 0), missing)).as_py():
        raise pa.ArrowInvalid("months have no fixed length")
    days, clock = pa.array(of["days"].astype(np.int64)), pa.array(of["nanoseconds"] // 1000)
    lengths = pc.add_checked(pc.multiply_checked(days, _DAY), clock)
    if pc.any(pc.equal(lengths, _NAT)).as_py():
        raise pa.ArrowInvalid("the number that is NaT in NumPy")
    return pc.if_else(missing, None, lengths).cast(pa.duration("us"))


def _number(digits: Array) -> Array:
    return pc.if_else(pc.equal(digits, ""), "0", pc.utf8_ltrim(digits, "+")).cast(pa.int64())


def _filled(numbers: Array) -> Any:
    return pc.fill_null(numbers, 0).to_numpy(zero_copy_only=False)
