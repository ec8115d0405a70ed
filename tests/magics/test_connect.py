"""%crdb_connect."""

from __future__ import annotations

import getpass
import json
import re
import socket
import threading
from urllib.parse import urlsplit

import pytest
from faults import Fault, ServerError, is_, never_answer
from interrupting import interrupted_after
from proxy import Proxy
from tables import connected
from wire import START_UP

from crdb_magic.errors import ConnectionFailedError, CrdbMagicError, NotConnectedError, ParameterError
from crdb_magic.local import start


@pytest.fixture
def proxied(proxy: Proxy) -> str:
    """What leads to the server under test by a port that is no server's of ours."""
    return " ".join(f"{keyword}='{value}'" for keyword, value in proxy.target.items())


def test_connecting_says_what_answered_where_in_one_line(unconnected, proxied, proxy, server):
    unconnected(f"%crdb_connect {proxied}")

    place = re.escape(f"{server} at 127.0.0.1:{proxy.target['port']}")
    tls = "no TLS" if proxy.target.get("sslmode") == "disable" else "TLS"
    assert re.fullmatch(rf"{place}, database \w+, user \w+, {tls}.*", unconnected.shown.strip())


def test_a_server_of_ours_is_told_without_its_port_which_differs_on_each_run(unconnected):
    with start() as ours:
        unconnected(f"%crdb_connect {ours.url}")
        said = unconnected.shown
        unconnected("%crdb_connect --list")

    assert said.startswith(f"{ours.description}, database defaultdb")
    assert said.strip() in unconnected.shown
    assert str(urlsplit(ours.url).port) not in said


def test_two_servers_with_the_same_database_are_told_apart(unconnected, proxied, url):
    unconnected(f"%crdb_connect {proxied} --name one")
    unconnected(f"%crdb_connect {url} --name two")
    unconnected("%crdb_connect --list")

    one, two = unconnected.shown.strip().splitlines()
    assert one.partition("one")[2] != two.partition("two")[2]


def test_closing_says_what_was_closed(unconnected, proxied, proxy):
    unconnected(f"%crdb_connect {proxied} --name one")
    unconnected("%crdb_connect --close one")

    assert re.match(rf"Closed one: .* at 127\.0\.0\.1:{proxy.target['port']}, database", unconnected.shown)


def test_a_connection_whose_server_is_gone_can_be_listed_and_closed(unconnected):
    with start() as ours:
        unconnected(f"%crdb_connect {ours.url}")
    with pytest.raises(CrdbMagicError):
        unconnected("%crdb_txn SELECT 1")
    unconnected("%crdb_connect --list")
    listed = unconnected.shown
    unconnected("%crdb_connect --close default")

    assert re.fullmatch(r"\* default  127\.0\.0\.1:\d+, database defaultdb, user \w+, not connected", listed.strip())
    assert unconnected.shown.startswith("Closed default: ")


@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_url_may_stand_in_quotes(unconnected, url, quote):
    unconnected(f"%crdb_connect {quote}{url}{quote}")

    assert unconnected("%crdb_txn SELECT 1 AS one").one.tolist() == [1]


@pytest.mark.parametrize("variable", ["CRDB_URL", "COCKROACH_URL", "DATABASE_URL"])
def test_without_an_argument_the_environment_names_the_cluster(unconnected, url, monkeypatch, variable):
    monkeypatch.setenv(variable, url)
    unconnected("%crdb_connect")

    assert unconnected("%crdb_txn SELECT 1 AS one").one.tolist() == [1]


def test_libpqs_own_variables_are_the_last_resort(unconnected, target, monkeypatch):
    for keyword, variable in (("host", "PGHOST"), ("port", "PGPORT"), ("user", "PGUSER"), ("dbname", "PGDATABASE")):
        monkeypatch.setenv(variable, target.get(keyword, ""))
    monkeypatch.setenv("PGSSLMODE", target.get("sslmode", "prefer"))
    monkeypatch.setenv("PGPASSWORD", target.get("password", ""))
    unconnected("%crdb_connect")

    assert unconnected("%crdb_txn SELECT 1 AS one").one.tolist() == [1]


def test_keywords_name_the_cluster_as_well(unconnected, target):
    unconnected("%crdb_connect " + " ".join(f"{keyword}='{value}'" for keyword, value in target.items()))

    assert unconnected("%crdb_txn SELECT 1 AS one").one.tolist() == [1]


def test_a_variable_may_hold_the_url(unconnected, url):
    unconnected["where"] = url
    unconnected("%crdb_connect :where")

    assert unconnected("%crdb_txn SELECT 1 AS one").one.tolist() == [1]


def test_a_variable_that_is_not_there_is_named(unconnected):
    with pytest.raises(ParameterError, match="no variable typo for %crdb_connect :typo"):
        unconnected("%crdb_connect :typo")


def test_connecting_a_database_again_leaves_its_connection_open(unconnected, url):
    with connected(url) as db:
        unconnected["db"] = db
        unconnected("%crdb_connect db")
        before = db.connection()
        unconnected("%crdb_connect db")

        assert db.connection() is before


