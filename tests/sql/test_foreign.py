"""What a statement says that PostgreSQL does not know."""

from __future__ import annotations

import pytest

from crdb_magic.sql.foreign import advice

_SYNTAX, _UNDEFINED, _NO_FUNCTION = "42601", "42704", "42883"


@pytest.mark.parametrize(
    ("sql", "sqlstate", "word", "instead"),
    [
        ("show tables", _UNDEFINED, "SHOW TABLES", "information_schema.tables"),
        ("SHOW /* all */ TABLES FROM x", _SYNTAX, "SHOW TABLES", "information_schema.tables"),
        ("SHOW CREATE TABLE x", _SYNTAX, "SHOW CREATE", "pg_indexes"),
        ("UPSERT INTO x VALUES ('SHOW TABLES')", _SYNTAX, "UPSERT", "ON CONFLICT"),
        ("CREATE TABLE x (a INT, INDEX (a))", _SYNTAX, "INDEX within CREATE TABLE", "CREATE INDEX"),
        ("CREATE TABLE x (a INT, INDEX i (a))", _UNDEFINED, "INDEX within CREATE TABLE", "CREATE INDEX"),
        ("SET TRANSACTION PRIORITY HIGH", _SYNTAX, "transaction priorities", "leave them out"),
        ("SELECT IFNULL(1, 2)", _NO_FUNCTION, "IFNULL", "COALESCE"),
        ("INSERT INTO x VALUES (b'ab')", "22P02", "bytes as b'…'", "::BYTES"),
        ("SELECT '1'::STRING(3)", _SYNTAX, "STRING and BYTES with a length", "VARCHAR(n)"),
    ],
)
def test_a_word_of_cockroachdb_is_named_with_what_does_the_same(sql, sqlstate, word, instead):
    found = advice(sql, sqlstate)

    assert found is not None
    assert (found.word, instead in found.instead) == (word, True)


@pytest.mark.parametrize(
    ("sql", "sqlstate"),
    [
        ("SELECT 'UPSERT' FROM x WHER a", _SYNTAX),
        ("SELECT a -- AS OF SYSTEM TIME\nFROM x WHER a", _SYNTAX),
        ("SELECT a @> '[1]' FROM x WHER a", _SYNTAX),
        ("CREATE TABLE x (a INT REFERENCES y ON UPDATE CASCADE ON)", _SYNTAX),
        ("UPDATE x SET a = (SELECT b FROM y ORDER BY b LIMIT 1) WHER a", _SYNTAX),
        ("SELECT IF(f(1), 2, 3)", "42P01"),
        ("SELECT 'not closed", _SYNTAX),
        ("", _SYNTAX),
    ],
)
def test_what_both_servers_know_is_not_blamed(sql, sqlstate):
    assert advice(sql, sqlstate) is None
