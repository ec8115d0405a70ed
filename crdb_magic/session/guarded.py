"""psycopg2's connection without the doors by which its own transactions, or settings unheard of, would come in."""

from __future__ import annotations

from typing import Any, NoReturn

from psycopg2 import extensions

from crdb_magic.errors import OptionError

_WHY = "psycopg2's {} would begin transactions that nobody here commits, or set what a later connection is not told"
_HINT = (
    "say it by SQL (SET default_transaction_read_only = on …), or give a transaction its options; "
    "run_transaction(), atomic() and %%crdb_txn begin and commit."
)


def _refuse(door: str) -> NoReturn:
    raise OptionError(f"{_WHY.format(door)}.", hint=_HINT)


def _read_only(name: str) -> property:
    of_psycopg2: Any = getattr(extensions.connection, name)
    return property(of_psycopg2.__get__, lambda _, __: _refuse(name))


class Guarded(extensions.connection):
    """A connection in autocommit mode that stays so; raises :class:`OptionError` where it would not."""

    isolation_level = _read_only("isolation_level")
    readonly = _read_only("readonly")
    deferrable = _read_only("deferrable")
    autocommit = _read_only("autocommit")

    def commit_by_itself(self) -> None:
        """Leave transactions to BEGIN and COMMIT: what a new connection has to do first."""
        super().set_session(autocommit=True)

    def set_session(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse it."""
        _refuse("set_session()")

    def set_isolation_level(self, _: int | None) -> NoReturn:
        """Refuse it."""
        _refuse("set_isolation_level()")
