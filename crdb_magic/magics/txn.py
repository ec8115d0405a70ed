"""%%crdb_txn: the cell is a transaction, of SQL or of Python."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
from IPython.core.displayhook import DisplayHook

from crdb_magic.errors import OptionError
from crdb_magic.magics.arguments import Call, Fills, Rest
from crdb_magic.magics.display import ROLLED_BACK
from crdb_magic.magics.magic import CrdbMagic, magic
from crdb_magic.magics.outputs import say
from crdb_magic.magics.python_cell import PythonCell, run_python
from crdb_magic.magics.sql_cell import explain_sql, run_sql
from crdb_magic.magics.txn_options import TXN_OPTIONS, check, of_transaction
from crdb_magic.magics.waiting import Waiting, interrupts_shown_short
from crdb_magic.sql.statements import strip_markers


@magic(TXN_OPTIONS, rest=Rest.SQL, takes_cell=True, words=(Fills.SQL,))
def crdb_txn(notebook: CrdbMagic, call: Call) -> Any:
    """Run SQL, or Python, as one transaction: retried on serialization failures, committed once.

        %%crdb_txn [NAME <<] [options]
        SELECT … WHERE city = :city        -- :city is the notebook's variable, bound by the driver, never pasted
        SELECT … FROM :"schema".:"table"   -- names held by variables, quoted: each is one identifier

        %%crdb_txn --python [NAME <<] [options]
        rows = db.frame("SELECT …")        # only the committed attempt's variables and outputs are kept

    The value is the last result as a DataFrame, or is assigned to NAME. Line form: df = %crdb_txn SELECT 1
    %config CrdbMagic sets defaults for all cells; --priority, --timeout and --isolation none, --limit all remove them.

    Options:
    {options}

    Examples:
        %%crdb_txn df << --as-of -10s
        SELECT * FROM accounts WHERE id = ANY(:ids)

        %%crdb_txn --priority high --max-attempts 5
        UPDATE accounts SET balance = balance - :amount WHERE id = 1;
        UPDATE accounts SET balance = balance + :amount WHERE id = 2;

        plan = %crdb_txn --explain=analyze SELECT * FROM accounts WHERE owner = 'Ann'

    """
    check(call)
    if call.cell is None and call.rest in notebook.connections.names():
        raise OptionError(f"{call.rest} is a connection.", hint=f"--on {call.rest} uses it.")
    text = strip_markers(call.rest if call.cell is None else call.cell)
    if "explain" in call.given:
        value = explain_sql(notebook, call, text)
    elif "python" in call.given:
        value = _run_python(notebook, call, text)
    else:
        value = run_sql(notebook, call, text)
    if call.into is None:
        return value
    notebook.shell.user_ns[call.into] = value
    return None


def _run_python(notebook: CrdbMagic, call: Call, text: str) -> Any:
    cell = PythonCell(notebook.shell, text)
    options = of_transaction(call, notebook.wanted(call))
    name = call.given.get("on")
    database = notebook.connections.database(name)
    waiting = Waiting(options.retry.max_attempts, notebook.audience)
    with notebook.connections.on(name), waiting, interrupts_shown_short():
        value, receipt = run_python(notebook.shell, cell, database, options, waiting, ask_when=notebook.receipts)

    framed = isinstance(value, pd.DataFrame)
    notebook.noted(replace(receipt, rows=len(value)) if framed else receipt, name, ["(Python)"])
    if not receipt.committed:
        say(ROLLED_BACK)
    notebook.status_line.of(call.into).under_value(receipt, len(value) if framed else None)
    if framed:
        notebook.shown.attach(value, receipt if notebook.receipts else None)
    quiet = call.into is None and DisplayHook.semicolon_at_end_of_expression(text)
    return None if quiet else value
