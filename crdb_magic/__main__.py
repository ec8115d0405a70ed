"""The command line: ``crdb-magic demo``, ``local`` and ``doctor``, or ``python -m crdb_magic`` and the same."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path

from crdb_magic.environment import FROZEN
from crdb_magic.errors import CrdbMagicError


def main() -> int:
    """Run the command; gives the exit status."""
    parser = _parser()
    arguments, more = parser.parse_known_args()  # it takes words but once: those behind an option are left
    if unknown := [one for one in more if one.startswith("-") or arguments.command != "doctor"]:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    if more:
        arguments.url += more
    os.environ.pop(FROZEN, None)  # who asks for a server on the command line wants one
    try:
        return int(arguments.run(arguments) or 0)
    except CrdbMagicError as error:
        print("\n".join(error._render_traceback_()), file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="crdb-magic", description="Transactions for CockroachDB in Jupyter.")
    parser.set_defaults(run=lambda _: parser.print_help())
    commands = parser.add_subparsers(dest="command")
    demo = commands.add_parser("demo", help="run the quickstart notebook on a local server")
    shown = demo.add_mutually_exclusive_group()
    copy = Path("quickstart-executed.ipynb")
    shown.add_argument("--output", type=Path, default=copy, help="the executed copy (default: %(default)s)")
    shown.add_argument(
        "--lab", nargs=argparse.REMAINDER, help="open a copy of it in JupyterLab instead; the rest goes to JupyterLab"
    )
    demo.set_defaults(run=_demo)
    local = commands.add_parser("local", help="start a server on this machine, until Ctrl-C")
    local.add_argument("directory", type=Path, nargs="?", help="where to keep its data (default: nowhere)")
    local.set_defaults(run=lambda given: _local(given.directory))
    doctor = commands.add_parser("doctor", help="diagnose a connection, and say what to do")
    doctor.add_argument("url", nargs="*", help="a URL, or keywords (default: the environment)")
    doctor.add_argument("--local", action="store_true", help="start a local server too, and stop it again")
    doctor.add_argument("--timeout", type=_seconds, default=5, metavar="S", help="seconds to wait for an answer")
    for name, words in (("ask-password", "ask for the password"), ("keyring", "take it from the system's keyring")):
        doctor.add_argument(f"--{name}", action="append_const", dest="password", const=name, help=words)
    doctor.set_defaults(run=_doctor)
    return parser


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:  # which argparse would repeat, be it a password
        raise argparse.ArgumentTypeError("a number of seconds is wanted") from None


def _demo(arguments: argparse.Namespace) -> int:
    if arguments.lab is not None:
        from crdb_magic.demo.lab import open_lab

        open_lab(arguments.lab)
    try:
        from crdb_magic.demo.run import run
    except ModuleNotFoundError as error:
        print(f"The demo needs {error.name}: pip install 'crdb_magic[demo]'", file=sys.stderr)
        return 1
    return run(arguments.output)


def _local(directory: Path | None) -> int:
    from crdb_magic.local import start

    with suppress(KeyboardInterrupt), start(directory) as server:
        print(f"{server.description}\n{server.url}\nCtrl-C stops it.", flush=True)
        threading.Event().wait()
    return 0


def _doctor(arguments: argparse.Namespace) -> int:
    from crdb_magic.doctor.case import Conditions
    from crdb_magic.doctor.examination import examine
    from crdb_magic.drawing.doctor import report_bundle
    from crdb_magic.magics.password import Password

    unlock = Password(dict.fromkeys(arguments.password or ())).into
    conditions = Conditions(start_local=arguments.local, timeout=arguments.timeout, unlock=unlock)
    report = examine(" ".join(arguments.url), conditions=conditions)
    print(report_bundle(report)["text/plain"])
    return int(report.failed)


if __name__ == "__main__":
    sys.exit(main())
