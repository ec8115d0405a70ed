"""What a column takes, by its type as it is spelt and as the catalogue has it."""

from __future__ import annotations

import pytest

from crdb_magic.values.encode_types import CatalogType, ColumnTarget, catalogued, spelled
from crdb_magic.values.encode_values import Form
from crdb_magic.values.limits import Bits, Digits, Length, Real, Whole


@pytest.mark.parametrize(
    ("type_", "target"),
    [
        ("TEXT", ColumnTarget("TEXT")),
        ("STRING(3)", ColumnTarget("TEXT", limit=Length(3))),
        ("character varying (3)", ColumnTarget("TEXT", limit=Length(3))),
        ("CHAR", ColumnTarget("TEXT", limit=Length(1, padded=True))),
        ("CHAR(2)[]", ColumnTarget("TEXT[]", limit=Length(2, padded=True), is_array=True)),
        ("BIT", ColumnTarget("VARBIT", limit=Bits(1, exactly=True))),
        ("BIT VARYING(8)", ColumnTarget("BIT VARYING", limit=Bits(8, exactly=False))),
        ("VARBIT", ColumnTarget("VARBIT")),
        ("DECIMAL", ColumnTarget("DECIMAL")),
        ("NUMERIC(5)", ColumnTarget("NUMERIC", limit=Digits(5, 0))),
        ("DECIMAL(10, -2)", ColumnTarget("DECIMAL", limit=Digits(10, -2))),
        ("INT4 []", ColumnTarget("INT4 []", Form.WHOLE, Whole(), is_array=True)),
        ("FLOAT(24)", ColumnTarget("FLOAT", limit=Real())),
        ("FLOAT(25)", ColumnTarget("FLOAT")),
        ("TIMESTAMP(3) WITH TIME ZONE", ColumnTarget("TIMESTAMP WITH TIME ZONE")),
        ("GEOMETRY(POINT, 4326)", ColumnTarget("GEOMETRY", Form.GEO)),
        ("JSONB[]", ColumnTarget("JSONB[]", Form.JSON_ARRAY, is_array=True)),
        ("REGCLASS", ColumnTarget("REGCLASS", named=True)),
        ('public."my type"', ColumnTarget('public."my type"')),
    ],
)
def test_a_type_that_is_spelt_says_what_its_column_takes(type_, target):
    assert spelled(type_) == target


@pytest.mark.parametrize(
    ("type_", "target"),
    [
        (("character varying", 7, "varchar", "b"), ColumnTarget("TEXT", limit=Length(3))),
        (("text", 7, "text", "b"), ColumnTarget("TEXT", limit=Length(3))),  # CockroachDB's STRING(3)
        (("text", -1, "text", "b"), ColumnTarget("TEXT")),
        (("character[]", 6, "bpchar", "b"), ColumnTarget("TEXT[]", limit=Length(2, padded=True), is_array=True)),
        (("bit", 3, "bit", "b"), ColumnTarget("VARBIT", limit=Bits(3, exactly=True))),
        (("bit varying", 3, "varbit", "b"), ColumnTarget("bit varying", limit=Bits(3, exactly=False))),
        (("numeric", (10 << 16 | 2) + 4, "numeric", "b"), ColumnTarget("numeric", limit=Digits(10, 2))),
        (("numeric", (5 << 16 | 2046) + 4, "numeric", "b"), ColumnTarget("numeric", limit=Digits(5, -2))),
        (("numeric", -1, "numeric", "b"), ColumnTarget("numeric")),
        (("timestamp without time zone", 3, "timestamp", "b"), ColumnTarget("timestamp without time zone")),
        (("bigint", -1, "int8", "b"), ColumnTarget("bigint", Form.WHOLE, Whole())),
        (("real", -1, "float4", "b"), ColumnTarget("real", limit=Real())),
    ],
)
def test_a_type_of_the_catalogue_says_what_its_column_takes(type_, target):
    name, modifier, element, kind = type_

    assert catalogued(CatalogType(name, modifier, "pg_catalog", element, kind)) == target


@pytest.mark.parametrize(
    ("type_", "target"),
    [
        (("Status", -1, "public", "Status", "e"), ColumnTarget('"public"."Status"')),  # as CockroachDB names it
        (("sta tus[]", -1, 'my "own"', "sta tus", "e"), ColumnTarget('"my ""own"""."sta tus"[]')),
        (("date", -1, "public", "date", "e"), ColumnTarget('"public"."date"')),
        (("geometry", -1, "gis", "geometry", "b"), ColumnTarget('"gis"."geometry"', Form.GEO)),
    ],
)
def test_a_type_of_one_s_own_is_named_with_its_schema_in_quotes(type_, target):
    assert catalogued(CatalogType(*type_)) == target
