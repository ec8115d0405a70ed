"""Certificates: what one says, what a server shows, and whether it holds against an authority."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from crdb_magic.doctor.network import Address, handshake
from crdb_magic.doctor.report import UnaskedError

try:
    from _ssl import _test_decode_cert as _decode  # type: ignore[attr-defined]
except ImportError:  # it is CPython's own, and its only reader of one that does not hold
    _decode = None

# OpenSSL's x509_vfy.h; of the name there are two: hostname and IP address mismatch.
_WRONG_NAME = frozenset({62, 64})
NOT_YET_VALID, EXPIRED = 9, 10


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
    told: dict[str, Any] = dict(_decode(str(file)))
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
    version, der = handshake(address, timeout, context)
    return Shown(version, ssl.DER_cert_to_PEM_cert(der))


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


def refusal(address: Address, timeout: float, context: ssl.SSLContext) -> ssl.SSLCertVerificationError | None:
    """Give why a server's chain does not hold, None if it does; raises OSError for what is no matter of trust."""
    try:
        handshake(address, timeout, context)
    except ssl.SSLCertVerificationError as error:
        return error
    return None


def is_for(address: Address, timeout: float, context: ssl.SSLContext) -> bool:
    """Whether a server's certificate, whose chain holds, is for the name by which it is called."""
    context.check_hostname = True
    try:
        handshake(address, timeout, context)
    except ssl.SSLCertVerificationError as error:
        return error.verify_code not in _WRONG_NAME
    return True
