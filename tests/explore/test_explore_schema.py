"""What a database holds, and what a name means."""

from __future__ import annotations

import pytest

from crdb_magic.core.asof import NOW
from crdb_magic.errors import OptionError
from crdb_magic.explore.schema import Schema, explore
from crdb_magic.session.asking import send
from crdb_magic.session.pinning import pin, unpin


@pytest.fixture
def filled_schema(make, schema):
    make(
        "CREATE TABLE {s}.orders (id INT PRIMARY KEY)",
        'CREATE TABLE {s}."Odd ""name"" <b>" (id INT PRIMARY KEY)',
        "CREATE VIEW {s}.recent AS SELECT id FROM {s}.orders",
        "CREATE MATERIALIZED VIEW {s}.kept AS SELECT id FROM {s}.orders",
        "CREATE SEQUENCE {s}.numbers",
        "COMMENT ON TABLE {s}.orders IS 'what was <i>ordered</i>'",
    )
    return schema


def test_a_schema_has_its_relations_by_name_with_kinds_and_comments(session, filled_schema):
    frame = explore(session, filled_schema).tables

    assert frame.columns.tolist() == ["schema", "name", "kind", "comment"]
    assert frame[["name", "kind"]].to_numpy().tolist() == [
        ['Odd "name" <b>', "table"],
        ["kept", "materialized view"],
        ["numbers", "sequence"],
        ["orders", "table"],
        ["recent", "view"],
    ]
    assert frame.set_index("name").comment["orders"] == "what was <i>ordered</i>"


def test_without_a_name_all_schemas_but_the_systems_are_there(session, filled_schema):
    found = explore(session)

    assert {filled_schema, "public"} <= set(found.schemas)
    assert not {"pg_catalog", "information_schema", "crdb_internal"} & {*found.schemas, *found.tables.schema}
    assert found.database == found.databases[0] == session.connection.info.dbname


def test_a_schema_of_the_systems_is_there_when_it_is_asked_for(session):
    assert "pg_class" in set(explore(session, "pg_catalog").tables.name)
    assert "table_name" in set(explore(session, "information_schema.columns").columns.name)


def test_a_schema_without_tables_is_empty(session, schema):
    assert (explore(session, schema).schemas, len(explore(session, schema).tables)) == ((schema,), 0)


@pytest.mark.parametrize(
    ("pattern", "names"),
    [("{s}.or%", ["orders"]), ("{s}.OR*", ["orders"]), ("{s}.%[e]%", []), ("{s}.%", None), ("{s}.%?%", [])],
)
def test_a_pattern_chooses_by_name(session, filled_schema, pattern, names):
    pattern = pattern.replace("{s}", filled_schema)
    if names == []:
        with pytest.raises(OptionError, match="No table has a name like"):
            explore(session, pattern)
        return
    found = explore(session, pattern)

    assert isinstance(found, Schema)
    assert found.tables.name.tolist() == (names or explore(session, filled_schema).tables.name.tolist())


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("{s}.orders", "orders"),
        ("{s}.ORDERS", "orders"),
        ('"{s}"."orders"', "orders"),
        ('{s}."Odd ""name"" <b>"', 'Odd "name" <b>'),
        ("{d}.{s}.orders", "orders"),
        (" {s}.recent ", "recent"),
    ],
)
def test_a_table_is_found_by_its_name(session, filled_schema, text, name):
    text = text.replace("{s}", filled_schema).replace("{d}", session.connection.info.dbname)

    assert explore(session, text).relation.name == name


def test_a_name_alone_is_looked_for_in_the_search_path_first(session, make, schema):
    make("CREATE TABLE public.{s}_both (a INT)", "CREATE TABLE {s}.{s}_both (b INT)")
    by_default = explore(session, f"{schema}_both").columns.name.tolist()
    session.ask(f"SET search_path = {schema}, public")
    in_path = explore(session, f"{schema}_both").columns.name.tolist()
    session.ask("RESET search_path")
    make("DROP TABLE public.{s}_both")

    assert (by_default[0], in_path[0]) == ("a", "b")


def test_a_name_outside_of_the_search_path_is_found_if_it_stands_there_once(session, make, schema):
    make("CREATE TABLE {s}.{s}_once (a INT)")

    assert explore(session, f"{schema}_once").relation.schema == schema


