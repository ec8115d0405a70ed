"""Facts about the errors: their tree, their text, and that they survive a trip through pickle."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Iterator
from textwrap import dedent

import pytest

import crdb_magic
from crdb_magic import errors
from crdb_magic.errors import Attempt, CrdbMagicError, Outcome, StatementError, TransactionError

CLASSES = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, CrdbMagicError)]


def drawn_tree() -> Iterator[tuple[str, str | None]]:
    """Read the tree in the docstring: each class with the one that it hangs from."""
    drawing = dedent((errors.__doc__ or "").split("::")[1].split("\n\n")[1])
    path: list[str] = []
    for line in drawing.splitlines():
        depth = next(index for index, character in enumerate(line) if character.isalpha()) // 4
        path[depth:] = [line[depth * 4 :].split()[0]]
        yield path[depth], path[depth - 1] if depth else None


def made(kind: type[CrdbMagicError]) -> CrdbMagicError:
    """Make an error of that class with all that it can hold."""
    keywords = {
        "hint": "try again.",
        "sqlstate": "40001",
        "detail": "Key (id)=(1) already exists.",
        "outcome": Outcome.UNKNOWN,
        "attempts": [Attempt(1, "40001", "RETRY_SERIALIZABLE", "restart transaction", 0.005)],
    }
    known = inspect.signature(kind).parameters
    needed = {name for name, one in known.items() if one.kind is one.KEYWORD_ONLY and one.default is one.empty}
    assert needed <= set(keywords), f"give `keywords` above what {kind.__name__} needs: {needed - set(keywords)}"
    error = kind("It went wrong.", **{name: value for name, value in keywords.items() if name in known})
    if isinstance(error, StatementError):
        error.excerpt = ("In statement 1 of 1:", "line 1: SELEC 1", "        ^")
    return error


each_class = pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)


def test_the_drawn_tree_is_the_real_one() -> None:
    real = {kind.__name__: None if kind is CrdbMagicError else kind.__bases__[0].__name__ for kind in CLASSES}

    assert dict(drawn_tree()) == real


def test_each_class_is_drawn_once() -> None:
    drawn = [name for name, _ in drawn_tree()]

    assert sorted(drawn) == sorted(kind.__name__ for kind in CLASSES)


@each_class
def test_each_class_says_in_a_sentence_what_it_is(kind: type[CrdbMagicError]) -> None:
    assert (kind.__doc__ or "").splitlines()[0].endswith(".")


def test_a_wrong_option_is_a_value_error_too() -> None:
    assert issubclass(errors.OptionError, ValueError)


@pytest.mark.parametrize("name", ["AmbiguousCommitError", "CrdbMagicError", "ExceededMaxAttempts"])
def test_the_errors_that_users_catch_are_public(name: str) -> None:
    assert getattr(crdb_magic, name) is getattr(errors, name)


# What it says.

TEXTS = [
    (CrdbMagicError("It went wrong."), ["It went wrong."]),
    (CrdbMagicError("It went wrong.", hint="try again."), ["It went wrong.", "Hint: try again."]),
    (StatementError("division by zero", sqlstate="22012"), ["division by zero", "SQLSTATE: 22012"]),
    (StatementError("no answer", sqlstate=None), ["no answer"]),
    (
        StatementError("not a number", sqlstate="22P02", detail="it is a text.", context="COPY t, line 2, column b"),
        ["not a number", "Detail: it is a text.", "Context: COPY t, line 2, column b", "SQLSTATE: 22P02"],
    ),
    (
        made(StatementError),
        [
            "It went wrong.",
            "In statement 1 of 1:",
            "line 1: SELEC 1",
            "        ^",
            "Detail: Key (id)=(1) already exists.",
            "SQLSTATE: 40001",
            "Hint: try again.",
        ],
    ),
    (
        made(TransactionError),
        [
            "It went wrong.",
            "Hint: try again.",
            "Unknown: it may have been committed. Look in the database for what it writes before running it again.",
        ],
    ),
]


@pytest.mark.parametrize(("error", "lines"), TEXTS)
def test_it_says_message_context_hint_and_outcome_in_this_order(error: CrdbMagicError, lines: list[str]) -> None:
    assert str(error).splitlines() == lines


@each_class
@pytest.mark.parametrize("outcome", Outcome)
def test_the_last_line_says_what_became_of_the_transaction(kind: type[CrdbMagicError], outcome: Outcome) -> None:
    error = made(kind)
    error.outcome = outcome

    assert str(error).splitlines()[-1] == outcome.value


@each_class
def test_a_notebook_shows_the_class_and_the_text_without_a_traceback(kind: type[CrdbMagicError]) -> None:
    error = made(kind)

    assert error._render_traceback_() == f"{kind.__name__}: {error}".splitlines()


# What survives.


@each_class
@pytest.mark.parametrize("twin", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy])
def test_a_twin_holds_the_same(kind: type[CrdbMagicError], twin: object) -> None:
    error = made(kind)
    error.add_note("a note")
    other = twin(error)  # type: ignore[operator]

    assert (type(other), other.args, str(other), vars(other)) == (kind, error.args, str(error), vars(error))


def test_the_attempts_of_an_error_cannot_be_changed() -> None:
    error = made(TransactionError)

    assert isinstance(error, TransactionError)
    assert isinstance(error.attempts, tuple)
