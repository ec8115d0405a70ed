"""Facts about excerpts: the caret stands under the character, whatever is before it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdb_magic.sql.excerpt import excerpt, locate


@pytest.mark.parametrize(
    ("text", "index", "place"),
    [("", 0, (1, 1)), ("ab", 1, (1, 2)), ("a\nb", 1, (1, 2)), ("a\nb", 2, (2, 1)), ("\n\nab", 3, (3, 2))],
)
def test_lines_and_columns_count_from_one(text: str, index: int, place: tuple[int, int]) -> None:
    assert locate(text, index) == place


@pytest.mark.parametrize(
    ("text", "index", "lines"),
    [
        ("SELECT 1", 7, ("line 1: SELECT 1", "               ^")),
        ("SELECT 1\nFROM t", 14, ("line 2: FROM t", "             ^")),
        ("a\nb", 1, ("line 1: a", "         ^")),
        ("a\nb", 99, ("line 2: b", "         ^")),
        ("a\nb", -1, ("line 1: a", "        ^")),
        ("", 0, ("line 1:", "        ^")),
        ("\tx", 1, ("line 1:     x", "            ^")),
        ("a\r\nb", 1, ("line 1: a", "         ^")),
        ("'東京' x", 5, ("line 1: '東京' x", "               ^")),
        ("e\u0301 x", 3, ("line 1: e\u0301 x", "          ^")),
        ("a\x1b[31m x", 7, ("line 1: a [31m x", "               ^")),
    ],
    ids=["word", "second line", "line end", "behind", "before", "empty", "tab", "crlf", "wide", "accent", "escape"],
)
def test_the_caret_stands_under_the_character(text: str, index: int, lines: tuple[str, str]) -> None:
    assert excerpt(text, index) == lines


def test_the_first_line_may_have_another_number() -> None:
    assert excerpt("a\nb", 2, first_line=7)[0] == "line 8: b"


@pytest.mark.parametrize(
    ("index", "shown"),
    [(0, "X" + "." * 99 + "…"), (250, "…" + "." * 50 + "X" + "." * 49 + "…"), (499, "…" + "." * 99 + "X")],
    ids=["start", "middle", "end"],
)
def test_a_long_line_is_cut_around_the_caret(index: int, shown: str) -> None:
    line, caret = excerpt("." * index + "X" + "." * (499 - index), index)

    assert line == f"line 1: {shown}"
    assert line[caret.index("^")] == "X"


def test_a_line_of_a_hundred_characters_is_not_cut() -> None:
    assert excerpt("." * 100 + "\nb", 50)[0] == "line 1: " + "." * 100


@given(st.text(st.sampled_from("ab \n\t,é"), max_size=400), st.data())
def test_the_character_above_the_caret_is_the_one_asked_for(text: str, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(text)))
    line, caret = excerpt(text, index)
    above = line.ljust(len(caret))[len(caret) - 1]

    assert above == (text[index : index + 1].strip() or " ")


@given(st.text(), st.integers())
def test_any_index_of_any_text_has_an_excerpt(text: str, index: int) -> None:
    line, caret = excerpt(text, index)

    assert line.startswith("line ")
    assert caret.strip(" ") == "^"
