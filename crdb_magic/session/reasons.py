"""Why the server refused, where an option of ours is the reason: a pin, or the time limit."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from crdb_magic.core.asof import AsOf
from crdb_magic.core.options import TransactionOptions
from crdb_magic.core.retry import CANCELED
from crdb_magic.session.translation import translate

_READ_ONLY = "25006"
_EARLY = 0.005  # seconds that the server's clock may be ahead of ours


@contextmanager
def explained(options: TransactionOptions, pin: AsOf | None, began: float) -> Iterator[None]:
    """Add the reason to an error as its hint, or as a note to one that is not ours.

    ``began`` is when the transaction did, by `time.monotonic`.
    """
    outside = sys.exception()
    try:
        yield
    except Exception as error:
        refusal = translate(error, connected=True, outside=outside)
        if refusal is not None and (reason := _reason(refusal.sqlstate, options, pin, began)):
            refusal.hint = reason
            if refusal is not error:
                error.add_note(f"Hint: {reason}")
        raise


def _reason(sqlstate: str | None, options: TransactionOptions, pin: AsOf | None, began: float) -> str | None:
    if sqlstate == _READ_ONLY and pin is not None and options.as_of == pin:
        return f"the connection is pinned to {pin}: --as-of now steps out of that, %crdb_pin off ends it."
    limit = options.retry.timeout
    if sqlstate == CANCELED and limit is not None and time.monotonic() - began >= limit - _EARLY:
        return f"the time limit of {limit:g} s (--timeout) was up."
    return None
