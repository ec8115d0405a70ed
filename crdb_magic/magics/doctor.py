"""%crdb_doctor: what is wrong between a notebook and its server, and what to do about it."""

from __future__ import annotations

from dataclasses import replace

from crdb_magic.core.target import Target
from crdb_magic.doctor.case import Conditions
from crdb_magic.doctor.examination import examine
from crdb_magic.doctor.report import Report
from crdb_magic.magics.arguments import ON, Call, Option, Rest, Takes, refuse_rest, resolved, seconds
from crdb_magic.magics.connections import Connections
from crdb_magic.magics.magic import CrdbMagic, magic
from crdb_magic.magics.password import Password
from crdb_magic.session.link import OwnLink
from crdb_magic.session.session_state import SessionState

DOCTOR_OPTIONS = (
    Option("local", "start a local server too, and stop it again", takes=Takes.NOTHING),
    Option("ask-password", "ask for the password of the URL", takes=Takes.NOTHING),
    Option("keyring", "take that password from the system's keyring", takes=Takes.NOTHING),
    Option("timeout", "seconds to wait for an answer (default 5)", "S", read=seconds),
    ON,
)


@magic(DOCTOR_OPTIONS, rest=Rest.WORDS)
def crdb_doctor(notebook: CrdbMagic, call: Call) -> Report:
    """Diagnose the connection between this notebook and its server: one line per check, with what to do.

        %crdb_doctor [options]             # the current connection; if there is none, what the environment names
        %crdb_doctor URL [options]         # or keywords: host=localhost port=26257, or :variable

    It uses a connection of its own, with the same settings as the notebook's, and checks: versions, the local server,
    the target and where each part of it comes from, addresses, TLS, certificates, authentication, what the server can
    do, clocks, latency, privileges, settings, and how long history is kept. No secrets are shown.

    Options:
    {options}

    Examples:
        %crdb_doctor
        %crdb_doctor postgresql://ann@db.example:26257/bank?sslmode=verify-full
        %crdb_doctor postgresql://ann@db.example:26257/bank --ask-password

    """
    notebook.freezing.refuse_served("look at")
    if "on" in call.given:
        refuse_rest(call.rest, "--on")
    text = str(resolved(call.rest, call.namespace, "%crdb_doctor"))
    asked, told = (text, None) if text else _opened(notebook.connections, call.given.get("on"))
    conditions = replace(
        Conditions(),
        timeout=call.given.get("timeout", Conditions().timeout),
        start_local="local" in call.given,
        unlock=Password(call.given).into,
        remarks=tuple(notebook.remarks.all),
    )
    return examine(asked, told=told, conditions=conditions)


def _opened(connections: Connections, name: str | None) -> tuple[str | Target, SessionState | None]:
    """Give where a connection leads, be it lost, and what it was told; nothing if none is open and none is named."""
    if name is None and connections.current is None:
        return "", None
    link = connections.get(name).link
    target = link.target if isinstance(link, OwnLink) else link.connection.target
    return target, replace(link.opened.told, bound={}) if link.opened else None
