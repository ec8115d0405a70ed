"""When a transaction was committed: what it costs to be told, and what faults on the way leave known."""

from __future__ import annotations

from dataclasses import replace

import pytest
from faults import (
    AMBIGUOUS,
    CANCELED,
    SCHEMA_CHANGE_FAILED,
    SERIALIZABLE,
    Exchange,
    Fault,
    ServerError,
    cut_after,
    cut_before,
    error_and_cut,
    instead,
    statement,
    tagged_rollback,
)
from interrupting import interrupted_before
from personality import ISOLATION, NO_PREVIOUS, show, v22
from proxy import Proxy
from tables import unique
from wire import READY, Message

from crdb_magic.core.asof import AsOf
from crdb_magic.core.options import DEFAULTS, Isolation, RetryPolicy, TransactionOptions
from crdb_magic.errors import AmbiguousCommitError, CrdbMagicError, Outcome, PartialCommitError
from crdb_magic.session.commits import instant_of_last
from crdb_magic.session.session import Session

_AT = "1722882686481050825.0000000000"
_WRITE = "UPDATE {table} SET balance = balance + 1 WHERE id = 1"
_READ = "SELECT balance FROM {table} WHERE id = 1"
_TWICE = TransactionOptions(retry=RetryPolicy(max_attempts=2, wait_initial=0, wait_max=0))
_TOLD = "COMMIT; SHOW COMMIT TIMESTAMP"
_NOW = "SELECT cluster_logical_timestamp()"


@pytest.fixture
def sent(as_v26: Proxy, through_v26: Session) -> Proxy:
    """The proxy once the session is connected."""
    assert through_v26.server
    as_v26.sent.clear()
    return as_v26


@pytest.mark.usefixtures("sent")
def test_a_transaction_that_wrote_is_told_in_the_message_that_commits(as_v26, through_v26, sql, table):
    report = through_v26.run(sql(f"{_WRITE}; {_READ}".format(table=table)))

    assert str(report.receipt.committed_at) == _AT
    assert [report.receipt.as_dict()["committed_at"], report.receipt.instant] == [_AT, report.receipt.committed_at]
    assert as_v26.log[-1] == _TOLD
    assert len(as_v26.log) == 3


@pytest.mark.usefixtures("sent")
def test_so_is_one_with_a_time_limit_whose_end_has_that_too(as_v26, through_v26, sql, table):
    options = TransactionOptions(retry=RetryPolicy(timeout=30))
    report = through_v26.run(sql(_WRITE.format(table=table)), options)

    assert str(report.receipt.committed_at) == _AT
    assert as_v26.log[-1].startswith("SET LOCAL statement_timeout = ")
    assert as_v26.log[-1].endswith(_TOLD)


@pytest.mark.parametrize("text", ["SELECT 1; SELECT 2", "SET application_name = 'x'; SELECT 2"])
@pytest.mark.usefixtures("sent")
def test_one_that_only_read_asks_for_nothing(as_v26, through_v26, sql, text):
    report = through_v26.run(sql(text), ask_when=True)

    assert (report.receipt.committed_at, as_v26.log[-1]) == (None, "COMMIT")


@pytest.mark.parametrize(("ask_when", "told"), [(True, _AT), (False, "None")])
@pytest.mark.usefixtures("sent")
def test_a_single_statement_is_asked_about_behind_it_where_somebody_wants_to_know(
    as_v26, through_v26, sql, table, ask_when, told
):
    report = through_v26.run(sql(_WRITE.format(table=table)), ask_when=ask_when)

    assert str(report.receipt.committed_at) == told
    assert report.results[0].tag == "UPDATE 1"
    assert [text.split()[0] for text in as_v26.log] == ["UPDATE", *["SHOW"] * ask_when]


@pytest.mark.usefixtures("sent")
def test_a_callback_is_told_too(through_v26, table):
    def work(connection):
        with connection.cursor() as cursor:
            cursor.execute(_WRITE.format(table=table))

    _, receipt = through_v26.transact(work)

    assert str(receipt.committed_at) == _AT


@pytest.mark.usefixtures("sent")
def test_a_dry_run_and_a_reader_of_the_past_have_none(through_v26, sql, table):
    dry = through_v26.run(sql(_WRITE.format(table=table)), TransactionOptions(dry_run=True), ask_when=True)
    past = through_v26.run(sql(_READ.format(table=table)), TransactionOptions(as_of=AsOf.parse(_AT)), ask_when=True)

    assert (dry.receipt.committed_at, past.receipt.committed_at) == (None, None)


def test_an_older_server_is_asked_for_nothing(target, sql, table):
    with Proxy(target, personality=v22()) as proxy:
        session = Session(proxy.target)
        report = session.run(sql(f"{_WRITE}; {_READ}".format(table=table)), ask_when=True)
        session.close()

    assert (report.receipt.committed_at, proxy.log[-1]) == (None, "COMMIT")


