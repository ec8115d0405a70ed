"""Facts about what is judged of a statement by its words."""

from __future__ import annotations

import pytest
from hypothesis import given
from sql_fragments import nasty_text, only

from crdb_magic.errors import ScriptError
from crdb_magic.sql.kinds import (
    changes_schema,
    check_cell,
    check_restarts,
    commits_in_steps,
    controls_transaction,
    ends_transaction,
    is_query,
    may_write,
    plain,
    reads_only,
    restarts_transaction,
    streams_data,
    turns_on_restarts,
)
from crdb_magic.sql.statements import split

CONTROLLING = [
    "BEGIN",
    "begin work",
    "BEGIN TRANSACTION PRIORITY HIGH",
    "-- start\nBEGIN",
    "BEGIN/**/WORK",
    "START TRANSACTION",
    "start /* a */ transaction ISOLATION LEVEL SERIALIZABLE",
    "COMMIT",
    "COMMIT AND CHAIN",
    "COMMIT PREPARED 'x'",
    "END",
    "END TRANSACTION",
    "ABORT",
    "ROLLBACK",
    "ROLLBACK WORK",
    "ROLLBACK TRANSACTION",
    "ROLLBACK AND CHAIN",
    "ROLLBACK PREPARED 'x'",
    "PREPARE TRANSACTION 'x'",
]
SAVEPOINTS = [
    "SAVEPOINT x",
    "RELEASE x",
    "RELEASE SAVEPOINT x",
    "ROLLBACK TO x",
    "rollback to savepoint x",
    "ROLLBACK WORK TO x",
    "ROLLBACK TRANSACTION TO SAVEPOINT x",
    "ROLLBACK /* a */ TO -- b\n x",
    'SAVEPOINT "COCKROACH_RESTART"',
    "SAVEPOINT my_cockroach_restart",
    "SAVEPOINT savepoint",
]
RESTARTS = [
    "SAVEPOINT cockroach_restart",
    "SAVEPOINT COCKROACH_RESTART",
    "SAVEPOINT Cockroach_Restart_2",
    'SAVEPOINT "cockroach_restart"',
    'SAVEPOINT "cockroach_restart ""x"""',
    "RELEASE cockroach_restart",
    "RELEASE SAVEPOINT cockroach_restart",
    "ROLLBACK TO cockroach_restart",
    "ROLLBACK TRANSACTION TO SAVEPOINT /* a */ cockroach_restart",
    "SAVEPOINT coc\u212aroach_restart",
]
FORCING = [
    "SET force_savepoint_restart = on",
    "set session Force_Savepoint_Restart to true",
    'SET LOCAL "force_savepoint_restart" = 1',
    "SET /* a */ force_savepoint_restart",
    "SELECT set_config('force_savepoint_restart', 'on', false)",
    "SELECT 1, pg_catalog.SET_CONFIG /* a */ ('Force_Savepoint_Restart', $1, true)",
]
NOT_FORCING = [
    "SELECT set_config('force_savepoint_restart', 'off', false)",
    "SELECT current_setting('force_savepoint_restart')",
    "SELECT set_config('a', 'force_savepoint_restart', false)",
]
COPIES = [
    "COPY t FROM STDIN",
    "copy t (a, b) from stdin with (format csv)",
    "COPY t TO STDOUT",
    "COPY (SELECT 1) TO /* a */ STDOUT",
]
ORDINARY = [
    "SELECT 1",
    "INSERT INTO t VALUES ('COMMIT')",
    "PREPARE p AS SELECT 1",
    'SELECT "begin"',
    "COPY t FROM 's3://bucket/file'",
    "COPY (SELECT stdin FROM t) TO '/tmp/file'",
    "SELECT stdin FROM stdin",
    "SET TRANSACTION PRIORITY HIGH",
    "EXPLAIN SELECT 1",
]


@pytest.mark.parametrize("text", CONTROLLING)
def test_beginning_and_ending_a_transaction_is_controlling_it(text: str) -> None:
    assert controls_transaction(only(text))


