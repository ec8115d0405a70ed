"""What a cursor has beside ``execute``, which psycopg2 does not lead through it: COPY, calls, many values."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from crdb_magic.session.observed_cursor import ObservedCursor
from crdb_magic.session.sockets import Paced


class CursorMethods(ObservedCursor):
    """A cursor that sends what has to go before a statement in a message of its own: COPY takes no other beside it."""

    @abstractmethod
    def _flush(self) -> None:
        """Send what has to go before the next statement."""

    def executemany(self, query: Any, vars_list: Iterable[Any]) -> None:
        """Execute once for each set of values."""
        for values in vars_list:
            self.execute(query, values)

    def callproc(self, *args: Any) -> Any:
        """Call a function, after the prelude."""
        return self._alone(super().callproc, *args)

    def copy_expert(self, sql: Any, file: Any, *args: Any, **kwargs: Any) -> None:
        """Copy, after the prelude."""
        self._flush()
        listener = self.connection.listener
        heard = listener.tee(self, sql, file) if listener else file
        self._observed(partial(super().copy_expert, sql, self._paced(heard), *args, **kwargs))

    def copy_from(self, file: Any, *args: Any, **kwargs: Any) -> None:
        """Copy from a file, after the prelude."""
        self._alone(super().copy_from, self._paced(file), *args, **kwargs)

    def copy_to(self, *args: Any, **kwargs: Any) -> None:
        """Copy to a file, after the prelude."""
        self._alone(super().copy_to, *args, **kwargs)

    def _paced(self, file: Any) -> Any:
        return Paced(self.connection, file) if self.connection.is_played else file

    def _alone(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self._flush()
        return self._observed(partial(call, *args, **kwargs))
