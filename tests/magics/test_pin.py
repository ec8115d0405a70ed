"""%crdb_pin: one instant for the cells of a notebook."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from faults import ServerError, instead
from personality import TEXT, Table, always, show

from crdb_magic.errors import OptionError, ParameterError, StatementError


def numbers(notebook, options: str = "") -> list[int]:
    return list(notebook(f"%crdb_txn {options} SELECT n FROM log ORDER BY n").n)


def test_after_a_pin_all_cells_read_one_instant_until_it_is_off(log):
    log("%crdb_pin")
    log("%crdb_txn --as-of now INSERT INTO log VALUES (2)")
    pinned = numbers(log), list(log('%%crdb_txn --python\ndb.frame("SELECT n FROM log")').n)
    stepped_out = numbers(log, "--as-of now")
    log("%crdb_pin OFF")

    assert (pinned, stepped_out, numbers(log)) == (([1], [1]), [1, 2], [1, 2])


def test_the_pin_that_was_shown_can_be_come_back_to(log):
    log("%crdb_pin")
    found = re.fullmatch(r"Pinned to \S+ \S+; to come back to it: (%crdb_pin \S+)", log.shown.strip())
    log("%crdb_txn --as-of now INSERT INTO log VALUES (2)")
    log("%crdb_pin off")
    assert found is not None
    log(found[1])

    assert numbers(log) == [1]


def test_a_table_that_is_younger_is_not_there_and_why_is_told(log):
    log("%crdb_pin -1us")
    with pytest.raises(OptionError) as caught:
        log("%crdb_schema logs")

    assert "Did you mean log? What is younger than the pin, " in str(caught.value)


@pytest.mark.parametrize("line", ["{}", "'{}'", ":then"])
def test_an_instant_is_named_as_it_was_given(log, line):
    log("now = %crdb_txn SELECT cluster_logical_timestamp()::STRING AS t")
    log["then"] = log["now"].t[0]
    log("%crdb_pin " + line.format(log["then"]))

    assert log.shown.strip() == f"Pinned to {log['then']}."


def test_a_time_ago_may_be_written_as_it_is(log):
    log("%crdb_pin -1us")

    assert "to come back to it" in log.shown


def test_the_list_of_connections_tells_of_the_pin(log):
    log("%crdb_pin")
    log("%crdb_connect --list")
    pinned = log.shown
    log("%crdb_pin off")
    log("%crdb_connect --list")

    assert (", pinned to " in pinned, ", pinned to " in log.shown) == (True, False)


def test_a_write_is_refused_with_the_way_out(log):
    log("%crdb_pin")

    with pytest.raises(StatementError, match="--as-of now overrides it"):
        log("%crdb_txn INSERT INTO log VALUES (2)")


def test_so_is_one_in_a_python_cell(log):
    log("%crdb_pin")

    with pytest.raises(Exception, match="read-only") as caught:
        log('%%crdb_txn --python\ndb.execute_sql("INSERT INTO log VALUES (2)")')

    assert [line.partition(":")[0] for line in str(caught.value).splitlines()[-2:]] == [
        "Hint",
        "Nothing was committed.",
    ]


@pytest.mark.parametrize(
    ("line", "error", "match"),
    [
        ("yesterday", OptionError, "'yesterday' is not an instant"),
        ("10s", OptionError, "not in the past"),
        (":nothing", ParameterError, "no variable nothing"),
        (":frame", OptionError, "as-of takes no DataFrame"),
        ("--off", OptionError, "no option --off"),
    ],
)
def test_nonsense_is_refused(log, line, error, match):
    log["frame"] = pd.DataFrame({"n": [1]})
    with pytest.raises(error, match=match):
        log(f"%crdb_pin {line}")


# A pin to what was read, and how long one holds.


def test_a_frame_and_a_receipt_can_be_pinned_to_by_their_name(log):
    log("%%crdb_txn then << --as-of -1us\nSELECT n FROM log")
    log["receipt"] = log["crdb_receipt"]
    log("%crdb_txn INSERT INTO log VALUES (2)")
    read = []
    for name in ("then", ":then", "receipt", ":receipt"):
        log(f"%crdb_pin {name}")
        read.append(numbers(log))

    assert read == [[1]] * 4


def test_one_that_was_read_at_the_present_has_no_instant(log):
    log("df = %crdb_txn SELECT n FROM log")

    with pytest.raises(OptionError, match="That DataFrame has no timestamp"):
        log("%crdb_pin df")


def test_what_is_shown_of_no_pin_says_so(log):
    log("%crdb_pin --show")

    assert log.shown.strip() == "Not pinned: the present is read."


def test_the_instant_is_shown_with_its_time_and_how_long_it_is_kept(log, server):
    log("%crdb_pin")
    log("%crdb_pin --show")
    first, second = log.shown.strip().splitlines()

    assert re.fullmatch(r"Pinned to \d{19}(\.\d+)?: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, .+ ago\.", first)
    assert server.as_of_system_time or second == "The local server keeps it as long as it runs."


_PINNED = "1722882686481050825.0000000002"  # 2024-08-05 18:31:26 UTC


@pytest.fixture
def as_cockroachdb(as_v26, unconnected):
    """A notebook that is pinned, on a server of v26 whose zones are given."""

    def ask(zones) -> list[str]:
        as_v26.rules.append(zones)
        unconnected(f"%crdb_connect {' '.join(f'{key}={value}' for key, value in as_v26.target.items())}")
        unconnected(f"%crdb_pin {_PINNED}")
        unconnected("%crdb_pin --show")
        return unconnected.shown.strip().splitlines()

    return ask


def _zones(*rows: tuple[str, str]):
    return show("ZONE CONFIGURATIONS", Table([("target", TEXT), ("raw_config_sql", TEXT)], rows))


_DEFAULT = ("RANGE default", "ALTER RANGE default CONFIGURE ZONE USING\n\tgc.ttlseconds = 14400,\n\tnum_replicas = 3")


def test_until_when_the_cluster_keeps_it_is_told_and_why(as_cockroachdb):
    said = as_cockroachdb(_zones(_DEFAULT))

    assert said[0].startswith("Pinned to 1722882686481050825.0000000002: 2024-08-05 18:31:26 UTC, ")
    assert said[1:] == [
        "The server may have forgotten it since 2024-08-05 22:31:26 UTC: gc.ttlseconds = 14400 of RANGE default, "
        "the shortest in database defaultdb. %crdb_pin pins to now."
    ]


def test_one_that_is_still_kept_says_how_long(as_cockroachdb):
    (_, said) = as_cockroachdb(_zones(("RANGE default", "\tgc.ttlseconds = 3155760000")))

    assert said.startswith("The server remembers it until 2124-08-06 18:31:26 UTC at least, ")


def test_one_who_may_not_ask_is_told_that_it_is_not_known(as_cockroachdb):
    refused = always("SHOW ZONE", instead(ServerError("0A000", "operation is unsupported in multi-tenancy mode")))
    said = as_cockroachdb(refused)

    assert said[1:] == [
        "How long the server keeps it is not known here.",
        "How long its past is kept: refused by the server: operation is unsupported in multi-tenancy mode "
        "(SQLSTATE 0A000).",
    ]
