"""The check of settings that change what statements do: those of the role, of the database, of options."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from crdb_magic.core.amounts import duration
from crdb_magic.doctor.case import Case
from crdb_magic.doctor.report import Said, note, ok
from crdb_magic.explore.questions import at_present


class _Setting(NamedTuple):
    """What is expected of a setting, what it does otherwise, and what to do about that."""

    name: str
    expected: Callable[[str], bool]
    otherwise: Callable[[str], str]
    todo: str


def _is(*values: str) -> Callable[[str], bool]:
    return lambda value: value.lower() in values


def _does(words: str) -> Callable[[str], str]:
    return lambda _: words


_CELLS = "the magics set it for each of their connections: look for a SET of yours."
_SETTINGS = (
    _Setting(
        "sql_safe_updates",
        _is("off"),
        _does("UPDATE and DELETE without WHERE, and DROP of what holds rows, are refused"),
        "SET sql_safe_updates = off in a cell, if you want that.",
    ),
    _Setting(
        "statement_timeout",
        _is("0", "0s"),
        lambda value: f"a statement ends after {_time(value)}",
        "SET statement_timeout = 0 in a cell; --timeout limits a transaction.",
    ),
    _Setting(
        "default_transaction_read_only",
        _is("off"),
        _does("each write is refused"),
        "SET default_transaction_read_only = off in a cell, or connect as another user.",
    ),
    _Setting("autocommit_before_ddl", _is("off"), _does("a schema change commits what came before it"), _CELLS),
    _Setting("intervalstyle", _is("postgres"), _does("intervals are not read"), _CELLS),
    _Setting("datestyle", lambda value: value.upper().startswith("ISO"), _does("dates are not read"), _CELLS),
    _Setting("client_encoding", _is("utf8", "utf-8"), _does("texts are converted"), "leave out client_encoding."),
)
_QUESTION = "SELECT name, setting FROM pg_catalog.pg_settings"


def settings(case: Case) -> Iterator[Said]:
    """Which settings change what statements do; those that are as the magics expect are counted in one line."""
    rows = at_present(case.session, _QUESTION)
    told = {str(row["name"]).lower(): row["setting"] or "" for row in rows}
    known = [one for one in _SETTINGS if one.name in told]
    plain = [f"{one.name} {told[one.name]}" for one in known if one.expected(told[one.name])]
    if plain:
        yield ok(", ".join(plain))
    for one in known:
        if not one.expected(told[one.name]):
            yield note(f"{one.name} is {told[one.name]}: {one.otherwise(told[one.name])}", one.todo)


def _time(value: str) -> str:
    """Write a time limit, which both servers tell in milliseconds."""
    return duration(int(value) / 1000) if value.isdecimal() else value
