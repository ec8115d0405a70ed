"""Names as parameters, :"name": what the server makes of them, and what is no name."""

from __future__ import annotations

from unicodedata import normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crdb_magic.errors import ParameterError, StatementError

_ON_A_SERVER = settings(max_examples=25)
_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=15)


@_ON_A_SERVER
@given(_TEXTS)
def test_any_text_names_a_column_as_it_is(session, sql, name):
    name = normalize("NFC", name)  # as CockroachDB does with every name
    (column,) = session.run(sql('SELECT 1 AS :"name"', {"name": name})).results[0].columns

    assert column.name == name


@pytest.mark.parametrize("name", ["accounts; DROP TABLE accounts", 'a"b', "a'b", "%s", ":x", "select", "Größe"])
def test_a_table_of_that_name_is_made_read_and_dropped(session, sql, name):
    values = {"table": name, "column": name}
    session.run(sql('CREATE TABLE :"table" (:"column" INT)', values))
    session.run(sql('INSERT INTO :"table" (:"column") VALUES (1)', values))
    result = session.run(sql('SELECT t.:"column" FROM :"table" AS t', values)).results[0]
    session.run(sql('DROP TABLE :"table"', values))

    assert (result.columns[0].name, list(result.rows)) == (name, [("1",)])


def test_a_schema_is_a_name_of_its_own(session, sql, table):
    values = {"schema": "public", "table": table}
    result = session.run(sql('SELECT balance FROM :"schema".:"table" ORDER BY id', values)).results[0]

    assert list(result.rows) == [("100",), ("20",)]


def test_values_stand_beside_names(session, sql, table):
    result = session.run(sql('SELECT id FROM :"t" WHERE id = :id', {"t": table, "id": 2})).results[0]

    assert list(result.rows) == [("2",)]


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (7, ':"name" is not a name, but of type int.'),
        (None, ':"name" is not a name, but of type NoneType.'),
        (["a"], ':"name" is not a name, but of type list.'),
        (("public", "a"), ':"name" is not a name, but of type tuple.'),
        ("", ':"name" is not a name: it is empty.'),
        ("a\0b", ':"name" is a text that holds a character no server takes.'),
        ("\ud800", ':"name" is a text that holds a character no server takes.'),
    ],
)
def test_what_is_no_name_is_refused_by_a_sentence(session, sql, value, sentence):
    with pytest.raises(ParameterError) as caught:
        session.run(sql('SELECT 1 AS :"name"', {"name": value}))

    assert caught.value.message == sentence


def test_a_name_that_the_server_would_cut_is_refused(session, sql):
    if session.server.longest_name is None:
        pytest.skip("it cuts none")
    fits = "é" * (session.server.longest_name // 2)
    session.run(sql('SELECT 1 AS :"name"', {"name": fits}))

    with pytest.raises(ParameterError, match=r':"name" is longer than a name can be there: 63 bytes\.'):
        session.run(sql('SELECT 1 AS :"name"', {"name": fits + "éé"}))


def test_a_syntax_error_behind_a_name_is_shown_in_its_place(session, sql, table):
    with pytest.raises(StatementError) as caught:
        session.run(sql('SELECT 1\nFROM :"t" WHER E x', {"t": table}))

    assert caught.value.excerpt == ('line 2: FROM :"t" WHER E x', "                       ^")
