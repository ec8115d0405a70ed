"""Laws of what is not shown: no error of a connection has a part of a password in it, wherever that was written."""

from __future__ import annotations

import traceback
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crdb_magic.core.target import Target
from crdb_magic.errors import CrdbMagicError
from crdb_magic.session.session import Session

# Letters that are nowhere else in an address or an error, with all that a careless user leaves unescaped.
secrets = st.text("QZJ@/:?#&=%,+ '\"\\", min_size=2).filter(lambda text: set(text) & set("QZJ"))

# Port 1 has no server; what is wrong before that is found by us or by libpq.
URLS = [
    "postgresql://ann:{}@127.0.0.1:1/bank",
    "postgresql://ann:{}@127.0.0.1:port/bank",
    "postgresql://ann:{}@127.0.0.1:1/bank?sslmod=require",
    "postgresql://ann@127.0.0.1:word-{}/bank",
    "postgresql://127.0.0.1:1/bank?user=ann&password={}",
    "postgresql://127.0.0.1:1/bank?password={}&user=ann",
    "postgresql://127.0.0.1:1/bank?pasword={}",
    "postgresql://127.0.0.1:1/bank?password=a&{}=b",
    "postgresql://127.0.0.1:1/bank?password=a&sslmode={}",
]
KEYWORDS = [
    "host=127.0.0.1 port=1 password={} user=ann",
    "host=127.0.0.1 port=1 password='{}' user=ann",
    "host=127.0.0.1 port=1 password=a {}=b",
    "host=127.0.0.1 port=1 pasword={}",
    "password={}",
]
# Parameters whose values libpq repeats if it does not understand them.
REPEATED = [
    "channel_binding", "client_encoding", "connect_timeout", "gssencmode", "keepalives", "keepalives_count",
    "keepalives_idle", "load_balance_hosts", "port", "require_auth", "sslcertmode", "sslmode", "sslnegotiation",
    "ssl_min_protocol_version", "ssl_max_protocol_version", "target_session_attrs", "tcp_user_timeout",
]  # fmt: skip


def shown(read: object, address: str) -> str:
    """Give all that anyone is shown of an address, and of the error to which it leads."""
    text = ""
    try:
        target = read(address)  # type: ignore[operator]
        text = repr(target) + target.in_words
        session = Session(target.having(connect_timeout="5") if "connect_timeout" not in target else target)
        text += f"{session!r}{session.link}"
        assert session.server
    except CrdbMagicError as error:
        rendered = [repr(error), *error._render_traceback_(), *traceback.format_exception(error)]
        # not the lines of this file
        return text + "\n".join(line for line in rendered if not line.startswith("  File"))
    raise AssertionError("port 1 has no server")


def _alien(text: str) -> set[str]:
    return set(text) & set("QZJ")


@pytest.mark.parametrize("form", URLS)
@given(secret=secrets)
@example("Q&Z=J")
@example("Q&sslmode=ZJ")
@settings(max_examples=50)
def test_a_raw_password_in_a_url_is_in_no_error(form: str, secret: str) -> None:
    assert not _alien(shown(Target.from_url, form.format(secret)))


@pytest.mark.parametrize("form", URLS)
@given(secret=secrets)
@settings(max_examples=50)
def test_an_escaped_password_in_a_url_is_in_no_error(form: str, secret: str) -> None:
    assert not _alien(shown(Target.from_url, form.format(quote(secret, safe=""))))


@pytest.mark.parametrize("form", KEYWORDS)
@given(secret=secrets)
@example("Q Z=J")
@settings(max_examples=50)
def test_a_password_among_keywords_is_in_no_error(form: str, secret: str) -> None:
    assert not _alien(shown(Target.from_keywords, form.format(secret)))


@pytest.mark.parametrize("parameter", REPEATED)
@given(value=secrets)
@settings(max_examples=20)
def test_no_error_repeats_a_value_that_is_no_place_and_no_user(parameter: str, value: str) -> None:
    def read(_: str) -> Target:
        return Target({"host": "127.0.0.1", "port": "1", "dbname": "bank", parameter: value})

    assert not _alien(shown(read, ""))


def test_a_parameter_that_libpq_does_not_know_is_named_where_it_is_no_part_of_a_password() -> None:
    assert 'invalid connection option "sslmod"' in shown(Target.from_url, URLS[2].format("secret"))


def test_a_wrong_value_is_told_by_its_parameter_and_what_it_may_be() -> None:
    assert (
        "invalid sslmode value: ***\nHint: sslmode is one of disable, allow, prefer, require, verify-ca, verify-full."
        in shown(Target.from_url, "postgresql://127.0.0.1:1/bank?sslmode=full")
    )


def test_the_password_of_a_key_is_not_in_the_name_of_a_connection(target: Target) -> None:
    session = Session(target.having(sslpassword="QZJ"))

    assert not _alien(repr(session.connection))
    session.close()
