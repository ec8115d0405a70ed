"""Everything that goes wrong at random between a bank and its clients: see ``bank``."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from faults import (
    AMBIGUOUS,
    INTERNAL,
    SERIALIZABLE,
    SHUTTING_DOWN,
    TOO_MANY,
    WRITE_TOO_OLD,
    Action,
    Fault,
    ServerError,
    afterwards,
    anything,
    cut_after,
    cut_before,
    cut_within,
    delay,
    instead,
    is_,
    reset_after,
    statement,
    tagged_rollback,
    trickle,
)
from proxy import Proxy
from wire import START_UP

_STATEMENT, _COMMIT, _ROLLBACK = statement("(UPDATE|INSERT|SELECT|WITH)"), statement("COMMIT"), statement("ROLLBACK")

FAULTS: Mapping[str, tuple[Callable[[str], bool], Action, int]] = {  # the last: how many of 1000 such messages it hits
    "cut before a statement": (_STATEMENT, cut_before, 6),
    "cut after a statement was sent": (_STATEMENT, cut_after, 6),
    "reset after a statement was sent": (_STATEMENT, reset_after, 4),
    "answer to a statement cut in two": (_STATEMENT, cut_within(0.5), 4),
    "40001 at a statement": (_STATEMENT, instead(WRITE_TOO_OLD), 10),
    "40003 at a statement": (_STATEMENT, instead(AMBIGUOUS), 4),
    "40003 after a statement was done": (_STATEMENT, afterwards(AMBIGUOUS), 4),
    "57P01 at a statement": (_STATEMENT, instead(SHUTTING_DOWN), 4),
    "cut before COMMIT": (_COMMIT, cut_before, 15),
    "cut after COMMIT was applied": (_COMMIT, cut_after, 15),
    "reset after COMMIT was applied": (_COMMIT, reset_after, 10),
    "answer to COMMIT cut in two": (_COMMIT, cut_within(0.5), 10),
    "40001 at COMMIT": (_COMMIT, instead(SERIALIZABLE), 20),
    "40003 instead of COMMIT": (_COMMIT, instead(AMBIGUOUS), 10),
    "40003 after COMMIT was applied": (_COMMIT, afterwards(AMBIGUOUS), 10),
    "57P01 instead of COMMIT": (_COMMIT, instead(SHUTTING_DOWN), 10),
    "57P01 after COMMIT was applied": (_COMMIT, afterwards(SHUTTING_DOWN), 10),
    "XX000 after COMMIT was applied": (_COMMIT, afterwards(INTERNAL), 10),
    "COMMIT answered by ROLLBACK": (_COMMIT, tagged_rollback, 10),
    "a constraint refuses the COMMIT": (_COMMIT, instead(ServerError("23503", "a deferred constraint")), 10),
    "cut before ROLLBACK": (_ROLLBACK, cut_before, 50),
    "cut after ROLLBACK": (_ROLLBACK, cut_after, 50),
    "too many clients": (is_(START_UP), instead(TOO_MANY), 50),
    "new connection cut": (is_(START_UP), cut_before, 50),
    "delayed by 10 ms": (anything, delay(0.01), 10),
    "answer trickled": (_STATEMENT, trickle, 10),
}


@dataclass
class _AtRandom:
    """Want one message of so many that ``when`` wants, at random, but never none for twice as many."""

    when: Callable[[str], bool]
    one_of: int
    random: Random
    left: int = 0

    def __call__(self, text: str) -> bool:
        if not self.when(text):
            return False
        self.left = self.left or self.random.randint(1, 2 * self.one_of)
        self.left -= 1
        return self.left == 0


def storm(random: Random) -> dict[str, Fault]:
    """Give the faults, which act at random and count how often they did; the proxy asks one at a time."""
    return {
        name: Fault(_AtRandom(when, 1000 // share, random), do, math.inf) for name, (when, do, share) in FAULTS.items()
    }


@dataclass
class Outages:
    """From time to time all connections are cut at once, wherever they are, and new ones refused for a moment."""

    proxy: Proxy
    every: float
    number: int = 0
    round_trips: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self._over.wait(self.every):
            self.proxy.refuse()
            self.proxy.cut()
            time.sleep(0.05)  # the outage itself
            self.proxy.accept()
            self.number += 1
            self._forget()

    def end(self) -> None:
        self._over.set()

    def _forget(self) -> None:
        """Count the log and drop it: a long run's would fill the memory."""
        sent = len(self.proxy.sent)
        del self.proxy.sent[:sent]
        self.round_trips += sent
