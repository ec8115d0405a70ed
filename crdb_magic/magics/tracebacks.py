"""What an error says that leaves a cell of Python: where in the user's lines, and what became of the transaction."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import TracebackType

from IPython.core.interactiveshell import InteractiveShell

from crdb_magic.errors import CrdbMagicError, Outcome, StatementError
from crdb_magic.session.translation import Sent, sent
from crdb_magic.sql.excerpt import excerpt
from crdb_magic.sql.nearmisses import hint_in_python

_LIBRARIES = {"contextlib", "peewee", "playhouse", __name__.partition(".")[0]}
_OUTCOMES = {outcome.value: outcome for outcome in Outcome}


def say_as_cells_do(error: BaseException, source: str, line: int) -> None:
    """Let an error of the server say what it says in a cell of SQL: the cell's line, the SQLSTATE, the outcome.

    peewee's have psycopg2's text, whose LINE counts from the BEGIN that was sent with the statement.
    """
    from crdb_magic.orm.errors import is_peewees

    ours = isinstance(error, CrdbMagicError)
    if not (isinstance(error, StatementError) if ours else is_peewees(error)) or (refused := sent(error)) is None:
        return
    shown = error if isinstance(error, StatementError) else refused.error
    shown.excerpt = _place(refused, source) or shown.excerpt or _line(source, line)
    if shown is not error:
        shown.advise(hint_in_python(refused.text, shown.sqlstate))
        _take_notes(error, shown)
        error.args = (str(shown),)


def _place(refused: Sent, source: str) -> tuple[str, ...]:
    """Show where in the cell the statement's text stands, if it does as it was sent, once."""
    if refused.index is None or source.count(refused.text) != 1:
        return ()
    return excerpt(source, source.index(refused.text) + refused.index)


def _line(source: str, line: int) -> tuple[str, ...]:
    starts = [0, *(found.end() for found in re.finditer("\n", source))]
    return excerpt(source, starts[line - 1])[:1] if 0 < line <= len(starts) else ()


def _take_notes(error: BaseException, shown: StatementError) -> None:
    """Say what others have noted, hints and the outcome, in the error's own order; leave the user's notes."""
    notes = getattr(error, "__notes__", [])
    for note in list(notes):
        hint = note.removeprefix("Hint: ")
        if note in _OUTCOMES:
            shown.outcome = _OUTCOMES[note]
        elif hint == note:
            continue
        elif hint not in (shown.hint or ""):
            shown.advise(hint)
        notes.remove(note)


def shown_as_of(shell: InteractiveShell, error: BaseException, traceback: TracebackType) -> None:
    """Let IPython show an error with this traceback alone: of the user's code, not of ours.

    One of the database's is shown without peewee's frames and psycopg2's error too, which says the same.
    """
    from crdb_magic.orm.errors import is_peewees

    ours = isinstance(error, CrdbMagicError) or is_peewees(error)

    def render() -> list[str]:
        with _unchained(error) if ours else nullcontext():
            shown = _users_part(traceback) if ours else traceback
            lines: list[str] = shell.InteractiveTB.structured_traceback(type(error), error, shown)
        return lines

    error._render_traceback_ = render  # type: ignore[attr-defined]  # IPython's protocol, on this one exception


def _users_part(step: TracebackType | None) -> TracebackType | None:
    """Copy a traceback without the frames of peewee, of contexts, and of ours."""
    if step is None:
        return None
    below = _users_part(step.tb_next)
    if str(step.tb_frame.f_globals.get("__name__")).partition(".")[0] in _LIBRARIES:
        return below
    return TracebackType(below, step.tb_frame, step.tb_lasti, step.tb_lineno)


@contextmanager
def _unchained(error: BaseException) -> Iterator[None]:
    """Let an error seem to be raised from no other for a while."""
    cause, suppressed = error.__cause__, error.__suppress_context__
    error.__cause__ = None  # the context is suppressed by this as well
    try:
        yield
    finally:
        error.__cause__, error.__suppress_context__ = cause, suppressed
