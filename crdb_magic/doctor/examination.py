"""All checks in their order, each asked unless what it builds on has failed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from crdb_magic.core.target import Target
from crdb_magic.doctor import connection_checks, machine_checks, server_checks
from crdb_magic.doctor.case import Case, Conditions
from crdb_magic.doctor.report import CheckResult, Report, Said, State, UnaskedError, note, problem
from crdb_magic.doctor.settings import settings
from crdb_magic.errors import CrdbMagicError, StatementError
from crdb_magic.session.session_state import SessionState


@dataclass(frozen=True, slots=True)
class Check:
    """A question: its name, what finds the answer, and the checks without which it can't be asked."""

    name: str
    run: Callable[[Case], Iterable[Said]]
    needs: tuple[str, ...] = ()


_OF_SERVER = (
    Check("authentication", server_checks.authentication, ("protocol",)),
    Check("server", server_checks.product, ("authentication",)),
    Check("database", server_checks.database, ("authentication",)),
    Check("clock", server_checks.clock, ("authentication",)),
    Check("latency", server_checks.latency, ("authentication",)),
    Check("privileges", server_checks.privileges, ("database",)),
    Check("settings", settings, ("authentication",)),
    Check("past", server_checks.past, ("database",)),
)
CHECKS = (
    Check("versions", machine_checks.versions),
    Check("configuration", machine_checks.configuration),
    Check("JupyterLab", machine_checks.jupyterlab),
    Check("local server", machine_checks.local_server),
    Check("target", connection_checks.target),
    Check("name", connection_checks.name, ("target",)),
    Check("port", connection_checks.port, ("name",)),
    Check("protocol", connection_checks.protocol, ("port",)),
    Check("TLS", connection_checks.tls, ("protocol",)),
    Check("certificate", connection_checks.certificate, ("TLS",)),
    Check("trust", connection_checks.trust, ("TLS",)),
    Check("client certificate", connection_checks.client_certificate, ("TLS",)),
    *_OF_SERVER,
)


def examine(
    asked: str | Target = "", *, told: SessionState | None = None, conditions: Conditions | None = None
) -> Report:
    """Ask all there is to ask about a URL, keywords, a target, or (empty) what the environment names.

    ``told`` is what a session there was told, whose settings count then. Nothing is raised for what is found.
    """
    case = Case(asked, told, conditions or Conditions())
    failed: dict[str, str] = {}  # and what was the first to fail
    findings: list[CheckResult] = []
    try:
        for check in CHECKS:
            found = list(_found(check, case, failed))
            findings += found
            if any(one.state is State.PROBLEM for one in found):
                failed[check.name] = check.name
    finally:
        case.close()
    return Report(tuple(findings))


def _found(check: Check, case: Case, failed: dict[str, str]) -> Iterator[CheckResult]:
    if missing := [need for need in check.needs if need in failed]:
        failed[check.name] = failed[missing[0]]
        yield CheckResult(check.name, State.UNASKED, f"since there is a problem with: {failed[check.name]}")
        return
    try:
        told = case.answered(check.run) if check in _OF_SERVER else check.run(case)
        yield from (CheckResult(check.name, *said) for said in told)
    except UnaskedError as reason:
        yield CheckResult(check.name, State.UNASKED, str(reason))
    except StatementError as error:
        yield CheckResult(check.name, *note(f"the server refuses to tell: {error.message} (SQLSTATE {error.sqlstate})"))
    except CrdbMagicError as error:
        yield CheckResult(check.name, *problem(error.message, error.hint))
    except OSError as error:  # the way broke off
        yield CheckResult(check.name, *problem(f"the connection broke off: {error.strerror or error}", "try again."))
