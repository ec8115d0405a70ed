"""Bars: what they count, that they begin again when their transaction does, and that nothing of them is left."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import pytest
from IPython.core.displaypub import DisplayPublisher

from crdb_magic.columns.objects import as_read
from crdb_magic.errors import Attempt
from crdb_magic.magics import progress
from crdb_magic.magics import write as writing
from crdb_magic.magics.audience import Audience
from crdb_magic.magics.progress import Arrivals, Progress
from crdb_magic.magics.waiting import Waiting

_REFUSED = Attempt(1, "40001", "RETRY_SERIALIZABLE", "restart transaction")
_ROWS = ([0] * 7000,)


@pytest.fixture(autouse=True)
def _drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_DELAY", 0)
    monkeypatch.setattr(progress, "_PAUSE", 0)


class Screen(DisplayPublisher):
    """What a notebook shows: a line for each output, and each line that was ever there."""

    def __init__(self) -> None:
        super().__init__()
        self.outputs: dict[str, dict[str, str]] = {}
        self.lines: list[str] = []

    def publish(self, data: Any, *_: Any, transient: Any = None, update: bool = False, **__: Any) -> None:
        """Take an output, or the update of one that is there."""
        name = (transient or {}).get("display_id", f"output {len(self.outputs)}")
        assert update == (name in self.outputs)
        self.outputs[name] = data
        self.lines += [data["text/plain"]] if data else []

    @property
    def counts(self) -> list[str]:
        """The numbers of rows that were drawn, one after the other."""
        return [line.partition(": ")[2].partition(" rows")[0] for line in self.lines]


@pytest.fixture
def screen(unconnected, monkeypatch: pytest.MonkeyPatch) -> Screen:
    shown = Screen()
    monkeypatch.setattr(unconnected.shell, "display_pub", shown)
    return shown


@pytest.fixture
def _slow_to_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_DELAY", 3600)


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


def test_a_bar_in_a_notebook_counts_rows_and_begins_again(screen):
    with Progress(12_000, "accounts", Audience.NOTEBOOK) as bar:
        bar.advance(5000)
        bar.restart(_REFUSED)
        bar.advance(700)

    assert screen.counts == ["0 of 12.0k", "5.00k of 12.0k", "0 of 12.0k", "700 of 12.0k"]


def test_a_bar_in_a_notebook_tells_the_rate(screen):
    with Progress(None, "reading", Audience.NOTEBOOK) as bar:
        bar.advance(5000)

    assert re.fullmatch(r"reading: 5\.00k rows, \S+ rows/s", screen.lines[-1])


def test_a_bar_in_a_notebook_is_one_output_that_is_empty_in_the_end(screen, capsys):
    with Progress(12_000, "accounts", Audience.NOTEBOOK) as bar:
        bar.advance(5000)

    assert list(screen.outputs.values()) == [{}]
    assert capsys.readouterr() == ("", "")


def test_a_bar_is_gone_after_an_error_too(screen):
    with pytest.raises(KeyboardInterrupt), Progress(12_000, "accounts", Audience.NOTEBOOK) as bar:
        bar.advance(5000)
        raise KeyboardInterrupt

    assert list(screen.outputs.values()) == [{}]


def test_a_line_that_waits_is_one_output_that_is_empty_in_the_end(screen):
    with Waiting(3, Audience.NOTEBOOK) as waiting:
        waiting(_REFUSED)
        waiting(_REFUSED)

    assert list(screen.outputs.values()) == [{}]
    assert screen.lines == ["Attempt 1 of 3 failed (40001 RETRY_SERIALIZABLE); retrying in 0 s …"] * 2


@pytest.mark.usefixtures("_slow_to_show")
@pytest.mark.parametrize("audience", Audience)
def test_short_work_shows_no_bar_even_if_it_begins_again(screen, capsys, audience):
    with Progress(12_000, "accounts", audience) as bar:
        bar.advance(5000)
        bar.restart(_REFUSED)

    assert (screen.lines, capsys.readouterr().err) == ([], "")


def test_what_is_captured_has_no_bar(notebook):
    notebook["Progress"], notebook["audience"] = Progress, Audience.NOTEBOOK
    notebook("with Progress(None, 'accounts', audience) as bar:\n    bar.advance(5000)")

    assert notebook.outputs == []


@pytest.mark.usefixtures("_slow_to_show")
def test_a_frame_that_takes_long_to_encode_has_a_bar_before_a_row_is_sent(notebook, screen, table, monkeypatch):
    monkeypatch.setattr(writing, "_MANY", 2)
    monkeypatch.setattr(Audience, "of", lambda _: Audience.NOTEBOOK)
    notebook["df"] = pd.DataFrame({"id": [3, 4], "balance": pd.Series([1, 2], dtype=object)})
    notebook.shell.display_pub = screen
    notebook.shell.run_line_magic("crdb_write", f"df --table {table} --mode append")

    assert screen.counts[0] == "0 of 2"


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


def test_a_cell_shows_how_its_large_result_comes(notebook, server, capsys, monkeypatch, three_are_many):
    if not server.copy_to:
        pytest.skip("COPY … TO STDOUT is unknown there")
    monkeypatch.setattr(Audience, "of", lambda _: Audience.TERMINAL)
    text = "SELECT i FROM generate_series(1, 2000) AS t (i)"
    for _ in range(2):
        frame = notebook.shell.run_line_magic("crdb_txn", text)

    assert counts(capsys)[-1] == "2.00k"
    assert len(frame) == 2000
