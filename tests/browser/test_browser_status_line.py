"""The line under a result as a user sees it: whole, below the value, and to be opened where there were attempts."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from page import Notebook


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("%crdb_txn SELECT 1 AS one", ["one", "1 row · TIME"]),
        ("%%crdb_txn df <<\nSELECT 1 AS one", ["1 row → df · TIME"]),
        ("%%crdb_txn --python\nx = 1", ["committed · TIME"]),
    ],
)
def test_it_stands_below_the_value_with_its_time(connected: Notebook, cell: str, said: list[str]) -> None:
    ran = connected.run(cell)
    ran.at.locator(".crdb-status").wait_for()

    assert [re.sub(r"[\d.]+ [mµ]?s\b", "TIME", text.splitlines()[0].strip()) for text in ran.outputs] == said


def test_more_than_one_attempt_can_be_opened(connected: Notebook, refuse_until: Callable[[int], str]) -> None:
    cell = connected.run(f"%%crdb_txn df <<\nSELECT 1; {refuse_until(3)}")
    attempts = cell.output.get_by_text("committed")
    closed = attempts.is_visible()
    cell.output.locator("summary").click()

    assert (closed, attempts.is_visible()) == (False, True)
    assert "3 attempts" in cell.outputs[-1]
