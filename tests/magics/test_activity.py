"""%crdb_activity in a notebook."""

from __future__ import annotations

import pytest

from crdb_magic.errors import OptionError


def test_the_own_session_is_marked(notebook):
    found = notebook("%crdb_activity")
    text = notebook.shell.display_formatter.format(found)[0]["text/plain"]

    assert text.count("(this one)") == found.sessions.own.sum() == 1


def test_it_takes_no_name(notebook):
    with pytest.raises(OptionError, match="takes no 'accounts'"):
        notebook("%crdb_activity accounts")
