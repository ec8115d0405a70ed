"""The SQL around a written DataFrame: keys, types, statements."""

from __future__ import annotations

import pytest

from crdb_magic.columns.encode import TableColumn
from crdb_magic.errors import OptionError
from crdb_magic.transfer.table import Key, NewTable, insert, parse_dtypes
from crdb_magic.values.encode_types import spelled


@pytest.mark.parametrize(
    ("asked", "names", "key"),
    [
        (None, ["a"], Key()),
        ("uuid", ["a"], Key(generated="uuid")),
        ("ROWID", ["a"], Key(generated="rowid")),
        ("uuid", ["uuid", "id"], Key(("uuid",))),
        ("a", ["a"], Key(("a",))),
        ("b, a", ["a", "b"], Key(("b", "a"))),
        ('"a,b"', ["a,b"], Key(("a,b",))),
        (["a,b", "c"], ["a,b", "c"], Key(("a,b", "c"))),
        (["uuid"], ["uuid"], Key(("uuid",))),
    ],
)
def test_a_key_is_made_by_the_server_or_of_columns(asked, names, key):
    assert Key.of(asked, names) == key


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("uuid", "adds a column id, and the DataFrame has one"),
        ("ownr", "ownr, which is not a column.*\nHint: Did you mean owner"),
        ("zzz", "It has: id, owner"),
        ("id,id", "names id twice"),
        (["uuid"], "uuid, which is not a column"),
        (5, "names of columns, not a int"),
    ],
)
def test_a_key_that_cannot_be_is_refused(asked, message):
    with pytest.raises(OptionError, match=message):
        Key.of(asked, ["id", "owner"])


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (None, {}),
        ("a=INT4", {"a": "INT4"}),
        ("a=DECIMAL(10,2),b=TEXT", {"a": "DECIMAL(10,2)", "b": "TEXT"}),
        (" a = DOUBLE PRECISION , b=TEXT[] ", {"a": "DOUBLE PRECISION", "b": "TEXT[]"}),
        ('"a=b, c"=public."my type"[]', {"a=b, c": 'public."my type"[]'}),
        ("größe=TIMESTAMP(3) WITH TIME ZONE", {"größe": "TIMESTAMP(3) WITH TIME ZONE"}),
        ("g=GEOMETRY(POINT, 4326)", {"g": "GEOMETRY(POINT, 4326)"}),
        ({"a": "BIT VARYING(8)"}, {"a": "BIT VARYING(8)"}),
    ],
)
def test_types_are_given_by_name(asked, given):
    assert parse_dtypes(asked) == given


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("a", "can't be read"),
        ("a=", "can't be read"),
        ("a=INT,a=TEXT", "names a twice"),
        ("a=INT; DROP TABLE b", "is not a valid type for a"),
        ("a=INT) --", "can't be read"),
        ("a=DECIMAL(10,2", "can't be read"),
        ("a='x'", "is not a valid type for a"),
        ({"a": "INT, b INT"}, "is not a valid type for a"),
        ({"a": ""}, "is not a valid type for a"),
        (5, "a dict of them, not a int"),
        ({"a": "INT DEFAULT (SELECT 1)"}, "is not a valid type for a"),
    ],
)
def test_what_is_no_type_is_refused(asked, message):
    with pytest.raises(OptionError, match=message):
        parse_dtypes(asked)


TWO = (TableColumn("a", "BIGINT"), TableColumn('q"', "TEXT"))


@pytest.mark.parametrize(
    ("key", "sql"),
    [
        (Key(), 'CREATE TABLE "t" ("a" BIGINT, "q""" TEXT)'),
        (Key(("q\"", "a")), 'CREATE TABLE "t" ("a" BIGINT, "q""" TEXT, PRIMARY KEY ("q""", "a"))'),
        (
            Key(generated="uuid"),
            'CREATE TABLE "t" ("id" UUID PRIMARY KEY DEFAULT gen_random_uuid(), "a" BIGINT, "q""" TEXT)',
        ),
        (
            Key(generated="rowid"),
            'CREATE TABLE "t" ("id" BIGINT PRIMARY KEY DEFAULT unique_rowid(), "a" BIGINT, "q""" TEXT)',
        ),
    ],
)  # fmt: skip
def test_a_table_is_made_with_its_key(key, sql):
    assert NewTable('"t"', TWO, key).create() == sql


def test_a_table_may_be_made_only_if_it_is_not_there():
    assert NewTable('"t"', TWO).create(unless_there=True).startswith('CREATE TABLE IF NOT EXISTS "t" (')


@pytest.mark.parametrize(
    ("types", "how", "sql"),
    [
        (
            {"a": "bigint", "b": "character varying(3)"},
            {},
            'INSERT INTO "t" ("a", "b") SELECT "a"::bigint, "b"::TEXT '
            'FROM unnest(%s::TEXT[], %s::TEXT[]) AS given ("a", "b")',
        ),
        (
            {"a": "DECIMAL(10, 2)"},
            {"verb": "UPSERT"},
            'UPSERT INTO "t" ("a") SELECT "a"::DECIMAL FROM unnest(%s::TEXT[]) AS given ("a")',
        ),
        (
            {"a": "bit(3)", "b%": "text[]"},
            {"key": ["a"]},
            'INSERT INTO "t" ("a", "b%%") SELECT "a"::VARBIT, "b%%"::TEXT[] FROM unnest(%s::TEXT[], %s::TEXT[]) '
            'AS given ("a", "b%%") ON CONFLICT ("a") DO UPDATE SET "b%%" = excluded."b%%"',
        ),
        (
            {"a": "character(2)[]", "b": "bit(3) [][]"},
            {},
            'INSERT INTO "t" ("a", "b") SELECT "a"::TEXT[], "b"::VARBIT[] '
            'FROM unnest(%s::TEXT[], %s::TEXT[]) AS given ("a", "b")',
        ),
        (
            {"a": "int"},
            {"key": ["a"]},
            'INSERT INTO "t" ("a") SELECT "a"::int FROM unnest(%s::TEXT[]) AS given ("a") ON CONFLICT ("a") DO NOTHING',
        ),
    ],
)
def test_rows_are_inserted_from_arrays(types, how, sql):
    assert insert('"t"', {name: spelled(type_).cast for name, type_ in types.items()}, **how) == sql
