"""%crdb_receipt: how the notebook's transactions went, as a DataFrame."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from crdb_magic.errors import OptionError
from crdb_magic.magics.arguments import ON, Call, Option, Takes
from crdb_magic.magics.magic import CrdbMagic, magic
from crdb_magic.magics.outputs import say, unseen
from crdb_magic.magics.receipt_history import frame_of

RECEIPT_OPTIONS = (
    Option("all", "those of all transactions of the notebook so far (the last 1,000), not of the last alone",
           takes=Takes.NOTHING),
    replace(ON, help="those of the connection of that name alone"),
)  # fmt: skip


@magic(RECEIPT_OPTIONS)
def crdb_receipt(notebook: CrdbMagic, call: Call) -> pd.DataFrame:
    """Show how the notebook's last transaction went: when it ended, where, what ran, and at which exact instants.

        %crdb_receipt [options]

    A DataFrame with a row for each transaction of a magic, in their order. as_of is the instant that it read at,
    committed_at that at which what it wrote is seen, where the server tells it; staleness is how many seconds what
    it read was behind.
    The variable crdb_receipt is the last receipt, unless you have given that name to something else: --as-of
    :crdb_receipt and %crdb_pin :crdb_receipt read at its instant.

    Options:
    {options}

    Examples:
        %crdb_receipt
        receipts = %crdb_receipt --all
        %crdb_receipt --all --on warehouse

    """
    if not notebook.receipts:
        raise OptionError("No receipts are kept.", hint="%config CrdbMagic.receipts = True keeps them from then on.")
    known = notebook.ledger.of(call.given.get("on"))
    if not known:
        say("No transaction has run yet.")
        return unseen(frame_of(known))
    return frame_of(known if "all" in call.given else known[-1:])
