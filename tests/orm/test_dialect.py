"""SQL, types and catalogue as CockroachDB has them, for peewee and for playhouse's tools."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from uuid import UUID

import peewee
import psycopg2
import pytest
from peewee import (
    SQL,
    AutoField,
    BlobField,
    CompositeKey,
    DateField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    Table,
    TextField,
    TimestampField,
)
from playhouse import cockroachdb as theirs
from playhouse import db_url, reflection
from playhouse.migrate import SchemaMigrator, migrate
from tables import Tables, unique

from crdb_magic.core.server import Product, Server
from crdb_magic.orm import register_urls
from crdb_magic.orm.database import CockroachDatabase
from crdb_magic.orm.dialect import Dialect
from crdb_magic.orm.fields import ArrayField, IntervalField, JSONField, RowIDField, UUIDKeyField
from crdb_magic.orm.pool import PooledCockroachDatabase

NOWHERE = "postgresql://root@127.0.0.1:1/nowhere?connect_timeout=1"


@pytest.fixture
def db(own_tables: Tables) -> CockroachDatabase:
    return own_tables.db


# Which server it is


def test_the_version_is_one_number(db, server):
    assert db.server_version == server.number
    assert db.server == server


def test_a_plain_connection_of_psycopg2_tells_the_server_without_a_statement(target, server):
    db = Dialect(None)
    connection = psycopg2.connect(**target)

    db._set_server_version(connection)

    assert db.server_version == server.number
    assert connection.info.transaction_status == psycopg2.extensions.TRANSACTION_STATUS_IDLE
    connection.close()


@pytest.mark.parametrize(
    ("product", "version", "number"),
    [
        (Product.COCKROACHDB, (19, 1, 5), 190105),
        (Product.COCKROACHDB, (21, 1, 0), 210100),
        (Product.COCKROACHDB, (26, 2, 11), 260211),
        (Product.POSTGRESQL, (16, 2, 0), 160002),
    ],
)
def test_the_number_of_a_version(product, version, number):
    assert Server(product, version).number == number


def test_another_target_may_be_another_server(url):
    db = CockroachDatabase(url)
    db.connect()

    db.init(url)

    assert db.server_version is None


@pytest.mark.parametrize("database", [CockroachDatabase, PooledCockroachDatabase])
def test_psycopg3_is_refused_with_a_sentence(database):
    with pytest.raises(ValueError, match="connections are psycopg2's: leave prefer_psycopg3 out"):
        database("bank", prefer_psycopg3=True)


# Types


def test_bytes_come_back_as_they_went(own_tables):
    model = own_tables.model(data=BlobField())

    model.create(data=b"\0\1\xff")

    assert bytes(model.get().data) == b"\0\1\xff"


def test_the_type_of_bytes_is_spelt_as_the_server_does_before_it_was_connected_to(url, server):
    db = CockroachDatabase(url)
    model = Tables(db).only_model(data=BlobField())

    sql, _ = model._schema._create_table().query()

    assert ("BYTES" if server.own_type_names else "BYTEA") in sql
    db.close()


@pytest.mark.parametrize("database", [CockroachDatabase(None), CockroachDatabase(NOWHERE)])
def test_without_a_server_the_sql_is_that_of_cockroachdb(database):
    model = Tables(database).only_model("blob", data=BlobField())

    assert '"data" BYTES NOT NULL' in model._schema._create_table().query()[0]
    assert model.insert(data=b"").on_conflict_replace().sql()[0].startswith("UPSERT INTO")


def test_nobody_connects_to_write_sql_that_is_the_same_everywhere(url):
    db = CockroachDatabase(url)
    model = Tables(db).only_model(title=TextField())

    model.insert(title="").on_conflict_ignore().sql()
    model._schema._create_table().query()

    assert db.is_closed()


def test_a_type_that_the_user_names_stays(url):
    db = CockroachDatabase(url, field_types={"BLOB": "BYTEA"})

    assert "BYTEA" in Tables(db).only_model(data=BlobField())._schema._create_table().query()[0]


# INSERT … ON CONFLICT


@pytest.fixture
def pair(own_tables):
    """A model with one row: k = a, v = 1, w = 1, which are its key, a column and one with a default."""
    model = own_tables.model(k=TextField(primary_key=True), v=IntegerField(), w=IntegerField(default=1))
    model.create(k="a", v=1)
    return model


def rows(model) -> list[tuple]:
    return list(model.select().order_by(*model._meta.sorted_fields).tuples())


@pytest.mark.parametrize("action", ["replace", "upsert", "UPSERT"])
def test_replace_overwrites_the_columns_that_are_inserted(pair, action):
    pair.insert(k="a", v=2, w=5).on_conflict(action).execute()
    pair.insert(k="b", v=3).on_conflict(action).execute()

    assert rows(pair) == [("a", 2, 5), ("b", 3, 1)]


def test_replace_leaves_the_other_columns_alone(own_tables):
    model = own_tables.model(k=TextField(primary_key=True), v=IntegerField(), note=TextField(null=True))
    model.create(k="a", v=1, note="kept")

    model.insert(k="a", v=2).on_conflict_replace().execute()

    assert rows(model) == [("a", 2, "kept")]


@pytest.mark.parametrize(
    "given",
    [
        [{"k": "a", "v": 7}, {"k": "b", "v": 8}],
        ({"k": key, "v": value} for key, value in (("a", 7), ("b", 8))),
        [("a", 7, 1), ("b", 8, 1)],
    ],
    ids=["dicts", "a generator", "tuples"],
)
def test_many_rows_are_replaced(pair, given):
    keys = pair.insert_many(given).on_conflict_replace().execute()

    assert [key for (key,) in keys] == ["a", "b"]
    assert rows(pair) == [("a", 7, 1), ("b", 8, 1)]


def test_many_rows_of_named_columns_are_replaced(pair):
    pair.insert_many([("a", 7)], fields=[pair.k, "v"]).on_conflict_replace().execute()

    assert rows(pair) == [("a", 7, 1)]


def test_the_rows_of_a_query_are_replaced(pair):
    query = pair.select(pair.k, pair.v + 10, pair.w)

    pair.insert_from(query, [pair.k, pair.v, pair.w]).on_conflict_replace().execute()

    assert rows(pair) == [("a", 11, 1)]


def test_a_row_of_nothing_but_its_key_is_replaced(own_tables):
    model = own_tables.model(k=TextField(primary_key=True))
    model.create(k="a")

    assert model.insert(k="a").on_conflict_replace().execute() == "a"


def test_a_row_is_replaced_by_a_key_of_several_columns(own_tables):
    model = own_tables.model(primary_key=CompositeKey("x", "y"), x=IntegerField(), y=IntegerField(), v=TextField())
    model.create(x=1, y=2, v="old")

    model.insert(x=1, y=2, v="new").on_conflict_replace().execute()

    assert rows(model) == [(1, 2, "new")]


def test_a_row_without_a_key_is_added(own_tables):
    model = own_tables.model(primary_key=False, v=IntegerField())

    model.insert(v=1).on_conflict_replace().execute()
    model.insert(v=1).on_conflict_replace().execute()

    assert rows(model) == [(1,), (1,)]


def test_replacing_goes_by_the_primary_key_only(own_tables):
    model = own_tables.model(id=RowIDField(), name=TextField(unique=True))
    model.create(name="taken")

    with pytest.raises(peewee.IntegrityError):
        model.insert(name="taken").on_conflict_replace().execute()


def test_a_table_without_a_model_is_replaced_in_as_well(own_tables, pair):
    table = Table(pair._meta.table_name, ("k", "v", "w"), primary_key="k").bind(own_tables.db)

    table.insert(k="a", v=3, w=4).on_conflict_replace().execute()

    assert rows(pair) == [("a", 3, 4)]


def test_upsert_is_said_where_the_server_knows_it(pair, server):
    sql, _ = pair.insert(k="a", v=2).on_conflict_replace().sql()

    assert sql.startswith("UPSERT INTO") == server.upsert


@pytest.mark.parametrize("target", [None, ["k"]])
def test_ignore_leaves_the_row_that_is_there(pair, target):
    answer = pair.insert(k="a", v=2).on_conflict("ignore", conflict_target=target).execute()

    assert answer is None
    assert rows(pair) == [("a", 1, 1)]


def test_update_says_what_becomes_of_the_row_that_is_there(pair):
    insert = pair.insert(k="a", v=5)
    insert.on_conflict(conflict_target=[pair.k], preserve=[pair.v], update={pair.w: pair.w + 9}).execute()

    assert rows(pair) == [("a", 5, 10)]


@pytest.mark.parametrize("action", ["ignore", "update", "replace"])
def test_the_name_of_a_constraint_is_refused(pair, action):
    with pytest.raises(ValueError, match="name the columns"):
        pair.insert(k="a", v=5).on_conflict(action, conflict_constraint="primary", preserve=[pair.v]).execute()


def test_an_unknown_action_is_refused(pair):
    with pytest.raises(ValueError, match=r"can replace .UPSERT., ignore or update; not abort"):
        pair.insert(k="a", v=5).on_conflict("abort").execute()


def test_update_without_a_target_is_refused(pair):
    with pytest.raises(ValueError, match="conflict target"):
        pair.insert(k="a", v=5).on_conflict(preserve=[pair.v]).execute()


# Names


def test_a_percent_sign_in_the_name_of_a_column_is_one(own_tables):
    model = own_tables.model(
        share=IntegerField(column_name="share %"), half=TextField(column_name="50%s %%"), n=IntegerField()
    )
    one = model.create(share=7, half="a", n=1)
    model.update(share=model.share + 1).where(model.half == "a").execute()
    model.insert_many([(1, "b", 2)], [model.share, model.half, model.n]).execute()

    assert model.get(model.id == one.id).share == 8
    assert list(model.select(model.share, model.half).where(model.n == 2).tuples()) == [(1, "b")]
    assert own_tables.db.rows(model.select(model.half).where(model.share > 1)) == [("a",)]
    assert own_tables.db.frame(model.select(model.share)).columns.tolist() == ["share %"]


def test_percent_signs_that_are_no_names_are_left_alone(own_tables):
    model = own_tables.model(share=IntegerField(column_name="share %"), text=TextField())
    model.create(share=7, text="100%")
    query = model.select().where(model.share == 7, SQL("'%%' || '\"%%\"' = %s", ('%"%"',)), model.text % "100\\%")

    assert query.count() == 1


# Dates

INSTANT = dt.datetime(2024, 2, 29, 13, 14, 59, 750_000)


@pytest.fixture
def event(own_tables):
    model = own_tables.model(at=DateTimeField(), day=DateField(), stamp=TimestampField(resolution=1000, utc=True))
    model.create(at=INSTANT, day=INSTANT.date(), stamp=INSTANT)
    return model


@pytest.mark.parametrize("part", ["year", "month", "day", "hour", "minute"])
def test_a_part_of_a_date_is_an_int(event, part):
    value = event.select(getattr(event.at, part)).scalar()

    assert (type(value), value) == (int, getattr(INSTANT, part))


def test_seconds_keep_their_fraction(event):
    assert event.select(event.at.second).scalar() == 59.75


def test_a_date_has_parts_too(event):
    assert event.select(event.day.year, event.day.month, event.day.day).tuples().get() == (2024, 2, 29)


def test_rows_are_found_and_grouped_by_a_part(event):
    query = event.select(event.at.year, peewee.fn.COUNT(event.id)).where(event.at.month == 2).group_by(event.at.year)

    assert list(query.tuples()) == [(2024, 1)]


def test_an_instant_as_seconds_is_a_float(event):
    value = event.select(event.at.to_timestamp()).scalar()

    assert value == INSTANT.replace(tzinfo=dt.UTC).timestamp()


def test_seconds_as_an_instant_know_their_zone(own_tables):
    model = own_tables.model(seconds=peewee.DoubleField())
    model.create(seconds=1.5)

    value = model.select(own_tables.db.from_timestamp(model.seconds)).scalar()

    assert value == dt.datetime(1970, 1, 1, 0, 0, 1, 500_000, dt.UTC)


def test_a_timestamp_field_has_parts(event):
    parts = event.select(event.stamp.year, event.stamp.minute, event.stamp.from_timestamp()).tuples().get()

    assert parts[:2] == (2024, 14)
    assert parts[2].replace(microsecond=0) == INSTANT.replace(microsecond=0, tzinfo=dt.UTC)


def test_a_date_is_truncated(event):
    assert event.select(event.at.truncate("month")).scalar() == dt.datetime(2024, 2, 1)


# The catalogue


def test_tables_and_views_are_listed_apart(own_tables):
    table, view = own_tables.table("x INT"), unique("view")
    own_tables.db.execute_sql(f"CREATE VIEW {view} AS SELECT x FROM {table}")

    listed, views = own_tables.db.get_tables(), [one.name for one in own_tables.db.get_views()]
    own_tables.db.execute_sql(f"DROP VIEW {view}")

    assert (table in listed, view in listed) == (True, False)
    assert (table in views, view in views) == (False, True)


def test_columns_tell_their_type_null_default_and_key(own_tables):
    table = own_tables.table(
        "id UUID PRIMARY KEY DEFAULT gen_random_uuid(), d DECIMAL(12,2), t TEXT NOT NULL DEFAULT 'x'"
    )

    found = {column.name: column for column in own_tables.db.get_columns(table)}

    assert {name: (one.full_type, one.null, one.primary_key) for name, one in found.items()} == {
        "id": ("uuid", False, True),
        "d": ("numeric(12,2)", True, False),
        "t": ("text", False, False),
    }
    assert found["id"].default == "gen_random_uuid()"
    assert found["t"].default.startswith("'x'")


def test_columns_that_the_server_numbers_are_known(own_tables):
    model = own_tables.model(id=RowIDField(), title=TextField())

    assert [column.identity for column in own_tables.db.get_columns(model._meta.table_name)] == [True, False]


def test_a_key_of_several_columns_is_in_its_own_order(own_tables):
    table = own_tables.table("a INT, b INT, c INT, PRIMARY KEY (c, a)")

    assert own_tables.db.get_primary_keys(table) == ["c", "a"]


def test_a_table_without_a_key_has_the_hidden_one_if_any(own_tables, server):
    table = own_tables.table("x INT")
    hidden = ["rowid"] if server.hidden_columns else []

    assert [column.name for column in own_tables.db.get_columns(table)] == ["x", *hidden]
    assert own_tables.db.get_primary_keys(table) == hidden


def test_so_has_one_that_was_made_from_a_query(own_tables, server):
    table = own_tables.table_as("SELECT 1 AS x")
    hidden = ["rowid"] if server.hidden_columns else []

    assert [column.name for column in own_tables.db.get_columns(table)] == ["x", *hidden]


class _Older(CockroachDatabase):
    """Answers about a table of x and a hidden key as CockroachDB v22.1 does: of that key there is no constraint."""

    server = Server(Product.COCKROACHDB, (22, 1, 0))

    def execute_sql(self, sql, params=None):
        if "is_hidden" in sql:
            sql, params = "SELECT 'rowid'", None
        elif "table_constraints" in sql:
            sql, params = "SELECT 'rowid' WHERE false", None
        return super().execute_sql(sql, params)


def test_a_hidden_key_is_found_where_the_constraints_leave_it_out(own_tables, url, server):
    if server.hidden_columns:
        pytest.skip(f"{server} answers for itself")
    table = own_tables.table("x INT, rowid INT PRIMARY KEY")
    older = _Older(url)

    assert [(column.name, column.primary_key) for column in older.get_columns(table)] == [("x", False), ("rowid", True)]
    assert older.get_primary_keys(table) == ["rowid"]
    older.close()


def test_hidden_columns_are_left_out(own_tables, server):
    if not server.hidden_columns:
        pytest.skip(f"{server} has no hidden columns")
    table = own_tables.table("id INT PRIMARY KEY, x INT NOT VISIBLE")

    assert [column.name for column in own_tables.db.get_columns(table)] == ["id"]


def test_indexes_are_listed_without_that_of_the_key(own_tables):
    table = own_tables.table("id INT PRIMARY KEY, a INT, b INT, UNIQUE (b, a)")
    own_tables.db.execute_sql(f"CREATE INDEX {table}_a ON {table} (a)")

    found = [(index.columns, index.unique) for index in own_tables.db.get_indexes(table)]

    assert found == [(["b", "a"], True), (["a"], False)]


def test_a_key_with_a_name_of_its_own_is_left_out_too(own_tables):
    table = own_tables.table("a INT, b INT, CONSTRAINT mine PRIMARY KEY (a, b)")

    assert own_tables.db.get_indexes(table) == []


def test_foreign_keys_tell_their_columns_in_pairs(own_tables):
    parent = own_tables.table("a INT, b INT, PRIMARY KEY (b, a)", "parent")
    child = own_tables.table(
        f"id INT PRIMARY KEY, pa INT, pb INT,"
        f" FOREIGN KEY (pb, pa) REFERENCES {parent} (b, a) ON DELETE CASCADE ON UPDATE SET NULL",
        "child",
    )

    found = own_tables.db.get_foreign_keys(child)

    assert [(key.column, key.dest_column) for key in found] == [("pb", "b"), ("pa", "a")]
    assert {(key.table, key.dest_table, key.on_delete, key.on_update) for key in found} == {
        (child, parent, "CASCADE", "SET NULL")
    }
    assert len({key.name for key in found}) == 1


def test_foreign_keys_of_one_name_in_two_tables_are_not_mixed_up(own_tables):
    parent = own_tables.table("id INT PRIMARY KEY, other INT UNIQUE", "parent")
    one = own_tables.table(f"x INT, CONSTRAINT same FOREIGN KEY (x) REFERENCES {parent} (id)")
    two = own_tables.table(f"y INT, CONSTRAINT same FOREIGN KEY (y) REFERENCES {parent} (other)")

    assert [(key.column, key.dest_column) for key in own_tables.db.get_foreign_keys(one)] == [("x", "id")]
    assert [(key.column, key.dest_column) for key in own_tables.db.get_foreign_keys(two)] == [("y", "other")]


def test_a_table_may_refer_to_itself(own_tables):
    table = own_tables.table("id INT PRIMARY KEY, up INT")
    own_tables.db.execute_sql(f"ALTER TABLE {table} ADD CONSTRAINT up FOREIGN KEY (up) REFERENCES {table} (id)")

    assert [(key.column, key.dest_table) for key in own_tables.db.get_foreign_keys(table)] == [("up", table)]


def test_another_schema_is_asked_for_by_its_name(own_tables):
    schema = unique("schema")
    own_tables.db.execute_sql(f"CREATE SCHEMA {schema}")
    own_tables.db.execute_sql(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, x INT UNIQUE)")

    asked = (
        own_tables.db.get_tables(schema),
        [column.name for column in own_tables.db.get_columns("t", schema)],
        own_tables.db.get_primary_keys("t", schema),
        [index.columns for index in own_tables.db.get_indexes("t", schema)],
    )
    own_tables.db.execute_sql(f"DROP SCHEMA {schema} CASCADE")

    assert asked == (["t"], ["id", "x"], ["id"], [["x"]])


# playhouse.db_url


@pytest.fixture
def _registered():
    """Ours are registered; peewee's own are put back, since another test may want them."""
    before = dict(db_url.schemes)
    register_urls(CockroachDatabase, PooledCockroachDatabase)
    yield
    db_url.schemes.clear()
    db_url.schemes.update(before)


