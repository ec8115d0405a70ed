"""Connections by TLS: what is accepted, and what is refused with which next step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from faults import SERIALIZABLE as REFUSED
from faults import Fault, cut_after, cut_before, instead, reset_after, statement
from proxy import Proxy
from tls import Authority, secured, url

from crdb_magic.core.options import RetryPolicy, TransactionOptions
from crdb_magic.core.target import Target
from crdb_magic.errors import AmbiguousCommitError, ConnectionFailedError
from crdb_magic.session.session import Session

_AT_ONCE = TransactionOptions(retry=RetryPolicy(max_attempts=2, wait_initial=0, wait_max=0))


pytestmark = pytest.mark.usefixtures("plain_server")


@pytest.fixture(scope="module")
def proxy(target: Target, ours: Authority) -> Iterator[Proxy]:
    """A secure server with a certificate for localhost."""
    with secured(target, ours.server("localhost")) as opened:
        yield opened


@pytest.fixture
def open_session() -> Iterator[Callable[[str], Session]]:
    with ExitStack() as stack:

        def opened(address: str) -> Session:
            session = Session(Target.from_url(address))
            stack.callback(session.close)
            return session

        yield opened


def _refusal(open_session: Callable[[str], Session], address: str) -> str:
    with pytest.raises(ConnectionFailedError) as caught:
        assert open_session(address).server
    return str(caught.value)


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_a_certificate_of_the_named_authority_is_accepted(open_session, proxy, ours, sql, mode):
    session = open_session(url(proxy, sslmode=mode, sslrootcert=str(ours.certificate)))

    assert session.run(sql("SELECT 1; SELECT 2")).results[1].rows == (("2",),)
    assert session.connection.info.ssl_in_use


def test_keywords_do_as_well_as_a_url(proxy, ours, sql):
    session = Session(
        proxy.target.having(
            host="localhost", hostaddr="127.0.0.1", sslmode="verify-full", sslrootcert=str(ours.certificate)
        )
    )

    assert session.run(sql("SELECT 1")).results[0].rows == (("1",),)
    session.close()


def test_a_certificate_of_another_authority_is_refused(open_session, proxy, foreign):
    said = _refusal(open_session, url(proxy, sslmode="verify-full", sslrootcert=str(foreign.certificate)))

    assert said == (
        f"Could not connect to 127.0.0.1:{proxy.port}: SSL error: certificate verify failed\n"
        "Hint: the certificate is not from the CA in sslrootcert, has expired, or is not valid yet (by this machine's "
        "clock): check which cluster this is."
    )


def test_a_certificate_for_another_name_is_refused(open_session, target, ours):
    with secured(target, ours.server("db.example.com")) as elsewhere:
        said = _refusal(open_session, url(elsewhere, sslmode="verify-full", sslrootcert=str(ours.certificate)))

    assert said == (
        f"Could not connect to 127.0.0.1:{elsewhere.port}: "
        'server certificate for "db.example.com" does not match host name "localhost"\n'
        "Hint: the host name is not the certificate's: connect by the name it was issued for."
    )


def test_the_name_does_not_count_for_verify_ca(open_session, target, ours):
    with secured(target, ours.server("db.example.com")) as elsewhere:
        session = open_session(url(elsewhere, sslmode="verify-ca", sslrootcert=str(ours.certificate)))

        assert session.connection.info.ssl_in_use


def test_an_expired_certificate_is_refused(open_session, target, ours):
    with secured(target, ours.server("localhost", expired=True)) as old:
        said = _refusal(open_session, url(old, sslmode="verify-full", sslrootcert=str(ours.certificate)))

    assert said.startswith(f"Could not connect to 127.0.0.1:{old.port}: SSL error: certificate verify failed\nHint: ")
    assert "expired" in said


def test_plain_text_is_refused_by_a_secure_server_with_the_way_to_ask_for_tls(open_session, proxy):
    said = _refusal(open_session, url(proxy, sslmode="disable"))

    assert said == (
        f"Could not connect to 127.0.0.1:{proxy.port}: node is running secure mode, SSL connection required\n"
        "Hint: add ?sslmode=verify-full (and sslrootcert=… for your own CA)."
    )


def test_tls_is_refused_by_a_plain_server(open_session, target, ours):
    with Proxy(target) as plain:
        said = _refusal(open_session, url(plain, sslmode="verify-full", sslrootcert=str(ours.certificate)))

    assert said == (
        f"Could not connect to 127.0.0.1:{plain.port}: server does not support SSL, but SSL was required\n"
        "Hint: this server has no TLS: ?sslmode=disable, for a local one only."
    )


def test_an_authority_whose_file_is_missing_is_named_with_what_to_do(open_session, proxy, tmp_path):
    missing = tmp_path / "ca.crt"
    said = _refusal(open_session, url(proxy, sslmode="verify-full", sslrootcert=str(missing)))

    assert f'root certificate file "{missing}" does not exist' in said
    assert "Hint: download the cluster's CA certificate there, or name it with sslrootcert=…." in said
    assert "sslrootcert=system" in said


def test_an_unnamed_authority_is_looked_for_in_the_home_folder(open_session, proxy, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    said = _refusal(open_session, url(proxy, sslmode="verify-full"))

    assert "Hint: download the cluster's CA certificate there, or name it with sslrootcert=…." in said


# A certificate of a public authority, as CockroachDB Cloud has them.


def test_the_authorities_of_the_system_are_asked_by_name(open_session, proxy, ours, sql, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(ours.certificate))
    session = open_session(url(proxy, sslmode="verify-full", sslrootcert="system"))

    assert session.run(sql("SELECT 1")).results[0].rows == (("1",),)


def test_a_certificate_of_no_public_authority_is_refused_with_both_ways_out(open_session, proxy, foreign, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(foreign.certificate))
    said = _refusal(open_session, url(proxy, sslmode="verify-full", sslrootcert="system"))

    assert "Hint: no public CA has signed the certificate: name the cluster's own by sslrootcert=…." in said
    assert "SSL_CERT_FILE" in said


def test_the_authorities_of_the_system_want_the_strictest_mode(open_session, proxy):
    said = _refusal(open_session, url(proxy, sslmode="require", sslrootcert="system"))

    assert "Hint: sslrootcert=system goes with sslmode=verify-full." in said


# Certificates of users.


@pytest.fixture(scope="module")
def asking(target: Target, ours: Authority) -> Iterator[Proxy]:
    """A secure server that lets in who shows a certificate."""
    with secured(target, ours.server("localhost", asks=True)) as opened:
        yield opened


def test_a_users_certificate_lets_in(open_session, asking, ours, sql):
    address = url(asking, sslmode="verify-full", sslrootcert=str(ours.certificate), **ours.client("root"))

    assert open_session(address).run(sql("SELECT 1")).results[0].rows == (("1",),)


def test_no_certificate_of_the_user_is_refused_with_how_to_name_one(open_session, asking, ours):
    said = _refusal(open_session, url(asking, sslmode="verify-full", sslrootcert=str(ours.certificate)))

    assert said == (
        f"Could not connect to 127.0.0.1:{asking.port}: SSL error: tlsv13 alert certificate required\n"
        "Hint: the server wants a certificate of the user: sslcert=client.USER.crt and sslkey=client.USER.key."
    )


def test_a_users_certificate_of_another_authority_is_refused(open_session, asking, ours, foreign):
    address = url(asking, sslmode="verify-full", sslrootcert=str(ours.certificate), **foreign.client("root"))

    assert "Hint: the server does not know the CA of the user's certificate in sslcert." in _refusal(
        open_session, address
    )


def test_a_key_that_others_may_read_is_refused_with_what_to_do(open_session, asking, ours):
    files = ours.client("careless")
    Path(files["sslkey"]).chmod(0o644)
    said = _refusal(open_session, url(asking, sslmode="verify-full", sslrootcert=str(ours.certificate), **files))

    assert "Hint: chmod 600 the key file: libpq takes no key that others may read." in said


def test_a_missing_key_is_refused_with_what_to_do(open_session, asking, ours, tmp_path):
    files = ours.client("keyless") | {"sslkey": str(tmp_path / "client.key")}
    said = _refusal(open_session, url(asking, sslmode="verify-full", sslrootcert=str(ours.certificate), **files))

    assert "Hint: sslcert=… and sslkey=… name a certificate and its key: the key's file is not there." in said


def test_a_certificate_that_is_not_there_is_told_where_it_is_missed(open_session, asking, ours, tmp_path):
    missing = {"sslcert": str(tmp_path / "none.crt"), "sslkey": str(tmp_path / "none.key")}
    said = _refusal(open_session, url(asking, sslmode="verify-full", sslrootcert=str(ours.certificate), **missing))

    assert "Hint: there is no file of the name in sslcert; the server wants a certificate of the user" in said


def test_the_key_of_another_certificate_is_refused_as_one(open_session, asking, ours):
    files = ours.client("ann") | {"sslkey": ours.client("bob")["sslkey"]}
    said = _refusal(open_session, url(asking, sslmode="verify-full", sslrootcert=str(ours.certificate), **files))

    assert "Hint: the key in sslkey belongs to another certificate than that in sslcert." in said


def test_a_key_is_opened_by_its_own_password_alone(open_session, asking, ours):
    files = ours.client("locked")
    key = load_pem_private_key(Path(files["sslkey"]).read_bytes(), None)
    lock = BestAvailableEncryption(b"right")
    Path(files["sslkey"]).write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
    address = url(asking, sslmode="verify-full", sslrootcert=str(ours.certificate), **files)
    said = _refusal(open_session, f"{address}&sslpassword=wrong")

    assert open_session(f"{address}&sslpassword=right").connection.info.ssl_in_use
    assert "Hint: the key can't be read: a key with a password needs sslpassword=…, and that one." in said


# Under TLS a lost connection has other words, and means the same.


@pytest.fixture
def through(open_session, target, ours) -> Iterator[tuple[Session, Proxy]]:
    with secured(target, ours.server("localhost")) as opened:
        session = open_session(url(opened, sslmode="verify-full", sslrootcert=str(ours.certificate)))
        assert session.server
        yield session, opened


@pytest.mark.parametrize("do", [cut_before, cut_after, reset_after, instead(REFUSED)])
@pytest.mark.parametrize("point", ["UPDATE", "SELECT"])
def test_a_fault_before_the_commit_costs_an_attempt(through, sql, table, rows, point, do):
    session, opened = through
    opened.rules.append(Fault(statement(point), do))
    report = session.run(sql(f"UPDATE {table} SET balance = balance + 1; SELECT 1"), _AT_ONCE)

    assert report.receipt.attempts == 2
    assert rows(f"SELECT balance FROM {table} ORDER BY id") == [("101",), ("21",)]


@pytest.mark.parametrize(("do", "held"), [(cut_before, "100"), (cut_after, "101"), (reset_after, "101")])
def test_a_commit_without_an_answer_is_ambiguous(through, sql, table, rows, do, held):
    session, opened = through
    opened.rules.append(Fault(statement("COMMIT"), do))

    with pytest.raises(AmbiguousCommitError):
        session.run(sql(f"UPDATE {table} SET balance = balance + 1; SELECT 1"), _AT_ONCE)

    assert rows(f"SELECT balance FROM {table} WHERE id = 1") == [(held,)]
