"""%crdb_activity: who is connected, what they run, and who waits for whom."""

from __future__ import annotations

from crdb_magic.explore.activity import Activity, activity
from crdb_magic.magics.arguments import ON, Call
from crdb_magic.magics.magic import CrdbMagic, magic
from crdb_magic.magics.waiting import interrupts_shown_short


@magic((ON,))
def crdb_activity(notebook: CrdbMagic, call: Call) -> Activity:
    """Show who is connected now, what they run, who waits for whose locks, and what was waited for lately.

        %crdb_activity [options]

    The value has it as DataFrames: .sessions, .waits and .contention. It is about now, whatever is pinned. Who may not
    see all of it sees a part, and a note about the rest: CockroachDB shows others' sessions to those with VIEWACTIVITY.

    Options:
    {options}

    Examples:
        %crdb_activity
        now = %crdb_activity --on warehouse

    """
    with interrupts_shown_short():
        return activity(notebook.session_of(call))
