"""How a magic's line is read."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdb_magic.core.asof import AsOf
from crdb_magic.core.options import Priority
from crdb_magic.errors import InputError, OptionError, ParameterError
from crdb_magic.explore.explaining import Explain
from crdb_magic.magics.arguments import Rest, describe, parse, unfinished
from crdb_magic.magics.connect import CONNECT_OPTIONS
from crdb_magic.magics.txn_options import TXN_OPTIONS
from crdb_magic.magics.write import WRITE_OPTIONS
from crdb_magic.transfer.loading import Mode


@pytest.mark.parametrize(
    ("line", "given"),
    [
        ("", {}),
        ("--priority high", {"priority": Priority.HIGH}),
        ("--priority HIGH", {"priority": Priority.HIGH}),
        ("--priority=low", {"priority": Priority.LOW}),
        ("--as-of -10s", {"as-of": AsOf.parse("-10s")}),
        ("--as-of '-10s'", {"as-of": AsOf.parse("-10s")}),
        ('--as-of "-10s"', {"as-of": AsOf.parse("-10s")}),
        ("--as-of=-10s", {"as-of": AsOf.parse("-10s")}),
        ("--as-of '2026-06-01 12:00:00Z'", {"as-of": AsOf.parse("2026-06-01 12:00:00Z")}),
        ("--as-of :moment", {"as-of": AsOf.parse("-3s")}),
        ("--max-attempts 3 --timeout 1.5s", {"max-attempts": 3, "timeout": 1.5}),
        ("--read-only --idempotent", {"read-only": True, "idempotent": True}),
    ],
)
def test_an_option_is_read_however_it_is_spelt(line, given):
    assert parse(line, TXN_OPTIONS, {"moment": "-3s"}).given == given


@pytest.mark.parametrize(
    ("line", "table"),
    [
        ("--table t", "t"),
        ('--table "My Table"', "My Table"),
        ("--table '\"My Table\"'", '"My Table"'),
        ('--table public."My Table"', 'public."My Table"'),
        ('--table "my schema"."t"', '"my schema"."t"'),
        ("--table a=DECIMAL(10, 2),b=INT", "a=DECIMAL(10, 2),b=INT"),
        ("--table=a=VARCHAR( 10 )", "a=VARCHAR( 10 )"),
        ("--table it's", "it's"),
        ("--table f(x", "f(x"),
    ],
)
def test_blanks_in_quotes_or_parentheses_belong_to_the_value(line, table):
    call = parse(f"df {line} --mode append", WRITE_OPTIONS, {})

    assert (call.rest, call.given) == ("df", {"table": table, "mode": Mode.APPEND})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--prio high", "There is no option --prio.\nHint: Did you mean --priority?"),
        ("--as_of -1s", "Did you mean --as-of?"),
        ("--priority urgent", "priority 'urgent' does not exist: low, normal, high"),
        ("--priority", "--priority needs a value: --priority WORD"),
        ("--priority --read-only", "--priority needs a value"),
        ("--read-only=yes", "--read-only takes no value"),
        ("--on a --on b", "--on is given twice"),
        ("--max-attempts many", "'many' is not a whole number"),
        ("--timeout soon", "'soon' is not a number of seconds"),
        ("--as-of 10s", "is not in the past"),
    ],
)
def test_a_wrong_option_is_refused_with_what_would_be_right(line, message):
    with pytest.raises(OptionError) as caught:
        parse(line, TXN_OPTIONS, {})

    assert message in str(caught.value)


def test_a_variable_that_does_not_exist_is_named():
    with pytest.raises(ParameterError, match="no variable moment for --as-of :moment"):
        parse("--as-of :moment", TXN_OPTIONS, {})


@pytest.mark.parametrize(
    ("line", "into", "rest"),
    [
        ("df << SELECT 1", "df", "SELECT 1"),
        ("df <<SELECT 1 << 2", "df", "SELECT 1 << 2"),
        ("SELECT 1 << 2", None, "SELECT 1 << 2"),
        ("--read-only df << SELECT 1", "df", "SELECT 1"),
        ("df << --read-only SELECT 1", "df", "SELECT 1"),
        ("--read-only SELECT 1 -- why", None, "SELECT 1 -- why"),
        ("SELECT 1 --read-only", None, "SELECT 1 --read-only"),
        ("-- a comment", None, "-- a comment"),
    ],
)
def test_sql_on_the_line_begins_where_the_options_end(line, into, rest):
    call = parse(line, TXN_OPTIONS, {}, Rest.SQL)

    assert (call.into, call.rest) == (into, rest)


@pytest.mark.parametrize(
    ("line", "given", "rest"),
    [
        ("postgresql://h/d --name prod", {"name": "prod"}, "postgresql://h/d"),
        ("--name prod postgresql://h/d", {"name": "prod"}, "postgresql://h/d"),
        ("host=h user=u", {}, "host=h user=u"),
        ("--local", {"local": True}, ""),
        ("--local data --name a", {"local": "data", "name": "a"}, ""),
        ("--local --name a", {"local": True, "name": "a"}, ""),
    ],
)
def test_without_sql_options_may_stand_anywhere(line, given, rest):
    call = parse(line, CONNECT_OPTIONS, {})

    assert (call.given, call.rest) == (given, rest)


@pytest.mark.parametrize(
    ("line", "how", "rest"),
    [
        ("--explain SELECT 1", True, "SELECT 1"),
        ("--explain analyze SELECT 1", True, "analyze SELECT 1"),
        ("--explain=analyze SELECT 1", Explain.ANALYZE, "SELECT 1"),
        ("--explain=plan SELECT 1", Explain.PLAN, "SELECT 1"),
        ("--explain", True, ""),
    ],
)
def test_a_value_that_sql_may_follow_stands_behind_an_equals_sign(line, how, rest):
    call = parse(line, TXN_OPTIONS, {}, Rest.SQL)

    assert (call.given["explain"], call.rest) == (how, rest)


@given(st.text())
def test_no_line_raises_anything_but_our_errors(line):
    with suppress(InputError):
        parse(line, TXN_OPTIONS, {})


def test_the_help_lists_every_option():
    text = describe(TXN_OPTIONS)

    assert [option.name for option in TXN_OPTIONS if f"--{option.name}" not in text] == []


@pytest.mark.parametrize(
    ("line", "typed", "given", "option", "is_name"),
    [
        ("--pri", "--pri", {}, None, True),
        ("-", "-", {}, None, True),
        ("", "", {}, None, False),
        ("--priority ", "", {"priority": ""}, "priority", False),
        ("--priority h", "h", {"priority": ""}, "priority", False),
        ("--priority=h", "h", {"priority": ""}, "priority", False),
        ("--priority high ", "", {"priority": "high"}, None, False),
        ("df << --read-only --on 'a b' --as", "--as", {"read-only": "", "on": "a b"}, None, True),
        ("--bogus SELECT 1", "SELECT 1", {"bogus": ""}, None, False),
        ("--on --as a", "a", {"on": "", "as": ""}, "as", False),
        ("--read-only df << SELECT 1 -- x", "SELECT 1 -- x", {"read-only": ""}, None, False),
    ],
)
def test_a_line_that_is_being_typed_tells_what_its_end_is(line, typed, given, option, is_name):
    found = unfinished(line, TXN_OPTIONS, sql_follows=True)

    assert (found.typed, dict(found.given), found.is_name) == (typed, given, is_name)
    assert (found.option.name if found.option else None) == option


_PARTS = st.sampled_from(
    ["--read-only", "--as arrow", "--as-of -10s", "--on 'a b'", "--max-attempts=3", "--idempotent"]
)


@given(st.lists(_PARTS, unique=True))
def test_a_line_that_is_finished_is_read_as_when_it_was_typed(parts):
    line = " ".join([*parts, ""])

    assert unfinished(line, TXN_OPTIONS, sql_follows=True).given.keys() == parse(line, TXN_OPTIONS, {}).given.keys()


@given(st.text())
def test_no_line_that_is_being_typed_raises(line):
    assert line.endswith(unfinished(line, TXN_OPTIONS).typed)


@pytest.mark.parametrize("value", ["'two  blanks'", "'a --name b'", "'it\\'s  --so'", "= 'x  y'", "=''"])
def test_a_quoted_value_of_libpqs_stays_as_it_is(value):
    address = f"password{'' if value.startswith('=') else '='}{value}"
    call = parse(f"host=h  {address} --name one", CONNECT_OPTIONS, {})

    assert (call.rest, call.given) == (f"host=h {address}", {"name": "one"})
