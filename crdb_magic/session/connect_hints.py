"""What to do about a connection that could not be opened.

psycopg2 gives no SQLSTATE there, so the hint (and only the hint) is chosen by words of libpq and of the two servers.
"""

from __future__ import annotations

from crdb_magic.core.libpq_files import is_file
from crdb_magic.core.target import SSLMODES, Target

_FULL = "the server has no connection left: close some (%crdb_connect --close NAME), or raise its limit."
_CERTIFICATE = "the server wants a certificate of the user: sslcert=client.USER.crt and sslkey=client.USER.key."
_HINTS = (
    (  # codeProxyRefusedConnection of cockroach: pkg/ccl/sqlproxyccl, to who is on its deny list
        "fatal:  connection refused",
        "the cluster's proxy refuses this machine's address: look at the cluster's IP allowlist.",
    ),
    (
        "connection refused",
        "no server listens there. Check host and port, or start one of your own: %crdb_connect --local.",
    ),
    ("could not translate host name", "the host name is not known. Check its spelling and the network (VPN?)."),
    ("timeout expired", "nothing answered. Check host and port, and whether a firewall is in between."),
    (
        "no password supplied",
        "--ask-password asks for one; else it stands in PGPASSWORD, in ~/.pgpass or in the URL (user:password@).",
    ),
    ("password authentication failed", "check user and password (in a URL, @ / : % are written %40 %2F %3A %25)."),
    ("ssl connection required", "add ?sslmode=verify-full (and sslrootcert=… for your own CA)."),
    ("no encryption", "add ?sslmode=verify-full (and sslrootcert=… for your own CA)."),
    ("server does not support ssl", "this server has no TLS: ?sslmode=disable, for a local one only."),
    (
        "root certificate file",
        "download the cluster's CA certificate there, or name it with sslrootcert=…. On CockroachDB Cloud Basic and "
        "Standard sslrootcert=system does: their certificates are of a public CA.",
    ),
    ("weak sslmode", "sslrootcert=system goes with sslmode=verify-full."),
    (
        "certificate verify failed",  # libpq gives no reason
        "the certificate is not from the CA in sslrootcert, has expired, or is not valid yet (by this machine's "
        "clock): check which cluster this is.",
    ),
    ("server certificate for", "the host name is not the certificate's: connect by the name it was issued for."),
    ("group or world access", "chmod 600 the key file: libpq takes no key that others may read."),
    ("not private key file", "sslcert=… and sslkey=… name a certificate and its key: the key's file is not there."),
    ("key values mismatch", "the key in sslkey belongs to another certificate than that in sslcert."),
    ("private key file", "the key can't be read: a key with a password needs sslpassword=…, and that one."),
    ("open certificate file", "sslcert=… names no file that can be read."),
    ("alert certificate required", _CERTIFICATE),
    ("valid client certificate", _CERTIFICATE),
    (
        "certificate authentication failed",
        "the certificate in sslcert is another user's: connect as the one in its CN, or name this user's own.",
    ),
    ("alert certificate expired", "the user's certificate in sslcert has expired."),
    ("alert unknown ca", "the server does not know the CA of the user's certificate in sslcert."),
    ("alert bad certificate", "the server does not take the user's certificate: check sslcert and sslkey."),
    ("too many c", _FULL),  # clients, or connections of a role
    ("connection slots", _FULL),
    ("shutting down", "the server is being stopped: try again, or another node."),
    ("not accepting clients", "the server is being stopped: try again, or another node."),
    (
        "invalid connection option",
        "a parameter is not one of libpq's, whether a keyword or after the ?; session settings go in options=.",
    ),
    ("invalid port number", "a port is a number up to 65535."),
    (
        "no such file or directory",
        "nothing says where the server is: give a URL, set CRDB_URL, or %crdb_connect --local.",
    ),
    (  # cockroach: pkg/ccl/sqlproxyccl/proxy_handler.go, of CockroachDB Cloud
        "missing cluster identifier",
        "name the cluster: CLUSTER.DATABASE as the database, or ?options=--cluster%3DCLUSTER.",
    ),
    ("invalid sslmode value", f"sslmode is one of {', '.join(SSLMODES)}."),
    (
        "definition of service",
        "~/.pg_service.conf, or the file that PGSERVICEFILE names, has no [section] of that name.",
    ),
    (
        "service file",
        "it is ~/.pg_service.conf, or what PGSERVICEFILE names: [NAME], and below it host=… and the like.",
    ),
    ("does not exist", "check the name of the database and of the user."),
)
_OF_SYSTEM = (
    (
        "certificate verify failed",
        "no public CA has signed the certificate: name the cluster's own by sslrootcert=…. If one should have, OpenSSL "
        "does not find the system's CAs: set SSL_CERT_FILE to what python -m certifi prints.",
    ),
)


_OF_SOCKET = (
    ("no such file or directory", "no server has a socket in the folder that host names. Check it, and the port."),
)
_OF_CONSOLE = (
    (
        "password authentication failed",
        "the password is the console's placeholder: write yours, or use --ask-password.",
    ),
)
_PLACEHOLDER = "<ENTER-SQL-USER-PASSWORD>"  # in connection strings of CockroachDB Cloud


def connect_hint(reason: str, target: Target) -> str | None:
    """Give what helps against a reason of libpq's: the first that has its words; None where none does.

    Where a certificate is named that is not there libpq goes on without it, and so says nothing of that.
    """
    conditions = {
        _OF_SYSTEM: target.get("sslrootcert") == "system",
        _OF_SOCKET: "host" in target,
        _OF_CONSOLE: target.get("password") == _PLACEHOLDER,
    }
    hints = [row for rows, holds in conditions.items() if holds for row in rows]
    found = next((hint for words, hint in (*hints, *_HINTS) if words in reason.lower()), None)
    named = "sslcert" in target and "sslcert" not in target.doubtful_names
    missing = "there is no file of the name in sslcert" if named and not is_file(target["sslcert"]) else None
    return "; ".join(filter(None, (missing, found))) or None
