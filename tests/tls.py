"""Certificates made in the test, by which a proxy speaks TLS in front of a server that can't."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from proxy import Proxy

from crdb_magic.core.target import Target

_LONG_AGO = datetime.now(UTC) - timedelta(days=400)


class Authority:
    """A certificate authority whose files lie in a folder: ``ca.crt``, and what is issued."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.certificate = folder / "ca.crt"
        self._authority = trustme.CA()
        self._authority.cert_pem.write_to_path(str(self.certificate))

    def server(self, name: str, *, expired: bool = False, asks: bool = False) -> ssl.SSLContext:
        """Give what a server of that name answers TLS with; ``asks`` is for a client's certificate of ours."""
        times = {"not_before": _LONG_AGO, "not_after": _LONG_AGO + timedelta(days=30)} if expired else {}
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(name, **times).configure_cert(context)
        if asks:
            self._authority.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def client(self, user: str) -> dict[str, str]:
        """Issue a user's certificate; gives the parameters of a URL that name it, as in CockroachDB's folders."""
        issued = self._authority.issue_cert(common_name=user)
        certificate, key = self.folder / f"client.{user}.crt", self.folder / f"client.{user}.key"
        certificate.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(str(key))
        key.chmod(0o600)
        return {"sslcert": str(certificate), "sslkey": str(key)}


@contextmanager
def secured(upstream: Target, context: ssl.SSLContext) -> Iterator[Proxy]:
    """Put TLS in front of a server; plain text is refused as by a secure node."""
    with Proxy(upstream, tls=context) as proxy:
        yield proxy


def url(proxy: Proxy, **parameters: str) -> str:
    """Give the URL of the proxy by the name localhost, with parameters behind the question mark."""
    target = proxy.target
    who = target.get("user", "root") + (f":{target['password']}" if "password" in target else "")
    asked = "&".join(f"{key}={value}" for key, value in parameters.items())
    return f"postgresql://{who}@localhost:{proxy.port}/{target.get('dbname', '')}?hostaddr=127.0.0.1&{asked}"
