"""How what goes on is shown: in HTML and as plain text, both from the same lines."""

from __future__ import annotations

from crdb_magic.core.amounts import duration
from crdb_magic.core.wording import beginning
from crdb_magic.drawing.html import Bundle
from crdb_magic.drawing.lists import Lines, List, Part, bundle_of
from crdb_magic.explore.activity import Activity, Contention, Running, Wait

_EXCERPT = 80  # characters


def activity_bundle(activity: Activity) -> Bundle:
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
    statement = "(this question)" if one.own else beginning(one.statement or "(not shown)", _EXCERPT)
    name = f"{one.session} (this one)" if one.own else one.session
    who = ", ".join(filter(None, (one.user, one.application, one.client)))
    return name, who, one.state, duration(one.seconds), statement


def _wait(one: Wait) -> tuple[str, ...]:
    waited = "" if one.seconds is None else duration(one.seconds)
    return one.session or "unknown", one.holder or "unknown", one.on, waited


def _contention(one: Contention) -> tuple[str, ...]:
    return f"{one.at:%Y-%m-%d %H:%M:%S}", one.on, duration(one.seconds), one.kind, one.waiting, one.blocking
