"""Where to connect: a URL, keywords or the environment, as libpq parameters. Passwords are masked in every repr."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from crdb_magic.errors import OptionError

URL_VARIABLES = ("CRDB_URL", "COCKROACH_URL", "DATABASE_URL")

_SECRETS = frozenset({"password", "sslpassword", "oauth_client_secret"})
_COCKROACH_SCHEMES = frozenset({"cockroachdb", "cockroach", "crdb"})
_SCHEMES = _COCKROACH_SCHEMES | {"postgresql", "postgres"}
_DEFAULTS = {"port": "26257", "user": "root", "dbname": "defaultdb"}
# SQLAlchemy spells the driver behind the scheme: cockroachdb+psycopg2://
_URL = re.compile(
    r"(?P<scheme>[a-z0-9]+)(?:\+[a-z0-9_]+)?://(?:(?P<user>[^:@/?#]*)(?::(?P<password>[^@/?#]*))?@)?"
    r"(?P<hosts>[^/?#]*)(?:/(?P<dbname>[^?#]*))?(?:\?(?P<query>[^#]*))?",
    re.IGNORECASE,
)
_HOST = re.compile(r"(?P<host>\[[^\]]+\]|[^:\[\]]*)(?::(?P<port>[0-9]*))?")


@dataclass(frozen=True, slots=True)
class Target(Mapping[str, str]):
    """The parameters of a connection, by libpq's keywords.

    It is a mapping, to be handed to the driver with ``**``; its ``repr`` shows no secret.
    """

    _parameters: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, key: str) -> str:
        return self._parameters[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parameters)

    def __len__(self) -> int:
        return len(self._parameters)

    def __repr__(self) -> str:
        shown = (f"{key}={'***' if key in _SECRETS else value}" for key, value in self._parameters.items())
        return f"Target({' '.join(shown)})"

    @classmethod
    def from_url(cls, url: str) -> Target:
        """Read ``postgresql://`` and ``postgres://`` as libpq does, ``cockroachdb://`` with CockroachDB's defaults.

        Several hosts are ``host1:port1,host2:port2``; other parameters follow the ``?``. The defaults of the
        cockroach schemes are port 26257, user root, database defaultdb. Raises :class:`OptionError`; its message
        never holds the URL, which may hold a password.
        """
        found = _URL.fullmatch(url.strip())
        if found is None or found["scheme"].lower() not in _SCHEMES:
            raise OptionError(
                "This is not the URL of a cluster: write postgresql://user@host:26257/database "
                "(with %40 for an @ and %2F for a / in a password)."
            )
        defaults = _DEFAULTS if found["scheme"].lower() in _COCKROACH_SCHEMES else {}
        named = {key: _decoded(found[key]) for key in ("user", "password", "dbname") if found[key]}
        hosts = _hosts(found["hosts"], defaults.get("port", ""))
        return cls({**defaults, **hosts, **named, **_query(found["query"] or "")})

    @classmethod
    def from_keywords(cls, text: str) -> Target:
        """Read libpq's ``keyword=value`` pairs, quoted as in a shell; raises :class:`OptionError`."""
        try:
            pairs = [word.partition("=") for word in shlex.split(text)]
        except ValueError:
            raise OptionError("A quote is not closed in the keywords of the connection.") from None
        if not all(key.isidentifier() and equals for key, equals, _ in pairs):
            raise OptionError(
                "This is neither a URL nor keywords: write postgresql://user@host:26257/database, "
                "or host=… port=… user=… dbname=…"
            )
        return cls({key: value for key, _, value in pairs})

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Target:
        """Take the first URL of ``CRDB_URL``, ``COCKROACH_URL``, ``DATABASE_URL``; else leave all to libpq.

        libpq then reads its own ``PG*`` variables, service file and password file.
        """
        for name in URL_VARIABLES:
            if environment.get(name):
                return cls.from_url(environment[name])
        return cls()

    def having(self, **parameters: str) -> Target:
        """Give the same target with some parameters set."""
        return Target({**self._parameters, **parameters})


def _decoded(text: str) -> str:
    try:
        value = unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise OptionError("The URL holds a % sequence that is no UTF-8: write %25 for a % itself.") from None
    if "\0" in value:
        raise OptionError("The URL holds a zero byte (%00), which no server takes.")
    return value


def _hosts(text: str, default_port: str) -> dict[str, str]:
    if not text:
        return {}
    found = [_HOST.fullmatch(_decoded(part)) for part in text.split(",")]
    if not all(found):
        raise OptionError("The URL's host is not understood: write host:port, [::1]:port, or several with commas.")
    hosts = ",".join(one["host"].strip("[]") for one in found if one)
    ports = ",".join(one["port"] or default_port for one in found if one)
    pairs = {"host": hosts, "port": ports if ports.strip(",") else ""}
    return {key: value for key, value in pairs.items() if value}


def _query(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split("&") if part)
    return {_decoded(key): _decoded(value) for key, _, value in pairs}
