"""The password of a connection that stands nowhere in the notebook: typed when asked for, or kept in a keyring."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import TypeVar

from IPython.core.error import StdinNotImplementedError

from crdb_magic.core.target import Target
from crdb_magic.errors import OptionError
from crdb_magic.session.hooks import HOOKS

SERVICE = "crdb_magic"
"""The name under which a keyring keeps what is ours."""

T = TypeVar("T")
_PASSWORD = "password"  # noqa: S105 - its name
_VARIABLES = {"user": "PGUSER", "host": "PGHOST", "port": "PGPORT"}
_FROM_OUTSIDE = "set PGPASSWORD, or write a line into ~/.pgpass, and leave --ask-password out; or use --keyring."


class Password:
    """What a line asks for: to be asked, a keyring, or both: then what was typed is kept when it has let in."""

    def __init__(self, given: Mapping[str, object]) -> None:
        self._asks, self._keeps = "ask-password" in given, "keyring" in given

    def __bool__(self) -> bool:
        return self._asks or self._keeps

    def into(self, target: Target) -> Target:
        """Give the target with its password; raises :class:`OptionError` where there is none to be had.

        A recording is served without one.
        """
        if not self or HOOKS.stand_in:
            return target
        if _PASSWORD in target:
            raise OptionError("The address has a password: leave out that, or --ask-password and --keyring.")
        if not self._asks:
            return target.having(password=_kept(target))
        if self._keeps:
            _looked_up(target)  # a keyring that can't be used is said before anybody types
        return target.having(password=_typed(target))

    def keep(self, target: Target) -> str:
        """Put what was typed into the keyring, if that was asked for; give why that could not be done, or nothing."""
        if self._asks and self._keeps and _PASSWORD in target:
            keyring = _keyring()
            try:
                _heard(keyring, lambda: keyring.set_password(SERVICE, _entry(target), target[_PASSWORD]))
            except OptionError as error:  # it has let in, and the connection is open
                return f"The password is not kept. {error.message}"
        return ""


def _typed(target: Target) -> str:
    """Ask for it. A notebook's kernel has put its own getpass in the place of the library's, for the box to type in."""
    who = f" of {target['user']}" if "user" in target else ""
    try:
        typed = getpass.getpass(f"Password{who}: ")
    except StdinNotImplementedError:
        raise OptionError("Nobody can be asked for a password here.", hint=_FROM_OUTSIDE) from None
    except EOFError:  # Ctrl-D, or nobody is there
        typed = ""
    if not typed:
        raise OptionError("No password was typed.", hint=_FROM_OUTSIDE)
    return typed


def _looked_up(target: Target) -> str | None:
    keyring, entry = _keyring(), _entry(target)
    found: str | None = _heard(keyring, lambda: keyring.get_password(SERVICE, entry))
    return found


def _kept(target: Target) -> str:
    if (found := _looked_up(target)) is None:
        entry = _entry(target)
        raise OptionError(
            f"The keyring has no password of {entry}.",
            hint=f"--ask-password beside --keyring puts it there, as does: keyring set {SERVICE} {entry}",
        )
    return found


def _entry(target: Target) -> str:
    """Give the name of a user's entry: user@host:port, as far as they are known."""
    known = {key: target.get(key) or os.environ.get(variable) for key, variable in _VARIABLES.items()}
    if not (known["user"] and known["host"]):
        raise OptionError("--keyring finds a password by user and host: name both, user@host.")
    return f"{known['user']}@{known['host']}" + (f":{known['port']}" if known["port"] else "")


def _keyring() -> ModuleType:
    try:
        import keyring
        import keyring.errors
    except ImportError:
        raise OptionError("--keyring needs the library keyring.", hint="pip install keyring") from None
    library: ModuleType = keyring
    return library


def _heard(keyring: ModuleType, ask: Callable[[], T]) -> T:
    try:
        return ask()
    except keyring.errors.KeyringError as error:
        raise OptionError(f"The keyring can't be used: {str(error) or type(error).__name__}") from None
