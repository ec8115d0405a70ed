"""The checks of the way to a server: what is meant, its name, its port, its protocol, its certificate, and ours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from ssl import SSLCertVerificationError

from crdb_magic.core.amounts import duration
from crdb_magic.core.libpq_files import is_file, is_open_key
from crdb_magic.doctor.case import SOCKET, Case
from crdb_magic.doctor.certificates import (
    EXPIRED,
    NOT_YET_VALID,
    Certificate,
    Told,
    authority,
    is_for,
    read_certificate,
    verified,
)
from crdb_magic.doctor.network import Greeting, Knock
from crdb_magic.doctor.report import Said, State, UnaskedError, note, ok, problem

_SOON = 30  # days
_VERIFYING = frozenset({"verify-ca", "verify-full"})
_WANTING = _VERIFYING | {"require"}


def target(case: Case) -> Iterator[Said]:
    """Say what is meant, and where each part of it comes from."""
    meant = case.meant
    if not (meant["host"] or meant["hostaddr"]):
        yield note(
            f"nothing names a host, so libpq looks for a socket of this machine: {meant.in_words}",
            "give a URL, set CRDB_URL, or start a server of your own: %crdb_connect --local.",
        )
    else:
        yield ok(meant.in_words)
    yield from meant.remarks


def name(case: Case) -> Iterator[Said]:
    """Say what the names of the hosts mean."""
    _not_by_socket(case)
    failed = [place for place, found in case.resolved.items() if isinstance(found, OSError)]
    for place, found in case.resolved.items():
        if isinstance(found, OSError):
            say = problem if len(failed) == len(case.meant.places) else note
            said = f"the host name {place.address} is not known: {found.strerror}"
            yield say(said, "check its spelling, and the network (DNS, VPN).")
        else:
            told = ", ".join(f"{one.host} ({one.family})" for one in found)
            yield ok(told if place.address == found[0].host else f"{place.address} is {told}")


def port(case: Case) -> Iterator[Said]:
    """Say who can be reached there, and how fast."""
    _not_by_socket(case)
    others = any(place.is_socket for place in case.meant.places)
    say = note if others or any(one.reached for one in case.knocks) else problem
    for one in case.knocks:
        if one.seconds is not None:
            yield ok(f"{one.address} answers in {duration(one.seconds)}")
        else:
            yield say(*_unreached(one, case.conditions.timeout))


def _unreached(one: Knock, timeout: float) -> tuple[str, str]:
    if isinstance(one.error, ConnectionRefusedError):
        return f"nobody listens at {one.address}", "check host and port, and whether the server runs."
    if isinstance(one.error, TimeoutError):
        said = f"{one.address} does not answer within {duration(timeout)}"
        return said, "check host and port, and whether a firewall (an IP allowlist) is in between."
    return f"{one.address} can't be reached: {one.error and one.error.strerror}", "check the network (VPN, IPv6)."


def protocol(case: Case) -> Iterator[Said]:
    """Say whether it is a server of PostgreSQL's protocol that listens."""
    _not_by_socket(case)
    greeting = case.greeting
    words = f"{case.address} {greeting.value}"
    if greeting is Greeting.SILENT:
        words += f" within {duration(case.conditions.timeout)}"
    if todo := _FOREIGN.get(greeting):
        yield problem(words, todo)
    else:
        yield ok(words)


_FOREIGN = {
    Greeting.HTTP: "that is a web server, perhaps CockroachDB's console (8080): SQL has a port of its own (26257).",
    Greeting.SILENT: "check the port, and whether a firewall or a proxy is in between.",
    Greeting.FOREIGN: "check the port: CockroachDB has 26257, PostgreSQL 5432.",
}


def tls(case: Case) -> Iterator[Said]:
    """Say whether TLS is offered, and asked for."""
    _not_by_socket(case)
    offered, mode = case.greeting is Greeting.TLS, case.meant["sslmode"]
    if not offered and mode in _WANTING:
        yield problem(f"none is offered, and sslmode={mode} wants it", "sslmode=disable, for a local server only.")
    elif not offered:
        yield ok(f"none is offered, and sslmode={mode} wants none")
    elif mode == "disable":
        yield note("it is offered, and not used: sslmode=disable", "sslmode=verify-full")
    else:
        yield ok(f"{case.shown.version}, with sslmode={mode}")


def certificate(case: Case) -> Iterator[Said]:
    """Say whose certificate the server shows, and until when it holds."""
    _only_by_tls(case)
    shown = case.shown.certificate
    signed = "signed by itself" if shown.is_self_signed else f"signed by {shown.issuer}"
    names = ", ".join(shown.names) or "no name"
    state, ends, todo = _validity(shown, case.conditions.clock(), "the server's")
    if state is State.PROBLEM and not _verifies(case):
        state = State.NOTE
    yield Said(state, f"{shown.subject}, for {names}, {signed}, {ends}", todo)


