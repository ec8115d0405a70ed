"""%%crdb_txn: a cell, or a line, of SQL as one transaction, or of Python as the callback of one."""

from __future__ import annotations

from typing import Any

import pandas as pd
from IPython.core.displayhook import DisplayHook

from crdb_magic.columns.frames import Backend
from crdb_magic.core.asof import AsOf
from crdb_magic.core.options import DEFAULT_MAX_ATTEMPTS, Isolation, Priority, RetryPolicy, TransactionOptions
from crdb_magic.errors import Attempt, OptionError, Outcome, ResultTypeError
from crdb_magic.magics.arguments import Call, Fills, Option, Takes, parse, seconds, whole_number
from crdb_magic.magics.display import As, Shape, present
from crdb_magic.magics.magic import CrdbMagic, Typed, magic
from crdb_magic.magics.namespace import Namespace
from crdb_magic.magics.progress import Arrivals
from crdb_magic.magics.python_cell import PythonCell, run_python
from crdb_magic.magics.waiting import Waiting, interrupts_shown_short
from crdb_magic.session.queries import Query
from crdb_magic.sql.kinds import check_cell
from crdb_magic.sql.nearmisses import refuse
from crdb_magic.sql.statements import split, strip_markers

TXN_OPTIONS = (
    Option("priority", "low, normal or high: who gives way in a conflict", "WORD", read=Priority.parse),
    Option("as-of", "read the past: -10s, a time with its offset, an HLC, follower, or :variable; now: not the pin",
           "WHEN", read=AsOf.parse),
    Option("max-attempts", f"how often to try in all (default {DEFAULT_MAX_ATTEMPTS})", "N", read=whole_number),
    Option("timeout", "seconds for the whole transaction, retries included", "S", read=seconds),
    Option("read-only", "let the server refuse any write", takes=Takes.NOTHING),
    Option("isolation", "serializable or read-committed", "WORD", read=Isolation.parse),
    Option("idempotent", "it may run again even if an earlier run may have been committed", takes=Takes.NOTHING),
    Option("python", "the cell is Python: its database is db, and it may run several times", takes=Takes.NOTHING),
    Option("as", "what the value is: frame (default), arrow (a pyarrow.Table) or rows (a list of tuples)", "FORM",
           read=As.parse),
    Option("on", "run on the connection of that name instead of the current one", "NAME", fills=(Fills.CONNECTIONS,)),
)  # fmt: skip


@magic(TXN_OPTIONS, takes_cell=True, words=(Fills.SQL,))
def crdb_txn(notebook: CrdbMagic, typed: Typed) -> Any:
    """Run SQL, or Python, as one transaction: retried when the cluster asks for it, committed once.

        %%crdb_txn [NAME <<] [options]
        SELECT … WHERE city = :city        -- :city is the notebook's variable, bound by the driver, never pasted
        SELECT … FROM :"schema".:"table"   -- names that variables hold, quoted: each is one name

        %%crdb_txn --python [NAME <<] [options]
        rows = db.frame("SELECT …")        # its names and its outputs count when it is committed

    The value is the last result as a DataFrame, or is put into NAME. Line form: df = %crdb_txn SELECT 1
    With %config CrdbMagic.dtype_backend = "arrow" the columns of frames are Arrow's.

    Options:
    {options}

    Examples:
        %%crdb_txn df << --as-of -10s
        SELECT * FROM accounts WHERE id = ANY(:ids)

        %%crdb_txn --priority high --max-attempts 5
        UPDATE accounts SET balance = balance - :amount WHERE id = 1;
        UPDATE accounts SET balance = balance + :amount WHERE id = 2;

    """
    cell = typed.cell
    call = parse(typed.line, TXN_OPTIONS, typed.namespace, sql_follows=cell is None)
    if cell is not None and call.rest:
        raise OptionError(f"{call.rest!r} is no option.", hint="SQL goes below; put quotes around a value with blanks.")
    text = strip_markers(call.rest if cell is None else cell)
    if "python" in call.given:
        value = _run_python(notebook, call, text)
    else:
        value = _run_sql(notebook, call, text, typed.namespace)
    if call.into is None:
        return value
    notebook.shell.user_ns[call.into] = value
    return None


def _run_sql(notebook: CrdbMagic, call: Call, text: str, namespace: Namespace) -> Any:
    statements = split(text)
    check_cell(statements)
    refuse(statements)
    options = _options(call)
    session = notebook.connections.get(call.given.get("on"))
    bound = [statement.bind(namespace) for statement in statements]
    shape = Shape(call.given.get("as", As.FRAME), Backend.parse(notebook.dtype_backend), notebook.receipts)
    arrivals = Arrivals(shape.finish, notebook.audience)
    with _waiting(notebook, options) as waiting, arrivals, interrupts_shown_short():

        def observer(attempt: Attempt) -> None:
            arrivals.restart(attempt)
            waiting(attempt)

        if len(bound) == 1:
            session.look_ahead(Query.of_statement(bound[0]))
        report = session.run(bound, options, observer, arrivals)
    try:
        return present(report, statements, shape, notebook.shown)
    except ResultTypeError as error:
        if not session.in_transaction:  # that of a Python cell has not ended
            error.outcome = Outcome.COMMITTED
        raise


def _run_python(notebook: CrdbMagic, call: Call, text: str) -> Any:
    if "as" in call.given:
        raise OptionError("--as is for SQL.", hint="in Python: db.frame(…), db.arrow(…) or db.rows(…).")
    cell = PythonCell(notebook.shell, text)
    options = _options(call)
    name = call.given.get("on")
    database = notebook.connections.database(name)
    with notebook.connections.on(name), _waiting(notebook, options) as waiting, interrupts_shown_short():
        value, receipt = run_python(notebook.shell, cell, database, options, waiting)

    if isinstance(value, pd.DataFrame):
        notebook.shown.attach(value, receipt if notebook.receipts else None)
    quiet = call.into is None and DisplayHook.semicolon_at_end_of_expression(text)
    return None if quiet else value


def _waiting(notebook: CrdbMagic, options: TransactionOptions) -> Waiting:
    return Waiting(options.retry.max_attempts, notebook.audience)


def _options(call: Call) -> TransactionOptions:
    """Make the options of the transaction from what the line gave."""
    given = call.given
    retry = RetryPolicy(max_attempts=given.get("max-attempts", DEFAULT_MAX_ATTEMPTS), timeout=given.get("timeout"))
    return TransactionOptions(
        priority=given.get("priority"),
        as_of=given.get("as-of"),
        isolation=given.get("isolation"),
        read_only="read-only" in given,
        idempotent="idempotent" in given,
        retry=retry,
    )
