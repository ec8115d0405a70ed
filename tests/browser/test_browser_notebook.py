"""What JupyterLab shows, Notebook shows too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab import Lab, code
from page import opening
from test_browser_status import METADATA, status

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext


def test_cells_are_coloured_and_statuses_drawn(notebook_app: Lab, browser: BrowserContext) -> None:
    with opening(notebook_app, browser) as opened:
        cell = opened(code("%%crdb_txn\nSELECT 1", [status(METADATA["drawn"])]), app="notebooks").cell(0)

        assert cell.of_kind("keyword") == ["SELECT"]
        assert cell.outputs == ["90 rows · 3 attempts"]
