"""A server that is reached: whether it lets the user in, and what is to be known of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from faults import NOT_ACCEPTING, SHUTTING_DOWN, TOO_MANY, Fault, ServerError, instead, is_, statement
from personality import UNSAFE_INTERNALS, Table, query, show, v22
from proxy import Proxy
from tables import unique
from wire import PASSWORD, START_UP

from crdb_magic.doctor.report import State
from crdb_magic.session.session import Session
from crdb_magic.session.session_state import SessionState
from crdb_magic.session.snapshots import Keeper

OK, NOTE, PROBLEM, UNASKED = State

_BEHIND = ("server", "database", "clock", "latency", "privileges", "settings", "past")
_LETS_IN = (START_UP, PASSWORD)
_DENIED = ServerError("42501", "user root does not have VIEWACTIVITY privilege")  # as in tests/explore


@pytest.fixture
def v26(as_v26: Proxy) -> Proxy:
    """The server under test, which answers what the doctor asks as CockroachDB v26.1 does."""
    as_v26.rules.extend(_answers(as_v26))
    return as_v26


def _answers(proxy: Proxy) -> list[Fault]:
    zone = "ALTER RANGE default CONFIGURE ZONE USING\n\tgc.ttlseconds = 14400"
    return [
        show("DATABASES", Table.of_texts("database_name owner", (proxy.target["dbname"], "root"), ("system", "node"))),
        query(r"crdb_internal\.cluster_transactions", Table.of_texts("one", ("1",))),
        show("ZONE CONFIGURATIONS", Table.of_texts("target raw_config_sql", ("RANGE default", zone))),
    ]


# Authentication.


def test_who_is_let_in_is_told(look, target):
    assert look(target).of("authentication")[0].said == f"user {target['user']} is let in"


def test_a_wrong_password_is_a_problem(look, target):
    if "password" not in target:
        pytest.skip("no password is asked there")
    seen = look(target.having(password="wr0ng-s3cret"))

    assert "password authentication failed" in seen.worst("authentication").said
    assert seen.worst("authentication").todo.startswith("check user and password")
    assert {seen.worst(check).said for check in _BEHIND} == {"since there is a problem with: authentication"}
    assert "s3cret" not in str(seen.report)


def test_no_password_is_a_problem(look, target):
    if "password" not in target:
        pytest.skip("no password is asked there")
    given = type(target)({key: value for key, value in target.items() if key != "password"})

    assert look(given).worst("authentication").todo.startswith("--ask-password asks for one")


@pytest.mark.parametrize(
    ("error", "words", "todo"),
    [
        # the words of postinit.c and miscinit.c of PostgreSQL, the others of pkg/sql/pgwire/server.go of CockroachDB
        (ServerError("28000", 'role "bob" does not exist', severity="FATAL"), "does not exist", "check the name"),
        (ServerError("3D000", 'database "x" does not exist', severity="FATAL"), "does not exist", "check the name"),
        (TOO_MANY, "too many clients", "the server has no connection left"),
        (
            ServerError(
                "53300",
                "remaining connection slots are reserved for roles with the SUPERUSER attribute",
                severity="FATAL",
            ),
            "connection slots",
            "the server has no connection left",
        ),
        (SHUTTING_DOWN, "shutting down", "the server is being stopped"),
        (NOT_ACCEPTING, "not accepting clients", "the server is being stopped"),
    ],
)
def test_what_the_server_refuses_at_the_start_is_told_with_what_to_do(look, proxy, error, words, todo):
    proxy.rules.append(Fault(is_(START_UP), instead(error)))
    found = look(proxy.target).worst("authentication")

    assert found.state is PROBLEM
    assert words in found.said
    assert found.todo.startswith(todo)


def test_a_server_that_stops_midway_is_a_problem_of_the_check_that_noticed(look, proxy):
    proxy.rules.append(Fault(statement("SELECT clock_timestamp"), instead(SHUTTING_DOWN)))
    seen = look(proxy.target)

    assert seen.state("clock") is PROBLEM
    assert seen.worst("clock").said == "The connection to the server was lost."
    assert seen.state("latency") is OK


@pytest.mark.parametrize(("point", "check"), [("", "authentication"), ("SELECT clock_timestamp", "clock")])
def test_a_server_that_lets_in_and_then_does_not_answer_is_a_problem_of_the_check_that_waits(look, proxy, point, check):
    proxy.rules.append(Fault(lambda text: text not in _LETS_IN and point in text, lambda _: None))
    seen = look(proxy.target, timeout=0.5)

    assert seen.worst(check).said == "the server lets in, and then does not answer within 2.5 s"
    assert seen.state("past") is UNASKED


def test_a_server_that_does_not_let_in_is_waited_for_as_long_as_the_target_says(look, proxy):
    proxy.rules.append(Fault(is_(START_UP), lambda _: None))
    seen = look(proxy.target.having(connect_timeout="3"), timeout=0.5)

    assert seen.worst("authentication").said.endswith("timeout expired")


def test_a_setting_of_the_notebook_that_is_refused_is_a_problem(look, target):
    seen = look(target, told=SessionState({"ROLE": "SET ROLE nobody_of_that_name"}))

    assert seen.worst("authentication").said.startswith("what the notebook's connection was SET to is refused: ")
    assert seen.state("settings") is UNASKED


def test_a_question_that_the_server_refuses_is_no_problem_of_the_user(look, proxy):
    proxy.rules.append(Fault(lambda text: "pg_settings" in text, instead(_DENIED)))
    found = look(proxy.target).worst("settings")

    assert found.state is NOTE
    assert found.said == "the server refuses to tell: user root does not have VIEWACTIVITY privilege (SQLSTATE 42501)"


# What it is.


def test_the_server_says_what_it_can_do(look, target, server):
    said = look(target).of("server")[0].said

    assert said.startswith(f"{server}: ")
    assert ("priorities" in said.partition("; not: ")[0]) == server.priorities


def test_a_cluster_can_do_more_and_less(look, v26):
    assert look(v26.target).of("server")[0].said == (
        "CockroachDB v26.1.0: priorities, as-of of any instant that it keeps, COPY TO, cursors, commit timestamps, "
        "UPSERT, cancel by the protocol; not: schema changes in transactions"
    )


def test_an_old_server_is_worth_a_note(look, target, server):
    if server.is_cockroachdb:
        pytest.skip("a cluster answers for itself")
    old = replace(v22(), parameters={"crdb_version": "CockroachDB CCL v21.2.17 (x86_64-unknown-linux-gnu)"})
    with Proxy(target, personality=old) as proxy:
        # before v22.1 the session's name is asked for cancelling
        proxy.rules.extend([show("session_id", Table.of_texts("session_id", ("1",))), *_answers(proxy)])
        seen = look(proxy.target)

    assert seen.worst("server").said == "CockroachDB v21.2.17 is older than what crdb_magic is tried on"
    assert "commit timestamps" in seen.of("server")[0].said.partition("; not: ")[2]


def test_a_database_that_is_not_there_is_a_problem(look, v26):
    v26.rules.insert(0, show("DATABASES", Table.of_texts("database_name owner", ("system", "node"))))
    seen = look(v26.target)

    assert seen.worst("database").todo == f"CREATE DATABASE {v26.target['dbname']}"
    assert {seen.state(check) for check in ("privileges", "past")} == {UNASKED}


# Clock and latency.


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (10, "the server's clock is 10 s behind this machine's"),
        (-10, "the server's clock is 10 s ahead of this machine's"),
        (-0.75, None),
        (-0.25, "the clocks agree within "),
    ],
)
def test_a_clock_that_is_off_by_more_than_half_a_second_is_told(look, target, ahead, said):
    found = look(target, clock=lambda: datetime.now(UTC) + timedelta(seconds=ahead)).of("clock")[0]

    assert found.state is (OK if abs(ahead) < 0.5 else NOTE)
    assert found.said.startswith(said or "the server's clock is ")


@pytest.mark.parametrize(("seconds", "state"), [(0.25, NOTE), (0.125, NOTE), (0.0625, OK)])
def test_a_slow_way_is_told_by_the_median(look, target, seconds, state):
    found = look(target, timer=count(0, seconds).__next__).of("latency")[0]

    assert found.state is state
    assert found.said.endswith("the median of 10 times SELECT 1")


# Privileges.


@pytest.fixture
def nobody(session: Session) -> Iterator[tuple[str, str]]:
    """A role without privileges, and a schema that it sees."""
    name = unique("nobody")
    for sql in (f"CREATE ROLE {name}", f"CREATE SCHEMA s_{name}", f"GRANT USAGE ON SCHEMA s_{name} TO {name}"):
        session.ask(sql)
    yield name, f"s_{name}"
    for sql in (f"DROP SCHEMA s_{name}", f"DROP ROLE {name}"):
        session.ask(sql)


def test_who_may_all_is_told_so(look, target):
    seen = look(target)

    assert seen.state("privileges") is OK
    assert any("tables can be made" in one.said for one in seen.of("privileges"))


def test_what_a_role_lacks_is_told_with_what_grants_it(look, target, server, nobody):
    role, schema = nobody
    told = SessionState({"SEARCH_PATH": f"SET search_path = {schema}", "ROLE": f"SET ROLE {role}"})
    found = [one for one in look(target, told=told).of("privileges") if one.state is NOTE]

    in_cluster = "GRANT SYSTEM VIEWACTIVITY TO {}" if server.system_privileges else "ALTER USER {} VIEWACTIVITY"
    grant = (in_cluster if server.shows_sessions else "GRANT pg_read_all_stats TO {}").format(role)
    assert [one.todo for one in found] == [grant, f"GRANT CREATE ON SCHEMA {schema} TO {role}"]


def test_a_search_path_that_leads_nowhere_is_told(look, target):
    found = look(target, told=SessionState({"SEARCH_PATH": "SET search_path = nowhere"})).worst("privileges")

    assert found.said == "%crdb_write: no schema of the search_path is there"


def test_a_cluster_says_who_may_not_see_others(look, v26):
    v26.rules.insert(0, Fault(lambda text: "cluster_transactions" in text, instead(_DENIED)))
    found = look(v26.target).worst("privileges")

    assert found.said == "%crdb_activity: what other users do is not shown"
    assert found.todo.startswith("GRANT SYSTEM VIEWACTIVITY TO ")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (query(r"crdb_internal\.node_build_info", Table.of_texts("one", ("1",))), "crdb_internal is open"),
        (Fault(lambda text: "node_build_info" in text, instead(UNSAFE_INTERNALS)), "crdb_internal is closed"),
    ],
)
def test_a_cluster_says_whether_its_internals_are_open(look, v26, rule, said):
    v26.rules.insert(0, rule)

    assert any(one.said.startswith(said) for one in look(v26.target).of("privileges"))


# Settings.


@pytest.fixture
def set_to(look, target) -> Callable[[str, str], list]:
    def seen(name: str, value: str) -> list:
        return [one for one in look(target.having(options=f"-c {name}={value}")).of("settings") if one.state is NOTE]

    return seen


def test_settings_that_are_as_expected_are_one_line(look, target):
    found = look(target).of("settings")

    assert [one.state for one in found] == [OK]
    assert "intervalstyle postgres" in found[0].said
    assert "client_encoding UTF8" in found[0].said.replace("utf8", "UTF8")


def test_a_session_that_only_reads_is_told(set_to):
    (found,) = set_to("default_transaction_read_only", "on")

    assert found.said == "default_transaction_read_only is on: each write is refused"
    assert found.todo.startswith("SET default_transaction_read_only = off")


def test_a_limit_of_time_is_told_in_words(set_to):
    assert set_to("statement_timeout", "90000")[0].said.endswith("a statement ends after 1 min 30 s")


def test_what_a_notebook_has_set_counts(look, target):
    found = look(target, told=SessionState({"STATEMENT_TIMEOUT": "SET statement_timeout = 5000"})).worst("settings")

    assert found.said.endswith("a statement ends after 5 s")


def test_safe_updates_of_a_cluster_are_told(look, v26):
    rows = (("sql_safe_updates", "on"), ("autocommit_before_ddl", "off"))
    v26.rules.insert(0, query(r"pg_catalog\.pg_settings", Table.of_texts("name setting", *rows)))
    found = look(v26.target).of("settings")

    assert [one.said for one in found] == [
        "autocommit_before_ddl off",
        "sql_safe_updates is on: UPDATE and DELETE without WHERE, and DROP of what holds rows, are refused",
    ]


# The past.


def test_how_long_the_past_is_kept_is_told(look, v26):
    assert look(v26.target).of("past")[0].said == "kept for 4 h 0 min (gc.ttlseconds of RANGE default)"


def test_who_may_not_see_how_long_is_told(look, v26):
    v26.rules.insert(0, Fault(statement("SHOW ZONE CONFIGURATIONS"), instead(_DENIED)))
    found = look(v26.target).of("past")[0]

    assert found.state is NOTE
    assert "SQLSTATE 42501" in found.said


def test_a_past_that_this_process_keeps_is_told(look, target, server):
    if server.as_of_system_time:
        pytest.skip("it has one of its own")
    with closing(Keeper(target)):
        said = look(target).of("past")[0].said

    assert re.fullmatch(r"the local server keeps it from [-\d]+ [:\d]+ UTC on, as long as it runs", said)


def test_a_server_without_a_past_is_not_asked(look, target, server):
    if server.as_of_system_time:
        pytest.skip("it has one")

    assert look(target).state("past") is UNASKED
