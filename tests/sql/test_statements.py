"""Facts about statements: where they are cut, what is known of them, how values are bound to them."""

from __future__ import annotations

import contextlib
import dataclasses
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sql_fragments import CLOSED, COMMENTS, QUOTED, nasty_text, only

from crdb_magic.errors import ParameterError, ScriptError
from crdb_magic.sql.lexer import TokenKind, lex
from crdb_magic.sql.statements import Parameter, split, strip_markers


def texts(cell: str) -> list[str]:
    return [statement.text for statement in split(cell)]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("", []),
        (" \n\t", []),
        (";", []),
        (" ; ;; ", []),
        ("-- a; b", []),
        ("/* a */;-- b", []),
        ("SELECT 1", ["SELECT 1"]),
        ("\n SELECT 1 ;\n", ["SELECT 1"]),
        ("SELECT 1; SELECT 2", ["SELECT 1", "SELECT 2"]),
        ("SELECT 1;;SELECT 2;", ["SELECT 1", "SELECT 2"]),
        ("SELECT 1; -- done", ["SELECT 1"]),
        ("SELECT 1 -- one\n;", ["SELECT 1 -- one"]),
        ("-- one\nSELECT 1;\n/* two */ SELECT 2", ["-- one\nSELECT 1", "/* two */ SELECT 2"]),
        ("SELECT 1 /* ; */ + 1", ["SELECT 1 /* ; */ + 1"]),
        ("(SELECT 1; SELECT 2", ["(SELECT 1", "SELECT 2"]),
        ("(;x", ["(", "x"]),
    ],
)
def test_a_cell_is_cut_at_its_semicolons(cell: str, expected: list[str]) -> None:
    assert texts(cell) == expected


@pytest.mark.parametrize("quoted", [*(text for _, text in CLOSED), *QUOTED, *(f"{text}\n" for text in COMMENTS)])
def test_a_semicolon_in_quotes_or_comments_cuts_nothing(quoted: str) -> None:
    assert texts(f"SELECT {quoted}, 1; SELECT 2") == [f"SELECT {quoted}, 1", "SELECT 2"]


@pytest.mark.parametrize(
    "create",
    [
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END",
        "CREATE OR REPLACE PROCEDURE p() begin atomic INSERT INTO t VALUES (1); END",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END",
        "CREATE FUNCTION f() RETURNS int AS $$ BEGIN; END; $$ LANGUAGE plpgsql",
        "CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM a; DELETE FROM b)",
    ],
)
def test_a_body_of_a_create_is_not_cut(create: str) -> None:
    assert texts(f"{create}; SELECT 3") == [create, "SELECT 3"]


@pytest.mark.parametrize(
    "create",
    ["CREATE VIEW v AS SELECT CASE WHEN a THEN 1 END", "CREATE TABLE atomic (begin INT8)", "CREATE TABLE t)"],
)
def test_other_creates_end_at_their_semicolon(create: str) -> None:
    assert texts(f"{create}; SELECT 3") == [create, "SELECT 3"]


@pytest.mark.parametrize(
    ("text", "keyword"),
    [
        ("select 1", "SELECT"),
        ("-- a\n/* b */ Insert INTO t", "INSERT"),
        ("((SELECT 1))", "SELECT"),
        ("( -- a\n VALUES (1))", "VALUES"),
        ("ROLLBACK TO x", "ROLLBACK"),
        ("BEGIN;", "BEGIN"),
        ('"select" 1', ""),
        (":x", ""),
        ("(", ""),
        ("ſelect 1", "ſelect"),
    ],
)
def test_the_keyword_is_the_first_word(text: str, keyword: str) -> None:
    assert only(text).keyword == keyword


def test_a_statement_knows_its_place_in_the_cell() -> None:
    cell = "\n SELECT 1;\n-- two\n\nSELECT\n2;(SELECT 3)"
    first, second, third = split(cell)

    assert [first.line, second.line, third.line] == [2, 5, 6]
    assert [first.offset, second.offset, third.offset] == [2, 12, 29]
    assert second.text[second.head :] == "SELECT\n2"
    assert second.excerpt(second.text.index("2")) == ("line 6: 2", "        ^")


def test_parameters_are_named_once_in_order_of_first_use() -> None:
    assert only("SELECT :b, :a, :b, x::INT8, ':c'").parameters == ("b", "a")


def test_each_statement_has_its_own_parameters() -> None:
    assert [statement.parameters for statement in split("SELECT :a; SELECT 1; SELECT :b")] == [("a",), (), ("b",)]


def test_a_create_has_parameters_too() -> None:
    assert only("CREATE TABLE t AS SELECT (:a)").parameters == ("a",)


def test_a_name_is_normalised_as_python_does_it() -> None:
    assert only("SELECT :cafe\u0301").bind({"caf\u00e9": 1}).parameters == (Parameter("caf\u00e9", 1),)


