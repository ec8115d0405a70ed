"""What the checks look at: a target, found out about step by step, and the conditions under which it is asked."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from crdb_magic.core.amounts import duration
from crdb_magic.core.target import Target
from crdb_magic.doctor.certificates import Shown, shown
from crdb_magic.doctor.network import Address, Greeting, Knock, addresses, greet, knock
from crdb_magic.doctor.report import Said, UnaskedError, problem
from crdb_magic.doctor.resolved_target import HostAddress, ResolvedTarget, Unlock, as_it_is, read_meant
from crdb_magic.errors import OptionError
from crdb_magic.session.connecting import within
from crdb_magic.session.link import OwnLink
from crdb_magic.session.session import Session
from crdb_magic.session.session_state import SessionState

SOCKET = "a Unix socket is meant"
_LEAST = 2  # seconds: libpq waits no shorter
_DAY = 86400  # seconds


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Conditions:
    """What comes from outside: the environment, the home, how many seconds to wait for an answer, clocks.

    ``start_local``: a local server is started, and stopped again. ``unlock`` gives a target its password, where that is
    to be asked for. ``remarks`` are what was refused of the configuration. Raises OptionError for no time to wait.
    """

    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    home: Path = field(default_factory=Path.home)
    timeout: float = 5
    clock: Callable[[], datetime] = _now
    timer: Callable[[], float] = time.perf_counter
    start_local: bool = False
    unlock: Unlock = as_it_is
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.timeout < _DAY:  # nor is it NaN
            raise OptionError(
                f"Nothing can answer in no time, nor waits anybody a day: --timeout is more than 0, less than {_DAY} s."
            )


class Case:
    """A target, of which each thing is found out when a check asks for it first.

    ``asked`` is a URL, keywords, a target, or empty for the environment; ``told`` what a session there was told, which
    then counts for the one that asks, too. What can't be found out raises; the checks behind it are not asked.
    """

    def __init__(self, asked: str | Target, told: SessionState | None, conditions: Conditions) -> None:
        self._asked = asked
        self._told = told
        self.conditions = conditions
        self._is_silent = False

    @cached_property
    def meant(self) -> ResolvedTarget:
        """The target; raises OptionError."""
        return read_meant(self._asked, self.conditions.environment, self.conditions.home, self.conditions.unlock)

    @cached_property
    def resolved(self) -> dict[HostAddress, tuple[Address, ...] | OSError]:
        """The addresses of each place, or why there are none."""
        timeout = self.conditions.timeout
        return {place: _resolved(place, timeout) for place in self.meant.places if not place.is_socket}

    @cached_property
    def knocks(self) -> tuple[Knock, ...]:
        """A connection to each address."""
        found = (one for one in self.resolved.values() if not isinstance(one, OSError))
        conditions = self.conditions
        return tuple(knock(address, conditions.timeout, conditions.timer) for places in found for address in places)

    @property
    def address(self) -> Address:
        """The first address at which somebody listens: there is one, or a Unix socket beside."""
        reached = next((one.address for one in self.knocks if one.reached), None)
        if reached is None:
            raise UnaskedError(SOCKET)
        return reached

    @cached_property
    def greeting(self) -> Greeting:
        """What the listener there answers; raises OSError."""
        return greet(self.address, self.conditions.timeout)

    @cached_property
    def shown(self) -> Shown:
        """What it shows by TLS; raises OSError."""
        return shown(self.address, self.conditions.timeout)

    @cached_property
    def session(self) -> Session:
        """A session of our own there, of which no recorder hears; connects when it is first asked."""
        target = Target({"connect_timeout": str(self._patience), **self.meant.target})
        return Session(OwnLink(target, self._told, aside=True))

    @property
    def _patience(self) -> int:
        """How many seconds libpq waits for each address: as many as the target says, if these are more."""
        own = self.meant["connect_timeout"]
        return max(math.ceil(self.conditions.timeout), _LEAST, int(own) if own.isdecimal() else 0)

    def answered(self, check: Callable[[Case], Iterable[Said]]) -> list[Said]:
        """Do a check of a server that lets the user in, in a thread: one that does not answer in time is cut off.

        It is asked nothing any more then.
        """
        if self._is_silent:
            raise UnaskedError("the server does not answer")
        seconds = self._patience * max(len(self.knocks), 1) + self.conditions.timeout
        try:
            return within(seconds, lambda: list(check(self)))
        except TimeoutError:
            self._cut()
            said = f"the server lets in, and then does not answer within {duration(seconds)}"
            return [problem(said, "it hangs, or what is in between does: try another node, or a longer --timeout.")]
        except KeyboardInterrupt:
            self._cut()
            raise

    def _cut(self) -> None:
        self._is_silent = True
        if opened := self.session.link.opened:
            with suppress(OSError):
                opened.cut()

    def close(self) -> None:
        """Close the session, if there is one."""
        if "session" in self.__dict__:
            self.session.close()


def _resolved(place: HostAddress, timeout: float) -> tuple[Address, ...] | OSError:
    try:
        return addresses(place, timeout)
    except OSError as error:
        return error
