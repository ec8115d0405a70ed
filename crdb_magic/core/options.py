"""What a transaction was asked to be: frozen values that refuse nonsense with a sentence."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from enum import Enum
from math import inf
from typing import Self

from crdb_magic.core.asof import NOW, AsOf
from crdb_magic.errors import OptionError

DEFAULT_MAX_ATTEMPTS = 20
_LONGEST = 2_147_483  # seconds: PostgreSQL's statement_timeout holds 2³¹ - 1 milliseconds


class Choice(Enum):
    """An enum of words that are read in any case, with ``_`` for ``-``."""

    @classmethod
    def words(cls) -> tuple[str, ...]:
        """Give all that may be written."""
        return tuple(str(member.value) for member in cls)

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read a member or its word; raises :class:`OptionError` that lists the words."""
        if isinstance(value, cls):
            return value
        name, words = cls.__name__.lower(), cls.words()
        if not isinstance(value, str):
            raise OptionError(f"{name} takes no {type(value).__name__}, but one of: {', '.join(words)}.")
        word = value.strip().lower().replace("_", "-").replace(" ", "-")
        if word not in words:
            close = get_close_matches(word, words, n=1)
            meant = f" Did you mean {close[0]}?" if close else ""
            raise OptionError(f"{name} {value!r} does not exist: {', '.join(words)}.{meant}")
        return cls(word)


class Priority(Choice):
    """Which transaction is aborted in a conflict (CockroachDB; https://www.cockroachlabs.com/docs/stable/transactions)."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class Isolation(Choice):
    """How much a transaction may see of others. CockroachDB knows these two (READ COMMITTED since v23.2)."""

    SERIALIZABLE = "serializable"
    READ_COMMITTED = "read-committed"


def _is_number(*values: object) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """How often and how long to try.

    ``max_attempts`` counts all attempts, the first included. ``timeout`` is the budget in seconds for the whole
    transaction, waits included. Before retry *n* the wait is uniform(0, min(``wait_max``, ``wait_initial`` ×
    2ⁿ⁻¹)) seconds, "full jitter": docs/contention.md says what it gains.
    """

    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    timeout: float | None = None
    wait_initial: float = 0.005
    wait_max: float = 1.0

    def __post_init__(self) -> None:
        if isinstance(self.max_attempts, bool) or not isinstance(self.max_attempts, int):
            raise OptionError(f"max_attempts is a whole number, not {self.max_attempts!r}.")
        if self.max_attempts < 1:
            raise OptionError(f"max_attempts is {self.max_attempts}: a transaction needs at least 1 attempt.")
        if self.timeout is not None and not (_is_number(self.timeout) and 0 < self.timeout <= _LONGEST):
            raise OptionError(f"timeout is {self.timeout!r}: give a positive number of seconds, {_LONGEST} at most.")
        if not (_is_number(self.wait_initial, self.wait_max) and 0 <= self.wait_initial <= self.wait_max < inf):
            raise OptionError("wait_initial and wait_max are seconds, and 0 <= wait_initial <= wait_max.")

    def longest_wait(self, retry: int) -> float:
        """Give the upper bound in seconds of the wait before a retry, counted from 1."""
        return float(min(self.wait_max, self.wait_initial * 2.0 ** min(retry - 1, 60)))


_KINDS = {"priority": Priority, "as_of": AsOf, "isolation": Isolation}


@dataclass(frozen=True, kw_only=True, slots=True)
class TransactionOptions:
    """All that a transaction can be asked for; the defaults ask for nothing.

    ``idempotent``: the caller says that it may run again even if it was committed, so an unknown outcome is
    retried instead of raised. ``dry_run``: it is rolled back at its end instead of committed.
    """

    priority: Priority | None = None
    as_of: AsOf | None = None
    isolation: Isolation | None = None
    read_only: bool = False
    idempotent: bool = False
    dry_run: bool = False
    retry: RetryPolicy = field(default_factory=RetryPolicy)

    def __post_init__(self) -> None:
        for name, kind in _KINDS.items():
            value = getattr(self, name)
            if value is not None and not isinstance(value, kind):
                raise OptionError(f"{name} takes a value of {kind.__name__}.parse(…), not {type(value).__name__}.")

    def within(self, pin: AsOf | None) -> TransactionOptions:
        """Give the options as they apply on a session with a pin, or without."""
        if self.as_of is None:
            return self if pin is None else replace(self, as_of=pin)
        return replace(self, as_of=None) if self.as_of == NOW else self

    @property
    def writes_nothing(self) -> bool:
        """Whether it can't have written anything, so that no answer to its COMMIT leaves a doubt."""
        return self.read_only or self.as_of is not None

    @property
    def plain(self) -> bool:
        """Whether a single statement may go without BEGIN and COMMIT: nothing was asked that BEGIN would say."""
        asked = (self.priority, self.as_of, self.isolation, self.retry.timeout)
        return not (self.read_only or self.dry_run) and asked == (None, None, None, None)


DEFAULTS = TransactionOptions()
