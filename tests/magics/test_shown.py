"""Frames of a notebook: NULL in them is one word, as long as they are the transaction's own."""

from __future__ import annotations

import re

_IN_HTML = re.compile(r"<span style=[^>]+>NULL</span>")


def _shown(notebook, cell):
    return notebook.forms(notebook(cell))


def test_a_value_of_a_cell_shows_it(notebook):
    forms = _shown(notebook, "%crdb_txn SELECT NULL::INT8 AS a, NULL::DATE AS b, NULL::TEXT AS c, 'null'::JSONB AS d")

    assert forms["text/plain"].splitlines()[1].split() == ["0", "NULL", "NULL", "NULL", "None"]
    assert len(_IN_HTML.findall(forms["text/html"])) == 3


def test_an_earlier_result_shows_it(notebook):
    notebook("%%crdb_txn\nSELECT NULL::UUID AS a;\nSELECT 1 AS b")

    assert "0  NULL" in notebook.shown


def test_a_frame_of_a_python_cell_shows_it(notebook):
    forms = _shown(notebook, "%%crdb_txn --python\ndb.frame('SELECT NULL::INT8 AS a')")

    assert forms["text/plain"].splitlines()[1].split() == ["0", "NULL"]


def test_a_frame_that_was_changed_in_place_is_shown_as_it_is_now(notebook):
    notebook("%%crdb_txn df <<\nSELECT 1 AS a, NULL::TEXT AS b")
    notebook("df.loc[0, 'a'] = None; df.loc[0, 'b'] = 'x'; df['c'] = 2.5; df.loc[0, 'c'] = float('nan')")

    assert _shown(notebook, "df")["text/plain"].splitlines()[1].split() == ["0", "NULL", "x", "NaN"]


def test_a_frame_made_from_it_is_shown_by_pandas(notebook):
    notebook("%%crdb_txn df <<\nSELECT NULL::INT8 AS a")

    assert "NULL" not in _shown(notebook, "df.head()")["text/plain"]
