"""Counts, durations and sizes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdb_magic.core.amounts import count, duration, roughly, rows_in_words, size


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (count(999_999), "999,999"),
        (count(8_832_016), "8.8 M"),
        (count(125e6), "125 M"),
        (count(2e9), "2 bn"),
        (roughly(336_776), "340,000"),
        (roughly(15), "15"),
        (roughly(0), "0"),
        (duration(0.000604), "604 µs"),
        (duration(1.234), "1.2 s"),
        (duration(59.7), "1 min 0 s"),
        (duration(0.0123), "12 ms"),
        (duration(0.9994), "999 ms"),
        (duration(0.9996), "1 s"),
        (duration(59.4), "59 s"),
        (duration(119), "1 min 59 s"),
        (duration(3_600), "1 h 0 min"),
        (duration(200_000), "2 d 7 h"),
        (duration(0), "0 s"),
        (rows_in_words(1), "1 row"),
        (rows_in_words(1_234), "1,234 rows"),
        (size(500), "500 B"),
        (size(64 << 10), "64 KiB"),
        (size(50_500 << 10), "49 MiB"),
    ],
)
def test_an_amount_is_written_with_few_digits(written, expected):
    assert written == expected


@given(st.floats(0, 1e12))
def test_an_estimate_is_shown_within_a_twentieth(number):
    shown = roughly(number).replace(",", "").replace(" M", "e6").replace(" bn", "e9")

    assert math.isclose(float(shown), number, rel_tol=0.051, abs_tol=0.5)
