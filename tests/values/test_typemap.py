"""The type table: OIDs that real servers gave, and types made from rows of pg_type."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from type_cases import of_oid

from crdb_magic.values.typemap import (
    BUILTIN,
    CatalogRow,
    Family,
    SqlType,
    array_of,
    decimal_digits,
    decimal_modifier,
    enum,
    from_catalog,
    lookup,
    text_like,
)

ANSWERS = json.loads(Path(__file__).with_name("crdb_types.json").read_text(encoding="utf-8"))

MOOD = CatalogRow(101446, "fact_mood", "e", array_oid=101447, labels=("sad", "ok"))
MOODS = CatalogRow(101447, "_fact_mood", "b", element_oid=101446)


@pytest.mark.parametrize("answer", ANSWERS["values"], ids=lambda answer: answer["type"])
def test_each_type_that_cockroachdb_answered_with_is_known(answer):
    assert lookup(answer["oid"])


def test_no_oid_stands_twice_in_the_table():
    oids = [oid for type_ in BUILTIN for oid in (type_.oid, type_.array_oid) if oid]

    assert len(oids) == len(set(oids))


def test_the_types_of_the_table_can_be_hashed_and_are_equal_by_value():
    assert {of_oid(20), of_oid(1016)} == {of_oid(20), array_of(of_oid(20))}


def test_an_array_knows_its_element():
    array = of_oid(1016)

    assert (array.name, array.family, array.ddl, array.element) == ("INT8[]", Family.ARRAY, "BIGINT[]", of_oid(20))


@pytest.mark.parametrize("oid", [0, 101446, 2**32 - 1])
def test_what_is_not_built_in_is_left_to_the_catalog(oid):
    assert lookup(oid) is None


def test_the_numbers_of_cockroachdb_mean_nothing_on_postgresql():
    assert lookup(90000, cockroach=False) is None


def test_the_numbers_that_both_share_mean_the_same_on_postgresql():
    assert lookup(20, cockroach=False) is lookup(20)


def test_the_array_whose_elements_are_not_parted_by_commas_stays_a_text():
    assert of_oid(1020).family is Family.TEXT


def test_an_enum_is_spelt_with_quotes():
    assert enum('my "mood"', 1, ["ok"]).ddl == '"my ""mood"""'


def test_an_enum_and_its_array_are_made_from_the_catalog():
    mood = enum("fact_mood", 101446, ["sad", "ok"], array_oid=101447)

    assert from_catalog([MOODS, MOOD]) == {101446: mood, 101447: array_of(mood)}


def test_the_array_of_a_row_comes_with_it():
    assert from_catalog([MOOD])[101447].element == enum("fact_mood", 101446, ["sad", "ok"], array_oid=101447)


def test_a_domain_is_decoded_as_its_base():
    types = from_catalog([CatalogRow(20000, "port", "d", array_oid=20001, base_oid=23)])

    assert types[20000] == SqlType("port", 20000, 20001, Family.INT4, "INT4")
    assert types[20001].element == types[20000]


def test_a_domain_may_be_made_of_a_domain_of_an_enum():
    outer = CatalogRow(30001, "outer", "d", base_oid=30000)
    inner = CatalogRow(30000, "inner", "d", base_oid=101446)

    assert from_catalog([outer, inner, MOOD])[30001].labels == ("sad", "ok")


def test_a_domain_may_be_made_of_an_array():
    types = from_catalog([CatalogRow(30000, "scores", "d", array_oid=30001, base_oid=1016)])

    assert (types[30000].family, types[30000].element) == (Family.ARRAY, of_oid(20))


@pytest.mark.parametrize("name", ["hstore", "cube"])
def test_an_extension_without_a_python_value_is_text(name):
    assert from_catalog([CatalogRow(40000, name, "b", array_oid=40001)])[40000] == text_like(name, 40000, 40001)


@pytest.mark.parametrize(("name", "family"), [("geometry", Family.GEO), ("vector", Family.VECTOR)])
def test_postgis_and_pgvector_are_known_by_name(name, family):
    types = from_catalog([CatalogRow(90000, name, "b", array_oid=50001)], cockroach=False)

    assert (types[90000].family, types[90000].oid, types[50001].oid) == (family, 90000, 50001)


def test_an_enum_on_postgresql_may_have_an_oid_of_cockroachdb():
    types = from_catalog([MOOD._replace(oid=90000)], cockroach=False)

    assert types[90000].family is Family.ENUM


@pytest.mark.parametrize("kind", ["c", "r", "m"])
def test_composites_and_ranges_are_text(kind):
    assert from_catalog([CatalogRow(60000, "vector", kind)])[60000] == text_like("vector", 60000)


def test_a_base_type_with_elements_and_an_array_of_its_own_is_no_array():
    assert from_catalog([CatalogRow(600, "point", "b", array_oid=1017, element_oid=701)])[600].family is Family.TEXT


def test_a_row_that_refers_to_a_missing_one_is_text():
    assert from_catalog([CatalogRow(70000, "far", "d", base_oid=70001)])[70000].family is Family.TEXT


def test_the_table_is_loaded_without_pandas_and_pyarrow():
    code = "import sys, crdb_magic.values.decode; print(sorted({'numpy', 'pandas', 'pyarrow'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("digits", "scale", "modifier"),  # SELECT numerictypmodin('{10,2}')
    [
        (10, 2, 655366),
        (5, 0, 327684),
        (2, 4, 131080),
        (5, -2, 329730),
        (1000, 1000, 65537004),
        (1000, -1000, 65537052),
    ],
)
def test_the_modifier_of_a_decimal_is_that_of_postgresql(digits, scale, modifier):
    assert decimal_modifier(digits, scale) == modifier
    assert decimal_digits(modifier) == (digits, scale)
