"""A server of this process: where it is, what it is, and its end."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit
from weakref import WeakSet

if TYPE_CHECKING:
    from crdb_magic.local.lifeline import Lifeline


class LocalServer:
    """A running local server.

    ``url`` is what to connect to: only it contains the password, if there is one. ``description`` is one plain line
    that says what it is, ``folder`` where its log is.
    It runs until ``stop()``, the end of a ``with`` block or of our process, or until this object is garbage-collected.
    """

    def __init__(self, url: str, description: str, folder: Path, lifeline: Lifeline) -> None:
        self.url = url
        self.description = description
        self.folder = folder
        self._lifeline = lifeline
        _running.add(self)

    def stop(self) -> None:
        """Stop the server and remove what was temporary. May be called again; does nothing in a forked child."""
        _running.discard(self)
        self._lifeline.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        shown = re.sub(r"(?<=:)[^:@/]+(?=@)", "***", self.url)
        return f"<LocalServer {shown}: {self.description}>"


_running: WeakSet[LocalServer] = WeakSet()


def serving(host: str, port: int) -> LocalServer | None:
    """Give the server of this process that listens there, if one does."""
    places = ((one, urlsplit(one.url)) for one in list(_running))
    return next((one for one, place in places if (place.hostname, place.port) == (host, port)), None)