# Below SERIALIZABLE the server tells when a transaction has read last, which may be before it wrote
# (kvcoord/txn_coord_sender.go, CommitTimestamp; logic_test/show_commit_timestamp, weak-iso-level-configs).

_WEAK = TransactionOptions(isolation=Isolation.READ_COMMITTED)
_STRONG = TransactionOptions(isolation=Isolation.SERIALIZABLE)
_SET = "SET default_transaction_isolation = 'read committed'"


@pytest.mark.parametrize(
    ("before", "cell", "options", "told"),
    [
        ("SELECT 1", f"{_WRITE}; {_READ}", _WEAK, "None"),
        ("SELECT 1", _WRITE, _WEAK, "None"),
        ("SELECT 1", f"SET TRANSACTION ISOLATION LEVEL READ COMMITTED; {_WRITE}", DEFAULTS, "None"),
        (_SET, f"{_WRITE}; {_READ}", DEFAULTS, "None"),
        (_SET, _WRITE, DEFAULTS, "None"),
        ("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED", _WRITE, DEFAULTS, "None"),
        ("SELECT set_config('default_transaction_isolation', 'read committed', false)", _WRITE, DEFAULTS, "None"),
        (_SET, f"{_WRITE}; {_READ}", _STRONG, _AT),
        (_SET, _WRITE, _STRONG, _AT),
    ],
)
@pytest.mark.usefixtures("sent")
def test_an_instant_is_told_of_what_is_serializable_alone(through_v26, sql, table, before, cell, options, told):
    through_v26.run(sql(before))
    report = through_v26.run(sql(cell.format(table=table)), options, ask_when=True)

    assert str(report.receipt.committed_at) == told


@pytest.mark.parametrize(("level", "told"), [("serializable", _AT), ("read committed", "None")])
def test_so_it_is_where_a_role_or_a_database_has_another_default(as_v26, through_v26, sql, table, level, told):
    as_v26.rules.append(show("default_transaction_isolation", replace(ISOLATION, rows=[[level]])))
    reports = [through_v26.run(sql(text.format(table=table)), ask_when=True) for text in (_WRITE, f"{_WRITE}; {_READ}")]

    assert [str(report.receipt.committed_at) for report in reports] == [told] * 2


# What psycopg2 hears of a message is what came last: so nothing may stand behind a commit that fails afterwards.


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.usefixtures("sent")
def test_behind_a_schema_change_the_question_is_a_message_of_its_own(as_v26, through_v26, sql, asked):
    name = unique("made")
    made = f"CREATE TABLE {name} (id INT); INSERT INTO {name} VALUES (1)"
    report = through_v26.run(sql(made), ask_when=asked)

    assert as_v26.log[2:] == ["COMMIT", *[_NOW] * asked]
    assert (report.receipt.committed_at is not None) is asked


# Jobs do it behind the commit, at whose instant it is not seen yet (logic_test/show_commit_timestamp, ddl).
@pytest.mark.usefixtures("sent")
def test_a_schema_change_is_seen_from_now_on(as_v26, through_v26, sql, table):
    text = f"ALTER TABLE {table} ADD COLUMN more INT DEFAULT 5"
    receipt = through_v26.run(sql(text), ask_when=True).receipt

    assert (as_v26.log, receipt.committed_at is not None) == ([text, _NOW], True)


def test_what_it_left_is_read_there(session, sql, table, server):
    if server.is_cockroachdb and not server.tells_commit_time:
        pytest.skip("this server does not tell")
    receipt = session.run(sql(f"ALTER TABLE {table} ADD COLUMN more INT DEFAULT 5"), ask_when=True).receipt
    then = session.run(sql(f"SELECT more FROM {table}"), TransactionOptions(as_of=AsOf.parse(receipt)))

    assert then.results[0].rows == (("5",), ("5",))


@pytest.mark.usefixtures("sent")
def test_so_one_that_failed_after_its_commit_is_heard_of(as_v26, through_v26, sql):
    as_v26.rules.append(Fault(statement("COMMIT"), instead(SCHEMA_CHANGE_FAILED)))
    with pytest.raises(PartialCommitError):
        through_v26.run(sql(f"CREATE TABLE {unique('made')} (id INT); SELECT 1"), ask_when=True)

    assert as_v26.log[-1] == "COMMIT"


# Faults. An action that lets the commit be done has it done by PostgreSQL, which does not know the question.


def _done_and_cut(exchange: Exchange) -> None:
    exchange.ask("COMMIT")
    exchange.cut()


def _done_and_told_in_part(exchange: Exchange) -> None:
    answer = exchange.ask("COMMIT")
    exchange.client.send(answer[0].wire)
    exchange.cut()


def _done_and_refused(error: ServerError):
    def act(exchange: Exchange) -> None:
        answer = exchange.ask("COMMIT")
        exchange.tell([*answer[:-1], error.message, Message(READY, exchange.status)])

    return act


