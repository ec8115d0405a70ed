"""What frames are made of, as it was asked for: their columns, their numbers, their dates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from crdb_magic.columns.objects import Finish, as_read, with_decimals
from crdb_magic.core.options import Choice
from crdb_magic.values.typemap import Family, SqlType


class Backend(Choice):
    """What the columns of a DataFrame are made of."""

    NUMPY = "numpy"
    ARROW = "arrow"


class Numbers(Choice):
    """What a DECIMAL becomes: all of its digits, or the nearest double, with which everything computes."""

    EXACT = "exact"
    FLOAT = "float"


class Dates(Choice):
    """What a DATE becomes: a date, or the midnight that it begins with, which pandas has methods for."""

    DATE = "date"
    DATETIME64 = "datetime64"


@dataclass(frozen=True, slots=True)
class FrameOptions:
    """What the columns of a frame are made of; arrays, and JSON's numbers, stay exact whatever is asked for."""

    backend: Backend = Backend.NUMPY
    numbers: Numbers = Numbers.EXACT
    dates: Dates = Dates.DATE

    @classmethod
    def parse(cls, backend: object, numbers: object, dates: object) -> Self:
        """Read the words; raises :class:`crdb_magic.errors.OptionError` that lists those that there are."""
        return cls(Backend.parse(backend), Numbers.parse(numbers), Dates.parse(dates))

    @property
    def finish(self) -> Finish:
        """What is best done with each batch of a large result while the next one comes."""
        return with_decimals if (self.backend, self.numbers) == (Backend.NUMPY, Numbers.EXACT) else as_read

    def read_as(self, type_: SqlType) -> SqlType:
        """Give the type as which a column is read."""
        if self.numbers is Numbers.FLOAT and type_.family is Family.DECIMAL:
            return replace(type_, family=Family.FLOAT8)
        return type_

    def at_midnight(self, type_: SqlType) -> bool:
        """Whether the dates of a column become instants."""
        return self.dates is Dates.DATETIME64 and type_.family is Family.DATE


EXACT = FrameOptions()
