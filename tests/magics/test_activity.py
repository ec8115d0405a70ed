"""%crdb_activity in a notebook."""

from __future__ import annotations


def test_the_own_session_is_marked(notebook):
    found = notebook("%crdb_activity")
    text = notebook.forms(found)["text/plain"]

    assert text.count("(this one)") == found.sessions.own.sum() == 1
