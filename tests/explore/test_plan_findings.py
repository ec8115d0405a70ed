"""What stands out of a step."""

from __future__ import annotations

import pytest

from crdb_magic.explore.plan_findings import Facts, findings, troubles


def words(facts, below=(), share=None):
    return [one.words if one.grave else f"({one.words})" for one in findings(facts, below, share)]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (Facts(full_scan=True, read=1000), "full scan"),
        (Facts(full_scan=True, read=999), "(full scan)"),
        (Facts(full_scan=True, estimated=999), "(full scan)"),
        (Facts(full_scan=True, estimated=3, filters=True), "full scan"),
        (Facts(full_scan=True), "full scan"),
    ],
    ids=["large", "small", "thought small", "of a table of unknown size", "unknown"],
)
def test_a_full_scan_is_grave_unless_the_table_is_small(facts, said):
    assert words(facts) == [said]


def test_a_full_scan_that_takes_no_time_is_not_grave():
    assert words(Facts(full_scan=True, read=5000), share=0.01) == ["(full scan)"]


@pytest.mark.parametrize(("estimated", "rows"), [(10, 1000), (1000, 10), (0, 500), (500, 0)])
def test_an_estimate_that_is_ten_times_off_is_said(estimated, rows):
    assert words(Facts(estimated=estimated, rows=rows))[0].startswith("estimate off ×")


@pytest.mark.parametrize(("estimated", "rows"), [(100, 900), (1, 50), (None, 1000), (1000, None)])
def test_an_estimate_that_is_nearly_right_or_of_few_rows_is_not_worth_a_word(estimated, rows):
    assert words(Facts(estimated=estimated, rows=rows)) == []


def test_a_wrong_estimate_is_said_where_it_went_wrong():
    wrong = Facts(estimated=10, rows=10_000)

    assert words(wrong, below=[wrong]) == []


def test_the_gravest_comes_first():
    assert words(Facts(repeats=5, spilled="2 MiB")) == ["spilled 2 MiB", "(5 times)"]


@pytest.mark.parametrize(
    ("name", "value", "bad"),
    [
        ("cumulative time spent due to contention", "5ms", True),
        ("cumulative time spent due to contention", "0µs", False),
        ("number of transaction retries", "2", True),
        ("max sql temp disk usage", "1 MiB", True),
        ("execution time", "5ms", False),
    ],
)
def test_waits_and_retries_are_trouble(name, value, bad):
    assert troubles(name, value) is bad