_AT_COMMIT = [
    ("cut before", cut_before, AmbiguousCommitError, Outcome.UNKNOWN, 100),
    ("cut after", _done_and_cut, AmbiguousCommitError, Outcome.UNKNOWN, 101),
    ("cut between the answers", _done_and_told_in_part, AmbiguousCommitError, Outcome.UNKNOWN, 101),
    ("40003", instead(AMBIGUOUS), AmbiguousCommitError, Outcome.UNKNOWN, 100),
    ("40001, but cut at once", error_and_cut(SERIALIZABLE), AmbiguousCommitError, Outcome.UNKNOWN, 100),
    ("57014 to the commit", instead(CANCELED), AmbiguousCommitError, Outcome.UNKNOWN, 100),
    ("57014 to the question", _done_and_refused(CANCELED), AmbiguousCommitError, Outcome.UNKNOWN, 101),
    ("25000 to the question", _done_and_refused(NO_PREVIOUS), AmbiguousCommitError, Outcome.UNKNOWN, 101),
    ("25000 to what rolled back", instead(NO_PREVIOUS), AmbiguousCommitError, Outcome.UNKNOWN, 100),
    ("refused", instead(ServerError("23503", "deferred")), CrdbMagicError, Outcome.NOT_COMMITTED, 100),
]


@pytest.fixture
def meet(sent: Proxy, through_v26: Session, sql, rows, table):
    """Write while something happens to the commit: gives the error, and the balance that is held afterwards."""

    def met(do) -> tuple[CrdbMagicError, int]:
        sent.rules.append(Fault(statement("COMMIT"), do))
        with pytest.raises(CrdbMagicError) as caught:
            through_v26.run(sql(f"{_WRITE}; {_READ}".format(table=table)), _TWICE)
        return caught.value, int(rows(_READ.format(table=table))[0][0])

    return met


@pytest.mark.parametrize(("do", "error", "outcome", "held"), [pytest.param(*row, id=name) for name, *row in _AT_COMMIT])
def test_a_commit_that_is_not_confirmed_is_never_sent_again(meet, as_v26, do, error, outcome, held):
    met, balance = meet(do)

    assert (isinstance(met, error), met.outcome, balance) == (True, outcome, held)
    assert sum("COMMIT;" in text for text in as_v26.log) == 1


@pytest.mark.usefixtures("sent")
def test_one_that_the_server_surely_refused_runs_again(as_v26, through_v26, sql, rows, table):
    as_v26.rules.append(Fault(statement("COMMIT"), instead(SERIALIZABLE)))
    receipt = through_v26.run(sql(f"{_WRITE}; {_READ}".format(table=table)), _TWICE).receipt

    assert (receipt.attempts, str(receipt.committed_at), rows(_READ.format(table=table))) == (2, _AT, [("101",)])


@pytest.mark.parametrize("do", [cut_before, cut_after, instead(CANCELED), instead(NO_PREVIOUS), tagged_rollback])
@pytest.mark.usefixtures("sent")
def test_what_goes_wrong_behind_a_single_statement_is_no_failure_of_it(as_v26, through_v26, sql, rows, table, do):
    as_v26.rules.append(Fault(statement("SHOW COMMIT"), do))
    report = through_v26.run(sql(_WRITE.format(table=table)), ask_when=True)
    through_v26.run(sql(_WRITE.format(table=table)))

    assert (report.results[0].tag, report.receipt.committed_at) == ("UPDATE 1", None)
    assert rows(_READ.format(table=table)) == [("102",)]


def test_an_interrupt_of_the_question_says_that_the_transaction_was_committed(through_v26):
    connection = through_v26.connection
    with pytest.raises(KeyboardInterrupt) as caught, interrupted_before():
        instant_of_last(connection, may_ask=True)

    assert caught.value.__notes__ == ["It was committed."]


# On the server under test: what is told can be read at, and shows just what that write left.


@pytest.mark.parametrize("text", [_WRITE, f"{_WRITE}; {_READ}"])
def test_the_instant_of_a_write_shows_what_it_left(session, sql, table, server, text):
    if server.is_cockroachdb and not server.tells_commit_time:
        pytest.skip("this server does not tell")
    receipts = [session.run(sql(text.format(table=table)), ask_when=True).receipt for _ in range(3)]
    then = [
        session.run(sql(_READ.format(table=table)), TransactionOptions(as_of=AsOf.parse(one))).results[0].rows
        for one in receipts
    ]

    assert then == [(("101",),), (("102",),), (("103",),)]


def test_what_only_reads_has_no_instant_to_come_back_to(session, sql, table):
    session.run(sql(_WRITE.format(table=table)))
    receipt = session.run(sql(_READ.format(table=table))).receipt

    assert (receipt.committed_at, receipt.instant) == (None, None)
    with pytest.raises(CrdbMagicError, match="That Receipt has no timestamp"):
        AsOf.parse(receipt)
