"""The way to a server, and each thing that can be wrong on it."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from tls import Authority, secured, url

from crdb_magic.core.target import Target
from crdb_magic.doctor.certificates import is_for
from crdb_magic.doctor.report import CheckResult, State

OK, NOTE, PROBLEM, UNASKED = State


pytestmark = pytest.mark.usefixtures("plain_server")


def test_a_server_that_answers_has_no_problem(look, proxy):
    seen = look(proxy.target)

    assert not seen.report.failed
    assert seen.state("port") is OK
    assert "without TLS" in seen.of("protocol")[0].said


def test_a_home_that_this_user_may_not_look_into_is_none(look, proxy, home, closed):
    closed(home)
    seen = look(proxy.target)

    assert not seen.report.failed
    assert seen.state("JupyterLab") in {OK, NOTE}


# Target and name.


def test_what_is_no_url_is_a_problem_and_the_way_is_not_asked(look):
    seen = look("postgresql://ann:s3/cret@host/db")

    assert seen.worst("target").said.startswith("This is not the URL of a cluster")
    assert {seen.state(check) for check in ("name", "port", "TLS", "authentication", "past")} == {UNASKED}


def test_an_unknown_host_is_a_problem(look):
    seen = look("postgresql://nowhere.invalid/bank")

    assert seen.worst("name").said.startswith("the host name nowhere.invalid is not known: ")
    assert seen.worst("name").todo == "check its spelling, and the network (DNS, VPN)."
    assert seen.worst("authentication").said == "since there is a problem with: name"


def test_what_can_be_no_host_name_is_a_problem(look):
    assert look("host=db..example").worst("name").said == "the host name db..example is not known: it is no host name"


def test_a_name_server_that_never_answers_is_not_waited_for(look, monkeypatch):
    answers = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers.wait())
    found = look("host=db.example", timeout=0.1).worst("name")
    answers.set()

    assert found.said == "the host name db.example is not known: no name server answers within 100 ms"


def test_one_unknown_host_of_two_is_worth_a_note(look, proxy):
    seen = look(proxy.target.having(host="nowhere.invalid,127.0.0.1", port=f"1,{proxy.port}"))

    assert seen.state("name") is NOTE
    assert seen.state("port") is OK


def test_all_addresses_of_a_name_are_told(look, proxy, monkeypatch):
    v6 = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", proxy.port, 0, 0))
    v4 = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", proxy.port))
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_, **__: [v6, v4] if host == "both" else [v4])
    seen = look(proxy.target.having(host="both"))

    assert seen.of("name")[0].said == "both is ::1 (v6), 127.0.0.1 (v4)"
    assert len(seen.of("port")) == 2


def test_a_unix_socket_has_no_name_and_no_port(look, tmp_path):
    seen = look(f"host={tmp_path}")

    assert {seen.worst(check).said for check in ("name", "port", "protocol", "TLS", "trust")} == {
        "a Unix socket is meant"
    }
    assert seen.state("authentication") is PROBLEM


def test_a_unix_socket_may_stand_beside_a_host(look, proxy, tmp_path):
    seen = look(proxy.target.having(host=f"{tmp_path},127.0.0.1"))

    assert seen.of("name")[0].said == "127.0.0.1 (v4)"
    assert not seen.report.failed


def test_a_host_that_can_not_be_reached_is_no_problem_beside_a_unix_socket(look, refusing, tmp_path):
    seen = look(refusing.target.having(host=f"127.0.0.1,{tmp_path}"))

    assert [seen.state(check) for check in ("port", "protocol")] == [NOTE, UNASKED]
    assert seen.worst("authentication").said.startswith("Could not connect")


def test_nothing_at_all_is_a_note_with_what_to_do(look):
    found = look("").worst("target")

    assert found.state is NOTE
    assert found.todo.startswith("give a URL, set CRDB_URL")


def test_a_password_file_that_others_may_read_is_told(look, proxy, home):
    (home / ".pgpass").write_text("*:*:*:*:s3cret\n")
    (home / ".pgpass").chmod(0o644)
    target = Target({key: value for key, value in proxy.target.items() if key != "password"})

    assert look(target).worst("target").todo == f"chmod 600 {home}/.pgpass"


# Port and protocol.


def test_a_refused_port_is_a_problem(look, refusing):
    seen = look(refusing.target)

    assert seen.worst("port").said == f"nobody listens at 127.0.0.1:{refusing.port}"
    assert seen.worst("port").todo == "check host and port, and whether the server runs."
    assert seen.state("protocol") is UNASKED


def test_an_address_that_never_answers_is_a_problem(look, monkeypatch):
    def connect(*_: object) -> socket.socket:
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", connect)
    found = look("postgresql://127.0.0.1:26257/bank", timeout=0.5).worst("port")

    assert found.said == "127.0.0.1:26257 does not answer within 500 ms"
    assert "firewall" in found.todo


def test_a_listener_that_never_speaks_is_a_problem(look):
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        seen = look(f"postgresql://127.0.0.1:{silent.getsockname()[1]}/bank", timeout=0.1)

    assert seen.worst("protocol").said.endswith("never answers within 100 ms")
    assert seen.state("authentication") is UNASKED


class _Console(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_web_server_is_told_as_one(look):
    with HTTPServer(("127.0.0.1", 0), _Console) as server:
        server.timeout = 0.2
        threading.Thread(target=server.serve_forever, daemon=True).start()
        seen = look(f"postgresql://127.0.0.1:{server.server_port}/bank", timeout=0.5)
        server.shutdown()

    assert "speaks HTTP" in seen.worst("protocol").said
    assert "8080" in seen.worst("protocol").todo


@contextmanager
def _saying(answer: bytes) -> Iterator[int]:
    """A listener that answers so, whatever it is asked."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def serve() -> None:
            try:
                while True:
                    client, _ = listener.accept()
                    with client:
                        client.recv(64)
                        client.sendall(answer)
            except OSError:
                return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("answer", [b"+PONG", b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"NO\r\n", b"ERROR\r\n"])
