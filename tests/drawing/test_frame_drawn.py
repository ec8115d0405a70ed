"""NULL in the tables that are shown: one word, apart from all values."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from column_texts import ARROW, EVERYDAY, result_of_rows
from type_cases import GOLDEN

from crdb_magic.columns.frame_options import EXACT
from crdb_magic.columns.frames import to_frame
from crdb_magic.columns.results import Column
from crdb_magic.drawing.frame import frame_bundle
from crdb_magic.values.typemap import Family

NAMES = [name for name, golden in GOLDEN.items() if golden.cases]
_IN_HTML = re.compile(r"<span style=[^>]+>NULL</span>")
_PANDAS_WORDS = re.compile(r"<td>(None|NaN|NaT|&lt;NA&gt;)</td>")


def frame_of(name, options=EXACT, *, nulls_too=True):
    """Make a frame of a type's golden values, then NULL, beside texts."""
    golden = GOLDEN[name]
    columns = [Column("v", golden.type), Column("text", GOLDEN["STRING"].type)]
    texts = [case.text for case in golden.cases[:2]] + [None] * nulls_too
    return to_frame(result_of_rows(columns, *[(text, "é") for text in texts]), options)


def documents(name):
    return {"v"} if GOLDEN[name].type.family is Family.JSON else set()


@pytest.mark.parametrize("options", [EXACT, ARROW, EVERYDAY], ids=["exact", "arrow", "everyday"])
@pytest.mark.parametrize("name", NAMES)
def test_null_is_one_word_in_a_column_of_any_type(name, options):
    frame = frame_of(name, options)
    bundle = frame_bundle(frame, documents(name))
    *others, last = frame._repr_html_().rsplit("<tr>", 1)

    assert bundle["text/plain"].splitlines()[-1].split() == [
        "3" if len(frame) == 4 else str(len(frame) - 1),
        "NULL",
        "é",
    ]
    assert _IN_HTML.sub("None", bundle["text/html"]) == "<tr>".join([*others, _PANDAS_WORDS.sub("<td>None</td>", last)])


@pytest.mark.parametrize("options", [EXACT, ARROW, EVERYDAY], ids=["exact", "arrow", "everyday"])
@pytest.mark.parametrize("name", NAMES)
def test_what_holds_no_null_is_shown_as_pandas_does(name, options):
    frame = frame_of(name, options, nulls_too=False)

    assert frame_bundle(frame, documents(name)) == {"text/plain": repr(frame), "text/html": frame._repr_html_()}


def test_it_is_told_from_the_text_and_from_the_empty_one():
    frame = pd.DataFrame({"v": ["NULL", "", None]})
    bundle = frame_bundle(frame, set())

    assert bundle["text/plain"].splitlines()[1:] == ["0  'NULL'", "1        ", "2    NULL"]
    assert [bool(_IN_HTML.search(row)) for row in bundle["text/html"].split("<tr>")[1:]] == [False, False, True]


def test_a_nan_is_no_null():
    frame = pd.DataFrame({"v": pd.array(pd.Series([1.5, None], dtype="Float64")), "f": [np.nan, 2.5]})

    assert frame_bundle(frame, set())["text/plain"].splitlines()[1:] == ["0   1.5  NaN", "1  NULL  2.5"]


@pytest.mark.parametrize("known", [{"v"}, None], ids=["by its type", "by its cells"])
def test_a_null_of_json_is_pythons_none(known):
    frame = pd.DataFrame({"v": pd.Series([{"a": 1}, None, pd.NA], dtype=object)})

    assert [line.split()[-1] for line in frame_bundle(frame, known)["text/plain"].splitlines()[2:]] == ["None", "NULL"]


def test_a_none_among_what_json_does_not_have_is_null_where_types_are_not_known():
    frame = frame_of("UUID")

    assert frame_bundle(frame, None)["text/plain"] == frame_bundle(frame, set())["text/plain"]


@pytest.mark.parametrize(
    "options",
    [
        {"display.max_rows": 4, "display.min_rows": 2},
        {"display.max_columns": 2},
        {"display.width": 20},
        {"display.max_colwidth": 8},
        {"display.show_dimensions": True},
        {"display.float_format": "{:.3f}".format},
        {"display.precision": 1},
    ],
    ids=" ".join,
)
def test_the_options_of_pandas_hold(options):
    frame = pd.DataFrame({name: [1.2345] * 50 for name in "abcdefgh"}).assign(t="a long text of many words")
    with pd.option_context(*(part for option in options.items() for part in option)):
        assert frame_bundle(frame, set()) == {"text/plain": repr(frame), "text/html": frame._repr_html_()}


def test_without_html_if_pandas_was_told_so():
    with pd.option_context("display.notebook_repr_html", False):
        assert list(frame_bundle(frame_of("INT8"), set())) == ["text/plain"]


def test_a_summary_is_left_to_pandas():
    with pd.option_context("display.large_repr", "info", "display.max_rows", 1):
        assert frame_bundle(frame_of("INT8"), set()) is None


def test_names_of_two_columns_may_be_the_same():
    frame = pd.DataFrame([[1, None], [2, "x"]], columns=["a", "a"])

    assert frame_bundle(frame, set())["text/plain"].splitlines()[1] == "0  1  NULL"


def test_what_the_server_sends_is_escaped_beside_it():
    frame = pd.DataFrame({"<b>": ["<script>", None]})
    html = frame_bundle(frame, set())["text/html"]

    assert "<script>" not in html
    assert "<b>" not in html
