"""What becomes of a transaction when the connection or the server fails, at each point of the protocol.

In the tables ``sent`` is what went over the wire: the first words of each message, and ``connect`` for a new
connection. ``failed`` are the attempts that failed. ``balance`` is what the database holds afterwards: each time
that the work is committed adds 1 to 100.
"""

from __future__ import annotations

import io
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psycopg2
import pytest
from faults import (
    ABORTED,
    AMBIGUOUS,
    CANCELED,
    DEADLOCK,
    INTERNAL,
    NOT_ACCEPTING,
    OLD_RETRY,
    SCHEMA_CHANGE_FAILED,
    SERIALIZABLE,
    SHUTTING_DOWN,
    TOO_MANY,
    UNAVAILABLE,
    UNCATEGORISED,
    UNKNOWN_RESOLUTION,
    WRITE_TOO_OLD,
    Fault,
    ServerError,
    afterwards,
    anything,
    cut_after,
    cut_before,
    cut_within,
    delay,
    error_and_cut,
    instead,
    is_,
    never_answer,
    reset_after,
    statement,
    tagged_rollback,
    trickle,
)
from proxy import Proxy
from wire import COPY_DONE, PASSWORD, START_UP

from crdb_magic.core.options import RetryPolicy, TransactionOptions
from crdb_magic.core.server import Product, Server
from crdb_magic.errors import (
    AmbiguousCommitError,
    Attempt,
    BrokenTransactionError,
    ConnectionFailedError,
    ExceededMaxAttempts,
    Outcome,
    PartialCommitError,
    StatementError,
    TransactionError,
)
from crdb_magic.session.session import Session

_THREE = RetryPolicy(max_attempts=3, wait_initial=0, wait_max=0)
_EVER = math.inf
_BAD_DIVISION = ServerError("22012", "division by zero")
_NOTHING, _UNKNOWN, _COMMITTED = Outcome.NOT_COMMITTED, Outcome.UNKNOWN, Outcome.COMMITTED

_WRITE = "UPDATE {table} SET balance = balance + 1 WHERE id = 1"
_READ = "SELECT balance FROM {table} WHERE id = 1"

# A row's fault: the words of a statement (or a predicate), what to do, how many times, from which occurrence on.
Row = Sequence[tuple[object, ...]]


@dataclass(frozen=True)
class Met:
    """What a transaction met with: the words sent, the error, its outcome, the failed attempts, what is held."""

    sent: str
    error: type[Exception] | None
    outcome: Outcome | None
    failed: tuple[str, ...]
    balance: int


def _words(text: str) -> str:
    """Shorten a logged text to the first words of its statements; the setting up of a connection to nothing."""
    if text == START_UP:
        return "connect"
    if text == PASSWORD or text.startswith("SET intervalstyle"):
        return ""
    return text if text == COPY_DONE else "+".join(part.split()[0] for part in text.split(";"))


def _sent(proxy: Proxy) -> str:
    return " ".join(filter(None, map(_words, proxy.log)))


@pytest.fixture
def balance(rows, table) -> Callable[[], int]:
    return lambda: int(rows(f"SELECT balance FROM {table} WHERE id = 1")[0][0])


@pytest.fixture
def meet(proxy, through_unkept, sql, table, balance) -> Callable[..., Met]:
    """Run statements through the proxy while faults happen."""

    def met(text: str, faults: Row, *, idempotent: bool = False, observer: Callable[[Attempt], None] = id) -> Met:
        proxy.rules += [Fault(when if callable(when) else statement(when), *rest) for when, *rest in faults]
        options = TransactionOptions(retry=_THREE, idempotent=idempotent)
        error, outcome = None, None
        try:
            failures = through_unkept.run(sql(text.format(table=table)), options, observer).receipt.retries
        except Exception as caught:
            error, outcome, failures = type(caught), caught.outcome, getattr(caught, "attempts", ())
            assert str(caught).splitlines()[-1] == caught.outcome.value
        assert [fault for fault in proxy.rules if not fault.fired] == []
        labels = tuple(failure.label for failure in failures)
        return Met(_sent(proxy), error, outcome, labels, balance())

    return met


# A transaction that writes, and then reads.

