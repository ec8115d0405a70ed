"""What CockroachDB alone knows, and what it refuses: with its answers by script."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest
from faults import ServerError, instead
from personality import Table, always, query, show, v22
from proxy import Proxy

from crdb_magic.core.asof import AsOf
from crdb_magic.explore.activity import activity
from crdb_magic.explore.schema import explore
from crdb_magic.session.asking import send
from crdb_magic.session.session import Session

DENIED = ServerError("42501", "user nobody does not have VIEWACTIVITY privilege")  # syntheticprivilegecache, errors.go


# As a CockroachDB v22.1 answered: SHOW CREATE TABLE fact_nokey, and its information_schema.columns.
_CREATE = (
    "CREATE TABLE public.fact_nokey (\n\tx INT8 NULL,\n\trowid INT8 NOT VISIBLE NOT NULL DEFAULT unique_rowid(),\n"
    "\tCONSTRAINT fact_nokey_pkey PRIMARY KEY (rowid ASC)\n)"
)
_COLUMNS = "table_schema table_name column_name crdb_sql_type is_hidden generation_expression"


@pytest.fixture
def nokey(as_v26, make, schema):
    """A table without a key, as CockroachDB tells of it."""
    make("CREATE TABLE {s}.nokey (x INT8, rowid INT8 DEFAULT 1 PRIMARY KEY)")
    as_v26.rules[:0] = [
        query(
            "information_schema.columns",
            Table.of_texts(
                _COLUMNS, (schema, "nokey", "x", "INT8", "NO", ""), (schema, "nokey", "rowid", "INT8", "YES", "")
            ),
        ),
        query(r"SHOW CREATE", Table.of_texts("create_statement", (_CREATE,))),
        query(
            "pg_catalog.pg_indexes",
            # logictest's pg_catalog, and catformat.indexForDisplay of a hash-sharded one
            Table.of_texts(
                "indexname indexdef",
                (
                    "by_x",
                    f"CREATE INDEX by_x ON db.{schema}.nokey USING btree (x ASC) USING HASH WITH (bucket_count=8)",
                ),
                ("nokey_pkey", f"CREATE UNIQUE INDEX nokey_pkey ON db.{schema}.nokey USING btree (rowid ASC)"),
            ),
        ),
    ]
    return f"{schema}.nokey"


def test_types_are_cockroachdbs_and_hidden_columns_are_told(through_v26, nokey):
    columns = explore(through_v26, nokey).columns

    assert columns[["name", "type", "hidden", "key"]].to_numpy().tolist() == [
        ["x", "INT8", False, ""],
        ["rowid", "INT8", True, "PK"],
    ]


def test_the_databases_name_may_stand_for_its_schema_public(as_v26, through_v26, make, schema):
    make("CREATE TABLE public.{s}_t (a INT8 PRIMARY KEY)")
    as_v26.rules[:0] = [
        query("information_schema.columns", Table.of_texts(_COLUMNS)),
        query("SHOW CREATE", Table.of_texts("create_statement", ("",))),
    ]
    found = explore(through_v26, f"{through_v26.connection.info.dbname}.{schema}_t")
    make("DROP TABLE public.{s}_t")

    assert found.relation.schema == "public"


def test_the_statement_is_the_servers(through_v26, nokey):
    assert explore(through_v26, nokey).create == _CREATE


# The same answers with the name of a materialized view: cockroachdb/cockroach#85132, #80829.
@pytest.mark.parametrize("verb", ["CREATE VIEW", "CREATE MATERIALIZED VIEW"])
@pytest.mark.parametrize("hidden", ["rowid", "rowid_1", "ROWID"])
def test_a_materialized_view_is_made_of_the_columns_that_its_query_gives(
    as_v26, through_v26, make, schema, verb, hidden
):
    make(f'CREATE MATERIALIZED VIEW {{s}}.v AS SELECT 1::INT8 AS a, 2::INT8 AS rowid_2, 3::INT8 AS "{hidden}"')
    written = f'"{hidden}"' if hidden.isupper() else hidden
    as_v26.rules[:0] = [
        query(
            "information_schema.columns",
            Table.of_texts(_COLUMNS, (schema, "v", "a", "INT8", "NO", ""), (schema, "v", hidden, "INT8", "YES", "")),
        ),
        query(
            "SHOW CREATE",
            Table.of_texts(
                "create_statement", (f"{verb} public.v (\n\ta,\n\trowid_2,\n\t{written}\n) AS SELECT 1 AS a, 2",)
            ),
        ),
    ]

    assert explore(through_v26, f"{schema}.v").create == (
        "CREATE MATERIALIZED VIEW public.v (\n\ta,\n\trowid_2\n) AS SELECT 1 AS a, 2"
    )


def test_hash_sharded_indexes_are_told(through_v26, nokey):
    assert explore(through_v26, nokey).indexes.set_index("name").method.to_dict() == {
        "by_x": "hash-sharded (8 buckets)",
        "nokey_pkey": "btree",
    }


def test_a_computed_column_has_its_expression_from_the_one_place_that_has_it(as_v26, through_v26, make, schema):
    make("CREATE TABLE {s}.t (a INT8 PRIMARY KEY, b INT8 GENERATED ALWAYS AS (a + 1) STORED)")
    as_v26.rules[:0] = [
        query("information_schema.columns", Table.of_texts(_COLUMNS, (schema, "t", "b", "INT8", "NO", "a + 1"))),
        query("SHOW CREATE", Table.of_texts("create_statement", ("",))),
    ]

    assert explore(through_v26, f"{schema}.t").columns.generated[1] == "AS (a + 1) STORED"


def test_who_may_not_see_the_statement_is_not_refused_the_rest(through_v26, nokey, schema, make):
    make("CREATE ROLE {s}_nobody")
    through_v26.ask(f"SET ROLE {schema}_nobody")
    table = explore(through_v26, nokey)
    through_v26.ask("RESET ROLE")
    make("DROP ROLE {s}_nobody")

    assert (table.create, len(table.columns)) == (None, 2)
    assert table.notes == ("CREATE statement: not shown to user root, who has no privilege on it.",)


# Rows and sizes: SHOW TABLES (pkg/sql/delegate/show_tables.go), SHOW RANGES … WITH TABLES, DETAILS (v23.2).


def test_rows_and_sizes_come_from_show(as_v26, through_v26, nokey, schema):
    as_v26.rules[:0] = [
        query(
            r"\[SHOW TABLES\]", Table.of_texts("schema_name table_name estimated_row_count", (schema, "nokey", "1000"))
        ),
        query(r"\[SHOW RANGES", Table.of_texts("schema_name table_name sum", (schema, "nokey", "2500000.00"))),
    ]
    frame = explore(through_v26, schema, sizes=True).tables

    assert frame[["name", "rows", "bytes"]].to_numpy().tolist() == [["nokey", 1000, 2_500_000]]


# Columns of SHOW STATISTICS and of SHOW RANGES … WITH DETAILS: docs/v24.1/show-statistics.md, show-ranges.md.
_COUNTS = "statistics_name column_names created row_count distinct_count null_count partial_predicate"
_RANGES = "range_id range_size_mb lease_holder lease_holder_locality replicas replica_localities"


def test_of_one_table_its_statistics_and_ranges_are_told(as_v26, through_v26, nokey, schema):
    as_v26.rules[:0] = [
        query(
            r"\[SHOW TABLES\]", Table.of_texts("schema_name table_name estimated_row_count", (schema, "nokey", "1000"))
        ),
        show(
            "STATISTICS FOR TABLE",
            Table.of_texts(
                _COUNTS,
                ("__auto__", "{x}", "2026-11-02 10:00:00+00:00", "1000", "70", "5", None),
                ("__auto__", "{x}", "2026-11-01 10:00:00+00:00", "900", "60", "4", None),
                ("__auto__", "{x,rowid}", "2026-11-02 10:00:00+00:00", "1000", "1000", "0", None),
                ("__auto_partial__", "{x}", "2026-11-03 10:00:00+00:00", "3", "3", "0", "x > 70:::INT8"),
            ),
        ),
        show(
            "RANGES FROM TABLE .* WITH DETAILS",
            Table.of_texts(
                _RANGES,
                ("71", "2.500000", "1", "region=us-east1", "{1,2}", '{"region=us-east1","region=us-west1"}'),
                ("72", "0.5", "2", "region=us-west1", "{1,2}", '{"region=us-east1","region=us-west1"}'),
            ),
        ),
    ]
    table = explore(through_v26, nokey, sizes=True)

    assert table.estimate == (1000, 3_000_000)
    assert table.statistics[["columns", "distinct", "nulls", "rows"]].to_numpy().tolist() == [
        ["x", 70, 5, 1000],
        ["x, rowid", 1000, 0, 1000],
    ]
    assert table.ranges.leaseholder.tolist() == ["1 region=us-east1", "2 region=us-west1"]
    assert table.notes == ()


def test_those_that_are_refused_are_left_out_and_said(as_v26, through_v26, nokey, schema):
    as_v26.rules[:0] = [
        query(
            r"\[SHOW TABLES\]", Table.of_texts("schema_name table_name estimated_row_count", (schema, "nokey", "1000"))
        ),
        always("SHOW (STATISTICS|RANGES)", instead(DENIED)),
    ]
    table = explore(through_v26, nokey, sizes=True)

    assert (table.estimate, len(table.statistics), len(table.ranges)) == ((1000, None), 0, 0)
    assert table.notes == (
        "Statistics: not shown to user root (SQLSTATE 42501).",
        "Ranges: not shown to user root (SQLSTATE 42501).",
    )


def test_sizes_that_are_refused_are_left_out_and_said(as_v26, through_v26, nokey, schema):
    as_v26.rules[:0] = [
        query(
            r"\[SHOW TABLES\]", Table.of_texts("schema_name table_name estimated_row_count", (schema, "nokey", "1000"))
        ),
        always(r"SELECT[^;]*\[SHOW RANGES", instead(DENIED)),
    ]
    found = explore(through_v26, schema, sizes=True)

    assert found.tables.rows[0] == 1000
    assert found.tables.bytes.isna()[0]
    assert found.notes == ("Sizes: not shown to user root (SQLSTATE 42501).",)


def test_a_version_that_does_not_know_the_words_says_so(as_v26, through_v26, nokey, schema):
    as_v26.rules[:0] = [always(r"SELECT[^;]*\[SHOW", instead(ServerError("42601", 'at or near "with": syntax error')))]
    found = explore(through_v26, schema, sizes=True)

    assert found.notes[1] == 'Sizes: refused by the server: at or near "with": syntax error (SQLSTATE 42601).'


def test_within_a_transaction_what_may_be_refused_is_not_asked_for(as_v26, through_v26, nokey, schema):
    through_v26.connection.arm("BEGIN")
    through_v26.ask("SELECT 1")
    found = explore(through_v26, schema, sizes=True)
    still_open = through_v26.in_transaction
    send(through_v26.connection, "ROLLBACK")

    assert (still_open, found.notes) == (True, ("Rows and sizes: not asked for within a transaction.",))


# v23.1 has the options, but by default ignores them: pkg/sql/delegate/show_ranges_deprecated.go.
@pytest.mark.parametrize(("version", "options"), [("v22.2.19", ""), ("v23.1.30", " WITH DETAILS")])
def test_before_v23_2_ranges_name_no_tables(target, server, make, schema, version, options):
    if server.is_cockroachdb:
        pytest.skip("a cluster answers for itself")
    make("CREATE TABLE {s}.t (a INT8 PRIMARY KEY)")
    older = replace(v22(), parameters={"crdb_version": f"CockroachDB CCL {version} (x86_64-pc-linux-gnu)"})
    with Proxy(target, personality=older) as proxy:
        session = Session(proxy.target)
        proxy.rules += [
            query("information_schema.columns", Table.of_texts(_COLUMNS)),
            query("SHOW CREATE", Table.of_texts("create_statement", ("",))),
            query(r"\[SHOW TABLES\]", Table.of_texts("schema_name table_name estimated_row_count")),
            show("STATISTICS FOR TABLE", Table.of_texts(_COUNTS)),
            show(
                rf'RANGES FROM TABLE "{schema}"."t"{options}$',
                Table.of_texts(_RANGES, ("71", "2.5", "1", "", "{1}", "{}")),
            ),
        ]
        one, all_ = explore(session, f"{schema}.t", sizes=True), explore(session, schema, sizes=True)
        session.close()

    assert (one.estimate, one.notes) == ((None, 2_500_000), ())
    assert all_.notes == (f"Sizes: CockroachDB {version} has them for one table only; v23.2 has them for all.",)


# What goes on: SHOW CLUSTER SESSIONS and STATEMENTS of docs/v24.1, crdb_internal of docs/v23.1.

_SESSIONS = Table.of_texts(
    "node_id session_id status user_name client_address application_name active_queries last_active_query "
    "session_start",
    ("1", "s1", "ACTIVE", "ann", "10.0.0.1:56194", "app", "UPDATE t SET n = 1", "", "2026-11-01 12:00:00+00:00"),
    ("1", "s2", "IDLE", "bob", "10.0.0.1:56195", "app", "", "UPDATE t SET n = 2", "2026-11-01 11:00:00+00:00"),
    ("2", "s3", "IDLE", "root", "10.0.0.2:56196", "crdb_magic", "", "", "2026-11-01 10:00:00+00:00"),
)
_STATEMENTS = Table.of_texts(
    "query_id node_id session_id user_name start query",
    ("q1", "1", "s1", "ann", "2026-11-01 12:00:05+00:00", "UPDATE t SET n = 1"),
    ("q2", "2", "s3", "root", "2026-11-01 12:00:06+00:00", "SHOW CLUSTER STATEMENTS"),
)
_TRANSACTIONS = Table.of_texts(
    "session_id start",
    ("s1", "2026-11-01 11:59:05"),
    ("s2", "2026-11-01 11:59:06"),
    ("s3", "2026-11-01 12:00:06"),
    (None, None),  # of a node that did not answer
)
_LOCKS = Table.of_texts("session holder on seconds", ("s1", "s2", "bank.public.t", "1.5"))
_EVENTS = (
    "collection_ts blocking_txn_id waiting_txn_id contention_duration contending_key seconds",
    "database_name schema_name table_name index_name contention_type",
)
_AT = ("2026-11-01 11:59:00+00:00", "b", "w", "00:00:00.25", "\\x00", "0.25")


@pytest.fixture
def busy(as_v26):
    """A cluster on which something goes on."""
    as_v26.rules[:0] = [
        query("clock_timestamp", Table.of_texts("now", ("2026-11-01 12:00:06.5+00:00",))),
        query("crdb_internal.cluster_sessions", Table.of_texts("session_id", ("s1",), ("s2",), ("s3",))),
        query("session_id, start FROM crdb_internal.cluster_transactions", _TRANSACTIONS),
        show("CLUSTER SESSIONS", _SESSIONS),
        show("CLUSTER STATEMENTS", _STATEMENTS),
        show("session_id", Table.of_texts("session_id", ("s3",))),
    ]
    return as_v26


def test_sessions_have_what_they_run_and_since_when(busy, through_v26):
    sessions = activity(through_v26).sessions

    assert sessions[["session", "state", "seconds", "statement", "own"]].to_numpy().tolist() == [
        ["s1", "running", 1.5, "UPDATE t SET n = 1", False],
        ["s3", "running", 0.5, "SHOW CLUSTER STATEMENTS", True],
        ["s2", "in transaction", 60.5, "UPDATE t SET n = 2", False],
    ]


def test_those_of_v22_1_have_no_zone(busy, through_v26):
    old = Table.of_texts(
        "node_id session_id user_name client_address application_name active_queries last_active_query session_start",
        ("1", "s2", "bob", "10.0.0.1:56195", "app", "", "SELECT 1", "2026-11-01 11:00:00"),
        ("1", "s4", "bob", "10.0.0.1:56196", "app", "", "SELECT 1", "2026-11-01 11:00:00"),
    )
    busy.rules[:0] = [
        show("CLUSTER SESSIONS", old),
        query("session_id, start FROM", Table.of_texts("session_id start", ("s2", "2026-11-01 11:59:06"))),
    ]

    assert activity(through_v26).sessions[["state", "seconds"]].to_numpy().tolist() == [
        ["in transaction", 60.5],
        ["idle", 3606.5],
    ]


def test_who_may_see_locks_is_told_who_waits_for_whom(busy, through_v26):
    busy.rules[:0] = [
        query("crdb_internal.cluster_locks", _LOCKS),
        query(
            "transaction_contention_events",
            Table.of_texts(" ".join(_EVENTS), (*_AT, "bank", "public", "t", "i", "LOCK_WAIT")),
        ),
    ]
    found = activity(through_v26)

    assert found.waits.to_numpy().tolist() == [["s1", "s2", "bank.public.t", 1.5]]
    assert found.sessions.waits_for.tolist() == ["s2", "", ""]
    assert found.contention[["on", "seconds", "kind"]].to_numpy().tolist() == [["bank.public.t@i", 0.25, "lock wait"]]
    assert found.notes == ()


def test_contention_of_v22_1_has_no_names(busy, through_v26):
    busy.rules[:0] = [
        query("crdb_internal.cluster_locks", _LOCKS),
        query("transaction_contention_events", Table.of_texts(_EVENTS[0], _AT)),
    ]

    assert activity(through_v26).contention[["on", "seconds"]].to_numpy().tolist() == [["", 0.25]]


def test_what_is_refused_is_left_out_and_said(busy, through_v26):
    busy.rules[:0] = [always(r"(SELECT|WITH)[^;]*crdb_internal\.", instead(DENIED))]
    found = activity(through_v26)

    assert len(found.sessions) == 3
    assert found.notes == (
        "Locks: not shown to user root (SQLSTATE 42501).",
        "Recent contention: not shown to user root (SQLSTATE 42501).",
        "Open transactions: not shown to user root (SQLSTATE 42501).",
        "Since when: not shown to user root (SQLSTATE 42501).",
    )


def test_who_may_not_see_when_a_transaction_began_sees_that_it_is_open(busy, through_v26):
    busy.rules[:0] = [always(r"SELECT session_id, start FROM", instead(DENIED))]
    found = activity(through_v26)

    assert found.sessions.state.tolist() == ["running", "running", "in transaction"]
    assert "Since when: not shown to user root (SQLSTATE 42501)." in found.notes


def test_nothing_is_asked_that_v26_closes(busy, through_v26):
    notes = activity(through_v26).notes

    assert [note for note in notes if "42501" in note] == []  # but that PostgreSQL has no such tables


def test_what_there_is_is_read_at_the_pin_and_what_goes_on_is_not(busy, through_v26, schema):
    through_v26.pinned = AsOf.parse("1780315200123456789.0000000002")
    explore(through_v26, schema)
    of_the_past = [text for _, text in busy.sent if "AS OF SYSTEM TIME '1780315200123456789.0000000002'" in text]
    busy.sent.clear()
    activity(through_v26)

    assert len(of_the_past) == 1
    assert [text for _, text in busy.sent if "AS OF SYSTEM TIME" in text] == []


def test_within_a_transaction_they_are_not_asked_for(busy, through_v26):
    through_v26.connection.arm("BEGIN")
    through_v26.ask("SELECT 1")
    found = activity(through_v26)
    still_open = through_v26.in_transaction
    send(through_v26.connection, "ROLLBACK")

    assert (still_open, len(found.sessions), len(found.notes)) == (True, 3, 4)


@pytest.fixture
def routed(as_v26, target, other):
    """CockroachDB Cloud's way to name a database: CLUSTER.DATABASE, of which the server hears the second part."""
    name = f"happy-fox-123.{target['dbname']}"
    send(other.connection, f'CREATE DATABASE "{name}"')
    as_v26.rules.insert(0, query(r"current_database\(\)", Table.of_texts("current_database", (target["dbname"],))))
    yield as_v26.target.having(dbname=name)
    send(other.connection, f'DROP DATABASE "{name}"')


def test_the_name_of_the_cluster_before_that_of_the_database_is_none_of_it(routed, target):
    with closing(Session(routed)) as session:
        assert session.connection.database == target["dbname"]
