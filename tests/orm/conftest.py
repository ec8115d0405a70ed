"""Tables of peewee's models for a test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tables import Tables, tables


@pytest.fixture
def own_tables(url: str) -> Iterator[Tables]:
    with tables(url) as own:
        yield own
