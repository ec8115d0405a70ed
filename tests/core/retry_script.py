"""A transaction that plays a script: outcomes in order, and a record of what the retry engine asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from crdb_magic.core.options import RetryPolicy
from crdb_magic.core.retry import Committed, run
from crdb_magic.errors import Attempt, ConnectionFailedError, CrdbMagicError, StatementError


class DriverError(Exception):
    """An error in the driver's own form, and what it means in our terms."""

    def __init__(self, meaning: CrdbMagicError) -> None:
        super().__init__("something only the driver understands")
        self.meaning = meaning


def refused(sqlstate: str | None, message: str = "refused", hint: str | None = None) -> DriverError:
    """The server answered a statement with an error."""
    return DriverError(StatementError(message, sqlstate=sqlstate, hint=hint))


def lost(sqlstate: str | None = None, hint: str | None = None) -> DriverError:
    """The connection is gone."""
    return DriverError(ConnectionFailedError("The connection was lost.", sqlstate=sqlstate, hint=hint))


@dataclass(frozen=True)
class At:
    """An attempt that fails: in begin, in the work or in the commit."""

    phase: str
    error: BaseException


OK = At("nowhere", AssertionError("never raised"))


class Scripted:
    """A transaction that plays a script, one step an attempt, and all that the engine can reach outside of it.

    ``log`` holds the verbs and what lies between them, in order: begin work commit rollback tell wait. Time passes
    in ``sleep`` and, by ``pace`` seconds, in each piece of work.
    """

    def __init__(self, script: Sequence[At], *, pace: float = 0, luck: float = 1.0) -> None:
        self.log: list[str] = []
        self.begun_with: list[float | None] = []
        self.told: list[Attempt] = []
        self.waits: list[float] = []
        self.now = 1000.0
        self._steps = iter(script)
        self._step = OK
        self._pace = pace
        self._luck = luck

    def _do(self, phase: str) -> None:
        self.log.append(phase)
        if self._step.phase == phase:
            raise self._step.error

    # The verbs of a transaction.

    def begin(self, seconds_left: float | None) -> None:
        self._step = next(self._steps)
        self.begun_with.append(seconds_left)
        self._do("begin")

    def commit(self) -> None:
        self._do("commit")

    def rollback(self) -> None:
        self.log.append("rollback")

    def translate(self, error: BaseException) -> CrdbMagicError | None:
        """Look behind the error as the real one does."""
        link: BaseException | None = error
        while link is not None:
            if isinstance(link, CrdbMagicError):
                return link
            if isinstance(link, DriverError):
                return link.meaning
            link = link.__cause__ or link.__context__
        return None

    # The unit of work, and the scripted outside.

    def work(self) -> str:
        self.now += self._pace
        self._do("work")
        return f"value {self.log.count('work')}"

    def tell(self, attempt: Attempt) -> None:
        self.log.append("tell")
        self.told.append(attempt)

    def sleep(self, seconds: float) -> None:
        self.log.append("wait")
        self.waits.append(seconds)
        self.now += seconds

    def run(
        self,
        policy: RetryPolicy | None = None,
        *,
        idempotent: bool = False,
        reads_only: bool = False,
        observer: Callable[[Attempt], None] | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> Committed[str]:
        """Run the work through the engine in this scripted."""
        return run(
            self.work,
            self,
            policy or RetryPolicy(),
            idempotent=idempotent,
            reads_only=reads_only,
            observer=observer or self.tell,
            clock=lambda: self.now,
            sleep=sleep or self.sleep,
            random=lambda: self._luck,
        )