_LOST = "connection lost"
_GOOD = "BEGIN+UPDATE SELECT COMMIT"
_PLAIN_FAULTS = [cut_before, cut_after, reset_after, cut_within(0.5), cut_within(1), instead(SHUTTING_DOWN)]


@pytest.mark.parametrize("do", _PLAIN_FAULTS)
@pytest.mark.parametrize("point", ["UPDATE", "SELECT"])
def test_a_connection_lost_before_the_commit_costs_an_attempt(meet, point, do):
    before = {"UPDATE": "BEGIN+UPDATE", "SELECT": "BEGIN+UPDATE SELECT"}[point]

    assert meet(f"{_WRITE}; {_READ}", [(point, do)]) == Met(f"{before} connect {_GOOD}", None, None, (_LOST,), 101)


@pytest.mark.parametrize(
    ("error", "label"),
    [
        (WRITE_TOO_OLD, "40001 WriteTooOld"),
        (SERIALIZABLE, "40001 RETRY_SERIALIZABLE"),
        (ABORTED, "40001 ABORT_REASON_CLIENT_REJECT"),
        (OLD_RETRY, "CR000"),
        (DEADLOCK, "40P01"),
    ],
)
@pytest.mark.parametrize("reply", [instead, afterwards])
@pytest.mark.parametrize("point", ["UPDATE", "SELECT"])
def test_a_statement_that_the_server_wants_again_is_rolled_back_and_run_again(meet, point, reply, error, label):
    before = {"UPDATE": "BEGIN+UPDATE", "SELECT": "BEGIN+UPDATE SELECT"}[point]
    met = meet(f"{_WRITE}; {_READ}", [(point, reply(error))])

    assert met == Met(f"{before} ROLLBACK {_GOOD}", None, None, (label,), 101)


@pytest.mark.parametrize(("error", "label"), [(UNKNOWN_RESOLUTION, "08007"), (UNAVAILABLE, "58C00")])
@pytest.mark.parametrize("reply", [instead, afterwards])
def test_a_node_that_lost_its_cluster_is_left_for_a_new_connection(meet, reply, error, label):
    met = meet(f"{_WRITE}; {_READ}", [("SELECT", reply(error))])

    assert met == Met(f"BEGIN+UPDATE SELECT ROLLBACK connect {_GOOD}", None, None, (label,), 101)


@pytest.mark.parametrize("error", [AMBIGUOUS, CANCELED, INTERNAL, UNCATEGORISED, _BAD_DIVISION])
@pytest.mark.parametrize("point", ["UPDATE", "SELECT"])
def test_any_other_error_of_a_statement_ends_the_transaction_and_commits_nothing(meet, point, error):
    before = {"UPDATE": "BEGIN+UPDATE", "SELECT": "BEGIN+UPDATE SELECT"}[point]
    met = meet(f"{_WRITE}; {_READ}", [(point, afterwards(error))])

    assert met == Met(f"{before} ROLLBACK", StatementError, _NOTHING, (), 100)


AT_COMMIT = [
    ("cut before", cut_before, AmbiguousCommitError, _UNKNOWN, (_LOST,), 100),
    ("cut after", cut_after, AmbiguousCommitError, _UNKNOWN, (_LOST,), 101),
    ("reset after", reset_after, AmbiguousCommitError, _UNKNOWN, (_LOST,), 101),
    ("answer cut in two", cut_within(0.5), AmbiguousCommitError, _UNKNOWN, (_LOST,), 101),
    ("answer cut at its end", cut_within(1), AmbiguousCommitError, _UNKNOWN, (_LOST,), 101),
    ("57P01 before", instead(SHUTTING_DOWN), AmbiguousCommitError, _UNKNOWN, (_LOST,), 100),
    ("57P01 after", afterwards(SHUTTING_DOWN), AmbiguousCommitError, _UNKNOWN, (_LOST,), 101),
    ("40003 before", instead(AMBIGUOUS), AmbiguousCommitError, _UNKNOWN, ("40003",), 100),
    ("40003 after", afterwards(AMBIGUOUS), AmbiguousCommitError, _UNKNOWN, ("40003",), 101),
    ("08007 after", afterwards(UNKNOWN_RESOLUTION), AmbiguousCommitError, _UNKNOWN, ("08007",), 101),
    ("58C00 after", afterwards(UNAVAILABLE), AmbiguousCommitError, _UNKNOWN, ("58C00",), 101),
    ("XX000 after", afterwards(INTERNAL), AmbiguousCommitError, _UNKNOWN, ("XX000",), 101),
    ("XXUUU after", afterwards(UNCATEGORISED), AmbiguousCommitError, _UNKNOWN, ("XXUUU",), 101),
    ("XXA00 after", afterwards(SCHEMA_CHANGE_FAILED), PartialCommitError, _COMMITTED, ("XXA00",), 101),
    ("40001, but cut at once", error_and_cut(SERIALIZABLE), AmbiguousCommitError, _UNKNOWN, (_LOST,), 100),
    ("refused", instead(ServerError("23503", "deferred")), StatementError, _NOTHING, (), 100),
    ("tag ROLLBACK", tagged_rollback, BrokenTransactionError, _NOTHING, (), 100),
]


