"""Bars: what they count, that they begin again when their transaction does, and that small work has none."""

from __future__ import annotations

import re
from typing import Any

import pytest

from crdb_magic.columns.objects import as_read
from crdb_magic.core.retry import Attempt
from crdb_magic.magics import progress
from crdb_magic.magics.audience import Audience
from crdb_magic.magics.progress import Arrivals, Progress
from crdb_magic.session import execution, sizes

_REFUSED = Attempt(1, "40001", "RETRY_SERIALIZABLE", "restart transaction")
_ROWS = ([0] * 7000,)


@pytest.fixture(autouse=True)
def _drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_DELAY", 0)
    monkeypatch.setattr(progress, "_PAUSE", 0)


def counts(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Give the numbers of rows that were drawn, one after the other."""
    found: list[Any] = re.findall(r"(\S+?)(?:/\S+)? (?:rows )?\[", capsys.readouterr().err)
    return found


def test_a_bar_counts_rows_and_begins_again(capsys):
    with Progress(None, "accounts", Audience.TERMINAL) as bar:
        bar.advance(5000)
        bar.restart(_REFUSED)
        bar.advance(7000)

    assert counts(capsys) == ["0.00", "5.00k", "0.00", "7.00k"]


def test_arrivals_are_counted_and_begin_again(capsys):
    with Arrivals(as_read, Audience.TERMINAL) as arrivals:
        arrivals([], _ROWS)
        arrivals([], _ROWS)
        arrivals.restart(_REFUSED)
        arrivals([], _ROWS)

    assert counts(capsys) == ["0.00", "7.00k", "14.0k", "0.00", "7.00k"]


def test_arrivals_are_finished():
    assert Arrivals(lambda _, batch: batch[:0], Audience.NOBODY)([], _ROWS) == ()


@pytest.mark.parametrize("refusals", [0, 1])
def test_without_arrivals_nothing_is_drawn(capsys, refusals):
    with Arrivals(as_read, Audience.TERMINAL) as arrivals:
        for _ in range(refusals):
            arrivals.restart(_REFUSED)

    assert capsys.readouterr().err == ""


def test_nothing_is_drawn_for_nobody(capsys):
    with Arrivals(as_read, Audience.NOBODY) as arrivals:
        arrivals([], _ROWS)

    assert capsys.readouterr().err == ""


def test_a_cell_shows_how_its_large_result_comes(notebook, server, capsys, monkeypatch):
    if not server.copy_to:
        pytest.skip("COPY … TO STDOUT is unknown there")
    for module in (sizes, execution):
        monkeypatch.setattr(module, "LARGE", 3)
    monkeypatch.setattr(Audience, "of", lambda _: Audience.TERMINAL)
    text = "SELECT i FROM generate_series(1, 2000) AS t (i)"
    for _ in range(2):
        frame = notebook.shell.run_line_magic("crdb_txn", text)

    assert counts(capsys)[-1] == "2.00k"
    assert len(frame) == 2000