def trust(case: Case) -> Iterator[Said]:
    """Say whether that certificate holds, and is for the name by which the server is called."""
    _only_by_tls(case)
    file, is_there = _authority(case)
    say = problem if _verifies(case) else note
    if not is_there and case.meant["sslmode"] in _VERIFYING:
        yield problem(f"there is no {file} to verify against", _FETCH)
        return
    if not is_there and case.meant["sslrootcert"]:
        yield note(f"there is no {file}, so nothing is verified", "correct sslrootcert; libpq knows no ~ for the home.")
        return
    try:
        context = authority(file if is_there else "system")
    except OSError as error:
        yield problem(f"{file} can't be read as certificates: {error.strerror or error}", _FETCH)
        return
    against = "the system's authorities" if "system" in (file, is_there or "system") else file
    try:
        told = verified(case.address, case.conditions.timeout, context)
    except SSLCertVerificationError as refused:
        todo = _OF_DATES.get(refused.verify_code, "check sslrootcert, and which cluster this is.")
        yield say(f"it does not hold against {against}: {refused.verify_message}", todo)
    else:
        yield _naming(case, told, f"it holds against {against}")


def _naming(case: Case, told: Told, holds: str) -> Said:
    """Say whether a certificate that holds is for the host: libpq verifies no host that is an address alone."""
    place, is_strict = case.address.place, case.meant["sslmode"] == "verify-full"
    if is_strict and not place.host:
        return problem(f"{holds}, but sslmode=verify-full wants a host beside hostaddr", "name it: host=….")
    if is_for(told, place.called):
        return ok(f"{holds}, and is for {place.called}")
    say = problem if is_strict else note
    return say(f"{holds}, but is not for {place.called}", "connect by a name that the certificate was issued for.")


_FETCH = "download the cluster's CA certificate, and name it: sslrootcert=…, or sslrootcert=system for a public CA."


_CLOCK = "check this machine's clock."
_RENEW = "renew {} certificate."
_OF_DATES = {NOT_YET_VALID: _CLOCK, EXPIRED: _RENEW.format("the server's")}


def _authority(case: Case) -> tuple[str, bool]:
    """Give the file of authorities that is meant, and whether it is there."""
    file = case.meant["sslrootcert"] or str(case.conditions.home / ".postgresql" / "root.crt")
    return file, file == "system" or is_file(file)


def _verifies(case: Case) -> bool:
    """Whether libpq verifies the chain: whatever the sslmode, it does if there is a file of authorities.

    With prefer and allow it then goes on without TLS (fe-secure-openssl.c, initialize_SSL; PQconnectPoll).
    """
    return case.meant["sslmode"] in _VERIFYING or _authority(case)[1]


def client_certificate(case: Case) -> Iterator[Said]:
    """Say whether the user's certificate and its key can be used."""
    _only_by_tls(case)
    folder = case.conditions.home / ".postgresql"
    file = Path(case.meant["sslcert"] or folder / "postgresql.crt")
    key = Path(case.meant["sslkey"] or folder / "postgresql.key")
    try:
        file.stat()
    except PermissionError:
        yield problem(f"{file} can't be looked at by this user", "set HOME, or sslcert.")
        return
    except OSError:
        named = case.meant["sslcert"]
        yield note(f"there is no {file}", "correct sslcert.") if named else ok("none is named")
        return
    yield from _key(file, key, "correct sslkey." if case.meant["sslkey"] else "name it with sslkey=….")
    yield from _of_user(file, case)


def _key(file: Path, key: Path, todo: str) -> Iterator[Said]:
    if not is_file(key):
        yield problem(f"{file} has no key: there is no {key}", todo)
    elif not os.access(key, os.R_OK):
        yield problem(f"{key} can't be read by this user", "chown it.")
    elif is_open_key(key):
        yield problem(f"{key} may be read by others: libpq refuses it", f"chmod 600 {key}")


def _of_user(file: Path, case: Case) -> Iterator[Said]:
    try:
        found = read_certificate(file)
    except OSError as error:
        yield problem(f"{file} can't be read as a certificate: {error.strerror or error}", "correct sslcert.")
        return
    state, ends, todo = _validity(found, case.conditions.clock(), "the user's")
    yield Said(state, f"{file} is {found.subject}'s, {ends}", todo)
    user = case.meant["user"]
    if found.common_name != user:
        said = f"it is {found.common_name or 'nobody'}'s (CN), and the user is {user}"
        yield note(said, "servers take it for the user of its CN: connect as that one, or name another sslcert.")


def _validity(told: Certificate, now: datetime, whose: str) -> tuple[State, str, str]:
    renew = _RENEW.format(whose)
    if now < told.begins:
        return State.PROBLEM, "not valid yet", _CLOCK
    if now >= told.ends:
        return State.PROBLEM, f"expired {(now - told.ends).days} days ago", renew
    days = (told.ends - now).days
    state, todo = (State.NOTE, renew) if days < _SOON else (State.OK, "")
    return state, f"expires in {days} days", todo


def _not_by_socket(case: Case) -> None:
    if not case.resolved:
        raise UnaskedError(SOCKET)


def _only_by_tls(case: Case) -> None:
    _not_by_socket(case)
    if case.greeting is not Greeting.TLS:
        raise UnaskedError("no TLS is offered")
    if case.meant["sslmode"] == "disable":
        raise UnaskedError("sslmode=disable")
