"""CockroachDatabase: peewee's transactions on our engine."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator

import peewee
import pytest
from faults import Fault, ServerError, cut_after, instead, statement
from proxy import Proxy
from tables import unique

import crdb_magic
from crdb_magic import AmbiguousCommitError, CockroachDatabase, ExceededMaxAttempts, Session, run_transaction
from crdb_magic.core.asof import NOW
from crdb_magic.core.target import Target
from crdb_magic.errors import (
    BrokenTransactionError,
    ConnectionFailedError,
    OptionError,
    ParameterError,
    PastUnavailableError,
    ScriptError,
)
from crdb_magic.session.pinning import pin, unpin


@pytest.fixture
def account(db: CockroachDatabase) -> Iterator[type[peewee.Model]]:
    """A model with two rows: (1, 100) and (2, 20)."""

    class Account(peewee.Model):
        id = peewee.IntegerField(primary_key=True)
        balance = peewee.IntegerField()

        class Meta:
            database = db
            table_name = unique("orm_account")

    db.create_tables([Account])
    Account.insert_many([(1, 100), (2, 20)]).execute()
    yield Account
    db.drop_tables([Account])


def balances(account: type[peewee.Model]) -> list[int]:
    return [row.balance for row in account.select().order_by(account.id)]


# Connecting


def test_a_name_gets_the_defaults_of_cockroachdb():
    db = CockroachDatabase("bank", host="127.0.0.1", connect_timeout=1)

    assert "port=1" not in str(db.connect_params)
    with pytest.raises(peewee.OperationalError):
        CockroachDatabase("bank", host="127.0.0.1", port=1).connect()


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "cockroachdb", "cockroach"])
def test_a_url_may_have_any_of_our_schemes(url, scheme):
    db = CockroachDatabase(f"{scheme}://{url.split('://')[1]}")

    assert db.execute_sql("SELECT 1").fetchone() == (1,)
    db.close()


def test_keywords_name_the_cluster_as_well(url):
    parameters = dict(Target.from_url(url))
    db = CockroachDatabase(parameters.pop("dbname"), **parameters)

    assert db.execute_sql("SELECT 1").fetchone() == (1,)
    db.close()


def test_the_database_may_be_named_later(url):
    db = CockroachDatabase(None)
    db.init(url)

    assert db.execute_sql("SELECT 1").fetchone() == (1,)
    db.close()


def test_a_connection_that_fails_is_peewees_error_and_ours(url):
    with pytest.raises(peewee.OperationalError) as caught:
        CockroachDatabase("postgresql://root:s3cret@127.0.0.1:1/x").connect()

    assert isinstance(caught.value, ConnectionFailedError)
    assert "s3cret" not in str(caught.value)


# run_transaction


def test_the_callback_runs_in_a_transaction_that_is_committed(db, account):
    def transfer(given):
        account.update(balance=account.balance - 30).where(account.id == 1).execute()
        account.update(balance=account.balance + 30).where(account.id == 2).execute()
        return given is db

    assert db.run_transaction(transfer) is True
    assert balances(account) == [70, 50]


def test_a_refused_transaction_is_called_back_again(db, account, refuse_until):
    calls = []

    def work(given):
        calls.append(1)
        account.update(balance=account.balance + 1).execute()
        given.execute_sql(refuse_until(3))

    run_transaction(db, work)

    assert (len(calls), balances(account)) == (3, [101, 21])


def test_on_retry_hears_of_each_failed_attempt(db, refuse_until):
    heard = []

    def work(given):
        given.execute_sql("SELECT 1")
        given.execute_sql(refuse_until(3))

    db.run_transaction(work, on_retry=heard.append)

    assert [attempt.sqlstate for attempt in heard] == ["40001", "40001"]


def test_attempts_end_with_an_error_from_the_servers_last_one(db, account):
    def work(given):
        account.update(balance=0).execute()
        given.execute_sql("SELECT crdb_internal.force_retry('1h')")

    with pytest.raises(peewee.OperationalError) as caught:
        db.run_transaction(work, max_attempts=3)

    assert isinstance(caught.value, ExceededMaxAttempts)
    assert (len(caught.value.attempts), caught.value.sqlstate) == (3, "40001")
    assert caught.value.__cause__ is not None
    assert balances(account) == [100, 20]


@pytest.mark.parametrize(
    "options",
    [{"max_attempts": 0}, {"max_attempts": -1}, {"priority": "urgent"}, {"system_time": "yesterday"}, {"timeout": 0}],
)
def test_a_wrong_option_is_a_value_error_before_anything_is_sent(db, options):
    with pytest.raises(ValueError, match=r"\w") as caught:
        db.run_transaction(lambda _: pytest.fail("called"), **options)

    assert isinstance(caught.value, OptionError)


@pytest.mark.parametrize("priority", ["low", "NORMAL", "High"])
def test_a_priority_is_read_in_any_case(db, priority):
    assert db.run_transaction(lambda given: given.execute_sql("SELECT 1").fetchone(), priority=priority) == (1,)


def test_a_constraint_violation_comes_at_once_as_peewees_error(db, account):
    calls = []

    def work(_):
        calls.append(1)
        account.create(id=1, balance=1)

    with pytest.raises(peewee.IntegrityError):
        db.run_transaction(work)
    assert len(calls) == 1


def test_bad_sql_comes_at_once_as_peewees_error(db):
    with pytest.raises(peewee.ProgrammingError):
        db.run_transaction(lambda given: given.execute_sql("SELEC 1"))


def test_a_transaction_inside_of_a_transaction_is_refused(db):
    with db.atomic(), pytest.raises(NotImplementedError, match=r"transaction\(\).*run_transaction\(\)"):
        db.run_transaction(lambda _: None)

    with pytest.raises(NotImplementedError):
        db.run_transaction(lambda given: given.run_transaction(lambda _: None))


@pytest.mark.parametrize("verb", ["begin", "commit", "rollback"])
def test_the_callback_may_not_end_its_transaction(db, account, verb):
    def work(given):
        account.update(balance=0).execute()
        getattr(given, verb)()

    with pytest.raises(NotImplementedError, match="run_transaction"):
        db.run_transaction(work)
    assert balances(account) == [100, 20]


def test_a_callback_that_swallows_an_error_is_found_out(db, account):
    def work(given):
        account.update(balance=0).execute()
        with pytest.raises(peewee.ProgrammingError):
            given.execute_sql("SELECT nope")

    with pytest.raises(peewee.OperationalError) as caught:
        db.run_transaction(work)

    assert isinstance(caught.value, BrokenTransactionError)
    assert balances(account) == [100, 20]


def test_get_or_create_works_in_a_callback(db, account):
    found, made = db.run_transaction(
        lambda _: (
            account.get_or_create(id=1, defaults={"balance": 5})[1],
            account.get_or_create(id=3, defaults={"balance": 5})[1],
        )
    )

    assert (found, made, balances(account)) == (False, True, [100, 20, 5])


def test_after_commit_is_called_once_and_only_for_the_committed_attempt(db, refuse_until):
    called = []

    def work(given):
        given.after_commit(lambda: called.append(1))
        given.execute_sql("SELECT 1")
        given.execute_sql(refuse_until(3))

    db.run_transaction(work)

    assert called == [1]


def test_a_lost_connection_is_replaced_and_the_callback_called_again(db, account):
    lost = []

    def work(given):
        account.update(balance=account.balance + 1).where(account.id == 1).execute()
        if not lost:
            lost.append(given.connection().close())
        account.update(balance=account.balance + 1).where(account.id == 2).execute()

    with db.connection_context():
        db.run_transaction(work)
        assert balances(account) == [101, 21]


def test_the_decorator_passes_arguments_through(db, account):
    @db.retry_transaction(max_attempts=2)
    def deposit(given, key, *, amount):
        account.update(balance=account.balance + amount).where(account.id == key).execute()
        return given is db

    assert deposit(1, amount=5) is True
    assert balances(account) == [105, 20]


def test_the_decorator_needs_no_parentheses(db, account):
    @db.retry_transaction
    def deposit(given, amount):
        account.update(balance=account.balance + amount).execute()
        return given is db

    assert deposit(5) is True
    assert balances(account) == [105, 25]


@pytest.mark.parametrize("verb", ["commit", "rollback"])
def test_the_connections_own_verbs_do_what_they_say_and_are_found_out(db, account, verb):
    def work(given):
        account.update(balance=0).execute()
        getattr(given.connection(), verb)()

    with pytest.raises(crdb_magic.errors.BrokenTransactionError, match="ended by a COMMIT or ROLLBACK"):
        db.run_transaction(work)

    assert balances(account) == ([0, 0] if verb == "commit" else [100, 20])


def test_a_function_that_was_called_may_have_written(db):
    if not db.session.server.transactional_ddl:
        pytest.skip("its functions come from v22.2 on")
    name = unique("writes")
    db.execute_sql(f"CREATE TABLE {name} (a INT)")
    db.execute_sql(f"CREATE FUNCTION {name}() RETURNS VOID LANGUAGE sql AS 'INSERT INTO {name} VALUES (1)'")

    with pytest.raises(crdb_magic.errors.BrokenTransactionError, match="its error was caught"), db.atomic():
        db.cursor().callproc(name)
        with contextlib.suppress(peewee.DatabaseError):
            db.execute_sql("SELECT 1/0")


def test_a_first_connection_that_fails_is_not_tried_again(url):
    db = CockroachDatabase(Target.from_url(url)["dbname"], host="127.0.0.1", port=1)

    with pytest.raises(ConnectionFailedError, match="Connection refused"):
        db.run_transaction(lambda _: None)


def test_text_that_the_server_refuses_is_shown_on_a_line_of_its_own(db):
    with pytest.raises(peewee.ProgrammingError) as caught:
        db.run_transaction(lambda given: given.execute_sql("selec 1"), timeout=60)

    assert "statement_timeout" not in str(caught.value)


# atomic and transaction


def test_atomic_commits_and_rolls_back(db, account):
    with db.atomic():
        account.update(balance=1).where(account.id == 1).execute()
    with pytest.raises(ZeroDivisionError), db.atomic():
        account.update(balance=2).where(account.id == 1).execute()
        _ = 1 / 0

    assert balances(account) == [1, 20]


@pytest.mark.parametrize(
    "text",
    ["SAVEPOINT cockroach_restart", "RELEASE SAVEPOINT Cockroach_Restart", "SET force_savepoint_restart = true"],
)
def test_the_retry_protocol_by_hand_is_refused(db, text):
    with pytest.raises(ScriptError, match="transactions are retried here without"):
        db.run_transaction(lambda given: given.execute_sql(text))

    for door in (db.execute_sql, db.rows):
        with db.atomic(), pytest.raises(ScriptError, match="transactions are retried here without"):
            door(text)


def test_savepoints_by_hand_are_the_users(db):
    with db.atomic():
        db.execute_sql("SAVEPOINT mine")
        db.execute_sql("ROLLBACK TO SAVEPOINT mine")

        assert db.execute_sql("SELECT 'cockroach_restart'").fetchone() == ("cockroach_restart",)


def test_an_inner_atomic_is_a_savepoint(db, account):
    with db.atomic():
        account.update(balance=1).where(account.id == 1).execute()
        with pytest.raises(ZeroDivisionError), db.atomic():
            account.update(balance=2).where(account.id == 1).execute()
            _ = 1 / 0

    assert balances(account) == [1, 20]


@pytest.mark.parametrize("options", [{"priority": "high"}, {"system_time": "-1s"}])
@pytest.mark.parametrize("block", ["atomic", "transaction"])
def test_an_inner_block_has_no_options_of_its_own(db, block, options):
    with db.atomic(), pytest.raises(NotImplementedError, match="outermost block"), getattr(db, block)(**options):
        pytest.fail("entered")


def test_without_nested_transactions_an_inner_atomic_is_refused(url):
    db = CockroachDatabase(url, nested_transactions=False)

    with db.atomic(), pytest.raises(NotImplementedError, match="run_transaction"), db.atomic():
        pytest.fail("entered")
    with pytest.raises(NotImplementedError), db.savepoint():
        pytest.fail("entered")
    db.close()


def test_transaction_folds_into_the_outermost_block(db, account, other, sql):
    with db.transaction():
        with db.transaction():
            account.update(balance=1).where(account.id == 1).execute()
        seen = other.run(sql(f"SELECT balance FROM {account._meta.table_name} WHERE id = 1")).results[0].rows

    assert (seen, balances(account)) == ((("100",),), [1, 20])


def test_an_error_that_escapes_an_inner_block_rolls_all_back(db, account):
    with pytest.raises(ZeroDivisionError), db.transaction():
        account.update(balance=1).where(account.id == 1).execute()
        with db.transaction():
            _ = 1 / 0

    assert balances(account) == [100, 20]


def test_atomic_and_transaction_decorate_functions(db, account):
    @db.atomic()
    def first():
        account.update(balance=1).where(account.id == 1).execute()

    @db.transaction()
    def second():
        account.update(balance=2).where(account.id == 2).execute()

    first()
    second()

    assert balances(account) == [1, 2]


def test_manual_commit_leaves_the_verbs_to_the_user(db, account):
    with db.manual_commit():
        db.begin()
        account.update(balance=1).execute()
        db.rollback()
        db.begin()
        account.update(balance=2).where(account.id == 2).execute()
        db.commit()

    assert balances(account) == [100, 2]


@pytest.mark.parametrize("verb", ["commit", "rollback"])
def test_where_nothing_is_open_there_is_nothing_to_end(db, account, verb):
    account.update(balance=1).where(account.id == 1).execute()
    getattr(db, verb)()

    assert balances(account) == [1, 20]


@pytest.mark.parametrize(("verb", "after"), [("commit", [1, 1]), ("rollback", [100, 20])])
def test_a_transaction_begun_in_sql_is_ended(db, account, verb, after):
    db.execute_sql("BEGIN")
    account.update(balance=1).execute()
    getattr(db, verb)()

    assert (balances(account), db.connection().in_transaction) == (after, False)


@pytest.mark.parametrize(("verb", "after"), [("commit", [1, 1]), ("rollback", [100, 20])])
def test_a_block_may_be_ended_within(db, account, verb, after):
    with db.atomic() as block:
        account.update(balance=1).execute()
        getattr(block, verb)(begin=False)

    assert balances(account) == after


def test_what_is_called_after_the_commit_fails_as_itself(db, account):
    with pytest.raises(ZeroDivisionError), db.atomic():
        account.update(balance=1).execute()
        db.after_commit(lambda: 1 / 0)

    assert balances(account) == [1, 1]


async def _async(_: object) -> None: ...


@pytest.mark.parametrize("callback", [_async, lambda _: (yield)])
def test_a_callback_that_would_run_behind_the_commit_is_refused(db, callback):
    with pytest.raises(OptionError, match="after the commit"):
        db.run_transaction(callback)


def test_another_database_than_ours_is_refused():
    with pytest.raises(OptionError, match="This is peewee's SqliteDatabase: import it from crdb_magic"):
        run_transaction(peewee.SqliteDatabase(None), print)


def test_a_transaction_at_a_priority_runs(db, account):
    with db.atomic(priority="high"):
        account.update(balance=1).execute()

    assert balances(account) == [1, 1]


@pytest.mark.parametrize("moment", ["-1us", dt.timedelta(microseconds=-1), "now as an HLC", dt.datetime.now])
def test_the_past_is_read_at_a_system_time(db, account, keeper, moment):
    if moment == "now as an HLC":
        moment = db.execute_sql("SELECT cluster_logical_timestamp()").fetchone()[0]
    given = moment() if callable(moment) else moment
    account.delete().execute()

    counts = db.run_transaction(lambda _: account.select().count(), system_time=given)

    assert counts in ({0} if given in ("-1us", dt.timedelta(microseconds=-1)) else {2})


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_a_past_that_cannot_be_shown_is_refused_however_its_block_ends(db, account, keeper, end):
    instant = db.execute_sql("SELECT cluster_logical_timestamp()").fetchone()[0]
    db.execute_sql(f"ALTER TABLE {account._meta.table_name} RENAME COLUMN balance TO other")
    db.execute_sql(f"ALTER TABLE {account._meta.table_name} ADD COLUMN balance INT DEFAULT 5")
    refused = pytest.raises(PastUnavailableError) if keeper else contextlib.nullcontext()

    with refused, db.atomic(system_time=instant) as transaction:
        assert balances(account) == ([5, 5] if keeper else [100, 20])
        getattr(transaction, end)(False)

    assert not db.in_transaction()


def test_a_statement_of_a_transaction_that_was_cut_off_is_peewees_error(db, account):
    with pytest.raises((peewee.OperationalError, peewee.InterfaceError)), db.atomic():
        account.update(balance=1).execute()
        db.connection().close()
        account.update(balance=2).execute()


# Frames


def test_a_query_gives_a_typed_frame(db, account):
    frame = db.frame(account.select().order_by(account.id))

    assert (frame.balance.tolist(), str(frame.balance.dtype)) == (
        [100, 20],
        "Int32" if frame.id.dtype == "Int32" else "Int64",
    )
    assert crdb_magic.frame(account.select().where(account.id == 1)).balance.tolist() == [100]


def test_a_model_gives_the_frame_of_its_table(db, account):
    assert db.frame(account).balance.tolist() == [100, 20]


def test_sql_gives_a_typed_frame(db):
    frame = db.frame("SELECT %s::INT8 AS n, '5%%' AS x", (5,))

    assert (frame.n.tolist(), frame.x.tolist()) == ([5], ["5%"])


def test_sql_without_a_database_has_no_frame():
    with pytest.raises(OptionError, match=r"db\.frame\(sql\)"):
        crdb_magic.frame("SELECT 1")


def test_a_frame_in_a_transaction_sees_what_the_transaction_wrote(db, account):
    def work(given):
        account.update(balance=7).execute()
        return given.frame(account.select(account.balance)).balance.tolist()

    assert db.run_transaction(work) == [7, 7]


# One connection for models and SQL


def test_sql_of_the_session_runs_in_the_open_transaction_of_the_models(db, account, sql):
    with pytest.raises(ZeroDivisionError), db.atomic():
        account.update(balance=7).execute()
        report = db.session.run(sql(f"SELECT balance FROM {account._meta.table_name} WHERE id = 1"))
        _ = 1 / 0

    assert (report.results[0].rows, balances(account)) == ((("7",),), [100, 20])


def test_a_raw_cursor_is_in_the_transaction_as_well(db, account):
    with pytest.raises(ZeroDivisionError), db.atomic():
        with db.connection().cursor() as cursor:
            cursor.execute(f"UPDATE {account._meta.table_name} SET balance = 0")
        _ = 1 / 0

    assert balances(account) == [100, 20]


def test_the_public_errors_are_what_peewee_raises():
    assert issubclass(crdb_magic.orm.errors.AmbiguousCommitError, AmbiguousCommitError)
    assert isinstance(CockroachDatabase("x").session, Session)


def test_an_unknown_outcome_stays_unknown_when_the_second_run_breaks_a_constraint(url, account):
    with Proxy(Target.from_url(url)) as proxy:
        db = CockroachDatabase(None)
        db.init(proxy.target["dbname"], **{key: value for key, value in proxy.target.items() if key != "dbname"})
        proxy.rules.append(Fault(statement("COMMIT"), cut_after))
        proxy.rules.append(Fault(statement("COMMIT"), instead(ServerError("23503", "deferred"))))
        text = f"UPDATE {account._meta.table_name} SET balance = 1"
        with pytest.raises(peewee.IntegrityError) as caught:
            db.run_transaction(lambda given: given.execute_sql(text), idempotent=True)
        db.close()

    assert "may have been committed" in caught.value.__notes__[-1]


def test_a_notebook_shows_the_callback_and_not_the_way_to_it(db):
    with pytest.raises(ZeroDivisionError) as caught:
        db.run_transaction(lambda _: 1 / 0)

    ours = [step.frame for step in caught.traceback if "crdb_magic" in step.path.parts[-3:-1]]
    assert [frame.code.name for frame in ours if not frame.f_locals.get("__tracebackhide__")] == []
    assert len(ours) > 3


@pytest.mark.parametrize(
    "read", [CockroachDatabase.frame, CockroachDatabase.arrow, CockroachDatabase.rows], ids=lambda one: one.__name__
)
def test_a_query_that_fails_shows_its_line_and_not_the_way_to_the_server(db, read):
    with pytest.raises(peewee.ProgrammingError, match="nope") as caught:
        read(db, "SELECT nope")

    frames = [step.frame for step in caught.traceback[1:]]
    assert [frame.code.name for frame in frames if not frame.f_locals.get("__tracebackhide__")] == []
    assert caught.value.__cause__.__traceback__ is None


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        ("SELECT %s, %s", [1]),
        ("SELECT %s", [1, 2]),
        ("SELECT %(a)s", {"b": 1}),
        ("SELECT 5 % 3", [1]),
        ("SELECT %s", 5),
        ("SELECT %s", [object()]),
    ],
)
def test_values_that_do_not_fit_the_sql_are_refused_before_anything_is_sent(db, sql, values):
    with pytest.raises(ParameterError):
        db.frame(sql, values)


@pytest.mark.parametrize("query", [None, b"SELECT 1", 1])
def test_what_is_no_query_is_refused(db, query):
    with pytest.raises(OptionError, match="A query is SQL text"):
        db.frame(query)


@pytest.mark.parametrize("chunksize", [0, -1, 1.5, "10", None])
def test_what_is_no_number_of_rows_is_refused(db, chunksize):
    with pytest.raises(OptionError, match="chunksize is"):
        db.frames("SELECT 1", chunksize)


def test_what_we_know_besides_is_told_with_peewees_error(db, account):
    with pytest.raises(peewee.ProgrammingError) as caught:
        db.write_frame(db.frame(account), account._meta.table_name)

    hint, outcome = caught.value.__notes__
    assert hint.startswith("Hint: --mode append")
    assert outcome == "Nothing was committed."


def test_a_statement_that_cannot_be_spelled_takes_no_begin_with_it(db, account):
    def work(db):
        with db.connection().cursor() as cursor:
            with pytest.raises(IndexError):
                cursor.execute("SELECT %s, %s", [1])
            cursor.execute(f"UPDATE {account._meta.table_name} SET balance = 0")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        db.run_transaction(work)

    assert balances(account) == [100, 20]


# Pinned.


@pytest.fixture
def pinned(db: CockroachDatabase, account: type[peewee.Model], keeper: object) -> Iterator[type[peewee.Model]]:
    """The model, of a database that is pinned to an instant at which it had two rows; it has three."""
    pin(db.session, NOW)
    with db.atomic(system_time="now"):
        account.create(id=3, balance=0)
    yield account
    unpin(db.session)


def test_a_pinned_database_reads_one_instant_in_all_its_ways(db, pinned):
    count = pinned.select().count
    with db.atomic():
        in_a_block = count()

    assert (count(), in_a_block, db.run_transaction(lambda _: count()), len(db.frame(pinned))) == (2, 2, 2, 2)


def test_now_steps_out_of_a_pin(db, pinned):
    assert db.run_transaction(lambda _: pinned.select().count(), system_time="now") == 3


@pytest.mark.parametrize(
    "block",
    [lambda _: contextlib.nullcontext(), CockroachDatabase.manual_commit, CockroachDatabase.atomic],
    ids=["none", "manual_commit", "atomic"],
)
def test_a_pin_holds_in_each_kind_of_block(db, pinned, block):
    with pytest.raises(peewee.PeeweeException, match="read-only") as caught, block(db):
        assert pinned.select().count() == 2
        pinned.create(id=4, balance=0)

    assert "--as-of now overrides it" in caught.value.__notes__[0]


@pytest.mark.parametrize(("system_time", "seen"), [(None, 2), ("now", 3)])
def test_a_transaction_that_is_begun_by_hand_is_as_it_was_begun(db, pinned, system_time, seen):
    db.begin(system_time)
    count = pinned.select().count()
    db.commit()

    assert count == seen


def test_frames_are_of_the_pin_of_their_call(db, pinned):
    frames = db.frames(pinned)
    unpin(db.session)

    assert [len(frame) for frame in frames] == [2]


def test_another_target_is_not_pinned(db, pinned):
    db.init(db.database)

    assert db.session.pinned is None


# A block whose only statements failed has nothing to lose.


@pytest.mark.parametrize("block", ["atomic", "transaction"])
@pytest.mark.parametrize("before", ["", "SELECT 1", "SAVEPOINT s"])
def test_a_block_in_which_nothing_but_a_failure_happened_is_left_quietly(account, block, before):
    db = account._meta.database
    with getattr(db, block)():
        if before:
            db.execute_sql(before)
        with pytest.raises(peewee.IntegrityError):
            account.create(id=1, balance=1)

    assert [one.balance for one in account.select().where(account.id == 1)] == [100]


@pytest.mark.parametrize("block", ["atomic", "transaction"])
def test_a_block_that_wrote_before_the_failure_is_not(account, block):
    db = account._meta.database
    with pytest.raises(crdb_magic.errors.BrokenTransactionError, match="failed, and its error was caught"):  # noqa: SIM117
        with getattr(db, block)():
            account.update(balance=0).execute()
            with pytest.raises(peewee.IntegrityError):
                account.create(id=1, balance=1)

    assert [one.balance for one in account.select().where(account.id == 1)] == [100]


def test_a_callback_in_which_nothing_but_a_failure_happened_is_broken(account):
    def work(db):
        with pytest.raises(peewee.IntegrityError):
            account.create(id=1, balance=1)

    with pytest.raises(crdb_magic.errors.BrokenTransactionError):
        account._meta.database.run_transaction(work)


def test_a_block_that_was_left_quietly_can_be_followed_by_another(account):
    db = account._meta.database
    with db.atomic(), pytest.raises(peewee.IntegrityError):
        account.create(id=1, balance=1)
    with db.atomic():
        account.update(balance=1).execute()

    assert [one.balance for one in account.select().where(account.id == 1)] == [1]
