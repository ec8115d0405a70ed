"""The user that a server runs as: PostgreSQL refuses root, so there it is ``nobody``."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from crdb_magic.errors import LocalServerError

try:
    import pwd
except ImportError:
    raise LocalServerError(
        "A local server needs Linux or macOS.", hint="On Windows, run the notebook in WSL, or connect to a cluster."
    ) from None

NAME = "nobody"


@dataclass(frozen=True, slots=True)
class Account:
    """A user other than ourselves."""

    uid: int
    gid: int

    def succeeds(self, *command: str) -> bool:
        """Say whether a program can be run, and ends well, as this user."""
        return output(command, self) is not None

    def can_enter(self, folder: Path) -> bool:
        """Say whether this user gets into a folder, through all of its parents."""
        return self.succeeds("test", "-x", f"{folder}/.")


def output(command: tuple[str, ...], account: Account | None) -> str | None:
    """Give what a program prints, run as a user or as ourselves; None if it can't be run, or fails."""
    try:
        ran = subprocess.run(  # noqa: S603 - programs of ours, and those that we look for
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            cwd="/",
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return ran.stdout.strip()


def server_account() -> Account | None:
    """Give the user to run PostgreSQL as, or None for ourselves.

    Raises LocalServerError when we are root and there is no other user, or none that we may become, and when the
    system knows no name for us: initdb asks for one.
    """
    if os.geteuid() != 0:
        _check_name(os.geteuid())
        return None
    account = _nobody()
    if account and account.succeeds("true"):
        return account
    raise LocalServerError(
        f"PostgreSQL refuses to run as root, and it can't be run as the user {NAME} here.",
        hint="Start the notebook as a plain user.",
    )


def temporary_base() -> Path:
    """Give the folder for temporary folders: the usual one, unless the server's user does not get into it."""
    usual = Path(tempfile.gettempdir())
    account = _nobody() if os.geteuid() == 0 else None
    if account is None:
        return usual
    bases = (usual, Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - mkdtemp follows
    return next(filter(account.can_enter, bases), usual)


def _check_name(uid: int) -> None:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        raise LocalServerError(
            f"PostgreSQL runs only as a user with a name, and the system knows none for the user {uid}.",
            hint=f"Have a line for {uid} in /etc/passwd, or name a CockroachDB in COCKROACH_BINARY.",
        ) from None


def _nobody() -> Account | None:
    try:
        entry = pwd.getpwnam(NAME)
    except KeyError:
        return None
    return Account(entry.pw_uid, entry.pw_gid)
