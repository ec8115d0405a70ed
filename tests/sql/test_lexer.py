"""Facts about the lexer: what is one token, what is a parameter, what is not closed."""

from __future__ import annotations

import pytest
from hypothesis import given
from sql_fragments import CLOSED, COMMENTS, QUOTED, nasty_text

from crdb_magic.errors import ScriptError
from crdb_magic.sql.lexer import BLANKS, TokenKind, fold, lex, skip_filler


def kinds(text: str) -> list[TokenKind]:
    return [token.kind for token in lex(text)]


def parameters(text: str) -> list[str]:
    return [token.text for token in lex(text) if token.kind is TokenKind.PARAMETER]


@pytest.mark.parametrize("text", [text for _, text in CLOSED], ids=[name for name, _ in CLOSED])
def test_a_string_is_one_token(text: str) -> None:
    (token,) = lex(text)

    assert token == (TokenKind.STRING, text, 0)


@pytest.mark.parametrize("text", QUOTED)
def test_a_quoted_identifier_is_one_token(text: str) -> None:
    (token,) = lex(text)

    assert token == (TokenKind.QUOTED, text, 0)


@pytest.mark.parametrize("text", COMMENTS)
def test_a_comment_is_one_token(text: str) -> None:
    (token,) = lex(text)

    assert token == (TokenKind.COMMENT, text, 0)


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_a_line_comment_ends_with_its_line(end: str) -> None:
    assert kinds(f"-- it's{end};") == [TokenKind.COMMENT, TokenKind.SEMICOLON]


@pytest.mark.parametrize("text", ["a", "_a1", "größe", "a$b", "a$tag$b", "名前", "e", "type", "𝔘"])
def test_an_identifier_is_one_word(text: str) -> None:
    assert kinds(text) == [TokenKind.WORD]


def test_a_letter_of_an_identifier_before_a_quote_is_no_prefix() -> None:
    assert kinds(r"typee'\' ';'") == [TokenKind.WORD, TokenKind.STRING, TokenKind.STRING]


