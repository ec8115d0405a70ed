"""%crdb_rerun: what was read is read again, and compared."""

from __future__ import annotations

import gc

import pandas as pd
import pytest

from crdb_magic.errors import NotConnectedError, OptionError, ParameterError


@pytest.fixture
def prices(notebook, keeper):
    """A table with two rows, of a notebook that may read the past."""
    notebook("%crdb_txn DROP TABLE IF EXISTS prices")
    notebook("%crdb_txn CREATE TABLE prices (n INT PRIMARY KEY, price DECIMAL(10, 2))")
    notebook("%crdb_txn INSERT INTO prices VALUES (1, 1.50), (2, NULL)")
    yield notebook
    notebook("%crdb_pin off")
    notebook("%crdb_txn DROP TABLE prices")


def said(notebook) -> list[str]:
    """Give the sentences above the value."""
    return notebook.outputs[0].data["text/plain"].splitlines()


def listed(frame: pd.DataFrame) -> list[tuple[object, ...]]:
    return list(frame.astype(object).itertuples(index=False, name=None))


def test_what_was_read_in_the_past_is_the_same_whatever_was_written_since(prices):
    prices("%%crdb_txn df << --as-of -1us\nSELECT * FROM prices ORDER BY n")
    prices("%crdb_txn UPDATE prices SET price = 9")
    found = prices("%crdb_rerun df")

    assert found.empty
    assert said(prices) == ["The same: 2 rows."]


def test_where_nothing_differs_no_value_is_shown_under_the_sentence(prices):
    prices("%%crdb_txn df << --as-of -1us\nSELECT * FROM prices ORDER BY n")
    prices("%crdb_rerun df")

    assert prices.shown.startswith("The same: 2 rows.")
    assert "DataFrame" not in prices.shown


def test_in_a_later_cell_it_is_shown_as_any_frame_is(prices):
    prices("df = %crdb_txn SELECT * FROM prices ORDER BY n")
    prices["found"] = prices("%crdb_rerun df")
    prices.shell.execution_count += 1
    prices("display(found)")

    assert "Empty DataFrame" in prices.outputs[0].data["text/plain"]


def test_so_is_what_was_read_under_a_pin_that_is_off(prices):
    prices("%crdb_pin")
    prices("%crdb_txn --as-of now DELETE FROM prices")
    prices("df = %crdb_txn SELECT * FROM prices")
    prices("%crdb_pin off")

    assert prices("%crdb_rerun df").empty
    assert said(prices) == ["The same: 2 rows."]


def test_a_frame_that_was_changed_since_is_compared_as_it_is(prices):
    prices("%%crdb_txn df << --as-of -1us\nSELECT * FROM prices ORDER BY n")
    prices("df.loc[0, 'n'] = 7")
    found = prices("%crdb_rerun df")

    assert (list(found.columns), listed(found)) == (
        ["difference", "row", "n (then)", "n (now)"],
        [("changed", 0, 7, 1)],
    )
    assert said(prices) == ["Different: 1 changed."]


def test_what_was_read_at_no_instant_is_compared_with_the_present_and_that_is_said(prices):
    prices("df = %crdb_txn SELECT * FROM prices ORDER BY n")
    prices("%crdb_txn INSERT INTO prices VALUES (3, 0.10)")
    prices("%crdb_pin -1us")
    found = prices("%crdb_rerun df")

    assert [(row[0], row[1]) for row in listed(found)] == [("only now", 2)]
    assert said(prices) == [
        "Different: 1 only now.",
        "It was read without --as-of or a pin, so it is compared with the present.",
    ]


def test_a_key_tells_which_row_is_which(prices):
    prices("df = %crdb_txn SELECT * FROM prices ORDER BY coalesce(price, 9)")
    prices("%crdb_txn UPDATE prices SET price = CASE n WHEN 1 THEN 5 ELSE 4 END")
    found = prices("%crdb_rerun df --key n")

    assert [row[:2] for row in listed(found)] == [("changed", 1), ("changed", 2)]
    assert list(found.columns) == ["difference", "n", "price (then)", "price (now)"]


def test_a_key_that_is_no_names_is_refused(prices):
    prices["n"] = 5
    with pytest.raises(OptionError, match="--key takes the names of columns, not 5: id, or id,day"):
        prices("%crdb_rerun --key :n")


def test_rows_without_an_order_are_compared_as_a_multiset(prices):
    prices("df = %crdb_txn SELECT n % 2 AS m FROM prices")
    prices("%crdb_txn INSERT INTO prices VALUES (4, NULL)")
    found = prices("%crdb_rerun df")

    assert listed(found) == [("only now", 0)]
    assert said(prices)[-1] == (
        "Without ORDER BY, rows can't be matched by position: use --key COLUMN,… to identify them."
    )


def test_one_row_needs_no_order(prices):
    prices("df = %crdb_txn SELECT count(*) AS c FROM prices")
    prices("%crdb_txn INSERT INTO prices VALUES (4, NULL)")

    assert listed(prices("%crdb_rerun df")) == [("changed", 0, 2, 3)]


def test_the_last_result_is_meant_where_none_is_named(prices):
    kept = prices("%crdb_txn SELECT 1 AS x ORDER BY 1")

    assert prices("%crdb_rerun").empty
    assert len(kept) == 1


