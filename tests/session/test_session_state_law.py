"""A law of what was told: whoever is told it shows the settings that the first connection shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress

import psycopg2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crdb_magic.core.target import Target
from crdb_magic.errors import StateLostError
from crdb_magic.session.driver import Connection, connect

VALUES = {"application_name": ["one", "two"], "default_transaction_read_only": ["on", "off"]}
SETTINGS = [f"{verb} {name} = {value}" for name, values in VALUES.items() for value in values for verb in ("SET",) * 3]
OTHERS = [f"{verb} application_name" for verb in ("SET LOCAL application_name = one; RESET", "RESET")] + ["RESET ALL"]
SAVEPOINTS = [f"{verb} {name}" for verb in ("SAVEPOINT", "ROLLBACK TO", "RELEASE") for name in ("a", "a", "b")]
ENDS = ["BEGIN", "COMMIT", "ROLLBACK", "COMMIT AND CHAIN", "SELECT 1/0"]
MESSAGES = st.lists(
    st.lists(st.sampled_from(SETTINGS + OTHERS + SAVEPOINTS + ENDS), min_size=1, max_size=3).map("; ".join), max_size=12
)


@pytest.fixture(scope="module")
def connections(target: Target) -> Iterator[tuple[Connection, Connection]]:
    with closing(connect(target)) as first, closing(connect(target)) as second:
        yield first, second


def send(connection: Connection, *messages: str) -> None:
    for message in messages:
        with suppress(psycopg2.Error), connection.cursor() as cursor:
            cursor.execute(message)


def shown(connection: Connection, name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        return str(cursor.fetchone()[0])


@settings(max_examples=200)
@example(messages=["SAVEPOINT a; SET application_name = one", "ROLLBACK TO a"], end="COMMIT")
@example(messages=["SAVEPOINT a; SET application_name = one; SAVEPOINT a", "RELEASE a", "ROLLBACK TO a"], end="COMMIT")
@example(messages=["SET application_name = one", "COMMIT AND CHAIN"], end="ROLLBACK")
@example(messages=["SET application_name = one; COMMIT; ROLLBACK"], end="COMMIT")
@example(messages=["SET application_name = one; SAVEPOINT a; SELECT 1/0", "ROLLBACK TO a"], end="COMMIT")
@given(messages=MESSAGES, end=st.sampled_from(["COMMIT", "ROLLBACK"]))
def test_who_is_told_shows_the_same_settings(connections, messages, end):
    first, second = connections
    for connection in connections:
        send(connection, "ROLLBACK", "SET default_transaction_read_only = off", "DISCARD ALL")
    send(first, "BEGIN", *messages, end)
    doubted = " ".join(first.told.bound.values())
    with suppress(StateLostError):
        second.tell(first.told)
    names = [name for name in VALUES if name not in doubted]

    assert {name: shown(second, name) for name in names} == {name: shown(first, name) for name in names}
