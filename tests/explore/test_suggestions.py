"""Facts about which table a name may mean that no table has."""

from __future__ import annotations

import pytest

from crdb_magic.explore.catalogue import Relation
from crdb_magic.explore.suggestions import suggestion

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
    assert suggestion(name, KNOWN) == said


def test_in_an_empty_database_it_means_nothing():
    assert suggestion("accounts", []) is None
