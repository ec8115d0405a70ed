"""%sql and %%sql, for those who ask for it."""

from __future__ import annotations

import pytest

from crdb_magic.errors import OptionError


@pytest.fixture
def named(notebook):
    notebook("%config CrdbMagic.sql = True")
    return notebook


def test_it_is_off_unless_asked_for(notebook):
    assert notebook.shell.find_line_magic("sql") is None


@pytest.mark.parametrize("cell", ["%sql SELECT 1 AS n", "%%sql\nSELECT 1 AS n", "%%sql --read-only\nSELECT :one AS n"])
def test_it_is_the_transaction_magic(named, cell):
    named["one"] = 1

    assert named(cell).n.tolist() == [1]


def test_a_result_is_named_as_jupysqls_users_do(named):
    named("%%sql answer <<\nSELECT 42 AS n")
    named("again = %sql SELECT 43 AS n")

    assert (named["answer"].n[0], named["again"].n[0]) == (42, 43)


def test_variables_of_the_calling_function_are_bound(named):
    named("def ask(n):\n    return get_ipython().run_line_magic('sql', 'SELECT :n::INT8 AS n')")

    assert named("ask(3)").n.tolist() == [3]


def test_its_help_is_the_same(named):
    find = named.shell.find_line_magic

    assert find("sql").__doc__ == find("crdb_txn").__doc__


@pytest.mark.parametrize("cell", ["%sql postgresql://root@nowhere/db", "%%sql crdb+pool://root:pw@nowhere\nSELECT 1"])
def test_a_url_leads_to_the_magic_that_connects(named, cell):
    with pytest.raises(OptionError, match="%crdb_connect URL") as caught:
        named(cell)

    assert "nowhere" not in str(caught.value)


@pytest.mark.parametrize("end", ["%config CrdbMagic.sql = False", "%unload_ext crdb_magic"])
def test_it_can_be_taken_away(named, end):
    named(end)

    assert (named.shell.find_line_magic("sql"), named.shell.find_cell_magic("sql")) == (None, None)


def test_a_configuration_asks_for_it_before_the_extension_is_loaded(unconnected):
    unconnected("%unload_ext crdb_magic")
    unconnected.shell.config.CrdbMagic.sql = True
    unconnected("%load_ext crdb_magic")

    assert unconnected.shell.find_cell_magic("sql") is not None


def test_it_outlives_a_reload(named):
    named("%reload_ext crdb_magic")

    assert named("%sql SELECT 1 AS n").n.tolist() == [1]


def _another(line: str, cell: str = "") -> str:
    return "another's"


@pytest.mark.parametrize("kind", ["line", "cell"])
def test_it_is_refused_while_another_extension_has_the_name(notebook, kind):
    notebook.shell.register_magic_function(_another, kind, "sql")
    notebook("%config CrdbMagic.sql = True")
    said = notebook.shown
    held = notebook.shell.find_magic("sql", kind)
    del notebook.shell.magics_manager.magics[kind]["sql"]

    assert held is _another
    assert "belongs to another extension" in said
    assert notebook("%config CrdbMagic.sql") is False


def test_whoever_took_the_name_since_keeps_it(named):
    named.shell.register_magic_function(_another, "line", "sql")
    named("%config CrdbMagic.sql = False")
    held = named.shell.magics_manager.magics["line"].pop("sql")

    assert (held, named.shell.find_cell_magic("sql")) == (_another, None)
