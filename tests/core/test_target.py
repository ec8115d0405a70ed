"""Facts about where to connect: URLs, keywords and the environment mean what libpq says, and no secret is shown."""

from __future__ import annotations

import pickle
from string import ascii_letters
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from psycopg2 import ProgrammingError
from psycopg2.extensions import parse_dsn

from crdb_magic.core.target import Target
from crdb_magic.errors import OptionError

NOT_A_URL = (
    "This is not the URL of a cluster: write postgresql://user@host:26257/database "
    "(with %40 for an @ and %2F for a / in a password)."
)
NOT_A_HOST = "The URL's host is not understood: write host:port, [::1]:port, or several with commas."
NOT_A_PAIR = "After the ? of a URL come key=value pairs, joined by & (write %26 for an & itself)."
NOT_A_PERCENT = "The URL has a % that does not begin a %XX of UTF-8: write %25 for a % itself."
NOT_A_CHARACTER = "A parameter of the connection holds a zero byte, which no server takes."
NO_BLANK = "Nothing may follow a URL, and a blank in it is %20."
NOT_KEYWORDS = (
    "This is neither a URL nor keywords: write postgresql://user@host:26257/database, "
    "or host=… port=… user=… dbname=… (with '…' around a value that holds blanks)."
)

# Text that UTF-8 can hold.
characters = st.characters(exclude_categories=["Cs"])
text = st.text(characters)
words = st.text(characters.filter(lambda c: c != "\0"), min_size=1)
names = st.text(ascii_letters + "äπ.-_", min_size=1)
# Words that are nowhere else in a URL, its errors or a repr, with all that a careless user leaves unescaped.
secrets = st.text("QZJ0123456789@/:?#&=%[],+ '\\\n", min_size=3).filter(lambda s: sum(map(s.count, "QZJ")) > 1)


def refusal(read: object, *given: object) -> str:
    """Give the sentence with which something is refused."""
    with pytest.raises(OptionError) as caught:
        read(*given)  # type: ignore[operator]
    return str(caught.value)


# URLs, as libpq reads them.

URLS = [
    "postgresql://",
    "postgresql:///bank",
    "postgres://localhost",
    "postgresql://localhost:26257",
    "postgresql://localhost/bank",
    "postgresql://ann@localhost:26257/bank",
    "postgresql://ann:secret@localhost:26257/bank",
    "postgresql://ann:@localhost",
    "postgresql://:secret@localhost",
    "postgresql://@localhost",
    "postgresql://ann@",
    "postgresql://ann@/bank",
    "postgresql://:26257/bank",
    "postgresql://localhost:/bank",
    "postgresql://a.example:26257,b.example:26258/bank",
    "postgresql://a.example,b.example:26258/bank",
    "postgresql://a.example,b.example/bank",
    "postgresql://,/bank",
    "postgresql://[::1]:26257/bank",
    "postgresql://[::1]/bank",
    "postgresql://[2001:db8::1],[2001:db8::2]:5/bank",
    "postgresql://[fe80::1%25eth0]/bank",
    "postgresql://%2Ftmp/bank",
    "postgresql://%2Fvar%2Frun:26257/bank",
    "postgresql://a%3A5/bank",
    "postgresql://a%2Cb/bank",
    "postgresql://ann%40corp:p%40ss%2Fw%3Ard%25@localhost/my%20bank",
    "postgresql://ann:p?s#s:w&rd=@localhost/bank",
    "postgresql://é:ü@ö/ä",
    "postgresql://localhost//bank",
    "postgresql://localhost/a/b",
    "postgresql://localhost?",
    "postgresql://localhost/?",
    "postgresql://localhost?dbname=bank",
    "postgresql://localhost/bank?sslmode=verify-full&sslrootcert=/etc/ca.crt",
    "postgresql://localhost/bank?sslmode=require&",
    "postgresql://localhost/bank?options=--cluster%3Dmy-cluster-12",
    "postgresql://localhost/bank?options=-ccluster%3Ddemoapp",
    "postgresql://localhost/my-cluster-12.defaultdb?sslmode=verify-full&sslrootcert=system",
    "postgresql://root@localhost:26257/defaultdb?sslcert=certs%2Fclient.root.crt&sslkey=certs%2Fclient.root.key"
    "&sslmode=verify-full&sslrootcert=certs%2Fca.crt",
    "postgresql://localhost/bank?options=-c%20statement_timeout%3D1s",
    "postgresql://localhost/bank?application_name=a+b",
    "postgresql://localhost/bank?password=a%26b",
    "postgresql://localhost/bank?user=",
    "postgresql://localhost/bank?host=a.example&host=b.example&port=5",
    "postgresql://localhost/bank?host=/tmp",
    "postgresql://localhost/bank?ssl=true",
    "postgresql://localhost/bank?ssl=true&sslmode=verify-full",
    "postgresql://localhost/bank?sslmode=verify-full&ssl=true",
]


