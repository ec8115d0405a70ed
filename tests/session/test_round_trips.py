"""How often a client waits for the server: counted on the wire, by the proxy."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest
from faults import INTERNAL, Fault, cut_before, instead, is_, statement
from faults import SERIALIZABLE as REFUSED
from wire import COPY_DONE, PASSWORD, START_UP

from crdb_magic.core.asof import AsOf
from crdb_magic.core.options import Isolation, Priority, RetryPolicy, TransactionOptions
from crdb_magic.session.session import Session
from crdb_magic.sql.row_limits import bind
from crdb_magic.sql.statements import split


def test_connecting_costs_what_libpq_needs_and_one(proxy):
    session = Session(proxy.target)
    assert session.server
    session.close()

    assert len([text for text in proxy.log if text not in {START_UP, PASSWORD}]) <= 1


@pytest.mark.parametrize("text", ["SELECT 1", "UPDATE {table} SET balance = 1 WHERE id = 1"])
def test_one_plain_statement_costs_one(trips, through, sql, table, text):
    statements = sql(text.format(table=table))

    assert trips(lambda: through.run(statements)) == [text.format(table=table)]


def test_a_query_that_is_limited_costs_one_too(trips, through, table):
    statement = bind(split(f"SELECT * FROM {table} ORDER BY id")[0], {}, 1)
    reports = []
    sent = trips(lambda: reports.append(through.run([statement])))

    assert sent == [f"SELECT * FROM {table} ORDER BY id\nLIMIT 2"]
    assert [(one.row_count, one.more, one.tag) for one in reports[0].results] == [(1, True, "SELECT 1")]


OPTIONS = [
    {},
    {"priority": Priority.HIGH},
    {"isolation": Isolation.READ_COMMITTED},
    {"read_only": True},
    {"idempotent": True},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("count", [2, 3, 10])
def test_n_statements_cost_n_and_one(trips, through, sql, count, options):
    statements = sql("; ".join(["SELECT 1"] * count))
    sent = trips(lambda: through.run(statements, TransactionOptions(**options)))

    assert len(sent) == count + 1


def test_one_statement_with_an_option_costs_two(trips, through, sql):
    sent = trips(lambda: through.run(sql("SELECT 1"), TransactionOptions(read_only=True)))

    assert len(sent) == 2


def test_a_time_limit_costs_nothing_where_it_can_be_local(trips, through, sql):
    options = TransactionOptions(retry=RetryPolicy(timeout=30))
    sent = trips(lambda: through.run(sql("SELECT 1; SELECT 2"), options))

    assert len(sent) == (3 if through.server.set_local else 4)


def test_a_callback_that_sends_nothing_costs_nothing(trips, through):
    assert trips(lambda: through.transact(lambda _: None)) == []


CHECKS = 3  # questions of whether the past that a snapshot showed is true, where the server does not know it itself


def test_a_time_ago_costs_one_more(trips, through, sql):
    options = TransactionOptions(as_of=AsOf.parse("-1us"))
    sent = trips(lambda: through.run(sql("SELECT 1; SELECT 2; SELECT 3"), options))

    assert len(sent) == (5 if through.server.as_of_system_time else 4 + CHECKS)


def test_an_exact_instant_costs_no_more_where_the_server_knows_the_past(trips, through, sql):
    now = Decimal(through.run(sql("SELECT cluster_logical_timestamp()")).results[0].rows[0][0])
    sent = trips(lambda: through.run(sql("SELECT 1; SELECT 2"), TransactionOptions(as_of=AsOf.parse(now))))

    assert len(sent) == (3 if through.server.as_of_system_time else 3 + CHECKS)


def test_a_copy_costs_its_own_two_and_one_more(trips, through, table):
    def copy(connection):
        with connection.cursor() as cursor:
            cursor.copy_expert(f"COPY {table} FROM STDIN WITH CSV", io.StringIO("3,3\n"))

    sent = trips(lambda: through.transact(copy))

    assert [text.split()[0] for text in sent[:2]] == ["BEGIN", "COPY"]
    assert sent[2:] == [COPY_DONE, "COMMIT"]


@pytest.mark.parametrize(
    ("point", "sent"),
    [
        ("SELECT 1", "BEGIN ROLLBACK BEGIN SELECT COMMIT"),
        ("SELECT 2", "BEGIN SELECT ROLLBACK BEGIN SELECT COMMIT"),
        ("COMMIT", "BEGIN SELECT COMMIT BEGIN SELECT COMMIT"),
    ],
)
def test_a_retry_costs_a_rollback_unless_the_server_ended_the_transaction(trips, through, proxy, sql, point, sent):
    proxy.rules.append(Fault(statement(point), instead(REFUSED)))
    texts = trips(lambda: through.run(sql("SELECT 1; SELECT 2")))

    assert " ".join(text.split()[0] for text in texts) == sent


def test_a_lost_connection_costs_what_connecting_does(trips, through, proxy, sql):
    proxy.rules.append(Fault(statement("SELECT 2"), cut_before))
    texts = trips(lambda: through.run(sql("SELECT 1; SELECT 2")))

    assert len([text for text in texts if text != PASSWORD]) == 2 + 2 + 3
    assert is_(START_UP)(texts[2])


def test_types_that_only_the_catalogue_knows_are_asked_for_once(trips, through, sql):
    through.run(sql("DROP TYPE IF EXISTS colour"))
    through.run(sql("CREATE TYPE colour AS ENUM ('red', 'blue')"))
    first, second = (trips(lambda: through.run(sql("SELECT 'red'::colour"))) for _ in range(2))

    assert (len(first), len(second)) == (2, 1)


def test_a_catalogue_that_could_not_be_asked_is_asked_again(through, proxy, sql):
    through.run(sql("DROP TYPE IF EXISTS shape"))
    through.run(sql("CREATE TYPE shape AS ENUM ('round', 'flat')"))
    proxy.rules.append(Fault(statement("SELECT t.oid"), instead(INTERNAL)))
    first, second = (through.run(sql("SELECT 'flat'::shape")).results[0].columns[0].type for _ in range(2))

    assert (first.labels, second.labels) == ((), ("round", "flat"))


@pytest.mark.parametrize("text", ["SET TRANSACTION READ WRITE", "DECLARE c CURSOR FOR SELECT 1"])
def test_what_only_a_transaction_takes_is_not_asked_alone(trips, through, text):
    assert trips(lambda: through.ask(text))[-1] == "COMMIT"
    assert not through.in_transaction