@pytest.mark.parametrize(("do", "error", "outcome", "failed", "held"), [pytest.param(*r, id=i) for i, *r in AT_COMMIT])
def test_a_commit_that_is_not_confirmed_is_never_sent_again(meet, do, error, outcome, failed, held):
    assert meet(f"{_WRITE}; {_READ}", [("COMMIT", do)]) == Met(_GOOD, error, outcome, failed, held)


@pytest.mark.parametrize(
    ("error", "label"),
    [
        (SERIALIZABLE, "40001 RETRY_SERIALIZABLE"),
        (ABORTED, "40001 ABORT_REASON_CLIENT_REJECT"),
        (OLD_RETRY, "CR000"),
        (DEADLOCK, "40P01"),
    ],
)
def test_a_commit_that_the_server_surely_refused_runs_again_without_a_rollback(meet, error, label):
    met = meet(f"{_WRITE}; {_READ}", [("COMMIT", instead(error))])

    assert met == Met(f"{_GOOD} {_GOOD}", None, None, (label,), 101)


COMBINED = [
    pytest.param(
        [("UPDATE", instead(WRITE_TOO_OLD)), ("SELECT", cut_after), ("COMMIT", cut_after)],
        f"BEGIN+UPDATE ROLLBACK BEGIN+UPDATE SELECT connect {_GOOD}",
        (AmbiguousCommitError, _UNKNOWN, ("40001 WriteTooOld", _LOST, _LOST), 101),
        id="all of it in one transaction",
    ),
    pytest.param(
        [("COMMIT", instead(SERIALIZABLE), 2), ("COMMIT", instead(ABORTED))],
        f"{_GOOD} {_GOOD} {_GOOD}",
        (ExceededMaxAttempts, _NOTHING, (*["40001 RETRY_SERIALIZABLE"] * 2, "40001 ABORT_REASON_CLIENT_REJECT"), 100),
        id="40001 at each commit",
    ),
    pytest.param(
        [("UPDATE", instead(WRITE_TOO_OLD), _EVER)],
        "BEGIN+UPDATE ROLLBACK BEGIN+UPDATE ROLLBACK BEGIN+UPDATE ROLLBACK",
        (ExceededMaxAttempts, _NOTHING, ("40001 WriteTooOld",) * 3, 100),
        id="40001 at each first statement",
    ),
    pytest.param(
        [("SELECT", cut_after, _EVER)],
        "BEGIN+UPDATE SELECT connect BEGIN+UPDATE SELECT connect BEGIN+UPDATE SELECT",
        (ExceededMaxAttempts, _NOTHING, (_LOST,) * 3, 100),
        id="cut at each second statement",
    ),
    pytest.param(
        [("UPDATE", instead(WRITE_TOO_OLD), 1, 2), ("SELECT", cut_after)],
        f"BEGIN+UPDATE SELECT connect BEGIN+UPDATE ROLLBACK {_GOOD}",
        (None, None, (_LOST, "40001 WriteTooOld"), 101),
        id="a cut, then 40001",
    ),
    # A rollback that fails takes the connection with it, and nothing else.
    pytest.param(
        [("SELECT", instead(WRITE_TOO_OLD)), ("ROLLBACK", cut_before)],
        f"BEGIN+UPDATE SELECT ROLLBACK connect {_GOOD}",
        (None, None, ("40001 WriteTooOld",), 101),
        id="40001, and cut before the rollback",
    ),
    pytest.param(
        [("SELECT", instead(WRITE_TOO_OLD)), ("ROLLBACK", cut_after)],
        f"BEGIN+UPDATE SELECT ROLLBACK connect {_GOOD}",
        (None, None, ("40001 WriteTooOld",), 101),
        id="40001, and cut after the rollback",
    ),
    pytest.param(
        [("SELECT", instead(WRITE_TOO_OLD)), ("ROLLBACK", instead(INTERNAL))],
        f"BEGIN+UPDATE SELECT ROLLBACK connect {_GOOD}",
        (None, None, ("40001 WriteTooOld",), 101),
        id="40001, and the rollback refused",
    ),
    pytest.param(
        [("SELECT", instead(_BAD_DIVISION)), ("ROLLBACK", cut_before)],
        "BEGIN+UPDATE SELECT ROLLBACK",
        (StatementError, _NOTHING, (), 100),
        id="an error, and cut before the rollback",
    ),
    # Connecting again fails as well.
    pytest.param(
        [("UPDATE", cut_before), (is_(START_UP), cut_before)],
        f"BEGIN+UPDATE connect connect {_GOOD}",
        (None, None, (_LOST, _LOST), 101),
        id="the first new connection cut at once",
    ),
    pytest.param(
        [("UPDATE", cut_before), (is_(START_UP), instead(TOO_MANY))],
        f"BEGIN+UPDATE connect connect {_GOOD}",
        (None, None, (_LOST, _LOST), 101),
        id="too many clients for the first new connection",
    ),
    pytest.param(
        [("UPDATE", cut_before), (is_(START_UP), instead(NOT_ACCEPTING), _EVER)],
        "BEGIN+UPDATE connect connect",
        (ExceededMaxAttempts, _NOTHING, (_LOST, _LOST, _LOST), 100),
        id="a server that accepts no more clients",
    ),
    pytest.param(
        [("UPDATE", cut_before), ("SET intervalstyle", cut_before)],
        f"BEGIN+UPDATE connect connect {_GOOD}",
        (None, None, (_LOST, _LOST), 101),
        id="the first new connection cut while it is set up",
    ),
]


