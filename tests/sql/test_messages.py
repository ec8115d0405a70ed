"""What a message is, by a quick look and by its statements."""

from __future__ import annotations

import pytest

from crdb_magic.sql.messages import LETS_GO, LOOKS_UP, ends_one, resets_all, says


@pytest.mark.parametrize(
    ("pattern", "text", "said"),
    [
        (LETS_GO, "ROLLBACK TO SAVEPOINT s", True),
        (LETS_GO, "DO $$ BEGIN PERFORM 1; EXCEPTION\nWHEN others THEN NULL; END $$", True),
        (LETS_GO, "SELECT rollbacks FROM t", False),
        (LOOKS_UP, "SELECT 'a'::RegClass", True),
        (LOOKS_UP, "SELECT pg_get_viewdef(1)", True),
        (LOOKS_UP, "SELECT to_regtype('a')", True),
        (LOOKS_UP, "SELECT has_table_privilege('a', 'SELECT')", True),
        (LOOKS_UP, "EXECUTE p", True),
        (LOOKS_UP, "SELECT regexp_replace(a, 'x', 'y') FROM region", False),
    ],
)
def test_what_a_message_says(pattern, text, said):
    assert says(pattern, text.encode()) is said


@pytest.mark.parametrize(
    ("sent", "ends"),
    [
        ("SELECT 1; COMMIT", True),
        ("/* at last */ ROLLBACK; BEGIN", True),
        ("ROLLBACK TO SAVEPOINT s", False),
        ("SELECT 'COMMIT'", False),
        ("SELECT ';COMMIT'", False),
        ("COMMIT; SELECT 'not closed", False),
    ],
)
def test_a_message_ends_a_transaction_if_one_of_its_statements_does(sent, ends):
    assert ends_one(sent.encode()) is ends


@pytest.mark.parametrize(("sent", "resets"), [("SELECT 1; discard all", True), ("RESET search_path", False)])
def test_what_resets_all_is_found(sent, resets):
    assert resets_all(sent.encode()) is resets