def test_another_protocol_is_a_problem(look, answer):
    with _saying(answer) as port:
        found = look(f"postgresql://127.0.0.1:{port}/bank", timeout=1).worst("protocol")

    assert "does not speak PostgreSQL's protocol" in found.said
    assert "26257" in found.todo


@pytest.mark.parametrize("answer", [b"S", b"N", b"E\0\0\0\x10SFATAL", b"Ecould not fork"])
def test_what_postgresql_may_answer_is_its_protocol(look, answer):
    with _saying(answer) as port:
        assert look(f"postgresql://127.0.0.1:{port}/bank", timeout=1).state("protocol") is OK


# TLS.


@pytest.fixture
def by_tls(target, ours, look) -> Callable[..., object]:
    """Looks at a server with a certificate for a name, by the name localhost."""

    def seen(name: str = "localhost", *, issuer: Authority = ours, expired: bool = False, **parameters: str) -> object:
        clock = parameters.pop("clock", lambda: datetime.now(UTC))
        with secured(target, issuer.server(name, expired=expired)) as proxy:
            return look(url(proxy, **parameters), clock=clock)

    return seen


def _full(authority: Authority) -> dict[str, str]:
    return {"sslmode": "verify-full", "sslrootcert": str(authority.certificate)}


def test_a_certificate_that_holds_is_told_with_its_end(by_tls, ours):
    seen = by_tls(**_full(ours))

    assert not seen.report.failed
    assert seen.of("TLS")[0].said == "TLSv1.3, with sslmode=verify-full"
    assert "for localhost, signed by trustme" in seen.of("certificate")[0].said
    assert seen.of("trust")[0].said == f"it holds against {ours.certificate}, and is for localhost"


def test_tls_that_is_wanted_and_not_offered_is_a_problem(look, proxy):
    seen = look(proxy.target.having(sslmode="require"))

    assert seen.worst("TLS").said == "none is offered, and sslmode=require wants it"
    assert seen.worst("TLS").todo == "sslmode=disable, for a local server only."
    assert seen.state("certificate") is UNASKED
    assert seen.state("authentication") is PROBLEM


def test_tls_that_the_server_wants_and_is_not_used_is_told_by_the_server(by_tls):
    seen = by_tls(sslmode="disable")

    assert seen.state("TLS") is NOTE
    assert "SSL connection required" in seen.worst("authentication").said
    assert "verify-full" in seen.worst("authentication").todo


@pytest.mark.parametrize("mode", ["verify-full", "verify-ca", "require", "prefer"])  # with its file, each verifies
def test_an_expired_certificate_is_a_problem_for_who_verifies(by_tls, ours, mode):
    seen = by_tls(expired=True, sslmode=mode, sslrootcert=str(ours.certificate))

    assert seen.state("certificate") is PROBLEM
    assert "expired 370 days ago" in seen.worst("certificate").said
    assert seen.worst("trust").said.endswith("certificate has expired")
    assert seen.worst("trust").todo == "renew the server's certificate."
    assert seen.state("authentication") is PROBLEM


def test_an_expired_certificate_is_worth_a_note_for_who_does_not_verify(by_tls):
    seen = by_tls(expired=True, sslmode="require")

    assert seen.state("certificate") is NOTE
    assert not seen.report.failed


