"""Facts about servers: which one answered, what it can do, how its BEGIN and its settings are spelt."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdb_magic.core.asof import AsOf
from crdb_magic.core.options import Isolation, Priority, TransactionOptions
from crdb_magic.core.server import Product, Server

# As the start-up parameter crdb_version of real servers says it.
V21 = "CockroachDB OSS v21.2.0-alpha.00000000-local-g585a44062e (x86_64-unknown-linux-gnu, built 2021/05/13, go1.19.8)"
V26 = "CockroachDB CCL v26.1.2 (x86_64-pc-linux-gnu, built 2026/02/01 00:00:00, go1.25)"

COCKROACH = Server.identify(V26, 130000)
POSTGRES = Server.identify(None, 160002)
FORMS = (
    "SET intervalstyle = 'postgres'",
    "SET extra_float_digits = 3",
    "SET bytea_output = 'hex'",
    "SET datestyle = 'ISO'",
)
WEAK = "SHOW default_transaction_isolation"


def cockroach(*version: int) -> Server:
    return Server(Product.COCKROACHDB, (version[0], version[1], version[2]))


# Which one.


@pytest.mark.parametrize(
    ("crdb_version", "server_version", "server", "named"),
    [
        (V21, 130000, Server(Product.COCKROACHDB, (21, 2, 0)), "CockroachDB v21.2.0"),
        (V26, 130000, Server(Product.COCKROACHDB, (26, 1, 2)), "CockroachDB v26.1.2"),
        ("CockroachDB CCL v24.1.0-rc.1 (…)", 130000, Server(Product.COCKROACHDB, (24, 1, 0)), "CockroachDB v24.1.0"),
        ("CockroachDB CCL v23.2 (…)", 130000, Server(Product.COCKROACHDB, (23, 2, 0)), "CockroachDB v23.2.0"),
        ("CockroachDB CCL dev-1a2b3c (…)", 130000, Server(Product.COCKROACHDB, (99, 0, 0)),
         "CockroachDB (a build without a version)"),
        (None, 160002, Server(Product.POSTGRESQL, (16, 2, 0)), "PostgreSQL 16.2"),
        (None, 180000, Server(Product.POSTGRESQL, (18, 0, 0)), "PostgreSQL 18.0"),
    ],
    ids=["v21", "v26", "candidate", "no patch", "own build", "pg16", "pg18"],
)  # fmt: skip
def test_a_server_is_known_by_its_start_up_message(
    crdb_version: str | None, server_version: int, server: Server, named: str
) -> None:
    known = Server.identify(crdb_version, server_version)

    assert (known, str(known)) == (server, named)


@given(st.text(), st.integers(0, 999999))
def test_whatever_names_itself_so_is_cockroachdb(crdb_version: str, server_version: int) -> None:
    assert Server.identify(crdb_version, server_version).is_cockroachdb


# What it can do.


@pytest.mark.parametrize(
    ("server", "cannot"),
    [
        (cockroach(19, 2, 0), {"savepoints", "set_local"}),
        (cockroach(20, 1, 0), {"set_local"}),
        (cockroach(21, 2, 0), {"set_local"}),
        (cockroach(22, 1, 0), set()),
        (COCKROACH, set()),
        (POSTGRES, {"priorities", "as_of_system_time", "now_is_as_of"}),
    ],
    ids=lambda value: " ".join(sorted(value)) if isinstance(value, set) else str(value),
)
def test_a_server_can_do_all_but(server: Server, cannot: set[str]) -> None:
    asked = {"priorities", "as_of_system_time", "now_is_as_of", "savepoints", "set_local"}

    assert {name for name in asked if not getattr(server, name)} == cannot


# How things are said.

HIGH, AGO = Priority.HIGH, AsOf.parse("-10s")
RC, SERIALIZABLE = Isolation.READ_COMMITTED, Isolation.SERIALIZABLE
AT = "AS OF SYSTEM TIME '-10000000us'"


@pytest.mark.parametrize(
    ("asked", "on_cockroachdb", "on_postgresql"),
    [
        ({}, "BEGIN", "BEGIN ISOLATION LEVEL SERIALIZABLE"),
        ({"priority": HIGH}, "BEGIN PRIORITY HIGH", "BEGIN ISOLATION LEVEL SERIALIZABLE"),
        ({"priority": Priority.LOW}, "BEGIN PRIORITY LOW", "BEGIN ISOLATION LEVEL SERIALIZABLE"),
        ({"read_only": True}, "BEGIN READ ONLY", "BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY"),
        ({"isolation": SERIALIZABLE}, *["BEGIN ISOLATION LEVEL SERIALIZABLE"] * 2),
        ({"isolation": RC}, *["BEGIN ISOLATION LEVEL READ COMMITTED"] * 2),
        (
            {"isolation": RC, "priority": HIGH, "read_only": True},
            "BEGIN ISOLATION LEVEL READ COMMITTED, PRIORITY HIGH, READ ONLY",
            "BEGIN ISOLATION LEVEL READ COMMITTED, READ ONLY",
        ),
        ({"idempotent": True}, "BEGIN", "BEGIN ISOLATION LEVEL SERIALIZABLE"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else None,
)
def test_begin_says_what_was_asked(asked: dict[str, Any], on_cockroachdb: str, on_postgresql: str) -> None:
    options = TransactionOptions(**asked)

    assert (COCKROACH.begin(options), POSTGRES.begin(options)) == (on_cockroachdb, on_postgresql)


# cluster_logical_timestamp(), which resolves a time ago, is refused below SERIALIZABLE.
@pytest.mark.parametrize(
    ("asked", "begin"),
    [
        ({}, f"BEGIN ISOLATION LEVEL SERIALIZABLE, {AT}"),
        ({"isolation": RC}, f"BEGIN ISOLATION LEVEL SERIALIZABLE, {AT}"),
        ({"priority": HIGH, "read_only": True}, f"BEGIN ISOLATION LEVEL SERIALIZABLE, PRIORITY HIGH, READ ONLY, {AT}"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else None,
)
def test_the_past_is_read_at_the_level_that_can_be_asked_which_instant_it_is(asked: dict[str, Any], begin: str) -> None:
    assert COCKROACH.begin(TransactionOptions(as_of=AGO, **asked)) == begin


@pytest.mark.parametrize(
    ("server", "asked", "notes"),
    [
        (COCKROACH, {"priority": HIGH}, ()),
        (POSTGRES, {}, ()),
        (POSTGRES, {"priority": HIGH}, ("PostgreSQL has no transaction priorities: --priority changes nothing here.",)),
    ],
)
def test_what_has_no_effect_is_noted(server: Server, asked: dict[str, Any], notes: tuple[str, ...]) -> None:
    assert server.notes(TransactionOptions(**asked)) == notes


@pytest.mark.parametrize(
    ("server", "settings"),
    [
        (cockroach(21, 2, 0), (*FORMS, "SHOW session_id")),
        (cockroach(23, 1, 9), FORMS),
        (cockroach(23, 2, 9), (*FORMS, WEAK)),
        (cockroach(24, 1, 0), (*FORMS, "SET autocommit_before_ddl = off", WEAK)),
        (POSTGRES, (*FORMS, "SET default_transaction_isolation = 'serializable'")),
    ],
    ids=["without cancel requests", "without weak levels", "with them", "since autocommit_before_ddl", "PostgreSQL"],
)
def test_a_new_connection_is_set_up(server: Server, settings: tuple[str, ...]) -> None:
    assert server.settings == settings


@pytest.mark.parametrize(
    ("server", "sql"),
    [
        (cockroach(21, 2, 0), "SET statement_timeout = 1500"),
        (COCKROACH, "SET LOCAL statement_timeout = 1500"),
        (POSTGRES, "SET LOCAL statement_timeout = 1500"),
    ],
    ids=str,
)
def test_a_time_limit_ends_with_the_transaction_where_it_can(server: Server, sql: str) -> None:
    assert server.limit_statement(1500) == sql


V21_PLAN = """distribution: full
vectorized: true

