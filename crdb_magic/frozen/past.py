"""Which instants were meant when a recording was made: what keeps the past of a connection that is served from it."""

from __future__ import annotations

from decimal import Decimal

from crdb_magic.core.asof import AsOf
from crdb_magic.errors import NotRecordedError, PastUnavailableError
from crdb_magic.frozen.events import PRESENT
from crdb_magic.frozen.nearest import FROM_THE_TOP
from crdb_magic.frozen.served import Served
from crdb_magic.session.driver import Connection
from crdb_magic.session.past_registry import Snapshot


class FrozenPast:
    """The past of one recorded connection; a snapshot's name is its instant."""

    def __init__(self, served: Served, number: int) -> None:
        self._served = served
        self._number = number

    @property
    def since(self) -> Decimal | None:
        """No instant is the first: what was read is kept."""
        return None

    @property
    def committed(self) -> Decimal | None:
        """The instant at which the last write in effect is seen, if it was recorded."""
        return self._served.committed(self._number)

    def keep(self) -> Snapshot:
        """Give what was kept behind the last write; raises :class:`PastUnavailableError`."""
        at = self.committed
        if at is None:
            raise PastUnavailableError("The instant of the last write was not recorded.")
        return _snapshot(at)

    def present(self) -> Snapshot:
        """Give the instant that was the present; raises :class:`NotRecordedError`."""
        return _snapshot(self._meant(PRESENT))

    def forget(self) -> None:
        """Let go of nothing: no server waits."""

    def find(self, as_of: AsOf) -> Snapshot:
        """Give the instant that was meant; raises :class:`NotRecordedError`.

        An exact one is itself, unless what was kept of it then was another one.
        """
        if as_of.hlc is None:
            return _snapshot(self._meant(as_of.asked))
        if not self._served.recording.is_read_at(self._number, as_of.hlc):
            return _snapshot(self._served.instant(self._number, as_of.asked) or as_of.hlc)
        return _snapshot(as_of.hlc)

    def check(self, connection: Connection, as_of: AsOf) -> None:
        """Find nothing untrue: what was recorded had been checked."""

    def _meant(self, asked: str) -> Decimal:
        at = self._served.instant(self._number, asked)
        if at is None:
            raise NotRecordedError(
                f"The recording does not tell which instant as-of {asked} is here.", hint=FROM_THE_TOP
            )
        return at


def _snapshot(at: Decimal) -> Snapshot:
    return Snapshot(at, f"{at:f}")
