"""What differs between a frame as it is and what was read again: rows, cells, columns, exactly.

Two cells are equal if they are the same value, digit by digit: ``Decimal("1.0")`` is not ``Decimal("1.00")``, -0.0 not
0.0, and NULL (NA, None) not NaN. NaN is equal to itself, and so is NULL.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import reduce
from json import JSONEncoder
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api.extensions import ExtensionDtype

from crdb_magic.columns.results import unique
from crdb_magic.errors import OptionError

Codes = Any  # NumPy's integers: equal where the values are
_ONLY_THEN, _ONLY_NOW, _CHANGED = "only then", "only now", "changed"


class By(Enum):
    """By what a row of one frame is told to be that of the other."""

    KEY = "key"
    POSITION = "position"
    NOTHING = "nothing"


def differences(then: pd.DataFrame, now: pd.DataFrame, by: By, key: Sequence[str] = ()) -> pd.DataFrame:
    """Give a row for each row that differs, none if all are the same; indexes are not looked at.

    ``difference`` says how: ``changed``, ``only then`` or ``only now``; or that a column has another type, another
    place, or is there only once. Behind it stand the ``key`` (or ``row``, from 0), and for each column in which
    something differs its values then and now, missing where there is no such row. By nothing, rows are compared as
    multisets: each is there only then or only now, with its columns as they are.

    Raises :class:`OptionError` for a key that is no column of both, or that two rows share.
    """
    _check_key(then, now, by, key)
    shared = [name for name in then.columns if name in now.columns]
    codes = _Pair(_matrix([_codes(then[name], now[name]) for name in shared], (len(then), len(now))))
    sentences = pd.DataFrame({"difference": list(_of_columns(then, now))}, dtype=object)
    if by is By.NOTHING:
        rows = _surplus(then[shared], now[shared], codes)
    else:
        matched = codes.by_position() if by is By.POSITION else codes.by_key([shared.index(name) for name in key])
        rows = _side_by_side(then[shared], now[shared], codes, matched, key)
    return pd.concat([sentences, rows], ignore_index=True) if len(sentences) else rows


def absent(found: pd.DataFrame) -> pd.DataFrame:
    """Tell of each cell of what `differences` found whether it is missing because there is no such row."""
    of_columns = ~found.difference.isin([_ONLY_THEN, _ONLY_NOW, _CHANGED])
    gone = {
        " (then)": of_columns | (found.difference == _ONLY_NOW),
        " (now)": of_columns | (found.difference == _ONLY_THEN),
    }
    cells = {name: gone.get(name[name.rfind(" (") :], of_columns) for name in found.columns}
    return pd.DataFrame(cells | {"difference": False}, index=found.index)


def _check_key(then: pd.DataFrame, now: pd.DataFrame, by: By, key: Sequence[str]) -> None:
    for frame, when in ((then, "then"), (now, "now")):
        if not frame.columns.is_unique:
            raise OptionError(f"The DataFrame {when} has two columns of the same name.")
        if missing := [name for name in key if name not in frame.columns]:
            raise OptionError(f"There is no column {missing[0]} {when}: the key must be in both.")
    if by is By.KEY and not key:
        raise OptionError("A key needs at least one column.")


def _of_columns(then: pd.DataFrame, now: pd.DataFrame) -> Iterator[str]:
    """Say what differs of the columns themselves."""
    for name in then.columns:
        if name not in now.columns:
            yield f"column {name}: {_ONLY_THEN}"
        elif then[name].dtype != now[name].dtype:
            yield f"column {name}: {then[name].dtype} then, {now[name].dtype} now"
    yield from (f"column {name}: {_ONLY_NOW}" for name in now.columns if name not in then.columns)
    if set(then.columns) == set(now.columns) and list(then.columns) != list(now.columns):
        yield "columns: in another order"


# Rows.


@dataclass(frozen=True, slots=True)
class _Matched:
    """Which rows belong together, by their places: -1 for a row that is not there."""

    then: Codes
    now: Codes


class _Pair:
    """The codes of the cells of both frames, a column each."""

    def __init__(self, both: tuple[Codes, Codes]) -> None:
        self.then, self.now = both

    def by_position(self) -> _Matched:
        """Match the n-th row with the n-th."""
        places = np.arange(max(len(self.then), len(self.now)))
        return _Matched(np.where(places < len(self.then), places, -1), np.where(places < len(self.now), places, -1))

    def by_key(self, columns: Sequence[int]) -> _Matched:
        """Match rows of the same key, in the order of those then; behind them those that are there only now."""
        then, now = self.rows(columns)
        for keys, when in ((then, "then"), (now, "now")):
            if np.bincount(keys).max(initial=0) > 1:
                raise OptionError(f"Two rows have the same key {when}.", hint="name more columns: --key a,b.")
        place = np.full(max(then.max(initial=-1), now.max(initial=-1)) + 1, -1)
        place[now] = np.arange(len(now))
        is_new = np.ones(len(now), bool)
        is_new[place[then][place[then] >= 0]] = False
        new = np.flatnonzero(is_new)
        return _Matched(
            np.concatenate([np.arange(len(then)), np.full(len(new), -1)]), np.concatenate([place[then], new])
        )

    def rows(self, columns: Sequence[int]) -> tuple[Codes, Codes]:
        """Give one code for each row, of some of its columns."""
        both = np.concatenate([self.then[:, columns], self.now[:, columns]])
        start = np.zeros(len(both), "int64")
        codes = reduce(lambda one, more: pd.factorize(one * (more.max(initial=0) + 2) + more + 1)[0], both.T, start)
        return codes[: len(self.then)], codes[len(self.then) :]

    def changed(self, matched: _Matched) -> Codes:
        """Tell, for each pair of rows and each column, whether the cells differ; where one is missing, they do."""
        differ = self.then[matched.then] != self.now[matched.now] if len(self.then) and len(self.now) else None
        if differ is None:
            return np.ones((len(matched.then), self.then.shape[1]), bool)
        differ[(matched.then < 0) | (matched.now < 0)] = True
        return differ


def _matrix(columns: Sequence[tuple[Codes, Codes]], rows: tuple[int, int]) -> tuple[Codes, Codes]:
    sides = zip(*columns, strict=True) if columns else ((), ())
    then, now = (
        np.column_stack(side) if side else np.zeros((count, 0), "int64")
        for side, count in zip(sides, rows, strict=True)
    )
    return then, now


def _side_by_side(
    then: pd.DataFrame, now: pd.DataFrame, codes: _Pair, matched: _Matched, key: Sequence[str]
) -> pd.DataFrame:
    differ = codes.changed(matched)
    alone = (matched.then < 0) | (matched.now < 0)
    rows = np.flatnonzero(differ.any(axis=1) | alone)
    places = _Matched(matched.then[rows], matched.now[rows])
    kinds = np.where(places.now < 0, _ONLY_THEN, np.where(places.then < 0, _ONLY_NOW, _CHANGED)).astype(object)
    made: list[tuple[str, Any]] = [("difference", kinds)]
    made += [(name, _either(then[name], now[name], places)) for name in key] if key else [("row", rows)]
    for place, name in enumerate(then.columns):
        if name not in key and differ[rows, place].any():
            made += (
                (f"{name} (then)", _taken(then[name], places.then)),
                (f"{name} (now)", _taken(now[name], places.now)),
            )
    return _frame(made)


def _surplus(then: pd.DataFrame, now: pd.DataFrame, codes: _Pair) -> pd.DataFrame:
    """Give the rows that are there more often then, or now: the last ones of each kind."""
    of_then, of_now = codes.rows(range(then.shape[1]))
    size = max(of_then.max(initial=-1), of_now.max(initial=-1)) + 1
    parts = []
    for frame, own, others, kind in ((then, of_then, of_now, _ONLY_THEN), (now, of_now, of_then, _ONLY_NOW)):
        nth = pd.Series(own).groupby(own).cumcount().to_numpy() if len(own) else own
        places = np.flatnonzero(nth >= np.bincount(others, minlength=size)[own]) if len(own) else own
        columns = [(str(name), _taken(frame[name], places)) for name in frame.columns]
        parts.append(_frame([("difference", np.full(len(places), kind, object)), *columns]))
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


def _frame(columns: Sequence[tuple[str, Any]]) -> pd.DataFrame:
    """Make a frame of columns, each of which gets a name of its own."""
    # With its dtype: pandas would make texts of objects that happen to be some.
    frame = pd.DataFrame({place: pd.Series(values, dtype=values.dtype) for place, (_, values) in enumerate(columns)})
    frame.columns = pd.Index(unique(tuple(name for name, _ in columns)))
    return frame


def _taken(column: pd.Series, places: Codes) -> Any:
    """Give the values at some places; with gaps they are objects, since few dtypes have room for those."""
    if (places >= 0).all():
        return column.array.take(places)
    values = np.full(len(places), None, object)
    values[places >= 0] = _objects(column.iloc[places[places >= 0]])
    return values


def _either(then: pd.Series, now: pd.Series, places: _Matched) -> Any:
    """Give the values of a key, which are the same where both rows are there."""
    if (places.then >= 0).all():
        return then.array.take(places.then)
    values = _taken(then, places.then)
    values[places.then < 0] = _objects(now.iloc[places.now[places.then < 0]])
    return values


def _objects(column: pd.Series) -> Any:
    made = np.empty(len(column), object)
    made[:] = column.tolist()
    if isinstance(column.dtype, pd.StringDtype):  # whose NaN would be a value among objects
        made[column.isna()] = None
    return made


# Cells.

_PLAIN = frozenset({str, bytes, bool, int, dt.date, UUID})  # of one of these what is equal is the same
_NONE = type(None)


def _codes(then: pd.Series, now: pd.Series) -> tuple[Codes, Codes]:
    """Give integers for the cells of a column then and now: the same for the same values."""
    sides = (then, now)
    values: list[Any] = [_exact(side) for side in sides] if then.dtype == now.dtype else [None]
    if any(one is None for one in values):
        codes = pd.factorize(_of_objects([value for side in sides for value in side.tolist()]))[0]
    else:
        codes = pd.factorize(np.concatenate(values))[0]
        codes[np.concatenate([_missing(side) for side in sides])] = -1
    return codes[: len(then)], codes[len(then) :]


def _missing(column: pd.Series) -> Codes:
    """Tell what is missing where a dtype says that in one way: NaN is a value of others."""
    dtype = column.dtype
    has_one = isinstance(dtype, ExtensionDtype) or dtype.kind in "mM"
    return np.asarray(column.array.isna()) if has_one else np.zeros(len(column), bool)


def _exact(column: pd.Series) -> Any:
    """Give what is equal for the same values only, whatever stands for a missing one; None where objects have to do."""
    dtype: Any = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy()
    if isinstance(dtype, pd.StringDtype):
        return column.fillna("").to_numpy(object)
    if isinstance(dtype, pd.ArrowDtype):
        return _arrow_texts(pa.chunked_array(pa.array(column.array)))
    if dtype.kind in "mM":
        return column.array.view("i8")
    if dtype.kind not in "iubf":
        return None
    masked = isinstance(column.dtype, ExtensionDtype)
    numbers = column.to_numpy(dtype.numpy_dtype, na_value=0) if masked else column.to_numpy()
    return _bits(numbers) if dtype.kind == "f" else numbers


def _bits(numbers: Any) -> Any:
    """Give the bits of floats, by which the zeros differ; those of all NaN are the same."""
    return np.where(np.isnan(numbers), np.nan, numbers).astype("float64").view("i8")


def _arrow_texts(values: Any) -> Any:
    """Give the exact texts of Arrow's values; None for those that Arrow has no text for."""
    try:
        return pc.fill_null(values.cast(pa.large_string()), "").to_numpy()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


def _of_objects(values: list[Any]) -> Any:
    """Give hashable objects that are equal for the same values only, None for None."""
    kinds = set(map(type, values)) - {_NONE}
    if len(kinds) <= 1 and kinds <= _PLAIN:
        made: Iterable[Any] = values
    elif kinds == {Decimal}:
        made = (None if value is None else str(value) for value in values)
    else:
        made = (None if value is None else _token(value) for value in values)
    return np.fromiter(made, object, len(values))


def _token(value: Any) -> Any:
    """Give what is equal for the same value only, with the type of each of its parts."""
    kind = type(value)
    if kind is list or kind is dict:
        return _as_json(value)
    return kind.__name__, value if kind in _PLAIN else repr(value)


def _named(value: Any) -> dict[str, Any]:
    """Give what is no JSON as the only item of an object that no JSON has."""
    return {f"\0{type(value).__name__}": value.tolist() if isinstance(value, np.ndarray) else repr(value)}


_as_json = JSONEncoder(
    sort_keys=True, default=_named
).encode  # the order of an object's items is nothing that JSONB keeps