• filter
│ filter: v > 1
│
└── • scan
      missing stats
      table: fact_t@primary
      spans: FULL SCAN"""
V21_VERBOSE = """distribution: full
vectorized: true

• sort
│ columns: (k, count)
│ ordering: +count
│ estimated row count: 99 (missing stats)
│ order: +count_rows
│
└── • group
    │ estimated row count: 1,000 (missing stats)
    │ group by: k"""
V25_SCAN = """  distribution: local
  vectorized: true

  • scan
    estimated row count: 1,000 (100% of the table; stats collected 1 minute ago)
    table: flights@flights_pkey
    spans: FULL SCAN"""
V25_SORT = """  distribution: full
  vectorized: true

  • sort
  │ estimated row count: 12,417
  │ order: +revenue
  │
  └── • filter
      │ estimated row count: 12,417
      │ filter: revenue > 90
      │
      └── • scan
            estimated row count: 1,125,000 (100% of the table; stats collected 37 minutes ago)
            table: rides@rides_pkey
            spans: FULL SCAN"""
V25_COUNT = """  • group (scalar)
  │ estimated row count: 1
  │
  └── • scan
        estimated row count: 1,125,000 (100% of the table; stats collected 37 minutes ago)"""
PG_SCAN = "Seq Scan on flights  (cost=0.00..15406.00 rows=1000000 width=37)"
PG_LIMIT = """Limit  (cost=0.00..0.15 rows=10 width=37)
  ->  Seq Scan on flights  (cost=0.00..15406.00 rows=1000000 width=37)"""
PG_COUNT = """Finalize Aggregate  (cost=10633.55..10633.56 rows=1 width=8)
  ->  Gather  (cost=10633.33..10633.54 rows=2 width=8)
        Workers Planned: 2
        ->  Parallel Seq Scan on flights  (cost=0.00..8591.67 rows=416667 width=0)"""


@pytest.mark.parametrize(
    ("server", "plan", "rows"),
    [
        (COCKROACH, V21_PLAN, None),
        (COCKROACH, "• scan\n  estimated row count: 100 - 33,334 (33% of the table)", 33_334),
        (COCKROACH, "• filter\n│ estimated row count: 333\n└── • scan\n      missing stats", None),
        (COCKROACH, V21_VERBOSE, None),
        (COCKROACH, V25_SCAN, 1000),
        (COCKROACH, V25_SORT, 12_417),
        (COCKROACH, V25_COUNT, 1),
        (POSTGRES, PG_SCAN, 1_000_000),
        (POSTGRES, PG_LIMIT, 10),
        (POSTGRES, PG_COUNT, 1),
        (COCKROACH, PG_SCAN, None),
        (POSTGRES, V25_SCAN, None),
        (POSTGRES, "", None),
    ],
    ids=lambda value: value.splitlines()[0] if isinstance(value, str) and value else None,
)
def test_the_planner_is_believed_about_the_whole_result(server: Server, plan: str, rows: int | None) -> None:
    assert server.estimated_rows(plan) == rows
