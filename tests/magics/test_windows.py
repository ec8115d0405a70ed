"""A notebook where Python has no more than it has on Windows: clusters and recordings, and no local server."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_BEGIN = """
from IPython.core.interactiveshell import InteractiveShell
do = InteractiveShell.instance().run_line_magic
do("load_ext", "crdb_magic")
"""
# Without what Python lacks on Windows, of what we or the standard library would use.
_ON_WINDOWS = """
import os, select, signal, sys
for name in ("fcntl", "grp", "pwd", "resource"):
    sys.modules[name] = None
del os.geteuid, select.poll, signal.SIGKILL, signal.SIGQUIT
from crdb_magic.frozen import server
server._HAS_ABSTRACT_SOCKETS = False
"""


@pytest.fixture
def said(url):
    """Run lines of Python in a shell, on Windows if nothing else is said; give the last line that they print."""

    def run(*lines: str, begin: str = _ON_WINDOWS) -> str:
        code = "\n".join((begin, _BEGIN, *lines))
        environment = {**os.environ, "CRDB_URL": url, "USERNAME": "ann"}
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
        )
        return (done.stdout + done.stderr).strip().splitlines()[-1]

    return run


ASKED = ('do("crdb_connect", "")', 'print(do("crdb_txn", "SELECT 42 AS answer"))')


def test_a_cluster_is_asked(said):
    assert said(*ASKED).split() == ["0", "42"]


def test_a_recording_is_served(said, tmp_path):
    said(f'do("crdb_freeze", "{tmp_path}")', *ASKED, begin="")

    assert said(f'do("crdb_connect", "--frozen {tmp_path}")', ASKED[1]).split() == ["0", "42"]


@pytest.mark.parametrize("do", ['do("crdb_connect", "--local")', 'print(do("crdb_doctor", "--local"))'])
def test_a_local_server_is_refused(said, do):
    assert "WSL" in said(do)
