"""What a receipt, and what differs when it is read again, look like."""

from __future__ import annotations

from page import Notebook

_MADE = "%crdb_txn CREATE TABLE IF NOT EXISTS seen_log (n INT PRIMARY KEY, price DECIMAL(10,2))"
_WRITTEN = "%%crdb_txn\nDELETE FROM seen_log;\nINSERT INTO seen_log VALUES (1, 1.50), (2, 2.50);\nSELECT '<b>'"


def test_a_receipt_stands_in_two_columns(connected: Notebook) -> None:
    connected.run(_MADE)
    connected.run(_WRITTEN)
    cell = connected.run("crdb_receipt")
    connected.run("%crdb_receipt --all")
    connected.look("receipt", 1000)

    assert cell.output.locator("td").filter(has_text="SELECT '<b>'").count() == 1
    assert cell.output.locator("th").count() == 0


def test_what_differs_is_a_table_below_a_sentence(connected: Notebook) -> None:
    connected.run(_MADE)
    connected.run(_WRITTEN)
    connected.run("df = %crdb_txn SELECT * FROM seen_log ORDER BY n")
    connected.run("%crdb_txn UPDATE seen_log SET price = 3 WHERE n = 2")
    cell = connected.run("%crdb_rerun df --key n")
    connected.look("rerun", 1000)

    assert "Different: 1 changed." in cell.output.inner_text()
    assert cell.output.locator("th").filter(has_text="price (now)").count() == 1