@pytest.mark.usefixtures("_registered")
@pytest.mark.parametrize(
    ("scheme", "kind"),
    [
        ("cockroachdb", CockroachDatabase),
        ("crdb", CockroachDatabase),
        ("cockroachdb+pool", PooledCockroachDatabase),
        ("crdb+pool", PooledCockroachDatabase),
    ],
)
def test_a_url_of_playhouse_makes_our_database(url, scheme, kind):
    db = db_url.connect(f"{scheme}://{url.split('://')[1]}")

    assert type(db) is kind
    assert db.execute_sql("SELECT 1").fetchone() == (1,)
    db.close()


@pytest.mark.usefixtures("_registered")
def test_a_url_of_playhouse_hands_on_its_options():
    db = db_url.connect("cockroachdb+pool://root@host:26257/bank?max_connections=3&sslmode=require")

    assert (db.database, db._max_connections) == ("bank", 3)
    assert db.connect_params == {"user": "root", "host": "host", "port": 26257, "sslmode": "require"}


# playhouse.reflection


def generated(own_tables, *models):
    names = [model if isinstance(model, str) else model._meta.table_name for model in models]
    found = reflection.generate_models(own_tables.db, table_names=names)
    return [found[name] for name in names]


def test_models_are_generated_that_work(own_tables):
    author = own_tables.model("author", id=UUIDKeyField(), name=TextField(unique=True))
    book = own_tables.model("book", id=RowIDField(), author=ForeignKeyField(author), title=TextField(index=True))

    author2, book2 = generated(own_tables, author, book)
    written = book2.create(author=author2.create(name="A"), title="T")

    assert book.get(book.id == written.id).author.name == "A"
    assert isinstance(book2.author, ForeignKeyField)
    assert (author2._meta.fields["name"].unique, book2._meta.fields["title"].index) == (True, True)
    assert isinstance(book2.id, AutoField)


