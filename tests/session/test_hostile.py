"""Values that would like to be SQL."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crdb_magic.columns.frames import records
from crdb_magic.errors import ParameterError

_ON_A_SERVER = settings(max_examples=150)
_SENDABLE = st.characters(blacklist_characters="\0", blacklist_categories=["Cs"])
_NASTY = st.lists(
    st.sampled_from(
        ["'", '"', "\\", "%", "%s", "%(x)s", ":b", "::", ";", "--", "/*", "*/", "$$", "$1", "E'", "\n", "é", "🐓"]
    )
    | st.text(_SENDABLE, max_size=3),
    max_size=12,
).map("".join)


@_ON_A_SERVER
@given(first=_NASTY, second=_NASTY)
def test_a_text_is_sent_as_it_is_and_changes_nothing_around_it(session, sql, first, second):
    report = session.run(sql("SELECT :a::TEXT, 'kept :a', :b::TEXT, 1 -- :a", {"a": first, "b": second}))

    assert records(report.results[0]) == [(first, "kept :a", second, 1)]


@_ON_A_SERVER
@given(values=st.lists(_NASTY | st.none(), max_size=5))
def test_a_list_of_texts_is_sent_as_it_is(session, sql, values):
    report = session.run(sql("SELECT :values::TEXT[]", {"values": values}))

    assert records(report.results[0]) == [(values,)]


@_ON_A_SERVER
@given(value=st.binary(max_size=64))
def test_bytes_are_sent_as_they_are(session, sql, value):
    report = session.run(sql("SELECT :value::BYTEA", {"value": value}))

    assert records(report.results[0]) == [(value,)]


@_ON_A_SERVER
@given(
    value=st.recursive(st.none() | st.booleans() | st.integers() | _NASTY, lambda inner: st.lists(inner, max_size=3))
)
def test_a_document_is_sent_as_it_is(session, sql, value):
    report = session.run(sql("SELECT :value::JSONB", {"value": {"it": value}}))

    assert records(report.results[0]) == [({"it": value},)]


@pytest.mark.parametrize("value", ["a\0b", "\ud800", "ok \udfff"])
def test_a_text_that_no_server_takes_is_refused_by_name(session, sql, value):
    with pytest.raises(ParameterError, match=":value"):
        session.run(sql("SELECT :value", {"value": value}))


def test_ten_megabytes_of_quotes_come_back(session, sql):
    value = "'\\%" * (10 * 1024 * 1024 // 3)
    report = session.run(sql("SELECT :value::TEXT AS v, length(:value) AS n", {"value": value}))

    assert records(report.results[0]) == [(value, len(value))]


@pytest.mark.parametrize("value", [-1, -1.5, -(2**62)])
def test_a_negative_number_after_a_minus_is_no_comment(session, sql, value):
    report = session.run(sql("SELECT 1-:value, 2", {"value": value}))

    assert len(report.results[0].rows[0]) == 2
    assert records(report.results[0])[0][1] == 2
