"""How what goes on is drawn."""

from __future__ import annotations

import pandas as pd
import pytest

from crdb_magic.drawing.activity import activity_bundle
from crdb_magic.explore.activity import Activity, Running, Wait

_AT = pd.Timestamp("2026-11-01", tz="UTC")


def _running(seconds: float, statement: str | None = "SELECT 1") -> Running:
    return Running("7", "ann", "<i>", "10.0.0.1", "running", _AT, seconds, statement, "8", own=False)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0123, "12 ms"),
        (59.4, "59 s"),
        (61, "1 min 1 s"),
        (3_600, "1 h 0 min"),
        (7_290, "2 h 1 min"),
        (200_000, "2 d 7 h"),
    ],
)
def test_times_are_told_in_their_two_largest_units(seconds, words):
    assert f">{words}</td>" in activity_bundle(Activity((_running(seconds),)))["text/html"]


def test_statements_are_cut_and_those_not_shown_are_told():
    text = activity_bundle(Activity((_running(1, "SELECT\n  " + "x, " * 99), _running(1, None))))["text/plain"]

    assert "SELECT x, x, " in text
    assert "…" in text
    assert "(not shown)" in text


def test_markup_is_text():
    html = activity_bundle(Activity((_running(1, "SELECT '<b>'"),), (Wait("7", None, "<u>", None),)))["text/html"]

    assert ("&lt;b&gt;" in html, "&lt;u&gt;" in html, "&lt;i&gt;" in html) == (True, True, True)
    assert "unknown" in html
