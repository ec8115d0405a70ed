"""How what goes on is shown: in HTML and as plain text, both from the same lines."""

from __future__ import annotations

from typing import Any

from crdb_magic.explore.activity import Activity, Contention, Running, Wait
from crdb_magic.magics.lists import Bundle, Lines, List, Part, bundle_of

_EXCERPT = 80
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def activity_bundle(activity: Activity, *_: Any, **__: Any) -> Bundle:
    """Show the sessions, those that wait, and what was waited for."""
    sessions = ("session", "who", "state", "for", "statement")
    waits, contention = ("session", "waits for", "on", "for"), ("at", "on", "for", "kind", "transaction", "waited for")
    parts: list[Part] = [
        List("Sessions", sessions, list(map(_session, activity.running)), numbers=("for",)),
        List("Waiting", waits, list(map(_wait, activity.waiting)), empty="Nobody waits.", numbers=("for",)),
        List("Recent contention", contention, list(map(_contention, activity.contended)), numbers=("for",)),
        Lines(activity.notes),
    ]
    return bundle_of(parts)


def _session(one: Running) -> tuple[str, ...]:
    statement = "(this question)" if one.own else _excerpt(one.statement or "(not shown)")
    name = f"{one.session} (this one)" if one.own else one.session
    who = ", ".join(filter(None, (one.user, one.application, one.client)))
    return name, who, one.state, _span(one.seconds), statement


def _wait(one: Wait) -> tuple[str, ...]:
    return one.session or "unknown", one.holder or "unknown", one.on, "" if one.seconds is None else _span(one.seconds)


def _contention(one: Contention) -> tuple[str, ...]:
    return f"{one.at:%Y-%m-%d %H:%M:%S}", one.on, _span(one.seconds), one.kind, one.waiting, one.blocking


def _excerpt(statement: str) -> str:
    words = " ".join(statement.split())
    return words if len(words) <= _EXCERPT else words[: _EXCERPT - 1] + "…"


def _span(seconds: float) -> str:
    """Give a time in its two largest units, or parts of a second."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE:.0f} min {seconds % _MINUTE:.0f} s"
    if seconds < _DAY:
        return f"{seconds // _HOUR:.0f} h {seconds % _HOUR // _MINUTE:.0f} min"
    return f"{seconds // _DAY:.0f} d {seconds % _DAY // _HOUR:.0f} h"
