"""What stands on peewee's stack of transactions: its blocks, which refuse what they could not keep."""

from __future__ import annotations

from typing import Any

from peewee import _atomic, _manual, _transaction

NESTED = (
    "A transaction is open already, and this one can't be a part of it. Use transaction(), whose inner blocks join "
    "the outermost one, or run_transaction() around all of it, which is retried."
)
_ONE_INSTANT = "A transaction is open already: its instant, priority and isolation are those of the outermost block."
RETRIED = "The transaction belongs to run_transaction(), which commits and retries it: leave {} out."


class Retried:
    """What stands on peewee's stack of transactions while `run_transaction` calls back."""

    def commit(self, begin: bool = True) -> None:  # noqa: FBT001, FBT002 - peewee's signature
        """Refuse it."""
        raise NotImplementedError(RETRIED.format("commit()"))

    def rollback(self, begin: bool = True) -> None:  # noqa: FBT001, FBT002
        """Refuse it."""
        raise NotImplementedError(RETRIED.format("rollback()"))


class TransactionBlock(_transaction):
    """peewee's transaction(), which refuses an inner block what is the outermost one's to say."""

    def __enter__(self) -> Any:
        if self.db.in_transaction():
            _refuse_arguments(*self._begin_args)  # type: ignore[attr-defined]
        return super().__enter__()


class Atomic(_atomic):
    """peewee's atomic(), which refuses nesting that would not do what it says."""

    def __enter__(self) -> Any:
        if self.db.in_transaction() and not isinstance(self.db.top_transaction(), _manual):
            _refuse_arguments(*self._transaction_args)  # type: ignore[attr-defined]
            if not self.db.nests:
                raise NotImplementedError(NESTED)
        return super().__enter__()


def _refuse_arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Raise NotImplementedError for what an inner block can't have of its own."""
    if any(args) or any(kwargs.values()):
        raise NotImplementedError(_ONE_INSTANT)
