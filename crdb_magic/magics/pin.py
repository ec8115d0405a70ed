"""%crdb_pin: one instant for all that is read from then on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches

import pandas as pd

from crdb_magic.core.amounts import duration
from crdb_magic.core.asof import NOW, AsOf, time_of
from crdb_magic.core.receipt import Receipt
from crdb_magic.errors import OptionError
from crdb_magic.explore.retention import Retention, retention
from crdb_magic.magics.arguments import ON, Call, Fills, Option, Rest, Takes, refuse_rest, resolved
from crdb_magic.magics.magic import CrdbMagic, magic
from crdb_magic.magics.outputs import say
from crdb_magic.session.hooks import HOOKS
from crdb_magic.session.past_registry import KEEPERS
from crdb_magic.session.pinning import pin, unpin
from crdb_magic.session.session import Session

_OFF = "off"

PIN_OPTIONS = (
    Option("show", "show the pin: its timestamp, its wall-clock time, and until when the server keeps it",
           takes=Takes.NOTHING),
    ON,
)  # fmt: skip


@magic(PIN_OPTIONS, rest=Rest.WORDS, words=(_OFF, *AsOf.words(), Fills.FRAMES))
def crdb_pin(notebook: CrdbMagic, call: Call) -> None:
    """Read at one timestamp from now on: all cells agree with each other, and give the same results when run again.

        %crdb_pin [WHEN]           # without WHEN, now
        %crdb_pin FRAME            # the timestamp at which a DataFrame was read, or that of a receipt
        %crdb_pin off              # back to the present
        %crdb_pin --show

    An --as-of overrides the pin; --as-of now reads or writes the present.
    CockroachDB keeps history for the gc.ttlseconds of its tables (4 hours by default since v23.1): see --show.

    Options:
    {options}

    Examples:
        %crdb_pin
        %crdb_pin -1h
        %crdb_pin 2026-06-01 12:00:00+00:00
        %crdb_pin 1780315200123456789.0000000002
        %crdb_pin :crdb_receipt

    """
    session = notebook.session_of(call)
    if "show" in call.given:
        refuse_rest(call.rest, "--show")
        say("\n".join(_shown(session)))
    else:
        say(_pin(session, call.rest, call.namespace))


def _pin(session: Session, text: str, namespace: Mapping[str, object]) -> str:
    """Pin to what was written, or end a pin; give the sentence about it, the same whenever it names an instant."""
    text = text.strip("'\"")
    when = resolved(text, namespace, "%crdb_pin") if text else NOW
    if isinstance(named := namespace.get(text), Receipt | pd.DataFrame):
        when = named
    if isinstance(when, str) and when.lower() == _OFF:
        unpin(session)
        return "Reads the present."
    pinned = pin(session, _instant(when))
    if (isinstance(when, str) and pinned.asked == when) or pinned.hlc is None:
        return f"Pinned to {pinned}."
    return f"Pinned to {time_of(pinned.hlc)}; to come back to it: %crdb_pin {pinned.hlc:f}"


def _instant(when: object) -> AsOf:
    try:
        return AsOf.parse(when)
    except OptionError as error:
        if close := get_close_matches(str(when).lower(), filter(str.isalpha, (_OFF, *AsOf.words())), n=1):
            error.advise(f"Did you mean {close[0]}?")
        raise


def _shown(session: Session) -> list[str]:
    pinned = session.pinned
    if pinned is None:
        return ["Not pinned: the present is read."]
    if pinned.hlc is None:
        return [f"Pinned to {pinned}."]
    then, now = time_of(pinned.hlc), datetime.now(UTC)
    ago = duration(max((now - then).total_seconds(), 0))
    return [f"Pinned to {pinned.hlc:f}: {_utc(then)}, {ago} ago.", *_remembered(session, then, now)]


def _remembered(session: Session, then: datetime, now: datetime) -> list[str]:
    """Say until when it can be read, as far as that is known."""
    if HOOKS.stand_in:
        return ["The recording has what was read at it."]
    if session.connection.address in KEEPERS:
        return ["The local server keeps it as long as it runs."]
    kept = retention(session)
    if kept.seconds is None:
        return ["How long the server keeps it is not known here.", *kept.notes]
    return [_until(kept, then + timedelta(seconds=kept.seconds), now, session)]


def _until(kept: Retention, end: datetime, now: datetime, session: Session) -> str:
    database = session.connection.database
    why = f"gc.ttlseconds = {kept.seconds} of {kept.of}, the shortest in database {database}"
    if end > now:
        left = duration((end - now).total_seconds())
        return f"The server remembers it until {_utc(end)} at least, {left} from now: {why}."
    return f"The server may have forgotten it since {_utc(end)}: {why}. %crdb_pin pins to now."


def _utc(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"
