"""%crdb_write: a DataFrame into a table, with a bar while its rows are sent."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from crdb_magic.columns.encode import index_left_out
from crdb_magic.core.amounts import rows_in_words
from crdb_magic.core.receipt import Receipt
from crdb_magic.core.wording import without_ids
from crdb_magic.errors import OptionError, Outcome
from crdb_magic.explore.suggestions import suggestion_for_new
from crdb_magic.magics.arguments import ON, Call, Fills, Option, Rest
from crdb_magic.magics.audience import Audience
from crdb_magic.magics.expression import frame_of
from crdb_magic.magics.magic import CrdbMagic, magic
from crdb_magic.magics.outputs import say
from crdb_magic.magics.progress import Progress
from crdb_magic.magics.waiting import interrupts_shown_short, show_short
from crdb_magic.session.session import Session
from crdb_magic.transfer.loading import Mode, Writing, write
from crdb_magic.transfer.table import GENERATED

_MANY = 500_000  # objects, to be encoded one by one: that may take a second, and comes before the first row is sent


def _as_given(value: object) -> object:
    return value


WRITE_OPTIONS = (
    Option("table", "the table to write into, with its schema if needed", "TABLE", fills=(Fills.TABLES,)),
    Option("mode", "fail if the table exists (default), append, replace, or upsert: overwrite rows with the same key",
           "WORD", read=Mode.parse),
    Option("key", "primary key of a new table: uuid or rowid (adds a column id), or columns of the frame", "COLUMN,…",
           read=_as_given, fills=(*GENERATED, Fills.COLUMNS)),
    Option("dtype", "column types that override the default: price=DECIMAL(10,2),tags=JSONB", "COLUMN=TYPE,…",
           read=_as_given, fills=(Fills.COLUMNS,)),
    ON,
)  # fmt: skip


@magic(WRITE_OPTIONS, rest=Rest.PYTHON, words=(Fills.FRAMES,))
def crdb_write(notebook: CrdbMagic, call: Call) -> None:
    """Write a DataFrame into a table: all of it or nothing, in one transaction.

        %crdb_write FRAME --table TABLE [options]

    FRAME is a variable or an expression; a polars DataFrame or a pyarrow.Table works too.
    The table is created from the frame's columns; its index is left out: df.reset_index() makes it a column.
    None is NULL, except in a column of dicts, which is JSONB: there it is JSON null, and pd.NA is NULL.

    Options:
    {options}

    Examples:
        %crdb_write flights --table flights --key flight_id
        %crdb_write df[["flight_id", "price"]].head(10) --table flights --mode append
        %crdb_write changed --table flights --mode upsert
        %crdb_write prices --table prices --mode replace --key uuid --dtype price=DECIMAL(10,2),tags=JSONB

    """
    __tracebackhide__ = True
    frame = frame_of(call.rest, notebook.shell, call.namespace, "%crdb_write FRAME --table TABLE")
    writing = _writing(call)
    session = notebook.session_of(call)

    def receipt(one: Receipt) -> None:
        notebook.noted(one, call.given.get("on"), [f"(a DataFrame into {writing.table})"])

    sentences, made = _write(session, frame, writing, notebook.audience, receipt if notebook.receipts else None)
    say(sentences)  # before anything else is asked: that it was written is not to be lost
    if made and (meant := _meant(session, writing.table)):
        say(meant)


def _writing(call: Call) -> Writing:
    """Read what is asked for; raises :class:`OptionError`."""
    given = call.given
    if "table" not in given:
        raise OptionError("Into which table? Add --table NAME.")
    mode = given.get("mode", Mode.FAIL)
    return Writing(table=given["table"], mode=mode, key=given.get("key"), dtypes=given.get("dtype"))


def _write(
    session: Session,
    frame: pd.DataFrame,
    writing: Writing,
    audience: Audience,
    receipt: Callable[[Receipt], None] | None,
) -> tuple[str, bool]:
    """Write with a bar that begins again when the transaction does; give what to say, and whether a table was made.

    Said is a sentence about it, and the notices.
    """
    objects = len(frame) * int((frame.dtypes == "object").sum())
    bar = Progress(len(frame), writing.table, audience, at_once=objects >= _MANY)
    with bar, interrupts_shown_short(begun=lambda: bar.begun):
        written = write(session, frame, writing, progress=bar.advance, observer=bar.restart, receipt=receipt)
    made = "table made, " if written.made else ""
    left_out = index_left_out(frame)
    sentence = f"{writing.table}: {made}{rows_in_words(written.rows)} written{f', {left_out}' if left_out else ''}."
    return "\n".join([sentence, *map(without_ids, written.notices)]), written.made


def _meant(session: Session, table: str) -> str | None:
    """Say which table may have been meant, when the write is done; an interrupt says so."""
    try:
        return suggestion_for_new(session, table)
    except KeyboardInterrupt:  # its notes are about the question's transaction
        interrupt = KeyboardInterrupt()
        show_short(interrupt, "KeyboardInterrupt: the write was done.", Outcome.COMMITTED.value)
        raise interrupt from None
