"""What stands behind a magic's options: a comment behind each line, and nothing where nothing is wanted."""

from __future__ import annotations

import re

import pytest

from crdb_magic.errors import OptionError
from crdb_magic.magics import MAGICS

_NAMED = {magic.name: magic for magic in MAGICS}
_LINES = {
    "crdb_connect": ["", "--list", "--local", "--use default", "postgresql://u:a#b@h/d", "host=h password='a # b'"],
    "crdb_txn": [],
    "crdb_pin": ["", "off", "-1h", "2026-06-01 12:00:00"],
    "crdb_receipt": ["", "--all"],
    "crdb_rerun": ["", "df --key id"],
    "crdb_freeze": ["off", "folder", "'a # b'"],
    "crdb_write": ["df --table t", "--table t df", """df[df.a == "b # c"].head(1) --table t --key 'a # b'"""],
    "crdb_export": ["'SELECT a # b' f.csv", "df f.csv", "df 'a # b.csv'"],
    "crdb_schema": ["", "accounts", """"a # b"."c # d" --sizes"""],
    "crdb_activity": ["", "--on default"],
    "crdb_doctor": ["", "host=h", "--timeout 1"],
}


def test_each_magic_has_lines():
    assert set(_LINES) == set(_NAMED), "give _LINES what may be written behind it"


@pytest.mark.parametrize("comment", ["# now", "#", "  # it's --on b", "#\t'a"])
@pytest.mark.parametrize("name", _LINES)
def test_a_comment_behind_a_line_is_none_of_it(name, comment):
    magic, lines = _NAMED[name], _LINES[name]

    assert [magic.read(f"{line} {comment}", None, {}) for line in lines] == [
        magic.read(line, None, {}) for line in lines
    ]


@pytest.mark.parametrize(
    ("name", "line"), [("crdb_txn", "df << --read-only"), ("crdb_txn", ""), ("crdb_export", "f.csv")]
)
def test_a_comment_behind_the_line_of_a_cell_is_none_of_it(name, line):
    magic = _NAMED[name]

    assert magic.read(f"{line} # why", "SELECT 1", {}) == magic.read(line, "SELECT 1", {})


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("crdb_connect", "postgresql://u:a#b@h/d"),
        ("crdb_connect", "host=h password='a # b'"),
        ("crdb_freeze", "'a  # b'"),
        ("crdb_schema", """"a # b"."c  # d\""""),
        ("crdb_write", """df[df.a == "b # c"]"""),
        ("crdb_export", "'SELECT a # b' f.csv"),
        ("crdb_txn", "SELECT a # b"),
    ],
)
def test_in_quotes_in_a_word_and_in_sql_a_hash_begins_no_comment(name, line):
    assert _NAMED[name].read(line, None, {}).rest == line


def test_a_comment_is_no_value_of_an_option():
    with pytest.raises(OptionError, match="--table needs a value"):
        _NAMED["crdb_write"].read("df --table # which", None, {})


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ("%crdb_activity accounts", "%crdb_activity takes no 'accounts'."),
        ("%crdb_receipt last", "%crdb_receipt takes no 'last'."),
        ("%crdb_freeze off foo", "%crdb_freeze off takes no 'foo'."),
        ("%crdb_connect --list foo", "--list takes no 'foo'."),
        ("%crdb_connect --use default foo", "--use takes no 'foo'."),
        ("%crdb_connect --close default foo", "--close takes no 'foo'."),
        ("%crdb_connect postgresql://u:s3cret@h/d --local", "--local takes no 'postgresql'."),
        ("%crdb_connect --frozen folder password=s3cret", "--frozen takes no 'password'."),
        ("%crdb_pin --show -1h", "--show takes no '-1h'."),
        ("%crdb_doctor --on default host=h password=s3cret", "--on takes no 'host'."),
        ("%%crdb_txn SELECT 1\nSELECT 1", "%%crdb_txn takes no 'SELECT'.\nHint: SQL goes below;"),
    ],
)
def test_what_is_not_wanted_is_refused(notebook, cell, sentence):
    with pytest.raises(OptionError, match=f"^{re.escape(sentence)}"):
        notebook(cell)
    notebook("%crdb_connect --list")

    assert notebook.shown.startswith("* default")
