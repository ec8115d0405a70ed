"""What may stand where somebody types SQL: ``|`` is the cursor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdb_magic.explore.completion import Completions, Variables, complete
from crdb_magic.explore.names import UNKNOWN, DatabaseNames, NamedTable
from crdb_magic.sql.lexer import TokenKind, lex
from crdb_magic.sql.names import meant

ACCOUNTS = ("id", "owner_id", "balance", "Order Date")
OWNERS = ("id", "name", "city")
NAMES = DatabaseNames(
    path=("pg_catalog", "public"),
    schemas=("archive", "information_schema", "pg_catalog", "public"),
    tables=(
        NamedTable("archive", "old", columns=("closed",)),
        NamedTable("archive", "owners", columns=("since",)),
        NamedTable("public", "accounts", columns=ACCOUNTS, indexes=("accounts_pkey", "by_owner")),
        NamedTable("public", "counter", "sequence", ("last_value",)),
        NamedTable("public", "My Table", columns=("a", "select")),
        NamedTable("public", "owners", columns=OWNERS),
        NamedTable("public", "rich", "view", ("id",)),
        NamedTable("information_schema", "tables", "view", ("table_name",)),
        NamedTable("pg_catalog", "pg_class", columns=("relname",)),
    ),
    functions=("count", "lower", "obscure_function"),
    routines=("own_function",),
    databases=("bank", "defaultdb"),
)
VARIABLES = Variables(values=("amount", "ids", "table"), names=("table",))


def at(text: str) -> Completions | None:
    return complete(text.replace("|", "", 1), text.index("|"), NAMES, VARIABLES)


def texts(text: str, *kinds: str) -> list[str]:
    found = at(text)
    assert found is not None
    return [one.text for one in found.items if not kinds or one.kind in kinds]


@pytest.mark.parametrize(
    ("typed", "columns"),
    [
        ("SELECT | FROM accounts", ["id", "owner_id", "balance", '"Order Date"']),
        ("select b| from accounts", ["balance"]),
        ("SELECT B| FROM accounts", ["balance"]),
        ("SELECT sum(b|) FROM accounts", ["balance"]),
        ("SELECT * FROM accounts WHERE bal|", ["balance"]),
        ("SELECT * FROM public.accounts WHERE bal|", ["balance"]),
        ("SELECT * FROM ACCOUNTS WHERE bal|", ["balance"]),
        ("SELECT * FROM accounts@by_owner WHERE bal|", ["balance"]),
        ("SELECT * FROM accounts@{FORCE_INDEX=by_owner} WHERE bal|", ["balance"]),
        ("SELECT * FROM accounts AS OF SYSTEM TIME '-1s' WHERE bal|", ["balance"]),
        ("SELECT a.| FROM accounts AS a, owners", ["id", "owner_id", "balance", '"Order Date"']),
        ("SELECT o.| FROM accounts a LEFT JOIN owners o ON true", list(OWNERS)),
        ("SELECT accounts.| FROM accounts", ["id", "owner_id", "balance", '"Order Date"']),
        ("SELECT public.owners.| FROM owners", list(OWNERS)),
        ("SELECT s.| FROM archive.owners s", ["since"]),
        ('SELECT t.| FROM "My Table" t', ["a", '"select"']),
        ("DELETE FROM owners WHERE |", list(OWNERS)),
        ("SELECT 1 FROM owners; SELECT | FROM rich", ["id"]),
        ("SELECT 'FROM accounts', | FROM rich -- FROM accounts", ["id"]),
        ("SELECT | FROM owners UNION SELECT balance FROM accounts", list(OWNERS)),
        ("SELECT id FROM accounts UNION SELECT | FROM owners", list(OWNERS)),
        ("EXPLAIN SELECT | FROM owners", list(OWNERS)),
        ("CREATE VIEW v AS SELECT | FROM owners", list(OWNERS)),
    ],
)
def test_columns_are_those_of_the_statements_tables(typed, columns):
    assert texts(typed, "column") == columns


@pytest.mark.parametrize(
    ("typed", "columns"),
    [
        ("WITH c AS (SELECT id, balance * 2 AS twice FROM accounts) SELECT | FROM c", ["id", "twice"]),
        ("WITH c (x, y) AS (SELECT 1, 2) SELECT | FROM c", ["x", "y"]),
        ("WITH a AS (SELECT name FROM owners), b AS (SELECT * FROM a) SELECT | FROM b", ["name"]),
        ("WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c WHERE |) SELECT 1", ["n"]),
        ("WITH d AS (DELETE FROM owners RETURNING id, name) SELECT | FROM d", ["id", "name"]),
        ("WITH c AS (SELECT | FROM owners) SELECT * FROM c, accounts", list(OWNERS)),
        ("SELECT | FROM (SELECT *, 1 AS one FROM owners) s", [*OWNERS, "one"]),
        ("SELECT | FROM (SELECT o.* FROM owners o, accounts) s", list(OWNERS)),
        ("SELECT | FROM (SELECT count(*), id::TEXT FROM owners) s", ["count", "id"]),
        ("SELECT | FROM (SELECT DISTINCT ON (id) name n FROM owners) s", ["n"]),
        ("SELECT | FROM (VALUES (1, 2)) AS v(x, y)", ["x", "y"]),
        ("SELECT * FROM (SELECT | FROM owners) s, accounts", list(OWNERS)),
        ("SELECT | FROM generate_series(1, 3) AS g(n)", ["n"]),
    ],
)
def test_columns_of_queries_within_the_statement_are_known(typed, columns):
    assert texts(typed, "column") == columns


def test_a_query_within_a_condition_sees_the_one_around_it_behind_its_own_tables():
    found = texts("SELECT * FROM accounts WHERE owner_id IN (SELECT | FROM owners)", "column")

    assert found == ["owners.id", "name", "city", "accounts.id", "owner_id", "balance", '"Order Date"']


def test_a_column_of_several_tables_is_told_apart_by_them():
    assert texts("SELECT | FROM rich r, owners", "column") == ["r.id", "owners.id", "name", "city"]


def test_without_a_table_in_the_statement_what_is_begun_may_be_any_column():
    assert texts("SELECT bal|", "column") == ["balance"]
    assert texts("SELECT |", "column") == []


def test_what_a_query_calls_its_columns_can_be_ordered_by():
    assert texts("SELECT owner_id, sum(balance) AS total FROM accounts GROUP BY owner_id ORDER BY to|") == ["total"]


@pytest.mark.parametrize(
    "typed",
    [
        "SELECT * FROM |",
        "SELECT * FROM owners, |",
        "SELECT * FROM owners JOIN |",
        "SELECT | FROM owners WHERE id IN (SELECT * FROM |",
        "INSERT INTO |",
        "UPSERT INTO |",
        "UPDATE |",
        "DELETE FROM |",
        "TRUNCATE |",
        "ALTER TABLE |",
        "DROP TABLE IF EXISTS |",
        "GRANT SELECT ON |",
        "CREATE INDEX ON |",
        "SHOW COLUMNS FROM |",
        "SHOW CREATE |",
        "SHOW CREATE TABLE |",
        "TABLE |",
    ],
)
def test_tables_stand_where_a_table_does(typed):
    typed = typed.replace("|", "", typed.count("|") - 1)

    assert texts(typed, "table", "view") == [
        "accounts",
        '"My Table"',
        "owners",
        "rich",
        "archive.old",
        "archive.owners",
    ]


@pytest.mark.parametrize(
    ("typed", "tables"),
    [
        ("SELECT * FROM archive.|", ["old", "owners"]),
        ("SELECT * FROM archive.o|", ["old", "owners"]),
        ("SELECT * FROM ol|", ["archive.old"]),
        ("SELECT * FROM information_schema.|", ["tables"]),
        ("SELECT * FROM pg_c|", ["pg_class"]),
        ("SELECT * FROM bank.archive.|", ["old", "owners"]),
        ("WITH found AS (SELECT 1) SELECT * FROM f|", ["found"]),
        ('SELECT * FROM "M|', ['"My Table"']),
        ('SELECT * FROM "o|', ['"owners"']),
        ("SELECT * FROM my|", ['"My Table"']),
    ],
)
def test_tables_are_found_by_their_beginning_or_their_schema(typed, tables):
    assert texts(typed, "table", "view") == tables


def test_schemas_come_behind_tables_and_those_of_the_server_last():
    assert texts("SELECT * FROM |", "schema") == ["archive", "public"]
    assert texts("SELECT * FROM inf|") == ["information_schema"]


@pytest.mark.parametrize(
    ("typed", "columns"),
    [
        ("INSERT INTO accounts (|", ["id", "owner_id", "balance", '"Order Date"']),
        ("INSERT INTO accounts (id, |", ["owner_id", "balance", '"Order Date"']),
        ("INSERT INTO public.accounts (id, owner_id, b|", ["balance"]),
        ("INSERT INTO accounts (b|) VALUES (1)", ["balance"]),
        ("INSERT INTO accounts SELECT | FROM owners", list(OWNERS)),
        ("INSERT INTO owners VALUES (1) ON CONFLICT (|", list(OWNERS)),
        ("INSERT INTO owners VALUES (1) ON CONFLICT (id) DO UPDATE SET |", list(OWNERS)),
        ("INSERT INTO owners VALUES (1) ON CONFLICT (id) DO UPDATE SET name = excluded.|", list(OWNERS)),
        ("INSERT INTO owners VALUES (1) RETURNING |", list(OWNERS)),
        ("UPDATE owners SET |", list(OWNERS)),
        ("UPDATE owners SET name = 'x', |", list(OWNERS)),
        ("UPDATE owners SET name = c|", ["city"]),
        ("UPDATE owners SET name = 'x' FROM accounts a WHERE bal|", ["balance"]),
        ("ALTER TABLE owners DROP COLUMN |", list(OWNERS)),
        ("ALTER TABLE owners RENAME COLUMN |", list(OWNERS)),
        ("CREATE INDEX ON owners (|", list(OWNERS)),
        ("CREATE INDEX i ON owners USING gin (|", list(OWNERS)),
        ("CREATE INDEX i ON owners (id) STORING (|", list(OWNERS)),
        ("CREATE TABLE t (o INT REFERENCES owners (|", list(OWNERS)),
        ("SELECT * FROM accounts JOIN owners USING (|", ["id"]),
    ],
)
def test_where_only_one_tables_columns_can_stand_they_do(typed, columns):
    assert texts(typed, "column") == columns


def test_a_join_is_offered_the_columns_that_refer_to_each_other():
    found = texts("SELECT * FROM accounts a JOIN owners o ON |")

    assert found[:4] == ["a.owner_id = o.id", "a.id = o.id", "a", "o"]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("|", ["SELECT", "WITH", "INSERT INTO"]),
        ("sel|", ["select"]),
        ("SEL|", ["SELECT"]),
        ("Sel|", ["SELECT"]),
        ("ups|", ["upsert into"]),
        ("select * |", ["from", "as", "and"]),
        ("SELECT * FROM owners |", ["WHERE", "JOIN", "LEFT JOIN"]),
        ("WITH |", ["RECURSIVE"]),
        ("WITH a AS (SELECT 1) |", ["AS", "SELECT"]),
        ("SELECT * FROM owners LIMIT |", ["ALL"]),
        ("SELECT * FROM owners ord|", ["order by"]),
        ("SELECT * FROM owners ORDER |", ["BY"]),
        ("SELECT * FROM owners AS |", ["OF SYSTEM TIME"]),
        ("SELECT * FROM owners AS OF |", ["SYSTEM TIME"]),
        ("SELECT * FROM owners AS OF SYSTEM TIME |", ["follower_read_timestamp()", "'-10s'"]),
        ("SELECT * FROM owners WHERE id |", ["AND", "OR", "IN"]),
        ("SELECT * FROM owners WHERE id IS |", ["NULL", "NOT NULL", "DISTINCT FROM"]),
        ("SHOW |", ["TABLES", "COLUMNS FROM", "INDEXES FROM"]),
        ("show tab|", ["tables"]),
        ("EXPLAIN |", ["ANALYZE", "SELECT", "INSERT INTO"]),
        ("SELECT '1'::|", ["INT8", "TEXT", "DECIMAL"]),
        ("SELECT CAST(x AS |", ["INT8", "TEXT", "DECIMAL"]),
        ("CREATE TABLE t (id |", ["INT8", "TEXT", "DECIMAL"]),
        ("CREATE TABLE t (id INT8 |", ["NOT NULL", "PRIMARY KEY", "DEFAULT"]),
        ("ALTER TABLE owners |", ["ADD COLUMN", "DROP COLUMN", "ALTER COLUMN"]),
        ("INSERT INTO owners |", ["VALUES", "SELECT", "DEFAULT VALUES"]),
        ("INSERT INTO owners VALUES (1) ON CONFLICT |", ["DO NOTHING", "DO UPDATE SET"]),
        ("SET |", ["search_path", "database", "statement_timeout"]),
        ("CREATE TABLE |", ["IF NOT EXISTS"]),
    ],
)
def test_keywords_go_on_as_the_statement_may_in_the_case_of_what_was_typed(typed, words):
    assert texts(typed, "keyword")[: len(words)] == words


def test_columns_come_first_then_tables_functions_and_keywords():
    found = at("SELECT o| FROM owners o, accounts")

    assert found is not None
    assert [(one.text, one.kind) for one in found.items] == [
        ("owner_id", "column"),
        ('"Order Date"', "column"),
        ("o", "table"),
        ("own_function", "function"),
    ]


def test_functions_that_few_call_wait_for_three_letters():
    assert texts("SELECT ob|") == []
    assert texts("SELECT obs|") == ["obscure_function"]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("SELECT * FROM owners WHERE id = :|", [":amount", ":ids", ":table"]),
        ("SELECT * FROM owners WHERE id = ANY(:i|)", [":ids"]),
        ("SELECT * FROM :|", [':"table"']),
        ("SELECT * FROM :ta|", [':"table"']),
        ('SELECT * FROM :"|', [':"table"']),
        ('SELECT * FROM :"t|"', [':"table']),
        ("SELECT owners@|", []),
        ("SELECT * FROM accounts@|", ["accounts_pkey", "by_owner"]),
        ("USE |", ["bank", "defaultdb"]),
        ("DROP SCHEMA ar|", ["archive"]),
        ("CALL own|", ["own_function"]),
        ("DROP SEQUENCE |", ["counter", "archive", "public"]),
    ],
)
def test_parameters_indexes_and_other_names_stand_in_their_places(typed, offered):
    assert texts(typed) == offered


@pytest.mark.parametrize(
    "typed",
    [
        "SELECT 'acc|",
        "SELECT 'acc|'",
        "SELECT 'acc'|",
        "SELECT E'it\\'s acc|'",
        "SELECT $$ acc| $$",
        "SELECT 1 -- acc|",
        "SELECT 1 /* acc| */",
        "SELECT 1|",
        "SELECT $1|",
    ],
)
def test_nothing_is_offered_within_strings_comments_and_numbers(typed):
    assert at(typed) is None


@pytest.mark.parametrize(
    "typed",
    [
        "SELECT balance AS |",
        "WITH a AS (SELECT 1), ba|",
        "CREATE TABLE ac|",
        "CREATE VIEW ri|",
        "SELECT x.| FROM owners",
        "SELECT 1 AS ba|",
    ],
)
def test_a_new_name_and_an_unknown_one_are_not_guessed(typed):
    assert [text for text in texts(typed) if text != "IF NOT EXISTS"] == []


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("SELECT ba|ance FROM accounts", ["bal"]),
        ("SELECT bal|ance FROM accounts", []),
        ("SELECT |id FROM rich", ["id"]),
        ('SELECT "Or|" FROM accounts', ['"Order Date']),
        ('SELECT "Or|Date" FROM accounts', ['"Order ']),
    ],
)
def test_what_stands_behind_the_cursor_is_not_written_twice(typed, offered):
    assert texts(typed, "column") == offered


@pytest.mark.parametrize(
    ("typed", "start"),
    [("SELECT bal|", 7), ("SELECT a.bal| FROM accounts a", 9), ('SELECT "Or| FROM accounts', 7), ("SELECT :am|", 7)],
)
def test_the_word_before_the_cursor_is_replaced_behind_its_dot_and_with_its_quote(typed, start):
    found = at(typed)

    assert found is not None
    assert found.start == start


def test_without_a_database_there_are_still_keywords():
    found = complete("SELECT 1 FR", 11, UNKNOWN)

    assert found is not None
    assert [one.text for one in found.items] == ["FROM"]


def test_nothing_is_offered_twice():
    found = texts("SELECT | FROM accounts a JOIN accounts a ON true, rich")

    assert len(found) == len({*found})


_WORDS = st.sampled_from(
    [
        *["SELECT", "FROM", "WHERE", "JOIN", "ON", "WITH", "AS", "UPDATE", "SET", "INSERT", "INTO", "VALUES", "CREATE"],
        *["TABLE", "UNION", "USING", "ALTER", "accounts", "owners", "a", "o", '"My Table"', ":x"],
        *[".", ",", "(", ")", "[", "]", "*", "=", "::", "@", ":", ";", "'", '"', "$$", "--", "/*", "*/"],
    ]
)
_TEXTS = st.one_of(st.text(), st.lists(_WORDS).map(" ".join))


@given(_TEXTS, st.data())
def test_no_text_raises_and_only_names_that_there_are_are_offered(text, data):
    known = {"a", "o", *NAMES.schemas, *NAMES.functions, *NAMES.routines, *NAMES.databases, *VARIABLES.values}
    for table in NAMES.tables:
        known |= {table.name, table.schema, *table.columns, *table.indexes}

    found = complete(text, data.draw(st.integers(0, len(text))), NAMES, VARIABLES)

    offered = [one.text for one in found.items if one.kind != "keyword"] if found else []
    assert [one for one in offered if not all(_is_there(name, known, text) for name in _names_in(one))] == []


def _names_in(offered: str) -> list[str]:
    """Give the names of a completion; one that was cut before a quote behind the cursor has it again."""
    whole = offered + '"' * (offered.count('"') % 2)
    return [meant(token.text) for token in lex(whole) if token.kind in {TokenKind.WORD, TokenKind.QUOTED}]


def _is_there(name: str, known: set[str], text: str) -> bool:
    return any(one.startswith(name) for one in known) or name.upper() in text.replace('""', '"').upper()