@pytest.mark.parametrize("text", [*SAVEPOINTS, *RESTARTS, *COPIES, *ORDINARY])
def test_nothing_else_controls_a_transaction(text: str) -> None:
    assert not controls_transaction(only(text))


@pytest.mark.parametrize("text", RESTARTS)
def test_the_name_of_the_retry_protocol_is_known_after_folding(text: str) -> None:
    assert restarts_transaction(only(text))


@pytest.mark.parametrize("text", FORCING)
def test_the_setting_that_makes_every_savepoint_one_of_the_protocol_is_known(text: str) -> None:
    assert turns_on_restarts(only(text))


@pytest.mark.parametrize(
    "text",
    [
        *SAVEPOINTS,
        *ORDINARY,
        "SET",
        "SET force_savepoint_restart = off",
        "SET SESSION force_savepoint_restart TO false",
        "SET force_savepoint_restart = default",
        "RESET force_savepoint_restart",
        "SHOW force_savepoint_restart",
        "SET application_name = force_savepoint_restart",
    ],
)
def test_other_settings_do_not(text: str) -> None:
    assert not turns_on_restarts(only(text))


@pytest.mark.parametrize("text", ['SAVEPOINT :"x"', 'RELEASE SAVEPOINT :"x"', 'ROLLBACK TRANSACTION TO SAVEPOINT :"x"'])
def test_a_savepoint_that_a_value_names_could_be_one_of_the_protocol(text: str) -> None:
    with pytest.raises(ScriptError, match="whose name is a value"):
        check_cell(split(text))


@pytest.mark.parametrize("text", [*RESTARTS, *FORCING, 'SELECT 1; SAVEPOINT "cockroach_restart"'])
def test_the_retry_protocol_is_refused_in_any_text(text: str) -> None:
    with pytest.raises(ScriptError, match="transactions are retried here without"):
        check_restarts(text)


@pytest.mark.parametrize(
    "text", [*SAVEPOINTS, *CONTROLLING, *COPIES, "SELECT 'cockroach_restart'", "'unclosed", *NOT_FORCING]
)
def test_all_else_may_be_in_a_text(text: str) -> None:
    check_restarts(text)


@pytest.mark.parametrize("text", [*CONTROLLING, *SAVEPOINTS, *COPIES, *ORDINARY])
def test_other_savepoints_are_the_users(text: str) -> None:
    assert not restarts_transaction(only(text))


@pytest.mark.parametrize("text", COPIES)
def test_a_copy_from_or_to_the_client_streams(text: str) -> None:
    assert streams_data(only(text))


@pytest.mark.parametrize("text", [*SAVEPOINTS, *ORDINARY])
def test_what_streams_nothing_and_leaves_the_transaction_alone_belongs_in_a_cell(text: str) -> None:
    check_cell(split(f"SELECT 1; {text}"))


@pytest.mark.parametrize("text", [*CONTROLLING, *RESTARTS, *COPIES])
def test_what_does_not_belong_in_a_cell_is_refused(text: str) -> None:
    with pytest.raises(ScriptError, match=r"^Statement 2 \(line \d\) is "):
        check_cell(split(f"SELECT 1; {text}; SELECT 2"))