@pytest.mark.parametrize(("days", "state"), [(-29, NOTE), (-31, OK), (0, PROBLEM)])
def test_a_certificate_that_ends_soon_is_told(by_tls, ours, days, state):
    ends = datetime(3000, 1, 1, tzinfo=UTC)  # what trustme gives
    seen = by_tls(**_full(ours), clock=lambda: ends + timedelta(days=days, minutes=1))

    assert seen.of("certificate")[0].state is state


def test_a_certificate_that_begins_later_speaks_of_the_clock(by_tls, ours):
    seen = by_tls(**_full(ours), clock=lambda: datetime(1999, 1, 1, tzinfo=UTC))

    assert seen.worst("certificate").todo == "check this machine's clock."


@pytest.mark.parametrize(("mode", "state"), [("verify-full", PROBLEM), ("verify-ca", NOTE), ("require", NOTE)])
def test_a_certificate_of_another_name_is_a_problem_for_who_verifies_it(by_tls, ours, mode, state):
    found = by_tls("elsewhere.example", sslmode=mode, sslrootcert=str(ours.certificate)).worst("trust")

    assert found.state is state
    assert found.said == f"it holds against {ours.certificate}, but is not for localhost"
    assert found.todo == "connect by a name that the certificate was issued for."


# What libpq does, and OpenSSL would not: fe-secure-openssl.c, pgtls_verify_peer_name_matches_certificate_guts.
@pytest.mark.parametrize(
    ("common", "alternatives", "host", "holds"),
    [
        ("127.0.0.1", (), "127.0.0.1", True),
        ("other", [("DNS", "127.0.0.1")], "127.0.0.1", True),
        ("127.0.0.1", [("DNS", "other")], "127.0.0.1", True),
        ("127.0.0.1", [("IP Address", "10.0.0.1")], "127.0.0.1", False),
        ("localhost", [("IP Address", "127.0.0.1")], "localhost", True),
        ("localhost", [("DNS", "other")], "localhost", False),
        ("", [("IP Address", "0:0:0:0:0:0:0:1")], "::1", True),
        ("*.example", (), "DB.example", True),
        ("*.example", (), "a.db.example", False),
        ("*.example", (), "example", False),
        ("", (), "localhost", False),
    ],
)
def test_a_certificate_is_for_a_host_as_libpq_has_it(common, alternatives, host, holds):
    subject = ((("commonName", common),),) if common else ()

    assert is_for({"subject": subject, "subjectAltName": tuple(alternatives)}, host) == holds


def test_an_address_alone_is_no_host_that_could_be_verified(by_tls, look, target, ours):
    with secured(target, ours.server("127.0.0.1")) as proxy:
        asked = proxy.target.having(hostaddr="127.0.0.1", **_full(ours))
        seen = look(Target({key: value for key, value in asked.items() if key != "host"}))

    assert seen.worst("trust").said.endswith("but sslmode=verify-full wants a host beside hostaddr")
    assert "host name must be specified" in seen.worst("authentication").said


@pytest.mark.parametrize("mode", ["verify-full", "verify-ca", "require", "prefer"])
def test_a_certificate_of_another_authority_is_a_problem(by_tls, ours, foreign, mode):
    found = by_tls(issuer=foreign, sslmode=mode, sslrootcert=str(ours.certificate)).worst("trust")

    assert found.state is PROBLEM
    assert found.said.startswith(f"it does not hold against {ours.certificate}: ")
    assert found.todo == "check sslrootcert, and which cluster this is."


def test_a_certificate_of_an_unknown_authority_is_a_note_for_who_does_not_verify(by_tls):
    found = by_tls(sslmode="require").worst("trust")

    assert found.state is NOTE
    assert found.said.startswith("it does not hold against the system's authorities: ")


def test_who_verifies_needs_a_file_of_authorities(by_tls, home):
    found = by_tls(sslmode="verify-full").worst("trust")

    assert found.said == f"there is no {home}/.postgresql/root.crt to verify against"
    assert found.todo.startswith("download the cluster's CA certificate")


@pytest.mark.parametrize("mode", ["require", "prefer"])
def test_a_named_authority_that_is_not_there_is_told_to_who_thinks_to_verify(by_tls, mode):
    found = by_tls(sslmode=mode, sslrootcert="~/ca.crt").worst("trust")

    assert (found.state, found.said) == (NOTE, "there is no ~/ca.crt, so nothing is verified")
    assert found.todo == "correct sslrootcert; libpq knows no ~ for the home."


