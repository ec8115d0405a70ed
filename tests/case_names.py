"""What a case of a table is called: the same in every process, since ``pytest -n`` compares what its workers have."""

from __future__ import annotations

import re


def case_name(value: object) -> str:
    """Give the repr without the address that some have."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))
