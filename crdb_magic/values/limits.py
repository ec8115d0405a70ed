"""What the type of a column takes of a text: as it is, in another form, or not at all.

An INSERT keeps these limits, and so does COPY on PostgreSQL. COPY on CockroachDB does not: it cuts texts and bits and
pads bits, reads 010 as 8, and from v23.1 on neither rounds nor checks a DECIMAL(p,s), nor rounds a FLOAT4
(pkg/sql/sem/tree/parse_string.go; a cast cuts the elements of arrays too). So they are kept before anything is sent.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, ROUND_HALF_UP, Context, Decimal
from typing import Protocol

_NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,9})?\s*", re.ASCII)
_INTEGER = re.compile(r"\s*(?:\+|(-))?0*(\d+)\s*", re.ASCII)
_BITS = re.compile(r"[bB]?[01]*|[xX][0-9a-fA-F]*")
_EXACT = Context(prec=MAX_PREC, Emin=MIN_EMIN, Emax=MAX_EMAX)
_HEX_DIGIT = 4  # bits


class TypeLimit(Protocol):
    """What a type takes. A text that is none of its values at all is left for the server to refuse."""

    @property
    def takes(self) -> str:
        """Say it."""

    def fit(self, text: str) -> str | None:
        """Give the text as it is to be sent, None if the type does not take it."""


@dataclass(frozen=True, slots=True)
class Length:
    """So many characters; those of a CHAR(n) don't count the blanks behind them."""

    most: int
    padded: bool = False

    @property
    def takes(self) -> str:
        """Say it."""
        return f"{self.most} character{'s' if self.most > 1 else ''} at most"

    def fit(self, text: str) -> str | None:
        """Take what is no longer."""
        return text if len(text.rstrip(" ") if self.padded else text) <= self.most else None


@dataclass(frozen=True, slots=True)
class Bits:
    """So many bits, or up to so many."""

    count: int
    exactly: bool

    @property
    def takes(self) -> str:
        """Say it."""
        return f"{self.count} bit{'s' if self.count > 1 else ''}{'' if self.exactly else ' at most'}"

    def fit(self, text: str) -> str | None:
        """Take what has as many."""
        if not _BITS.fullmatch(text):
            return text
        prefix = text[:1].lower()
        count = _HEX_DIGIT * (len(text) - 1) if prefix == "x" else len(text) - (prefix == "b")
        return text if count == self.count or (count < self.count and not self.exactly) else None


@dataclass(frozen=True, slots=True)
class Digits:
    """A DECIMAL(precision, scale): rounded to its scale, half away from zero, and below a power of ten then."""

    precision: int
    scale: int

    @property
    def takes(self) -> str:
        """Say it."""
        return f"numbers below 10^{self.precision - self.scale}"

    def fit(self, text: str) -> str | None:
        """Round."""
        if not _NUMBER.fullmatch(text):
            return text
        value = Decimal(text)
        if value and value.adjusted() > self.precision - self.scale:  # spelt out, it may have a billion digits
            return None
        rounded = value.quantize(Decimal(1).scaleb(-self.scale), ROUND_HALF_UP, _EXACT)
        return None if rounded and rounded.adjusted() >= self.precision - self.scale else f"{rounded:f}"


@dataclass(frozen=True, slots=True)
class Whole:
    """Integers in decimal digits: 010 is ten, and 0x1F none."""

    takes: str = "integers alone, in decimal digits"

    def fit(self, text: str) -> str | None:
        """Take leading zeros away."""
        found = _INTEGER.fullmatch(text)
        return (found[1] or "") + found[2] if found else None


@dataclass(frozen=True, slots=True)
class Real:
    """Numbers of four bytes, spelt as the double that is the same."""

    takes: str = "numbers from 1.4e-45 to 3.4e+38"

    def fit(self, text: str) -> str | None:
        """Round to the nearest."""
        if not _NUMBER.fullmatch(text):
            return text
        value = float(text)
        try:
            (rounded,) = struct.unpack("<f", struct.pack("<f", value))
        except OverflowError:
            return None
        return None if value and not rounded else repr(rounded)
