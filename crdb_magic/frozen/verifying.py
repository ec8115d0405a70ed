"""Whether what was recorded is still so: each read is made again on its server, at its instant, and compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from crdb_magic.columns.arrow import unpadded
from crdb_magic.columns.differences import By, differences
from crdb_magic.columns.frames import to_frame
from crdb_magic.columns.results import Column, Result
from crdb_magic.core.asof import at_hlc
from crdb_magic.core.options import TransactionOptions
from crdb_magic.core.target import Target
from crdb_magic.errors import CrdbMagicError, PastUnavailableError
from crdb_magic.frozen import store
from crdb_magic.frozen.events import Event, EventKind, RecordedColumn, is_shortened
from crdb_magic.frozen.forms import statements_of
from crdb_magic.frozen.manifest import Contents
from crdb_magic.frozen.rows import Texts, headings
from crdb_magic.session.driver import Connection, text_cursor
from crdb_magic.session.link import OwnLink
from crdb_magic.session.session import Session
from crdb_magic.session.session_state import SessionState
from crdb_magic.session.translation import translated
from crdb_magic.sql.steadiness import keeps_order
from crdb_magic.values.typemap import lookup, text_like


class ReadVerdict(Enum):
    """What has become of a read."""

    SAME = "the same"
    DIFFERENT = "different"
    FORGOTTEN = "no longer kept by the server"
    REFUSED = "refused"
    UNKNOWN = "not checked"


@dataclass(frozen=True, slots=True)
class VerifiedRead:
    """A read of the recording and what was found; of a different one what differs, row by row, why of others."""

    event: Event
    verdict: ReadVerdict
    why: str = ""
    differences: pd.DataFrame | None = field(default=None, repr=False)


def verify(contents: Contents, folder: Path, target_of: Callable[[int], Target]) -> Iterator[VerifiedRead]:
    """Make each read of a recording again, and compare it, in order.

    ``target_of`` gives where a recorded connection leads, by its number. Reads whose instant is not known (within a
    transaction that wrote) are not checked, which is said.
    """
    with TemporaryDirectory() as beside, ExitStack() as opened:
        again = _Rereader(Path(beside), folder, target_of, opened)
        for event in contents.events:
            if event.kind is EventKind.READ and event.refusal is None:
                yield again.check(event)


class _Rereader:
    """Reads again, over a connection for each that was recorded and what it had been SET to."""

    def __init__(self, beside: Path, folder: Path, target_of: Callable[[int], Target], opened: ExitStack) -> None:
        self._beside, self._folder, self._target_of, self._opened = beside, folder, target_of, opened
        self._sessions: dict[tuple[int, tuple[str, ...]], Session] = {}

    def check(self, event: Event) -> VerifiedRead:
        """Make one read again."""
        if why := _not_checked(event):
            return VerifiedRead(event, ReadVerdict.UNKNOWN, why)
        try:
            columns, stored = self._read(event)
        except PastUnavailableError as error:
            return VerifiedRead(event, ReadVerdict.FORGOTTEN, error.message)
        except CrdbMagicError as error:
            return VerifiedRead(event, ReadVerdict.REFUSED, error.message)
        if stored.hash == event.hash:
            return VerifiedRead(event, ReadVerdict.SAME)
        then = _frame(self._folder, event.hash, event.columns or ())
        now = _frame(self._beside, stored.hash, columns)
        by = By.POSITION if _keep_order(event, max(len(then), len(now))) else By.NOTHING
        found = differences(then, now, by)
        return (
            VerifiedRead(event, ReadVerdict.SAME)
            if found.empty
            else VerifiedRead(event, ReadVerdict.DIFFERENT, "", found)
        )

    def _read(self, event: Event) -> tuple[tuple[RecordedColumn, ...], store.Stored]:
        at = event.as_of or event.at
        assert at is not None  # noqa: S101 - asked before

        def work(connection: Connection) -> tuple[tuple[RecordedColumn, ...], store.Stored]:
            with text_cursor(connection) as cursor, translated(connection):
                cursor.execute(event.text.encode())
                columns, batch = headings(cursor), Texts(cursor).batch()
            return columns, store.write(self._beside, columns, [batch] if batch else [])

        return self._session(event).transact(work, TransactionOptions(as_of=at_hlc(at)))[0]

    def _session(self, event: Event) -> Session:
        key = event.connection, event.settings
        if key not in self._sessions:
            told = SessionState(settings={str(place): sql for place, sql in enumerate(event.settings)})
            self._sessions[key] = Session(OwnLink(self._target_of(event.connection), told, aside=True))
            self._opened.callback(self._sessions[key].close)
        return self._sessions[key]


def _keep_order(event: Event, rows: int) -> bool:
    statements = statements_of(event.text)
    return len(statements) == 1 and keeps_order(statements[0], rows)


def _not_checked(event: Event) -> str:
    if event.as_of is None and event.at is None:
        return "its instant is not known"
    return "its text was too long to be kept" if is_shortened(event.text) else ""


def _frame(folder: Path, hash_: str, columns: Sequence[RecordedColumn]) -> pd.DataFrame:
    types = [lookup(one.oid) or text_like("", one.oid) for one in columns]
    named = tuple(Column(one.name, type_) for one, type_ in zip(columns, types, strict=True))
    # By COPY CockroachDB sends other texts of the same values: of CHAR, and of FLOAT4 (`Server.copy_as_selected`).
    batches = tuple(
        tuple(unpadded(one.oid, texts) for one, texts in zip(columns, batch, strict=True))
        for batch in store.read(folder, hash_, columns)
    )
    return to_frame(Result("", named, batches, sum(len(batch[0]) for batch in batches)))
