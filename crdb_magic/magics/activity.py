"""%crdb_activity: who is connected, what they run, and who waits for whom."""

from __future__ import annotations

from crdb_magic.explore.activity import Activity, activity
from crdb_magic.magics.arguments import ON, Call
from crdb_magic.magics.magic import CrdbMagic, magic
from crdb_magic.magics.waiting import interrupts_shown_short


@magic((ON,))
def crdb_activity(notebook: CrdbMagic, call: Call) -> Activity:
    """Show who is connected, what they are running, who waits for whose locks, and recent lock waits.

        %crdb_activity [options]

    The value has DataFrames: .sessions, .waits and .contention. It shows the present, whatever is pinned. Without the
    privilege to see everything you see part of it and a note: CockroachDB shows other users' sessions only to users
    with VIEWACTIVITY.

    Options:
    {options}

    Examples:
        %crdb_activity
        now = %crdb_activity --on warehouse

    """
    with interrupts_shown_short():
        return activity(notebook.session_of(call))
