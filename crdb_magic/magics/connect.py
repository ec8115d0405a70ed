"""%crdb_connect: opens connections by URL, keywords, environment or a database of the user's; lists and closes them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from crdb_magic.core.target import Target
from crdb_magic.errors import OptionError
from crdb_magic.local import serving
from crdb_magic.magics.arguments import Call, Fills, Option, Rest, Takes, refuse_rest, resolved
from crdb_magic.magics.connections import DEFAULT
from crdb_magic.magics.habits import refuse_address
from crdb_magic.magics.magic import CrdbMagic, magic
from crdb_magic.magics.outputs import say
from crdb_magic.magics.password import Password
from crdb_magic.session.driver import Connection
from crdb_magic.session.session import Session

_IN_QUOTES = re.compile(r"""(['"])(.*)\1""")

CONNECT_OPTIONS = (
    Option("local", "start a server on this machine and connect to it; keep its data in DIR", "DIR", Takes.PERHAPS,
           fills=(Fills.FILES,)),
    Option("frozen", "replay the recording in DIR, without any server, until %crdb_freeze off", "DIR",
           fills=(Fills.FILES,)),
    Option("ask-password", "ask for the password, which keeps it out of the notebook", takes=Takes.NOTHING),
    Option("keyring", "take the password from the system's keyring; with --ask-password, store it there",
           takes=Takes.NOTHING),
    Option("name", "a name for this connection, for --on and --use", "NAME"),
    Option("list", "show the open connections", takes=Takes.NOTHING),
    Option("use", "make another open connection the current one", "NAME", fills=(Fills.CONNECTIONS,)),
    Option("close", "close a connection", "NAME", fills=(Fills.CONNECTIONS,)),
)  # fmt: skip
_WITHOUT_ADDRESS = ("list", "close", "use", "local", "frozen")


@magic(CONNECT_OPTIONS, rest=Rest.WORDS, words=(Fills.DATABASES,))
def crdb_connect(notebook: CrdbMagic, call: Call) -> None:
    """Connect to a CockroachDB cluster.

        %crdb_connect postgresql://user@host:26257/database
        %crdb_connect :url                 # a variable: its secrets stay out of the notebook
        %crdb_connect host=localhost port=26257 user=root dbname=bank sslmode=disable
        %crdb_connect                      # $CRDB_URL, $COCKROACH_URL, $DATABASE_URL, else libpq's PG* and files
        %crdb_connect db                   # your own CockroachDatabase: its models and the cells share it
        %crdb_connect --local              # a local server, started on this machine
        %crdb_connect --frozen DIR         # a recording made by %crdb_freeze DIR: no server at all

    Options:
    {options}

    Examples:
        %crdb_connect cockroachdb://ann@db.example:26257/bank?sslmode=verify-full --name prod
        %crdb_connect postgresql://ann@db.example:26257/bank --ask-password
        %crdb_connect --list
        %crdb_connect --use prod

    """
    given, connections = call.given, notebook.connections
    for name in _WITHOUT_ADDRESS:
        if name in given:
            refuse_rest(call.rest, f"--{name}")
    if "list" in given:
        say(_listed(notebook) + notebook.freezing.note)
    elif "close" in given:
        closing, before = _described(notebook, given["close"]), connections.current
        connections.close(given["close"])
        now = "" if connections.current in {before, None} else f"\nThe current one is {connections.current} now."
        say(f"Closed {given['close']}: {closing}{now}")
    elif "use" in given:
        _ = connections.use(given["use"]).connection
        say(f"{given['use']}: {_described(notebook, given['use'])}{notebook.freezing.note}")
    else:
        say(_described(notebook, _opened(call, notebook)) + notebook.freezing.note)


def _opened(call: Call, notebook: CrdbMagic) -> str:
    """Connect as the options say; give the connection's name."""
    ours = "frozen" in call.given or "local" in call.given
    if ours and Password(call.given):
        raise OptionError("That takes no password: leave --ask-password and --keyring out.")
    if "frozen" in call.given:
        return _served(call, notebook)
    if "local" in call.given:
        return _started(call, notebook)
    return _connected(call, notebook)


def _connected(call: Call, notebook: CrdbMagic) -> str:
    """Connect to a URL, keywords, the environment, or what a variable holds: one of these, or a database."""
    name, password = _name(call), Password(call.given)
    where: Any = resolved(call.rest, call.namespace, "%crdb_connect")
    database = call.namespace.get(call.rest, where)
    if isinstance(getattr(database, "session", None), Session):
        if password:
            raise OptionError("A database has its own password: leave --ask-password and --keyring out.")
        notebook.connections.adopt(name, database)
    else:
        refuse_address(call.rest, call.namespace)
        target = password.into(_target(_unquoted(str(where))))
        notebook.connections.open(name, target, notebook.settings)
        if failed := password.keep(target):
            say(failed)
    return name


def _name(call: Call) -> str:
    return str(call.given.get("name", DEFAULT))


def _unquoted(text: str) -> str:
    """Take the quotes of Python away, around a URL as a whole; libpq's stand around single values."""
    found = _IN_QUOTES.fullmatch(text)
    return found[2] if found else text


def _target(text: str) -> Target:
    """Read a URL, libpq's ``keyword=value`` pairs, or (from nothing) the environment."""
    return Target.parse(text) if text else Target.from_environment(os.environ)


def _started(call: Call, notebook: CrdbMagic) -> str:
    name, directory = _name(call), call.given["local"]
    if "://" in str(directory):
        raise OptionError("--local takes a folder: leave the address out, or --local.")
    notebook.connections.open_local(name, None if directory is True else Path(directory), notebook.settings)
    return name


def _served(call: Call, notebook: CrdbMagic) -> str:
    """Serve a recording from its beginning."""
    if ended := notebook.freezing.serve(Path(call.given["frozen"])):
        say("\n".join(ended))
    notebook.connections.open(_name(call), Target({}), notebook.settings)
    return _name(call)


def _listed(notebook: CrdbMagic) -> str:
    connections = notebook.connections
    names = connections.names()
    width = max(map(len, names), default=0)
    lines = (
        f"{'*' if name == connections.current else ' '} {name:<{width}}  {_described(notebook, name)}" for name in names
    )
    return "\n".join(lines) or "No connection is open."


def _described(notebook: CrdbMagic, name: str) -> str:
    """Say in one line where a connection leads, and its pin."""
    session = notebook.connections.get(name)
    connection = session.link.opened
    if connection is None or connection.closed:  # it opens when it is used
        return f"{session.link}, not connected"
    pinned = f", pinned to {session.pinned}" if session.pinned else ""
    return f"{notebook.freezing.shown(connection, connection_line(connection))}{pinned}"


def connection_line(connection: Connection) -> str:
    """Say in one line where a connection leads: server, address, database, user, TLS. No password.

    A server of this process is told by what it is: its port is another one on each run.
    """
    info = connection.info
    local = serving(info.host, info.port)
    where = local.description if local else f"{connection.server} at {_address(info.host, info.port)}"
    tls = f"TLS {info.ssl_attribute('protocol')}" if info.ssl_in_use else "no TLS"
    return f"{where}, database {connection.database}, user {info.user}, {tls}"


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
