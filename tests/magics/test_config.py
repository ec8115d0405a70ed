"""%config CrdbMagic: what all cells and connections have that say nothing else."""

from __future__ import annotations

import pytest
from traitlets.config import Config

from crdb_magic.errors import OptionError, StatementError
from crdb_magic.magics.magic import CrdbMagic
from crdb_magic.magics.txn_options import TXN_OPTIONS


def asked(notebook, option, line=""):
    """Give what a cell with that line asked for, as its receipt has it."""
    notebook(f"%%crdb_txn {line}\nSELECT 1")
    options = notebook["crdb_receipt"].options
    owner = options.retry if option in {"max_attempts", "timeout"} else options
    value = getattr(owner, option)
    return getattr(value, "value", value)


# What is asked for by nobody, by %config, by the line against it; and what the line says to ask for nothing.
PRECEDENCE = [
    ("priority", [None, "high", "low", None], ["--priority low", "--priority none"]),
    ("isolation", [None, "read-committed", "serializable", None], ["--isolation serializable", "--isolation none"]),
    ("max_attempts", [20, 3, 4, 20], ["--max-attempts 4", "--max-attempts 20"]),
    ("timeout", [None, 30.0, 5.0, None], ["--timeout 5", "--timeout none"]),
]


# Those of frames, which no receipt has: test_frame_options.py, test_limit.py.
OF_FRAMES = {"numbers", "dates", "limit"}


def test_each_setting_that_is_an_option_too_has_its_precedence_told():
    options = {option.name.replace("-", "_") for option in TXN_OPTIONS}
    both = options & set(CrdbMagic.class_own_traits())

    assert {row[0] for row in PRECEDENCE} | OF_FRAMES == both, "give PRECEDENCE a row"


@pytest.mark.parametrize(("option", "values", "lines"), PRECEDENCE, ids=[row[0] for row in PRECEDENCE])
def test_the_library_gives_way_to_the_configuration_and_that_to_what_is_typed(notebook, option, values, lines):
    by_nobody = asked(notebook, option)
    notebook(f"%config CrdbMagic.{option} = {values[1]!r}")

    assert [by_nobody, asked(notebook, option), *(asked(notebook, option, line) for line in lines)] == values


def test_a_cell_of_python_has_the_configured_options_too(notebook):
    notebook("%config CrdbMagic.max_attempts = 3")
    notebook("%%crdb_txn --python\ndb.execute_sql('SELECT 1')")

    assert notebook["crdb_receipt"].options.retry.max_attempts == 3


def test_a_line_of_sql_in_a_cell_of_python_asks_for_nothing_again(notebook):
    notebook("%config CrdbMagic.priority = 'high'\n%config CrdbMagic.timeout = 30")
    value = notebook("%%crdb_txn --python\none = %crdb_txn SELECT 1 AS one\none.one.tolist()")

    assert value == [1]


def test_a_cell_that_goes_alone_does_so_again_if_nothing_is_asked_for(notebook, server):
    if server.is_cockroachdb:
        pytest.skip("VACUUM is PostgreSQL's")
    notebook("%config CrdbMagic.timeout = 30")

    with pytest.raises(StatementError, match="VACUUM"):
        notebook("%%crdb_txn\nVACUUM")

    notebook("%%crdb_txn --timeout none\nVACUUM")


@pytest.mark.parametrize("word", ["none", "None", ":nothing"])
def test_nothing_is_asked_for_by_a_word_or_a_variable(notebook, word):
    notebook["nothing"] = None
    notebook("%config CrdbMagic.timeout = 30")

    assert asked(notebook, "timeout", f"--timeout {word}") is None


def test_a_word_that_does_not_exist_is_refused_as_before(notebook):
    with pytest.raises(OptionError, match="priority 'nonne' does not exist: low, normal, high"):
        notebook("%crdb_txn --priority nonne SELECT 1")


@pytest.mark.parametrize(
    "assignment",
    [
        "priority = 'urgent'",
        "isolation = 'snapshot'",
        "max_attempts = 0",
        "timeout = 0",
        "timeout = '5s'",
        "timeout = float('nan')",
        "timeout = float('inf')",
        "timeout = 1e12",
        "max_attempts = True",
        "limit = True",
        "limit = 10**30",
        "guard = 10**30",
        "settings = {'search_path; DROP': 'x'}",
        "settings = {'search_path': []}",
        "settings = {'search_path': [1]}",
        "settings = {'search_path': 'public, pg_catalog'}",
        "settings = 'statement_timeout'",
    ],
)
def test_a_value_that_there_is_not_is_refused_and_changes_nothing(unconnected, caplog, assignment):
    trait = assignment.partition(" ")[0]
    before = unconnected(f"%config CrdbMagic.{trait}")
    unconnected(f"%config CrdbMagic.{assignment}")

    assert trait in caplog.text  # where IPython says it
    assert unconnected(f"%config CrdbMagic.{trait}") == before


