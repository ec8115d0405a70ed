"""Certificates: what one says, what a server shows, and whether it holds against an authority."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from crdb_magic.doctor.network import Address, handshake
from crdb_magic.doctor.report import UnaskedError

try:
    from _ssl import _test_decode_cert as _decode  # type: ignore[attr-defined]
except ImportError:  # it is CPython's own, and its only reader of one that does not hold
    _decode = None

Told = Mapping[str, Any]  # as ssl.SSLSocket.getpeercert tells it

NOT_YET_VALID, EXPIRED = 9, 10  # OpenSSL's x509_vfy.h


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says: whose it is, whose word that is, for which names, and when it ends."""

    subject: str
    common_name: str
    issuer: str
    names: tuple[str, ...]
    begins: datetime
    ends: datetime
    is_self_signed: bool


def read_certificate(file: Path) -> Certificate:
    """Read the first certificate of a PEM file; raises OSError, of which ssl.SSLError is one, and UnaskedError."""
    if not _decode:
        raise UnaskedError("this Python can't read certificates")
    told: Told = dict(_decode(str(file)))
    subject = _pairs(told["subject"])
    return Certificate(
        subject=_in_words(subject),
        common_name=subject.get("commonName", ""),
        issuer=_in_words(_pairs(told["issuer"])),
        names=tuple(name for _, name in told.get("subjectAltName", ())),
        begins=_instant(told["notBefore"]),
        ends=_instant(told["notAfter"]),
        is_self_signed=told["subject"] == told["issuer"],
    )


def _pairs(name: Any) -> dict[str, str]:
    return {key: value for part in name for key, value in part}


def _in_words(name: dict[str, str]) -> str:
    """Give the common name; where there is none, all but where its owner lives."""
    told = (name[key] for key in ("organizationName", "organizationalUnitName") if key in name)
    return name.get("commonName") or ", ".join(told) or "(no name)"


def _instant(text: str) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a server shows at a handshake: the version of TLS that was agreed on, and its certificate in PEM."""

    version: str
    pem: str

    @property
    def certificate(self) -> Certificate:
        """What the certificate says; raises what `read_certificate` raises."""
        with TemporaryDirectory() as folder:
            file = Path(folder) / "server.crt"
            file.write_text(self.pem)
            return read_certificate(file)


def shown(address: Address, timeout: float) -> Shown:
    """Look at a server's certificate, whoever signed it; raises OSError."""
    context = _context()
    context.verify_mode = ssl.CERT_NONE
    with handshake(address, timeout, context) as secure:
        der = secure.getpeercert(binary_form=True) or b""
        return Shown(secure.version() or "", ssl.DER_cert_to_PEM_cert(der))


def authority(file: str) -> ssl.SSLContext:
    """Give what verifies as libpq does, against a file or (``system``) what the system trusts; raises OSError."""
    context = _context()
    if file == "system":
        context.set_default_verify_paths()
    else:
        context.load_verify_locations(file)
    return context


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    return context


def verified(address: Address, timeout: float, context: ssl.SSLContext) -> Told:
    """Give what a server's certificate says, if its chain holds.

    Raises OSError, of which ssl.SSLCertVerificationError says why it does not hold.
    """
    with handshake(address, timeout, context) as secure:
        return secure.getpeercert() or {}


def is_for(told: Told, host: str) -> bool:
    """Whether a certificate is for a host as libpq has it (fe-secure-openssl.c, fe-secure-common.c).

    Its common name counts where it has no alternative of the host's kind: a name, or an address.
    """
    alternatives: tuple[tuple[str, str], ...] = told.get("subjectAltName", ())
    address = _address(host)
    own = "IP Address" if address else "DNS"
    names = [name for kind, name in alternatives if kind == "DNS"]
    if not any(kind == own for kind, _ in alternatives):
        names.append(_pairs(told["subject"]).get("commonName", ""))
    if address and any(_address(name) == address for kind, name in alternatives if kind == own):
        return True
    return any(_fits(name.lower(), host.lower()) for name in names)


def _fits(name: str, host: str) -> bool:
    """Whether a name is the host's; a ``*.`` at its beginning stands for one label."""
    return name == host or (name.startswith("*.") and len(name) > len("*.") and name[1:] == host[host.find(".") :])


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
