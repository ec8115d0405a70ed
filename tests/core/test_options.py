"""Facts about options: what they read, what they refuse, and what they default to."""

from __future__ import annotations

import pickle
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdb_magic.core.asof import AsOf
from crdb_magic.core.options import Isolation, Priority, RetryPolicy, TransactionOptions
from crdb_magic.errors import OptionError


def refusal(kind: Any, **values: object) -> str:
    """Give the sentence with which a value is refused."""
    with pytest.raises(OptionError) as caught:
        kind(**values)
    return str(caught.value)


# Words.


@pytest.mark.parametrize(
    ("word", "member"),
    [
        ("low", Priority.LOW),
        ("NORMAL", Priority.NORMAL),
        (" High ", Priority.HIGH),
        (Priority.HIGH, Priority.HIGH),
        ("serializable", Isolation.SERIALIZABLE),
        ("read-committed", Isolation.READ_COMMITTED),
        ("READ COMMITTED", Isolation.READ_COMMITTED),
        ("read_committed", Isolation.READ_COMMITTED),
    ],
)
def test_a_word_is_read_in_any_case(word: object, member: Priority | Isolation) -> None:
    assert type(member).parse(word) is member


@pytest.mark.parametrize(
    ("kind", "value", "sentence"),
    [
        (Priority, "hihg", "priority 'hihg' does not exist: low, normal, high. Did you mean high?"),
        (Priority, "urgent", "priority 'urgent' does not exist: low, normal, high."),
        (Priority, "", "priority '' does not exist: low, normal, high."),
        (Priority, None, "priority takes no NoneType, but one of: low, normal, high."),
        (Priority, 1, "priority takes no int, but one of: low, normal, high."),
        (Priority, Isolation.SERIALIZABLE, "priority takes no Isolation, but one of: low, normal, high."),
        (
            Isolation,
            "serialisable",
            "isolation 'serialisable' does not exist: serializable, read-committed. Did you mean serializable?",
        ),
    ],
)
def test_a_wrong_word_is_refused_with_the_right_ones(
    kind: type[Priority | Isolation], value: object, sentence: str
) -> None:
    with pytest.raises(OptionError) as caught:
        kind.parse(value)

    assert str(caught.value) == sentence


@given(st.text())
def test_no_text_is_more_than_refused(text: str) -> None:
    try:
        read: object = Priority.parse(text)
    except OptionError:
        read = None

    assert read is None or read in Priority


# The policy of retries.


def test_twenty_attempts_are_made_at_most_unless_asked_otherwise() -> None:
    assert RetryPolicy().max_attempts == 20


def test_there_is_no_time_limit_unless_asked_for() -> None:
    assert RetryPolicy().timeout is None


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"max_attempts": 0}, "max_attempts is 0: a transaction needs at least 1 attempt."),
        ({"max_attempts": -1}, "max_attempts is -1: a transaction needs at least 1 attempt."),
        ({"max_attempts": 2.0}, "max_attempts is a whole number, not 2.0."),
        ({"max_attempts": True}, "max_attempts is a whole number, not True."),
        ({"max_attempts": None}, "max_attempts is a whole number, not None."),
        ({"timeout": 0}, "timeout is 0: give a positive number of seconds, 2147483 at most."),
        ({"timeout": -1.5}, "timeout is -1.5: give a positive number of seconds, 2147483 at most."),
        ({"timeout": inf}, "timeout is inf: give a positive number of seconds, 2147483 at most."),
        ({"timeout": nan}, "timeout is nan: give a positive number of seconds, 2147483 at most."),
        ({"timeout": 1e12}, "timeout is 1000000000000.0: give a positive number of seconds, 2147483 at most."),
        ({"timeout": "5s"}, "timeout is '5s': give a positive number of seconds, 2147483 at most."),
        ({"timeout": True}, "timeout is True: give a positive number of seconds, 2147483 at most."),
    ],
)
def test_a_limit_that_cannot_be_is_refused(values: dict[str, object], sentence: str) -> None:
    assert refusal(RetryPolicy, **values) == sentence


@pytest.mark.parametrize(
    "values",
    [
        {"wait_initial": -0.1},
        {"wait_initial": 2.0},
        {"wait_max": 0.001},
        {"wait_initial": nan},
        {"wait_max": inf},
        {"wait_initial": inf, "wait_max": inf},
        {"wait_max": None},
        {"wait_max": "1"},
    ],
)
def test_waits_that_cannot_be_are_refused(values: dict[str, object]) -> None:
    sentence = "wait_initial and wait_max are seconds, and 0 <= wait_initial <= wait_max."

    assert refusal(RetryPolicy, **values) == sentence


def test_a_policy_may_be_not_to_wait() -> None:
    assert RetryPolicy(wait_initial=0, wait_max=0).longest_wait(7) == 0


@pytest.mark.parametrize(("retry", "seconds"), [(1, 0.005), (2, 0.01), (8, 0.64), (9, 1.0), (10_000, 1.0)])
def test_the_longest_wait_doubles_up_to_a_second(retry: int, seconds: float) -> None:
    assert RetryPolicy().longest_wait(retry) == seconds


policies = st.builds(
    lambda waits: RetryPolicy(wait_initial=min(waits), wait_max=max(waits)),
    st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)),
)


@given(policy=policies, retry=st.integers(1, 10_000))
def test_the_longest_wait_never_shrinks(policy: RetryPolicy, retry: int) -> None:
    assert policy.longest_wait(retry) <= policy.longest_wait(retry + 1)


@given(policy=policies, retry=st.integers(1, 10_000))
def test_the_longest_wait_lies_between_the_first_and_the_limit(policy: RetryPolicy, retry: int) -> None:
    assert policy.wait_initial <= policy.longest_wait(retry) <= policy.wait_max


# All options of a transaction.


def test_nothing_is_asked_unless_said() -> None:
    options = TransactionOptions()

    assert (options.priority, options.as_of, options.isolation, options.read_only, options.idempotent) == (
        None,
        None,
        None,
        False,
        False,
    )


@pytest.mark.parametrize(
    ("asked", "plain"),
    [
        ({}, True),
        ({"idempotent": True}, True),
        ({"retry": RetryPolicy(max_attempts=3)}, True),
        ({"priority": Priority.NORMAL}, False),
        ({"as_of": AsOf.parse("-10s")}, False),
        ({"isolation": Isolation.SERIALIZABLE}, False),
        ({"read_only": True}, False),
        ({"retry": RetryPolicy(timeout=5)}, False),
    ],
)
def test_only_what_begin_need_not_say_is_plain(asked: dict[str, Any], plain: bool) -> None:
    assert TransactionOptions(**asked).plain is plain


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"priority": "high"}, "priority takes a value of Priority.parse(…), not str."),
        ({"as_of": "-10s"}, "as_of takes a value of AsOf.parse(…), not str."),
        ({"isolation": Priority.LOW}, "isolation takes a value of Isolation.parse(…), not Priority."),
    ],
)
def test_a_value_that_was_not_read_is_refused(values: dict[str, object], sentence: str) -> None:
    assert refusal(TransactionOptions, **values) == sentence


def test_options_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        TransactionOptions().read_only = True  # type: ignore[misc]


def test_options_that_ask_the_same_are_equal() -> None:
    asked = TransactionOptions(priority=Priority.HIGH, as_of=AsOf.parse("-10s"))

    assert pickle.loads(pickle.dumps(asked)) == asked
