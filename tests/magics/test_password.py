"""%crdb_connect --ask-password and --keyring; test_kernel.py has the box of a front end."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

import pytest
from IPython.core.error import StdinNotImplementedError

from crdb_magic.errors import ConnectionFailedError, CrdbMagicError, OptionError

# The face of the library keyring, over a dict. https://keyring.readthedocs.io
_KEYRING = """
from keyring.errors import KeyringError
kept = {}
locked = False

def get_password(service, username):
    if locked:
        raise KeyringError("it is locked")
    return kept.get((service, username))

def refuse(*_):
    raise KeyringError("it is locked")

def set_password(service, username, password):
    kept[service, username] = password
"""


@pytest.fixture
def keyring(tmp_path, monkeypatch):
    """A keyring with nothing in it, in the place of the library."""
    folder = tmp_path / "keyring"
    folder.mkdir()
    (folder / "__init__.py").write_text(_KEYRING)
    (folder / "errors.py").write_text("class KeyringError(Exception): ...")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("keyring", "keyring.errors"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import keyring as fake

    assert Path(str(fake.__file__)).parent == folder
    yield fake
    for name in ("keyring", "keyring.errors"):
        del sys.modules[name]


@pytest.fixture
def typing(monkeypatch):
    """Somebody who types something when asked for a password."""

    def types(text):
        monkeypatch.setattr(getpass, "getpass", lambda _: text)

    return types


@pytest.fixture
def address(target):
    return " ".join(f"{name}='{value}'" for name, value in target.items() if name != "password")


@pytest.fixture
def entry(target):
    return ("crdb_magic", f"{target['user']}@{target['host']}:{target['port']}")


def one(notebook):
    return notebook("%crdb_txn SELECT 1 AS one").one.tolist()


def test_the_keyring_knows_the_password_by_user_host_and_port(unconnected, keyring, address, entry, target):
    keyring.kept[entry] = target.get("password", "any")
    unconnected(f"%crdb_connect {address} --keyring")

    assert one(unconnected) == [1]


def test_the_keyring_is_not_looked_into_unless_asked_for(unconnected, keyring, address, target):
    if "password" not in target:
        pytest.skip("the server under test wants no password")
    keyring.kept["crdb_magic", f"{target['user']}@{target['host']}:{target['port']}"] = target["password"]

    with pytest.raises(ConnectionFailedError, match="no password supplied"):
        unconnected(f"%crdb_connect {address}")


def test_what_was_typed_is_kept_for_the_next_time(unconnected, keyring, typing, address, entry, target):
    typing(target.get("password", "any"))
    unconnected(f"%crdb_connect {address} --ask-password --keyring")
    unconnected(f"%crdb_connect {address} --keyring")

    assert one(unconnected) == [1]
    assert keyring.kept == {entry: target.get("password", "any")}


def test_a_password_that_was_refused_is_not_kept(unconnected, keyring, typing, address, target):
    if "password" not in target:
        pytest.skip("the server under test wants no password")
    typing("s3cret-word")
    with pytest.raises(ConnectionFailedError) as caught:
        unconnected(f"%crdb_connect {address} --ask-password --keyring")

    assert "s3cret-word" not in str(caught.value)
    assert keyring.kept == {}


def test_a_keyring_that_cannot_be_used_is_said_before_anybody_types(unconnected, keyring, monkeypatch):
    monkeypatch.setattr(getpass, "getpass", None)
    keyring.locked = True

    with pytest.raises(OptionError, match="The keyring can't be used: it is locked"):
        unconnected("%crdb_connect postgresql://ann@db.example/bank --ask-password --keyring")


def test_a_keyring_that_does_not_keep_is_said_and_the_connection_is_open(unconnected, keyring, typing, address, target):
    typing(target.get("password", "any"))
    keyring.set_password = keyring.refuse
    unconnected(f"%crdb_connect {address} --ask-password --keyring")

    assert unconnected.shown.startswith("The password is not kept. The keyring can't be used: it is locked")
    assert one(unconnected) == [1]


def test_what_was_typed_is_not_kept_unless_asked_for(unconnected, keyring, typing, address, target):
    typing(target.get("password", "any"))
    unconnected(f"%crdb_connect {address} --ask-password")

    assert keyring.kept == {}


def test_the_user_and_host_of_the_environment_count(unconnected, keyring, address, entry, target, monkeypatch):
    keyring.kept[entry] = target.get("password", "any")
    for name, variable in (("user", "PGUSER"), ("host", "PGHOST"), ("port", "PGPORT")):
        monkeypatch.setenv(variable, target[name])
    rest = " ".join(part for part in address.split() if part.partition("=")[0] not in {"user", "host", "port"})
    unconnected(f"%crdb_connect {rest} --keyring")

    assert one(unconnected) == [1]


def test_an_entry_that_is_missing_is_named_with_how_to_make_it(unconnected, keyring):
    with pytest.raises(OptionError) as caught:
        unconnected("%crdb_connect postgresql://ann@db.example/bank --keyring")

    assert str(caught.value) == (
        "The keyring has no password of ann@db.example.\n"
        "Hint: --ask-password beside --keyring puts it there, as does: keyring set crdb_magic ann@db.example"
    )


def test_a_keyring_that_cannot_be_opened_says_why(unconnected, keyring):
    keyring.locked = True

    with pytest.raises(OptionError, match="The keyring can't be used: it is locked"):
        unconnected("%crdb_connect postgresql://ann@db.example/bank --keyring")


@pytest.mark.parametrize("address", ["postgresql://db.example", "postgresql://ann@/bank", "service=bank"])
def test_without_user_and_host_the_keyring_has_no_entry(unconnected, keyring, address):
    with pytest.raises(OptionError, match="name both, user@host"):
        unconnected(f"%crdb_connect {address} --keyring")


def test_without_the_library_it_is_said_what_to_install(unconnected, monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)

    with pytest.raises(OptionError, match="Hint: pip install keyring"):
        unconnected("%crdb_connect postgresql://ann@db.example/bank --keyring")


@pytest.mark.parametrize("option", ["--ask-password", "--keyring"])
@pytest.mark.parametrize("address", ["postgresql://ann:s3cret@db.example/bank", "--local", "--frozen here"])
def test_there_is_one_way_to_the_password(unconnected, address, option):
    with pytest.raises(CrdbMagicError, match=r"leave .*out") as caught:
        unconnected(f"%crdb_connect {address} {option}")

    assert "s3cret" not in str(caught.value)


def test_where_nobody_can_type_it_is_said_what_to_do(unconnected, monkeypatch):
    def refused(_):
        raise StdinNotImplementedError

    monkeypatch.setattr(getpass, "getpass", refused)

    with pytest.raises(OptionError, match="Nobody can be asked for a password here"):
        unconnected("%crdb_connect postgresql://ann@db.example/bank --ask-password")


def _ended(_):
    raise EOFError


@pytest.mark.parametrize("box", [_ended, lambda _: ""], ids=["Ctrl-D", "nothing"])
def test_who_types_nothing_is_told_of_other_ways(unconnected, monkeypatch, box):
    monkeypatch.setattr(getpass, "getpass", box)

    with pytest.raises(OptionError, match=r"No password was typed\.\nHint: set PGPASSWORD"):
        unconnected("%crdb_connect postgresql://ann@db.example/bank --ask-password")


def test_a_recording_is_served_without_a_password(unconnected, typing, address, target, monkeypatch, tmp_path):
    typing(target.get("password", "any"))
    unconnected(f"%crdb_freeze {tmp_path / 'frozen'}")
    unconnected(f"%crdb_connect {address} --ask-password")
    one(unconnected)
    unconnected(f"%crdb_connect --frozen {tmp_path / 'frozen'}")
    monkeypatch.setattr(getpass, "getpass", None)
    unconnected(f"%crdb_connect {address} --ask-password")
    recorded = b"".join(file.read_bytes() for file in (tmp_path / "frozen").rglob("*") if file.is_file())

    assert one(unconnected) == [1]
    assert target.get("password", "any password").encode() not in recorded
