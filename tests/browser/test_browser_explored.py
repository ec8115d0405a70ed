"""What is explored, as it is seen: a table, and a picture that JupyterLab draws."""

from __future__ import annotations

import pytest

pytest.importorskip("page", reason="comes with the branch lab")

from page import PATIENCE, Notebook

_GONE = "%crdb_txn DROP SCHEMA IF EXISTS seen CASCADE"  # by itself: CockroachDB does not make it again in the same one
_MADE = """%%crdb_txn
CREATE SCHEMA seen;
CREATE TABLE seen.branches (id INT PRIMARY KEY);
CREATE TABLE seen."odd <b>" (id INT PRIMARY KEY, branch INT REFERENCES seen.branches, price DECIMAL(12,2))"""


@pytest.fixture
def made(connected: Notebook) -> Notebook:
    connected.run(_GONE)
    connected.run(_MADE)
    return connected


def test_a_table_is_described_and_its_statement_opened_by_a_click(made: Notebook) -> None:
    cell = made.run('%crdb_schema seen."odd <b>"')
    statement = cell.output.locator("pre").filter(has_text="CREATE TABLE")

    assert cell.output.locator("td").filter(has_text="seen.branches (id)").count() == 1
    assert not statement.is_visible()
    cell.output.locator("summary").click()
    assert statement.is_visible()


def test_a_picture_is_drawn(made: Notebook) -> None:
    picture = made.run("%crdb_schema seen --diagram").output.locator(".jp-RenderedMermaid img")
    picture.wait_for(timeout=PATIENCE)

    assert picture.evaluate("img => img.complete && img.naturalWidth > 100")


def test_what_goes_on_has_a_list_of_sessions(made: Notebook) -> None:
    cell = made.run("%crdb_activity")

    assert cell.output.locator("td").filter(has_text="(this one)").count() == 1
