"""What users of other tools type in a magic's line, and what that is here."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches

from crdb_magic.errors import OptionError
from crdb_magic.sql.keywords import STATEMENTS

# Options of JupySQL, ipython-sql, BigQuery's magics and pandas.
_OPTIONS = {
    "alias": "%crdb_connect … --name NAME names a connection.",
    "connections": "%crdb_connect --list shows them.",
    "close": "%crdb_connect --close NAME closes one.",
    "max-results": "It is --limit.",
    "persist": "%crdb_write df --table TABLE writes a DataFrame into a table.",
    "append": "%crdb_write df --table TABLE --mode append adds its rows.",
    "persist-replace": "%crdb_write df --table TABLE --mode replace recreates the table.",
    "if-exists": "It is --mode: fail, append, replace or upsert.",
    "save": "CREATE VIEW keeps a query in the database, NAME << its result in a variable.",
    "with": "CREATE VIEW keeps a query for others, or write WITH NAME AS (…) before this one.",
    "params": "A variable of the notebook is written :name in the SQL.",
}
_STATEMENTS = frozenset(phrase.split()[0] for phrase in STATEMENTS)
_NO_ARROW = re.compile(r"(?P<name>[^\W\d]\w*)\s*(?P<sign><\s*<?|:?=)?")
_NO_NAME = re.compile(r"(?P<name>[^\s<]+)\s*<<")
_VARIABLE = re.compile(r"\{\{?\s*(?P<braced>[^\W\d]\w*)\s*\}?\}|\$\{?(?P<dollar>[^\W\d]\w*)\}?|(?P<bare>[^\W\d]\w*)")


def option_meant(name: str, known: Collection[str]) -> str | None:
    """Say which option is meant by one that there is not."""
    name = name.lower().replace("_", "-")
    if name in _OPTIONS:
        return _OPTIONS[name]
    close = get_close_matches(name, known, n=1)
    return f"Did you mean --{close[0]}?" if close else None


def assignment_meant(rest: str) -> str | None:
    """Say how the result of a cell gets a name, where something like it stands in the line."""
    if found := _NO_NAME.fullmatch(rest):
        return f"{found['name']!r} is not a valid variable name: letters, digits and _, not beginning with a digit."
    found = _NO_ARROW.fullmatch(rest)
    if found is None or found["name"].upper() in _STATEMENTS:
        return None
    name = found["name"]
    taken = f"{name} << puts the result into {name}"
    return f"{taken}." if found["sign"] else f"{taken}; --on {name} uses the connection of that name."


def refuse_address(text: str, namespace: Mapping[str, object]) -> None:
    """Raise :class:`OptionError` for a variable that is not written :name, and for a database of peewee's own."""
    if found := _VARIABLE.fullmatch(text):
        name = found[found.lastgroup or 0]
        if isinstance(namespace.get(name), str) or not found["bare"]:
            raise OptionError(f"{text} is not an address.", hint=f"A variable is written :{name}.")
    value = namespace.get(text.removeprefix(":"))
    if any((one.__module__, one.__name__) == ("peewee", "Database") for one in type(value).__mro__):
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        raise OptionError(
            f"{text} is a {kind}, whose transactions are its own.",
            hint="from crdb_magic import CockroachDatabase: its database takes the same arguments.",
        )
