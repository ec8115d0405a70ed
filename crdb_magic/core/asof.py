"""The instant a transaction reads at: every form of AS OF SYSTEM TIME, checked and quoted by ourselves.

The server takes no placeholder there (cockroachdb/cockroach#30955), so nothing that was not parsed here is sent.
Forms and their limits: https://www.cockroachlabs.com/docs/stable/as-of-system-time
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from crdb_magic.errors import OptionError

FOLLOWER = "follower"
_FOLLOWER_SQL = "follower_read_timestamp()"
_FOLLOWER_LAG = timedelta(seconds=4.2)  # what follower_read_timestamp() subtracts by default

_UNITS = {
    "us": timedelta(microseconds=1),
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_SPELLINGS = {
    "µs": "us", "sec": "s", "secs": "s", "second": "s", "seconds": "s", "min": "m", "mins": "m", "minute": "m",
    "minutes": "m", "hour": "h", "hours": "h", "day": "d", "days": "d", "week": "w", "weeks": "w",
}  # fmt: skip
_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-zµ]+)\s*")
_INTERVAL = re.compile(rf"([-+]?)\s*((?:{_AMOUNT.pattern})+)")
_HLC = re.compile(r"[0-9]{17,20}(\.[0-9]{1,10})?")
_EARLIEST = 10**17  # nanoseconds of March 1973: anything less is seconds or milliseconds given by mistake
_LATEST = 2**63 - 1  # of April 2262: the server counts in an INT8
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_FORMS = (
    "write a time ago such as '-10s', a time with its offset such as '2026-06-01 12:00:00+00:00', "
    "a decimal of cluster_logical_timestamp(), 'follower' or 'now'"
)


@dataclass(frozen=True, slots=True)
class AsOf:
    """An instant in the past.

    ``asked`` is what the user wrote; ``sql`` the expression for the server, already quoted; ``hlc`` the timestamp
    in nanoseconds since 1970 with up to ten logical decimals, if it is known without asking the server;
    ``ago`` otherwise the distance to the present.
    """

    asked: str
    sql: str
    hlc: Decimal | None = None
    ago: timedelta | None = None

    @classmethod
    def words(cls) -> tuple[str, ...]:
        """Give what many want to write."""
        return FOLLOWER, "now", "-10s", "-1m", "-1h"

    @classmethod
    def parse(cls, value: object) -> AsOf:
        """Accept a text, a negative ``timedelta``, a ``datetime``, an HLC as ``Decimal`` or ``int``, or a receipt.

        A receipt, a DataFrame that has one (``attrs["crdb"]``), or anything else with an ``instant``, means the
        timestamp that it was read or committed at.

        ``now`` overrides a pin. A naive ``datetime`` is local time; a text without an offset is refused, since
        servers disagree about its meaning.
        Raises :class:`OptionError` for anything else, with what to write instead.
        """
        match value:
            case AsOf():
                return value
            case str():
                return _from_text(value.strip())
            case timedelta():
                return _from_interval(value, f"{value.total_seconds():f}".rstrip("0").rstrip(".") + "s")
            case datetime():
                return _from_datetime(value, str(value))
            case bool() | float():
                raise OptionError(f"as-of {value!r} is not an instant: a number would be nanoseconds; {_FORMS}.")
            case int() | Decimal():
                return at_hlc(Decimal(value))
            case _:
                return at_hlc(_instant_of(value))

    def __str__(self) -> str:
        return self.asked


NOW = AsOf(asked="now", sql="'-1us'", ago=_MICROSECOND)  # stands for no past at all: `TransactionOptions.within`


def at_hlc(hlc: Decimal, asked: str | None = None) -> AsOf:
    """Give the exact instant of an HLC decimal, as ``cluster_logical_timestamp()`` returns it."""
    if not hlc.is_finite() or not _EARLIEST <= hlc <= _LATEST:
        raise OptionError(f"as-of {asked or hlc} is not in the nanoseconds of the years 1973 to 2262: {_FORMS}.")
    digits = f"{hlc:.10f}"
    if Decimal(digits) != hlc:
        raise OptionError(f"as-of {hlc} has more than the ten decimals of cluster_logical_timestamp().")
    return AsOf(asked=asked or f"{hlc:f}", sql=f"'{digits}'", hlc=hlc)


def time_of(hlc: Decimal) -> datetime:
    """Give the time in UTC of an HLC decimal, to the microsecond."""
    return _EPOCH + timedelta(microseconds=int(hlc) // 1000)


def _from_text(text: str) -> AsOf:
    if text.lower() in (FOLLOWER, _FOLLOWER_SQL):
        return AsOf(asked=FOLLOWER, sql=_FOLLOWER_SQL, ago=_FOLLOWER_LAG)
    if text.lower() == NOW.asked:
        return NOW
    if _HLC.fullmatch(text):
        return at_hlc(Decimal(text), text)
    if found := _INTERVAL.fullmatch(text):
        sign, amounts = found.group(1), found.group(2)
        return _from_interval(_duration(amounts, text) * (-1 if sign == "-" else 1), text)
    return _from_time(text)


def _duration(amounts: str, text: str) -> timedelta:
    try:
        return sum((_unit(unit, text) * float(number) for number, unit in _AMOUNT.findall(amounts)), timedelta())
    except OverflowError:
        raise OptionError(f"as-of {text!r} is too far in the past.") from None


def _unit(name: str, text: str) -> timedelta:
    length = _UNITS.get(_SPELLINGS.get(name.lower(), name))
    if length is None:
        raise OptionError(f"as-of {text!r}: no such unit {name!r}; use us, ms, s, m, h, d or w.")
    return length


def _from_interval(interval: timedelta, asked: str) -> AsOf:
    if interval > -_MICROSECOND:
        raise OptionError(f"as-of {asked!r} is not in the past: write a negative one, such as '-10s'.")
    return AsOf(asked=asked, sql=f"'{interval // _MICROSECOND}us'", ago=-interval)


def _from_time(text: str) -> AsOf:
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise OptionError(f"as-of {text!r} is not an instant: {_FORMS}.") from None
    if parsed.tzinfo is None:
        raise OptionError(f"as-of {text!r} has no offset: write '{parsed}+00:00' if you mean UTC.")
    return _from_datetime(parsed, text)


def _from_datetime(moment: datetime, asked: str) -> AsOf:
    try:
        # Takes a naive one for local time; datetime's own method, since pandas' refuses that.
        utc = datetime.astimezone(moment, UTC)
    except (OverflowError, ValueError):
        raise OptionError(f"as-of {asked!r} is outside of the years 1973 to 2262.") from None
    return at_hlc(Decimal((utc - _EPOCH) // _MICROSECOND) * 1000, asked)


def _instant_of(value: object) -> Decimal:
    """Give the instant of a receipt, or of a frame that has one."""
    match value:
        case object(instant=Decimal() as instant):
            return instant
        case object(attrs={"crdb": {"as_of": str() as text}}) | object(attrs={"crdb": {"committed_at": str() as text}}):
            return Decimal(text)
        case object(instant=None) | object(attrs={"crdb": _}):
            raise OptionError(
                f"That {type(value).__name__} has no timestamp: "
                "it read the present, and no commit timestamp was reported.",
                hint="what is read with --as-of, or pinned, has one.",
            )
        case _:
            raise OptionError(f"as-of takes no {type(value).__name__}: {_FORMS}.")
