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
    Option("verify", "read all of the recording in DIR again, each at its instant, and compare", takes=Takes.NOTHING),
    replace(ON, help="verify over the connection of that name instead of the current one"),
)


@magic(FREEZE_OPTIONS, rest=Rest.WORDS, words=(_OFF, Fills.FILES))
def crdb_freeze(notebook: CrdbMagic, call: Call) -> Any:
    """Record what the notebook reads from now on, so that it can run again without a server.

        %crdb_freeze DIR                # behind %crdb_connect: the folder is made anew
        %crdb_freeze off                # the recording that is made or served ends, as it does with the kernel
        %crdb_freeze --verify DIR       # is it still so, on the server, at the recorded instants?

    Then %crdb_connect --frozen DIR in the place of %crdb_connect serves the notebook from there, or, without a change
    to it, CRDB_MAGIC_FROZEN=DIR in the environment of its kernel: every output is the same. What was not recorded, or
    with other SQL or values, is an error that shows the difference. Writes answer as they did, in the recorded order.
    Run once more, with the same connections, the cell of %crdb_freeze DIR goes on; behind new ones it begins anew.

    DIR/manifest.toml has the SQL, its values, instants and hashes, to be read and compared by people; DIR/data the rows
    as Parquet files. No password of a connection is in it, nor of a CREATE or ALTER ROLE; where the server is, only in
    the line that %crdb_connect shows. What was read is in it.

    Options:
    {options}

    Examples:
        %crdb_freeze frozen/report
        %crdb_connect --frozen frozen/report        # served at once, in the kernel that has recorded
        %crdb_freeze off                            # and back: %crdb_connect leads to servers again
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
