"""A server on this machine that never outlives its owner: CockroachDB if there is one, else PostgreSQL.

::

    frozen.py       start(); and what it gives where a recording has the answers
    server.py       LocalServer: a server that runs
    launching.py    launch(): from a folder and an engine to a server that answers
    ├── cockroach.py    engine: `cockroach start-single-node`
    ├── postgres.py     engine: initdb and `postgres`, standing in for CockroachDB
    │   ├── shims.sql       the functions and types of CockroachDB that PostgreSQL lacks
    │   ├── password.py     who knows it is root there; nobody else gets in
    │   └── copies.py       its files where the server's user can read them
    ├── binaries.py     where the two servers' programs are
    ├── account.py      the user that a server runs as when we are root
    ├── folder.py       data, log and lock of one server: a temporary folder, or one that is kept
    ├── lifeline.py     our end of the pipe to the watchdog
    │   └── watchdog.py     the script that runs the server, and stops it when we end
    └── client.py       SQL on a server that was just started; the only file here that knows psycopg2

The owner's end of the lifeline closes when the owner stops the server, ends, or is killed: then, and whatever the way,
the watchdog stops the server and removes what was temporary. If somebody kills the watchdog, the owner does that
when it stops the server; what nobody could remove goes at the next start. Without Linux or macOS all from
launching.py on is closed.
"""

from crdb_magic.local.frozen import NoServer, start
from crdb_magic.local.server import LocalServer, serving

__all__ = ["LocalServer", "NoServer", "serving", "start"]
