"""A session as its user sees it: connect, run, an error, an interrupt."""

from __future__ import annotations

import time

from page import Notebook

from crdb_magic.session.session import Session


def test_a_connection_says_what_it_leads_to(connected: Notebook) -> None:
    assert "database" in connected.cell(1).outputs[0]


def test_tab_offers_the_magics(connected: Notebook) -> None:
    offered = connected.complete("%crdb_")
    connected.page.keyboard.press("Escape")
    connected.page.keyboard.press("ControlOrMeta+a")
    connected.page.keyboard.press("Backspace")

    assert {"%crdb_connect", "%crdb_txn"} <= set(offered)


def test_a_result_is_a_table(connected: Notebook) -> None:
    cell = connected.run("%%crdb_txn\nSELECT 7 AS lucky, 'it''s' AS word")

    assert cell.output.locator("table.dataframe").all_inner_texts() == ["\tlucky\tword\n0\t7\tit's"]


def test_an_error_is_shown_short_and_with_its_place(connected: Notebook) -> None:
    cell = connected.run("%%crdb_txn\nSELECT *\nFROM nowhere_at_all")

    assert cell.outputs[0].splitlines()[0] == 'StatementError: relation "nowhere_at_all" does not exist'
    assert "line 2: FROM nowhere_at_all" in cell.outputs[0]
    assert "Traceback" not in cell.outputs[0]


def test_a_running_cell_is_interrupted_and_says_so_shortly(connected: Notebook, other: Session) -> None:
    cell = connected.start("%%crdb_txn\nSELECT pg_sleep(60)")
    wait_for_the_server(other)
    connected.command("notebook:interrupt-kernel")

    assert cell.wait().outputs == ["KeyboardInterrupt: the transaction was interrupted.\nNothing was committed."]


def wait_for_the_server(other: Session) -> None:
    """Wait until it is at work."""
    catalogue = "[SHOW QUERIES] WHERE" if other.server.is_cockroachdb else "pg_stat_activity WHERE state = 'active' AND"
    query = f"SELECT count(*) FROM {catalogue} query LIKE '%pg' || '_sleep(60%'"
    deadline = time.monotonic() + 30
    while other.ask(query).rows == (("0",),):
        assert time.monotonic() < deadline, "the cell did not reach the server"
        time.sleep(0.05)
