"""docs/types.md says what the code does, and has no row without a test."""

from __future__ import annotations

import re

import pytest
from type_cases import ARRAYS, GOLDEN, MADE, SCALARS
from types_page import ALIASES, PAGE, page

from crdb_magic.values.typemap import BUILTIN, Family

# These no server sends but as NULL.
NO_VALUES = {"UNKNOWN"}


def test_the_page_is_what_the_golden_values_become():
    assert PAGE.read_text(encoding="utf-8") == page(), "run .venv/bin/python tests/types_page.py"


def test_each_built_in_type_has_its_golden_values():
    assert list(SCALARS) == [type_.name for type_ in BUILTIN]


def test_each_type_that_is_made_has_its_golden_values():
    assert set(MADE) == {"ENUM", "DOMAIN"}


@pytest.mark.parametrize("name", GOLDEN)
def test_no_type_is_without_a_value(name):
    assert bool(GOLDEN[name].cases) == (name not in NO_VALUES)


def test_each_family_has_an_array_but_those_that_read_alike():
    alike = {Family.INT2, Family.INT4, Family.FLOAT4, Family.TIMETZ, Family.UNKNOWN, Family.ARRAY}

    assert {golden.type.element.family for golden in ARRAYS.values()} == set(Family) - alike


def test_each_row_of_the_page_is_a_golden_type():
    first = page().split("## What is exact text")[0]

    assert re.findall(r"^\| \*\*`(.+?)`\*\* \|", first, re.MULTILINE) == [
        *(name for name in GOLDEN if name not in ARRAYS),
        *ARRAYS,
    ]


def test_each_alias_is_of_a_row():
    assert set(ALIASES) <= set(GOLDEN)