@pytest.mark.parametrize(("character", "code"), [("\0", "U+0000"), ("\ud800", "U+D800")])
def test_a_character_that_no_server_takes_is_refused(character: str, code: str) -> None:
    with pytest.raises(ScriptError) as caught:
        split(f"SELECT 1;\n '{character}'")

    assert caught.value.message == f"The character at line 2, column 3 cannot be sent to a server ({code})."


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("# NBVAL_SKIP\nSELECT 1", "            \nSELECT 1"),
        ("#NBVAL_SKIP\n\n# NBVAL_IGNORE_OUTPUT\nSELECT 1", "           \n\n                     \nSELECT 1"),
        ("\n # NBVAL_SKIP", "\n             "),
        ("# PYTEST_VALIDATE_IGNORE_OUTPUT\nx", "                               \nx"),
        ("SELECT 1\n# NBVAL_SKIP", "SELECT 1\n# NBVAL_SKIP"),
        ("# a comment\nSELECT 1", "# a comment\nSELECT 1"),
        ("\n  SELECT 1", "\n  SELECT 1"),
        ("", ""),
        ("\ufeffSELECT 1", " SELECT 1"),
        ("\ufeff# NBVAL_SKIP\nSELECT 1", "             \nSELECT 1"),
        ("SELECT \ufeff1", "SELECT \ufeff1"),
    ],
)
def test_markers_of_nbval_are_blanked_out_at_the_start_of_a_cell(cell: str, expected: str) -> None:
    assert strip_markers(cell) == expected


def test_binding_alternates_text_and_parameters() -> None:
    bound = only(":a + :b::INT8, :a").bind({"a": 1, "b": "x", "unused": None})

    assert bound.pieces == ("", Parameter("a", 1), " + ", Parameter("b", "x"), "::INT8, ", Parameter("a", 1), "")


def test_binding_without_parameters_gives_back_the_text() -> None:
    statement = only("SELECT 100 % 7, '%s', ':x'; ")

    assert statement.bind({}).pieces == (statement.text,)


def test_a_parameter_in_double_quotes_is_a_name() -> None:
    bound = only('SELECT :a FROM :"a"').bind({"a": "t"})

    assert bound.pieces == ("SELECT ", Parameter("a", "t"), " FROM ", Parameter("a", "t", names=True), "")


def test_a_missing_name_is_shown_as_it_was_written() -> None:
    with pytest.raises(ParameterError, match=r'There is no value for :"tbl" \(line 1\)') as caught:
        only('SELECT * FROM :"tbl"').bind({"tbls": 1})

    assert caught.value.hint == 'Did you mean :"tbls"?'


def test_a_place_behind_a_name_is_found_in_the_source() -> None:
    bound = only('SELECT * FROM :"t" WHERE x').bind({"t": "accounts"})  # sent as: SELECT * FROM "accounts" WHERE x

    assert [bound.position(index, lengths=[10]) for index in (14, 20, 25, 31)] == [14, 14, 19, 25]


def test_none_is_a_value() -> None:
    assert only("SELECT :a").bind({"a": None}).parameters == (Parameter("a", None),)


def test_a_missing_name_is_named_with_its_line_and_a_suggestion() -> None:
    with pytest.raises(ParameterError) as caught:
        split("SELECT 1;\n\nSELECT *\nWHERE city = :ctiy")[1].bind({"city": 1, "_ctiy": 2, 3: 4})  # type: ignore[dict-item]

    assert str(caught.value).splitlines() == [
        "There is no value for :ctiy (line 4).",
        "line 4: WHERE city = :ctiy",
        "                     ^",
        "Hint: Did you mean :city?",
    ]


@pytest.mark.parametrize("names", [{}, {"_ctiy": 1}, {"unlike": 1}])
def test_without_a_close_public_name_nothing_is_suggested(names: dict[str, object]) -> None:
    with pytest.raises(ParameterError) as caught:
        only("SELECT :ctiy").bind(names)

    assert caught.value.hint == "Give a value to the Python variable ctiy first."


def test_a_value_is_not_in_the_repr() -> None:
    assert "secret" not in repr(only("SELECT :a").bind({"a": "secret"}))


def test_statements_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        only("SELECT 1").text = "DROP TABLE t"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("index", "expected"),
    [(0, 0), (7, 7), (12, 7), (13, 9), (16, 12), (17, 12), (18, 14), (19, 15), (99, 15), (-5, 0)],
)
def test_a_place_in_the_sent_text_is_found_in_the_source(index: int, expected: int) -> None:
    bound = only("SELECT :a + :b!").bind({"a": "four", "b": 1})  # sent as: SELECT 'four' + 1!

    assert bound.position(index, lengths=[6, 2]) == expected


@given(nasty_text)
def test_nothing_but_a_script_error_is_raised_by_any_cell(text: str) -> None:
    try:
        statements = split(strip_markers(text))
    except ScriptError:
        return

    assert all(statement.text for statement in statements)


