"""A cell of SQL: its statements run as one transaction, or explained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crdb_magic.columns.polars_frame import require
from crdb_magic.columns.results import Result
from crdb_magic.errors import Attempt, OptionError, Outcome, ResultTypeError
from crdb_magic.explore.explaining import Explain, explain
from crdb_magic.explore.plan import Plan
from crdb_magic.explore.suggestions import suggesting
from crdb_magic.magics.arguments import Call
from crdb_magic.magics.display import As, Shape, caption, present, present_plans
from crdb_magic.magics.limit import RowLimit
from crdb_magic.magics.magic import CrdbMagic
from crdb_magic.magics.progress import Arrivals
from crdb_magic.magics.txn_options import of_transaction
from crdb_magic.magics.waiting import Waiting, interrupts_shown_short
from crdb_magic.sql.kinds import check_cell
from crdb_magic.sql.nearmisses import quoted_uses, refuse
from crdb_magic.sql.statements import Statement, split


def run_sql(notebook: CrdbMagic, call: Call, text: str) -> Any:
    """Run the statements as one transaction, show what they gave, and give the last result."""
    statements, wanted = _statements(text), notebook.wanted(call)
    options = of_transaction(call, wanted)
    session = notebook.session_of(call)
    shape = _shape(notebook, call, wanted)
    bound = shape.limit.bind(statements, call.namespace)
    arrivals = Arrivals(shape.finish, notebook.audience)
    with (
        Waiting(options.retry.max_attempts, notebook.audience) as waiting,
        arrivals,
        interrupts_shown_short(),
        suggesting(session),
    ):

        def observer(attempt: Attempt) -> None:
            arrivals.restart(attempt)
            waiting(attempt)

        bound = shape.limit.look_ahead(session, bound, call.namespace)
        report = session.run(bound, options, observer, arrivals, ask_when=notebook.receipts)
    within = session.in_transaction
    receipt = report.receipt
    if not within:
        receipt = notebook.noted(receipt, call.given.get("on"), map(caption, statements))
    line = notebook.status_line.of(call.into, within=within)
    unsteady = notebook.again.hints(session, options)

    def hints(statement: Statement, result: Result) -> list[str]:
        return [*quoted_uses(statement, call.namespace), *unsteady(statement, result)]

    try:
        value = present(report, statements, shape, notebook.shown, line, hints)
    except ResultTypeError as error:
        if not session.in_transaction:  # that of a Python cell has not ended
            error.outcome = Outcome.COMMITTED if report.receipt.committed else Outcome.NOT_COMMITTED
        raise
    if notebook.receipts and not within and isinstance(value, pd.DataFrame):
        notebook.readings.keep(receipt, bound, shape.frames, value)
    return value


def explain_sql(notebook: CrdbMagic, call: Call, text: str) -> Plan:
    """Ask for the plan of each statement, show all but the last one, and give that."""
    statements, options = _statements(text), of_transaction(call, notebook.wanted(call))
    session = notebook.session_of(call)
    bound = [statement.bind(call.namespace) for statement in statements]
    how = Explain.PLAN if call.given["explain"] is True else call.given["explain"]
    with (
        Waiting(options.retry.max_attempts, notebook.audience) as waiting,
        interrupts_shown_short(),
        suggesting(session),
    ):
        report, plans = explain(session, bound, how, options, waiting, may_write="yes" in call.given)
    return present_plans(report, plans, statements, receipts=notebook.receipts)


def _statements(text: str) -> tuple[Statement, ...]:
    statements = split(text)
    check_cell(statements)
    refuse(statements)
    return statements


def _shape(notebook: CrdbMagic, call: Call, wanted: Mapping[str, Any]) -> Shape:
    value = call.given.get("as", As.FRAME)
    if value is As.POLARS:
        require()
    numbers, dates = call.given.get("numbers"), call.given.get("dates")
    if value is not As.FRAME and (numbers or dates):
        raise OptionError(f"--{'numbers' if numbers else 'dates'} is for frames: leave it out, or --as {value.value}.")
    limit = RowLimit.of(wanted["limit"], notebook.guard, asked="limit" in call.given)
    taken = call.into is not None or (bool(call.rest) and not limit.asked)  # x = %crdb_txn …: nobody tells
    return Shape(value, notebook.frame_options(wanted), notebook.receipts, limit, taken)