def test_generated_models_have_our_fields(own_tables):
    model = own_tables.model(
        data=JSONField(),
        span=IntervalField(),
        tokens=ArrayField(peewee.UUIDField),
        prices=ArrayField(peewee.DecimalField, {"max_digits": 20, "decimal_places": 8}),
    )
    row = {
        "data": {"a": 1},
        "span": dt.timedelta(1),
        "tokens": [UUID(int=1)],
        "prices": [Decimal("123456789.12345678")],
    }

    (model2,) = generated(own_tables, model)
    model2.create(**row)

    assert [type(model2._meta.fields[name]) for name in row] == [JSONField, IntervalField, ArrayField, ArrayField]
    assert model.select(*(getattr(model, name) for name in row)).dicts().get() == row


def test_generated_models_have_keys_of_several_columns(own_tables):
    model = own_tables.model(primary_key=CompositeKey("y", "x"), x=IntegerField(), y=IntegerField())

    (model2,) = generated(own_tables, model)

    assert model2._meta.primary_key.field_names == ("y", "x")


def test_a_table_without_a_key_makes_a_model_with_the_hidden_one_if_any(own_tables, server):
    (model,) = generated(own_tables, own_tables.table("x INT"))

    model.create(x=1)

    assert model._meta.sorted_field_names == (["rowid", "x"] if server.hidden_columns else ["x"])
    assert model.get().x == 1


