"""%crdb_pin: one instant for all that is read from then on."""

from __future__ import annotations

from collections.abc import Mapping

from crdb_magic.core.asof import NOW, AsOf, time_of
from crdb_magic.magics.arguments import Fills, Option, parse, variable
from crdb_magic.magics.magic import CrdbMagic, Typed, magic
from crdb_magic.magics.outputs import say
from crdb_magic.session.pinning import pin, unpin
from crdb_magic.session.session import Session

_OFF = "off"

PIN_OPTIONS = (
    Option("on", "pin the connection of that name instead of the current one", "NAME", fills=(Fills.CONNECTIONS,)),
)


@magic(PIN_OPTIONS, words=(_OFF, *AsOf.words()))
def crdb_pin(notebook: CrdbMagic, typed: Typed) -> None:
    """Read at one instant from now on: all cells agree with each other, and give the same when they run again.

        %crdb_pin [WHEN]           # without WHEN, now
        %crdb_pin off              # the present again

    What names an instant of its own is read at that one; --as-of now steps out of the pin, to write for example.
    CockroachDB keeps an instant for the gc.ttlseconds of its tables, 4 hours unless set otherwise.

    Options:
    {options}

    Examples:
        %crdb_pin
        %crdb_pin -1h
        %crdb_pin 2026-06-01 12:00:00+00:00
        %crdb_pin 1780315200123456789.0000000002

    """
    call = parse(typed.line, PIN_OPTIONS, typed.namespace)
    say(_pin(notebook.connections.get(call.given.get("on")), call.rest, typed.namespace))


def _pin(session: Session, text: str, namespace: Mapping[str, object]) -> str:
    """Pin to what was written, or end a pin; give the sentence about it, the same whenever it names an instant."""
    text = text.strip("'\"")
    when = variable(text, namespace, "%crdb_pin") if text.startswith(":") else text or NOW
    if isinstance(when, str) and when.lower() == _OFF:
        unpin(session)
        return "Reads the present."
    pinned = pin(session, AsOf.parse(when))
    if pinned.asked == when or pinned.hlc is None:
        return f"Pinned to {pinned}."
    return f"Pinned to {time_of(pinned.hlc)}; to come back to it: %crdb_pin {pinned.hlc:f}"