@pytest.mark.parametrize(("faults", "sent", "rest"), COMBINED)
def test_several_faults_of_one_transaction_end_as_each_of_them_would(meet, faults, sent, rest):
    assert meet(f"{_WRITE}; {_READ}", faults) == Met(sent, *rest)


# A write by itself: sending it is the commit.

SINGLE_WRITES = [
    ("cut before", cut_before, "UPDATE", AmbiguousCommitError, _UNKNOWN, (_LOST,), 100),
    ("cut after", cut_after, "UPDATE", AmbiguousCommitError, _UNKNOWN, (_LOST,), 101),
    ("reset after", reset_after, "UPDATE", AmbiguousCommitError, _UNKNOWN, (_LOST,), 101),
    ("answer cut in two", cut_within(0.5), "UPDATE", AmbiguousCommitError, _UNKNOWN, (_LOST,), 101),
    ("57P01 after", afterwards(SHUTTING_DOWN), "UPDATE", AmbiguousCommitError, _UNKNOWN, (_LOST,), 101),
    ("40003 before", instead(AMBIGUOUS), "UPDATE", AmbiguousCommitError, _UNKNOWN, ("40003",), 100),
    ("40003 after", afterwards(AMBIGUOUS), "UPDATE", AmbiguousCommitError, _UNKNOWN, ("40003",), 101),
    ("XX000 after", afterwards(INTERNAL), "UPDATE", AmbiguousCommitError, _UNKNOWN, ("XX000",), 101),
    ("XXA00 after", afterwards(SCHEMA_CHANGE_FAILED), "UPDATE", PartialCommitError, _COMMITTED, ("XXA00",), 101),
    ("40001", instead(WRITE_TOO_OLD), "UPDATE UPDATE", None, None, ("40001 WriteTooOld",), 101),
    ("refused", instead(_BAD_DIVISION), "UPDATE", StatementError, _NOTHING, (), 100),
]


