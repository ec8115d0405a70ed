"""Writes the pictures in docs/pictures: cells of notebooks, run in JupyterLab in a browser. See tests/browser.

.venv/bin/pip install -e '.[browser]' && .venv/bin/python docs/pictures.py
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import sync_playwright

_HERE = Path(__file__).parent
sys.path.insert(0, str(_HERE.parent / "tests" / "browser"))

from lab import code, serving  # noqa: E402 - they are tests' own modules
from page import Notebook, opening  # noqa: E402

_WIDTH, _HEIGHT = 1000, 2600  # high enough for each cell as a whole
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
_CALM = ".jp-cell-toolbar, .jp-Collapser { visibility: hidden !important }"
# Of which cell of notebooks/explore.ipynb, by a piece of its source.
_PICTURES = {"diagram": "--diagram", "plan": "--explain=analyze"}
_CONTENDED = [
    """%load_ext crdb_magic
import threading, time
import psycopg2
from crdb_magic.local import start

server = start()
url = server.url
%crdb_connect :url
amount = 30""",
    """%%crdb_txn
CREATE TABLE accounts (id INT PRIMARY KEY, owner TEXT, balance DECIMAL(12, 2));
INSERT INTO accounts VALUES (1, 'Ann', 100), (2, 'Bob', 20)""",
    """def others():
    connection = psycopg2.connect(url)
    for _ in range(2):
        with connection, connection.cursor() as cursor:
            cursor.execute("UPDATE accounts SET balance = balance + 1 WHERE id = 2")
            time.sleep(0.1)

threading.Thread(target=others).start()
time.sleep(0.05)""",
    """%%crdb_txn
UPDATE accounts SET balance = balance - :amount WHERE id = 1;
UPDATE accounts SET balance = balance + :amount WHERE id = 2;
SELECT * FROM accounts ORDER BY id""",
]
_REPRODUCED = [
    "%load_ext crdb_magic\n%crdb_connect --local",
    "%%crdb_txn\nCREATE TABLE prices (item TEXT PRIMARY KEY, price DECIMAL(8, 2));\n"
    "INSERT INTO prices VALUES ('coffee', 3.20), ('milk', 1.10), ('tea', 2.50)",
    "%crdb_freeze recorded\nmost = 5",
    "%crdb_txn prices << SELECT * FROM prices",
    "%%crdb_txn\nDELETE FROM prices WHERE item = 'tea';\nUPDATE prices SET price = 3.40 WHERE item = 'coffee';\n"
    "INSERT INTO prices VALUES ('cocoa', 4.00)",
    "%crdb_rerun prices --key item",
    "%crdb_txn SELECT * FROM prices WHERE price < :most ORDER BY item",
    "%crdb_freeze off",
    "%crdb_connect --frozen recorded\nmost = 4",
    "%crdb_txn SELECT * FROM prices WHERE price < :most ORDER BY item",
]
_TYPED = """%%crdb_txn late << --priority high
-- who hasn't paid
SELECT c.name, sum(o.total) AS owed
FROM orders o JOIN customers c ON c.id = o.customer_id
WHERE c.city = :city AND o."""


def main() -> None:
    """Run the notebook's cells and take the pictures."""
    folder = _HERE / "pictures"
    folder.mkdir(exist_ok=True)
    cells = json.loads((_HERE.parent / "notebooks" / "explore.ipynb").read_text())["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    chromium = shutil.which("chromium")
    with tempfile.TemporaryDirectory() as temporary, serving(Path(temporary)) as lab, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_ARGUMENTS)
        with opening(lab, browser.new_context(device_scale_factor=2)) as opened:
            notebook = _run(opened, [*sources, ""])
            for name, piece in _PICTURES.items():
                place = next(place for place, source in enumerate(sources) if piece in source)
                _take(notebook, place, folder / f"{name}.png")
            _complete(notebook, folder / "tab.png")
            _take(_run(opened, _CONTENDED), -1, folder / "attempts.png")
            reproduced = _run(opened, _REPRODUCED)
            _take(reproduced, _REPRODUCED.index("%crdb_rerun prices --key item"), folder / "rerun.png")
            _take(reproduced, -1, folder / "refused.png")
        browser.close()


def _run(opened: Callable[..., Notebook], sources: list[str]) -> Notebook:
    notebook = opened(*map(code, sources))
    notebook.page.set_viewport_size({"width": _WIDTH, "height": _HEIGHT})
    notebook.page.add_style_tag(content=_CALM)
    notebook.run_all()
    notebook.cell(-1 if sources[-1] else -2).wait()
    return notebook


def _take(notebook: Notebook, place: int, path: Path) -> None:
    cell = notebook.cell(place).at
    for summary in cell.locator("summary").all():
        summary.click()
    cell.scroll_into_view_if_needed()
    notebook.page.wait_for_timeout(1000)  # Mermaid draws when it is seen
    cell.screenshot(path=path)


def _complete(notebook: Notebook, path: Path) -> None:
    notebook.complete(_TYPED)
    clip = notebook.cell(-1).at.bounding_box() or {}
    clip["height"] += 165  # for what is offered below
    notebook.page.screenshot(path=path, clip=clip)


if __name__ == "__main__":
    main()
