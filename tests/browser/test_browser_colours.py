"""SQL in cells and lines of magics is coloured as SQL, by JupyterLab's own colours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import pytest
from lab import Lab, code
from page import Cell, Notebook, opening

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

# A cell, a kind of colour, and what has it in that cell.
CASES = [
    ("%%crdb_txn\nSELECT 1 FROM t", "keyword", ["SELECT", "FROM"]),
    ("\n\n%%crdb_txn\nSELECT 1 FROM t", "keyword", ["SELECT", "FROM"]),
    ("%%crdb_export f.csv\nSELECT 1 FROM t", "keyword", ["SELECT", "FROM"]),
    ("%%sql\nSELECT 1 FROM t", "keyword", ["SELECT", "FROM"]),
    ("%%crdb_txn\nUPSERT INTO t VALUES (1)", "keyword", ["UPSERT", "INTO", "VALUES"]),
    ("%%crdb_txn\nSELECT year, name, Month FROM t", "keyword", ["SELECT", "Month", "FROM"]),
    ("%%crdb_txn\nSELECT a.key, b FROM t AS a", "keyword", ["SELECT", "FROM", "AS"]),
    ("%%crdb_txn\n-- it's\nSELECT 'a' FROM t", "comment", ["-- it's"]),
    ("%%crdb_txn\n-- it's\nSELECT 'b' FROM t", "string", ["'b'"]),
    ("%%crdb_txn\n/* it's\nso */ SELECT 'b'", "comment", ["/* it's", "so */"]),
    ("%%crdb_txn\nSELECT $$it's$$, 'b'", "string", ["$$it's$$", "'b'"]),
    # The first line.
    ("%%crdb_txn df << --priority high\nSELECT 1", "operator", ["%%crdb_txn", "<<"]),
    ("%%crdb_txn df << --priority high\nSELECT 2", "variable-2", ["df"]),
    ("%%crdb_txn --read-only df << --limit 5\nSELECT 2", "variable-2", ["df"]),
    ("%%crdb_txn --priority high --as-of='a b' --read-only\nSELECT 1", "attribute",
     ["--priority", "--as-of", "--read-only"]),
    ("%%crdb_txn --priority high --as-of='a b' --read-only\nSELECT 2", "string", ["high", "'a b'"]),
    ("%%crdb_txn --as-of :then\nSELECT 1", "variable-2", [":then"]),
    # Parameters.
    ("%%crdb_txn\nSELECT :city, (:\"co l\"), :\"col\", x::int, a[1:n], 'a:b' -- :c", "variable-2", ["city", '"col"']),
    # Line magics.
    ("df = %crdb_txn --read-only SELECT a FROM t\nx = 'a'", "keyword", ["SELECT", "FROM"]),
    ("df = %crdb_txn --read-only SELECT a FROM t\nx = 'b'", "string", ["'b'"]),
    ("for i in x:\n    %crdb_txn --on a SELECT :i -- it's\nelse: y", "keyword", ["for", "in", "SELECT", "else"]),
    ("for i in x:\n    %crdb_txn --on a SELECT :i -- it's\nelse: z", "variable-2", ["i"]),
    ("%crdb_txn SELECT 1 \\\nFROM t\nwhile x: y", "keyword", ["SELECT", "FROM", "while"]),
    ("%crdb_export --as-of -1h 'SELECT a FROM t' f.csv", "keyword", ["SELECT", "FROM"]),
    ("%crdb_export --as-of -2h 'SELECT a FROM t' f.csv", "string", ["-2h", "'", "'", "f.csv"]),
    ("%crdb_write df.head(10) --table t --mode append", "attribute", ["--table", "--mode"]),
    ("%crdb_connect --local\n%crdb_connect :url\nx = 1", "operator", ["%crdb_connect", "%crdb_connect", "="]),
    # Python.
    ("%%crdb_txn --python df <<\nfor x in y:\n    %crdb_txn SELECT 1", "keyword", ["for", "in", "SELECT"]),
    ("%%crdb_txn --python df <<\nfor x in y: f('SELECT', --z)", "attribute", ["--python"]),
    ('\'\'\'\n%crdb_txn SELECT 1\n\'\'\'\nfor x in "%crdb_txn SELECT": pass', "keyword", ["for", "in", "pass"]),
    ("# %%crdb_txn\nfor x in y:\n    x = %timeit z", "keyword", ["for", "in"]),
    ("%%crdb_txns\nfor x in SELECT: pass", "keyword", ["for", "in", "pass"]),
]  # fmt: skip


@pytest.fixture(scope="module")
def coloured(lab: Lab, browser: BrowserContext) -> Iterator[Mapping[str, Cell]]:
    """One notebook of all cases: the cell of each."""
    cells = dict.fromkeys(text for text, _, _ in CASES)
    with opening(lab, browser) as opened:
        notebook = opened(*map(code, cells), height=100 * len(cells))
        yield dict(zip(cells, notebook.cells, strict=True))


@pytest.mark.parametrize(("text", "kind", "pieces"), CASES)
def test_a_piece_has_its_kinds_colour(coloured: Mapping[str, Cell], text: str, kind: str, pieces: list[str]) -> None:
    assert coloured[text].of_kind(kind) == pieces


def test_a_file_of_python_is_left_alone(open_notebook: Callable[..., Notebook], lab: Lab) -> None:
    (lab.root / "plain.py").write_text("%%crdb_txn --on a\nSELECT 1")
    notebook = open_notebook()
    notebook.command("docmanager:open", path="plain.py", factory="Editor")
    notebook.page.locator(".jp-FileEditor .cm-line span").first.wait_for()

    assert notebook.page.locator(".jp-FileEditor .cm-line").all_inner_texts() == ["%%crdb_txn --on a", "SELECT 1"]
    assert Cell(notebook.page.locator(".jp-FileEditor")).of_kind("attribute") == []


# While one types.


@pytest.fixture(scope="module")
def sheet(lab: Lab, browser: BrowserContext) -> Iterator[Notebook]:
    """A notebook to type into."""
    with opening(lab, browser) as opened:
        yield opened()


def test_changing_the_first_line_changes_what_the_cell_is(sheet: Notebook) -> None:
    cell = sheet.add("%%crdb_txn\nSELECT a for")
    as_sql = cell.of_kind("keyword")
    sheet.page.keyboard.press("ControlOrMeta+Home")
    sheet.page.keyboard.press("End")
    sheet.page.keyboard.type(" --python")
    as_python = cell.of_kind("keyword")
    for _ in " --python":
        sheet.page.keyboard.press("Backspace")
    again = cell.of_kind("keyword")

    assert (as_sql, as_python, again) == (["SELECT", "for"], ["for"], ["SELECT", "for"])


@pytest.mark.parametrize(
    ("text", "commented"),
    [
        ("%%crdb_txn\nSELECT 1", "%%crdb_txn\n-- SELECT 1"),
        ("%%crdb_txn\nSELECT 1\n", "%%crdb_txn\nSELECT 1\n-- "),
        ("%%crdb_txn --python\nf(1)", "%%crdb_txn --python\n# f(1)"),
        ("df = %crdb_txn SELECT 1", "# df = %crdb_txn SELECT 1"),
        ("%%crdb_txn", "# %%crdb_txn"),
    ],
)
def test_a_line_is_commented_in_its_language(sheet: Notebook, text: str, commented: str) -> None:
    cell = sheet.add(text)
    sheet.page.keyboard.press("ControlOrMeta+/")

    assert "\n".join(cell.at.locator(".cm-line").all_inner_texts()) == commented


def test_a_new_line_of_sql_stands_below_the_one_before(sheet: Notebook) -> None:
    cell = sheet.add("%%crdb_txn\nSELECT 1")
    sheet.page.keyboard.press("Enter")
    sheet.page.keyboard.type("FROM t")

    assert cell.at.locator(".cm-line").all_inner_texts() == ["%%crdb_txn", "SELECT 1", "FROM t"]


def test_a_block_goes_on_below_a_line_magic(sheet: Notebook) -> None:
    cell = sheet.add("for i in x:")
    sheet.page.keyboard.press("Enter")
    sheet.page.keyboard.type("df = %crdb_txn SELECT 1")
    sheet.page.keyboard.press("Enter")
    sheet.page.keyboard.type("f")

    assert cell.at.locator(".cm-line").all_inner_texts()[1:] == ["    df = %crdb_txn SELECT 1", "    f"]
