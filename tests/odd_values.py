"""Values that are not what they look like."""

from __future__ import annotations

import enum


class Shouted(str, enum.Enum):  # noqa: UP042 - StrEnum's values are its texts
    """A text whose value is another one."""

    def __new__(cls, value):
        member = str.__new__(cls, value.upper())
        member._value_ = value
        return member

    HEY = "hey"