@pytest.mark.parametrize(
    ("do", "sent", "error", "outcome", "failed", "held"), [pytest.param(*row, id=id_) for id_, *row in SINGLE_WRITES]
)
def test_a_write_by_itself_is_judged_as_a_commit(meet, do, sent, error, outcome, failed, held):
    assert meet(_WRITE, [("UPDATE", do)]) == Met(sent, error, outcome, failed, held)


def test_a_write_by_itself_that_is_refused_each_time_is_given_up(meet):
    met = meet(_WRITE, [("UPDATE", instead(WRITE_TOO_OLD), _EVER)])

    assert met == Met("UPDATE UPDATE UPDATE", ExceededMaxAttempts, _NOTHING, ("40001 WriteTooOld",) * 3, 100)


# A cancelled commit: what CockroachDB answers may stand for anything, what PostgreSQL answers does not.


@pytest.mark.parametrize(("text", "point"), [(f"{_WRITE}; {_READ}", "COMMIT"), (_WRITE, "UPDATE")])
def test_a_cancelled_commit_is_unknown_where_the_server_may_have_done_it(meet, text, point, monkeypatch):
    monkeypatch.setattr(Server, "cancel_is_certain", False)
    met = meet(text, [(point, afterwards(CANCELED))])

    assert (met.error, met.outcome, met.balance) == (AmbiguousCommitError, _UNKNOWN, 101)


@pytest.mark.parametrize(("text", "point"), [(f"{_WRITE}; {_READ}", "COMMIT"), (_WRITE, "UPDATE")])
def test_a_cancelled_commit_committed_nothing_where_the_server_hears_nothing_behind_it(meet, text, point, monkeypatch):
    monkeypatch.setattr(Server, "cancel_is_certain", True)
    met = meet(text, [(point, instead(CANCELED))])

    assert (met.error, met.outcome, met.balance) == (StatementError, _NOTHING, 100)


# What commits in steps of its own may have committed some of them.

_INDEX = "CREATE INDEX CONCURRENTLY ON {table} (balance)"


@pytest.mark.parametrize("error", [WRITE_TOO_OLD, DEADLOCK, ServerError("23505", "twice"), INTERNAL])
def test_what_commits_in_steps_is_not_run_again_and_may_have_done_a_part(through_unkept, proxy, sql, table, error):
    proxy.rules.append(Fault(statement("CREATE INDEX"), instead(error)))
    with pytest.raises((StatementError, AmbiguousCommitError)) as caught:
        through_unkept.run(sql(_INDEX.format(table=table)))

    assert caught.value.outcome is Outcome.UNKNOWN
    assert _sent(proxy) == "CREATE"


def test_what_commits_in_steps_and_is_refused_at_once_did_nothing(session, sql):
    with pytest.raises(StatementError) as caught:
        session.run(sql("CREATE INDEX CONCURRENTLY ON no_such_table (a)"))

    assert (caught.value.sqlstate, caught.value.outcome) == ("42P01", Outcome.NOT_COMMITTED)


# What only reads has nothing to lose, at its commit neither.


@pytest.mark.parametrize("do", [*_PLAIN_FAULTS, afterwards(SHUTTING_DOWN)])
@pytest.mark.parametrize(
    ("text", "point", "sent"),
    [
        (_READ, "SELECT", "SELECT connect SELECT"),
        (f"{_READ}; {_READ}", "SELECT", "BEGIN+SELECT connect BEGIN+SELECT SELECT COMMIT"),
        (f"{_READ}; {_READ}", "COMMIT", "BEGIN+SELECT SELECT COMMIT connect BEGIN+SELECT SELECT COMMIT"),
    ],
    ids=["by itself", "at a statement", "at COMMIT"],
)
def test_a_read_that_is_cut_off_is_read_again(meet, text, point, sent, do):
    assert meet(text, [(point, do)]) == Met(sent, None, None, (_LOST,), 100)


@pytest.mark.parametrize("error", [AMBIGUOUS, CANCELED, INTERNAL, UNCATEGORISED])
def test_an_unclear_answer_to_a_read_is_an_error_and_not_ambiguous(meet, error):
    assert meet(_READ, [("SELECT", instead(error))]) == Met("SELECT", StatementError, _NOTHING, (), 100)


# The caller said that running it twice does no harm. (This work counts how often it was.)

