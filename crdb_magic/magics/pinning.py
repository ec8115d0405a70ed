"""%crdb_pin: what its line asks for, and the sentence about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from crdb_magic.core.asof import NOW, AsOf
from crdb_magic.errors import ParameterError
from crdb_magic.magics.arguments import Option
from crdb_magic.session.pinning import pin, unpin
from crdb_magic.session.session import Session

PIN_OPTIONS = (Option("on", "pin the connection of that name instead of the current one", "NAME"),)

_OFF = "off"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def pin_shown(session: Session, text: str, namespace: Mapping[str, object]) -> str:
    """Pin to what was written, or end a pin; give the sentence about it, the same whenever it names an instant."""
    when = _read(text.strip("'\""), namespace)
    if isinstance(when, str) and when.lower() == _OFF:
        unpin(session)
        return "Reads the present."
    pinned = pin(session, AsOf.parse(when))
    if pinned.asked == when or pinned.hlc is None:
        return f"Pinned to {pinned}."
    return f"Pinned to {_time(pinned.hlc)}; to come back to it: %crdb_pin {pinned.hlc:f}"


def _read(text: str, namespace: Mapping[str, object]) -> object:
    if not text.startswith(":"):
        return text or NOW
    if text[1:] not in namespace:
        raise ParameterError(f"There is no variable {text[1:]} for %crdb_pin {text}.")
    return namespace[text[1:]]


def _time(hlc: Decimal) -> datetime:
    return _EPOCH + timedelta(microseconds=int(hlc) // 1000)
