"""Nobody gets into the stand-in without its password, and nobody is shown it."""

import os
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest
from psycopg2.extensions import parse_dsn
from seen_from_outside import hears, owner, processes, query

from crdb_magic.errors import LocalServerError
from crdb_magic.local import start
from crdb_magic.local.account import server_account

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts a server as another user")


def password_of(url: str) -> str:
    return parse_dsn(url)["password"]


@pytest.mark.parametrize(
    ("password", "refusal"), [("", "no password supplied"), ("root", "password authentication failed")]
)
@pytest.mark.parametrize("database", ["defaultdb", "template1"])
def test_a_connection_without_the_password_is_refused(server, password, refusal, database):
    url = server.url.replace(password_of(server.url), password).replace("/defaultdb", f"/{database}")

    with pytest.raises(psycopg2.OperationalError, match=refusal):
        psycopg2.connect(url, passfile="/dev/null")


def test_no_rule_of_the_server_lets_anybody_in_without_a_password(server):
    assert query(server.url, "SELECT DISTINCT auth_method FROM pg_hba_file_rules") == [("scram-sha-256",)]


def test_each_server_has_a_password_of_its_own(server):
    with start() as other:
        assert password_of(other.url) != password_of(server.url)


def test_it_is_shown_by_nothing_but_the_url(server):
    shown = f"{server!r} {server} {server.description}"

    assert password_of(server.url) not in shown
    assert "//root:***@127.0.0.1:" in shown


def test_it_is_in_no_log(server):
    query(server.url, "SELECT 1")
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(server.url.replace("/defaultdb", "/no_such_database"))

    log = (server.folder / "server.log").read_text()

    assert "no_such_database" in log
    assert password_of(server.url) not in log


def everything_about_processes() -> str:
    """Give the arguments and, where we may see it, the environment of each process."""
    with_environment = subprocess.run(["ps", "axeww"], capture_output=True, text=True, check=True).stdout
    return f"{processes()} {with_environment}"


def test_no_list_of_processes_shows_it_during_the_start_or_later():
    with ThreadPoolExecutor() as pool:
        starting = pool.submit(start)
        seen = [everything_about_processes()]
        while not starting.done():
            seen.append(everything_about_processes())
    with starting.result() as server:
        query(server.url, "SELECT 1")
        seen.append(everything_about_processes())

        assert str(server.folder) in seen[-1]
        assert not [listing for listing in seen if password_of(server.url) in listing]


def test_a_kept_directory_keeps_its_password_for_a_new_process(place):
    environment = {"KEPT": str(place)}
    with owner(env=environment) as process:
        _, first = hears(process)
        query(first, "CREATE TABLE t AS SELECT 1 AS n")
        process.communicate("")
    with owner(env=environment) as process:
        _, second = hears(process)

        assert password_of(first) == password_of(second)
        assert query(second, "SELECT n FROM t") == [(1,)]


def test_it_lies_in_the_folder_for_its_owner_alone_whatever_the_umask(place):
    before = os.umask(0)
    try:
        start(place).stop()
    finally:
        os.umask(before)

    found = (place / "password").stat()

    assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (os.geteuid(), 0o600)


def test_a_password_of_a_first_start_that_was_cut_short_is_replaced(place):
    (place / "crdb_magic.lock").touch()
    (place / "password").write_text("half")
    with start(place) as server:
        assert query(server.url, "SELECT 1") == [(1,)]
        assert password_of(server.url) != "half"


@needs_root
def test_the_user_that_the_server_runs_as_does_not_read_it(server):
    account = server_account()

    assert account.succeeds("test", "-x", str(server.folder))
    assert not account.succeeds("test", "-r", str(server.folder / "password"))


def test_a_password_that_an_error_is_about_is_not_in_it(place):
    start(place).stop()
    (place / "password").write_text("an-old-one")

    with pytest.raises(LocalServerError, match="password authentication failed") as refusal:
        start(place)

    assert "an-old-one" not in f"{refusal.value!r} {refusal.value.hint} {refusal.value.__cause__!r}"
