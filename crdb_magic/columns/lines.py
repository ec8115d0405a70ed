"""A batch of texts -> CSV as the servers write it; and what their lines of one column lack."""

from __future__ import annotations

import re

import pyarrow.compute as pc

from crdb_magic.columns.arrow import Array, Batch, as_array, bytes_of

_QUOTED = r'[",\r\n]|^$|^\\\.$'
_LINE = re.compile(rb'((?:"(?:[^"]|"")*"|[^"\n]+)*)\n')


def csv_of(batch: Batch) -> bytes:
    """Make lines of a batch: NULL is nothing, an empty text is quoted."""
    lines = pc.binary_join_element_wise(*map(_fields, batch), ",")
    _, data = bytes_of(pc.binary_join_element_wise(lines, "", "\n"))
    return bytes(data)


def _fields(texts: Array) -> Array:
    texts = as_array(texts)
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(texts, '"', '""'), '"', "")
    return pc.fill_null(pc.if_else(pc.match_substring_regex(texts, _QUOTED), quoted, texts), "")


def without_blank(lines: bytes) -> bytes:
    """Write NULL as ``""`` in lines of one column: readers pass over a blank line, and so over its row.

    So do pandas and Python's csv. It can't be told from an empty text then.
    """
    if not lines.startswith(b"\n") and b"\n\n" not in lines:
        return lines
    return _LINE.sub(lambda line: line[0] if line[1] else b'""\n', lines)