def test_an_introspector_knows_which_server_it_asks(own_tables, server):
    found = reflection.Introspector.from_database(own_tables.db)

    assert isinstance(found.metadata, reflection.CockroachDBMetadata) == server.own_type_names
    assert found.metadata.database is own_tables.db


def test_playhouse_still_introspects_the_databases_of_others():
    found = reflection.Introspector.from_database(peewee.SqliteDatabase(":memory:"))

    assert isinstance(found.metadata, reflection.SqliteMetadata)
    with pytest.raises(ValueError, match="uninitialized"):
        reflection.Introspector.from_database(peewee.DatabaseProxy())


# playhouse.migrate


@pytest.fixture
def change(own_tables):
    """A migrator, and a model with one row to migrate."""
    model = own_tables.model("change", id=RowIDField(), name=TextField())
    model.create(name="one")
    return SchemaMigrator.from_database(own_tables.db), model._meta.table_name


def content(own_tables, table) -> list[dict]:
    cursor = own_tables.db.execute_sql(f"SELECT * FROM {table}")
    return [dict(zip([column[0] for column in cursor.description], row, strict=True)) for row in cursor.fetchall()]


def test_a_migrator_knows_which_server_it_changes(own_tables, change, server):
    migrator, _ = change

    assert migrator.transactional_ddl == server.transactional_ddl