def test_a_service_file_names_the_cluster(unconnected, target, monkeypatch, tmp_path):
    lines = "\n".join(f"{keyword}={value}" for keyword, value in target.items())
    (tmp_path / "services").write_text(f"[bank]\n{lines}\n")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    unconnected("%crdb_connect service=bank")

    assert unconnected("%crdb_txn SELECT 1 AS one").one.tolist() == [1]


def test_a_service_that_is_in_no_file_says_where_it_is_looked_for(unconnected, monkeypatch, tmp_path):
    (tmp_path / "services").write_text("[shop]\nhost=localhost\n")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))

    with pytest.raises(
        ConnectionFailedError, match=r'service "bank" not found\nHint: ~/\.pg_service\.conf, or the file'
    ):
        unconnected("%crdb_connect service=bank")


@pytest.mark.parametrize("port", ["*", "{port}"])
def test_a_password_file_opens_the_connection(unconnected, target, monkeypatch, tmp_path, port):
    place = ":".join([target["host"], port.format(**target), "*", target["user"], target.get("password", "any")])
    file = tmp_path / "pgpass"
    file.write_text(f"{place}\n")
    file.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(file))
    unconnected("%crdb_connect " + " ".join(f"{key}='{value}'" for key, value in target.items() if key != "password"))

    assert unconnected("%crdb_txn SELECT 1 AS one").one.tolist() == [1]


@pytest.fixture
def cloud():
    """The port of a proxy of CockroachDB Cloud that is not told which cluster is meant.

    cockroach: pkg/ccl/sqlproxyccl/proxy_handler.go, clusterNameAndTenantFromParams.
    """
    refusal = ServerError("08004", "missing cluster identifier").message.wire

    def refuse(listener):
        client, _ = listener.accept()
        with client:
            client.recv(1000)
            client.sendall(refusal)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=refuse, args=[listener])
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def test_a_cluster_of_the_cloud_that_is_not_named_says_how_to_name_it(unconnected, cloud):
    with pytest.raises(ConnectionFailedError) as caught:
        unconnected(f"%crdb_connect host=127.0.0.1 port={cloud} user=ann sslmode=disable gssencmode=disable")

    assert str(caught.value) == (
        f"Could not connect to 127.0.0.1:{cloud}: missing cluster identifier\n"
        "Hint: name the cluster: CLUSTER.DATABASE as the database, or ?options=--cluster%3DCLUSTER."
    )


def test_connections_have_names_and_one_is_current(unconnected, url):
    unconnected(f"%crdb_connect {url} --name one")
    unconnected(f"%crdb_connect {url} --name two")
    unconnected("%crdb_connect --use one")
    unconnected("%crdb_connect --list")

    assert [line[:5] for line in unconnected.shown.strip("\n").splitlines()] == ["* one", "  two"]


def test_a_cell_may_run_on_another_connection(unconnected, url):
    unconnected(f"%crdb_connect {url} --name one")
    unconnected(f"%crdb_connect {url} --name two")

    unconnected("%crdb_txn --on one SET application_name = 'the first'")

    names = [unconnected(f"%crdb_txn --on {name} SHOW application_name").iloc[0, 0] for name in ("one", "two")]
    assert names == ["the first", "crdb_magic"]


def test_closing_the_current_connection_says_which_is_the_current_one_now(unconnected, url):
    for name in ("one", "two", "three"):
        unconnected(f"%crdb_connect {url} --name {name}")
    unconnected("%crdb_connect --close two")
    of_another = unconnected.shown
    unconnected("%crdb_connect --close three")

    assert "current" not in of_another
    assert unconnected.shown.strip().endswith("\nThe current one is one now.")


def test_closing_the_last_connection_leaves_none(notebook):
    notebook("%crdb_connect --close default")

    with pytest.raises(NotConnectedError):
        notebook("%crdb_txn SELECT 1")


def test_a_connection_that_is_not_open_is_named_with_the_nearest_one(unconnected, url):
    unconnected(f"%crdb_connect {url} --name production")

    with pytest.raises(NotConnectedError, match=r"(?s)No connection is called 'prodution'.*Did you mean production\?"):
        unconnected("%crdb_txn --on prodution SELECT 1")


def test_connecting_again_by_the_same_name_keeps_the_old_connection_if_the_new_one_fails(notebook):
    with pytest.raises(ConnectionFailedError):
        notebook("%crdb_connect postgresql://root@127.0.0.1:1/x")

    assert notebook("%crdb_txn SELECT 1 AS one").one.tolist() == [1]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("postgresql://root:s3cret@127.0.0.1:1/x", ["127.0.0.1:1", "refused", "%crdb_connect --local"]),
        ("postgresql://root:s3cret@no.such.host.invalid/x", ["no.such.host.invalid", "Check its spelling"]),
        ("mysql://root:s3cret@127.0.0.1/x", ["write postgresql://"]),
        ("root:s3cret@127.0.0.1/x", ["write postgresql://"]),
        ("postgresql://root:s3cret@127.0.0.1:1/x?nonsense=1", ["nonsense", "options="]),
    ],
)
def test_a_connection_that_fails_says_what_to_do_and_no_password(unconnected, address, words):
    with pytest.raises(CrdbMagicError) as caught:
        unconnected(f"%crdb_connect {address}")

    assert [word for word in words if word not in str(caught.value)] == []
    assert "s3cret" not in str(caught.value) + repr(caught.value)


