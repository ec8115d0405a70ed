"""A schema of its own for each test, and what is made in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from tables import unique

from crdb_magic.session.session import Session
from crdb_magic.sql.statements import BoundStatement


@pytest.fixture
def schema(session: Session, sql: Callable[..., list[BoundStatement]]) -> Iterator[str]:
    """The name of an empty schema."""
    name = unique("explored")
    session.run(sql(f"CREATE SCHEMA {name}"))
    yield name
    session.run(sql(f"DROP SCHEMA {name} CASCADE"))


@pytest.fixture
def make(session: Session, sql: Callable[..., list[BoundStatement]], schema: str) -> Callable[..., None]:
    """Run statements, each by itself, with the schema's name for {s}."""

    def run(*statements: str) -> None:
        for statement in statements:
            session.run(sql(statement.replace("{s}", schema)))

    return run
