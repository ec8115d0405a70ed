"""What helps against each reason for which a connection could not be opened."""

from __future__ import annotations

import psycopg2
import pytest

from crdb_magic.core.target import Target
from crdb_magic.session.connect_hints import connect_hint
from crdb_magic.session.translation import refused

_NONE = "/nowhere/client.crt"


# Words of libpq (fe-secure-openssl.c, fe-connect.c) and of servers (PostgreSQL's auth.c), and a part of the hint.
@pytest.mark.parametrize(
    ("reason", "parameters", "hint"),
    [
        ("Connection refused", {}, "no server listens there"),
        ("FATAL:  connection refused", {}, "IP allowlist"),
        ("connection requires a valid client certificate", {}, "wants a certificate of the user"),
        ('certificate authentication failed for user "ann"', {}, "another user's: connect as the one in its CN"),
        ('certificate present, but not private key file "x"', {}, "the key's file is not there"),
        ('certificate does not match private key file "x": key values mismatch', {}, "belongs to another certificate"),
        ('could not load private key file "x": bad decrypt', {}, "sslpassword=…"),
        ('could not load private key file "x": processing error', {}, "sslpassword=…"),
        ("fe_sendauth: no password supplied", {}, "--ask-password asks for one"),
        ('invalid port number: "99999"', {}, "up to 65535"),
        ("No such file or directory", {}, "nothing says where the server is"),
        ("No such file or directory", {"host": "/nowhere"}, "no server has a socket in the folder that host names"),
        ('invalid connection option "pasword"', {}, "whether a keyword or after the ?"),
        ("password authentication failed for user", {"password": "<ENTER-SQL-USER-PASSWORD>"}, "placeholder"),
        ("no pg_hba.conf entry", {"sslcert": _NONE}, "there is no file of the name in sslcert"),
    ],
)
def test_a_reason_has_its_hint(reason, parameters, hint):
    assert hint in (connect_hint(reason, Target(parameters)) or "")


def test_what_may_be_a_part_of_a_password_is_not_looked_for():
    assert connect_hint("no pg_hba.conf entry", Target({"password": "a", "sslcert": _NONE})) is None


@pytest.mark.parametrize(("host", "where"), [("::1", "[::1]"), ("127.0.0.1", "127.0.0.1"), ("localhost", "localhost")])
def test_an_address_is_written_as_a_url_has_it(host, where):
    error = psycopg2.OperationalError(f'connection to server at "{host}", port 26999 failed: Connection refused')

    assert refused(error, Target()).message == f"Could not connect to {where}:26999: Connection refused"


def test_a_refusal_of_the_servers_own_is_none_of_its_machine():
    at = 'connection to server at "{}", port 26257 failed: {}'.format
    nobody = at("::1", "Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?")
    error = psycopg2.OperationalError(f"{nobody}\n{at('127.0.0.1', 'FATAL:  connection refused')}\n")
    told = refused(error, Target())

    assert told.message == "Could not connect to 127.0.0.1:26257: connection refused"
    assert "IP allowlist" in str(told.hint)
