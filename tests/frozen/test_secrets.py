"""What must not get into a recording does not."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from crdb_magic.errors import CrdbMagicError
from crdb_magic.frozen.events import plain_text
from crdb_magic.frozen.recorder import Recorder
from crdb_magic.frozen.secrets import masked

SECRET = "hunter22"


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE USER u WITH PASSWORD 'hunter22'",
        "create role if not exists u with login encrypted password 'hunter22' valid until 'infinity'",
        "ALTER USER u PASSWORD E'a\\'hunter22'",
        "ALTER ROLE u PASSWORD $$it's hunter22$$",
        "/* a note */ ALTER ROLE u WITH PASSWORD 'it''s hunter22'",
        "SELECT 1; CREATE USER u PASSWORD 'hunter22'; SELECT 2",
        "CREATE USER u PASSWORD 'one;hunter22'",
        "CREATE USER MAPPING FOR u SERVER s OPTIONS (user 'u', password 'hunter22')",
        "CREATE SUBSCRIPTION s CONNECTION 'host=h user=u password=hunter22 dbname=d' PUBLICATION p",
        "BACKUP INTO 's3://b/p?AWS_ACCESS_KEY_ID=hunter22&AWS_SECRET_ACCESS_KEY=hunter22&AUTH=specified'",
        "RESTORE FROM LATEST IN 'azure-blob://c/p?AZURE_ACCOUNT_NAME=n&AZURE_ACCOUNT_KEY=hunter22'",
        "IMPORT INTO t CSV DATA ('https://u:hunter22@h/f.csv')",
        "CREATE EXTERNAL CONNECTION x AS 'gs://b?CREDENTIALS=hunter22'",
        "CREATE CHANGEFEED FOR t INTO 'kafka://h?sasl_user=u&sasl_password=hunter22'",
        "CREATE USER u PASSWORD 'hunter22",
        "EXPORT INTO CSV 's3://b?AWS_SESSION_TOKEN=hunter22' FROM TABLE t",
    ],
)
def test_a_secret_of_a_statement_is_masked(sql: str) -> None:
    assert SECRET not in plain_text(sql)
    assert "********" in plain_text(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM users WHERE password = 'hunter22'",
        "INSERT INTO users (password) VALUES ('hunter22')",
        "CREATE TABLE t AS SELECT * FROM users WHERE password = 'hunter22'",
        "CREATE USER u",
        "SELECT 'CREATE USER u PASSWORD ''hunter22'''",
        "EXPORT INTO CSV 'nodelocal://1/x' FROM SELECT * FROM users WHERE password = 'hunter22'",
    ],
)
def test_a_value_that_makes_a_difference_is_not(sql: str) -> None:
    assert plain_text(sql) == sql


def test_nor_is_it_in_what_a_server_says_about_such_a_statement() -> None:
    said = "source SQL:\nALTER ROLE u PASSWORD 'hunter22' nonsense\n                               ^"  # of CockroachDB

    assert masked(said) == said.replace(SECRET, "********")


def test_no_byte_of_a_role_s_password_is_in_the_folder(target, session, sql, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    for text, values in [
        ("ALTER ROLE nobody_at_all PASSWORD 'hunter22'", {}),
        ("ALTER ROLE nobody_at_all PASSWORD :secret", {"secret": "hunter22"}),
        ("ALTER ROLE nobody_at_all PASSWORD 'hunter22' nonsense", {}),
    ]:
        with suppress(CrdbMagicError):
            session.run(sql(text, values))
    recorder.close()
    held = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())

    assert b"nobody_at_all PASSWORD" in held
    assert SECRET.encode() not in held
