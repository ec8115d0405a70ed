"""What a column takes, of its type as it is spelt in CREATE TABLE, or as the server's catalogue has it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from crdb_magic.values.encode_values import Form
from crdb_magic.values.limits import Bits, Digits, Length, Real, TypeLimit, Whole
from crdb_magic.values.typemap import decimal_digits, quoted

_LENGTH = re.compile(r"\s*\(([^()]*)\)")
_NUMBERS = re.compile(r"-?\d+")
_ARRAYS = ("", "[]")

_INTEGERS = (
    "smallint", "integer", "bigint", "int", "int2", "int4", "int8", "int64", "oid",
    "smallserial", "serial", "bigserial", "serial2", "serial4", "serial8",
)  # fmt: skip
_PADDED = ("char", "character", "nchar", "national character", "national char", "bpchar")
_VARYING = (
    "text", "string", "varchar", "character varying", "char varying", "national character varying", "citext",
)  # fmt: skip
_NO_LENGTH = ("name", '"char"')  # cut by an INSERT as well
_BITS = ("bit", '"bit"')
_VARBITS = ("varbit", "bit varying")
_DECIMALS = ("decimal", "numeric", "dec")
_NAMED = ("regclass", "regtype", "regproc", "regprocedure", "regnamespace", "regrole")
_REAL_BITS = 24  # FLOAT(24) is the largest REAL

_FORMS = {
    "json": Form.JSON, "jsonb": Form.JSON, "vector": Form.JSON, "geometry": Form.GEO, "geography": Form.GEO,
    "json[]": Form.JSON_ARRAY, "jsonb[]": Form.JSON_ARRAY,
    **{name + array: Form.WHOLE for name in _INTEGERS for array in _ARRAYS},
    **{"date" + array: Form.DAY for array in _ARRAYS},
}  # fmt: skip
# Without its length, a cast to one of these would cut to a length of one; a column takes this instead, or refuses it.
_UNCUT = {
    **{name + array: f"TEXT{array}" for name in (*_PADDED, *_VARYING, *_NO_LENGTH) for array in _ARRAYS},
    **{name + array: f"VARBIT{array}" for name in _BITS for array in _ARRAYS},
}

Numbers = tuple[int, ...]  # those behind the name of a type: VARCHAR(3), DECIMAL(10,2)
_LIMITS: dict[str, Callable[[Numbers], TypeLimit | None]] = {
    **dict.fromkeys(_INTEGERS, lambda _: Whole()),
    **dict.fromkeys(_PADDED, lambda given: Length(given[0], padded=True) if given else None),
    **dict.fromkeys(_VARYING, lambda given: Length(given[0]) if given else None),
    **dict.fromkeys(_BITS, lambda given: Bits(given[0], exactly=True) if given else None),
    **dict.fromkeys(_VARBITS, lambda given: Bits(given[0], exactly=False) if given else None),
    **dict.fromkeys(_DECIMALS, lambda given: Digits(*(*given, 0)[:2]) if given else None),
    **dict.fromkeys(("real", "float4"), lambda _: Real()),
    "float": lambda given: Real() if given and given[0] <= _REAL_BITS else None,
}
_ONE = ("char", "character", "nchar", "national character", "national char", "bit")  # long, if nothing is said

# How pg_attribute.atttypmod says the numbers; of an array it is that of its elements, on both servers.
# CockroachDB's pkg/sql/types/types.go (TypeModifier)
_MODIFIERS: dict[str, Callable[[int], Numbers]] = {
    **dict.fromkeys((*_PADDED, *_VARYING), lambda code: (code - 4,)),
    **dict.fromkeys((*_BITS, *_VARBITS), lambda code: (code,)),
    **dict.fromkeys(_DECIMALS, decimal_digits),
}


@dataclass(frozen=True, slots=True)
class ColumnTarget:
    """What a column takes.

    ``cast`` is its type in SQL, without its length, for which a cast would cut. A ``named`` one is written as the
    name of something in the server's catalogue, and kept as its number.
    """

    cast: str
    form: Form = Form.PLAIN
    limit: TypeLimit | None = None
    is_array: bool = False
    named: bool = False


class CatalogType(NamedTuple):
    """The type of a column as the catalogue has it; that of a domain is the one that it is based on.

    ``name`` is what ``format_type`` says without the length, ``modifier`` is ``atttypmod``; the rest is of the
    element's type, for an array: its schema, its name, and whether it is an enum or a composite.
    """

    name: str
    modifier: int
    schema: str
    element: str
    kind: str


def spelled(type_text: str) -> ColumnTarget:
    """Read a type as it is spelt in CREATE TABLE."""
    base, array = _parts(type_text)
    length = _LENGTH.search(type_text)
    numbers = tuple(map(int, _NUMBERS.findall(length[1]))) if length else (1,) if base in _ONE else ()
    return _target(base, array, numbers, _LENGTH.sub("", type_text).strip())


def catalogued(type_: CatalogType) -> ColumnTarget:
    """Read a type of the catalogue.

    CockroachDB's ``format_type`` gives a type of one's own without schema and quotes (pkg/sql/types/types.go).
    """
    base, array = _parts(type_.name)
    if type_.schema != "pg_catalog":
        cast = f"{quoted(type_.schema)}.{quoted(type_.element)}{array}"
        of_extension = type_.kind == "b"  # else an enum that has the name of a type is none
        return ColumnTarget(cast, _FORMS.get(type_.element + array, Form.PLAIN) if of_extension else Form.PLAIN)
    modified = _MODIFIERS.get(base) if type_.modifier >= 0 else None
    return _target(base, array, modified(type_.modifier) if modified else (), type_.name)


def _target(base: str, array: str, numbers: Numbers, cast: str) -> ColumnTarget:
    limit = _LIMITS.get(base)
    return ColumnTarget(
        cast=_UNCUT.get(base + array, cast),
        form=_FORMS.get(base + array, Form.PLAIN),
        limit=limit(numbers) if limit else None,
        is_array=bool(array),
        named=base in _NAMED,
    )


def _parts(type_text: str) -> tuple[str, str]:
    """Give the name of a type without its length, and [] for an array."""
    scalar, bracket, _ = _LENGTH.sub("", type_text).lower().partition("[")
    return scalar.strip(), "[]" if bracket else ""