def test_without_a_server_the_migrator_is_that_of_cockroachdb():
    assert not SchemaMigrator.from_database(CockroachDatabase(None)).transactional_ddl


def test_a_migrator_is_made_for_a_proxy_as_well(own_tables):
    proxy = peewee.DatabaseProxy()
    proxy.initialize(own_tables.db)

    assert SchemaMigrator.from_database(proxy).database is own_tables.db


def test_playhouse_still_migrates_the_databases_of_others():
    assert SchemaMigrator.from_database(theirs.CockroachDatabase(None)).explicit_create_foreign_key


def test_columns_are_added_renamed_and_dropped(own_tables, change):
    migrator, table = change

    migrate(
        migrator.add_column(table, "age", IntegerField(default=7)),
        migrator.add_column(table, "data", BlobField(null=True)),
        migrator.rename_column(table, "name", "title"),
    )
    migrate(migrator.drop_column(table, "data"))

    assert [(row["title"], row["age"]) for row in content(own_tables, table)] == [("one", 7)]
    assert [column.name for column in own_tables.db.get_columns(table)] == ["id", "title", "age"]


def test_a_column_is_made_not_null_and_null_again(own_tables, change):
    migrator, table = change
    migrate(migrator.add_column(table, "note", TextField(null=True, default="")))
    own_tables.db.execute_sql(f"UPDATE {table} SET note = ''")

    def null() -> bool:
        return next(column.null for column in own_tables.db.get_columns(table) if column.name == "note")

    migrate(migrator.add_not_null(table, "note"))
    before = null()
    migrate(migrator.drop_not_null(table, "note"))

    assert (before, null()) == (False, True)


