"""What a message of ours is about: the query that it describes, copies or fetches, or the statement that it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from crdb_magic.frozen.events import plain_text
from crdb_magic.session.reading import COPY, DECLARE, DESCRIBE, FETCH


class MessageKind(Enum):
    """What a message does with a query, or that it is a statement of its own."""

    DESCRIBE = auto()
    COPY = auto()
    DECLARE = auto()
    FETCH = auto()
    STATEMENT = auto()


_AROUND = {
    MessageKind.DESCRIBE: DESCRIBE,
    MessageKind.COPY: COPY,
    MessageKind.DECLARE: DECLARE,
    MessageKind.FETCH: FETCH,
}


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message without our prelude: what it is about, the SQL of its query or statement, and where that begins."""

    about: MessageKind
    sql: str
    start: int = 0

    @classmethod
    def of(cls, said: str) -> SentMessage:
        """Tell what a message is."""
        for about, (before, behind) in _AROUND.items():
            if said.startswith(before) and said.endswith(behind):
                return cls(about, said[len(before) : len(said) - len(behind)], len(before))
        return cls(MessageKind.STATEMENT, said)

    @property
    def text(self) -> str:
        """The text by which its query or statement is known."""
        return plain_text(self.sql)
