"""%crdb_activity: who is connected, what they run, and who waits for whom."""

from __future__ import annotations

from crdb_magic.errors import OptionError
from crdb_magic.explore.activity import Activity, activity
from crdb_magic.magics.arguments import Fills, Option, parse
from crdb_magic.magics.magic import CrdbMagic, Typed, magic
from crdb_magic.magics.waiting import interrupts_shown_short

ACTIVITY_OPTIONS = (
    Option("on", "ask over the connection of that name instead of the current one", "NAME", fills=(Fills.CONNECTIONS,)),
)


@magic(ACTIVITY_OPTIONS)
def crdb_activity(notebook: CrdbMagic, typed: Typed) -> Activity:
    """Show who is connected now, what they run, who waits for whose locks, and what was waited for lately.

        %crdb_activity [options]

    The value has it as DataFrames: .sessions, .waits and .contention. It is about now, whatever is pinned. Who may not
    see all of it sees a part, and a note about the rest: CockroachDB shows others' sessions to those with VIEWACTIVITY.

    Options:
    {options}

    """
    call = parse(typed.line, ACTIVITY_OPTIONS, typed.namespace)
    if call.rest:
        raise OptionError(f"%crdb_activity takes no {call.rest!r}.")
    with interrupts_shown_short():
        return activity(notebook.connections.get(call.given.get("on")))
