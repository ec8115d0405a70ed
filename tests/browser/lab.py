"""A JupyterLab of its own: its settings, its files and its kernel in a folder that is given."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BUNDLE = Path(__file__).parents[2] / "labextension" / "built"
_TOKEN = "browser-tests"
_NO_NEWS = {"fetchNews": "false", "checkForUpdates": False}
_WHOLE = {"windowingMode": "none"}  # cells that are not in view can be found too
# What a notebook of an ipykernel says of its cells: so they are coloured before a kernel has started.
_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {
        "name": "python",
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "codemirror_mode": {"name": "ipython", "version": 3},
    },
}


@dataclass(frozen=True)
class Lab:
    """A running server."""

    url: str
    root: Path

    def write(self, name: str, cells: list[dict[str, Any]]) -> None:
        """Put a notebook of these cells into its folder."""
        content = {"cells": cells, "metadata": _METADATA, "nbformat": 4, "nbformat_minor": 5}
        (self.root / name).write_text(json.dumps(content))

    def address(self, name: str, app: str = "doc") -> str:
        """Give the address of a notebook, alone on its page; ``app`` may be lab or (Notebook's) notebooks."""
        path = f"{app}/{name}" if app == "notebooks" else f"{app}/tree/{name}"
        return f"{self.url}/{path}?token={_TOKEN}"

    def ask(self, path: str, method: str = "GET") -> Any:
        """Ask the server's own interface."""
        headers = {"Authorization": f"token {_TOKEN}"}
        request = urllib.request.Request(f"{self.url}/api/{path}", headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or "null")

    def end_kernels(self) -> None:
        for session in self.ask("sessions"):
            self.ask(f"sessions/{session['id']}", "DELETE")


def code(source: str, outputs: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Make a cell of code."""
    return {"cell_type": "code", "metadata": {}, "execution_count": None, "source": source, "outputs": outputs or []}


@contextmanager
def serving(folder: Path, app: str = "jupyterlab") -> Iterator[Lab]:
    """Run JupyterLab in the folder until the block ends."""
    root = folder / "notebooks"
    root.mkdir()
    port = _free_port()
    command = [
        sys.executable,
        "-m",
        app,
        "--no-browser",
        "--allow-root",
        "--expose-app-in-browser",
        f"--ServerApp.root_dir={root}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={_TOKEN}",
    ]
    with (
        (folder / "server.log").open("w") as log,
        subprocess.Popen(command, env=_environment(folder), stdout=log, stderr=log, cwd=root) as process,
    ):
        lab = Lab(f"http://127.0.0.1:{port}", root)
        try:
            _wait_for(lab, process, folder / "server.log")
            yield lab
            lab.end_kernels()
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop the server; one whose kernel was still starting may wait for ever."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()


def _environment(folder: Path) -> dict[str, str]:
    """Give the environment in which nothing of the user's Jupyter is read, and our extension is found."""
    share, settings = folder / "share", folder / "settings"
    (share / "labextensions").mkdir(parents=True)
    (share / "labextensions" / "crdb_magic").symlink_to(BUNDLE)
    kernel = {"argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], "language": "python"}
    _write(share / "kernels" / "python3" / "kernel.json", kernel | {"display_name": "Python 3"})
    _write(settings / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings", _NO_NEWS)
    _write(settings / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings", _WHOLE)
    return os.environ | {
        "JUPYTER_PATH": str(share),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(settings),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "IPYTHONDIR": str(folder / "ipython"),
    }


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(content))


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait_for(lab: Lab, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            lab.ask("status")
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(log.read_text()) from None
            time.sleep(0.1)
        else:
            return
