"""How a name is written, and where one that an error quotes stands in a statement."""

from __future__ import annotations

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sql_fragments import nasty_text

from crdb_magic.errors import OptionError
from crdb_magic.sql.lexer import TokenKind, lex
from crdb_magic.sql.names import meant, place_of, table_name, table_parts, written


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("nope", "SELECT |nope FROM t"),
        ("nope", "SELECT 'nope', |NOPE -- nope\nFROM t /* nope */"),
        ("nope", 'SELECT |"nope"'),
        ('a "b"', 'SELECT |"a ""b"""'),
        ("Nope", 'SELECT |"Nope", nope'),
        ("naïve", "SELECT 'é', |naïve"),
        ("t.nope", "SELECT nope, |t.nope FROM t"),
        ("defaultdb.public.t", "CREATE TABLE |t (id INT)"),
        ("a.b", 'SELECT |"a.b"'),
        ("t", "SELECT $t$ t $t$ FROM |t"),
        ("t", "SELECT :t FROM |t"),
        ("t", "SELECT tt FROM |t"),
    ],
)
def test_it_is_found_where_it_stands_once(name, text):
    assert place_of(name, text.replace("|", "")) == text.index("|")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("nope", "SELECT nope, a.nope"),
        ("Nope", "SELECT nope"),
        ("nope", "SELECT 'nope' -- nope"),
        ("nope", "SELECT :nope"),
        ("t.a", "SELECT b.a, c.a"),
        ("nope", "SELECT 'nope"),
        ("", "SELECT 1"),
        (".", "SELECT a.b"),
    ],
)
def test_it_is_not_guessed(name, text):
    assert place_of(name, text) is None


@given(nasty_text, nasty_text)
def test_whatever_is_found_begins_with_the_name_or_a_quote(name, text):
    place = place_of(name, text)

    assert place is None or text[place] == '"' or text[place].lower() == name.rpartition(".")[2][:1] or "." in name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("accounts", "accounts"),
        ("_a1", "_a1"),
        ("Accounts", '"Accounts"'),
        ("my table", '"my table"'),
        ("1st", '"1st"'),
        ("select", '"select"'),
        ("index", '"index"'),
        ("städte", '"städte"'),
        ('a"b', '"a""b"'),
        ("", '""'),
    ],
)
def test_a_name_is_quoted_where_it_would_be_read_as_another_one_or_a_keyword(name, text):
    assert written(name) == text


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_what_is_written_means_the_name(name):
    tokens = list(lex(written(name)))

    assert [(token.kind in {TokenKind.WORD, TokenKind.QUOTED}, meant(token.text)) for token in tokens] == [
        (True, normalize("NFC", name))
    ]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Accounts", "accounts"),
        ('"Accounts"', "Accounts"),
        ('"a ""b""', 'a "b"'),
        ('U&"a"', "a"),
        ("CAFE\u0301", "caf\u00e9"),
        ('"cafe\u0301"', "caf\u00e9"),
        ("\u0130D", "id"),
    ],
)
def test_a_name_is_folded_and_normalised_as_cockroachdb_does_it(text, name):
    assert meant(text) == name


# Of a table, with its schema.


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("t", '"t"'),
        ("Flights", '"Flights"'),
        ("bank.t", '"bank"."t"'),
        ("db.public.t", '"db"."public"."t"'),
        ('"my.table"', '"my.table"'),
        ('s."my ""own"" table"', '"s"."my ""own"" table"'),
        ("größe 100%", '"größe 100%"'),
    ],
)
def test_a_table_is_named_letter_by_letter(name, quoted):
    assert table_name(table_parts(name)) == quoted


@pytest.mark.parametrize("name", ["", ".", "a.", ".a", "a..b", "a.b.c.d", 'a"b', '"a', '"a"b', "a\0b"])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(OptionError, match="is not a valid table name"):
        table_parts(name)


@given(st.lists(st.text(st.characters(exclude_characters="\0"), min_size=1), min_size=1, max_size=3))
def test_any_name_can_be_written_in_quotes(parts):
    quoted = ".".join('"' + part.replace('"', '""') + '"' for part in parts)

    assert table_parts(quoted) == tuple(parts)
    assert table_name(parts) == quoted