@pytest.mark.parametrize("named", ["kept", ":kept", ":crdb_receipt"])
def test_a_receipt_means_the_frame_that_came_with_it(prices, named):
    prices("df = %crdb_txn SELECT * FROM prices ORDER BY n")
    prices["kept"] = prices["crdb_receipt"]

    assert prices(f"%crdb_rerun {named}").empty


def test_values_are_those_that_the_variables_had(prices):
    prices["ids"], prices["name"] = [1], "prices"
    prices('df = %crdb_txn SELECT * FROM :"name" WHERE n IN :ids ORDER BY n')
    prices["ids"].append(2)
    prices["name"] = "nowhere"

    assert prices("%crdb_rerun df").empty


@pytest.mark.parametrize("options", ["--numbers float", "--limit 1", ""])
def test_a_frame_is_made_as_it_was(prices, options):
    prices("%config CrdbMagic.dtype_backend = 'arrow'")
    prices(f"%%crdb_txn df << {options}\nSELECT * FROM prices ORDER BY n")
    prices("%config CrdbMagic.dtype_backend = 'numpy'")

    assert prices("%crdb_rerun df").empty


def test_all_statements_are_run_again_and_the_last_result_is_compared(prices):
    prices("%%crdb_txn df <<\nSET LOCAL TIME ZONE 'UTC';\nSELECT n FROM prices ORDER BY n")

    assert prices("%crdb_rerun df").empty


def test_it_goes_by_the_connection_that_was_used(prices, url):
    prices("df = %crdb_txn SELECT 1 AS x")
    prices(f"%crdb_connect {url} --name other")
    prices("%crdb_connect --close default")
    with pytest.raises(NotConnectedError, match="No connection is called 'default'"):
        prices("%crdb_rerun df")

    assert prices("%crdb_rerun df --on other").empty
    prices(f"%crdb_connect {url}")


def test_it_leaves_no_receipt_of_its_own(prices):
    prices("df = %crdb_txn SELECT 1 AS x")
    before = len(prices("%crdb_receipt --all"))
    prices("%crdb_rerun df")

    assert len(prices("%crdb_receipt --all")) == before


@pytest.mark.parametrize("cell", ["INSERT INTO prices VALUES (3, 1) RETURNING n", "SELECT n FROM prices FOR UPDATE"])
def test_what_may_write_is_never_run_again(prices, cell):
    prices(f"%%crdb_txn df <<\n{cell}")

    with pytest.raises(OptionError, match=f"What may write is never run again: {cell[:6]}"):
        prices("%crdb_rerun df")


def test_what_was_not_read_by_a_cell_of_sql_is_refused(prices):
    prices["own"] = pd.DataFrame({"x": [1]})
    prices("%%crdb_txn --python python <<\ndb.frame('SELECT 1')")
    prices["number"] = 1
    for line, error, match in [
        ("own", OptionError, "That DataFrame has no receipt"),
        ("python", OptionError, "How that DataFrame was read is not known"),
        ("number", OptionError, "number is a int, neither"),
        ("nothing", ParameterError, "There is no variable nothing for %crdb_rerun"),
    ]:
        with pytest.raises(error, match=match):
            prices(f"%crdb_rerun {line}")


def test_values_too_large_are_not_kept(prices):
    prices["many"] = list(range(100_001))
    prices("df = %crdb_txn SELECT n FROM prices WHERE n = ANY(:many)")

    with pytest.raises(OptionError, match="is not known here"):
        prices("%crdb_rerun df")


def test_no_frame_is_kept(prices):
    prices("df = %crdb_txn SELECT 1 AS x")
    prices("del df")
    gc.collect()

    with pytest.raises(OptionError, match="is gone"):
        prices("%crdb_rerun")


def test_a_row_that_is_not_there_has_empty_cells_and_null_is_null(notebook, table):
    notebook(f"%crdb_txn ALTER TABLE {table} ADD COLUMN owner TEXT")
    notebook(f"%crdb_txn df << SELECT id, owner FROM {table} ORDER BY id")
    notebook(f"%%crdb_txn\nUPDATE {table} SET owner = 'Ann' WHERE id = 1;\nDELETE FROM {table} WHERE id = 2")
    value = notebook("%crdb_rerun df --key id")
    shown = notebook.shell.display_formatter.format(value)[0]

    assert [line.split() for line in shown["text/plain"].splitlines()[1:]] == [
        ["0", "changed", "1", "NULL", "Ann"], ["1", "only", "then", "2", "NULL"],
    ]  # fmt: skip
    assert value["owner (now)"].tolist() == ["Ann", None]
    assert "<td></td>" in shown["text/html"]


def test_what_was_found_may_be_changed_in_place(notebook, table):
    notebook(f"%crdb_txn df << SELECT id, balance FROM {table} ORDER BY id")
    notebook(f"%crdb_txn DELETE FROM {table} WHERE id = 2")
    value = notebook("%crdb_rerun df --key id")
    value["why"] = "x"
    value.index = pd.Index(["new"])

    assert "why" in notebook.shell.display_formatter.format(value)[0]["text/plain"]