@pytest.fixture
def configured(unconnected):
    """Loads the extension in a shell that was configured so, while no cell runs."""

    def load(**settings):
        unconnected.shell.run_line_magic("unload_ext", "crdb_magic")
        unconnected.shell.config.CrdbMagic = Config(settings)
        unconnected.shell.run_line_magic("load_ext", "crdb_magic")
        return unconnected

    return load


def test_a_setting_that_is_refused_takes_no_other_with_it(configured):
    notebook = configured(limit=7, dtype_backend="pyarrow", sql=True, max_attempts=0)

    values = [notebook(f"%config CrdbMagic.{name}") for name in ("limit", "dtype_backend", "sql", "max_attempts")]
    assert values == [7, "numpy", True, 20]


def test_what_was_refused_is_said_by_the_first_cell_alone(configured):
    notebook = configured(dtype_backend="pyarrow", max_attempts=0)
    notebook("None")
    first = notebook.shown.splitlines()
    notebook("None")

    assert [line.rpartition(". ")[2] for line in first[:2]] == [
        "CrdbMagic.dtype_backend has its default.",
        "CrdbMagic.max_attempts has its default.",
    ]
    assert notebook.shown == ""


def test_what_was_refused_is_told_by_the_doctor_too(configured):
    notebook = configured(dtype_backend="pyarrow")
    report = notebook("%crdb_doctor --timeout 0.1")

    (found,) = [one for one in report.findings if one.check == "configuration"]
    assert found.said.endswith("CrdbMagic.dtype_backend has its default.")


# What each new connection is told.


def shown(notebook, setting):
    return notebook(f"%crdb_txn SHOW {setting}").iloc[0, 0]


@pytest.fixture
def told(unconnected, url):
    """A connection that was told two settings."""
    unconnected('%config CrdbMagic.settings = {"statement_timeout": "90s", "application_name": "it\'s ours"}')
    unconnected(f"%crdb_connect {url}")
    return unconnected


def test_a_new_connection_is_told_the_settings(told):
    assert shown(told, "application_name") == "it's ours"
    assert str(shown(told, "statement_timeout")) in {"90s", "1min 30s", "90000"}


def test_a_connection_that_stands_in_for_a_lost_one_is_told_the_settings_again(told):
    told.shell.magics_manager.registry["CrdbMagic"].connections.get().connection.close()

    assert shown(told, "application_name") == "it's ours"


def test_a_connection_that_is_open_is_not_told_what_is_configured_afterwards(notebook):
    notebook('%config CrdbMagic.settings = {"application_name": "later"}')

    assert shown(notebook, "application_name") == "crdb_magic"


def test_a_cell_may_set_it_otherwise(told):
    told("%crdb_txn SET application_name = 'mine'")

    assert shown(told, "application_name") == "mine"


def test_values_may_be_numbers_and_truth_values(unconnected, url):
    unconnected('%config CrdbMagic.settings = {"statement_timeout": 90000, "default_transaction_read_only": True}')
    unconnected(f"%crdb_connect {url}")

    assert shown(unconnected, "default_transaction_read_only") == "on"


def test_a_value_may_be_a_list(unconnected, url):
    unconnected("%config CrdbMagic.settings = {'search_path': ['public', 'a, b', 'pg_catalog']}")
    unconnected(f"%crdb_connect {url}")

    assert shown(unconnected, "search_path") == 'public, "a, b", pg_catalog'


def test_the_example_is_taken_by_a_local_server(unconnected):
    unconnected(f"%config CrdbMagic.settings = {CrdbMagic.settings.help.partition(': ')[2].rstrip('.')}")
    unconnected("%crdb_connect --local")

    assert str(shown(unconnected, "statement_timeout")) in {"30s", "30000"}


def test_a_local_server_is_told_too(unconnected):
    unconnected('%config CrdbMagic.settings = {"application_name": "here"}')
    unconnected("%crdb_connect --local")

    assert shown(unconnected, "application_name") == "here"


def test_a_setting_that_the_server_refuses_leaves_the_connection_before_and_says_where_it_stands(notebook, url):
    notebook('%config CrdbMagic.settings = {"no_such_setting": "on"}')
    with pytest.raises(StatementError, match=r"(?s)no_such_setting.*It stands in %config CrdbMagic\.settings\."):
        notebook(f"%crdb_connect {url}")

    assert shown(notebook, "application_name") == "crdb_magic"
