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
    Option("all", "all transactions of the notebook so far (the last 1,000), not just the last one",
           takes=Takes.NOTHING),
    replace(ON, help="only transactions on the connection NAME"),
)  # fmt: skip


@magic(RECEIPT_OPTIONS)
def crdb_receipt(notebook: CrdbMagic, call: Call) -> pd.DataFrame:
    """Show how the notebook's last transaction went: when it ended, where, what ran, and its exact timestamps.

        %crdb_receipt [options]

    A DataFrame with a row for each transaction run by a magic, in order. as_of is the timestamp that it read at,
    committed_at the one from which its writes are visible, where the server reports it; staleness is how many
    seconds behind the present it read.
    The variable crdb_receipt is the last receipt, unless you use that name for something else: --as-of
    :crdb_receipt and %crdb_pin :crdb_receipt read at its timestamp.

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