@pytest.mark.parametrize("url", URLS)
def test_a_url_means_what_libpq_says(url: str) -> None:
    assert dict(Target.from_url(url)) == parse_dsn(url)


@given(user=words, password=words, host=names, port=st.integers(1, 65535), dbname=words, application=words)
def test_every_escaped_value_is_read_as_libpq_does(
    user: str, password: str, host: str, port: int, dbname: str, application: str
) -> None:
    user, password, host, dbname, application = (
        quote(one, safe="") for one in (user, password, host, dbname, application)
    )
    url = f"postgresql://{user}:{password}@{host}:{port}/{dbname}?application_name={application}"

    assert dict(Target.from_url(url)) == parse_dsn(url)


@given(st.text(st.sampled_from("ab5:@/?#&=%[],. 20F"), max_size=30))
@example("a:1?b@c")
@example("a%3A5")
def test_no_url_is_accepted_that_libpq_reads_otherwise(rest: str) -> None:
    url = f"postgresql://{rest}".strip()
    try:
        ours = dict(Target.from_url(url))
        libpq = parse_dsn(url)
    except (OptionError, ProgrammingError):  # the driver refuses later what we do not: an unknown parameter
        return

    assert ours == libpq


# URLs that only we read.


@pytest.mark.parametrize(
    "scheme", ["cockroachdb", "cockroach", "crdb", "CockroachDB", "cockroachdb+psycopg2", "cockroachdb+pool"]
)
def test_a_cockroach_url_has_cockroachdb_s_defaults(scheme: str) -> None:
    assert dict(Target.from_url(f"{scheme}://localhost")) == {
        "host": "localhost",
        "port": "26257",
        "user": "root",
        "dbname": "defaultdb",
    }


@pytest.mark.parametrize(
    ("url", "key", "value"),
    [
        ("cockroachdb://localhost:5", "port", "5"),
        ("cockroachdb://ann@localhost", "user", "ann"),
        ("cockroachdb://localhost/bank", "dbname", "bank"),
        ("cockroachdb://localhost?port=5", "port", "5"),
        ("cockroachdb://a,b:5", "port", "26257,5"),
        ("cockroachdb:///bank?host=/tmp", "host", "/tmp"),
    ],
)
def test_what_a_cockroach_url_says_goes_before_its_defaults(url: str, key: str, value: str) -> None:
    assert Target.from_url(url)[key] == value


@pytest.mark.parametrize("scheme", ["postgresql+psycopg2", "postgres+psycopg2", "PostgreSQL"])
def test_sqlalchemy_s_spelling_is_a_postgresql_url(scheme: str) -> None:
    assert dict(Target.from_url(f"{scheme}://localhost/bank")) == {"host": "localhost", "dbname": "bank"}


def test_blanks_around_a_url_are_not_part_of_it() -> None:
    assert Target.from_url(" postgresql://localhost/bank\n") == {"host": "localhost", "dbname": "bank"}


def test_an_unescaped_equals_sign_in_a_value_is_taken_as_it_is() -> None:
    assert Target.from_url("postgresql://h?options=--cluster=my-cluster-12")["options"] == "--cluster=my-cluster-12"