def test_a_file_that_holds_no_authority_is_a_problem(by_tls, tmp_path):
    file = tmp_path / "ca.crt"
    file.write_text("nothing")

    assert "can't be read as certificates" in by_tls(sslmode="verify-ca", sslrootcert=str(file)).worst("trust").said


def test_a_certificate_that_signed_itself_is_told(by_tls, target, ours, look, tmp_path):
    with secured(target, _self_signed(tmp_path)) as proxy:
        seen = look(url(proxy, sslmode="verify-ca", sslrootcert=str(ours.certificate)))

    assert "signed by itself" in seen.of("certificate")[0].said
    assert "self-signed certificate" in seen.worst("trust").said


def _self_signed(folder: Path):
    import ssl

    import trustme

    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    file = folder / "own.pem"
    authority.private_key_pem.write_to_path(str(file))
    authority.cert_pem.write_to_path(str(file), append=True)
    context.load_cert_chain(file)
    return context


# The user's certificate.


@pytest.fixture
def certified(look, target, ours) -> Callable[..., object]:
    def seen(files: dict[str, str], user: str = "root", **conditions: object) -> object:
        with secured(target, ours.server("localhost")) as proxy:
            asked = Target.from_url(url(proxy, **_full(ours), **files)).having(user=user)
            return look(asked, **conditions)

    return seen


def test_a_users_certificate_that_can_be_used_is_told(certified, ours):
    found = certified(ours.client("root")).of("client certificate")

    assert [one.state for one in found] == [OK]
    assert "root's, expires in " in found[0].said


def test_a_key_that_others_may_read_is_a_problem(certified, ours):
    files = ours.client("careless")
    Path(files["sslkey"]).chmod(0o644)
    seen = certified(files, user="careless")

    assert seen.worst("client certificate").todo == f"chmod 600 {files['sslkey']}"
    assert seen.state("authentication") is PROBLEM


def test_a_missing_key_is_a_problem(certified, ours, tmp_path):
    files = ours.client("keyless") | {"sslkey": str(tmp_path / "none.key")}

    found = certified(files, user="keyless").worst("client certificate")

    assert found.said.endswith("there is no " + files["sslkey"])
    assert found.todo == "correct sslkey."


def test_where_no_certificate_is_named_nothing_is_said_of_its_need(certified):
    assert certified({}).worst("client certificate").said == "none is named"


def test_without_tls_no_certificate_is_used(look, proxy, ours):
    files = ours.client("careless")
    Path(files["sslkey"]).chmod(0o644)
    seen = look(proxy.target.having(**files))

    assert seen.of("client certificate") == [CheckResult("client certificate", UNASKED, "no TLS is offered")]
    assert not seen.report.failed


def test_a_certificate_that_this_user_may_not_look_at_is_a_problem(by_tls, home, closed):
    closed(home)
    found = by_tls(sslmode="require")

    assert found.worst("client certificate").said.endswith("postgresql.crt can't be looked at by this user")
    assert "Permission denied" in found.worst("authentication").said


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read all")
def test_a_key_that_this_user_may_not_read_is_a_problem(certified, ours):
    files = ours.client("other")
    Path(files["sslkey"]).chmod(0)

    assert "can't be read by this user" in certified(files).worst("client certificate").said


def test_a_certificate_that_is_not_there_is_worth_a_note(certified, tmp_path):
    found = certified({"sslcert": str(tmp_path / "none.crt")}).worst("client certificate")

    assert (found.state, found.todo) == (NOTE, "correct sslcert.")


def test_a_certificate_of_another_user_is_worth_a_note(certified, ours):
    found = certified(ours.client("ann")).worst("client certificate")

    assert (found.state, found.said) == (NOTE, "it is ann's (CN), and the user is root")


def test_an_expired_certificate_of_the_user_is_a_problem(certified, ours):
    found = certified(ours.client("root"), clock=lambda: datetime(3001, 1, 1, tzinfo=UTC)).worst("client certificate")

    assert found.state is PROBLEM
    assert found.todo == "renew the user's certificate."


def test_where_python_reads_no_certificates_what_they_say_is_not_asked(certified, ours, monkeypatch):
    monkeypatch.setattr("crdb_magic.doctor.certificates._decode", None)
    seen = certified(ours.client("root"))

    assert seen.of("certificate")[0] == CheckResult("certificate", UNASKED, "this Python can't read certificates")
    assert seen.state("TLS") is seen.state("trust") is OK
    assert seen.state("client certificate") is UNASKED


def test_what_is_no_certificate_is_a_problem(certified, ours, tmp_path):
    files = ours.client("root") | {"sslcert": str(tmp_path / "text.crt")}
    Path(files["sslcert"]).write_text("nothing")

    assert "can't be read as a certificate" in certified(files).worst("client certificate").said
