"""Counts, durations and sizes in few digits, the same wherever they are shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

MOST = 1e18  # what is more is none of what a server counts, and no figure to reckon with


def count(number: float) -> str:
    """Write a number of rows: all of its digits, or two of a large one."""
    return _scaled(number, _COUNTS) if number >= _MILLION else f"{number:,.0f}"


def rows_in_words(number: int) -> str:
    """Write how many rows: 1 row, 1,234 rows."""
    return f"{number:,} row" if number == 1 else f"{number:,} rows"


def roughly(number: float) -> str:
    """Write an estimate, to two digits: more would differ from one collection of statistics to the next."""
    return count(round(number, 1 - math.floor(math.log10(number))) if number >= 1 else round(number))


def duration(seconds: float) -> str:
    """Write a duration in its unit, or its two largest: 604 µs, 51 ms, 1.2 s, 1 min 59 s, 2 h 1 min."""
    whole = round(seconds)
    for (large, name), (small, rest) in pairwise(_LONG):
        if whole >= large:
            return f"{whole // large:,} {name} {whole % large // small} {rest}"
    return _scaled(seconds, _SHORT) if seconds else "0 s"


def size(bytes_: float) -> str:
    """Write a size: 64 KiB, 12 MiB."""
    return _scaled(bytes_, _SIZES)


_MILLION, _TEN = 1e6, 10
_COUNTS = ((1e9, "bn"), (_MILLION, "M"))
_LONG = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_SHORT = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
_SIZES = ((2.0**40, "TiB"), (2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (1.0, "B"))


def _scaled(number: float, units: Sequence[tuple[float, str]]) -> str:
    """Write a number in the largest unit that it reaches, with a decimal if it is below ten."""
    one, unit = next((pair for pair in units if round(number / pair[0], 3) >= 1), units[-1])
    scaled = number / one
    whole = round(scaled, 1) >= _TEN or round(scaled, 1) == round(scaled)
    return f"{scaled:.0f} {unit}" if whole else f"{scaled:.1f} {unit}"
