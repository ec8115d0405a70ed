"""Facts about the engine: what is sent, waited for and raised, for each way that attempts can go."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from faults import WRITE_TOO_OLD
from hypothesis import given
from hypothesis import strategies as st
from retry_script import OK, At, DriverError, Scripted, lost, refused

from crdb_magic.core.options import RetryPolicy
from crdb_magic.core.retry import LOST, RETRYABLE, Committed, Verdict, is_lost, judge
from crdb_magic.errors import (
    AmbiguousCommitError,
    Attempt,
    BrokenTransactionError,
    ConnectionFailedError,
    CrdbMagicError,
    ExceededMaxAttempts,
    Outcome,
    ParameterError,
    PartialCommitError,
    PastUnavailableError,
    StatementError,
    TransactionError,
)

THREE = RetryPolicy(max_attempts=3)
RETRY = At("work", refused("40001"))
LOST_CODES = (*sorted(LOST), "08000", "08001", "08003", "08004", "08006", "08007")
CLEAR_REFUSALS = ("23505", "25P02", "25006", "42P01", "0A000", "22012", "55P03")

codes = st.none() | st.sampled_from([*RETRYABLE, *LOST_CODES, *CLEAR_REFUSALS, "40003", "57014", "XXA00", "XXUUU"])
errors = st.builds(
    lambda kind, code: kind("?", sqlstate=code), st.sampled_from([StatementError, ConnectionFailedError]), codes
)


@dataclass(frozen=True)
class Ending:
    """One way for a transaction to fail: what each attempt meets, what is done, what the caller gets."""

    name: str
    script: tuple[At, ...]
    log: str
    raises: type[BaseException]
    outcome: Outcome


NOTHING, COMMITTED, UNKNOWN = Outcome.NOT_COMMITTED, Outcome.COMMITTED, Outcome.UNKNOWN
ENDINGS = [
    # What the user's work raises passes through as it is; what our verbs raise comes in our terms.
    Ending("refused", (At("work", refused("23505")),), "begin work rollback", DriverError, NOTHING),
    Ending("refused at begin", (At("begin", refused("XXUUU")),), "begin rollback", StatementError, NOTHING),
    Ending("refused at commit", (At("commit", refused("23503")),),
           "begin work commit rollback", StatementError, NOTHING),
    Ending("too large a message", (At("work", refused("08P01")),), "begin work rollback", DriverError, NOTHING),
    Ending("too large a message by itself", (At("commit", refused("08P01")),),
           "begin work commit rollback", StatementError, NOTHING),
    Ending("cancelled", (At("work", refused("57014")),), "begin work rollback", DriverError, NOTHING),
    Ending("cancelled by a cut", (At("work", lost("57014")),), "begin work rollback", DriverError, NOTHING),
    Ending("ambiguous before the commit", (At("work", refused("40003")),), "begin work rollback", DriverError, NOTHING),
    Ending("the user's error", (At("work", ValueError()),), "begin work rollback", ValueError, NOTHING),
    Ending("interrupt", (At("work", KeyboardInterrupt()),), "begin work rollback", KeyboardInterrupt, NOTHING),
    Ending("interrupt at begin", (At("begin", KeyboardInterrupt()),), "begin rollback", KeyboardInterrupt, NOTHING),
    Ending("refused at last", (RETRY, At("work", refused("23505"))),
           "begin work rollback tell wait begin work rollback", DriverError, NOTHING),
    # An unknown outcome is never run again.
    Ending("interrupt at commit", (At("commit", KeyboardInterrupt()),),
           "begin work commit rollback", AmbiguousCommitError, UNKNOWN),
    Ending("lost at commit", (At("commit", lost()),), "begin work commit rollback", AmbiguousCommitError, UNKNOWN),
    Ending("lost at the second commit", (RETRY, At("commit", lost())),
           "begin work rollback tell wait begin work commit rollback", AmbiguousCommitError, UNKNOWN),
    Ending("schema change failed", (At("commit", refused("XXA00")),),
           "begin work commit rollback", PartialCommitError, COMMITTED),
    # No more attempts.
    Ending("exhausted", (RETRY, RETRY, RETRY),
           "begin work rollback tell wait begin work rollback tell wait begin work rollback",
           ExceededMaxAttempts, NOTHING),
    Ending("never connected", (At("begin", lost()),) * 3,
           "begin rollback tell wait begin rollback tell wait begin rollback", ExceededMaxAttempts, NOTHING),
]  # fmt: skip

each_ending = pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.name)


def end_of(
    scripted: Scripted, policy: RetryPolicy = THREE, *, idempotent: bool = False, reads_only: bool = False
) -> BaseException:
    """Give what the run raises."""
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - each test says which
        scripted.run(policy, idempotent=idempotent, reads_only=reads_only)
    return caught.value


def last_line(error: BaseException) -> str:
    return [*str(error).splitlines(), *getattr(error, "__notes__", ())][-1]


# How a transaction is committed.


def test_the_value_of_the_committed_attempt_is_returned() -> None:
    assert Scripted([OK]).run() == Committed("value 1", (), 0.0)


@pytest.mark.parametrize("phase", ["begin", "work", "commit"])
@pytest.mark.parametrize("code", sorted(RETRYABLE))
def test_a_retry_asked_for_anywhere_is_made(phase: str, code: str) -> None:
    scripted = Scripted([At(phase, refused(code)), OK])
    scripted.run(THREE)

    assert scripted.log[-5:] == ["tell", "wait", "begin", "work", "commit"]


@pytest.mark.parametrize("phase", ["begin", "work"])
@pytest.mark.parametrize("code", [None, "08P01", *LOST_CODES])  # 08P01: so PgBouncer says that it lost the server
def test_a_connection_lost_before_the_commit_is_a_failed_attempt(phase: str, code: str | None) -> None:
    scripted = Scripted([At(phase, lost(code)), OK])

    assert len(scripted.run(THREE).failures) == 1


def test_a_server_that_is_about_to_go_is_a_lost_connection() -> None:
    scripted = Scripted([At("work", refused("57P01")), OK])

    assert len(scripted.run(THREE).failures) == 1


def test_the_work_runs_again_from_its_beginning() -> None:
    assert Scripted([RETRY, RETRY, OK]).run(THREE).value == "value 3"


def test_the_time_that_all_attempts_took_is_told() -> None:
    scripted = Scripted([RETRY, OK], pace=2.0, luck=0.5)

    assert scripted.run(RetryPolicy(wait_initial=1.0)).elapsed == pytest.approx(2.0 + 0.5 + 2.0)


@pytest.mark.parametrize("at", [RETRY, At("commit", refused("40001")), At("begin", lost())])
def test_the_wait_comes_after_the_rollback_and_once_the_observer_was_told(at: At) -> None:
    scripted = Scripted([at, OK])
    scripted.run(THREE)
    failed = scripted.log.index("rollback")

    assert scripted.log[failed : failed + 4] == ["rollback", "tell", "wait", "begin"]


# How it fails.


@each_ending
def test_a_failing_transaction_does(ending: Ending) -> None:
    scripted = Scripted(ending.script)
    end_of(scripted)

    assert " ".join(scripted.log) == ending.log


@each_ending
def test_a_failing_transaction_raises(ending: Ending) -> None:
    assert type(end_of(Scripted(ending.script))) is ending.raises


@each_ending
def test_a_failing_transaction_says_last_what_became_of_it(ending: Ending) -> None:
    assert last_line(end_of(Scripted(ending.script))) == ending.outcome.value


@each_ending
def test_each_failed_attempt_is_rolled_back_once(ending: Ending) -> None:
    scripted = Scripted(ending.script)
    end_of(scripted)

    assert scripted.log.count("rollback") == scripted.log.count("begin") == len(ending.script)


@each_ending
def test_what_was_raised_below_is_kept_as_the_cause(ending: Ending) -> None:
    error = end_of(Scripted(ending.script))

    assert ending.script[-1].error in (error, error.__cause__)


@each_ending
def test_a_transaction_error_holds_every_attempt(ending: Ending) -> None:
    error = end_of(Scripted(ending.script))
    numbers = [attempt.number for attempt in error.attempts] if isinstance(error, TransactionError) else None

    assert numbers in (None, list(range(1, len(ending.script) + 1)))


def test_the_user_s_own_error_passes_through_as_the_same_object() -> None:
    mine = ValueError("mine")

    assert end_of(Scripted([At("work", mine)])) is mine


def test_the_user_s_own_error_keeps_its_text() -> None:
    assert str(end_of(Scripted([At("work", ValueError("mine"))]))) == "mine"


def test_a_note_on_the_user_s_own_error_says_what_became_of_the_transaction() -> None:
    assert end_of(Scripted([At("work", ValueError())])).__notes__ == ["Nothing was committed."]


def test_an_error_of_ours_in_the_work_passes_through_as_the_same_object() -> None:
    ours = StatementError("division by zero", sqlstate="22012")

    assert end_of(Scripted([At("work", ours)])) is ours


def test_an_error_that_already_is_in_our_terms_is_not_its_own_cause() -> None:
    ours = StatementError("division by zero", sqlstate="22012")

    assert end_of(Scripted([At("commit", ours)])).__cause__ is None


def test_an_error_raised_from_one_that_asks_for_a_retry_is_retried() -> None:
    wrapped = ValueError()
    wrapped.__cause__ = refused("40001")
    scripted = Scripted([At("work", wrapped), OK])

    assert scripted.run(THREE).value == "value 2"


@pytest.mark.parametrize("phase", ["begin", "work"])
def test_an_interrupt_while_an_error_was_being_handled_is_not_retried(phase: str) -> None:
    interrupt = KeyboardInterrupt()
    interrupt.__context__ = refused("40001")

    assert end_of(Scripted([At(phase, interrupt), OK])) is interrupt


# What is unknown.


@pytest.mark.parametrize("code", ["40003", "57014", "XX000", "XXUUU", None, *LOST_CODES])
def test_an_unclear_answer_to_commit_is_ambiguous(code: str | None) -> None:
    assert isinstance(end_of(Scripted([At("commit", refused(code))])), AmbiguousCommitError)


@pytest.mark.parametrize("code", [None, "23505", "57P05", "25P04", *LOST_CODES])
def test_a_connection_lost_at_commit_is_ambiguous_whatever_its_code(code: str | None) -> None:
    assert isinstance(end_of(Scripted([At("commit", lost(code))])), AmbiguousCommitError)


@pytest.mark.parametrize("code", CLEAR_REFUSALS)
def test_a_clear_refusal_of_commit_is_not_ambiguous(code: str) -> None:
    assert last_line(end_of(Scripted([At("commit", refused(code))]))) == "Nothing was committed."


def test_a_value_that_cannot_be_sent_by_a_committing_statement_is_not_ambiguous() -> None:
    error = ParameterError("no literal for an object")

    assert end_of(Scripted([At("commit", error)])) is error


@pytest.mark.parametrize("outcome", Outcome)
def test_verbs_that_know_what_became_of_the_transaction_are_believed(outcome: Outcome) -> None:
    error = BrokenTransactionError("its body ended it", outcome=outcome)

    assert last_line(end_of(Scripted([At("commit", error)]))) == outcome.value


@pytest.mark.parametrize(
    "error", [refused("40003"), lost(), lost("08006"), refused("57P01")], ids=lambda e: repr(e.meaning)
)
def test_idempotent_work_is_run_again_after_an_unclear_commit(error: DriverError) -> None:
    scripted = Scripted([At("commit", error), OK])

    assert scripted.run(THREE, idempotent=True).value == "value 2"


@pytest.mark.parametrize(
    "error", [refused("57014"), refused("XX000"), refused("XXUUU"), refused(None), KeyboardInterrupt()]
)
def test_even_idempotent_work_is_not_run_again_when_it_was_stopped_or_the_server_is_broken(
    error: BaseException,
) -> None:
    assert isinstance(end_of(Scripted([At("commit", error), OK]), idempotent=True), AmbiguousCommitError)


@pytest.mark.parametrize(
    "end",
    [At("work", refused("23505")), At("work", ValueError()), At("commit", refused("23505")), At("begin", lost()),
     At("work", BrokenTransactionError("swallowed", outcome=NOTHING))],
)  # fmt: skip
def test_once_it_may_have_been_committed_the_end_says_so(end: At) -> None:
    error = end_of(Scripted([At("commit", lost()), end]), RetryPolicy(max_attempts=2), idempotent=True)

    assert last_line(error) == UNKNOWN.value


def test_the_way_out_is_named_where_it_is_one() -> None:
    assert "--idempotent" in str(end_of(Scripted([At("commit", lost())])))


@pytest.mark.parametrize("error", [refused("57014"), KeyboardInterrupt()])
def test_no_way_out_is_named_where_there_is_none(error: BaseException) -> None:
    assert "--idempotent" not in str(end_of(Scripted([At("commit", error)])))


# What only reads has nothing to lose.


@pytest.mark.parametrize("error", [lost(), lost("08006"), refused("57P01")], ids=lambda e: repr(e.meaning))
def test_what_only_reads_is_run_again_after_a_commit_without_an_answer(error: DriverError) -> None:
    assert Scripted([At("commit", error), OK]).run(THREE, reads_only=True).value == "value 2"


@pytest.mark.parametrize(
    "error", [refused("40003"), refused("57014"), refused("XXUUU"), refused(None), KeyboardInterrupt()]
)
def test_what_only_reads_never_has_an_unknown_outcome(error: BaseException) -> None:
    assert last_line(end_of(Scripted([At("commit", error)]), reads_only=True)) == "Nothing was committed."


# Transactions of others inside of the work.


@pytest.mark.parametrize(
    "inner",
    [
        ExceededMaxAttempts("gave up", outcome=NOTHING, sqlstate="40001"),
        AmbiguousCommitError("no answer", outcome=UNKNOWN, sqlstate="08006"),
        PartialCommitError("schema change failed", outcome=COMMITTED, sqlstate="XXA00"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_the_end_of_another_transaction_in_the_work_is_never_a_reason_to_run_it_again(inner: TransactionError) -> None:
    assert end_of(Scripted([At("work", inner), OK])) is inner


# What the errors tell.


def test_an_attempt_holds_the_reason_that_cockroachdb_gives() -> None:
    message = "restart transaction: TransactionRetryError: retry txn (RETRY_SERIALIZABLE - …)"
    scripted = Scripted([At("commit", refused("40001", message)), OK])

    assert scripted.run().failures == (Attempt(1, "40001", "RETRY_SERIALIZABLE", message, wait=0.005, elapsed=0),)


def test_an_attempt_holds_how_long_it_took() -> None:
    scripted = Scripted([At("commit", refused("40001")), At("begin", refused("40001")), OK], pace=2)

    assert [attempt.elapsed for attempt in scripted.run().failures] == [2, 0]


def test_giving_up_tells_what_the_last_refusal_means() -> None:
    error = end_of(Scripted([At("work", refused("40001", "retry txn (RETRY_WRITE_TOO_OLD)"))] * 3))

    assert "Hint: another transaction had already written a row" in str(error)
    assert "give it more attempts" in str(error)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("… retry txn (RETRY_WRITE_TOO_OLD - WriteTooOld flag converted to WriteTooOldError)", "RETRY_WRITE_TOO_OLD"),
        ("… TransactionAbortedError(ABORT_REASON_CLIENT_REJECT): …", "ABORT_REASON_CLIENT_REJECT"),
        ("… ReadWithinUncertaintyIntervalError: read at time …", "ReadWithinUncertaintyInterval"),
        ("could not serialize access due to concurrent update", None),
    ],
)
def test_the_reason_is_read_in_the_message(message: str, reason: str | None) -> None:
    assert Scripted([At("work", refused("40001", message)), OK]).run().failures[0].reason == reason


@pytest.mark.parametrize(
    ("attempt", "label"),
    [
        (Attempt(1, "40001", "RETRY_SERIALIZABLE", "…"), "40001 RETRY_SERIALIZABLE"),
        (Attempt(1, "40P01", None, "…"), "40P01"),
        (Attempt(1, None, "KeyboardInterrupt", ""), "KeyboardInterrupt"),
        (Attempt(1, None, None, "server closed the connection unexpectedly"), "connection lost"),
    ],
)
def test_an_attempt_is_labelled(attempt: Attempt, label: str) -> None:
    assert attempt.label == label


def test_only_the_last_attempt_has_no_wait() -> None:
    error = end_of(Scripted([RETRY, RETRY, RETRY]))

    assert isinstance(error, ExceededMaxAttempts)
    assert [attempt.wait for attempt in error.attempts] == [0.005, 0.01, None]


TEXTS = [
    ([RETRY] * 3, THREE, "Gave up: all 3 attempts failed (the last with 40001)."),
    ([RETRY], RetryPolicy(max_attempts=1), "Gave up: the only attempt failed (the last with 40001)."),
    ([RETRY], RetryPolicy(timeout=0.001), "Gave up: the time limit of 0.001 s is used up (the last with 40001)."),
    ([At("commit", lost())], THREE, "The outcome of the commit is unknown (connection lost)."),
    ([At("commit", refused("40003"))], THREE, "The outcome of the commit is unknown (40003)."),
    ([At("commit", KeyboardInterrupt())], THREE, "The outcome of the commit is unknown (KeyboardInterrupt)."),
    ([At("commit", refused("XXA00", "index backfill failed"))], THREE,
     "A schema change of the transaction failed after its commit: index backfill failed"),
]  # fmt: skip


@pytest.mark.parametrize(("script", "policy", "text"), TEXTS)
def test_the_end_is_told_in_a_sentence(script: list[At], policy: RetryPolicy, text: str) -> None:
    error = end_of(Scripted(script), policy)

    assert str(error).splitlines()[0] == text


@pytest.mark.parametrize("script", [[RETRY] * 3, [At("commit", refused("40001"))] * 3, [At("begin", lost())] * 3])
def test_giving_up_is_raised_from_the_last_error(script: list[At]) -> None:
    error = end_of(Scripted(script))

    assert error.__cause__ is script[-1].error


@pytest.mark.parametrize("at", [At("work", refused("40001", hint="look there")), At("begin", lost(hint="look there"))])
def test_giving_up_hands_on_the_last_hint(at: At) -> None:
    error = end_of(Scripted([at] * 3))

    hint = next(line for line in str(error).splitlines() if line.startswith("Hint: "))
    assert hint.endswith("look there")


@pytest.mark.parametrize(
    ("at", "said", "advised"),
    [
        (RETRY, "The last error was: refused", True),
        (At("work", refused(WRITE_TOO_OLD.sqlstate, WRITE_TOO_OLD.text)),
         "The last error was: WriteTooOldError: write for key … at timestamp … too old; must write at or above …",
         True),
        (At("begin", lost()), "The last error was: The connection was lost.", False),
    ],
)  # fmt: skip
def test_giving_up_tells_the_last_words_and_what_to_do_about_contention(at: At, said: str, advised: bool) -> None:
    error = end_of(Scripted([at] * 3))

    assert str(error).splitlines()[1] == said
    assert ("let it touch fewer rows" in str(error)) == advised


def test_giving_up_holds_the_last_sqlstate() -> None:
    error = end_of(Scripted([At("work", lost()), RETRY, At("commit", refused("40P01"))]))

    assert isinstance(error, CrdbMagicError)
    assert error.sqlstate == "40P01"


# The observer, and what comes while waiting.


def test_the_observer_is_told_of_each_attempt_that_is_made_again() -> None:
    scripted = Scripted([RETRY, At("commit", refused("40P01")), OK])
    committed = scripted.run()

    assert tuple(scripted.told) == committed.failures


def test_the_observer_is_not_told_of_the_last_attempt() -> None:
    scripted = Scripted([RETRY, RETRY, RETRY])
    end_of(scripted)

    assert len(scripted.told) == 2


@pytest.mark.parametrize("error", [RuntimeError("the display is gone"), KeyboardInterrupt()])
def test_an_error_of_the_observer_ends_the_run_as_it_is(error: BaseException) -> None:
    def fail(_: Attempt) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        Scripted([RETRY, OK]).run(observer=fail)

    assert caught.value is error


@pytest.mark.parametrize(("first", "outcome"), [(RETRY, NOTHING), (At("commit", lost()), UNKNOWN)])
def test_an_interrupt_of_the_wait_says_what_became_of_the_transaction(first: At, outcome: Outcome) -> None:
    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        Scripted([first, OK]).run(idempotent=True, sleep=interrupted)

    assert last_line(caught.value) == outcome.value


class _StoppedInRollback(Scripted):
    """A scripted whose user loses patience while an attempt is rolled back."""

    def rollback(self) -> None:
        super().rollback()
        raise KeyboardInterrupt


@pytest.mark.parametrize(("first", "outcome"), [(RETRY, NOTHING), (At("commit", lost()), UNKNOWN)])
def test_an_interrupt_of_the_rollback_ends_the_run_and_says_what_became_of_it(first: At, outcome: Outcome) -> None:
    scripted = _StoppedInRollback([first, OK])
    with pytest.raises(KeyboardInterrupt) as caught:
        scripted.run(idempotent=True)

    assert last_line(caught.value) == outcome.value
    assert scripted.told == []


# Limits.


@pytest.mark.parametrize("most", [1, 2, 5])
def test_all_attempts_are_counted_the_first_included(most: int) -> None:
    scripted = Scripted([RETRY] * 9)
    end_of(scripted, RetryPolicy(max_attempts=most))

    assert scripted.log.count("begin") == most


def test_without_a_time_limit_no_attempt_has_one() -> None:
    scripted = Scripted([RETRY, OK])
    scripted.run()

    assert scripted.begun_with == [None, None]


def test_each_attempt_is_begun_with_the_seconds_that_are_left() -> None:
    scripted = Scripted([RETRY, RETRY, OK], pace=2.0)
    scripted.run(RetryPolicy(timeout=10.0, wait_initial=1.0, wait_max=1.0))

    assert scripted.begun_with == [10.0, 7.0, 4.0]


def test_no_attempt_is_made_that_would_begin_after_the_time_limit() -> None:
    scripted = Scripted([RETRY] * 9, pace=2.0)
    end_of(scripted, RetryPolicy(timeout=5.0, wait_initial=1.0))

    assert scripted.log.count("begin") == 2


def test_no_wait_goes_beyond_the_time_limit() -> None:
    scripted = Scripted([RETRY] * 9, pace=2.0)
    end_of(scripted, RetryPolicy(timeout=5.0, wait_initial=1.0))

    assert scripted.waits == [1.0]


# Waits.


def test_the_waits_double_up_to_their_limit() -> None:
    scripted = Scripted([*[RETRY] * 5, OK])
    scripted.run(RetryPolicy(wait_initial=1.0, wait_max=5.0))

    assert scripted.waits == [1.0, 2.0, 4.0, 5.0, 5.0]


@given(luck=st.floats(0, 1), retries=st.integers(1, 30), first=st.floats(0, 2), most=st.floats(2, 60))
def test_each_wait_is_a_share_of_the_longest_one_that_the_policy_allows(
    luck: float, retries: int, first: float, most: float
) -> None:
    policy = RetryPolicy(max_attempts=40, wait_initial=first, wait_max=most)
    scripted = Scripted([*[RETRY] * retries, OK], luck=luck)
    scripted.run(policy)

    assert scripted.waits == [luck * policy.longest_wait(retry) for retry in range(1, retries + 1)]


@given(script=st.lists(st.sampled_from([RETRY, At("begin", lost()), At("commit", refused("40P01"))]), max_size=6))
def test_the_waits_told_are_the_waits_made(script: list[At]) -> None:
    scripted = Scripted([*script, OK])

    assert [attempt.wait for attempt in scripted.run().failures] == scripted.waits


# The law of judgement.


@pytest.mark.parametrize(("soon", "verdict"), [(True, Verdict.RETRY), (False, Verdict.FINAL)])
def test_an_instant_that_comes_in_a_moment_is_read_then(soon: bool, verdict: Verdict) -> None:
    assert judge(PastUnavailableError("not yet", sqlstate="XXUUU", soon=soon), committing=False) is verdict


@given(error=st.none() | errors, idempotent=st.booleans())
def test_nothing_before_the_commit_is_unknown(error: CrdbMagicError | None, idempotent: bool) -> None:
    verdict = judge(error, committing=False, idempotent=idempotent)

    assert verdict not in (Verdict.UNKNOWN, Verdict.RETRY_THOUGH_UNKNOWN)


@given(error=st.none() | errors)
def test_what_may_have_been_committed_is_never_retried_unasked(error: CrdbMagicError | None) -> None:
    verdict = judge(error, committing=True)

    assert verdict is not Verdict.RETRY_THOUGH_UNKNOWN
    assert verdict is not Verdict.RETRY or (error is not None and error.sqlstate in RETRYABLE)


@given(error=st.none() | errors)
def test_idempotent_changes_nothing_but_what_is_unknown(error: CrdbMagicError | None) -> None:
    unasked, asked = judge(error, committing=True), judge(error, committing=True, idempotent=True)

    assert unasked is asked or (unasked, asked) == (Verdict.UNKNOWN, Verdict.RETRY_THOUGH_UNKNOWN)


@given(error=errors)
def test_a_connection_lost_at_commit_is_never_called_uncommitted(error: CrdbMagicError) -> None:
    verdict = judge(error, committing=True)

    assert verdict is not Verdict.FINAL or not is_lost(error)
