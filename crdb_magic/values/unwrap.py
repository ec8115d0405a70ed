"""The values of numpy, pandas, Arrow and enums -> the Python values that they stand for.

None of the libraries is imported for it: a class belongs to the module that its bases say.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from operator import attrgetter
from typing import Any

from crdb_magic.values.decode import Interval

_Unwrap = Callable[[Any], Any]


class NoFormError(Exception):
    """A ``value`` without a form where it is to go: ``str()`` says what it is, ``hint`` what may help.

    Whoever knows the name that the user gave it makes an `InputError` of it.
    """

    def __init__(self, value: object, what: str, hint: str | None = None) -> None:
        super().__init__(what)
        self.value, self.hint = value, hint


class TooFineError(NoFormError):
    """A time with digits below the microsecond."""


def plain(value: Any) -> Any:
    """Give the Python value that a value stands for: itself, if it is one already or stands for none.

    What pandas calls missing is None, dates that count days or more are dates, arrays and columns are lists. Raises
    :class:`NoFormError` for what `datetime` does not hold.
    """
    kind: type = type(value)
    unwrap = _unwrap_of(kind)
    plainer = unwrap(value) if unwrap else value
    return value if plainer is value else plain(plainer)


def is_wrapping(kind: type) -> bool:
    """Tell whether the values of a class may stand for others."""
    return _unwrap_of(kind) is not None


def is_na(kind: type) -> bool:
    """Tell the classes of pandas' NA and NaT."""
    return kind.__name__ in {"NAType", "NaTType"}


@lru_cache
def _unwrap_of(kind: type) -> _Unwrap | None:
    if issubclass(kind, Enum):
        return attrgetter("value")
    if kind.__name__ == "MonthDayNano":  # Arrow's, though it says that it is Python's
        return _interval
    families = (base.__module__.partition(".")[0] for base in kind.__mro__)
    return next((_FAMILIES[family] for family in families if family in _FAMILIES), None)


def _from_numpy(value: Any) -> Any:
    kind = value.dtype.kind if hasattr(value, "tolist") else "V"
    if kind in {"V", "c"}:  # structured, complex
        return value
    if kind in {"M", "m"}:
        return _moments(value)
    plainer = value.tolist()
    return Decimal(str(value)) if type(plainer) is type(value) else plainer  # a longdouble has no plainer form


def _moments(value: Any) -> Any:
    """Give dates of what counts days or more, else datetimes; or timedeltas."""
    counts_days = value.dtype.kind == "M" and value.dtype.str.endswith(_DAYS)
    fine = value if counts_days else _counting_microseconds(value)
    plainer = fine.tolist()  # numbers of what datetime does not hold
    if any(isinstance(one, int) for one in (fine.ravel().tolist() if isinstance(plainer, list) else [plainer])):
        raise _out_of_range(value)
    return plainer


def _counting_microseconds(value: Any) -> Any:
    kind, unit = value.dtype.kind, value.dtype.str
    missing = value != value  # noqa: PLR0124 - NaT
    if kind == "m" and (unit.endswith(("Y]", "M]")) or "[" not in unit) and not missing.all():
        what = "a timedelta64 in a unit of no fixed length"
        raise NoFormError(value, what, 'give it one: .astype("timedelta64[D]").')
    fine = value.astype(f"{kind}8[us]")
    if not ((fine.astype(value.dtype) == value) | missing).all():
        raise _too_fine(value)
    return fine


def _from_pandas(value: Any) -> Any:
    if is_na(type(value)):
        return None
    if hasattr(value, "tolist") and not hasattr(value, "levels"):
        return [None if missing else one for one, missing in zip(value.tolist(), value.isna(), strict=True)]
    if hasattr(value, "to_pydatetime"):
        return _in_microseconds(value, value.nanosecond, value.to_pydatetime)
    if hasattr(value, "to_pytimedelta"):
        return _in_microseconds(value, value.nanoseconds, value.to_pytimedelta)
    return value


def _in_microseconds(value: Any, nanoseconds: int, convert: Callable[[], Any]) -> Any:
    if nanoseconds:
        raise _too_fine(value)
    try:
        return convert()
    except (ValueError, OverflowError):
        raise _out_of_range(value) from None


def _from_arrow(value: Any) -> Any:
    for name in ("as_py", "to_pylist"):  # of a scalar, of an array
        if hasattr(value, name):
            return getattr(value, name)()
    return value


def _interval(value: Any) -> Interval:
    microseconds, rest = divmod(value.nanoseconds, 1000)
    interval: Interval = _in_microseconds(value, rest, lambda: Interval(value.months, value.days, microseconds))
    return interval


def _too_fine(value: object) -> TooFineError:
    what = f"a {type(value).__name__} with digits below the microsecond, which no server keeps"
    return TooFineError(value, what, "round it first.")


def _out_of_range(value: object) -> NoFormError:
    return NoFormError(value, f"a {type(value).__name__} outside of the years from 1 to 9999")


_DAYS = ("Y]", "M]", "W]", "D]")  # numpy's units that make dates
_FAMILIES: dict[str, _Unwrap] = {"numpy": _from_numpy, "pandas": _from_pandas, "pyarrow": _from_arrow}