IDEMPOTENT = [
    pytest.param([("COMMIT", cut_before)], f"{_GOOD} connect {_GOOD}", (None, None, (_LOST,), 101), id="cut before"),
    pytest.param([("COMMIT", cut_after)], f"{_GOOD} connect {_GOOD}", (None, None, (_LOST,), 102), id="cut after"),
    pytest.param(
        [("COMMIT", afterwards(AMBIGUOUS))], f"{_GOOD} {_GOOD}", (None, None, ("40003",), 102), id="40003 after"
    ),
    pytest.param(
        [("COMMIT", afterwards(INTERNAL))],
        _GOOD,
        (AmbiguousCommitError, _UNKNOWN, ("XX000",), 101),
        id="XX000 is not for retrying",
    ),
    pytest.param(
        [("COMMIT", cut_after, _EVER)],
        f"{_GOOD} connect {_GOOD} connect {_GOOD}",
        (ExceededMaxAttempts, _UNKNOWN, (_LOST,) * 3, 103),
        id="cut each time",
    ),
    pytest.param(
        [("COMMIT", cut_after), ("UPDATE", instead(_BAD_DIVISION), 1, 2)],
        f"{_GOOD} connect BEGIN+UPDATE ROLLBACK",
        (StatementError, _UNKNOWN, (), 101),
        id="an error after an unknown commit leaves it unknown",
    ),
    pytest.param(
        [("COMMIT", cut_after), (is_(START_UP), cut_before, _EVER)],
        f"{_GOOD} connect connect",
        (ExceededMaxAttempts, _UNKNOWN, (_LOST,) * 3, 101),
        id="nobody there after an unknown commit",
    ),
]


@pytest.mark.parametrize(("faults", "sent", "rest"), IDEMPOTENT)
def test_an_idempotent_transaction_runs_again_after_an_unknown_commit(meet, faults, sent, rest):
    assert meet(f"{_WRITE}; {_READ}", faults, idempotent=True) == Met(sent, *rest)


def test_an_idempotent_write_by_itself_is_sent_again(meet):
    met = meet(_WRITE, [("UPDATE", cut_after)], idempotent=True)

    assert met == Met("UPDATE connect UPDATE", None, None, (_LOST,), 102)


# A server that is away.


def test_a_server_that_is_back_in_time_is_found_again(meet, proxy):
    def restart(attempt: Attempt) -> None:
        (proxy.refuse if attempt.number == 1 else proxy.accept)()

    met = meet(f"{_WRITE}; {_READ}", [("SELECT", cut_before)], observer=restart)

    assert met == Met(f"BEGIN+UPDATE SELECT connect {_GOOD}", None, None, (_LOST, _LOST), 101)


def test_a_server_that_stays_away_is_given_up_with_the_reason_and_the_next_step(proxy, through_unkept, sql, table):
    proxy.rules.append(Fault(statement("UPDATE"), cut_before))

    with pytest.raises(ExceededMaxAttempts) as caught:
        through_unkept.run(
            sql(f"{_WRITE}; {_READ}".format(table=table)),
            TransactionOptions(retry=_THREE),
            lambda attempt: proxy.refuse() if attempt.number == 1 else None,
        )

    proxy.accept()
    assert [attempt.message.splitlines()[0] for attempt in caught.value.attempts] == [
        "The connection to the server was lost.",
        *[f"Could not connect to 127.0.0.1:{proxy.port}: Connection refused"] * 2,
    ]
    assert "no server listens there" in str(caught.value)
    assert caught.value.outcome is Outcome.NOT_COMMITTED


@pytest.mark.parametrize("text", [_WRITE, f"{_WRITE}; {_READ}"], ids=["one statement", "a transaction"])
def test_a_connection_that_was_cut_while_it_was_idle_is_replaced_without_an_attempt(meet, proxy, text):
    proxy.cut()
    met = meet(text, [])

    assert (met.sent.split()[0], met.failed, met.balance) == ("connect", (), 101)


def test_a_server_that_refuses_the_first_connection_is_asked_again(meet, proxy):
    proxy.cut()
    met = meet(f"{_WRITE}; {_READ}", [(is_(START_UP), cut_before)])

    assert met == Met(f"connect connect {_GOOD}", None, None, (_LOST,), 101)


