"""Lists are drawn twice: as plain text in columns, and as HTML."""

from __future__ import annotations

import pytest

from crdb_magic.drawing.lists import Code, Lines, List, bundle_of


def test_columns_are_as_wide_as_they_have_to_be():
    text = List("Things", ("name", "n"), [("日本", "1"), ("e\u0301clair", "20")], numbers=("n",)).text

    assert text.splitlines() == ["Things", "  name     n", "  日本     1", "  e\u0301clair  20"]


def test_a_column_without_text_is_left_out():
    drawn = List("Things", ("name", "note"), [("a", ""), ("b", "")])

    assert "note" not in drawn.text + drawn.html


def test_without_rows_there_is_nothing_or_what_is_said_instead():
    assert (List("Things", ("name",), []).text, List("Things", ("name",), []).html) == ("", "")
    assert List("Things", ("name",), [], empty="None.").text == "Things\n  None."
    assert "None." in List("Things", ("name",), [], empty="None.").html


@pytest.mark.parametrize(("rows", "rolled"), [(40, False), (41, True)])
def test_a_long_list_can_be_rolled(rows, rolled):
    assert ("overflow-y" in List("Things", ("name",), [("a",)] * rows).html) is rolled


def test_only_a_long_cell_is_parted_into_lines():
    html = List("Things", ("name", "note"), [("in transaction", "a note that is longer")]).html

    assert ('white-space: pre">in transaction' in html, 'white-space: pre-wrap">a note' in html) == (True, True)


def test_parts_stand_below_each_other_and_empty_ones_nowhere():
    forms = bundle_of([Lines(("one",), "Head"), Code("SQL", ""), Lines(()), Code("SQL", "SELECT '<b>'")])

    assert forms["text/plain"] == "Head\none\n\nSQL\nSELECT '<b>'"
    assert "SELECT &#x27;&lt;b&gt;&#x27;" in forms["text/html"]
    assert forms["text/html"].count("<details>") == 1


def test_columns_without_names_have_no_heading():
    drawn = List("Things", ("", ""), [("a", "1")])

    assert drawn.text == "Things\n  a  1"
    assert "<th" not in drawn.html
