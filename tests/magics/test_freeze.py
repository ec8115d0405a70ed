"""%crdb_freeze and %crdb_connect --frozen: a notebook gives the same outputs again, to the byte, without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from proxy import Proxy
from tables import unique

from crdb_magic.core.server import Server
from crdb_magic.core.target import Target
from crdb_magic.errors import NotRecordedError, OptionError, RecordingError
from crdb_magic.frozen import store
from crdb_magic.frozen.events import EventKind
from crdb_magic.frozen.manifest import load

TABLE = unique("frozen")
MADE = [
    f"%crdb_txn DROP TABLE IF EXISTS {TABLE}",
    f"%crdb_txn CREATE TABLE {TABLE} (id INT PRIMARY KEY, owner TEXT, balance DECIMAL(12,2), at TIMESTAMPTZ)",
    f"%%crdb_txn\nINSERT INTO {TABLE} VALUES (1, 'Ann', 100, '2026-01-01 10:00+02'), (2, 'Bob', NULL, NULL);\n"
    f"SELECT * FROM {TABLE} ORDER BY id",
]
ALL = f"%crdb_txn SELECT * FROM {TABLE} ORDER BY id"
WRITTEN = f"%crdb_txn UPDATE {TABLE} SET balance = balance + 1 WHERE id = 1"

CELLS = {
    "SQL": [ALL, WRITTEN, ALL],
    "parameters": [
        f"ids, name = [1, 2], 'Ann'\n%crdb_txn SELECT * FROM {TABLE} WHERE id = ANY(:ids) OR owner = :name ORDER BY id"
    ],
    "every form of a value": [
        f"%crdb_txn --as {form} SELECT * FROM {TABLE} ORDER BY id" for form in ("frame", "arrow", "polars", "rows")
    ],
    "the past": [
        "%crdb_pin -1us", ALL, f"%crdb_txn --as-of now UPDATE {TABLE} SET balance = 7", ALL, "%crdb_pin off", ALL,
    ],
    "the present again": ["%crdb_pin", ALL, "%crdb_connect --list", "%crdb_pin off"],
    "the last receipt": [WRITTEN, "crdb_receipt", "%crdb_receipt", ALL, "%crdb_receipt"],
    "what a write left": [WRITTEN, f"%crdb_txn --as-of :crdb_receipt SELECT * FROM {TABLE} ORDER BY id"],
    "what is read again": ["%crdb_pin -1us", f"df = {ALL}", "%crdb_rerun df", "%crdb_pin off"],
    "a receipt": [f"f = %crdb_txn SELECT * FROM {TABLE} ORDER BY id\nf.attrs['crdb']"],
    "an error": [f"%%crdb_txn\nINSERT INTO {TABLE} VALUES (9, 'Eve', 1, NULL);\nSELECT *\nFROM nowhere", ALL],
    "a misspelt name": [f"%crdb_txn SELECT * FROM {TABLE[:-1]}", ALL],
    "a broken constraint": [f"%crdb_txn INSERT INTO {TABLE} VALUES (1, 'Ann', 1, NULL)", ALL],
    "a dry run": [f"%%crdb_txn --dry-run\n{WRITTEN[10:]};\n{ALL[10:]}", ALL],
    "a savepoint": [f"%%crdb_txn\nSAVEPOINT s;\n{WRITTEN[10:]};\nROLLBACK TO s;\n{ALL[10:]}"],
    "Python": [
        f'%%crdb_txn --python\ndb.execute_sql("UPDATE {TABLE} SET balance = balance + %s WHERE id = %s", (5, 1))\n'
        f'print(db.execute_sql("SELECT id, balance, at FROM {TABLE} WHERE id < %s ORDER BY id", (9,)).fetchall())\n'
        f'db.frame("SELECT * FROM {TABLE} ORDER BY id")',
    ],
    "Python that fails": [f'%%crdb_txn --python\ndb.execute_sql("{WRITTEN[10:]}")\n1 / 0', ALL],
    "a frame that is written": [
        "import pandas as pd\nmore = pd.DataFrame({'id': [5, 6], 'owner': ['x', None]})",
        f"%crdb_write more --table {TABLE} --mode append",
        ALL,
    ],
    "a file": [
        "import os, tempfile; os.chdir(tempfile.mkdtemp())",
        f"%crdb_export 'SELECT id, owner FROM {TABLE} ORDER BY id' a.csv",
        "from pathlib import Path\nprint(Path('a.csv').read_text())",
    ],
    "a stream": [
        "db = __import__('crdb_magic').CockroachDatabase(url)",
        f"[list(f.id) for f in db.frames('SELECT * FROM {TABLE} ORDER BY id', 1)]",
        "db.close()",
    ],
    "a setting": [
        "%crdb_txn SET TIME ZONE 'Europe/Oslo'", "%crdb_txn SHOW TIME ZONE", ALL, "%crdb_txn RESET TIME ZONE", ALL,
    ],
    "the settings of connections": [
        '%config CrdbMagic.settings = {"statement_timeout": "90s"}', "%crdb_connect :url",
        "%crdb_txn SHOW statement_timeout", "%config CrdbMagic.settings = {}", "%crdb_connect :url", ALL,
    ],
    "a schema": [f"%crdb_schema {TABLE}", f"%crdb_schema {TABLE} --diagram"],
    "a plan": [f"%crdb_txn --explain SELECT * FROM {TABLE} WHERE id = 1"],
    "the limit": [f"%crdb_txn --limit 1 SELECT * FROM {TABLE} ORDER BY id"],
    "a value that differs on each run": ["%crdb_txn SELECT now() AS n, gen_random_uuid() AS u"] * 2,
}  # fmt: skip


class Twice:
    """A notebook that is run on a server, and again from the recording, when nobody is there."""

    def __init__(self, notebook: Any, proxy: Proxy, folder: Path, environment: pytest.MonkeyPatch) -> None:
        self.notebook, self.proxy, self.folder, self._environment = notebook, proxy, folder, environment
        notebook["url"] = spelled(proxy.target)

    def live(self, *cells: str) -> list[Any]:
        """Run the notebook, recorded, and give what each of its cells shows."""
        around = "%crdb_connect :url", f"%crdb_freeze {self.folder}", *cells, "%crdb_freeze off"
        shown = [self.shown(cell) for cell in around]
        self.notebook("%crdb_connect --close default")
        return shown

    def unchanged(self, *cells: str) -> list[Any]:
        """Run it in another kernel, which the environment serves."""
        self.proxy.close()
        self.begin_under("CRDB_MAGIC_FROZEN", self.folder)
        return self.live(*cells)

    def begin_under(self, variable: str, folder: Path) -> None:
        """Begin another kernel, with a variable of the environment."""
        self._environment.setenv(variable, str(folder))
        self.notebook.shell.run_line_magic("unload_ext", "crdb_magic")
        self.notebook.shell.run_line_magic("load_ext", "crdb_magic")

    def frozen(self, *cells: str) -> list[Any]:
        """Run cells behind --frozen."""
        self.proxy.close()
        self.notebook(f"%crdb_connect --frozen {self.folder}")
        return [self.shown(cell) for cell in cells]

    def shown(self, cell: str) -> Any:
        """Give all that a cell shows: its outputs and its value, or its error."""
        try:
            value = self.notebook(cell)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        shown = self.notebook.forms(value) if value is not None else None
        return [output.data for output in self.notebook.outputs], shown, self.notebook.shown


def spelled(target: Target) -> str:
    """Spell a target as a URL."""
    parts = dict(target)
    user, password, host, port, database = (
        quote(parts.pop(key, "")) for key in ("user", "password", "host", "port", "dbname")
    )
    return f"postgresql://{user}:{password}@{host}:{port}/{database}?{urlencode(parts, quote_via=quote)}"


@pytest.fixture
def twice(unconnected: Any, proxy: Proxy, past: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Twice:
    return Twice(unconnected, proxy, tmp_path / "frozen", monkeypatch)


@pytest.mark.parametrize("cells", CELLS.values(), ids=CELLS)
def test_what_is_shown_is_the_same_to_the_byte(twice: Twice, cells: list[str]) -> None:
    live = twice.live(*MADE, *cells)

    assert twice.unchanged(*MADE, *cells) == live


@pytest.fixture
def frozen(twice: Twice) -> Twice:
    """A recorded notebook that has read the table, changed it and read it again, from the top."""
    twice.live(*MADE, "who = 'Ann'", BY_NAME, WRITTEN, BY_NAME)
    twice.frozen()
    return twice


BY_NAME = f"%crdb_txn SELECT id, balance FROM {TABLE} WHERE owner = :who ORDER BY id"


def test_a_query_with_another_value_is_refused_and_the_difference_is_shown(frozen: Twice) -> None:
    for cell in (*MADE, "who = 'Bob'"):
        frozen.shown(cell)
    with pytest.raises(NotRecordedError) as caught:
        frozen.notebook(BY_NAME)

    assert str(caught.value).splitlines()[1:4] == ["There it has other values:", "- who = 'Ann'", "+ who = 'Bob'"]


def test_so_is_other_sql(frozen: Twice) -> None:
    for cell in MADE:
        frozen.shown(cell)
    with pytest.raises(NotRecordedError) as caught:
        frozen.notebook(BY_NAME.replace("ORDER BY id", "ORDER BY balance").replace(":who", "'Ann'"))

    assert [line[-20:] for line in str(caught.value).splitlines()[2:4]] == [
        "owner = 'Ann' ORDER BY id"[-20:],
        "owner = 'Ann' ORDER BY balance"[-20:],
    ]


def test_a_write_that_is_skipped_makes_what_was_read_behind_it_another_question(frozen: Twice) -> None:
    for cell in (*MADE, "who = 'Ann'", BY_NAME):
        frozen.shown(cell)

    assert "100.00" in str(frozen.shown(BY_NAME))  # once more, of the same state: not the later answer


def test_a_write_that_was_not_recorded_is_refused(frozen: Twice) -> None:
    for cell in MADE:
        frozen.shown(cell)
    with pytest.raises(NotRecordedError, match="This write is not in the recording"):
        frozen.notebook(f"%crdb_txn DELETE FROM {TABLE}")


def test_connecting_again_begins_from_the_top(frozen: Twice) -> None:
    cells = (*MADE, "who = 'Ann'", BY_NAME, WRITTEN, BY_NAME)

    assert frozen.frozen(*cells) == frozen.frozen(*cells)


def test_the_variable_of_the_environment_serves_whatever_is_connected_to(frozen: Twice) -> None:
    cells = (*MADE, "who = 'Ann'", BY_NAME, WRITTEN, BY_NAME)
    served = frozen.frozen(*cells)
    frozen.notebook["url"] = "postgresql://nobody@nowhere.example/db"

    assert frozen.unchanged(*cells)[2:-1] == served


def test_the_freeze_cell_of_a_notebook_that_is_served_says_that_nothing_is_recorded(frozen: Twice) -> None:
    frozen.notebook("%crdb_freeze elsewhere")

    assert frozen.notebook.shown.strip() == (
        "Nothing is recorded: the notebook is served from a recording. %crdb_freeze off ends that."
    )


def test_freeze_off_leads_to_servers_again(frozen: Twice, url: str) -> None:
    frozen.notebook("%crdb_freeze off")

    assert frozen.notebook.shown.splitlines() == [
        "Closed default.", "Replay ended: %crdb_connect connects to servers again.",
    ]  # fmt: skip
    frozen.notebook(f"%crdb_connect {url}")
    assert "Served" not in frozen.notebook.shown
    assert frozen.notebook("%crdb_txn SELECT 5 AS five").five.tolist() == [5]


def test_the_local_server_keeps_its_data_while_its_recording_is_served(unconnected: Any, tmp_path: Path) -> None:
    for cell in ("%crdb_connect --local", f"%crdb_freeze {tmp_path}", "%crdb_txn CREATE TABLE kept AS SELECT 7 AS n"):
        unconnected(cell)
    unconnected(f"%crdb_connect --frozen {tmp_path}")
    said = unconnected.shown
    unconnected("%crdb_connect --local")
    unconnected("%crdb_freeze off")
    unconnected("%crdb_connect --local")

    assert said.startswith("Closed default.\nThe recording is complete.\n")
    assert unconnected("%crdb_txn SELECT n FROM kept").n.tolist() == [7]


@pytest.fixture
def recording(twice: Twice) -> Twice:
    """A notebook that records, and has read something."""
    twice.live("%crdb_txn SELECT 1 AS one")
    for cell in ("%crdb_connect :url", f"%crdb_freeze {twice.folder}", "%crdb_txn SELECT 2 AS two"):
        twice.notebook(cell)
    return twice


def asked(folder: Path) -> list[str]:
    """Give what was asked in a recording."""
    return [event.text for event in load(folder).events if event.kind is EventKind.READ]


def test_the_freeze_cell_that_is_run_once_more_goes_on(recording: Twice) -> None:
    recording.notebook("%crdb_connect :url --name other")
    recording.notebook(f"%crdb_freeze {recording.folder}")
    said = recording.notebook.shown.strip()
    recording.notebook("%crdb_txn SELECT 3 AS three")

    assert said == f"Recording into {recording.folder} continues. To start over, run %crdb_freeze off first."
    assert asked(recording.folder) == ["SELECT 2 AS two", "SELECT 3 AS three"]


@pytest.mark.parametrize("before", ["%crdb_connect :url", "%crdb_freeze off"])
def test_behind_a_new_connection_or_an_end_it_begins_anew(recording: Twice, before: str) -> None:
    recording.notebook(before)
    recording.notebook(f"%crdb_freeze {recording.folder}")
    said = recording.notebook.shown.strip()
    recording.notebook("%crdb_txn SELECT 3 AS three")

    assert said == f"Recording into {recording.folder} from the start."
    assert asked(recording.folder) == ["SELECT 3 AS three"]


def test_a_recording_into_another_folder_ends_the_one_before_which_is_said(recording: Twice, tmp_path: Path) -> None:
    recording.notebook(f"%crdb_freeze {tmp_path / 'other'}")
    said = recording.notebook.shown.splitlines()
    recording.notebook("%crdb_txn SELECT 3 AS three")

    assert said == ["The recording is complete.", f"Recording into {tmp_path / 'other'} from the start."]
    assert asked(recording.folder) == ["SELECT 2 AS two"]
    assert asked(tmp_path / "other") == ["SELECT 3 AS three"]


def test_one_that_is_refused_ends_nothing(recording: Twice, tmp_path: Path) -> None:
    (tmp_path / "manifest.toml").write_text("[mine]\n")
    with pytest.raises(RecordingError, match="would be lost"):
        recording.notebook(f"%crdb_freeze {tmp_path}")
    recording.notebook("%crdb_txn SELECT 3 AS three")

    assert asked(recording.folder) == ["SELECT 2 AS two", "SELECT 3 AS three"]


@pytest.fixture
def under_freeze(recording: Twice, tmp_path: Path) -> Twice:
    """A notebook in a kernel whose environment says into which folder it is recorded; another recording is there."""
    recording.begin_under("CRDB_MAGIC_FREEZE", tmp_path / "environment")
    return recording


def test_another_recording_than_the_environment_s_is_served_itself_until_off(under_freeze: Twice, url: str) -> None:
    under_freeze.frozen("%crdb_connect :url")

    assert under_freeze.notebook("%crdb_txn SELECT 2 AS two").two.tolist() == [2]
    under_freeze.notebook("%crdb_freeze off")
    assert "Replay ended" in under_freeze.notebook.shown
    under_freeze.notebook(f"%crdb_connect {url}")
    assert under_freeze.notebook("%crdb_txn SELECT 5 AS five").five.tolist() == [5]


def test_what_the_environment_has_recorded_is_served_in_the_place_of_the_folder_of_the_notebook(
    under_freeze: Twice,
) -> None:
    under_freeze.live("%crdb_txn SELECT 3 AS three")
    under_freeze.frozen("%crdb_connect :url")

    assert under_freeze.notebook("%crdb_txn SELECT 3 AS three").three.tolist() == [3]


def test_a_recording_without_a_question_is_served_and_said_to_hold_none(twice: Twice) -> None:
    twice.live()
    twice.frozen()

    assert f"recording in {twice.folder}, which is empty: no server is used." in twice.notebook.shown


def test_a_folder_that_is_no_recording_is_refused(unconnected: Any, tmp_path: Path) -> None:
    with pytest.raises(RecordingError):
        unconnected(f"%crdb_connect --frozen {tmp_path}")


def test_what_is_open_stays_open_where_there_is_no_recording(notebook: Any, tmp_path: Path) -> None:
    with pytest.raises(RecordingError):
        notebook(f"%crdb_connect --frozen {tmp_path}")

    assert notebook("%crdb_txn SELECT 1 AS one").one.tolist() == [1]


@pytest.mark.parametrize("cell", ["%crdb_connect :url", "%crdb_connect --list", "%crdb_connect --use default"])
def test_that_a_recording_is_served_is_said_under_each_line_about_a_connection(twice: Twice, cell: str) -> None:
    twice.live("%crdb_txn SELECT 1", cell)
    twice.notebook("%crdb_connect :url")
    twice.notebook(cell)
    line = twice.notebook.shown.strip()
    twice.frozen(cell)

    assert twice.notebook.shown.strip().splitlines() == [
        line, f"Served from the recording in {twice.folder}: no server is used. %crdb_freeze off ends that.",
    ]  # fmt: skip


@pytest.mark.parametrize("ending", ["%crdb_freeze off", "%crdb_freeze {}/r", "%crdb_freeze {}/other"])
def test_a_recording_that_broke_off_is_not_called_complete(notebook: Any, tmp_path: Path, ending: str) -> None:
    notebook(f"%crdb_freeze {tmp_path / 'r'}")
    (tmp_path / "r" / "data").write_text("in the way")
    with pytest.warns(UserWarning, match="has ended"):
        notebook("%crdb_txn SELECT 1 AS one")
    (tmp_path / "r" / "data").unlink()
    notebook(ending.format(tmp_path))

    assert notebook.shown.startswith(f"The recording into {tmp_path / 'r'} has ended: ")


def test_rows_that_somebody_has_changed_are_refused(twice: Twice) -> None:
    twice.live(*MADE, ALL)
    for path in (twice.folder / "data").iterdir():
        path.write_bytes(path.read_bytes()[::-1])

    assert "can't be read" in twice.frozen(*MADE)[-1]


def test_no_secret_gets_into_the_folder(twice: Twice, proxy: Proxy) -> None:
    twice.live(*MADE, f"%crdb_schema {TABLE}")
    everything = b"".join(path.read_bytes() for path in twice.folder.rglob("*") if path.is_file())
    password = proxy.target.get("password", "")

    assert not password or password.encode() not in everything


@pytest.fixture
def recorded(twice: Twice, server: Server) -> Twice:
    """A recorded notebook, connected to the server again, of which it is known when each was read."""
    if server.is_cockroachdb and not server.tells_commit_time:
        pytest.skip("this server does not tell when something was read")
    twice.live(*MADE, ALL, f"%crdb_txn SELECT count(*) AS n FROM {TABLE}")
    twice.notebook("%crdb_connect :url")
    return twice


def test_a_recording_is_compared_with_the_server_at_its_instants(recorded: Twice) -> None:
    recorded.notebook(WRITTEN)
    checks = recorded.notebook(f"%crdb_freeze --verify {recorded.folder}")

    assert list(checks.verdict)[-2:] == ["the same", "the same"]


def test_what_has_no_instant_is_not_checked_and_why_is_told(recorded: Twice) -> None:
    checks = recorded.notebook(f"%crdb_freeze --verify {recorded.folder}")
    within = checks[checks.verdict == "not checked"]

    assert set(within.why) == {"its instant is not known"}
    assert f"{len(checks)} reads: " in recorded.notebook.shown


def test_a_difference_is_shown_row_by_row(recorded: Twice) -> None:
    path = recorded.folder / "manifest.toml"
    rows = next(event for event in load(recorded.folder).events if event.text == ALL[10:] and event.at)
    other = store.write(recorded.folder, rows.columns, [(["1", "2"], ["Ann", "Rob"], ["100.00", None], [None, None])])
    path.write_text(path.read_text().replace(rows.hash, other.hash))
    checks = recorded.notebook(f"%crdb_freeze --verify {recorded.folder}")

    assert "different" in set(checks.verdict)
    assert "owner (then) owner (now)" in " ".join(recorded.notebook.shown.split())


def test_there_is_nothing_to_compare_with_where_a_recording_is_served(frozen: Twice) -> None:
    with pytest.raises(OptionError, match="no server to compare with"):
        frozen.notebook(f"%crdb_freeze --verify {frozen.folder}")