@pytest.mark.parametrize("unique", [False, True])
def test_indexes_are_added_and_dropped(own_tables, change, unique):
    migrator, table = change

    migrate(migrator.add_index(table, ("name",), unique))
    added = own_tables.db.get_indexes(table)
    migrate(migrator.drop_index(table, added[0].name))

    assert [(index.columns, index.unique) for index in added] == [(["name"], unique)]
    assert own_tables.db.get_indexes(table) == []


def test_a_foreign_key_is_added_and_dropped(own_tables, change):
    migrator, table = change
    parent = own_tables.model("parent", id=UUIDKeyField())

    migrate(migrator.add_column(table, "parent_id", ForeignKeyField(parent, parent.id, null=True)))
    added = own_tables.db.get_foreign_keys(table)
    migrate(migrator.drop_foreign_key_constraint(table, "parent_id"))

    assert [(key.column, key.dest_table) for key in added] == [("parent_id", parent._meta.table_name)]
    assert own_tables.db.get_foreign_keys(table) == []


def test_a_table_is_renamed(own_tables, change):
    migrator, table = change
    other = unique("renamed")

    migrate(migrator.rename_table(table, other))
    rows_there = content(own_tables, other)
    migrate(migrator.rename_table(other, table))

    assert [row["name"] for row in rows_there] == ["one"]
