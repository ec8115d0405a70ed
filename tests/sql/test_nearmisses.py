"""Facts about near misses: what is refused before it is sent, and what is hinted at beside a server's refusal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sql_fragments import nasty_text

from crdb_magic.errors import ParameterError, ScriptError
from crdb_magic.sql.nearmisses import hint, hint_in_python, quoted_uses, refuse
from crdb_magic.sql.statements import split

VALUES = {
    "tbl": "accounts",
    "userId": 7,
    "user_id": 7,
    "_hidden": 1,
    "both": "public.accounts",
    "In": [],
    "ids": [1, 2],
}


def hinted(text: str, sqlstate: str | None, place: int | None = None, message: str = "") -> str | None:
    (statement,) = split(text)
    return hint(statement.bind(VALUES), sqlstate, place, message)


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ("SELECT\u00a01", "An invisible character stands in line 1: NO-BREAK SPACE (U+00A0)."),
        ("\ufeffSELECT 1", "An invisible character stands in line 1: ZERO WIDTH NO-BREAK SPACE (U+FEFF)."),
        ("SELECT 1;\nSELECT a\u200b FROM t", "An invisible character stands in line 2: ZERO WIDTH SPACE (U+200B)."),
        ("SELECT :a\u200d FROM t", "An invisible character stands in line 1: ZERO WIDTH JOINER (U+200D)."),
        ("SELECT '\u00a0', a\u3000", "An invisible character stands in line 1: IDEOGRAPHIC SPACE (U+3000)."),
        ("SELECT 1\x85", "An invisible character stands in line 1: a control character (U+0085)."),
    ],
)
def test_an_invisible_character_is_refused_by_its_name_and_place(cell, sentence):
    with pytest.raises(ScriptError) as caught:
        refuse(split(cell))

    assert caught.value.message.splitlines()[0] == sentence


@pytest.mark.parametrize(
    "cell",
    ["SELECT '\u00a0'", 'SELECT "a\u00a0b"', "SELECT 1 -- \u00a0", "/* \ufeff */ SELECT 1", "SELECT می\u200cخواهم"],
)
def test_an_invisible_character_means_itself_in_quotes_comments_and_between_letters_that_it_joins(cell):
    refuse(split(cell))


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ("SELECT :cfg.key", ":cfg.key (line 1): a parameter is a variable, not an expression."),
        ("SELECT\n:ids[0]", ":ids[0] (line 2): a parameter is a variable, not an expression."),
        ("SELECT :ids [0] + 1", ":ids [0] (line 1): a parameter is a variable, not an expression."),
        ('SELECT :cfg["key"]', ':cfg["key"] (line 1): a parameter is a variable, not an expression.'),
    ],
)
def test_an_attribute_or_an_item_of_a_variable_is_refused(cell, sentence):
    with pytest.raises(ParameterError) as caught:
        refuse(split(cell))

    assert caught.value.message.splitlines()[0] == sentence
    assert "Assign it to a variable first." in str(caught.value)


@pytest.mark.parametrize(
    "cell",
    [
        "SELECT (:ids)[1], (:row).id, a[:n], a[:n][:m], :a::INT8[], :x.5",
        'SELECT :"t".a, :"t".*, :"s".:"t"',
        'SELECT :"a"[1]',
        "SELECT ':ids[0]'",
    ],
)
def test_what_sql_has_of_that_is_left_alone(cell):
    refuse(split(cell))


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("SELECT * FROM :tbl", 14, 'The name of a table or a column is written :"tbl".'),
        ("SELECT * FROM :tbl", None, 'The name of a table or a column is written :"tbl".'),
        ("SELECT * FROM accounts ORDER BY :tbl", None, ':"tbl"'),
        ("UPDATE :tbl SET a = 1", 7, ':"tbl"'),
        ("SELECT * FROM {tbl}", 14, ':tbl for its value, :"tbl" for the name'),
        ("SELECT * FROM {{ tbl }}", 14, ':tbl for its value, :"tbl" for the name'),
        ("SELECT $tbl", 7, ":tbl for its value"),
        ("SELECT ${tbl}", 7, ":tbl for its value"),
        ("SELECT %(tbl)s", 7, ":tbl for its value"),
        ("SELECT %s", 7, "write :name"),
        ("\\d accounts", 0, "\\d is psql's. %crdb_schema lists"),
        ("-- look\n\\dt+", None, "\\dt+ is psql's."),
        ("\\copy accounts FROM 'a.csv'", 0, "%crdb_write"),
        ("\\timing", 0, "under each cell"),
        ("\\set city 'Berlin'", 0, "A variable of Python"),
        ("SELECT 1 \\gx", 9, "\\gx is psql's. df.T"),
        ("SELECT * FROM t WHERE a = :'tbl'", 26, ":'tbl' is psql's: write :tbl."),
    ],
)
def test_a_syntax_error_hints_at_what_was_meant(text, place, words):
    assert words in str(hinted(text, "42601", place))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("CREATE TABLE t (id INT)", "PostgreSQL has plans of queries"),
        ("-- so\nSHOW TABLES", "PostgreSQL has plans of queries"),
        ("analyze SELECT 1", "--explain=analyze"),
        ("/* so */ (SELECT 1 +", "None"),
        ("TABLE t t", "None"),
    ],
)
def test_what_a_server_can_not_explain_is_told(text, words):
    (statement,) = split(text)

    assert words in str(hint(statement.bind(VALUES).behind("EXPLAIN (FORMAT JSON)"), "42601", None, ""))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("SELECT 1 + ", None),
        ("SELECT * FROM accounts WHERE id = :tbl BY", 40),
        ("SELECT extract(day FROM :tbl) FROM", 33),
        ("SELECT '{tbl}' '$tbl'", 15),
        ("SELECT 5 % s FROM", 17),
        ("SELECT 5 %(tbl) FROM", 20),
        ("SELECT /* {tbl} */ FROM -- $x", 19),
        ("SELECT ':\\gx :tbl' 1", 20),
    ],
)
def test_other_syntax_errors_stand_by_themselves(text, place):
    assert hinted(text, "42601", place) is None


@pytest.mark.parametrize(
    ("text", "refused", "word"),
    [
        ("UPDATE t SET a = 1 WHERE id = 1\nSELECT * FROM t", "SELECT", "SELECT"),
        ("SELECT * FROM t -- all\n  update t SET a = 1", "t SET", "update"),
        ("SELECT 1\nSELECT 2", "2", "SELECT"),
        ("SELECT count(*) FROM t\nDROP TABLE t", "TABLE", "DROP"),
        ("CREATE TABLE t (a INT)\nINSERT INTO t VALUES (1)", "INSERT", "INSERT"),
        ("CREATE VIEW v AS SELECT 1\nSELECT 2", "2", "SELECT"),
        ("INSERT INTO t VALUES (:tbl)\nWITH a AS (SELECT 1) SELECT 1", "WITH", "WITH"),
        ("SELECT a FROM t ORDER BY a DESC\nSHOW TABLES", "SHOW", "SHOW"),
    ],
)
def test_a_line_that_begins_another_statement_lacks_a_semicolon(text, refused, word):
    assert hinted(text, "42601", text.rindex(refused)) == f"Is a ; missing before {word}?"


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("SELECT a,\nSELECT b", "SELECT b"),
        ("SELECT a FROM t WHERE a IN\nSELECT 1", "SELECT 1"),
        ("SELECT 1 FROM (\nUPDATE t SET a = 1)", "SET"),
        ("CREATE VIEW v\nSELECT 1", "SELECT"),
        ("CREATE TABLE t\nSELECT 1", "SELECT"),
        ("CREATE TRIGGER x AFTER INSERT\nUPDATE ON t", "UPDATE"),
        ("INSERT INTO t VALUES (1) ON CONFLICT (id)\nUPDATE SET a = 1", "UPDATE"),
        ("GRANT INSERT\nSELECT ON t TO u", "SELECT"),
        ("ALTER TABLE t\nDROP 5", "5"),
        ("WITH a AS (SELECT 1)\nWITH b AS (SELECT 1) SELECT 1", "WITH b"),
        ("SELECT 1\nFROM t t t", "t"),
        ("SELECT 'a\nSELECT b' c d", "d"),
        ("SELECT 1 SELECT 2", "2"),
        ("\nSELECT SELECT 2", "2"),
        ("SELEC 1", "SELEC"),
    ],
)
def test_where_a_statement_can_not_end_none_is_missing(text, refused):
    assert hinted(text, "42601", text.strip().rindex(refused)) is None


@pytest.mark.parametrize(
    ("text", "refused", "said"),
    [
        ("SELECT 1 FROM t WHERE a = :ids", "=", "IN :ids, or = ANY(:ids)"),
        ("SELECT 1 FROM t WHERE a <> :ids", "<>", "NOT IN :ids, or <> ALL(:ids)"),
        ("SELECT 1 FROM t WHERE a = :ids", "", "IN :ids"),
        ("SELECT 1 FROM t WHERE tags = :ids AND a = 'b'", "= 'b'", "None"),
        ("SELECT 1 FROM t WHERE a = :tbl", "=", "None"),
        ("SELECT 1 FROM t WHERE a = ANY(:ids)", "=", "None"),
        ("SELECT f(:ids)", "f", "None"),
    ],
)
def test_a_list_that_is_compared_with_a_value_says_how(text, refused, said):
    assert said in str(hinted(text, "42883", text.index(refused) if refused else None))


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ("SELECT 1 WHERE a = ':tbl'", ["':tbl' is a text; the variable is :tbl, without quotes."]),
        ("SELECT '{{ tbl }}', '{{ tbl }}'", ["'{{ tbl }}' is a text; the variable is :tbl, without quotes."]),
        ("SELECT ':other', ':_hidden', ':In', 'a :tbl', ': tbl', ':tbl''s', '{tbl}'", []),
        ("SELECT \":tbl\", $$':tbl'$$, a -- ':tbl'", []),
        ("SELECT E':tbl', x':tbl'", []),
        ("SELECT ':tbl' AS name, :tbl AS value", []),
    ],
)
def test_a_text_that_is_a_parameter_in_quotes_is_told(text, notes):
    (statement,) = split(text)

    assert quoted_uses(statement, VALUES) == notes


def test_where_a_server_refuses_that_text_it_is_told_too():
    assert hinted("SELECT 1 WHERE a = ':user_id'", "22P02") == (
        "':user_id' is a text; the variable is :user_id, without quotes."
    )


@pytest.mark.parametrize(
    ("text", "sqlstate", "place", "words"),
    [
        ("SELECT 1 # one, two", "42601", 14, "a comment begins with --"),
        ("SELECT 1 # one", "42703", 11, "a comment begins with --"),
        ("SELECT 1 WHERE '# one' = a", "42703", 25, "None"),
        ("SELECT a, 1 # one", "42703", 7, "None"),
        ("SELECT d #> '{a}' FROM", "42601", 18, "None"),
    ],
)
def test_a_comment_of_python_has_a_hint(text, sqlstate, place, words):
    assert words in str(hinted(text, sqlstate, place))


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ('column "user_id" does not exist', "write :user_id for its value"),
        ('column "userid" does not exist', "write :userId for its value"),
        ('column "In" does not exist', "None"),
        ('column "_hidden" does not exist', "None"),
        ('column "other" does not exist', "None"),
        ("no name here", "None"),
    ],
)
def test_a_column_that_is_a_variable_of_the_notebook_lacks_its_colon(message, words):
    assert words in str(hinted("SELECT x", "42703", None, message))


def test_a_table_that_is_a_variable_of_the_notebook_lacks_its_colon_and_quotes():
    said = hinted("SELECT * FROM tbl", "42P01", None, 'relation "tbl" does not exist')

    assert said == 'The notebook has a variable tbl: if it holds the name of the table, write :"tbl".'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('SELECT "Ann"', "Double quotes are for names. A text is written in single quotes."),
        ("SELECT nope", None),
    ],
)
def test_a_text_in_double_quotes_is_told_from_a_name(text, said):
    hint_ = hinted(text, "42703", 7, f"column {text[7:]} does not exist")

    assert hint_ == said


def test_one_name_with_a_dot_is_told_from_two():
    said = hinted('SELECT * FROM :"both"', "42P01", None, 'relation "public.accounts" does not exist')

    assert said == ':"both" is one name, dots included: write :"schema".:"table", a variable for each.'


def test_a_placeholder_of_other_drivers_has_a_hint():
    assert hinted("SELECT $1", "42P02") == "Values come from the notebook's variables here: write :name."


@pytest.mark.parametrize("sqlstate", ["23505", "40001", None])
def test_other_errors_have_no_hint(sqlstate):
    assert hinted("SELECT {tbl} FROM :tbl", sqlstate, None, '"user_id"') is None


@pytest.mark.parametrize(
    ("sql", "sqlstate", "words"),
    [
        ("SELECT :id", "42601", ":id is for cells of SQL. In Python write %s"),
        ("SELECT a::INT8, ':id'", "42601", "None"),
        ("SELECT :id", "42703", "None"),
        ("SELECT ':id", "42601", "None"),
    ],
)
def test_in_python_values_have_other_placeholders(sql, sqlstate, words):
    assert words in str(hint_in_python(sql, sqlstate))


@given(
    nasty_text, st.sampled_from(["42601", "42703", "42P01", "42P02", "42883", "22P02"]), st.integers(0, 50) | st.none()
)
def test_any_cell_gets_at_most_a_hint(text, sqlstate, place):
    try:
        statements = split(text)
        refuse(statements)
    except (ScriptError, ParameterError):
        return
    for statement in statements:
        said = hint(statement.bind(dict.fromkeys(statement.parameters, "a.b")), sqlstate, place, text)

        assert said is None or said.endswith(".")
