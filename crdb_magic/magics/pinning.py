"""%crdb_pin: what its line asks for, and the sentence about it."""

from __future__ import annotations

from collections.abc import Mapping

from crdb_magic.core.asof import NOW, AsOf, time_of
from crdb_magic.magics.arguments import Option, variable
from crdb_magic.session.pinning import pin, unpin
from crdb_magic.session.session import Session

PIN_OPTIONS = (Option("on", "pin the connection of that name instead of the current one", "NAME"),)

_OFF = "off"


def pin_shown(session: Session, text: str, namespace: Mapping[str, object]) -> str:
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
