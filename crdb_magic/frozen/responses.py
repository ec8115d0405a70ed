"""What is answered: rows in one form or another, what is said besides, refusals."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from crdb_magic.columns.arrow import Batch
from crdb_magic.errors import NOT_RECORDED, CrdbMagicError
from crdb_magic.frozen import wire
from crdb_magic.frozen.events import ErrorResponse, RecordedColumn

_SEVERITY = re.compile(r"\A(?P<word>[A-Z]+\d?): (?P<rest>.*)\Z", re.DOTALL)
_PARTS = re.compile(r"^(DETAIL|HINT|QUERY|CONTEXT): ", re.MULTILINE)
_CODES = {"DETAIL": "D", "HINT": "H", "QUERY": "q", "CONTEXT": "W"}


class RefusedError(Exception):
    """A statement is refused."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__(fields.get("M", ""))
        self.fields = fields


class LeftError(Exception):
    """The client is left without an answer."""


class Fetched:
    """The rows of a query that were not fetched yet."""

    def __init__(self, columns: Sequence[RecordedColumn], batches: Iterator[Batch]) -> None:
        self._columns, self._batches = columns, batches
        self._rest: Batch = ()

    def fetch(self, count: int) -> Iterator[bytes]:
        """Give so many rows at most, none at the end."""
        batch = self._rest or next(self._batches, ())
        part = tuple(column[:count] for column in batch)
        self._rest = tuple(column[count:] for column in batch) if batch and len(batch[0]) > count else ()
        yield wire.heading(self._columns)
        if part:
            yield wire.rows(part)
        yield wire.complete(f"FETCH {len(part[0]) if part else 0}")


def notice_of(line: str) -> dict[str, str]:
    """Give the fields of a notice, from the lines that libpq makes of one."""
    found = _SEVERITY.match(line)
    head, *parts = _PARTS.split(found["rest"] if found else line)
    severity = {"S": found["word"], "V": found["word"]} if found else {}
    told = {_CODES[name]: value.rstrip("\n") for name, value in zip(parts[::2], parts[1::2], strict=True)}
    return {**severity, "C": "00000", "M": head.rstrip("\n"), **told}


def table(column: RecordedColumn, values: list[str]) -> Iterator[bytes]:
    """Give a table of one column."""
    yield wire.heading([column])
    if values:
        yield wire.rows((tuple(values),))
    yield wire.complete(f"SELECT {len(values)}")


def parts(batches: Iterable[Batch], rows: int) -> Iterator[Batch]:
    """Cut batches so that none has more rows."""
    for batch in batches:
        for start in range(0, len(batch[0]), rows):
            yield tuple(column[start : start + rows] for column in batch)


def refusal(sqlstate: str, message: str) -> RefusedError:
    """Refuse in our own words."""
    return RefusedError({"C": sqlstate, "M": message})


def refused(recorded: ErrorResponse, before: str = "") -> RefusedError:
    """Refuse as it was; the place of an error counts from the beginning of the message.

    Raises :class:`LeftError` where the connection was lost: there is no SQLSTATE then.
    """
    if "C" not in recorded.fields:
        raise LeftError
    return RefusedError(recorded.within(before))


def not_recorded(error: CrdbMagicError) -> RefusedError:
    """Refuse what is not in the recording."""
    return RefusedError({"C": NOT_RECORDED, "M": error.message, **({"H": error.hint} if error.hint else {})})