def test_one_that_stands_there_twice_is_not_guessed(session, make, schema):
    make("CREATE SCHEMA {s}_2", "CREATE TABLE {s}.{s}_twice (a INT)", "CREATE TABLE {s}_2.{s}_twice (a INT)")
    with pytest.raises(OptionError, match=f"{schema}.{schema}_twice, {schema}_2.{schema}_twice"):
        explore(session, f"{schema}_twice")

    make("DROP SCHEMA {s}_2 CASCADE")


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("{s}.oders", "There is no table or schema", "{s}.orders"),
        ("{s}.odd", "There is no table or schema", ""),
        ("{s}.oder%", "No table has a name like", "{s}.orders"),
        ("elsewhere.public.t", "is in another database", "%crdb_connect"),
        ("a.b.c.d", "is not a valid table name", ""),
    ],
)
def test_a_near_miss_has_a_hint_and_no_word_of_commits(session, filled_schema, text, message, hint):
    with pytest.raises(OptionError, match=message) as caught:
        explore(session, text.replace("{s}", filled_schema))

    assert hint.replace("{s}", filled_schema) in str(caught.value.hint)
    assert "committed" not in str(caught.value)


def test_what_may_be_in_another_database_is_told_how_to_get_there(session, make, schema):
    make("CREATE DATABASE {s}_base")
    with pytest.raises(OptionError, match=f"{schema}_base.t is in another database") as caught:
        explore(session, f"{schema}_base.t")
    others = explore(session).databases[1:]
    make("DROP DATABASE {s}_base")

    assert f"{schema}_base" in others
    assert caught.value.hint == f"%crdb_connect to the database {schema}_base."


# When it reads.


def test_within_an_open_transaction_it_shows_what_that_has_made(session, schema):
    session.connection.arm("BEGIN")
    session.ask(f"CREATE TABLE {schema}.fresh (id INT PRIMARY KEY)")
    found = explore(session, f"{schema}.fresh")
    with pytest.raises(OptionError) as missing:
        explore(session, f"{schema}.freesh")
    again = explore(session, schema, sizes=True).tables.name.tolist()
    send(session.connection, "ROLLBACK")

    assert (found.columns.name.tolist(), again) == (["id"], ["fresh"])
    assert "fresh" in str(missing.value.hint)
    assert explore(session, schema).tables.name.tolist() == []


def test_at_a_pin_it_shows_what_there_was(session, other, make, schema):
    make("CREATE TABLE {s}.before (id INT)")
    pin(session, NOW)
    other.ask(f"CREATE TABLE {schema}.after (id INT)")
    pinned = explore(session, schema).tables.name.tolist()
    unpin(session)

    assert (pinned, explore(session, schema).tables.name.tolist()) == (["before"], ["after", "before"])


def test_it_leaves_no_transaction_open(session, filled_schema):
    explore(session, filled_schema)
    explore(session, f"{filled_schema}.orders", sizes=True)

    assert not session.in_transaction


# Estimates.


@pytest.fixture
def counts_at_once(server):
    if not server.sizes_by_function:
        pytest.skip("tells what was counted some seconds ago: sql.crdb_internal.table_row_statistics.as_of_time")


def test_sizes_add_rows_and_bytes(session, make, filled_schema, counts_at_once):
    make("INSERT INTO {s}.orders SELECT generate_series(1, 100)", "ANALYZE {s}.orders")
    found = explore(session, filled_schema, sizes=True)
    frame = found.tables.set_index("name")

    assert frame.rows.dtype == frame.bytes.dtype == "Int64"
    assert frame.rows["orders"] == 100
    assert found.notes == ()


def test_of_one_table_too(session, make, filled_schema, counts_at_once):
    make("INSERT INTO {s}.orders SELECT generate_series(1, 100)", "ANALYZE {s}.orders")

    table = explore(session, f"{filled_schema}.orders", sizes=True)

    assert table.estimate.rows == 100
    assert explore(session, f"{filled_schema}.orders").estimate is None


def test_of_one_table_the_statistics_are_told(session, make, schema):
    make(
        "CREATE TABLE {s}.t (a INT PRIMARY KEY, b INT)",
        "INSERT INTO {s}.t SELECT i, CASE WHEN i <= 50 THEN i % 5 END FROM generate_series(1, 100) AS g (i)",
        "ANALYZE {s}.t",
    )
    told = explore(session, f"{schema}.t", sizes=True).statistics.set_index("columns")

    assert told.loc[["a", "b"], ["distinct", "nulls", "rows"]].to_numpy().tolist()[0] == [100, 0, 100]
    assert (told.nulls["b"], told.rows["b"]) == (50, 100)
    assert told.distinct["b"] in {5, 6}  # with or without NULL
    assert len(explore(session, f"{schema}.t").statistics) == 0


def test_a_table_that_somebody_locks_is_not_waited_for(session, other, filled_schema, server):
    if not server.sizes_by_function:
        pytest.skip("has no LOCK TABLE")
    other.connection.arm("BEGIN")
    other.ask(f"LOCK TABLE {filled_schema}.orders IN ACCESS EXCLUSIVE MODE")
    frame = explore(session, filled_schema, sizes=True).tables.set_index("name")
    send(other.connection, "ROLLBACK")

    assert frame.bytes.isna()["orders"]
    assert not frame.bytes.isna()["kept"]
