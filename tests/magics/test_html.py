"""What comes from the server is shown as text, never run."""

from __future__ import annotations

import pytest

from crdb_magic.errors import StatementError
from crdb_magic.magics import outputs

_EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>&amp;"


def _html(notebook, value) -> str:
    return notebook.forms(value)["text/html"]


def test_values_are_escaped(notebook):
    notebook["evil"] = _EVIL
    html = _html(notebook, notebook("%crdb_txn SELECT :evil AS v"))

    assert "&lt;img src=x" in html
    assert "<script" not in html


def test_column_names_are_escaped(notebook):
    html = _html(notebook, notebook(f'%crdb_txn SELECT 1 AS "{_EVIL[:40]}"'))

    assert "<img" not in html


def test_captions_are_escaped(notebook):
    notebook(f"%%crdb_txn\nSELECT '{_EVIL}';\nSELECT 1")

    assert [
        output.data["text/html"] for output in notebook.outputs if "<script" in output.data.get("text/html", "")
    ] == []


def test_plans_are_escaped(notebook):
    plan = notebook(f"%crdb_txn EXPLAIN SELECT 1 FROM generate_series(1, 2) AS t (i) WHERE i::TEXT = '{_EVIL}'")

    assert "<img" not in _html(notebook, plan)


def test_lines_that_come_and_go_are_escaped(notebook, monkeypatch):
    shown: list[str] = []
    monkeypatch.setattr(outputs.DisplayHandle, "display", lambda _, bundle, **__: shown.append(bundle["text/html"]))
    outputs.LiveOutput().show(_EVIL, meter="<progress></progress>")

    assert "<img" not in shown[0]
    assert "<progress>" in shown[0]


def test_errors_are_text(notebook):
    with pytest.raises(StatementError) as caught:
        notebook(f'%crdb_txn SELECT "{_EVIL[:40]}"')

    assert all(isinstance(line, str) for line in caught.value._render_traceback_())