@pytest.mark.parametrize(
    ("cell", "lines"),
    [
        (
            "SELECT 1;\n\n-- end it\n  commit;",
            [
                "Statement 2 (line 4) is COMMIT, but the cell is the transaction: it begins and commits by itself.",
                "line 4:   commit",
                "          ^",
                "Hint: Remove BEGIN and COMMIT. To undo a part of the cell, use SAVEPOINT and ROLLBACK TO.",
            ],
        ),
        (
            "START TRANSACTION",
            [
                "Statement 1 (line 1) is START TRANSACTION, but the cell is the transaction: it begins and commits by "
                "itself.",
                "line 1: START TRANSACTION",
                "        ^",
                "Hint: Remove BEGIN and COMMIT. To undo a part of the cell, use SAVEPOINT and ROLLBACK TO.",
            ],
        ),
        (
            "ROLLBACK TO cockroach_restart",
            [
                "Statement 1 (line 1) is ROLLBACK TO, and the RELEASE of a savepoint named cockroach_restart commits; "
                "transactions are retried here without one.",
                "line 1: ROLLBACK TO cockroach_restart",
                "        ^",
                "Hint: Remove it. For a savepoint of your own, choose another name.",
            ],
        ),
        (
            "COPY t FROM STDIN",
            [
                "Statement 1 (line 1) is COPY, but a cell has no data stream to copy from or to.",
                "line 1: COPY t FROM STDIN",
                "        ^",
                "Hint: Write rows with INSERT; read them with the SELECT itself, its result is a DataFrame.",
            ],
        ),
        ("-- nothing", ["The cell holds no SQL statement.", "Hint: Write one below %%crdb_txn, or after %crdb_txn."]),
    ],
    ids=["commit", "start", "restart", "copy", "empty"],
)
def test_a_refusal_says_where_why_and_what_instead(cell: str, lines: list[str]) -> None:
    with pytest.raises(ScriptError) as caught:
        check_cell(split(cell))

    assert str(caught.value).splitlines() == lines


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "select a, 'INSERT', \"delete\" FROM t -- UPDATE",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "VALUES (1), (2)",
        "TABLE t",
        'SELECT :"a", count(:"b") FROM :"s".:"t" AS :"u"(c) GROUP BY :"a"',
        "SHOW TABLES",
        "SHOW CREATE TABLE t",
        "SELECT * FROM [SHOW JOBS] WHERE a IN (1, 2)",
        "SELECT count(*), sum (a), pg_catalog.max(b), Now() FROM t GROUP BY (c) HAVING (count(*) > 1)",
        "SELECT row_number() OVER (PARTITION BY a ORDER BY b), count(*) FILTER (WHERE a)",
        "SELECT sum(a) OVER w FROM t WINDOW w AS (PARTITION BY b)",
        "SELECT a::DECIMAL(10, 2), CAST(b AS VARCHAR(3)), c:::geometry(point), d::character varying(3)",
        "WITH t (a, b) AS (VALUES (1, 2)), u AS MATERIALIZED (SELECT 1) SELECT * FROM t",
        "SELECT * FROM generate_series(1, 3) AS g(x) JOIN t USING (x)",
        "SELECT a[i], ARRAY[a, b], data->>'x', data @> :part FROM t AS OF SYSTEM TIME follower_read_timestamp()",
        "SELECT cluster_logical_timestamp(), coalesce(a, 1), (a).b, a.b FROM t WHERE NOT EXISTS (SELECT 1)",
        "EXPLAIN SELECT 1",
        "EXPLAIN INSERT INTO t VALUES (1)",
        "EXPLAIN (VERBOSE) DELETE FROM t",
        "EXPLAIN ANALYZE SELECT 1",
        "EXPLAIN ANALYZE (DEBUG) SELECT count(*) FROM t",
        "EXPLAIN (ANALYZE, FORMAT JSON) WITH a AS (SELECT 1) TABLE a",
    ],
)
def test_reading_is_known_by_its_words(text: str) -> None:
    assert reads_only(only(text))


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO t VALUES (1)",
        "update t SET a = 1",
        "SET x = 1",
        "CALL p()",
        "WITH a AS (INSERT INTO t VALUES (1) RETURNING b) SELECT * FROM a",
        "WITH a AS (SELECT 1) DELETE FROM t",
        "WITH a AS (PAUSE JOB 1) SELECT 1",
        "SELECT * INTO u FROM t",
        "SELECT * FROM t FOR UPDATE",
        "SELECT * FROM t FOR NO KEY UPDATE",
        "SELECT * FROM t FOR KEY SHARE",
        "SELECT * FROM [INSERT INTO t VALUES (1) RETURNING a]",
        "SELECT * FROM [CANCEL JOB 1]",
        "SELECT * FROM t, [PAUSE JOB 1]",
        "SELECT nextval('s')",
        "SELECT setval('s', 1)",
        "SELECT crdb_internal.force_retry('1s')",
        "SELECT my_function(1)",
        "SELECT my_function /* a */ (1)",
        'SELECT "count"(*)',
        'SELECT :"count"(*)',
        'SELECT pg_catalog.:"count"(*)',
        "SELECT public.count(*)",
        'SELECT "pg_catalog".count(*)',
        "SELECT a.pg_catalog.my_function(1)",
        "SELECT größe(1)",
        "SELECT (f)(1), g(2)",
        "EXPLAIN ANALYZE DELETE FROM t",
        "EXPLAIN (ANALYZE) CREATE TABLE u AS SELECT 1",
        "EXPLAIN ANALYZE SELECT nextval('s')",
        "EXPLAIN ANALYZE EXECUTE p",
        "EXPLAIN ANALYZE",
        "FETCH 1 FROM c",
        ":statement",
    ],
)
def test_what_may_write_or_lock_is_not_only_reading(text: str) -> None:
    assert not reads_only(only(text))


