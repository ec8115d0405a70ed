"""Facts about AS OF SYSTEM TIME: the forms of an instant, how they are spelt for the server, what is refused."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from math import nan

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdb_magic.core.asof import AsOf, at_hlc
from crdb_magic.errors import OptionError

NOON = 1780315200  # 2026-06-01 12:00:00 UTC in seconds since 1970
AT_NOON = f"'{NOON}000000000.0000000000'"
FORMS = (
    "write a time ago such as '-10s', a time with its offset such as '2026-06-01 12:00:00+00:00', "
    "a decimal of cluster_logical_timestamp(), 'follower' or 'now'."
)
# All that AS OF SYSTEM TIME is ever given: no quote but the two around it, no sign but these.
SPELT = re.compile(r"follower_read_timestamp\(\)|'-[1-9][0-9]*us'|'[0-9]{18,19}\.[0-9]{10}'")

digits = st.text("0123456789", min_size=1, max_size=25)
amounts = st.builds(
    "{}{}{}".format, digits, st.sampled_from(["", ".5", " "]), st.sampled_from(["us", "ms", *"smhdwyQ"])
)
almost = st.one_of(
    st.text(),
    st.text("0123456789-+.:TZ smhdw'"),
    st.builds("{}{}".format, st.sampled_from(["", "-", "+", "- "]), st.lists(amounts, max_size=3).map("".join)),
    st.builds("{}.{}".format, digits, digits),
    st.datetimes(timezones=st.none() | st.timezones()).map(str),
    st.sampled_from(["follower", "now", "yesterday", "-10s'; DROP TABLE accounts; --"]),
)


def refusal(value: object) -> str:
    """Give the sentence with which an instant is refused."""
    with pytest.raises(OptionError) as caught:
        AsOf.parse(value)
    return str(caught.value)


# A time ago.


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("-10s", 10_000_000),
        (" -10s ", 10_000_000),
        ("- 10 s", 10_000_000),
        ("-10sec", 10_000_000),
        ("-10 Seconds", 10_000_000),
        ("-1us", 1),
        ("-1µs", 1),
        ("-250ms", 250_000),
        ("-1.5s", 1_500_000),
        ("-2m", 120_000_000),
        ("-2 minutes", 120_000_000),
        ("-1h", 3_600_000_000),
        ("-1h30m", 5_400_000_000),
        ("-1 hour 30 min", 5_400_000_000),
        ("-1d", 86_400_000_000),
        ("-1w", 604_800_000_000),
        (timedelta(seconds=-10), 10_000_000),
        (timedelta(microseconds=-1), 1),
        (pd.Timedelta(seconds=-10), 10_000_000),
    ],
)
def test_a_time_ago_is_spelt_in_microseconds(text: object, microseconds: int) -> None:
    assert AsOf.parse(text).sql == f"'-{microseconds}us'"


@given(st.timedeltas(min_value=timedelta(days=-100_000), max_value=timedelta(microseconds=-1)))
def test_a_time_ago_keeps_its_distance_exactly(ago: timedelta) -> None:
    assert AsOf.parse(ago).ago == -ago


def test_a_time_ago_has_no_fixed_instant() -> None:
    assert AsOf.parse("-10s").hlc is None


@pytest.mark.parametrize(("value", "shown"), [("-10 s", "-10 s"), (timedelta(seconds=-10), "-10s")])
def test_a_time_ago_is_shown_as_it_was_asked(value: object, shown: str) -> None:
    assert str(AsOf.parse(value)) == shown


@pytest.mark.parametrize(
    ("value", "asked"),
    [
        ("10s", "10s"),
        ("+10s", "+10s"),
        ("-0s", "-0s"),
        ("-0.1us", "-0.1us"),
        (timedelta(seconds=10), "10s"),
        (timedelta(0), "0s"),
        (timedelta.max, "86400000000000s"),
    ],
)
def test_what_is_not_in_the_past_is_refused(value: object, asked: str) -> None:
    assert refusal(value) == f"as-of '{asked}' is not in the past: write a negative one, such as '-10s'."


@pytest.mark.parametrize("unit", ["y", "months", "M", "S", "parsecs"])
def test_a_unit_that_is_not_known_is_refused(unit: str) -> None:
    assert refusal(f"-1{unit}") == f"as-of '-1{unit}': no such unit '{unit}'; use us, ms, s, m, h, d or w."


@pytest.mark.parametrize("text", ["-9999999999d", "-999999999d 999999999d", f"-1{'0' * 400}s"])
def test_a_time_ago_beyond_measure_is_refused(text: str) -> None:
    assert refusal(text) == f"as-of '{text}' is too far in the past."


# A time with its offset.


@pytest.mark.parametrize(
    "value",
    [
        "2026-06-01 12:00:00+00:00",
        "2026-06-01T12:00:00Z",
        "2026-06-01 14:00+02:00",
        "2026-06-01 12Z",
        datetime(2026, 6, 1, 12, tzinfo=UTC),
        datetime(2026, 6, 1, 7, tzinfo=timezone(timedelta(hours=-5))),
        pd.Timestamp("2026-06-01 12:00", tz="UTC"),
        pd.Timestamp("2026-06-01 14:00", tz="Europe/Berlin"),
    ],
)
def test_a_time_with_its_offset_is_an_exact_instant(value: object) -> None:
    assert AsOf.parse(value).sql == AT_NOON


@pytest.mark.parametrize("naive", [datetime(2026, 6, 1, 12), pd.Timestamp("2026-06-01 12:00")])
def test_a_datetime_without_an_offset_is_local_time(naive: datetime) -> None:
    assert AsOf.parse(naive).hlc == AsOf.parse(datetime(2026, 6, 1, 12).astimezone()).hlc


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("2026-06-01 12:00:00", "2026-06-01 12:00:00+00:00"),
        ("2026-06-01", "2026-06-01 00:00:00+00:00"),
        ("2026-06-01T12:00:00.5", "2026-06-01 12:00:00.500000+00:00"),
    ],
)
def test_a_text_without_an_offset_is_refused_with_one_that_has_it(text: str, right: str) -> None:
    assert refusal(text) == f"as-of '{text}' has no offset: write '{right}' if you mean UTC."


@given(st.datetimes(min_value=datetime(1974, 1, 1), max_value=datetime(2262, 1, 1)))
def test_what_is_written_for_a_text_without_an_offset_is_accepted(naive: datetime) -> None:
    right = refusal(str(naive)).split("'")[3]

    assert AsOf.parse(right) == AsOf.parse(f"{naive}+00:00")


@given(st.datetimes(min_value=datetime(1974, 1, 1), max_value=datetime(2262, 1, 1), timezones=st.just(UTC)))
def test_a_time_keeps_its_microseconds_exactly(moment: datetime) -> None:
    hlc = AsOf.parse(moment).hlc

    assert hlc is not None
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(hlc) // 1000) == moment


@pytest.mark.parametrize("value", [datetime.min, datetime.max, pd.NaT])
def test_a_time_that_no_cluster_saw_is_refused(value: object) -> None:
    assert "the years 1973 to 2262" in refusal(value)


# An HLC.


@pytest.mark.parametrize(
    ("value", "sql"),
    [
        ("1780315200000000000", AT_NOON),
        ("1780315200000000000.0000000042", "'1780315200000000000.0000000042'"),
        ("1780315200000000000.5", "'1780315200000000000.5000000000'"),
        (1780315200000000000, AT_NOON),
        (Decimal("1780315200000000000.0000000042"), "'1780315200000000000.0000000042'"),
        (2**63 - 1, "'9223372036854775807.0000000000'"),
    ],
)
def test_an_hlc_is_spelt_with_all_its_digits(value: object, sql: str) -> None:
    assert AsOf.parse(value).sql == sql


@given(st.integers(10**17, 2**63 - 1), st.integers(0, 10**10 - 1))
def test_an_hlc_is_read_back_exactly(wall: int, logical: int) -> None:
    hlc = Decimal(f"{wall}.{logical:010}") if wall < 2**63 - 1 else Decimal(wall)

    assert Decimal(at_hlc(hlc).sql.strip("'")) == hlc == AsOf.parse(f"{hlc}").hlc


@pytest.mark.parametrize(
    "value", [1780315200, 1780315200000, Decimal(0), Decimal(-1), 2**63, Decimal("1e400"), Decimal("inf")]
)
def test_a_number_that_cannot_be_nanoseconds_is_refused(value: object) -> None:
    assert refusal(value) == f"as-of {value} is not in the nanoseconds of the years 1973 to 2262: {FORMS}"


@pytest.mark.parametrize("value", [Decimal("nan"), Decimal("snan")])
def test_what_is_not_a_number_is_refused(value: Decimal) -> None:
    assert refusal(value).startswith("as-of ")


def test_more_logical_digits_than_there_are_would_be_another_instant() -> None:
    value = Decimal("1780315200000000000.00000000001")

    assert refusal(value) == f"as-of {value} has more than the ten decimals of cluster_logical_timestamp()."


# The rest.


@pytest.mark.parametrize("text", ["follower", "FOLLOWER", "follower_read_timestamp()", "Follower_Read_Timestamp()"])
def test_a_follower_read_leaves_the_instant_to_the_server(text: str) -> None:
    assert AsOf.parse(text) == AsOf("follower", "follower_read_timestamp()", ago=timedelta(seconds=4.2))


def test_an_instant_is_read_as_itself() -> None:
    asked = AsOf.parse("-10s")

    assert AsOf.parse(asked) is asked


@pytest.mark.parametrize("value", [1780315200.0, nan, True])
def test_a_float_is_refused_since_it_would_be_nanoseconds(value: object) -> None:
    assert refusal(value) == f"as-of {value!r} is not an instant: a number would be nanoseconds; {FORMS}"


@pytest.mark.parametrize("value", [None, date(2026, 6, 1), b"-10s", object()])
def test_other_types_are_refused_by_name(value: object) -> None:
    assert refusal(value) == f"as-of takes no {type(value).__name__}: {FORMS}"


@pytest.mark.parametrize("text", ["", "yesterday", "1780315200", "-10", "10", "2026-06-31 12:00Z", "'-10s'"])
def test_other_texts_are_refused_with_what_to_write(text: str) -> None:
    assert refusal(text) == f"as-of {text!r} is not an instant: {FORMS}"


@given(almost)
def test_nothing_but_a_safe_spelling_is_ever_sent(text: str) -> None:
    try:
        spelt = AsOf.parse(text).sql
    except OptionError:
        spelt = "follower_read_timestamp()"

    assert SPELT.fullmatch(spelt)


@given(
    st.decimals() | st.integers() | st.timedeltas() | st.datetimes(timezones=st.none() | st.timezones()) | st.floats()
)
def test_no_value_is_more_than_refused(value: object) -> None:
    try:
        spelt = AsOf.parse(value).sql
    except OptionError:
        spelt = "follower_read_timestamp()"

    assert SPELT.fullmatch(spelt)


@given(almost)
def test_what_is_accepted_is_either_a_fixed_instant_or_a_time_ago(text: str) -> None:
    try:
        asked = AsOf.parse(text)
    except OptionError:
        return

    assert (asked.hlc is None) is not (asked.ago is None)
