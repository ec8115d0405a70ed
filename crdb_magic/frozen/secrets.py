"""What must not get into a recording: passwords in the SQL of roles and the like, keys in the addresses of stores.

A statement is known by its text without them, for who records and for who serves. That is done where they make no
difference to any answer: not in queries, where a password may be a value like others.
"""

from __future__ import annotations

import re

from crdb_magic.sql.kinds import words
from crdb_magic.sql.messages import readable

_MASK = "********"

_QUICK = re.compile(r"password|secret|token|key|credentials|://", re.IGNORECASE)
_OF_ROLES = frozenset({"USER", "ROLE", "GROUP", "SUBSCRIPTION", "SERVER"})
_OF_STORES = frozenset({"BACKUP", "RESTORE", "IMPORT", "EXPORT"})
_OF_STORES_TOO = frozenset({"EXTERNAL", "CHANGEFEED", "SCHEDULE", "SUBSCRIPTION", "SERVER"})
_STRING = r"(?:[eE]'(?:[^'\\]|''|\\.)*'|(?:[uU]&|[bB])?'(?:[^']|'')*'|\$(\w*)\$.*?\$\2\$)"
_PASSWORD = re.compile(rf"(\bpassword\s*=?\s*){_STRING}", re.IGNORECASE | re.DOTALL)
_UNENDED = re.compile(r"(\bpassword\s*=?\s*)(?!'\*)['$eE].*", re.IGNORECASE | re.DOTALL)
_IN_DSN = re.compile(r"(\b(?:password|sslpassword)\s*=\s*)(?:''(?:[^']|\\.)*''|[^\s']+)", re.IGNORECASE)
_IN_URL = re.compile(
    r"([?&](?:[a-z_]*(?:secret|token|password|key|credentials)[a-z_]*)=)[^&'\s]*", re.IGNORECASE
)  # their names: https://www.cockroachlabs.com/docs/stable/cloud-storage-authentication
_OF_USER = re.compile(r"(://[^\s:/@']*:)[^\s@']+(?=@)")


def without_secrets(sql: str) -> str:
    """Give SQL with a mask for each secret that is known to be one by where it stands."""
    if not _QUICK.search(sql):
        return sql
    statements = readable(sql.encode(errors="replace"))
    if statements is None:  # a quote that has no end
        return _UNENDED.sub(rf"\1{_MASK}", masked(sql))
    for statement in statements:
        said = words(statement)[:4]
        if said[0] in {"CREATE", "ALTER"} and not _OF_ROLES.isdisjoint(said[1:]):
            sql = sql.replace(statement.text, _PASSWORD.sub(rf"\1'{_MASK}'", statement.text))
        if said[0] in _OF_STORES or (said[0] in {"CREATE", "ALTER"} and not _OF_STORES_TOO.isdisjoint(said[1:])):
            sql = sql.replace(statement.text, _of_address(statement.text))
    return sql


def masked(text: str) -> str:
    """Mask all that looks like a secret: for what a server says about a statement that has one."""
    return _of_address(_PASSWORD.sub(rf"\1'{_MASK}'", text))


def _of_address(text: str) -> str:
    for pattern in (_IN_DSN, _IN_URL, _OF_USER):
        text = pattern.sub(rf"\1{_MASK}", text)
    return text
