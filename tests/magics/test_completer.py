"""Tab in IPython: what its completer offers within our magics. ``|`` is the cursor."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest
from IPython.core.completer import Completion, provisionalcompleter

from crdb_magic.magics.audience import Audience
from crdb_magic.magics.names_cache import THREAD

Tab = Callable[[str], list[str]]


def completions(shell: Any, typed: str) -> list[Completion]:
    with provisionalcompleter():
        return list(shell.Completer.completions(typed.replace("|", "", 1), typed.index("|")))


def all_read() -> None:
    for thread in threading.enumerate():
        if thread.name == THREAD:
            thread.join()


@pytest.fixture
def tab_alone(unconnected) -> Tab:
    """What is offered where there is no connection."""
    return lambda typed: [one.text for one in completions(unconnected.shell, typed)]


@pytest.fixture
def tab(notebook) -> Tab:
    """What is offered when all is read."""

    def press(typed: str) -> list[str]:
        completions(notebook.shell, "%crdb_txn |")
        all_read()
        return [one.text for one in completions(notebook.shell, typed)]

    return press


@pytest.fixture
def things(notebook) -> Iterator[str]:
    """A table with a name that needs quotes, and one of its columns too."""
    notebook('%crdb_txn CREATE TABLE IF NOT EXISTS "Things of Tab" (id INT PRIMARY KEY, "in" INT, weight INT)')
    yield '"Things of Tab"'
    notebook('%crdb_txn DROP TABLE IF EXISTS "Things of Tab"')


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("%%crdb_txn --pri|", ["--priority"]),
        ("%crdb_txn --pri|", ["--priority"]),
        ("df = %crdb_txn --pri|", ["--priority"]),
        ("%time df = %crdb_txn --pri|", ["--priority"]),
        ("%%time\n%%crdb_txn --pri|\nSELECT 1", ["--priority"]),
        ("%%capture out\n\n%%crdb_txn\nselect 1 fr|", ["from"]),
        ("%%crdb_txn df << --pri|", ["--priority"]),
        ("%%crdb_txn --pri|ority high", []),
        ("%%crdb_txn --pri|ity high", ["--prior"]),
        ("%%crdb_txn --priority hi|gh", []),
        ("%%crdb_txn --read| --read-only", []),
        ("%%crdb_txn --re| --as arrow", ["--read-only"]),
        ("%%crdb_txn --read-only --read|", []),
        ("%%crdb_txn --priority |", ["low", "normal", "high", "none"]),
        ("%%crdb_txn --priority h|", ["high"]),
        ("%%crdb_txn --priority=h|", ["high"]),
        ("%%crdb_txn --as a|", ["arrow"]),
        ("%%crdb_txn --isolation |", ["serializable", "read-committed", "none"]),
        ("%%crdb_txn --as-of f|", ["follower"]),
        ("%%crdb_txn --as-of -1|", ["-10s", "-1m", "-1h"]),
        ("%%crdb_txn --timeout |", []),
        ("%crdb_write df --mode u|", ["upsert"]),
        ("%crdb_write df --mo|", ["--mode"]),
        ("%crdb_pin o|", ["off"]),
        ("%crdb_pin --s|", ["--show"]),
        ("%crdb_receipt --a|", ["--all"]),
        ("%crdb_rerun df --k|", ["--key"]),
        ("%crdb_freeze o|", ["off"]),
        ("%crdb_connect --fr|", ["--frozen"]),
        ("%crdb_connect --l|", ["--local", "--list"]),
    ],
)
def test_options_and_their_words_come_from_the_tables_of_options(tab_alone, typed, offered):
    assert tab_alone(typed) == offered


def test_each_option_of_each_magic_is_offered(unconnected, tab_alone):
    magics = unconnected.shell.magics_manager.registry["CrdbMagic"].magics["line"]
    for name, function in magics.items():
        assert tab_alone(f"%{name} --|") == [f"--{option.name}" for option in function.declared.options]


def test_variables_stand_where_a_value_may_be_one(unconnected, tab_alone):
    unconnected("moment = '-3s'; import json")

    assert tab_alone("%crdb_txn --as-of :|") == [":moment"]
    assert tab_alone("%%crdb_txn\nSELECT :mo|") == [":moment"]


@pytest.mark.parametrize("magic", ["%crdb_pin", "%crdb_rerun"])
def test_frames_stand_where_one_is_read_again_or_names_an_instant(unconnected, tab_alone, magic):
    unconnected("import pandas as pd; prices = pd.DataFrame()")

    assert tab_alone(f"{magic} pr|") == ["prices"]


def test_connections_are_named(notebook, tab, url):
    notebook(f"%crdb_connect {url} --name other")

    assert tab("%crdb_txn --on |") == ["default", "other"]
    assert tab("%crdb_connect --use o|") == ["other"]
    assert tab("%crdb_connect --close d|") == ["default"]


def test_frames_and_their_columns_are_named(unconnected, tab_alone):
    unconnected["flights"] = pd.DataFrame({"id": [1], "from": [2], "a b": [3]})
    unconnected["other"] = 1

    assert tab_alone("%crdb_write |") == ["flights"]
    assert tab_alone("%crdb_rerun |") == ["flights"]
    assert tab_alone("%crdb_rerun flights --key id,f|") == ["from"]
    assert tab_alone("%crdb_write flights --key |") == ["uuid", "rowid", "id", "from", '"a b"']
    assert tab_alone("%crdb_write flights --key id,f|") == ["from"]
    assert tab_alone("%crdb_write flights --dtype i|") == ["id"]


def test_databases_of_the_notebook_are_named(unconnected, tab_alone, url):
    unconnected(f"from crdb_magic import CockroachDatabase\nbank = CockroachDatabase({url!r})")

    assert tab_alone("%crdb_connect |") == ["bank"]


def test_files_are_completed_behind_the_query(tab_alone, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flights.parquet").touch()

    assert tab_alone("%crdb_export 'SELECT 1' fl|") == ["flights.parquet"]
    assert tab_alone("%%crdb_export fl|\nSELECT 1") == ["flights.parquet"]


@pytest.mark.parametrize(
    "typed",
    [
        "%%crdb_txn\nSELECT w| FROM {}",
        "%%crdb_txn --read-only\n\nSELECT 1;\nSELECT w| FROM {}",
        "%crdb_txn SELECT w| FROM {}",
        "df = %crdb_txn --read-only SELECT w| FROM {}",
        "if True:\n    df = %crdb_txn SELECT w| FROM {}",
        "%%crdb_export x.csv\nSELECT w| FROM {}",
        "%crdb_export 'SELECT w| FROM {}' x.csv",
        "%%crdb_txn --python\ndb.frame('SELECT w| FROM {}')",
        '%%crdb_txn --python\nn = db.rows("""\nSELECT w| FROM {}""")',
        "%%crdb_txn --python\ndf = %crdb_txn SELECT w| FROM {}",
    ],
)
def test_sql_is_completed_wherever_it_stands(tab, things, typed):
    assert tab(typed.format(things))[0] == "weight"


def test_names_are_quoted_where_they_need_it_and_tell_what_they_are(notebook, tab, things):
    tab("%crdb_txn |")
    found = completions(notebook.shell, f"%crdb_txn SELECT i| FROM {things}")

    assert [(one.text, one.type) for one in found][:2] == [("id", "column"), ('"in"', "column")]


def test_a_table_is_completed_where_an_option_or_a_magic_takes_one(tab, things):
    assert tab("%crdb_schema thi|") == [things]
    assert tab("%crdb_write df --table things|") == [things]
    assert tab('%crdb_write df --table public."Th|') == [things]


@pytest.mark.parametrize("typed", ["%%crdb_txn\nSELECT 'pri|", "%%crdb_txn\n-- pri|", "%%crdb_txn\nSELECT prin|"])
def test_where_we_have_nothing_to_say_python_has_not_either(tab_alone, typed):
    assert tab_alone(typed) == []


def test_another_name_of_the_magic_is_completed_as_itself(unconnected, tab_alone):
    unconnected("%config CrdbMagic.sql = True")

    assert tab_alone("%%sql --pri|") == ["--priority"]
    assert tab_alone("%%sql\nSEL|") == ["SELECT"]


def test_an_expression_in_the_place_of_a_frame_is_python(unconnected, tab_alone):
    unconnected["flights"] = pd.DataFrame({"id": [1]})

    assert any(one.endswith("head") for one in tab_alone("%crdb_write flights.hea|"))
    assert tab_alone("%crdb_export fli|") == ["flights"]


def test_python_is_completed_as_it_was(unconnected, tab_alone):
    unconnected("class Accounts: pass")

    assert "print" in tab_alone("pri|")
    assert "Accounts" in tab_alone("%%crdb_txn --python\nAcco|")
    assert "Accounts" in tab_alone("%%time\nAcco|")
    assert "%crdb_txn" in tab_alone("%crdb_t|")


def test_the_database_of_a_python_cell_has_its_methods(tab_alone):
    offered = tab_alone("%%crdb_txn --python\nx = db.|")

    assert {"frame", "rows", "execute_sql", "atomic"} <= {*offered}
    assert offered.index("frame") < offered.index("atomic")
    assert tab_alone("%%crdb_txn --python\nmydb.fra|") == []


def test_what_a_cell_has_made_is_known_when_it_has_ended(notebook, tab):
    assert "tab_made" not in tab("%crdb_txn SELECT * FROM tab_|")
    notebook("%crdb_txn CREATE TABLE tab_made (id INT PRIMARY KEY)")
    try:
        assert "tab_made" in tab("%crdb_txn SELECT * FROM tab_|")
    finally:
        notebook("%crdb_txn DROP TABLE tab_made")
    assert "tab_made" not in tab("%crdb_txn SELECT * FROM tab_|")


def test_what_write_has_made_is_known(notebook, tab):
    notebook["df"] = pd.DataFrame({"n": [1]})
    tab("%crdb_txn |")
    notebook("%crdb_write df --table tab_written")
    try:
        assert tab("%crdb_txn SELECT * FROM tab_w|") == ["tab_written"]
    finally:
        notebook("%crdb_txn DROP TABLE tab_written")


def test_the_path_that_was_set_counts(notebook, tab):
    notebook("%crdb_txn CREATE SCHEMA tab_schema")
    notebook("%crdb_txn CREATE TABLE tab_schema.tab_inner (id INT PRIMARY KEY)")
    try:
        assert tab("%crdb_txn SELECT * FROM tab_i|") == ["tab_schema.tab_inner"]
        notebook("%crdb_txn SET search_path = tab_schema")
        assert tab("%crdb_txn SELECT * FROM tab_i|") == ["tab_inner"]
    finally:
        notebook("%crdb_txn SET search_path = public")
        notebook("%crdb_txn DROP SCHEMA tab_schema CASCADE")


def test_a_named_connection_is_the_one_that_is_asked(notebook, url, things):
    notebook(f"%crdb_connect {url} --name other")
    completions(notebook.shell, "%crdb_txn --on default SELECT |")
    all_read()

    assert "weight" in [
        one.text for one in completions(notebook.shell, f"%crdb_txn --on default SELECT w| FROM {things}")
    ]
    assert completions(notebook.shell, f"%crdb_txn --on nobody SELECT we| FROM {things}") == []


def test_a_server_that_is_gone_is_passed_over_quietly(notebook, through, proxy, capfd):
    notebook.shell.magics_manager.registry["CrdbMagic"].connections._add("away", through)
    proxy.refuse()
    completions(notebook.shell, "%crdb_txn SELECT |")
    all_read()

    assert capfd.readouterr() == ("", "")
    assert [one.text for one in completions(notebook.shell, "%crdb_txn SELECT 1 FR|")] == ["FROM"]


def test_nothing_is_read_within_a_transaction(notebook, url):
    notebook(f"from crdb_magic import CockroachDatabase\ndb = CockroachDatabase({url!r})\n%crdb_connect db")
    notebook("block = db.atomic(); block.__enter__(); db.execute_sql('SELECT 1')")
    completions(notebook.shell, "%crdb_txn SELECT |")
    reading = [thread for thread in threading.enumerate() if thread.name == THREAD]
    notebook("block.__exit__(None, None, None); db.close()")

    assert reading == []


@pytest.mark.parametrize(("audience", "reads"), [(Audience.NOBODY, False), (Audience.TERMINAL, True)])
def test_names_are_read_ahead_only_for_who_may_press_tab(notebook, monkeypatch, audience, reads):
    started = []
    monkeypatch.setattr(threading.Thread, "start", lambda self: started.append(self.name))
    monkeypatch.setattr(Audience, "of", lambda _: audience)
    notebook("%crdb_txn CREATE TABLE IF NOT EXISTS tab_ahead (id INT PRIMARY KEY)")
    monkeypatch.undo()
    notebook("%crdb_txn DROP TABLE tab_ahead")

    assert (THREAD in started) is reads


def test_it_is_taken_away_with_the_extension_and_not_doubled_by_a_reload(unconnected):
    ours = unconnected.shell.Completer.custom_matchers
    unconnected("%reload_ext crdb_magic")
    reloaded = len(ours)
    unconnected("%unload_ext crdb_magic")
    unloaded = len(ours)
    unconnected("%load_ext crdb_magic")

    assert (reloaded, unloaded, len(ours)) == (1, 0, 1)


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_the_old_interface_of_the_completer_works_too(unconnected):
    line = "%crdb_txn --prio"

    assert unconnected.shell.Completer.complete(line_buffer=line, cursor_pos=len(line))[1] == ["--priority"]
