"""%crdb_export: a query, or a frame, into a file, with a bar while the rows are written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from crdb_magic.columns.encode import index_left_out
from crdb_magic.core.amounts import rows_in_words
from crdb_magic.core.asof import AsOf
from crdb_magic.errors import OptionError
from crdb_magic.explore.suggestions import suggesting
from crdb_magic.magics.arguments import AS_OF, ON, Call, Fills, Rest, path_of
from crdb_magic.magics.audience import Audience
from crdb_magic.magics.expression import frame_of
from crdb_magic.magics.magic import CrdbMagic, magic
from crdb_magic.magics.namespace import Namespace
from crdb_magic.magics.outputs import say
from crdb_magic.magics.progress import Progress
from crdb_magic.magics.waiting import interrupts_shown_short
from crdb_magic.session.queries import Query
from crdb_magic.session.session import Session
from crdb_magic.sql.nearmisses import quoted_uses, refuse
from crdb_magic.sql.statements import split, strip_markers
from crdb_magic.transfer.exporting import export, export_frame

_FILE = r"""(?:"(?P<double>[^"]+)"|'(?P<single>[^']+)'|(?P<bare>\S+))"""
_LINE = re.compile(rf"(?P<quote>['\"])(?P<quoted>.+)(?P=quote)\s+{_FILE}", re.DOTALL)
_CELL = re.compile(_FILE)
_FRAME = re.compile(rf"(?!(?i:SELECT|TABLE|VALUES|WITH)\s)(?P<frame>[^'\"].*?)\s+{_FILE}", re.DOTALL)
_USAGE = "%crdb_export [options] 'SELECT …' FILE, or %%crdb_export [options] FILE with the query below"
_USAGE_OF_FRAMES = "%crdb_export FRAME FILE"


@magic((AS_OF, ON), rest=Rest.PYTHON, takes_cell=True, words=(Fills.QUERY, Fills.FRAMES, Fills.FILES))
def crdb_export(notebook: CrdbMagic, call: Call) -> None:
    """Write the rows of a query (however many) or of a DataFrame into a file: .parquet, .arrow or .csv.

        %crdb_export [options] 'SELECT …' FILE

        %crdb_export FRAME FILE

        %%crdb_export [options] FILE
        SELECT … WHERE city = :city

    All rows are read at one timestamp. FRAME is a DataFrame, or an expression that gives one; its index is left out.
    The rows go to a temporary file beside FILE, which is renamed when it is complete.

    Options:
    {options}

    Examples:
        %crdb_export 'SELECT * FROM flights' flights.parquet
        %crdb_export --as-of -1h 'SELECT * FROM flights ORDER BY id' flights.csv
        %crdb_export df.query("price > 100") dear.parquet

    """
    __tracebackhide__ = True
    if call.cell is None and (found := _FRAME.fullmatch(call.rest.strip())):
        if call.given:
            raise OptionError(f"--{next(iter(call.given))} is for queries. Of a frame write {_USAGE_OF_FRAMES}.")
        frame = frame_of(found["frame"], notebook.shell, call.namespace, _USAGE_OF_FRAMES)
        say(_export_frame(frame, _file_of(found, call.namespace), notebook.audience))
        return
    query, path = _asked(call)
    session = notebook.session_of(call)
    sentence = _export(session, query, path, call.given.get("as-of"), notebook.audience)
    hints = quoted_uses(query.statement.source, call.namespace) if query and query.statement else []
    say("\n".join([sentence, *hints]))


def _asked(call: Call) -> tuple[Query | None, Path]:
    """Read the query and the file; raises :class:`OptionError` and what `Statement.bind` raises."""
    cell = call.cell
    found = (_LINE if cell is None else _CELL).fullmatch(call.rest.strip())
    if found is None:
        raise OptionError(f"What goes where? Write {_USAGE}.")
    statements = split(found["quoted"] if cell is None else strip_markers(cell))
    if not statements:
        raise OptionError(f"There is no query. Write {_USAGE}.")
    refuse(statements)
    query = Query.of_statement(statements[0].bind(call.namespace)) if len(statements) == 1 else None
    return query, _file_of(found, call.namespace)


def _file_of(found: re.Match[str], namespace: Namespace) -> Path:
    name = found["double"] or found["single"] or found["bare"]
    return path_of(name, namespace, "the file", "file")


def _export(session: Session, query: Query | None, path: Path, as_of: AsOf | None, audience: Audience) -> str:
    """Export with a bar that begins again when the reading does; give the sentence about it."""
    texts = dict[str, None]()
    with Progress(None, path.name, audience) as bar, interrupts_shown_short(), suggesting(session):
        rows = export(
            session,
            query,
            path,
            as_of=as_of,
            progress=bar.advance,
            observer=bar.restart,
            texts=lambda names: texts.update(dict.fromkeys(names)),
        )
    return f"{path}: {rows_in_words(rows)}.{_undeclared(tuple(texts))}"


def _undeclared(names: Sequence[str]) -> str:
    if not names:
        return ""
    are = "are texts" if len(names) > 1 else "is text"
    return f" {', '.join(names)} {are} (DECIMAL without declared digits): ::DECIMAL(12, 2) makes numbers."


def _export_frame(frame: pd.DataFrame, path: Path, audience: Audience) -> str:
    with Progress(len(frame), path.name, audience) as bar:
        rows = export_frame(frame, path, progress=bar.advance)
    left_out = index_left_out(frame)
    return f"{path}: {rows_in_words(rows)}{f', {left_out}' if left_out else ''}."
