"""%crdb_freeze: records what a notebook reads, to be served again without a server; and compares it with one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from IPython.display import display

from crdb_magic.core.target import Target
from crdb_magic.core.wording import beginning
from crdb_magic.errors import OptionError
from crdb_magic.frozen.events import Event, EventKind
from crdb_magic.frozen.manifest import Contents, load
from crdb_magic.frozen.verifying import VerifiedRead, verify
from crdb_magic.magics.arguments import ON, Call, Fills, Option, Rest, Takes, path_of, refuse_rest
from crdb_magic.magics.connect import connection_line
from crdb_magic.magics.magic import CrdbMagic, magic
from crdb_magic.magics.outputs import say
from crdb_magic.magics.progress import Progress
from crdb_magic.magics.waiting import interrupts_shown_short

_OFF = "off"
_SHOWN = 72

FREEZE_OPTIONS = (
    Option("verify", "run every read of the recording in DIR again at its timestamp, and compare", takes=Takes.NOTHING),
    replace(ON, help="verify over the connection NAME instead of the current one"),
)


@magic(FREEZE_OPTIONS, rest=Rest.WORDS, words=(_OFF, Fills.FILES))
def crdb_freeze(notebook: CrdbMagic, call: Call) -> Any:
    """Record what the notebook reads from now on, so that it can run again without a server.

        %crdb_freeze DIR                # after %crdb_connect: what the folder held is replaced
        %crdb_freeze off                # ends the recording or the replay, as the end of the kernel does
        %crdb_freeze --verify DIR       # does the server still give the same, at the recorded timestamps?

    Then %crdb_connect --frozen DIR instead of %crdb_connect replays the notebook from there; so does, without a change
    to it, CRDB_MAGIC_FROZEN=DIR in the environment of its kernel: every output is the same. A query that was not
    recorded, or has other SQL or values, raises an error that shows the difference. Writes give the recorded response,
    in the recorded order. Running the %crdb_freeze DIR cell again continues the recording if the connections are the
    same; after new ones it starts over.

    DIR/manifest.toml has the SQL, its values, timestamps and hashes, for people to read and compare; DIR/data has the
    rows as Parquet files. They hold all data that was read, but no connection password, and none of a CREATE or ALTER
    ROLE; the server's address is only in the line that %crdb_connect shows.

    Options:
    {options}

    Examples:
        %crdb_freeze frozen/report
        %crdb_connect --frozen frozen/report        # replays it right away, in the kernel that recorded it
        %crdb_freeze off                            # and back: %crdb_connect connects to servers again
        %crdb_freeze --verify frozen/report

    """
    if not call.rest:
        raise OptionError("Into which folder? Write %crdb_freeze DIR, or %crdb_freeze off.")
    first, _, behind = call.rest.partition(" ")
    if first.lower() == _OFF:
        refuse_rest(behind, f"%crdb_freeze {_OFF}")
        say("\n".join(notebook.freezing.end()))
        return None
    folder = path_of(call.rest.strip("'\""), call.namespace, "%crdb_freeze", "folder").expanduser()
    if "verify" in call.given:
        return _verified(notebook, folder, call.given.get("on"))
    opened = [one.link.opened for one in notebook.connections.sessions]
    shown = [(one, connection_line(one)) for one in opened if one and not one.closed]
    say(notebook.freezing.record(folder, call.rest, shown))
    return None


def _verified(notebook: CrdbMagic, folder: Path, name: str | None) -> pd.DataFrame:
    """Read all of a recording again, with a bar; show what differs, and give a row for each read."""
    notebook.freezing.refuse_served("compare with")
    contents, checks = load(folder), list[VerifiedRead]()
    with Progress(_rows(contents), folder.name, notebook.audience) as bar, interrupts_shown_short():
        for check in verify(contents, folder, lambda number: _target(notebook, number, name)):
            checks.append(check)
            bar.advance(check.event.rows)
    for check in checks:
        if check.differences is not None:
            say(_short(check.event))
            display(check.differences)
    found = Counter(check.verdict.value for check in checks)
    listed = ", ".join(f"{count:,} {verdict}" for verdict, count in found.items())
    say(f"{len(checks):,} reads: {listed}." if checks else "Nothing was read in this recording.")
    rows = [(one.event.number, _short(one.event), one.event.rows, one.verdict.value, one.why) for one in checks]
    return pd.DataFrame(rows, columns=["number", "sql", "rows", "verdict", "why"])


def _rows(contents: Contents) -> int:
    return sum(event.rows for event in contents.events if event.kind is EventKind.READ)


def _target(notebook: CrdbMagic, number: int, name: str | None) -> Target:
    """Give where the recorded connection of that number leads: the open ones have the same order."""
    connections = notebook.connections
    if name is not None:
        return connections.get(name).connection.target
    opened = (connections.get(one).connection.target for one in connections.names())
    targets = list({frozenset(one.items()): one for one in opened}.values())
    if number > len(targets):
        raise OptionError(
            f"The recording has a connection number {number}, and {len(targets)} are open.",
            hint="open them in the order of the recording, or name one for all: --on NAME.",
        )
    return targets[number - 1]


def _short(event: Event) -> str:
    return beginning(event.sql or event.text, _SHOWN)
