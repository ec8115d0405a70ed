"""Amounts in plans: how a server writes counts, durations and sizes, and how they are shown."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

MOST = 1e18  # what is more is none of what a plan counts, and no figure to reckon with
# CockroachDB's pkg/util/humanizeutil and Go's time.Duration: 125,000; 1m59s, 1.2s, 604µs.
_COUNT = re.compile(r"\d[\d,]*(?:\.\d+)?")
_PART = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|µs|us|ns)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "µs": 1e-6, "us": 1e-6, "ns": 1e-9}


def read_count(text: str) -> float | None:
    """Read a number with commas; of two with a dash between them, the larger."""
    numbers = [float(found.replace(",", "")) for found in _COUNT.findall(text.partition("(")[0])]
    return max((number for number in numbers if number < MOST), default=None)


def read_duration(text: str) -> float | None:
    """Read a duration, in seconds."""
    parts = _PART.findall(text)
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    return seconds if parts and seconds < MOST else None


def count(number: float) -> str:
    """Write a number of rows: all of its digits, or three of a large one."""
    return _scaled(number, _COUNTS) if number >= _MILLION else f"{number:,.0f}"


def roughly(number: float) -> str:
    """Write an estimate, to two digits: more would differ from one collection of statistics to the next."""
    return count(round(number, 1 - math.floor(math.log10(number))) if number >= 1 else round(number))


def duration(seconds: float) -> str:
    """Write a duration in its unit: 604 µs, 51 ms, 1.2 s, 1 min 59 s."""
    if round(seconds) >= _MINUTE:
        minutes, rest = divmod(round(seconds), _MINUTE)
        return f"{minutes:,} min {rest} s"
    return _scaled(seconds, _DURATIONS) if seconds else "0"


def size(kibibytes: float) -> str:
    """Write a size that is given in KiB: 64 KiB, 12 MiB."""
    return _scaled(kibibytes, _SIZES)


_MINUTE, _MILLION, _THREE_DIGITS = 60, 1e6, 100
_COUNTS = ((1e9, "bn"), (_MILLION, "M"))
_DURATIONS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
_SIZES = ((1024.0**2, "GiB"), (1024.0, "MiB"), (1.0, "KiB"))


def _scaled(number: float, units: Sequence[tuple[float, str]]) -> str:
    """Write a number in the largest unit that it reaches, with three digits, or two of what is below ten."""
    one, unit = next((pair for pair in units if number >= pair[0]), units[-1])
    scaled = number / one
    whole = scaled >= _THREE_DIGITS or round(scaled, 1) == round(scaled)
    return f"{scaled:.0f} {unit}" if whole else f"{scaled:.1f} {unit}"
