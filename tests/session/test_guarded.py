"""psycopg2's own doors to transactions and settings."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from crdb_magic import Session
from crdb_magic.errors import OptionError
from crdb_magic.session.driver import Connection

REFUSED: dict[str, Callable[[Connection], object]] = {
    "autocommit": lambda connection: setattr(connection, "autocommit", False),
    "set_session()": lambda connection: connection.set_session(readonly=True),
    "set_isolation_level()": lambda connection: connection.set_isolation_level(1),
    "isolation_level": lambda connection: setattr(connection, "isolation_level", "READ COMMITTED"),
    "readonly": lambda connection: setattr(connection, "readonly", True),
    "deferrable": lambda connection: setattr(connection, "deferrable", True),
}


@pytest.mark.parametrize(("name", "call"), REFUSED.items(), ids=REFUSED)
def test_a_door_to_transactions_of_psycopg2s_own_is_shut(session: Session, name: str, call) -> None:
    with pytest.raises(OptionError, match=re.escape(f"psycopg2's {name} would")):
        call(session.connection)

    assert session.connection.autocommit is True


def test_what_is_written_behind_a_reset_is_committed(session, other, table, sql):
    session.connection.reset()
    session.run(sql(f"UPDATE {table} SET balance = 5"))

    assert other.ask(f"SELECT count(*) FROM {table} WHERE balance = 5").rows == (("2",),)


def test_a_reset_forgets_what_was_set_and_rolls_back(session, table, rows):
    before = rows("SHOW application_name")
    with session.connection.cursor() as cursor:
        cursor.execute(f"SET application_name = 'told'; BEGIN; UPDATE {table} SET balance = 5")
    session.connection.reset()

    assert not session.in_transaction
    assert rows("SHOW application_name") == before
    assert rows(f"SELECT count(*) FROM {table} WHERE balance = 5") == [("0",)]


def test_an_encoding_that_psycopg2_has_set_is_told_again(session, rows, cut_off):
    if session.server.is_cockroachdb:
        pytest.skip("it speaks UTF-8 alone")
    session.connection.set_client_encoding("LATIN1")
    assert session.connection.encoding == "LATIN1"
    cut_off()

    assert rows("SHOW client_encoding") == [("LATIN1",)]