def test_a_placeholder_does_not_begin_a_dollar_quote() -> None:
    assert kinds("$1;$2") == [TokenKind.NUMBER, TokenKind.SEMICOLON, TokenKind.NUMBER]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("SELECT :a", [":a"]),
        (":a", [":a"]),
        ("(:a,:b)", [":a", ":b"]),
        ("x=:a", [":a"]),
        (":a::INT8", [":a"]),
        (":a:::INT8", [":a"]),
        ("-:a", [":a"]),
        ("'x':a", [":a"]),
        (":größe", [":größe"]),
        (":_1", [":_1"]),
        (":row.id", [":row"]),
        (":a=1", [":a"]),
        ("data->:key", [":key"]),
        ("data->>:key", [":key"]),
        ("data#>:path", [":path"]),
        ("data@>:part", [":part"]),
        ("data?:key", [":key"]),
        ("7%:n", [":n"]),
        ("a[:n]", [":n"]),
        ("a[1 :n]", [":n"]),
        (":a/*;*/:b", [":a", ":b"]),
        ("x::INT8", []),
        ("x:::INT8", []),
        ("x::::INT8", []),
        ("f(a := 1)", []),
        ("f(a:=b)", []),
        ("a[1:n]", []),
        ("a[lo:hi]", []),
        ("a[(x):n]", []),
        ("a[b[1]:n]", []),
        ("a[$1:n]", []),
        ("a[é:n]", []),
        ('a["lo":n]', []),
        ("time '10:11:12'", []),
        ("'{\"a\":b}'", []),
        ('":a"', []),
        ("$$ :a $$", []),
        ("-- :a", []),
        ("/* :a */", []),
        ("E'\\':a'", []),
        (": a", []),
        (":1", []),
        (":", []),
    ],
)
def test_a_colon_and_a_name_are_a_parameter_where_nothing_else_is_meant(text: str, names: list[str]) -> None:
    assert parameters(text) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('SELECT * FROM :"t"', [':"t"']),
        (':"s".:"t".:"c"', [':"s"', ':"t"', ':"c"']),
        ('(:"a",:"b")', [':"a"', ':"b"']),
        (':"größe"', [':"größe"']),
        (':"t"::REGCLASS', [':"t"']),
        ('a[:"n"]', [':"n"']),
        ('a[1 :"n"]', [':"n"']),
        ('x::"type"', []),
        ('x:::"type"', []),
        ('x::::"type"', []),
        ('a[1:"n"]', []),
        ('a[lo:"n"]', []),
        ('a["lo":"hi"]', []),
        ('a[(x):"n"]', []),
        ('a[b[1]:"n"]', []),
        ('f(a :="b")', []),
        (': "a"', []),
        (':"a b"', []),
        (':"1"', []),
        (':""', []),
        (':"a""b"', []),
        ('\'{"a":"b"}\'', []),
        ('$$ :"a" $$', []),
        ('-- :"a"', []),
    ],
)
def test_a_colon_and_a_name_in_double_quotes_stand_for_a_name(text: str, names: list[str]) -> None:
    assert [token.text for token in lex(text) if token.kind is TokenKind.NAMING] == names


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("SELECT\n  'abc", "The string that begins at line 2, column 3 is not closed."),
        ("'a''", "The string that begins at line 1, column 1 is not closed."),
        (r"E'a\'", "The string that begins at line 1, column 1 is not closed."),
        (r"SELECT b'\'", "The string that begins at line 1, column 8 is not closed."),
        ("E'a'\n'b\\'", "The string that begins at line 1, column 1 is not closed."),
        ('a."b', "The quoted identifier that begins at line 1, column 3 is not closed."),
        ("a /* b /* c */", "The comment that begins at line 1, column 3 is not closed."),
        ("$a$ $b$ $A$", "The dollar quote that begins at line 1, column 1 is not closed."),
        ("DO $$ $ $", "The dollar quote that begins at line 1, column 4 is not closed."),
    ],
)
def test_what_is_not_closed_is_refused_with_its_place(text: str, sentence: str) -> None:
    with pytest.raises(ScriptError) as caught:
        list(lex(text))

    assert caught.value.message.splitlines()[0] == sentence


def test_an_error_shows_the_line_with_a_caret_and_what_would_close_it() -> None:
    with pytest.raises(ScriptError) as caught:
        list(lex("SELECT 1,\n $a$ x"))

    assert str(caught.value).splitlines()[1:] == ["line 2:  $a$ x", "         ^", "Hint: Close it with $a$"]


@pytest.mark.parametrize("word", ["ſelect", "ınsert"])
def test_a_word_with_other_letters_is_never_folded_to_a_keyword(word: str) -> None:
    assert fold(word) == word


@given(nasty_text)
def test_between_tokens_stands_nothing_but_blanks(text: str) -> None:
    try:
        tokens = list(lex(text))
    except ScriptError:
        return
    starts = [*(token.start for token in tokens), len(text)]
    gaps = [text[end:start] for end, start in zip([0, *(token.end for token in tokens)], starts, strict=True)]

    assert not "".join(gaps).strip(BLANKS)
    assert all(text[token.start : token.end] == token.text for token in tokens)


@given(nasty_text)
def test_skipping_stops_between_tokens_and_before_parameters_and_semicolons(text: str) -> None:
    try:
        tokens = list(lex(text))
    except ScriptError:
        return
    ends = [0, *(token.end for token in tokens)]
    for number, end in enumerate(ends):
        stop = skip_filler(text, end)
        skipped = [token for token in tokens[number:] if token.start < stop]

        assert all(token.end <= stop for token in skipped)
        assert not {token.kind for token in skipped} & {TokenKind.PARAMETER, TokenKind.NAMING, TokenKind.SEMICOLON}
