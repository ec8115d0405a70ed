"""The status line is drawn from its output's metadata; its data is the same on every run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest
from lab import Lab, code
from page import Cell, opening

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

MIME = "application/vnd.crdb-magic.status+json"
HTML = '<details><summary>90 rows · <b>3 attempts</b></summary><pre style="color: #808080">waited 5 ms</pre></details>'


EVIL = "<script>document.title = 'caught'</script><img src=x onerror=\"document.title = 'caught'\"><b>90 rows</b>"
METADATA = {"drawn": {"crdb_status": {"html": HTML}}, "bare": {}, "evil": {"crdb_status": {"html": EVIL}}}


def status(metadata: dict[str, Any]) -> dict[str, Any]:
    data = {MIME: {"text": "90 rows"}, "text/plain": "90 rows", "text/html": "<i>90 rows</i>"}
    return {"output_type": "display_data", "data": data, "metadata": metadata}


@pytest.fixture(scope="module")
def statuses(lab: Lab, browser: BrowserContext) -> Iterator[Mapping[str, Cell]]:
    """A notebook with a status of each metadata."""
    with opening(lab, browser) as opened:
        notebook = opened(*(code("1", [status(metadata)]) for metadata in METADATA.values()))
        notebook.page.locator(f"[data-mime-type='{MIME}']").nth(len(METADATA) - 1).wait_for()
        yield dict(zip(METADATA, notebook.cells, strict=True))


def test_what_differs_between_runs_is_drawn_and_can_be_opened(statuses: Mapping[str, Cell]) -> None:
    cell = statuses["drawn"]
    closed = cell.outputs
    cell.output.locator("summary").click()

    assert (closed, cell.outputs) == (["90 rows · 3 attempts"], ["90 rows · 3 attempts\nwaited 5 ms"])


def test_its_own_styles_are_let_in(statuses: Mapping[str, Cell]) -> None:
    assert statuses["drawn"].output.locator("pre").get_attribute("style") == "color:#808080"


def test_without_metadata_its_text_is_drawn(statuses: Mapping[str, Cell]) -> None:
    assert statuses["bare"].outputs == ["90 rows"]


def test_scripts_are_not_let_in(statuses: Mapping[str, Cell]) -> None:
    cell = statuses["evil"]

    assert cell.outputs == ["90 rows"]
    assert cell.output.locator("script, [onerror]").count() == 0
    assert cell.at.page.title() != "caught"
