"""What COPY sends to a server that is a thread of this process: never more than there is room for."""

from __future__ import annotations

import io
import select
import socket
import threading

from crdb_magic.session.sockets import Paced


class _Line:
    """A socket without room, until somebody asks for its number."""

    def __init__(self) -> None:
        self.here, self.there = socket.socketpair()
        self.here.setblocking(False)
        self.drain = threading.Thread(target=self._drain)
        self.sent = 0
        try:
            while True:
                self.sent += self.here.send(bytes(1 << 16))
        except BlockingIOError:
            pass

    def fileno(self) -> int:
        self.drain.start()
        return self.here.fileno()

    def _drain(self) -> None:
        while self.sent:
            self.sent -= len(self.there.recv(1 << 16))

    @property
    def has_room(self) -> bool:
        return bool(select.select([], [self.here], [], 0)[1])

    def close(self) -> None:
        self.drain.join()
        self.here.close()
        self.there.close()


def test_a_file_is_read_when_there_is_room() -> None:
    line, seen = _Line(), []

    class File(io.StringIO):
        def read(self, size: int | None = -1) -> str:
            seen.append(line.has_room)
            return super().read(size)

    text = Paced(line, File("rows")).read(10)  # type: ignore[arg-type]
    line.close()

    assert (text, seen) == ("rows", [True])
