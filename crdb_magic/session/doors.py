"""A cursor's doors beside ``execute``, which psycopg2 does not lead through it: COPY, calls, many values."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

import psycopg2
from psycopg2 import extensions

from crdb_magic.session.interrupts import interruptible
from crdb_magic.session.sockets import Paced


class Doors(extensions.cursor):
    """A cursor that sends what has to go before a statement in a message of its own: COPY takes no other beside it."""

    connection: Any  # the driver's, which knows of us

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
        self._call(super().copy_expert, sql, self._paced(heard), *args, **kwargs)

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
        return self._call(call, *args, **kwargs)

    def _call(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        connection = self.connection
        listener = connection.listener
        try:
            value = interruptible(connection, call, *args, **kwargs)
        except psycopg2.Error as error:
            if listener:
                listener.heard(self, self.query or b"", error)
            raise
        except BaseException:
            if listener:
                listener.left(self, self.query or b"", refused=False)
            raise
        connection.note_success(self.statusmessage or "", self.query or b"", self.query or b"")
        if listener:
            listener.heard(self, self.query or b"")
        return value
