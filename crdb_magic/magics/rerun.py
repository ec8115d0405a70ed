"""%crdb_rerun: what was read is read again at its instant, and compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from warnings import catch_warnings, simplefilter

import pandas as pd

from crdb_magic.columns.differences import By, absent, differences
from crdb_magic.columns.frames import to_frame
from crdb_magic.core.amounts import rows_in_words
from crdb_magic.core.asof import NOW, at_hlc
from crdb_magic.core.options import TransactionOptions
from crdb_magic.core.receipt import Receipt
from crdb_magic.errors import ExactTextWarning, OptionError
from crdb_magic.magics.arguments import ON, Call, Fills, Option, Rest, resolved
from crdb_magic.magics.display import caption
from crdb_magic.magics.magic import CrdbMagic, magic
from crdb_magic.magics.namespace import Namespace
from crdb_magic.magics.outputs import say, unseen
from crdb_magic.magics.read_history import ReadHistory, Reading
from crdb_magic.magics.shown import Look
from crdb_magic.magics.waiting import Waiting, interrupts_shown_short
from crdb_magic.sql.kinds import may_write
from crdb_magic.sql.statements import Statement
from crdb_magic.sql.steadiness import keeps_order


def _names(value: object) -> tuple[str, ...]:
    given = value.split(",") if isinstance(value, str) else value
    if not isinstance(given, Iterable):
        raise OptionError(f"--key takes the names of columns, not {value!r}: id, or id,day.")
    return tuple(name for one in given if (name := str(one).strip()))


RERUN_OPTIONS = (
    Option("key", "the columns that identify a row; by default its position does, if there is an ORDER BY",
           "COLUMN,…", read=_names, fills=(Fills.COLUMNS,)),
    replace(ON, help="read over the connection NAME instead of the one that was used"),
)  # fmt: skip


@magic(RERUN_OPTIONS, rest=Rest.WORDS, words=(Fills.FRAMES,))
def crdb_rerun(notebook: CrdbMagic, call: Call) -> pd.DataFrame:
    """Run the query behind a DataFrame again, at the same timestamp, and compare row by row.

        %crdb_rerun [FRAME|RECEIPT] [options]

    FRAME is a variable that holds the result of a SQL cell, compared as it is now, even if you have modified it;
    the default is the last result. The value is a DataFrame of the differences, empty (and not shown) if there are
    none: rows that existed only then, or exist only now, and changed ones with their columns then and now.
    What was read without --as-of or a pin is compared with the present. A write is never run again.

    Options:
    {options}

    Examples:
        %crdb_rerun
        changes = %crdb_rerun flights --key flight_id
        %crdb_rerun :crdb_receipt

    """
    reading, then = _asked(notebook.readings, call.rest, call.namespace)
    _check(reading)
    now, query = _read_again(notebook, reading, call.given.get("on", reading.receipt.connection))
    key = call.given.get("key", ())
    by = By.KEY if key else By.POSITION if keeps_order(query, max(len(then), len(now))) else By.NOTHING
    found = differences(then, now, by, key)
    say("\n".join(_said(found, len(then), by, at_present=reading.receipt.as_of is None)))
    if not len(found):
        return unseen(found)
    notebook.shown.attach(found, None, Look(documents=_documents(found), absent=absent(found)))
    return found


def _documents(found: pd.DataFrame) -> frozenset[str]:
    return frozenset(name for name in found.columns if any(isinstance(cell, dict | list) for cell in found[name]))


def _asked(readings: ReadHistory, name: str, namespace: Namespace) -> tuple[Reading, pd.DataFrame]:
    """Give what was read, and the frame that it is compared with; raises :class:`OptionError` if there is none."""
    value = resolved(f":{name.removeprefix(':')}", namespace, "%crdb_rerun") if name else None
    if value is not None and not isinstance(value, pd.DataFrame | Receipt):
        raise OptionError(f"{name} is a {type(value).__name__}, neither a DataFrame nor a receipt.")
    reading = readings.last() if value is None else readings.of(value)
    frame = value if isinstance(value, pd.DataFrame) else reading.frame()
    if frame is None:
        raise OptionError("The DataFrame that was read is gone.", hint="give it a name: %%crdb_txn NAME <<")
    return reading, frame


def _check(reading: Reading) -> None:
    """Refuse what may have written: what was read in the past can't have."""
    if reading.receipt.as_of is not None:
        return
    for one in reading.statements:
        if may_write(one.source):
            raise OptionError(f"What may write is never run again: {caption(one.source)}")


def _read_again(notebook: CrdbMagic, reading: Reading, connection: str) -> tuple[pd.DataFrame, Statement]:
    """Run the statements again; give the last result that has columns, and its statement."""
    session, options = notebook.connections.get(connection), _options(reading.receipt)
    with Waiting(options.retry.max_attempts, notebook.audience) as waiting, interrupts_shown_short():
        report = session.run(reading.statements, options, waiting, reading.frames.finish)
    ran = zip(report.results, reading.statements, strict=True)
    result, bound = [both for both in ran if both[0].columns is not None][-1]
    with catch_warnings():
        simplefilter("ignore", ExactTextWarning)  # was said when it was read
        return to_frame(result, reading.frames), bound.source


def _options(receipt: Receipt) -> TransactionOptions:
    """Ask for the instant that was read; for the present whatever the pin, where there was none."""
    retry = receipt.options.retry
    if receipt.as_of is None:
        return TransactionOptions(as_of=NOW, read_only=True, isolation=receipt.options.isolation, retry=retry)
    return TransactionOptions(as_of=at_hlc(receipt.as_of), retry=retry)


def _said(found: pd.DataFrame, rows: int, by: By, *, at_present: bool) -> Iterator[str]:
    kinds = Counter(found.difference)
    if kinds:
        listed = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items())
        yield f"Different: {listed}."
    else:
        yield f"The same: {rows_in_words(rows)}."
    if at_present:
        yield "It was read without --as-of or a pin, so it is compared with the present."
    if by is By.NOTHING and kinds:
        yield "Without ORDER BY, rows can't be matched by position: use --key COLUMN,… to identify them."
