"""PostgreSQL's files in a place where the server's user can read them: links where possible, else copies.

A Python below /root hides its packages from every other user. The wheel's tree holds 40 MB; a server needs 20 of them.
"""

from __future__ import annotations

import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_NEEDED = ("bin/postgres", "bin/initdb", "lib/*.so*", "share/*", "share/[!d]*/**/*")  # all but share/doc


def reachable_copy(install: Path, target: Path) -> Path:
    """Lay the tree around a ``bin`` folder anew in ``target``, readable by all, and give the new ``bin`` folder."""
    shutil.rmtree(target, ignore_errors=True)
    _make_folder(target)
    made = {target}
    for source in _needed_files(install.parent):
        copy = target / source.relative_to(install.parent)
        for folder in reversed([copy.parent, *copy.parent.parents]):
            if folder not in made and target in folder.parents:
                _make_folder(folder)
                made.add(folder)
        _place(source, copy)
    return target / "bin"


def _needed_files(tree: Path) -> Iterator[Path]:
    seen: set[Path] = set()
    for pattern in _NEEDED:
        files = {path for path in tree.glob(pattern) if path.is_file()} - seen
        seen |= files
        yield from files


def _make_folder(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o755)  # whatever our umask


def _place(source: Path, copy: Path) -> None:
    """Link a file, or copy it if it is private (its mode is not ours to change) or on another file system."""
    if source.stat().st_mode & stat.S_IROTH:
        try:
            copy.hardlink_to(source.resolve())
        except OSError:
            pass
        else:
            return
    shutil.copyfile(source, copy)
    copy.chmod(0o755)
