"""How long `import crdb_magic` and `%load_ext crdb_magic` take, beside pandas' own import.

::

    python benchmarks/loading.py [--rounds 10]

Each is measured in interpreters of its own, one after the other in each round, so that what else the machine does is
shared by all. Prints medians, of seconds of the clock and of the processor, and the ratio to pandas.
"""
# ruff: noqa: T201 - a command line prints

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentParser
from statistics import median

_TIMED = """
import time
{before}
clock, processor = time.perf_counter(), time.process_time()
{what}
print(time.perf_counter() - clock, time.process_time() - processor)
"""
# What is there before, and what is measured.
_CASES = {
    "import pandas": ("", "import pandas"),
    "import crdb_magic": ("", "import crdb_magic"),
    "%load_ext crdb_magic": (
        "import pandas, IPython.core.interactiveshell as ipython; shell = ipython.InteractiveShell.instance()",
        "shell.run_line_magic('load_ext', 'crdb_magic')",
    ),
}


def _measured(before: str, what: str) -> tuple[float, ...]:
    code = _TIMED.format(before=before, what=what)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    return tuple(map(float, done.stdout.split()))


def main() -> None:
    """Measure, and print."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    for case in _CASES.values():
        _measured(*case)  # the files are read for the first time
    times = [{name: _measured(*case) for name, case in _CASES.items()} for _ in range(rounds)]
    print(f"{'':<22}{'clock':>10}{'processor':>12}{'of pandas':>12}")
    for name in _CASES:
        clock, processor = (median(one[name][index] for one in times) for index in (0, 1))
        ratio = median(one[name][1] / one["import pandas"][1] for one in times)
        print(f"{name:<22}{clock * 1000:>7.0f} ms{processor * 1000:>9.0f} ms{ratio:>12.2f}")


if __name__ == "__main__":
    main()
