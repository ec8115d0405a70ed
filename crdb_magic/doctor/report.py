"""What a check has found: a state, what was seen, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple


class State(Enum):
    """How it stands: as it should; as it may be, but worth knowing; as it should not; or nobody could ask."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"
    UNASKED = "not asked"


class Said(NamedTuple):
    """What a check says, before it is told whose words these are."""

    state: State
    said: str
    todo: str = ""


def ok(said: str) -> Said:
    """Say that it is as it should be."""
    return Said(State.OK, said)


def note(said: str, todo: str = "") -> Said:
    """Say what is worth knowing, and may be meant."""
    return Said(State.NOTE, said, todo)


def problem(said: str, todo: str | None = "") -> Said:
    """Say what keeps something from working."""
    return Said(State.PROBLEM, said, todo or "")


class UnaskedError(Exception):
    """A check has nothing to ask; says why."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line of a report: the name of the check, its state, what was seen, and what to do (empty for nothing).

    It holds no secret. Times, ports and days are in ``said``, and so differ from run to run.
    """

    check: str
    state: State
    said: str
    todo: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, in the order of the checks."""

    findings: tuple[CheckResult, ...]

    @property
    def failed(self) -> bool:
        """Whether there is a problem."""
        return any(finding.state is State.PROBLEM for finding in self.findings)

    @property
    def summary(self) -> str:
        """Count the states, what is worst first."""
        order = (State.PROBLEM, State.NOTE, State.OK, State.UNASKED)
        counts = {state: sum(finding.state is state for finding in self.findings) for state in order}
        return ", ".join(_counted(state, count) for state, count in counts.items() if count)


def _counted(state: State, count: int) -> str:
    several = "s" if count > 1 and state in (State.PROBLEM, State.NOTE) else ""
    return f"{count} {state.value}{several}"