def test_a_database_that_does_not_exist_says_so_at_the_latest_when_it_is_used(unconnected, url):
    with pytest.raises(CrdbMagicError, match="does not exist"):
        unconnected(f"%crdb_connect {url.replace('/defaultdb', '/no_such_database')}\n%crdb_txn SELECT * FROM no_table")


def test_a_server_without_tls_is_told_from_one_that_needs_it(unconnected, url):
    if "sslmode=disable" not in url:
        pytest.skip("the cluster has TLS")

    with pytest.raises(ConnectionFailedError, match=r"\?sslmode=disable"):
        unconnected(f"%crdb_connect {url.replace('sslmode=disable', 'sslmode=require')}")


def test_a_password_shows_up_nowhere(unconnected, target):
    with_password = {**target, "password": target.get("password") or "s3cret-word"}
    unconnected("%crdb_connect " + " ".join(f"{keyword}='{value}'" for keyword, value in with_password.items()))
    connected = unconnected.shown
    frame = unconnected("%crdb_txn SELECT 1 AS one")
    session = unconnected.shell.magics_manager.registry["CrdbMagic"].connections.get()

    everything = connected + json.dumps(frame.attrs) + repr(session)
    assert with_password["password"] not in everything


def test_a_local_server_is_started_once_and_says_what_it_is(unconnected):
    unconnected("%crdb_connect --local")
    said = unconnected.shown
    unconnected("%crdb_txn CREATE TABLE kept (id INT)")
    unconnected("%crdb_connect --local")

    assert "CockroachDB" in said
    assert unconnected("%crdb_txn SELECT count(*) AS n FROM kept").n.tolist() == [0]


@pytest.mark.parametrize("sign", list("@/:%&?#=+ '\"\\"))
@pytest.mark.parametrize(
    "form",
    [
        "postgresql://ann:{}@127.0.0.1:1/x",
        "postgresql://127.0.0.1:1/x?user=ann&password={}",
        "host=127.0.0.1 port=1 user=ann password={}",
        "host=127.0.0.1 port=1 user=ann password={} --local",
        "host=127.0.0.1 port=1 user=ann password={}=1",
    ],
)
def test_what_a_failed_cell_shows_has_no_part_of_a_password(notebook, form, sign):
    notebook("%xmode Verbose")
    with pytest.raises(CrdbMagicError):
        notebook(f"%crdb_connect {form.format(f'QZJ{sign}QZJ')}")
    shown = notebook.shown
    notebook("%crdb_connect --list\n%xmode Context")

    assert "Error: " in shown
    assert "QZJ" not in shown + notebook.shown


# What is interrupted, and what is lost.


@pytest.fixture
def silent(proxy):
    """A port that never answers."""
    proxy.rules.append(Fault(is_(START_UP), never_answer))
    return proxy


@pytest.mark.usefixtures("no_collection")
def test_an_interrupt_while_connecting_is_one_line_without_a_password(unconnected, silent, monkeypatch):
    monkeypatch.setattr(getpass, "getpass", lambda _: "s3cret-word")
    unconnected("%xmode Verbose")
    with pytest.raises(KeyboardInterrupt), interrupted_after(0.5):
        unconnected(f"%crdb_connect host=127.0.0.1 port={silent.port} user=ann sslmode=disable --ask-password")
    shown = unconnected.shown
    unconnected("%xmode Context")

    assert shown.strip() == "KeyboardInterrupt: %crdb_connect was interrupted."


def test_an_interrupt_at_the_box_for_a_password_is_one_line(unconnected, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(getpass, "getpass", interrupted)
    with pytest.raises(KeyboardInterrupt):
        unconnected("%crdb_connect postgresql://ann@db.example/bank --ask-password")

    assert unconnected.shown.strip() == "KeyboardInterrupt: %crdb_connect was interrupted."


@pytest.mark.parametrize("cell", ["%crdb_txn {} SELECT 1", "%%crdb_txn {}\nSELECT 1", "%crdb_schema {}"])
@pytest.mark.parametrize("option", ["", "--on prod"])
def test_a_connection_that_can_not_be_had_again_is_named(unconnected, proxy, proxied, cell, option):
    unconnected("%config CrdbMagic.max_attempts = 1")
    unconnected(f"%crdb_connect {proxied} --name prod")
    proxy.refuse()
    proxy.cut()

    with pytest.raises(CrdbMagicError, match="It is the connection prod: %crdb_doctor --on prod checks it"):
        unconnected(cell.format(option))


def test_a_connection_that_never_was_is_not_named(unconnected):
    with pytest.raises(ConnectionFailedError) as caught:
        unconnected("%crdb_connect postgresql://root@127.0.0.1:1/x")

    assert "It is the connection" not in str(caught.value)
