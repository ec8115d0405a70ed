"""Array literals -> an Arrow list of the texts of their elements, by kernels as far as the literals are plain."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from crdb_magic.core.arrow import TEXT, Array
from crdb_magic.core.decode import decoder
from crdb_magic.core.typemap import Family, SqlType, array_of, text_like

# One dimension, and nothing in the elements that is escaped or could be a sign of the literal itself.
_PLAIN = r'^\{(?:(?:"[^"\\{},]*"|[^"\\{},]+)(?:,(?:"[^"\\{},]*"|[^"\\{},]+))*)?\}$'
_VECTOR = r"^\[[^\[\],]+(?:,[^\[\],]+)*\]$"
_NO_ROW = pa.scalar("{}")
_NULL = pa.scalar(None, TEXT)
_read = decoder(array_of(text_like("", 0)))


def split(type_: SqlType, texts: Array) -> Array | None:
    """Give a list of texts for each literal of an array or vector; None if one has more than one dimension.

    Raise `ValueError` for a text that is no such literal.
    """
    if type_.family is Family.VECTOR:
        if pc.all(pc.match_substring_regex(texts, _VECTOR)).as_py() is False:
            raise ValueError("not a VECTOR")
        return _parted(texts)
    if type_.element is not None and type_.element.family is Family.GEO:
        texts = pc.replace_substring(texts, ":", ",")  # what parts them, and is in none of them
    plain = pc.fill_null(pc.match_substring_regex(texts, _PLAIN), True)  # noqa: FBT003 - what fills
    lists = _parted(pc.if_else(plain, texts, _NO_ROW))
    others = np.flatnonzero(~_numpy(plain))
    return _replaced(lists, others, texts.take(pa.array(others)).to_pylist()) if len(others) else lists


def _parted(texts: Array) -> Array:
    """Part plain literals at their commas and take the quotes off."""
    bodies = pc.utf8_slice_codeunits(texts, 1, -1)
    parts = pc.split_pattern(bodies, ",")
    values = parts.values
    values = pc.utf8_trim(pc.if_else(pc.equal(values, "NULL"), _NULL, values), '"')
    offsets = _numpy(parts.offsets)
    lengths = np.diff(offsets)
    empty = _numpy(pc.fill_null(pc.equal(bodies, ""), False))  # noqa: FBT003
    if empty.any():  # nothing parted is one empty text
        lengths[empty] = 0
        kept = np.ones(len(values), bool)
        kept[offsets[:-1][empty]] = False
        values = values.filter(pa.array(kept))
    ends = np.cumsum(np.concatenate([[0], lengths]), dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(ends), values, mask=texts.is_null())


def _replaced(lists: Array, places: Any, literals: list[str]) -> Array | None:
    """Put in their places what those literals hold that have to be read one by one."""
    read = [_read(literal) for literal in literals]
    if any(isinstance(item, list) for items in read for item in items):
        return None
    order = np.arange(len(lists))
    order[places] = np.arange(len(lists), len(lists) + len(places))
    return pa.concat_arrays([lists, pa.array(read, lists.type)]).take(pa.array(order))


def _numpy(array: Array) -> Any:
    return array.to_numpy(zero_copy_only=False)