@given(nasty_text)
def test_splitting_loses_nothing_but_blanks_comments_and_semicolons(text: str) -> None:
    try:
        statements = split(text)
    except ScriptError:
        return
    edges = [0, *(edge for each in statements for edge in (each.offset, each.offset + len(each.text))), len(text)]
    between = [text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]

    assert edges == sorted(edges)
    assert all(text.startswith(each.text, each.offset) for each in statements)
    assert {token.kind for gap in between for token in lex(gap)} <= {TokenKind.COMMENT, TokenKind.SEMICOLON}
    assert all(";" in gap for gap in between[1:-1])


@given(nasty_text)
def test_splitting_agrees_with_the_tokens(text: str) -> None:
    try:
        statements = split(text)
    except ScriptError:
        return
    tokens = list(lex(text))
    uses = [(each.offset + use.start, each.offset + use.end) for each in statements for use in each.uses]
    cuts = [";" in text[a.offset + len(a.text) : b.offset] for a, b in pairwise(statements)]

    assert uses == [
        (token.start, token.end) for token in tokens if token.kind in {TokenKind.PARAMETER, TokenKind.NAMING}
    ]
    assert all(cuts)
    for each in statements:
        inner = {token.kind for token in lex(each.text)}
        assert TokenKind.SEMICOLON not in inner or each.keyword == "CREATE"
        assert each.line == text.count("\n", 0, each.offset + each.head) + 1


@given(nasty_text)
def test_splitting_a_statement_gives_the_statement(text: str) -> None:
    try:
        statements = split(text)
    except ScriptError:
        return

    assert [texts(each.text) for each in statements] == [[each.text] for each in statements]


@given(nasty_text)
def test_every_parameter_is_a_piece_and_the_rest_is_the_text(text: str) -> None:
    try:
        statements = split(text)
    except ScriptError:
        return
    for statement in statements:
        bound = statement.bind(dict.fromkeys(statement.parameters, 1))

        assert tuple(each.name for each in bound.parameters) == tuple(use.name for use in statement.uses)
        assert [isinstance(piece, str) for piece in bound.pieces] == [True, *[False, True] * len(statement.uses)]
        assert "".join(map(str, bound.pieces[::2])) == "".join(
            statement.text[start:end]
            for start, end in zip(
                [0, *(use.end for use in statement.uses)],
                [*(use.start for use in statement.uses), len(statement.text)],
                strict=True,
            )
        )


@given(
    st.lists(st.tuples(st.text("+ ,", max_size=5), st.text("xyz", max_size=8)), max_size=5), st.text("+ ", max_size=5)
)
def test_each_character_of_the_sent_text_has_its_place(parts: list[tuple[str, str]], tail: str) -> None:
    source = "SELECT" + "".join(f"{text} :p" for text, _ in parts) + f" {tail}."
    statement = only(source)
    bound = statement.bind({"p": 0})
    values = iter([value for _, value in parts])
    sent = [piece if isinstance(piece, str) else next(values) for piece in bound.pieces]
    lengths = [len(value) for _, value in parts]
    starts = [0, *accumulate(map(len, sent))]

    for number, piece in enumerate(sent):
        for index in range(starts[number], starts[number + 1]):
            place = bound.position(index, lengths)
            assert source[place] == (piece[index - starts[number]] if number % 2 == 0 else ":")
    assert bound.position(starts[-1], lengths) == len(source)


def test_a_statement_behind_other_words_is_shown_without_them():
    (statement,) = split("-- why\n(SELECT :a\nFROM nowhere)")
    bound = statement.bind({"a": 1}).behind("EXPLAIN")
    whole = bound.source

    assert (whole.text, whole.keyword) == ("EXPLAIN " + statement.text, "EXPLAIN")
    assert [piece for piece in bound.pieces if isinstance(piece, str)] == [
        "EXPLAIN -- why\n(SELECT ",
        "\nFROM nowhere)",
    ]
    assert whole.excerpt(bound.position(whole.text.index("nowhere") + 8, [10])) == statement.excerpt(
        statement.text.index("nowhere")
    )


@pytest.mark.parametrize(
    "text",
    [
        "SELECT '" + "''" * 1_000_000,
        "SELECT E'" + "\\'" * 1_000_000,
        "SELECT E'" + "a'\n'" * 500_000 + "'",
        "SELECT $a$" + "$a$a" * 500_000,
        "SELECT " + "$a " * 600_000,
        "/*" * 500_000 + "*/" * 500_000 + "SELECT 1",
        "/*" * 1_000_000,
        '"' * 2_000_001,
        "SELECT " + "a" * 2_000_000 + " " * 2_000_000 + "'",
        "\n# NBVAL" * 250_000 + " " * 2_000_000,
        "SELECT 1;\n" * 100_000,
        "INSERT INTO t VALUES " + "(:a, 'it''s', 1.5, b'\\''), " * 80_000,
    ],
    ids=lambda text: repr(text[:16]),
)
def test_two_megabytes_of_anything_are_read_without_trying_twice(text: str) -> None:
    with contextlib.suppress(ScriptError):
        split(strip_markers(text))
