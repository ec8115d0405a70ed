"""What users of other tools type: what it is here, and where nothing is meant."""

from __future__ import annotations

import peewee
import pytest
from playhouse.cockroachdb import CockroachDatabase

from crdb_magic.errors import CrdbMagicError, OptionError
from crdb_magic.magics import MAGICS
from crdb_magic.magics.habits import assignment_meant, option_meant, refuse_address

_NAMED = {magic.name: magic for magic in MAGICS}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("alias", "--name NAME"),
        ("max_results", "It is --limit."),
        ("persist", "%crdb_write df --table TABLE"),
        ("persist-replace", "--mode replace"),
        ("append", "--mode append"),
        ("connections", "%crdb_connect --list"),
        ("params", ":name in the SQL"),
        ("prio", "Did you mean --priority?"),
        ("zzz", "None"),
    ],
)
def test_an_option_of_another_tool_is_told_as_ours(name, hint):
    assert hint in str(option_meant(name, ["priority", "limit"]))


@pytest.mark.parametrize(
    ("rest", "hint"),
    [
        ("df", "df << puts the result into df; --on df uses the connection of that name."),
        ("df < <", "df << puts the result into df."),
        ("df <", "df << puts the result into df."),
        ("df =", "df << puts the result into df."),
        ("2df <<", "'2df' is not a valid variable name: letters, digits and _, not beginning with a digit."),
        ("SELECT", None),
        ("SELECT 1", None),
        ("Berlin 'x'", None),
        ("df.x", None),
    ],
)
def test_how_a_result_gets_its_name_is_told(rest, hint):
    assert assignment_meant(rest) == hint


@pytest.mark.parametrize(
    ("name", "line", "cell"),
    [
        ("crdb_txn", "-limit 5", "SELECT 1"),
        ("crdb_txn", "df << \u2013limit 5", "SELECT 1"),
        ("crdb_txn", "\u2014limit 5 SELECT 1", None),
        ("crdb_connect", "postgresql://h/d -name prod", None),
    ],
)
def test_an_option_has_two_dashes(name, line, cell):
    with pytest.raises(OptionError, match=r"There is no option .\w+\.\nHint: Did you mean --(limit|name)\?"):
        _NAMED[name].read(line, cell, {})


@pytest.mark.parametrize(
    ("name", "line"), [("crdb_pin", "-1h"), ("crdb_write", "-table --table t"), ("crdb_txn", "SELECT 1 -limit")]
)
def test_one_dash_may_be_meant(name, line):
    assert _NAMED[name].read(line, None, {"limit": 1}).rest == line.partition(" --")[0]


@pytest.mark.parametrize("text", ["url", "{{url}}", "{{ url }}", "{url}", "$url", "${url}"])
def test_a_variable_in_the_way_of_another_tool_is_no_address(text):
    with pytest.raises(OptionError, match="A variable is written :url"):
        refuse_address(text, {"url": "postgresql://u:s3cret@h/d"})


@pytest.mark.parametrize("text", ["", "other", "host=url", "postgresql://url@h/d", ":url", "number"])
def test_what_is_no_variable_may_be_an_address(text):
    refuse_address(text, {"url": "postgresql://h/d", "number": 1})


@pytest.mark.parametrize("kind", [CockroachDatabase, peewee.PostgresqlDatabase], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("text", ["old_db", ":old_db"])
def test_a_database_of_peewees_own_is_told_from_ours(kind, text):
    with pytest.raises(
        OptionError, match=r"is a (playhouse\.cockroachdb|peewee)\.\w+, .*\n.* import CockroachDatabase"
    ):
        refuse_address(text, {"old_db": kind("bank")})


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("%%crdb_txn df\nSELECT 1", "df << puts the result into df"),
        ("%crdb_txn default", "default is a connection.\nHint: --on default uses it."),
        ("%crdb_txn --persist df", "%crdb_write df"),
        ("%crdb_connect {{url}}", "written :url"),
        ("%crdb_connect old_db", "is a playhouse.cockroachdb.CockroachDatabase"),
        ("%crdb_pin of", "Did you mean off?"),
        ("%crdb_pin foo", "is not an instant"),
    ],
)
def test_in_a_notebook_it_is_told(notebook, cell, words):
    notebook["old_db"] = CockroachDatabase("bank")
    with pytest.raises(CrdbMagicError) as caught:
        notebook(cell)

    assert words in str(caught.value)
