"""What is read is exact whatever the defaults of the server, the database and the role are; and the user's own SET."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from crdb_magic.columns.frames import records
from crdb_magic.errors import ResultTypeError, StatementError
from crdb_magic.session.queries import Query
from crdb_magic.session.session import Session
from crdb_magic.transfer.streaming import results

QUERY = """
SELECT 0.1::FLOAT8 + 0.2::FLOAT8 AS f8, 1.7976931348623157e308::FLOAT8 AS largest, 0.1::FLOAT4 AS f4,
    ARRAY[1000000000000001.0::FLOAT8] AS f8s, '1 mon -2 days 03:04:05.6'::INTERVAL AS i, '2026-02-01'::DATE AS d,
    '2026-02-01 10:00:00.5'::TIMESTAMP AS ts, '2026-02-01 10:00:00.5+00'::TIMESTAMPTZ AS tz,
    '\\x00ff5c41'::BYTEA AS b, ARRAY['\\x00ff5c41'::BYTEA] AS bs, '10:00:00+03'::TIMETZ AS t
"""

DEFAULTS = [
    ("extra_float_digits", "0"),
    ("extra_float_digits", "-15"),
    ("intervalstyle", "iso_8601"),
    ("intervalstyle", "sql_standard"),
    ("intervalstyle", "postgres_verbose"),
    ("datestyle", "SQL, DMY"),
    ("datestyle", "German"),
    ("datestyle", "Postgres, MDY"),
    ("bytea_output", "escape"),
    ("bytea_output", "base64"),
    ("timezone", "Asia/Kolkata"),
    ("timezone", "America/New_York"),
]


@pytest.fixture
def database(other: Session, sql) -> Iterator[str]:
    """A database of the test's own."""
    name = f"defaults_{os.getpid()}"
    other.run(sql(f"CREATE DATABASE {name}"))
    yield name
    other.run(sql(f"DROP DATABASE {name}"))


@pytest.fixture
def with_default(database: str, target, other: Session, sql) -> Iterator[Callable[[str, str], Session]]:
    """Give a session with a database whose default of a setting is another one."""
    opened = Session(target.having(dbname=database))

    def made(name: str, value: str) -> Session:
        try:
            other.run(sql(f"ALTER DATABASE {database} SET {name} = '{value}'"))
        except StatementError as error:
            pytest.skip(f"not a value there: {error}")
        return opened

    yield made
    opened.close()


@pytest.mark.parametrize(("name", "value"), DEFAULTS, ids=[f"{name} {value}" for name, value in DEFAULTS])
def test_what_is_read_does_not_depend_on_defaults(with_default, session, name, value):
    there = with_default(name, value)
    doors = [records(there.ask(QUERY))]
    there._sizes.note(QUERY, 10**6)
    doors += [records(there.ask(QUERY))]
    doors += [records(one) for one in results(there, Query.of_text(QUERY, None), 10)]

    assert doors == [records(session.ask(QUERY))] * 3


@pytest.mark.parametrize(
    ("name", "value"), [("extra_float_digits", "-15"), ("intervalstyle", "iso_8601"), ("datestyle", "German")]
)
@pytest.mark.parametrize("statement", ["RESET ALL", "DISCARD ALL", "SELECT 1; /* all */ RESET ALL; SELECT 2"])
def test_nor_do_they_come_back_when_the_user_resets_all(with_default, session, name, value, statement):
    there = with_default(name, value)
    with there.connection.cursor() as cursor:
        cursor.execute(statement)

    assert records(there.ask(QUERY)) == records(session.ask(QUERY))


@pytest.mark.parametrize("role", ["role", "role in the database"])
def test_nor_on_those_of_the_role(database, target, session, other, sql, role):
    expected = records(session.ask(QUERY))
    scope = "" if role == "role" else f" IN DATABASE {database}"
    try:
        other.run(sql(f"ALTER ROLE CURRENT_USER{scope} SET extra_float_digits = -15"))
    except StatementError as error:
        pytest.skip(f"not to be altered there: {error}")
    there = Session(target.having(dbname=database))
    try:
        assert records(there.ask(QUERY)) == expected
    finally:
        there.close()
        other.run(sql(f"ALTER ROLE CURRENT_USER{scope} RESET extra_float_digits"))


# What the user sets later is the user's.


def _set(session: Session, setting: str) -> None:
    try:
        session.ask(f"SET {setting}")
    except StatementError as error:
        pytest.skip(f"not a value there: {error}")


def test_fewer_digits_that_the_user_wants_are_what_comes(session):
    _set(session, "extra_float_digits = 0")

    assert records(session.ask("SELECT 0.1::FLOAT8 + 0.2::FLOAT8")) == [(0.3,)]


def test_bytes_in_the_form_of_escapes_are_read(session):
    _set(session, "bytea_output = 'escape'")

    assert records(session.ask("SELECT '\\x00ff5c41'::BYTEA")) == [(b"\x00\xff\\A",)]


@pytest.mark.parametrize("setting", ["datestyle = 'German'", "intervalstyle = 'iso_8601'"])
def test_a_style_that_is_not_read_is_an_error_that_names_it(session, setting):
    _set(session, setting)

    with pytest.raises(ResultTypeError) as caught:
        records(session.ask("SELECT '2026-02-01'::DATE, '1 mon 2 days'::INTERVAL"))

    assert setting.split()[0] in str(caught.value)


def test_bytes_in_a_form_that_the_server_does_not_tell_are_known_by_what_was_set(through_v26):
    through_v26.ask("SET bytea_output = 'base64'")
    answer = through_v26.ask("SELECT '\\x00ff'::BYTEA AS b")

    with pytest.raises(ResultTypeError, match="bytea_output was set"):
        records(answer)
    through_v26.ask("SET bytea_output = 'hex'")
    assert records(through_v26.ask("SELECT '\\x00ff'::BYTEA AS b")) == [(b"\x00\xff",)]