@pytest.mark.parametrize("text", [*ORDINARY[:-2], "SHOW TABLES", "VACUUM", "SET x = 1", "CREATE TABLE t (a INT8)"])
def test_an_ordinary_statement_may_run_without_a_transaction_around_it(text: str) -> None:
    assert plain(only(text))


@pytest.mark.parametrize(
    "text",
    [
        *CONTROLLING,
        *SAVEPOINTS,
        *RESTARTS,
        "SET LOCAL x = 1",
        "set /* a */ transaction PRIORITY HIGH",
        "SET CONSTRAINTS ALL DEFERRED",
        "DECLARE c CURSOR FOR SELECT 1",
        "FETCH 1 FROM c",
        "MOVE 1 IN c",
        "CLOSE c",
        "LOCK TABLE t",
    ],
)
def test_what_lives_in_a_transaction_needs_one(text: str) -> None:
    assert not plain(only(text))


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "select * from t",
        "(SELECT 1)",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "TABLE t",
        "VALUES (1), (2)",
        "WITH x AS (SELECT 1) SELECT * FROM x",
        "WITH RECURSIVE x AS (SELECT 1) TABLE x",
        "SELECT my_function(1)",
        "SELECT * FROM [SHOW TABLES]",
        "SELECT steps[cycle], sizes[update] FROM t",
        "-- INSERT\nSELECT /* FOR UPDATE */ 1 -- AS OF SYSTEM TIME",
        "SELECT 'FOR UPDATE', $$INSERT INTO$$, e'AS OF'",
        'SELECT "update", "of" FROM "insert" AS "of"',
        "SELECT updated, inserted AS often FROM t",
        "SELECT share, t.call, sum(merge) AS update, delete FROM t",
        "SELECT v AS into, t.into, v AS share FROM t AS share",
        "SELECT of.v FROM t AS of",
        "SELECT a.v FROM a INNER MERGE JOIN b ON a.v = b.v",
        "SELECT truncate, key, share FROM t ORDER BY update",
    ],
)
def test_a_query_may_stand_in_parentheses(text: str) -> None:
    assert is_query(only(text))


