"""A column of texts -> the Arrow type of its type, if the texts can be had again from it, each exactly; else itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from crdb_magic.columns.arrow import NO_TEXTS, TEXT, Array
from crdb_magic.columns.files import lasting
from crdb_magic.columns.nested import split
from crdb_magic.columns.spelling import STYLES, UTC_STYLE, texts_of
from crdb_magic.columns.tables import CANNOT, arrow_column
from crdb_magic.values.typemap import Family, SqlType


@dataclass(frozen=True, slots=True)
class ExactForm:
    """A way to keep the texts of a column: as values of an Arrow type, which `texts_of` spells in a style."""

    type: SqlType
    kind: Any
    style: str = ""

    def made(self, texts: Array) -> Array:
        """Make an array of the kind; of another one or an error of Arrow's where that can't be done."""
        return texts if self.kind == TEXT else arrow_column(self.type, [texts]).chunk(0)

    def gives_back(self, texts: Array) -> bool:
        """Whether each text can be had again."""
        try:
            made = self.made(texts)
            return bool(made.type == self.kind and texts_of(made, self.style).equals(texts))
        except CANNOT:
            return False


class Trial:
    """Looks at the texts of a column, some at a time, for a form that gives back all of them."""

    def __init__(self, type_: SqlType) -> None:
        self._type = type_
        self._forms: list[ExactForm] | None = None

    def show(self, texts: Array) -> None:
        """Leave out the forms that do not give back these."""
        if texts.null_count == len(texts):
            return
        if self._forms is None:
            self._forms = _forms(self._type, texts)
        self._forms = [form for form in self._forms if form.gives_back(texts)]

    @property
    def form(self) -> ExactForm:
        """The form that is left; that of texts if there is none."""
        forms = _forms(self._type, NO_TEXTS) if self._forms is None else self._forms
        return forms[0] if forms else ExactForm(self._type, TEXT)


def _forms(type_: SqlType, texts: Array) -> list[ExactForm]:
    """Give the forms that a column may have by its type and its first text."""
    try:
        type_ = lasting(_with_digits(type_, _first(type_, texts)))
        kind = arrow_column(type_, [NO_TEXTS]).type
    except CANNOT:
        return []
    return [ExactForm(type_, kind, style) for style in _styles(type_.element or type_, _first(type_, texts))]


def _first(type_: SqlType, texts: Array) -> str:
    """Give the first text that is there, within arrays, or nothing; raise `ValueError` if they are none."""
    if type_.element:
        lists = split(type_, texts)
        if lists is None:
            raise ValueError("more than one dimension")
        texts = lists.flatten()
    there = texts.drop_null()
    return str(there[0]) if len(there) else ""


_MOST_DIGITS = 38


def _with_digits(type_: SqlType, first: str) -> SqlType:
    """Take the scale of the first one for that of all, where none was declared."""
    if type_.element:
        return replace(type_, element=_with_digits(type_.element, first))
    if type_.family is not Family.DECIMAL or type_.digits:
        return type_
    return replace(type_, digits=(_MOST_DIGITS, len(first.partition(".")[2])))


_OFFSET = re.compile(r"[+-]\d\d(?::\d\d){0,2}$", re.ASCII)


def _styles(type_: SqlType, first: str) -> tuple[str, ...]:
    if type_.family in {Family.FLOAT4, Family.FLOAT8, Family.DECIMAL}:
        return STYLES
    if type_.family is Family.TIMESTAMPTZ:
        offset = _OFFSET.search(first)
        return (offset[0] if offset else UTC_STYLE,)
    return ("",)
