"""A column of intervals' texts -> months, days and microseconds, by kernels; those without months -> durations."""

from __future__ import annotations

from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from crdb_magic.core.arrow import Array

_PATTERN = (
    r"^(?:(?P<years>[+-]?\d+) years?)?(?: ?(?P<months>[+-]?\d+) mons?)?(?: ?(?P<days>[+-]?\d+) days?)?"
    r"(?: ?(?P<sign>[+-]?)(?P<hours>\d+):(?P<minutes>\d\d):(?P<seconds>\d\d)(?:\.(?P<fraction>\d{1,6}))?)?$"
)
_DAY = 86_400_000_000
_NAT = -(2**63)


class Intervals(NamedTuple):
    """The parts of many intervals, as arrays of 64-bit integers."""

    months: Array
    days: Array
    microseconds: Array


def parts(texts: Array) -> Intervals:
    """Part the texts; raise `pyarrow.ArrowInvalid` if one is infinite, too long, or no interval."""
    found = pc.extract_regex(texts, _PATTERN)
    if found.null_count != texts.null_count:
        raise pa.ArrowInvalid("not an INTERVAL, or an infinite one")
    years, months, days, sign, hours, minutes, seconds, fraction = found.flatten()
    clock = _number(hours)
    for sixtieth in (minutes, seconds):
        clock = pc.add_checked(pc.multiply_checked(clock, 60), _number(sixtieth))
    clock = pc.add_checked(pc.multiply_checked(clock, 1_000_000), _number(pc.utf8_rpad(fraction, 6, "0")))
    clock = pc.if_else(pc.equal(sign, "-"), pc.negate(clock), clock)
    return Intervals(pc.add_checked(pc.multiply_checked(_number(years), 12), _number(months)), _number(days), clock)


def duration(of: Intervals) -> Array:
    """Make durations in microseconds; raise `pyarrow.ArrowInvalid` if an interval has months or is too long."""
    if pc.any(pc.not_equal(of.months, 0)).as_py():
        raise pa.ArrowInvalid("months have no fixed length")
    lengths = pc.add_checked(pc.multiply_checked(of.days, _DAY), of.microseconds)
    if pc.any(pc.equal(lengths, _NAT)).as_py():
        raise pa.ArrowInvalid("the number that is NaT in NumPy")
    return lengths.cast(pa.duration("us"))


def _number(digits: Any) -> Array:
    return pc.if_else(pc.equal(digits, ""), "0", pc.utf8_ltrim(digits, "+")).cast(pa.int64())
