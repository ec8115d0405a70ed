"""Which target is meant, and where each part of it comes from."""

from __future__ import annotations

import os
import pwd

import pytest

from crdb_magic.core.target import Target
from crdb_magic.doctor.resolved_target import HostAddress, read_meant
from crdb_magic.errors import OptionError

_URL = "postgresql://ann@db.example:26257/bank"


def _origin(meant, key):
    return meant.parts[key].origin


@pytest.mark.parametrize(
    ("asked", "environment", "key", "value", "origin"),
    [
        (_URL, {}, "host", "db.example", "the URL"),
        (_URL, {"PGHOST": "other"}, "host", "db.example", "the URL"),
        (_URL, {"CRDB_URL": "postgresql://other"}, "host", "db.example", "the URL"),
        (_URL, {"PGSSLMODE": "require"}, "sslmode", "require", "PGSSLMODE"),
        (_URL, {}, "sslmode", "prefer", "libpq's default"),
        (f"{_URL}?sslrootcert=system", {}, "sslmode", "verify-full", "libpq's default"),
        ("host=db.example user=ann", {}, "host", "db.example", "the keywords"),
        ("host=db.example user=ann", {}, "dbname", "ann", "libpq's default"),
        ("host=db.example", {}, "port", "5432", "libpq's default"),
        (Target({"host": "db.example"}), {}, "host", "db.example", "the connection"),
        ("", {"DATABASE_URL": _URL}, "user", "ann", "DATABASE_URL"),
        ("", {"CRDB_URL": _URL, "DATABASE_URL": "postgresql://other"}, "host", "db.example", "CRDB_URL"),
        ("", {"PGHOST": "db.example"}, "host", "db.example", "PGHOST"),
    ],
)
def test_each_part_has_an_origin(tmp_path, asked, environment, key, value, origin):
    meant = read_meant(asked, environment, tmp_path)

    assert (meant[key], _origin(meant, key)) == (value, origin)


def test_a_service_comes_before_the_variables_and_behind_the_url(tmp_path):
    file = tmp_path / ".pg_service.conf"
    file.write_text("# ours\n[other]\nhost=no\n\n[bank]\nhost=db.example\nport=26257\n# end\n[last]\nuser=no\n")
    meant = read_meant("service=bank port=5", {"PGHOST": "elsewhere", "PGUSER": "ann"}, tmp_path)

    assert (meant["host"], meant["port"], meant["user"]) == ("db.example", "5", "ann")
    assert _origin(meant, "host") == f"service bank in {file}"


def test_a_service_of_the_environment_is_found_in_the_file_that_it_names(tmp_path):
    file = tmp_path / "services"
    file.write_text("[bank]\nhost=db.example\n")

    assert read_meant("", {"PGSERVICE": "bank", "PGSERVICEFILE": str(file)}, tmp_path)["host"] == "db.example"


def test_a_service_that_is_in_no_file_is_an_error(tmp_path):
    with pytest.raises(OptionError, match="The service bank is in no service file"):
        read_meant("service=bank", {}, tmp_path)


@pytest.mark.parametrize("line", ["prot=26999", "port = 26999", "HOST=localhost", "sslmode"])
def test_a_line_of_a_service_that_libpq_does_not_take_is_an_error_which_names_it(tmp_path, line):
    file = tmp_path / ".pg_service.conf"
    file.write_text(f"[other]\nuser=ann\n[bank]\nhost=localhost\n{line}\n")

    with pytest.raises(OptionError, match=f"Line 5 of {file} has no parameter of libpq's"):
        read_meant("service=bank", {}, tmp_path)


def test_comments_blank_lines_and_ldap_in_a_service_are_no_parameters(tmp_path):
    (tmp_path / ".pg_service.conf").write_text("[bank]\n# prot=1\n\nldap://h/o=x?y?one?z\nhost=db.example\n")

    assert read_meant("service=bank", {}, tmp_path)["host"] == "db.example"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("db.example:26257:bank:ann:s3cret", True),
        ("*:*:*:ann:s3cret", True),
        (r"db\.example:26257:bank:ann:a\:b", True),
        ("db.example:26257:bank:bob:s3cret", False),
        ("other:*:*:*:s3cret", False),
        ("#db.example:26257:bank:ann:s3cret", False),
        ("db.example:26257:bank:ann", False),
        ("", False),
    ],
)
def test_a_password_is_found_in_its_file_as_libpq_finds_it(tmp_path, line, found):
    file = tmp_path / ".pgpass"
    file.write_text(f"{line}\n")
    file.chmod(0o600)
    meant = read_meant(_URL, {}, tmp_path)

    assert ("password" in meant.parts) == found


def test_a_file_of_passwords_that_others_may_read_does_not_count(tmp_path):
    file = tmp_path / ".pgpass"
    file.write_text("*:*:*:*:s3cret\n")
    file.chmod(0o644)
    meant = read_meant(_URL, {}, tmp_path)

    assert [one.todo for one in meant.remarks] == [f"chmod 600 {file}"]
    assert "password" not in meant.parts


