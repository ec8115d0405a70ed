"""Where to connect: a URL, keywords or the environment, as libpq parameters. Passwords are masked in every repr."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from string import whitespace
from urllib.parse import unquote

from crdb_magic.errors import OptionError

URL_VARIABLES = ("CRDB_URL", "COCKROACH_URL", "DATABASE_URL")
SSLMODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")

_SECRETS = ("password", "sslpassword", "oauth_client_secret")
# Nothing else is shown, not even its name: an unescaped & or blank in a password makes parameters of its parts.
_SHOWN = ("host", "hostaddr", "port", "user", "dbname", "service", "sslmode")
_FILES = frozenset({"passfile", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslcrldir"})
_COCKROACH_SCHEMES = frozenset({"cockroachdb", "cockroach", "crdb"})
_SCHEMES = _COCKROACH_SCHEMES | {"postgresql", "postgres"}
_DEFAULTS = {"port": "26257", "user": "root", "dbname": "defaultdb"}
# As libpq reads it, but for a raw @ behind the hosts: there it most likely is the end of a password with a raw / or @.
# SQLAlchemy spells the driver behind the scheme: cockroachdb+psycopg2://
_URL = re.compile(
    r"(?P<scheme>[a-z0-9]+)(?:\+[a-z0-9_]+)?://(?:(?P<user>[^:@/?#]*)(?::(?P<password>[^@/]*))?@)?"
    r"(?P<hosts>[^@/?#]*)(?:/(?P<dbname>[^@?#]*))?(?:\?(?P<query>[^@#]*))?",
    re.IGNORECASE,
)
_HOST = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<name>[^:\[\]]*))(?::(?P<port>[0-9]*))?")
_PAIR = re.compile(
    r"""(?P<key>\w+)\s*=\s*+(?:'(?P<quoted>(?:[^'\\]|\\.)*)'|(?P<bare>(?!')(?:[^\s\\]|\\.)*+))\s*""",
    re.ASCII | re.DOTALL,
)
_BLANK = re.compile(r"\s")
_PORTS = re.compile("[0-9,]*")
_NAME = re.compile(r"\w+", re.ASCII)
_BAD_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True, eq=False)
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
        shown = [f"{key}={self[key]}" for key in _SHOWN if key in self and _is_shown(key, self[key])]
        hidden = [f"{key}=***" for key in _SECRETS if key in self]
        more = ["…"] if len(shown) + len(hidden) < len(self) else []
        return f"Target({' '.join(shown + hidden + more)})"

    @property
    def unshown(self) -> frozenset[str]:
        """What libpq repeats in its errors and nobody is to see: values that are no place, no user and no file.

        A part of a password may be one. The passwords themselves are never repeated: to hide them where a user or a
        database has the same name would tell them.
        """
        hidden = [value for key, value in self.items() if not (_is_shown(key, value) or key in (*_FILES, *_SECRETS))]
        return frozenset(part for value in hidden for part in (value, *value.split(",")) if part)

    @property
    def doubtful_names(self) -> frozenset[str]:
        """The names behind a password: an unescaped & or blank in it makes parameters of its parts."""
        names = tuple(self)
        first = next((place for place, name in enumerate(names) if name in _SECRETS), len(names))
        return frozenset(names[first + 1 :])

    @property
    def in_words(self) -> str:
        """Say where it leads: address, database, user."""
        where = ":".join(self[key] for key in ("host", "port") if key in self and _is_shown(key, self[key]))
        named = {"service": "service", "database": "dbname", "user": "user"}
        told = (where, *(f"{word} {self[key]}" for word, key in named.items() if key in self))
        return ", ".join(filter(None, told)) or "by the environment (PG*)"

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
        if _BLANK.search(f"{found['dbname']}{found['query']}"):
            raise OptionError("Nothing may follow a URL, and a blank in it is %20.")
        defaults = _DEFAULTS if found["scheme"].lower() in _COCKROACH_SCHEMES else {}
        named = {key: _decoded(found[key]) for key in ("user", "password", "dbname") if found[key]}
        hosts = _hosts(found["hosts"], defaults.get("port", ""))
        query = _query(found["query"] or "")
        return cls({**query, **defaults, **hosts, **named, **query})  # first what stands behind no password

    @classmethod
    def from_keywords(cls, text: str) -> Target:
        """Read ``keyword=value`` pairs, quoted as libpq has it; raises :class:`OptionError`."""
        return cls(dict(_pairs(text.strip(whitespace))))

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read a URL, or ``keyword=value`` pairs."""
        return cls.from_url(text) if "://" in text else cls.from_keywords(text)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Target:
        """Take the first URL of ``CRDB_URL``, ``COCKROACH_URL``, ``DATABASE_URL``; else leave all to libpq.

        libpq then reads its own ``PG*`` variables, service file and password file.
        """
        name = next((name for name in URL_VARIABLES if environment.get(name)), None)
        if name is None:
            return cls()
        try:
            return cls.from_url(environment[name])
        except OptionError as error:
            error.hint = f"it stands in the environment variable {name}."
            raise

    def having(self, **parameters: str) -> Target:
        """Give the same target with some parameters set."""
        return Target({**self._parameters, **parameters})


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    end = 0
    while end < len(text):
        found = _PAIR.match(text, end)
        if found is None:
            raise OptionError(
                "This is neither a URL nor keywords: write postgresql://user@host:26257/database, "
                "or host=… port=… user=… dbname=… (with '…' around a value that holds blanks)."
            )
        value = found["bare"] if found["quoted"] is None else found["quoted"]
        yield found["key"], _checked(re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL))
        end = found.end()


def _is_shown(key: str, value: str) -> bool:
    if key == "sslmode":
        return value in SSLMODES
    return key in _SHOWN and (key != "port" or _PORTS.fullmatch(value) is not None)


def _checked(value: str) -> str:
    if "\0" in value:
        raise OptionError("A parameter of the connection holds a zero byte, which no server takes.")
    return value


def _decoded(text: str) -> str:
    try:
        return _checked(unquote(_BAD_PERCENT.sub("%FF", text), errors="strict"))  # %FF begins no character
    except UnicodeDecodeError:
        raise OptionError("The URL has a % that does not begin a %XX of UTF-8: write %25 for a % itself.") from None


def _hosts(text: str, default_port: str) -> dict[str, str]:
    found = [one for one in map(_HOST.fullmatch, text.split(",")) if one]
    if len(found) <= text.count(","):
        raise OptionError("The URL's host is not understood: write host:port, [::1]:port, or several with commas.")
    hosts = ",".join(_decoded(one["v6"] or one["name"]) for one in found)
    ports = ",".join(one["port"] or default_port for one in found)
    return {key: value for key, value in (("host", hosts), ("port", ports)) if value}


def _query(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.removesuffix("&").split("&")] if text else []
    if not all(key and equals for key, equals, _ in pairs):
        raise OptionError("After the ? of a URL come key=value pairs, joined by & (write %26 for an & itself).")
    decoded = [(_decoded(key), _decoded(value)) for key, _, value in pairs]
    if not all(_NAME.fullmatch(key) for key, _ in decoded):
        raise OptionError("After the ? of a URL come key=value pairs, whose keys are parameters of libpq.")
    # ssl=true is JDBC's, and libpq's too.
    return dict(("sslmode", "require") if pair == ("ssl", "true") else pair for pair in decoded)
