"""Which way rows go into a table that there is: by COPY, or by INSERT where COPY would store something else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pandas as pd
import pytest
from faults import Exchange, Fault, ServerError, instead, is_, statement
from wire import COPY_DONE, READY, Message

from crdb_magic.core.server import Server
from crdb_magic.errors import Attempt, Outcome, StatementError
from crdb_magic.transfer.existing import existing
from crdb_magic.transfer.loading import Mode, Writing, write
from crdb_magic.values.limits import Length


@pytest.fixture
def make(session, sql, name) -> Callable[[str], None]:
    """Make the table, and what is around it; what the server does not know at all is skipped."""

    def made(text: str) -> None:
        try:
            session.run(sql(text.format(name)))
        except StatementError as error:
            pytest.skip(f"unknown there: {error.message}")

    return made


@pytest.fixture
def append(through, trips, name) -> Callable[..., list[str]]:
    """Append a frame; give the words by which its rows were sent."""

    def appended(frame: pd.DataFrame, into: str | None = None, mode: Mode = Mode.APPEND) -> list[str]:
        sent = trips(lambda: write(through, frame, Writing(table=into or name, mode=mode)))
        return [word for text in sent for word in re.findall(r"(?:^|;)\s*(COPY|INSERT)\b", text)]

    return appended


ROWS = pd.DataFrame({"i": [1, 2], "v": ["x", None]})


def test_rows_go_by_copy(append, make, rows, name):
    make("CREATE TABLE {} (i INT8, v TEXT)")

    assert append(ROWS) == ["COPY"]
    assert rows(f"SELECT * FROM {name} ORDER BY i") == [("1", "x"), ("2", None)]


@pytest.mark.parametrize(
    ("version", "tells"),
    [("CockroachDB CCL v22.1.9", False), ("CockroachDB CCL v22.2.0", True), (None, True)],
)
def test_it_is_known_which_copy_tells_an_empty_text_from_null(version, tells):
    assert Server.identify(version, 180_006).copy_tells_empty is tells


def test_an_empty_text_stays_one_where_copy_takes_it_for_null(append, make, rows, name, monkeypatch):
    monkeypatch.setattr(Server, "copy_tells_empty", property(lambda _: False))
    make("CREATE TABLE {} (i INT8, v TEXT)")
    frame = pd.DataFrame({"i": [1, 2, 3], "v": ["", None, "x"]})

    assert append(frame) == ["INSERT"]
    assert append(frame.tail(2)) == ["COPY"]
    assert rows(f"SELECT v FROM {name} ORDER BY i, v") == [("",), (None,), (None,), ("x",), ("x",)]


def test_names_are_resolved_where_copy_takes_numbers_alone(append, make, rows, name, monkeypatch):
    monkeypatch.setattr(Server, "copy_by_name", property(lambda _: False))
    make("CREATE TABLE {} (i INT8, v REGCLASS)")

    assert append(pd.DataFrame({"i": [1, 2], "v": ["pg_class", None]})) == ["INSERT"]
    assert rows(f"SELECT v FROM {name} ORDER BY i") == [("pg_class",), (None,)]


def test_a_view_is_appended_to(append, make, rows, name, server):
    if server.is_cockroachdb:
        pytest.skip("views take no rows there")
    make("CREATE TABLE {0} (i INT8, v TEXT); CREATE VIEW {0}_v AS SELECT * FROM {0}")

    assert append(ROWS, f"{name}_v") == ["INSERT"]
    assert len(rows(f"SELECT * FROM {name}")) == 2


def test_rules_of_a_table_are_kept(append, make, rows, name):
    make("CREATE TABLE {0} (i INT8, v TEXT); CREATE RULE r AS ON INSERT TO {0} WHERE new.i = 1 DO INSTEAD NOTHING")

    assert append(ROWS) == ["INSERT"]
    assert rows(f"SELECT i FROM {name}") == [("2",)]


def test_policies_of_a_table_are_kept(append, make):
    make("CREATE TABLE {0} (i INT8, v TEXT); ALTER TABLE {0} ENABLE ROW LEVEL SECURITY")

    assert append(ROWS) == ["INSERT"]


def test_a_column_that_is_left_to_the_server_hinders_no_copy(append, make, rows, name):
    make("CREATE TABLE {} (n INT8 GENERATED ALWAYS AS IDENTITY, i INT8, v TEXT)")

    assert append(ROWS) == ["COPY"]
    assert rows(f"SELECT n FROM {name} ORDER BY i") == [("1",), ("2",)]


# What the server refuses.


@pytest.mark.parametrize("mode", [Mode.APPEND, Mode.UPSERT])
def test_a_column_whose_values_the_server_makes_is_to_be_left_out(append, make, rows, name, mode):
    make("CREATE TABLE {} (i INT8 PRIMARY KEY, v INT8 GENERATED ALWAYS AS IDENTITY)")
    with pytest.raises(StatementError, match=r"leave it out \(of a DataFrame by df\.drop") as caught:
        append(pd.DataFrame({"i": [1], "v": [1]}), mode=mode)

    assert caught.value.sqlstate == "428C9"
    assert rows(f"SELECT * FROM {name}") == []


UPSERTED = statement("(INSERT|UPSERT)")


@pytest.mark.parametrize(
    ("mode", "point"), [(Mode.APPEND, is_(COPY_DONE)), (Mode.UPSERT, statement("(INSERT|UPSERT)"))]
)
def test_a_computed_column_is_to_be_left_out(append, make, proxy, mode, point):
    make("CREATE TABLE {} (i INT8 PRIMARY KEY, v TEXT)")
    proxy.rules.append(Fault(point, instead(ServerError("55000", 'cannot write directly to computed column "v"'))))

    with pytest.raises(StatementError, match=r"leave it out \(of a DataFrame by df\.drop"):
        append(ROWS, mode=mode)


def test_a_view_that_takes_no_rows_has_the_server_s_own_advice(append, make, name):
    make("CREATE TABLE {0} (i INT8, v TEXT); CREATE VIEW {0}_v AS SELECT DISTINCT * FROM {0}")

    with pytest.raises(StatementError) as caught:
        append(ROWS, f"{name}_v")
    assert "leave it out" not in str(caught.value)


def too_large(exchange: Exchange) -> None:
    """Refuse a message for its size, and end the connection."""
    said = "message size 17 MiB bigger than maximum allowed message size 16 MiB"
    exchange.tell([ServerError("08P01", said).message, Message(READY, exchange.abort())])
    exchange.cut()


def test_a_message_that_is_too_large_is_refused_at_once_with_advice(through, proxy, make, rows, name):
    make("CREATE TABLE {} (i INT8 PRIMARY KEY, v TEXT)")
    proxy.rules.append(Fault(UPSERTED, too_large))
    attempts: list[Attempt] = []
    with pytest.raises(StatementError, match="message size 17 MiB") as caught:
        write(through, ROWS, Writing(table=name, mode=Mode.UPSERT), observer=attempts.append)

    assert (caught.value.sqlstate, caught.value.outcome) == ("08P01", Outcome.NOT_COMMITTED)
    assert "16 MiB at most: send less at once" in caught.value.hint
    assert attempts == []
    assert write(through, ROWS, Writing(table=name, mode=Mode.UPSERT)).rows == 2


def test_a_lone_statement_that_is_too_large_is_known_not_to_be_committed(through, proxy, sql):
    proxy.rules.append(Fault(statement("CREATE"), too_large))

    with pytest.raises(StatementError) as caught:
        through.run(sql("CREATE TABLE t (i INT8)"))
    assert caught.value.outcome is Outcome.NOT_COMMITTED


# Which table it is.


@pytest.fixture
def schemas(session, sql, name) -> Iterator[tuple[str, str]]:
    """Two schemas, the first of them in the path, with tables of one name."""
    one, two = f"{name}_a", f"{name}_b"
    session.run(sql(f"CREATE SCHEMA {one}"))
    session.run(sql(f"CREATE SCHEMA {two}"))
    session.run(sql(f"CREATE TABLE {one}.{name} (v VARCHAR(1))"))
    session.run(sql(f"CREATE TABLE {two}.{name} (v VARCHAR(2))"))
    yield one, two
    session.run(sql(f"DROP SCHEMA {one} CASCADE"))
    session.run(sql(f"DROP SCHEMA {two} CASCADE"))


def limit_of(session, *parts: str) -> object:
    found = existing(session, parts)
    return found and found.columns["v"].limit


def test_a_table_is_found_by_the_search_path_or_its_schema(session, make, schemas, name):
    make("CREATE TABLE {} (v VARCHAR(3))")
    one, two = schemas
    assert limit_of(session, name) == Length(3)
    assert limit_of(session, one, name) == Length(1)

    session.ask(f"SET search_path = {two}, {one}, public")
    assert limit_of(session, name) == Length(2)
    assert limit_of(session, "public", name) == Length(3)
    assert limit_of(session, name.upper()) is None
    assert limit_of(session, "nowhere", name) is None


def test_a_table_is_found_by_its_database(session, make, target, name):
    make("CREATE TABLE {} (v VARCHAR(3))")

    assert limit_of(session, target["dbname"], "public", name) == Length(3)


def test_a_database_may_stand_for_its_schema_public(session, make, target, name, monkeypatch):
    monkeypatch.setattr(Server, "databases_as_schemas", property(lambda _: True))
    make("CREATE TABLE {} (v VARCHAR(3))")

    assert limit_of(session, target["dbname"], name) == Length(3)
    assert limit_of(session, "nowhere", name) is None


def test_a_temporary_table_is_found(session, sql, name):
    try:
        session.run(sql(f"CREATE TEMPORARY TABLE {name} (v VARCHAR(3))"))
    except StatementError:
        pytest.skip("there are no temporary tables, unless they are asked for")

    assert limit_of(session, name) == Length(3)
    assert limit_of(session, "pg_temp", name) == Length(3)


@pytest.mark.parametrize("mode", [Mode.APPEND, Mode.UPSERT])
def test_a_type_of_one_s_own_may_have_any_name_in_any_schema(append, session, sql, schemas, rows, mode):
    one, _ = schemas
    session.run(sql(f"""CREATE TYPE {one}."My Status" AS ENUM ('good', 'bad')"""))
    session.run(sql(f"""CREATE TABLE {one}.t (i INT8 PRIMARY KEY, v {one}."My Status", w {one}."My Status"[])"""))
    append(pd.DataFrame({"i": [1], "v": ["bad"], "w": [["good", None]]}), f"{one}.t", mode)

    assert rows(f"SELECT v, w FROM {one}.t") == [("bad", "{good,NULL}")]


def test_an_append_asks_nothing_that_an_older_server_does_not_know(through, trips, make, name):
    make("CREATE TABLE {} (i INT8, v TEXT)")
    sent = trips(lambda: write(through, ROWS, Writing(table=name, mode=Mode.APPEND)))

    assert not any("to_regclass" in text for text in sent)
