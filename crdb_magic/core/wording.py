"""How words are shown: a server's without what differs from one run to the next, of a long text its beginning.

nbval compares what a notebook shows.
"""

from __future__ import annotations

import re

# CockroachDB's transaction, from its name on, and how many nodes it had heard of (pkg/kv/kvpb/errors.go).
_TAIL = re.compile(r"[:;]? *(?:\"[^\"]*\" meta=|meta=\{|observed timestamps: ).*", re.DOTALL)
_WRAPPERS = re.compile(r"\A(?:restart transaction: |TransactionRetryWithProtoRefreshError: )+")
# A key (/Table/104/1/"a b"/0), or whatever else holds a digit: a timestamp, an id, an address, a duration.
_VARIES = re.compile(r"(?:(?<!\S)[(\[]?/(?:\"[^\"]*\"|[^\s\"])*|[^\s(\[]*\d\S*?)(?=[]);:,]*(?:\s|\Z))")
# Where a row lies, in the context of a lock (XactLockTableWaitErrorCb in PostgreSQL's lmgr.c).
_PLACE = re.compile(r"tuple \(\d+,\d+\)")
# Of jobs that a schema change waits for: 'waiting for job(s) to complete: 1200407160811749377'
_JOBS = re.compile(r"(job\(s\)[^\n:]*: *)[\d, ]*\d")


def plain_words(message: str) -> str:
    """Give the first line of an error without its keys, ids, times and addresses, and what CockroachDB wraps it in."""
    line = _WRAPPERS.sub("", _TAIL.sub("", message.partition("\n")[0]))
    return _VARIES.sub("…", line).rstrip()


def without_ids(notice: str) -> str:
    """Give a notice, or a context, without the numbers of jobs and the places of rows."""
    return _PLACE.sub("tuple …", _JOBS.sub(r"\1…", notice))


def beginning(text: str, length: int) -> str:
    """Give the beginning of a text, on one line of so many characters at most."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"
