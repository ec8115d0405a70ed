"""%crdb_freeze: records what a notebook reads, to be served again without a server; and compares it with one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from crdb_magic.errors import OptionError, ParameterError
from crdb_magic.magics.arguments import Fills, Option, Takes, parse, variable
from crdb_magic.magics.connect import connection_line
from crdb_magic.magics.magic import CrdbMagic, Typed, magic
from crdb_magic.magics.namespace import Namespace
from crdb_magic.magics.outputs import say

_OFF = "off"

FREEZE_OPTIONS = (
    Option("verify", "read all of the recording in DIR again, each at its instant, and compare", takes=Takes.NOTHING),
    Option("on", "verify over the connection of that name instead of the current one", "NAME",
           fills=(Fills.CONNECTIONS,)),
)  # fmt: skip


@magic(FREEZE_OPTIONS, words=(_OFF, Fills.FILES))
def crdb_freeze(notebook: CrdbMagic, typed: Typed) -> Any:
    """Record what the notebook reads from now on, so that it can run again without a server.

        %crdb_freeze DIR                # behind %crdb_connect: the folder is made anew
        %crdb_freeze off                # the recording ends, as it does with the kernel
        %crdb_freeze --verify DIR       # is it still so, on the server, at the recorded instants?

    Then %crdb_connect --frozen DIR in the place of %crdb_connect serves the notebook from there, or, without a change
    to it, CRDB_MAGIC_FROZEN=DIR in the environment of its kernel: every output is the same. What was not recorded, or
    with other SQL or values, is an error that shows the difference. Writes answer as they did, in the recorded order.

    DIR/manifest.toml has the SQL, its values, instants and hashes, to be read and compared by people; DIR/data the rows
    as Parquet files. No password, host or port is in it.

    Options:
    {options}

    """
    call = parse(typed.line, FREEZE_OPTIONS, typed.namespace)
    given = call.rest.strip()
    if not given:
        raise OptionError("Into which folder? Write %crdb_freeze DIR, or %crdb_freeze off.")
    if given.lower() == _OFF:
        notebook.freezing.end()
        say("The recording is complete.")
        return None
    folder = _folder(given, typed.namespace)
    sessions = [notebook.connections.get(name) for name in notebook.connections.names()]
    opened = [one.link.opened for one in sessions]
    notebook.freezing.record(folder, [(one, connection_line(one)) for one in opened if one and not one.closed])
    say(f"Records into {given}.")
    return None


def _folder(given: str, namespace: Namespace) -> Path:
    text = given.strip("'\"")
    value = variable(text, namespace, "%crdb_freeze") if text.startswith(":") else text
    if not isinstance(value, str | Path):
        raise ParameterError(f"{text} is a {type(value).__name__}, not the name of a folder.")
    return Path(value).expanduser()
