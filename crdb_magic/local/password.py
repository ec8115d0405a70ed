"""The password of a PostgreSQL of ours: random, in a file of its folder that nobody else can read."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from crdb_magic.local.account import Account
    from crdb_magic.local.folder import Folder


def password_file(folder: Folder) -> Path:
    """Give the place of the file; it stays with the data."""
    return folder.path / "password"


def make_password(folder: Folder, reader: Account | None) -> None:
    """Write a new password for initdb, which may run as somebody else: from him it is taken back afterwards."""
    path = password_file(folder)
    path.unlink(missing_ok=True)  # of a first start that was cut short
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(file, secrets.token_urlsafe().encode())
        os.fsync(file)
        if reader:
            os.fchown(file, reader.uid, reader.gid)
    finally:
        os.close(file)


def take_back(folder: Folder, reader: Account | None) -> None:
    """Make the file ours again if it was somebody else's to read."""
    if reader:
        os.chown(password_file(folder), os.geteuid(), os.getegid())


def password_of(folder: Folder) -> str:
    """Give the password; its characters need no quotes in a URL."""
    return password_file(folder).read_text()