@pytest.mark.parametrize(
    "do", [cut_before, instead(TOO_MANY), instead(NOT_ACCEPTING)], ids=["cut", "too many clients", "draining"]
)
def test_a_connection_that_cannot_be_opened_is_one_clear_error(proxy, do):
    proxy.rules.append(Fault(is_(START_UP), do))

    with pytest.raises(ConnectionFailedError, match=rf"^Could not connect to 127\.0\.0\.1:{proxy.port}: "):
        assert Session(proxy.target).server


def test_a_server_that_never_answers_a_new_connection_is_given_up_after_the_time_to_connect(proxy):
    proxy.rules.append(Fault(is_(START_UP), never_answer))

    with pytest.raises(ConnectionFailedError, match="nothing answered"):
        assert Session(proxy.target.having(connect_timeout="1")).server


def test_a_commit_that_is_never_answered_is_ambiguous_once_the_connection_ends(
    proxy, through_unkept, sql, table, balance
):
    swallowed = threading.Event()

    def swallow(exchange) -> None:
        exchange.finish()
        swallowed.set()
        never_answer(exchange)

    def end() -> None:
        swallowed.wait(10)
        proxy.cut()

    proxy.rules.append(Fault(statement("COMMIT"), swallow))
    ending = threading.Thread(target=end)
    ending.start()

    with pytest.raises(AmbiguousCommitError):
        through_unkept.run(sql(f"{_WRITE}; {_READ}".format(table=table)))

    ending.join()
    assert balance() == 101


# What only takes its time.


@pytest.mark.parametrize("do", [trickle, delay(0.02)], ids=["trickled", "delayed"])
def test_a_slow_line_changes_nothing(through_unkept, proxy, session, sql, table, do):
    text = f"SELECT * FROM {table} ORDER BY id; SELECT i, repeat('x', i) FROM generate_series(1, 30) AS s(i)"
    proxy.rules.append(Fault(anything, do, times=_EVER))
    slow, fast = (one.run(sql(text)) for one in (through_unkept, session))

    assert slow.results == fast.results
    assert slow.receipt.attempts == 1


def test_an_answer_that_comes_after_the_time_limit_ends_the_transaction(through_unkept, proxy, sql, table, balance):
    proxy.rules.append(Fault(statement("UPDATE"), delay(0.3)))

    with pytest.raises((StatementError, TransactionError)) as caught:
        through_unkept.run(
            sql(f"{_WRITE}; {_READ}".format(table=table)), TransactionOptions(retry=RetryPolicy(timeout=0.2))
        )

    assert (caught.value.sqlstate, caught.value.outcome, balance()) == ("57014", Outcome.NOT_COMMITTED, 100)


# A callback that hides the fault from us.


def _swallowing(table: str) -> Callable[[psycopg2.extensions.connection], None]:
    def work(connection: psycopg2.extensions.connection) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute(_WRITE.format(table=table))
                cursor.execute(_READ.format(table=table))
        except psycopg2.Error:
            pass

    return work


@pytest.mark.parametrize("do", [cut_before, cut_after, instead(SERIALIZABLE), instead(_BAD_DIVISION)])
@pytest.mark.parametrize("point", ["UPDATE", "SELECT"])
def test_a_callback_that_swallows_a_fault_is_told_so_and_nothing_is_committed(
    through_unkept, proxy, table, balance, point, do
):
    proxy.rules.append(Fault(statement(point), do))

    with pytest.raises(BrokenTransactionError) as caught:
        through_unkept.transact(_swallowing(table))

    assert (caught.value.outcome, balance()) == (Outcome.NOT_COMMITTED, 100)
    assert "COMMIT" not in proxy.log


def _committing_itself(table: str) -> Callable[[psycopg2.extensions.connection], None]:
    def work(connection: psycopg2.extensions.connection) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_WRITE.format(table=table))
            cursor.execute("COMMIT")
            cursor.execute(_READ.format(table=table))

    return work


@pytest.mark.parametrize("do", [cut_before, instead(SERIALIZABLE), instead(_BAD_DIVISION)])
def test_a_callback_that_committed_by_itself_before_a_fault_is_not_run_again(through_unkept, proxy, table, balance, do):
    proxy.rules.append(Fault(statement("SELECT"), do))

    with pytest.raises(BrokenTransactionError) as caught:
        through_unkept.transact(_committing_itself(table), TransactionOptions(retry=_THREE))

    assert (caught.value.outcome, balance()) == (Outcome.UNKNOWN, 101)


