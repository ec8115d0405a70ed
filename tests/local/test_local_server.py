"""Starting and stopping a server."""

import re
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from seen_from_outside import family, living, query

from crdb_magic.errors import LocalServerError
from crdb_magic.local import start
from crdb_magic.local.account import server_account
from crdb_magic.local.binaries import find_postgres
from crdb_magic.local.folder import FolderKind
from crdb_magic.local.launching import choose_engine, launch
from crdb_magic.local.postgres import Postgres, free_port


def test_its_url_leads_root_to_the_default_database_without_tls(server):
    assert re.fullmatch(r"postgresql://root:[\w-]{43}@127\.0\.0\.1:\d+/defaultdb\?sslmode=disable", server.url)
    assert query(server.url, "SELECT current_user, current_database()") == [("root", "defaultdb")]


def test_it_says_in_one_line_what_it_is(server):
    assert re.fullmatch(
        r"PostgreSQL \d+\.\d+ standing in for CockroachDB \(no cockroach binary found\)", server.description
    )


def test_it_leaves_neither_a_process_nor_a_folder_behind():
    with start() as server:
        pids = family(server.folder)
        query(server.url, "CREATE TABLE t AS SELECT generate_series(1, 1000) AS n")
        assert len(pids) > 2
        assert server.folder.is_dir()

    assert not living(pids)
    assert not server.folder.exists()
    server.stop()


def test_it_stops_when_nobody_holds_it_any_more():
    folder = start().folder

    assert not folder.exists()
    assert not family(folder)


def test_servers_that_start_at_once_do_not_meet():
    with ThreadPoolExecutor() as pool:
        servers = list(pool.map(lambda _: start(), range(3)))
    for number, server in enumerate(servers):
        query(server.url, f"CREATE TABLE t AS SELECT {number} AS number")
    found = [query(server.url, "SELECT number FROM t") for server in servers]
    for server in servers:
        server.stop()

    assert found == [[(0,)], [(1,)], [(2,)]]


def test_a_port_that_was_taken_meanwhile_is_given_up_for_another():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = iter([taken.getsockname()[1], free_port()])
        account = server_account()

        with launch(None, lambda kept: Postgres(find_postgres(account), account, next(ports), "a test")) as server:
            assert query(server.url, "SELECT 1") == [(1,)]
            assert str(taken.getsockname()[1]) not in server.url


def test_an_error_at_the_start_shows_the_end_of_the_log(monkeypatch):
    monkeypatch.setattr("crdb_magic.local.postgres._SETTINGS", {"no_such_setting": "1"})

    with pytest.raises(LocalServerError, match='unrecognized configuration parameter "no_such_setting"'):
        start()


def test_data_of_cockroachdb_is_not_given_to_postgresql():
    with pytest.raises(LocalServerError, match="there is no cockroach program to serve it"):
        choose_engine(FolderKind.COCKROACHDB)


def test_data_of_postgresql_stays_with_it_when_there_is_a_cockroach(monkeypatch):
    monkeypatch.setenv("COCKROACH_BINARY", "/bin/true")

    assert choose_engine(FolderKind.POSTGRESQL).kind is FolderKind.POSTGRESQL
    assert choose_engine(None).kind is FolderKind.COCKROACHDB
