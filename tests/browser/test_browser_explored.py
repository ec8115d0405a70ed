"""What is explored, as it is seen: a table, a picture that JupyterLab draws, a plan, the names that Tab offers."""

from __future__ import annotations

import re

import pytest
from page import PATIENCE, Notebook

from crdb_magic.magics.names_cache import THREAD

_GONE = "%crdb_txn DROP SCHEMA IF EXISTS seen CASCADE"  # by itself: CockroachDB does not make it again in the same one
_MADE = """%%crdb_txn
CREATE SCHEMA seen;
CREATE TABLE seen.branches (id INT PRIMARY KEY);
CREATE TABLE seen."odd <b>" (id INT PRIMARY KEY, branch INT REFERENCES seen.branches, price DECIMAL(12,2))"""


@pytest.fixture
def with_schema(connected: Notebook) -> Notebook:
    connected.run(_GONE)
    connected.run(_MADE)
    return connected


def test_a_table_is_described_and_its_statement_opened_by_a_click(with_schema: Notebook) -> None:
    cell = with_schema.run('%crdb_schema seen."odd <b>"')
    statement = cell.output.locator("pre").filter(has_text="CREATE TABLE")

    assert cell.output.locator("td").filter(has_text="seen.branches (id)").count() == 1
    assert not statement.is_visible()
    cell.output.locator("summary").click()
    assert statement.is_visible()


def test_a_picture_is_drawn(with_schema: Notebook) -> None:
    picture = with_schema.run("%crdb_schema seen --diagram").output.locator(".jp-RenderedMermaid img")
    picture.wait_for(timeout=PATIENCE)

    assert picture.evaluate("img => img.complete && img.naturalWidth > 100")


def test_what_goes_on_has_a_list_of_sessions(with_schema: Notebook) -> None:
    cell = with_schema.run("%crdb_activity")

    assert cell.output.locator("td").filter(has_text="(this one)").count() == 1


def test_a_plan_is_a_tree_with_its_costly_steps_marked(with_schema: Notebook) -> None:
    cell = with_schema.run('%crdb_txn --explain SELECT price + 1 FROM seen."odd <b>" ORDER BY price')
    step = cell.output.locator("tr").filter(has_text=re.compile(r"scan.*odd <b>", re.IGNORECASE))

    assert "full scan" in step.first.inner_text().lower()


# Tab.


@pytest.fixture(scope="module")
def named(connected: Notebook) -> Notebook:
    """The notebook when it has read the names of what was made."""
    connected.run(_MADE)
    connected.run(f"import threading\n[one.join() for one in threading.enumerate() if one.name == {THREAD!r}]")
    return connected


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("%crdb_txn --", {"--priority", "--explain", "--limit"}),
        ("%crdb_txn --priority ", {"low", "normal", "high"}),
        ("%%crdb_txn\nSELECT * FROM seen.", {"branches", '"odd <b>"'}),
        ('%%crdb_txn\nSELECT *\nFROM seen."odd <b>" AS o\nWHERE o.', {"id", "branch", "price"}),
        ("%crdb_schema seen.", {"branches"}),
    ],
)
def test_tab_offers_what_may_stand_there(named: Notebook, typed: str, offered: set[str]) -> None:
    try:
        found = named.complete(typed)
    finally:
        for key in ("Escape", "ControlOrMeta+a", "Backspace"):
            named.page.keyboard.press(key)

    assert offered <= set(found)
