"""What is read of a database's names."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from faults import Fault, ServerError, instead
from tables import unique

from crdb_magic.errors import StatementError
from crdb_magic.explore.names import DatabaseNames, NamedTable, read_names
from crdb_magic.session.session_state import SessionState


@pytest.fixture
def schema(session, sql) -> Iterator[str]:
    """A schema of our own, with a table of two columns, an index, a view and a function."""
    name = unique("names_read")
    session.run(sql(f"CREATE SCHEMA {name}"))
    session.run(sql(f'CREATE TABLE {name}.t (b INT PRIMARY KEY, "A b" INT, gone INT)'))
    session.run(sql(f"ALTER TABLE {name}.t DROP COLUMN gone"))
    session.run(sql(f'CREATE INDEX by_a ON {name}.t ("A b")'))
    session.run(sql(f"CREATE VIEW {name}.v AS SELECT b AS x FROM {name}.t"))
    session.run(sql(f"CREATE SEQUENCE {name}.s"))
    yield name
    session.run(sql(f"DROP SCHEMA {name} CASCADE"))


def _found(names: DatabaseNames, schema: str) -> dict[str, NamedTable]:
    return {table.name: table for table in names.tables if table.schema == schema}


def test_tables_views_and_sequences_are_read_with_their_columns(target, schema):
    found = _found(read_names(target), schema)

    assert {name: (table.kind, table.columns) for name, table in found.items() if name != "s"} == {
        "t": ("table", ("b", "A b")),
        "v": ("view", ("x",)),
    }
    assert found["s"].kind == "sequence"


def test_indexes_are_read_where_they_can_be_named(target, schema, server):
    indexes = _found(read_names(target), schema)["t"].indexes

    assert ("by_a" in indexes) is server.own_words


def test_the_path_is_that_of_the_session(target, schema):
    names = read_names(target, SessionState({"SEARCH_PATH": f"SET search_path = {schema}, public"}))

    assert [one for one in names.path if one in {schema, "public"}] == [schema, "public"]
    assert names.seen(_found(names, schema)["t"])
    assert names.find(("t",)) == names.find((schema, "t"))


def test_functions_schemas_and_databases_are_read(target):
    names = read_names(target)

    assert {"count", "lower", "date_trunc"} <= {*names.functions}
    assert "public" in names.schemas
    assert "pg_catalog" in names.path
    assert len(set(names.functions)) == len(names.functions)
    assert names.databases


def test_functions_of_the_path_alone_are_read(session, target, schema, sql):
    try:
        session.run(sql(f"CREATE FUNCTION {schema}.twice(a INT) RETURNS INT LANGUAGE SQL AS $$ SELECT a * 2 $$"))
    except StatementError as error:
        pytest.skip(f"has no functions of its users: {error}")  # CockroachDB v22.1
    there = read_names(target, SessionState({"SEARCH_PATH": f"SET search_path = {schema}, public"}))

    assert "twice" in there.routines
    assert "twice" not in read_names(target).routines


def test_each_kind_is_one_question(proxy, server):
    read_names(proxy.target)

    asked = [text for _, text in proxy.sent if "pg_catalog" in text or "current_schemas" in text]
    assert len(asked) == (7 if server.own_words else 6)
    assert [text for text in asked if "JOIN" in text] == []


def test_what_is_refused_leaves_the_rest(proxy):
    proxy.rules.append(
        Fault(lambda text: "pg_attribute" in text, instead(ServerError("42501", "permission denied")), times=math.inf)
    )
    names = read_names(proxy.target)

    assert {table.columns for table in names.tables} == {()}
    assert names.functions


def test_on_cockroachdb_indexes_are_read(as_v26, schema):
    assert "by_a" in _found(read_names(as_v26.target), schema)["t"].indexes
