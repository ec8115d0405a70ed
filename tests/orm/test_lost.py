"""What becomes of peewee's transactions when the connection is lost, or the commit fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

import pandas as pd
import peewee
import pytest
from faults import AMBIGUOUS, WRITE_TOO_OLD, Fault, ServerError, cut_after, cut_within, instead, statement
from interrupting import interrupted_before, interrupted_behind
from proxy import Proxy
from tables import Tables

from crdb_magic import AmbiguousCommitError, CockroachDatabase, errors
from crdb_magic.errors import BrokenTransactionError, ConnectionFailedError, CrdbMagicError
from crdb_magic.orm.errors import as_peewee

_DEFERRED = ServerError("23503", "violates foreign key constraint")


@pytest.fixture
def account(own_tables: Tables) -> type[peewee.Model]:
    """A model with one row, (1, 100), that is read on a connection of its own."""
    model = own_tables.model("account", id=peewee.IntegerField(primary_key=True), balance=peewee.IntegerField())
    model.create(id=1, balance=100)
    return model


@pytest.fixture
def table(account: type[peewee.Model]) -> str:
    return str(account._meta.table_name)


@pytest.fixture
def write(table: str) -> str:
    return f"UPDATE {table} SET balance = balance + 1"


@pytest.fixture
def stored(own_tables: Tables, table: str) -> Callable[[], list[tuple[int, int]]]:
    return lambda: list(own_tables.db.execute_sql(f"SELECT id, balance FROM {table} ORDER BY id"))


@pytest.fixture
def db(proxy: Proxy, past: None) -> Iterator[CockroachDatabase]:
    """A database whose connections lead through the proxy."""
    parameters = dict(proxy.target)
    database = CockroachDatabase(parameters.pop("dbname"), **parameters)
    database.connect()
    yield database
    if not database.is_closed():
        database.close()


# Lost before the commit: what comes after it must not run by itself, on another connection.

AFTER_A_LOSS = {
    "execute_sql": lambda db, table: db.execute_sql(f"INSERT INTO {table} VALUES (2, 20)"),
    "write_frame": lambda db, table: db.write_frame(pd.DataFrame({"id": [2], "balance": [20]}), table),
    "rows": lambda db, table: db.session.ask(f"SELECT balance FROM {table}"),
    "run_transaction": lambda db, table: db.run_transaction(lambda _: db.execute_sql(f"DELETE FROM {table}")),
    "commit": lambda db, table: db.commit(),
}


@pytest.mark.parametrize("then", AFTER_A_LOSS.values(), ids=AFTER_A_LOSS)
@pytest.mark.parametrize("sent", [True, False], ids=["after a statement", "before any"])
def test_nothing_runs_by_itself_after_a_transaction_was_lost(proxy, db, table, write, stored, sent, then):
    db.begin()
    if sent:
        db.execute_sql(write)
    proxy.cut()
    with suppress(CrdbMagicError, peewee.PeeweeException, NotImplementedError):
        then(db, table)
    assert stored() == [(1, 100)]


def test_a_lost_transaction_that_was_rolled_back_leaves_a_database_that_works(proxy, db, write, stored):
    db.begin()
    db.execute_sql(write)
    proxy.cut()
    db.rollback()
    db.execute_sql(write)

    assert stored() == [(1, 101)]


def test_a_callback_that_swallows_the_loss_of_its_connection_writes_nothing_by_itself(proxy, db, write, stored):
    def work(given):
        given.execute_sql(write)
        proxy.cut()
        for _ in range(2):
            with suppress(peewee.PeeweeException):
                given.execute_sql(write)

    with pytest.raises(BrokenTransactionError):
        db.run_transaction(work, max_attempts=1)

    assert stored() == [(1, 100)]


def test_a_block_that_swallows_the_loss_of_its_connection_writes_nothing_by_itself(proxy, db, write, stored):
    with pytest.raises(peewee.OperationalError), db.atomic():
        db.execute_sql(write)
        proxy.cut()
        for _ in range(2):
            with suppress(peewee.PeeweeException):
                db.execute_sql(write)

    assert stored() == [(1, 100)]


def test_a_commit_after_the_connection_was_closed_commits_nothing(db, write, stored):
    db.begin()
    db.execute_sql(write)
    db.close()
    db.connect()
    with pytest.raises(peewee.OperationalError, match="on which it was begun is closed"):
        db.commit()

    assert stored() == [(1, 100)]


def test_a_transaction_that_was_begun_by_hand_is_not_run_within(db, write):
    with db.manual_commit():
        db.begin()
        with pytest.raises((BrokenTransactionError, NotImplementedError)):
            db.run_transaction(lambda given: given.execute_sql(write))
        db.rollback()


# Errors at the COMMIT of a block are peewee's and ours.


@pytest.mark.parametrize(
    ("fault", "peewees", "ours", "balance"),
    [
        (instead(WRITE_TOO_OLD), peewee.OperationalError, None, 100),
        (instead(_DEFERRED), peewee.IntegrityError, None, 100),
        (instead(AMBIGUOUS), peewee.OperationalError, AmbiguousCommitError, 100),
        (cut_after, peewee.OperationalError, AmbiguousCommitError, 101),
    ],
    ids=["40001", "23503", "40003", "cut"],
)
def test_the_commit_of_a_block_fails_with_peewees_error(proxy, db, write, stored, fault, peewees, ours, balance):
    proxy.rules.append(Fault(statement("COMMIT"), fault))
    with pytest.raises(peewees) as caught, db.atomic():
        db.execute_sql(write)

    assert isinstance(caught.value, ours or peewees)
    assert stored() == [(1, balance)]
    assert not db.in_transaction()


def test_an_interrupt_before_the_commit_of_a_block_is_sent_leaves_no_transaction_open(db, write, stored):
    block = db.atomic()
    block.__enter__()
    db.execute_sql(write)
    with pytest.raises(KeyboardInterrupt) as caught, interrupted_before():
        block.__exit__(None, None, None)

    assert caught.value.__notes__ == ["Nothing was committed."]
    assert not db.session.in_transaction
    assert stored() == [(1, 100)]


def test_a_commit_of_a_block_whose_answer_was_interrupted_is_not_denied(db, write, stored):
    db.begin()
    db.execute_sql(write)
    with pytest.raises(AmbiguousCommitError), interrupted_behind():
        db.commit()

    assert stored() == [(1, 101)]


def test_the_commit_of_a_block_that_reads_the_past_is_never_ambiguous(proxy, db, table):
    proxy.rules.append(Fault(statement("COMMIT"), cut_after))
    with pytest.raises(ConnectionFailedError), db.atomic(system_time="-1us"):
        db.execute_sql("SELECT 1")


# What a failed transaction leaves.


def test_what_was_to_be_called_after_a_failed_commit_is_not_called_after_the_next(db):
    called = []

    def failing(given):
        given.after_commit(lambda: called.append("failed"))
        raise KeyError

    with pytest.raises(KeyError):
        db.run_transaction(failing)
    db.run_transaction(lambda given: given.after_commit(lambda: called.append("committed")))

    assert called == ["committed"]


def test_an_error_that_was_being_handled_before_is_no_reason_to_retry(db):
    calls = []

    def work(given):
        calls.append(given)
        raise KeyError

    try:
        with db.atomic():
            db.execute_sql("SELECT 1")  # something is sent first: a cluster would run the next one again by itself
            db.execute_sql("SELECT crdb_internal.force_retry('1h')")
    except peewee.OperationalError:
        with pytest.raises(KeyError):
            db.run_transaction(work)

    assert len(calls) == 1


def test_an_export_that_begins_again_says_so(proxy, db, server, tmp_path, monkeypatch):
    if not server.copy_to:
        pytest.skip("COPY … TO STDOUT is unknown there")
    monkeypatch.setattr("crdb_magic.session.reading.BYTES", 1000)
    proxy.rules.append(Fault(statement("COPY"), cut_within(0.5)))
    told: list[object] = []
    query = "SELECT i FROM generate_series(1, 1000) AS t (i)"
    rows = db.export(query, tmp_path / "a.csv", progress=told.append, on_retry=told.append)
    (failure,) = (one for one in told if not isinstance(one, int))

    assert failure.label == "connection lost"
    assert rows == 1000 == sum(told[told.index(failure) + 1 :])


# What the errors are.

_NO_TWIN = (errors.InputError, errors.RecordingError, errors.LocalServerError, errors.ResultTypeError)
CLASSES = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, CrdbMagicError) and not issubclass(kind, _NO_TWIN)
]


@pytest.mark.parametrize("kind", set(CLASSES) - {CrdbMagicError, errors.StatementError}, ids=lambda kind: kind.__name__)
def test_an_error_of_a_database_is_peewees_too(kind):
    error = kind.__new__(kind)
    error.message, error.args = "It went wrong.", ("It went wrong.",)

    with pytest.raises(peewee.OperationalError) as caught, as_peewee():
        raise error
    assert isinstance(caught.value, kind)


def test_it_has_the_drivers_error_as_peewees_have(db, proxy, write):
    proxy.rules.append(Fault(statement("COMMIT"), cut_after))

    with pytest.raises(AmbiguousCommitError) as caught, db.atomic():
        db.execute_sql(write)
    assert caught.value.orig.pgcode is None


def test_where_no_driver_was_it_has_none(db):
    with pytest.raises(peewee.OperationalError) as caught:
        CockroachDatabase("bank", host="127.0.0.1", port=1).connect()

    assert caught.value.orig is None


# What was begun in SQL.


def test_a_transaction_begun_in_sql_whose_error_was_swallowed_is_not_committed_in_silence(db, write, stored):
    db.execute_sql("BEGIN")
    db.execute_sql(write)
    with suppress(peewee.PeeweeException):
        db.execute_sql("SELECT nope")

    with pytest.raises(BrokenTransactionError):
        db.commit()
    db.rollback()
    assert stored() == [(1, 100)]


def test_what_comes_after_the_loss_of_a_transaction_begun_in_sql_does_not_run_by_itself(proxy, db, write, stored):
    db.execute_sql("BEGIN")
    db.execute_sql(write)
    proxy.cut()
    for _ in range(2):
        with pytest.raises(peewee.PeeweeException):
            db.execute_sql(write)
    db.rollback()

    assert stored() == [(1, 100)]
