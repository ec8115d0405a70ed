"""All checks in their order, each asked unless what it builds on has failed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from crdb_magic.core.target import Target
from crdb_magic.doctor import here, server, way
from crdb_magic.doctor.case import Case, Conditions
from crdb_magic.doctor.report import Finding, Report, Said, State, UnaskedError, note, problem
from crdb_magic.doctor.settings import settings
from crdb_magic.errors import CrdbMagicError, StatementError
from crdb_magic.session.told import Told


@dataclass(frozen=True, slots=True)
class Check:
    """A question: its name, what finds the answer, and the checks without which it can't be asked."""

    name: str
    run: Callable[[Case], Iterable[Said]]
    needs: tuple[str, ...] = ()


_OF_SERVER = (
    Check("authentication", server.authentication, ("protocol",)),
    Check("server", server.product, ("authentication",)),
    Check("database", server.database, ("authentication",)),
    Check("clock", server.clock, ("authentication",)),
    Check("latency", server.latency, ("authentication",)),
    Check("privileges", server.privileges, ("database",)),
    Check("settings", settings, ("authentication",)),
    Check("past", server.past, ("database",)),
)
CHECKS = (
    Check("versions", here.versions),
    Check("configuration", here.configuration),
    Check("JupyterLab", here.jupyterlab),
    Check("local server", here.local_server),
    Check("target", way.target),
    Check("name", way.name, ("target",)),
    Check("port", way.port, ("name",)),
    Check("protocol", way.protocol, ("port",)),
    Check("TLS", way.tls, ("protocol",)),
    Check("certificate", way.certificate, ("TLS",)),
    Check("trust", way.trust, ("TLS",)),
    Check("client certificate", way.client_certificate, ("TLS",)),
    *_OF_SERVER,
)


def examine(asked: str | Target = "", *, told: Told | None = None, conditions: Conditions | None = None) -> Report:
    """Ask all there is to ask about a URL, keywords, a target, or (empty) what the environment names.

    ``told`` is what a session there was told, whose settings count then. Nothing is raised for what is found.
    """
    case = Case(asked, told, conditions or Conditions())
    failed: dict[str, str] = {}  # and what was the first to fail
    findings: list[Finding] = []
    try:
        for check in CHECKS:
            found = list(_found(check, case, failed))
            findings += found
            if any(one.state is State.PROBLEM for one in found):
                failed[check.name] = check.name
    finally:
        case.close()
    return Report(tuple(findings))


def _found(check: Check, case: Case, failed: dict[str, str]) -> Iterator[Finding]:
    if missing := [need for need in check.needs if need in failed]:
        failed[check.name] = failed[missing[0]]
        yield Finding(check.name, State.UNASKED, f"since there is a problem with: {failed[check.name]}")
        return
    try:
        told = case.answered(check.run) if check in _OF_SERVER else check.run(case)
        yield from (Finding(check.name, *said) for said in told)
    except UnaskedError as reason:
        yield Finding(check.name, State.UNASKED, str(reason))
    except StatementError as error:
        yield Finding(check.name, *note(f"the server refuses to tell: {error.message} (SQLSTATE {error.sqlstate})"))
    except CrdbMagicError as error:
        yield Finding(check.name, *problem(error.message, error.hint))
    except OSError as error:  # the way broke off
        yield Finding(check.name, *problem(f"the connection broke off: {error.strerror or error}", "try again."))