@pytest.mark.parametrize(
    "text",
    [
        "WITH x AS (INSERT INTO t VALUES (1) RETURNING a) SELECT * FROM x",
        "WITH x AS (DELETE FROM t RETURNING a) TABLE x",
        "WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x",
        "WITH x AS (SELECT 1) UPDATE t SET a = 1",
        "SELECT * FROM [EXPLAIN ANALYZE DELETE FROM t]",
        "SELECT * FROM [UPSERT INTO t VALUES (1) RETURNING a]",
        "SELECT * FROM t FOR UPDATE",
        "SELECT * FROM t for /* a */ no key update",
        "SELECT * FROM t FOR SHARE",
        "SELECT * FROM t FOR KEY SHARE",
        "WITH x AS NOT MATERIALIZED (CALL f()) TABLE x",
        "WITH RECURSIVE x AS (SELECT 1 AS a) SEARCH DEPTH FIRST BY a SET o DELETE FROM t",
        "SELECT a, b INTO u FROM t",
        "SELECT * INTO u FROM t",
        "SELECT * FROM t AS OF SYSTEM TIME '-1s'",
        "SELECT * FROM t as /* a */ of -- b\n system time '-1s'",
        "INSERT INTO t VALUES (1) RETURNING a",
        "SHOW TABLES",
        "EXPLAIN SELECT 1",
        "EXECUTE p",
        "COPY t TO STDOUT",
        "FETCH 1 FROM c",
        ":query",
    ],
)
def test_what_belongs_outermost_is_no_such_query(text: str) -> None:
    assert not is_query(only(text))


@given(nasty_text)
def test_any_statement_can_be_judged(text: str) -> None:
    try:
        check_cell(split(text))
    except ScriptError:
        return
    for statement in split(text):
        assert reads_only(statement) in {True, False}
        assert is_query(statement) in {True, False}
        assert plain(statement) in {True, False}


@pytest.mark.parametrize("text", ["CALL p()", "DO $$ BEGIN COMMIT; END $$"])
def test_what_runs_a_body_goes_within_a_transaction_which_it_can_not_commit(text: str) -> None:
    assert not plain(only(text))


@pytest.mark.parametrize(
    "text",
    [
        "CREATE INDEX CONCURRENTLY ON t (a)",
        "create unique index concurrently i on t (a)",
        "DROP INDEX CONCURRENTLY i",
        "REINDEX TABLE t",
        "ALTER TABLE t DETACH PARTITION p CONCURRENTLY",
        "VACUUM",
        "CREATE DATABASE d",
        "BACKUP INTO 'x'",
        "SET CLUSTER SETTING a.b = 1",
    ],
)
def test_what_commits_in_steps_of_its_own(text: str) -> None:
    assert commits_in_steps(only(text))


@pytest.mark.parametrize(
    "text", ["CREATE INDEX ON t (a)", "REFRESH MATERIALIZED VIEW CONCURRENTLY v", "CREATE TABLE t (a INT)", "SELECT 1"]
)
def test_what_commits_at_once(text: str) -> None:
    assert not commits_in_steps(only(text))


@pytest.mark.parametrize(
    "text",
    [
        "REFRESH MATERIALIZED VIEW v",
        "CREATE TABLE t (a INT)",
        "ALTER TABLE t ADD COLUMN a INT",
        "TRUNCATE t",
        "DROP VIEW v",
    ],
)
def test_what_changes_the_schema(text: str) -> None:
    assert changes_schema(only(text))


def test_the_time_of_a_commit_ends_the_transaction_that_it_is_asked_in() -> None:
    assert ends_transaction(only("SHOW COMMIT TIMESTAMP"))


def test_the_time_of_a_commit_is_not_asked_among_other_statements() -> None:
    with pytest.raises(ScriptError, match="is SHOW COMMIT TIMESTAMP, which commits what stands before it"):
        check_cell(split("INSERT INTO t VALUES (1); SHOW COMMIT TIMESTAMP"))


def test_the_time_of_a_commit_may_be_asked_alone() -> None:
    check_cell(split("SHOW COMMIT TIMESTAMP"))


@pytest.mark.parametrize("text", ["SELECT 1", "SHOW TABLES", "SET a = 1", "SAVEPOINT s", "ROLLBACK TO s", "BEGIN"])
def test_what_surely_writes_nothing(text: str) -> None:
    assert not may_write(only(text))


@pytest.mark.parametrize("text", ["INSERT INTO t VALUES (1)", "SELECT f()", "CALL p()", "CREATE TABLE t (a INT)"])
def test_what_may_write(text: str) -> None:
    assert may_write(only(text))