# URLs that nobody can read.


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", NOT_A_URL),
        ("localhost", NOT_A_URL),
        ("mysql://localhost/bank", NOT_A_URL),
        ("jdbc:postgresql://localhost/bank", NOT_A_URL),
        ("postgresql:/localhost", NOT_A_URL),
        ("postgresql://ann:p@ss@localhost/bank", NOT_A_URL),
        ("postgresql://ann:p/ss@localhost/bank", NOT_A_URL),
        ("postgresql://ann:12/ss@localhost/bank", NOT_A_URL),
        ("postgresql://localhost/bank?user=ann@corp", NOT_A_URL),
        ("postgresql://localhost/bank#there", NOT_A_URL),
        ("postgresql://localhost:port/bank", NOT_A_HOST),
        ("postgresql://::1/bank", NOT_A_HOST),
        ("postgresql://[::1/bank", NOT_A_HOST),
        ("postgresql://[]/bank", NOT_A_HOST),
        ("postgresql://[::1]x/bank", NOT_A_HOST),
        ("postgresql://a,[/bank", NOT_A_HOST),
        ("postgresql://localhost/bank?sslmode", NOT_A_PAIR),
        ("postgresql://localhost/bank?=x", NOT_A_PAIR),
        ("postgresql://localhost/bank?a=b&&c=d", NOT_A_PAIR),
        ("postgresql://localhost/bank prod", NO_BLANK),
        ("postgresql://localhost/bank?sslmode=require -n x", NO_BLANK),
        ("postgresql://localhost/100%", NOT_A_PERCENT),
        ("postgresql://localhost/%zz", NOT_A_PERCENT),
        ("postgresql://localhost/%E4", NOT_A_PERCENT),
        ("postgresql://localhost/%00", NOT_A_CHARACTER),
    ],
)
def test_a_url_that_cannot_be_read_is_refused(url: str, sentence: str) -> None:
    assert refusal(Target.from_url, url) == sentence


@given(text | text.map("postgresql://{}".format) | text.map("cockroachdb://u:p@h?{}".format))
def test_no_url_is_more_than_refused(url: str) -> None:
    try:
        read = Target.from_url(url)
    except OptionError:
        return

    assert all(isinstance(value, str) for value in read.values())


# Keywords, as libpq reads them.

KEYWORDS = [
    "",
    "  ",
    "host=localhost",
    " host=localhost  port=26257\nuser=root ",
    "host = localhost port= 5",
    "host=localhost user=",
    "host='my host' user=ann",
    "host=''user=ann",
    "host=my\\ host",
    "password='it\\'s'",
    "password=it's",
    "password='a\\\\b'",
    'password="x"',
    "password=a=b",
    "options='-c geqo=off'",
    "host=a host=b",
    "host=ö",
]


@pytest.mark.parametrize("keywords", KEYWORDS)
def test_keywords_mean_what_libpq_says(keywords: str) -> None:
    assert dict(Target.from_keywords(keywords)) == parse_dsn(keywords)


@given(st.text(st.sampled_from("ab ='\\\n\t\u00a0"), max_size=20).map("host={}".format))
def test_no_keywords_are_accepted_that_libpq_reads_otherwise(keywords: str) -> None:
    try:
        ours = dict(Target.from_keywords(keywords))
        libpq = parse_dsn(keywords)
    except (OptionError, ProgrammingError):
        return

    assert ours == libpq


@pytest.mark.parametrize(
    "keywords", ["localhost", "host=localhost bank", "host='localhost", "=x", "host==\\", 'host="my host"']
)
def test_keywords_that_cannot_be_read_are_refused(keywords: str) -> None:
    assert refusal(Target.from_keywords, keywords) == NOT_KEYWORDS


@given(text | text.map("host={}".format) | text.map("host='{}".format))
def test_no_keywords_are_more_than_refused(keywords: str) -> None:
    try:
        read = Target.from_keywords(keywords)
    except OptionError:
        return

    assert all(isinstance(value, str) for value in read.values())


# The environment.


@pytest.mark.parametrize(
    ("names", "first"),
    [
        (["CRDB_URL", "COCKROACH_URL", "DATABASE_URL"], "CRDB_URL"),
        (["DATABASE_URL", "COCKROACH_URL"], "COCKROACH_URL"),
        (["DATABASE_URL"], "DATABASE_URL"),
    ],
)
def test_the_most_particular_variable_counts(names: list[str], first: str) -> None:
    environment = {name: f"postgresql://{name.lower()}" for name in names}

    assert Target.from_environment(environment)["host"] == first.lower()


