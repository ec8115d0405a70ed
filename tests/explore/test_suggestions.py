"""Facts about which table a name may mean that no table has."""

from __future__ import annotations

import pytest

from crdb_magic.errors import OptionError
from crdb_magic.explore.catalogue import Relation
from crdb_magic.explore.suggestions import named_in, suggestion

KNOWN = [
    Relation(1, "public", "accounts", "table", place=1),
    Relation(2, "public", "Orders", "table", place=1),
    Relation(3, "work", "jobs", "table"),
    Relation(4, "work", "accounts", "table"),
    Relation(5, "public", "day by day", "view", place=1),
]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("acounts", "Did you mean accounts or work.accounts?"),
        ("orders", 'Did you mean "Orders"? Names with capitals are written in double quotes.'),
        ("order", 'Did you mean "Orders"? Names with capitals are written in double quotes.'),
        ("ACCOUNTS", "Did you mean accounts or work.accounts?"),
        ("jobs", "Did you mean work.jobs?"),
        ("day_by_day", 'Did you mean "day by day"?'),
        ("accounts", None),
        ("flights", None),
        ("", None),
    ],
)
def test_a_name_may_mean(name, said):
    assert suggestion([name], KNOWN) == said


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (("wrok", "jobs"), "Did you mean work.jobs?"),
        (("public", "jobs"), "Did you mean work.jobs?"),
        (("work", "acounts"), "Did you mean work.accounts?"),
        (("db", "public", "acounts"), "Did you mean accounts?"),
        (("wrok", "accounts"), "Did you mean accounts or work.accounts?"),
        (("work", "jobs"), None),
        (("public", "accounts"), None),
    ],
)
def test_a_name_with_its_schema_may_mean(parts, said):
    assert suggestion(parts, KNOWN) == said


def test_in_an_empty_database_it_means_nothing():
    assert suggestion(["accounts"], []) is None


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ('relation "ordres" does not exist', ("ordres",)),
        ('table "ordres" does not exist', ("ordres",)),
        ('missing FROM-clause entry for table "ordres"', ("ordres",)),
        ('relation "Ordres" does not exist', ("Ordres",)),
        (r'relation "\"Ordres\"" does not exist', ("Ordres",)),
        (r'relation "public.\"day by day\"" does not exist', ("public", "day by day")),
        (r'relation "\"a.b\".\"c\"\"d\"" does not exist', ("a.b", 'c"d')),
        ('relation "otherdb.public.ordres" does not exist', ("otherdb", "public", "ordres")),
    ],
)
def test_the_name_in_a_message_is_read_with_its_parts(message, parts):
    assert named_in(message) == parts


@pytest.mark.parametrize("message", ["no data source matches prefix: o", 'relation "" does not exist'])
def test_a_message_may_name_nothing(message):
    with pytest.raises(OptionError):
        named_in(message)