@pytest.mark.parametrize("line", ["localhost:5432:*:*:x", "db.example:5432:*:*:x", "10.0.0.1:7:*:*:x"])
def test_a_password_of_any_of_several_hosts_is_found(tmp_path, line):
    file = tmp_path / ".pgpass"
    file.write_text(f"{line}\n")
    file.chmod(0o600)
    target = Target({"host": ",db.example,", "hostaddr": ",,10.0.0.1", "port": ",,7"})

    assert "password" in read_meant(target, {}, tmp_path).parts


# A home of somebody else, as in a container: for libpq what lies there is not there.


def test_a_file_of_passwords_that_this_user_may_not_read_is_remarked(apart, closed):
    file = apart / ".pgpass"
    file.write_text("*:*:*:*:s3cret\n")
    file.chmod(0o600)
    closed(file)
    (remark,) = read_meant(_URL, {}, apart).remarks

    assert remark.said == f"{file} can't be read by this user, so libpq ignores it"


def test_a_service_file_that_this_user_may_not_read_is_an_error_which_names_it(apart, closed):
    file = apart / ".pg_service.conf"
    file.write_text("[bank]\n")
    closed(file)

    with pytest.raises(OptionError, match=f"The file of the service bank can't be read: .*{file}"):
        read_meant("service=bank", {}, apart)


def test_a_home_that_this_user_may_not_look_into_has_no_service(apart, closed):
    home = apart / "home"
    home.mkdir()
    closed(home)

    with pytest.raises(OptionError, match="The service bank is in no service file"):
        read_meant("service=bank", {}, home)


@pytest.mark.parametrize(
    ("asked", "environment"),
    [
        ("postgresql://ann:s3cret@db.example/bank?application_name=s3cret", {}),
        ("host=db.example password=s3cret", {}),
        (_URL, {"PGPASSWORD": "s3cret"}),
    ],
)
def test_no_secret_is_told(tmp_path, asked, environment):
    told = read_meant(asked, environment, tmp_path).in_words

    assert "s3cret" not in told
    assert "password" in told


def test_what_comes_from_one_place_is_told_together(tmp_path):
    told = read_meant(_URL, {"PGPASSWORD": "x", "PGSSLMODE": "require"}, tmp_path).in_words

    assert told.split("; ") == [
        "host db.example, port 26257, user ann, dbname bank (the URL)",
        "sslmode require (PGSSLMODE)",
        "password (PGPASSWORD)",
    ]


@pytest.mark.parametrize(
    ("asked", "places"),
    [
        (_URL, [HostAddress("db.example", "db.example", 26257)]),
        (f"{_URL}?hostaddr=10.0.0.1", [HostAddress("db.example", "10.0.0.1", 26257)]),
        ("postgresql://a:1,b:2/", [HostAddress("a", "a", 1), HostAddress("b", "b", 2)]),
        ("host=a,b port=7", [HostAddress("a", "a", 7), HostAddress("b", "b", 7)]),
        ("hostaddr=10.0.0.1", [HostAddress("", "10.0.0.1", 5432)]),
        ("postgresql://a:1,b/", [HostAddress("a", "a", 1), HostAddress("b", "b", 5432)]),  # the default
    ],
)
def test_several_hosts_are_several_places(tmp_path, asked, places):
    assert list(read_meant(asked, {}, tmp_path).places) == places


@pytest.mark.parametrize(
    ("asked", "is_socket"),
    [
        (_URL, [False]),
        ("", [True]),
        ("host=/tmp", [True]),
        ("host=@name", [True]),
        ("hostaddr=10.0.0.1", [False]),
        ("host=/tmp,127.0.0.1", [True, False]),
        ("host=127.0.0.1,/tmp", [False, True]),
        ("host=127.0.0.1,", [False, True]),
    ],
)
def test_a_unix_socket_is_told_from_a_host(tmp_path, asked, is_socket):
    assert [place.is_socket for place in read_meant(asked, {}, tmp_path).places] == is_socket


@pytest.mark.parametrize(
    ("port", "said"),
    [
        ("here", r"The port is no number from 1 to 65535 \(PGPORT\)"),
        ("65536", "The port is no number"),
        ("0", "The port is no number"),
        ("5432,", r"There are 2 ports \(PGPORT\): write one for all hosts, or one for each"),
    ],
)
def test_a_port_that_is_none_is_an_error(tmp_path, port, said):
    with pytest.raises(OptionError, match=said):
        read_meant("host=db.example", {"PGPORT": port}, tmp_path)


def test_an_sslmode_that_is_none_is_an_error_which_does_not_repeat_it(tmp_path):
    with pytest.raises(OptionError, match=r"The sslmode \(PGSSLMODE\) is none of disable, .*, verify-full") as caught:
        read_meant(_URL, {"PGSSLMODE": "verify_full"}, tmp_path)

    assert "verify_full" not in str(caught.value)


# The user where none is named.

_NAMELESS = 2**31 - 7


def test_the_user_is_that_of_the_process_whatever_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("LOGNAME", "somebody")

    assert read_meant("host=db.example", {}, tmp_path)["user"] == pwd.getpwuid(os.geteuid()).pw_name


def test_a_user_without_a_name_is_told_to_name_one(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: _NAMELESS)

    with pytest.raises(OptionError, match=f"no name for the user {_NAMELESS}"):
        read_meant("host=db.example", {}, tmp_path)


def test_a_user_without_a_name_may_name_another_one(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: _NAMELESS)

    assert read_meant(_URL, {}, tmp_path)["user"] == "ann"