@pytest.mark.parametrize("do", [cut_after, afterwards(AMBIGUOUS), afterwards(SHUTTING_DOWN)])
def test_a_commit_of_the_callbacks_own_that_is_not_confirmed_is_not_run_again(
    through_unkept, proxy, table, balance, do
):
    proxy.rules.append(Fault(statement("COMMIT"), do))

    with pytest.raises(BrokenTransactionError) as caught:
        through_unkept.transact(_committing_itself(table), TransactionOptions(retry=_THREE))

    assert (caught.value.outcome, balance()) == (Outcome.UNKNOWN, 101)


# After the commit nothing can be lost any more.


def test_a_committed_result_is_not_lost_with_the_connection_that_would_tell_its_types(
    through_unkept, proxy, sql, table
):
    through_unkept.run(sql("DROP TYPE IF EXISTS feeling"))
    through_unkept.run(sql("CREATE TYPE feeling AS ENUM ('sad', 'ok')"))
    proxy.rules.append(Fault(statement("SELECT t.oid"), cut_before))
    report = through_unkept.run(sql(f"{_WRITE} RETURNING 'sad'::feeling".format(table=table)))

    assert report.results[0].rows == (("sad",),)
    assert through_unkept.run(sql("SELECT 1")).results[0].rows == (("1",),)


@pytest.mark.parametrize("do", [cut_before, instead(INTERNAL)], ids=["cut", "refused"])
def test_a_time_limit_that_cannot_be_lifted_after_the_commit_takes_only_the_connection(
    through_unkept, proxy, sql, table, balance, do
):
    through_unkept.connection.server = Server(Product.COCKROACHDB, (21, 2, 0))  # which has no SET LOCAL
    proxy.rules.append(Fault(statement("SET statement_timeout = 0"), do))

    report = through_unkept.run(
        sql(f"{_WRITE}; {_READ}".format(table=table)), TransactionOptions(retry=RetryPolicy(timeout=30))
    )

    assert (report.receipt.attempts, balance()) == (1, 101)
    assert through_unkept.run(sql("SHOW statement_timeout")).results[0].rows == (("0",),)


# COPY.

COPIES = [
    ("BEGIN", cut_before, _LOST),
    ("BEGIN", instead(SERIALIZABLE), "40001 RETRY_SERIALIZABLE"),
    ("COPY", cut_before, _LOST),
    ("COPY", cut_after, _LOST),
    ("COPY", instead(WRITE_TOO_OLD), "40001 WriteTooOld"),
    ("COPY", afterwards(WRITE_TOO_OLD), "40001 WriteTooOld"),
    (COPY_DONE, cut_before, _LOST),
    (COPY_DONE, cut_after, _LOST),
    (COPY_DONE, cut_within(0.5), _LOST),
    (COPY_DONE, instead(WRITE_TOO_OLD), "40001 WriteTooOld"),
    (COPY_DONE, instead(SHUTTING_DOWN), _LOST),
    ("COMMIT", instead(SERIALIZABLE), "40001 RETRY_SERIALIZABLE"),
]


def _copy(connection: psycopg2.extensions.connection, table: str) -> None:
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {table} FROM STDIN WITH CSV", io.StringIO("3,3\n4,4\n"))


@pytest.mark.parametrize(("point", "do", "label"), COPIES)
def test_a_copy_that_fails_copies_all_rows_once_the_next_time(through_unkept, proxy, table, rows, point, do, label):
    proxy.rules.append(Fault(is_(point) if point == COPY_DONE else statement(point), do))
    _, receipt = through_unkept.transact(lambda connection: _copy(connection, table), TransactionOptions(retry=_THREE))

    assert [failure.label for failure in receipt.retries] == [label]
    assert rows(f"SELECT count(*) FROM {table}") == [("4",)]


def test_a_copy_whose_commit_is_cut_off_is_ambiguous(through_unkept, proxy, table, rows):
    proxy.rules.append(Fault(statement("COMMIT"), cut_after))

    with pytest.raises(AmbiguousCommitError):
        through_unkept.transact(lambda connection: _copy(connection, table))

    assert rows(f"SELECT count(*) FROM {table}") == [("4",)]
