"""The bank test, for as long as one likes: money is moved through a proxy that breaks what passes through it.

::

    python benchmarks/bank.py --seconds 300 --workers 8 [--url URL] [--seed N]

Prints the figures, and what is wrong with the bank if anything is; the exit status is 1 then.
"""
# ruff: noqa: T201 - a command line prints

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from contextlib import nullcontext
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from bank import Bank, History, for_seconds, run

from crdb_magic.core.target import Target
from crdb_magic.local import start
from crdb_magic.session.session import Session

OUTAGE_EVERY = 2.0  # seconds


def _arguments() -> Namespace:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--url", help="the server; a local one that is started for it unless given")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def _run(url: str, given: Namespace) -> History:
    target = Target.from_url(url)
    session = Session(target)
    print(session.server, flush=True)
    bank = Bank(f"bank_{os.getpid()}").open(session)
    try:
        turns = for_seconds(given.seconds)
        return run(target, bank, turns, workers=given.workers, seed=given.seed, outage_every=OUTAGE_EVERY)
    finally:
        bank.close(session)


def main() -> int:
    """Run, and give the exit status."""
    given = _arguments()
    with nullcontext() if given.url else start() as local:
        history = _run(given.url or local.url, given)
    print(history)
    print(f"\n{len(history.broken)} invariants broken")
    return 1 if history.broken else 0


if __name__ == "__main__":
    sys.exit(main())
