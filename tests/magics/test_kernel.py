"""The extension in a real kernel: interrupts, restarts, a server that goes away."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

_LIMIT = 60  # seconds a cell


class Kernel:
    """A kernel and the messages of its cells."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager = manager
        self._client = client

    def start(self, cell: str) -> str:
        return str(self._client.execute(cell, allow_stdin=False, stop_on_error=False))

    def finish(self, number: str) -> dict[str, Any]:
        """Wait for a cell; gives the content of its reply."""
        while True:
            reply = self._client.get_shell_msg(timeout=_LIMIT)
            if reply["parent_header"].get("msg_id") == number:
                return dict(reply["content"])

    def __call__(self, cell: str) -> dict[str, Any]:
        return self.finish(self.start(cell))

    def outputs(self, cell: str) -> list[str]:
        """Run a cell; gives its outputs in order: the type of the message, and its first line of text."""
        number, shown = self.start(cell), []
        while True:
            message = self._client.get_iopub_msg(timeout=_LIMIT)
            if message["parent_header"].get("msg_id") != number:
                continue
            content = message["content"]
            if content.get("execution_state") == "idle":
                self.finish(number)
                return shown
            if text := content.get("text", content.get("data", {}).get("text/plain")):
                shown.append(f"{message['msg_type']}: {text.splitlines()[0].strip()}")

    def answer(self, cell: str, typed: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Run a cell that asks for something, and type that; gives what asked, and the content of the reply."""
        number = str(self._client.execute(cell, allow_stdin=True, stop_on_error=False))
        asked = self._client.get_stdin_msg(timeout=_LIMIT)["content"]
        self._client.input(typed)
        return asked, self.finish(number)

    def complete(self, code: str) -> dict[str, Any]:
        """Press Tab at the end of a code; gives the content of the reply."""
        return self.finish(self._client.complete(code))

    def value(self, expression: str) -> str:
        number = self._client.execute("", user_expressions={"value": expression}, allow_stdin=False)
        return str(self.finish(number)["user_expressions"]["value"]["data"]["text/plain"])


@contextmanager
def _running(folder: Path) -> Iterator[Kernel]:
    manager = KernelManager(kernel_name="python3", transport="ipc", ip=str(folder / "kernel"))
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=_LIMIT)
    yield Kernel(manager, client)
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    manager.cleanup_resources()


@pytest.fixture
def kernel(url: str, tmp_path: Path) -> Iterator[Kernel]:
    with _running(tmp_path) as running:
        running("%load_ext crdb_magic")
        assert running(f"%crdb_connect {url}")["status"] == "ok"
        yield running


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    """A kernel whose configuration loads the extension, and has a value that is refused."""
    profile = tmp_path / "profile_default"
    profile.mkdir()
    (profile / "ipython_config.py").write_text(
        "c.InteractiveShellApp.extensions = ['crdb_magic']\n"
        "c.CrdbMagic.sql = True\n"
        "c.CrdbMagic.dtype_backend = 'pyarrow'\n"
    )
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    with _running(tmp_path) as running:
        yield running


def test_a_setting_of_a_configuration_file_that_is_refused_is_said_in_the_first_cell(configured):
    said, *rest = configured.outputs("1")

    assert said == "execute_result: 1"
    assert "dtype_backend" in rest[0]
    assert configured.outputs("2") == ["execute_result: 2"]
    assert configured("%config CrdbMagic.limit = 5")["status"] == "ok"
    assert configured.value("get_ipython().find_line_magic('sql') is not None") == "True"


@pytest.fixture
def asleep(other, sql) -> Callable[[], int]:
    """Count the statements that sleep on the server."""
    catalogue = "[SHOW QUERIES] WHERE" if other.server.is_cockroachdb else "pg_stat_activity WHERE state = 'active' AND"
    text = f"SELECT count(*) FROM {catalogue} query LIKE '%pg' || '_sleep(31)%'"
    return lambda: int(other.run(sql(text)).results[0].rows[0][0])


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _LIMIT
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)


@pytest.mark.parametrize(
    "cell",
    [
        "%%crdb_txn\nSELECT 1;\nSELECT pg_sleep(31)",
        "%crdb_txn SELECT 1, pg_sleep(31)",
        "%%crdb_txn --python\ndb.execute_sql('SELECT pg_sleep(31)')",
    ],
)
def test_interrupting_the_kernel_cancels_the_statement_and_leaves_the_connection_usable(kernel, asleep, cell):
    number = kernel.start(cell)
    _until(lambda: asleep() == 1)
    kernel.manager.interrupt_kernel()
    reply = kernel.finish(number)

    assert reply["ename"] in {"KeyboardInterrupt", "AmbiguousCommitError"}
    _until(lambda: asleep() == 0)
    assert kernel("%crdb_txn SELECT 1")["status"] == "ok"


def test_an_interrupted_transaction_says_that_nothing_was_committed(kernel, asleep, table):
    number = kernel.start(f"%%crdb_txn\nDELETE FROM {table};\nSELECT pg_sleep(31)")
    _until(lambda: asleep() == 1)
    kernel.manager.interrupt_kernel()
    reply = kernel.finish(number)

    assert reply["traceback"][-1] == "Nothing was committed."
    kernel(f"n = %crdb_txn SELECT count(*) AS n FROM {table}")
    assert kernel.value("n.n.tolist()") == "[2]"


def test_an_interrupt_between_attempts_ends_the_cell(kernel, tries, rows):
    again = f"SELECT nextval('{tries}'); SELECT crdb_internal.force_retry('1h')"
    number = kernel.start(f"%%crdb_txn --max-attempts 1000\n{again}")
    _until(lambda: int(rows(f"SELECT last_value FROM {tries}")[0][0] or 0) > 5)
    kernel.manager.interrupt_kernel()

    assert kernel.finish(number)["ename"] == "KeyboardInterrupt"


def test_a_kernel_that_dies_in_a_transaction_leaves_no_lock_behind(kernel, asleep, table, session, sql):
    kernel.start(f"%%crdb_txn\nUPDATE {table} SET balance = 0;\nSELECT pg_sleep(31)")
    _until(lambda: asleep() == 1)
    kernel.manager.signal_kernel(9)
    session.run(sql(f"UPDATE {table} SET balance = 5 WHERE id = 1"))

    assert session.run(sql(f"SELECT balance FROM {table} ORDER BY id")).results[0].rows == (("5",), ("20",))


def test_a_connection_that_the_server_ended_between_two_cells_is_opened_again(kernel, other, sql):
    kernel("where = %crdb_txn SHOW application_name")
    if other.server.is_cockroachdb:
        kernel("s = %crdb_txn SHOW session_id")
        other.run(sql(f"CANCEL SESSION {kernel.value('s.iloc[0, 0]')}"))
    else:
        kernel("s = %crdb_txn SELECT pg_backend_pid() AS pid")
        other.run(sql(f"SELECT pg_terminate_backend({kernel.value('int(s.pid[0])')}, 5000)"))

    assert kernel("%crdb_txn SELECT 1")["status"] == "ok"


@pytest.mark.parametrize("waits", ["", "import asyncio\nawait asyncio.sleep(0)\n"], ids=["plain", "with an await"])
def test_the_line_about_a_transaction_stands_below_the_value_of_its_own_cell(kernel, waits):
    outputs = kernel.outputs(f"{waits}print('so')\n%crdb_txn SELECT 1 AS one")

    assert outputs == ["stream: so", "execute_result: one", "display_data: 1 row"]
    assert kernel.outputs("2") == ["execute_result: 2"]


def test_tab_is_answered_with_what_to_replace_and_what_it_is(kernel, table):
    code = f"%%crdb_txn\nSELECT b FROM {table} WHERE balance > 0 and BAL"

    def offered() -> list[str]:
        return list(kernel.complete(code)["matches"])

    _until(lambda: offered() == ["balance"])  # the names are read in the background
    reply = kernel.complete(code)
    kinds = [one["type"] for one in reply["metadata"]["_jupyter_types_experimental"]]

    assert (code[reply["cursor_start"] : reply["cursor_end"]], kinds) == ("BAL", ["column"])


def test_without_a_person_no_names_are_read_ahead(kernel):
    kernel("%crdb_txn CREATE TABLE IF NOT EXISTS tab_unattended (id INT PRIMARY KEY)")
    kernel("%crdb_txn DROP TABLE tab_unattended")
    kernel("import threading; running = [one.name for one in threading.enumerate()]")

    assert kernel.value("'crdb_magic names' in running") == "False"


@pytest.fixture
def without_password(target) -> str:
    """The address of the server under test, which the password opens."""
    if "password" not in target:
        pytest.skip("the server under test wants no password")
    return " ".join(f"{name}='{value}'" for name, value in target.items() if name != "password")


def test_a_password_is_asked_for_in_a_box_of_the_front_end(kernel, without_password, target):
    asked, reply = kernel.answer(f"%crdb_connect {without_password} --ask-password --name mine", target["password"])

    assert (asked["prompt"], asked["password"]) == (f"Password of {target['user']}: ", True)
    assert reply["status"] == "ok"
    assert kernel("%crdb_txn --on mine SELECT 1")["status"] == "ok"


def test_a_password_that_was_typed_is_nowhere_in_the_notebook(kernel, without_password, target):
    cell = f"%crdb_connect {without_password} --ask-password"
    _, wrong = kernel.answer(cell, "s3cret-word")
    kernel.answer(cell, target["password"])
    kernel("%crdb_connect --list\n_p = get_ipython().magics_manager.registry['CrdbMagic'].connections.get()")
    kernel("past = [*get_ipython().history_manager.get_range(start=3)]  # behind the fixture's, whose URL has it")
    kernel("everything = str([In[3:], Out, past, _p, _p.link, _p.connection])")

    assert wrong["ename"] == "ConnectionFailedError"
    assert "s3cret-word" not in str(wrong)
    assert kernel.value(f"[one in everything for one in ('s3cret-word', {target['password']!r})]") == "[False, False]"


def test_where_nobody_can_be_asked_for_a_password_it_is_said_what_to_do(kernel):
    reply = kernel("%crdb_connect postgresql://ann@localhost/bank --ask-password")

    assert reply["traceback"] == [
        "OptionError: Nobody can be asked for a password here.",
        "Hint: set PGPASSWORD, or write a line into ~/.pgpass, and leave --ask-password out; or use --keyring.",
    ]