def test_an_empty_variable_does_not_count() -> None:
    assert Target.from_environment({"CRDB_URL": "", "DATABASE_URL": "postgresql://b"}) == {"host": "b"}


def test_without_a_variable_all_is_left_to_libpq() -> None:
    assert Target.from_environment({"PGHOST": "localhost"}) == {}


def test_a_wrong_variable_is_named() -> None:
    lines = refusal(Target.from_environment, {"DATABASE_URL": "mysql://ann:secret@h"}).splitlines()

    assert lines == [NOT_A_URL, "Hint: it stands in the environment variable DATABASE_URL."]


# Secrets.


def test_a_repr_shows_where_but_no_secret() -> None:
    target = Target.from_url(
        "postgresql://ann:secret@localhost:5/bank?sslmode=require&sslpassword=x&options=-c%20a%3Db"
    )

    assert (
        repr(target)
        == "Target(host=localhost port=5 user=ann dbname=bank sslmode=require password=*** sslpassword=*** …)"
    )


@pytest.mark.parametrize("show", [str, repr, "{}".format])
def test_a_target_is_shown_by_its_repr_only(show: object) -> None:
    assert show(Target({"password": "secret"})) == "Target(password=***)"  # type: ignore[operator]


def seen(read: object, *given: object) -> str:
    """Give all that anyone is shown of a target, or of the error that stands for it."""
    try:
        return repr(read(*given))  # type: ignore[operator]
    except OptionError as error:
        return "\n".join([repr(error), *error._render_traceback_()])


FORMS = [
    "postgresql://ann:{}@localhost:26257/bank",
    "cockroachdb://ann:{}@[::1]:26257,b/bank?sslmode=require",
    "postgresql://:{}@localhost",
    "postgresql://ann:{}@localhost:port",
    "postgresql://ann:{}@[localhost/bank?x",
    "postgresq://ann:{}@localhost/bank",
    "postgresql:/ann:{}@localhost/bank",
]


@pytest.mark.parametrize(
    "form", [*FORMS, "postgresql://localhost/bank?password={}", "postgresql://localhost?password={}&user=ann"]
)
@given(secret=secrets)
def test_an_unescaped_password_is_never_shown(form: str, secret: str) -> None:
    shown = seen(Target.from_url, form.format(secret))

    assert not set(shown) & set("QZJ")


@pytest.mark.parametrize("form", [*FORMS, "postgresql://localhost/bank?user=ann&password={}"])
@given(secret=secrets)
def test_an_escaped_password_is_never_shown(form: str, secret: str) -> None:
    shown = seen(Target.from_url, form.format(quote(secret, safe="")))

    assert not set(shown) & set("QZJ")


@pytest.mark.parametrize("form", ["host=localhost password={} user=ann", "host=localhost password='{}'", "password={}"])
@given(secret=secrets)
def test_a_password_among_keywords_is_never_shown(form: str, secret: str) -> None:
    shown = seen(Target.from_keywords, form.format(secret))

    assert not set(shown) & set("QZJ")


# A value.


def test_having_sets_a_parameter() -> None:
    assert Target({"host": "a"}).having(host="b", port="5") == {"host": "b", "port": "5"}


def test_having_leaves_the_target_as_it_was() -> None:
    target = Target({"host": "a"})
    target.having(host="b")

    assert target == {"host": "a"}


def test_a_target_survives_pickle() -> None:
    target = Target({"host": "a"})

    assert pickle.loads(pickle.dumps(target)) == target


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (Target(), "by the environment (PG*)"),
        (Target({"service": "bank"}), "service bank"),
        (Target({"user": "ann"}), "user ann"),
        (Target({"host": "h", "port": "1", "dbname": "bank", "user": "ann"}), "h:1, database bank, user ann"),
    ],
)
def test_where_it_leads_is_said_in_words(target: Target, words: str) -> None:
    assert target.in_words == words
