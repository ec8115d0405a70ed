"""Why the server refused, where an option of ours is the reason: an instant, a pin, or the time limit."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from crdb_magic.core.asof import AsOf
from crdb_magic.core.options import TransactionOptions
from crdb_magic.core.retry import CANCELED
from crdb_magic.errors import CrdbMagicError, PastUnavailableError
from crdb_magic.session.hints import BEYOND_GC
from crdb_magic.session.translation import translate

_READ_ONLY = "25006"
_EARLY = 0.005  # seconds that the server's clock may be ahead of ours

# CockroachDB has no SQLSTATE for an instant that can't be read: XXUUU is whatever is uncategorised, 22023 whatever
# value is wrong. So here, and only in a transaction that asked for an instant, its words are looked at.
_UNCATEGORISED = {"XXUUU", "22023"}
_PIN_AGAIN = "%crdb_pin pins to now, %crdb_pin off ends it; %crdb_pin --show tells how long one holds."
_AHEAD = "cannot specify timestamp in the future"  # pkg/sql/sem/asof, pkg/sql/exec_util.go
# An instant read on one node is ahead of the clock of another by --max-offset at most, 0.5 s by default.
_CLOCKS_DIFFER = 1.0


@contextmanager
def explained(options: TransactionOptions, pin: AsOf | None, began: float) -> Iterator[None]:
    """Add the reason to an error as its hint, or as a note to one that is not ours.

    ``began`` is when the transaction did, by `time.monotonic`. Raises :class:`PastUnavailableError` from an error that
    says so of the instant in the options.
    """
    outside = sys.exception()
    try:
        yield
    except Exception as error:
        refusal = translate(error, connected=True, outside=outside)
        if refusal is None:
            raise
        elapsed = time.monotonic() - began
        if past := _unavailable(refusal, options.as_of, elapsed, is_pin=options.as_of == pin):
            raise past from error
        if reason := _reason(refusal.sqlstate, options, pin, elapsed):
            refusal.hint = reason
        tell(error, refusal)
        raise


def tell(error: Exception, refusal: CrdbMagicError | None) -> None:
    """Let an error that is not ours tell the hint of what it is in our terms, unless it does so already.

    The server's own hint is in its text.
    """
    if refusal is None or refusal is error or not refusal.hint:
        return
    if not any(refusal.hint in text for text in (str(error), *getattr(error, "__notes__", ()))):
        error.add_note(f"Hint: {refusal.hint}")


def _unavailable(
    refusal: CrdbMagicError, as_of: AsOf | None, elapsed: float, *, is_pin: bool
) -> PastUnavailableError | None:
    if as_of is None or refusal.sqlstate not in _UNCATEGORISED:
        return None
    if BEYOND_GC in refusal.message:
        asked = f"The pin, {as_of}," if is_pin else f"as-of {as_of}"
        past = PastUnavailableError(
            f"{asked} is before what the cluster still keeps of a table.",
            sqlstate=refusal.sqlstate,
            hint=_PIN_AGAIN if is_pin else None,
        )
        past.advise(refusal.hint)
        return past
    if _AHEAD in refusal.message:
        return PastUnavailableError(
            f"as-of {as_of} lies in the future.", sqlstate=refusal.sqlstate, soon=elapsed < _CLOCKS_DIFFER
        )
    return None


def _reason(sqlstate: str | None, options: TransactionOptions, pin: AsOf | None, elapsed: float) -> str | None:
    if sqlstate == _READ_ONLY and options.as_of is not None:
        if options.as_of == pin:
            return f"the connection is pinned to {pin}: --as-of now overrides it, %crdb_pin off ends it."
        return f"the transaction reads the past, as of {options.as_of}: leave --as-of out to write."
    limit = options.retry.timeout
    if sqlstate == CANCELED and limit is not None and elapsed >= limit - _EARLY:
        return f"the time limit of {limit:g} s (--timeout, CrdbMagic.timeout) was up."
    return None
