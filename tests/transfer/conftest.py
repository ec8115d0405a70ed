"""A table to be written into."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tables import unique

from crdb_magic.session.session import Session


@pytest.fixture
def name(session: Session, sql: Callable[..., Any]) -> Iterator[str]:
    """The name of a table that is not there yet."""
    new = unique("written")
    yield new
    session.run(sql(f"DROP TABLE IF EXISTS {new} CASCADE"))
