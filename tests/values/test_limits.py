"""What a type takes of a text: rounded as the servers round, in the form that both of them read alike."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdb_magic.values.limits import Bits, Digits, Length, Real, Whole


@pytest.mark.parametrize(
    ("limit", "text", "kept"),
    [
        (Length(3), "größe"[:3], "grö"),
        (Length(3), "abcd", None),
        (Length(2, padded=True), "ab  ", "ab  "),
        (Bits(4, exactly=True), "xF", "xF"),
        (Bits(4, exactly=True), "b1010", "b1010"),
        (Bits(4, exactly=True), "", None),
        (Bits(4, exactly=False), "xFF", None),
        (Bits(4, exactly=True), "12", "12"),  # which the server refuses
        (Digits(10, 2), "0.005", "0.01"),
        (Digits(10, 2), "-0.005", "-0.01"),
        (Digits(10, 2), "1E+999999999", None),
        (Digits(10, 2), "1E-999999999", "0.00"),
        (Digits(10, 2), "-Infinity", "-Infinity"),
        (Digits(10, 2), "1_0", "1_0"),
        (Digits(2, 2), "0.995", None),
        (Digits(2, 2), "0.994", "0.99"),
        (Digits(4, -2), "123456", "123500"),
        (Whole(), "+010", "10"),
        (Whole(), "-000", "-0"),
        (Whole(), "0o17", None),
        (Whole(), "١", None),
        (Real(), "16777217", "16777216.0"),
        (Real(), "3.5e38", None),
        (Real(), "NaN", "NaN"),
        (Real(), "0x1p-2", "0x1p-2"),
        (Real(), "-0", "-0.0"),
    ],
)
def test_a_text_is_taken_as_it_is_or_in_another_form_or_not_at_all(limit, text, kept):
    assert limit.fit(text) == kept


@given(st.decimals(allow_nan=False, allow_infinity=False), st.integers(1, 30), st.integers(-3, 30))
def test_a_decimal_is_rounded_to_the_nearest_that_its_type_holds(value, precision, scale):
    kept = Digits(precision, scale).fit(str(value))
    bound = Decimal(10) ** (precision - scale)

    if kept is None:
        assert abs(value) >= bound - Decimal(10) ** -scale / 2
    else:
        assert abs(Decimal(kept)) < bound
        assert abs(Decimal(kept) - value) <= Decimal(10) ** -scale / 2


@given(st.integers())
def test_an_integer_is_itself(value):
    assert Whole().fit(f"{value:+030}") == str(value)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_number_of_four_bytes_is_the_double_that_is_the_same(value):
    assert float(Real().fit(str(np.float32(value)))) == value
