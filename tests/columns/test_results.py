"""Facts about results: plain frozen values, and a receipt that JSON can hold."""

from __future__ import annotations

import json
import pickle
from dataclasses import FrozenInstanceError
from decimal import Decimal
from typing import Any

import pytest
from column_texts import result_of_rows

from crdb_magic.columns.results import Column, Result, TransactionResults
from crdb_magic.core.asof import AsOf
from crdb_magic.core.options import Isolation, Priority, TransactionOptions
from crdb_magic.core.receipt import Receipt
from crdb_magic.errors import Attempt
from crdb_magic.values.typemap import text_like

RESULT = result_of_rows([Column("name", text_like("STRING", 25))], ["ann"])
RETRIED = Attempt(1, "40001", "RETRY_SERIALIZABLE", "restart transaction: …", 0.004, 0.012)


def receipt(options: TransactionOptions | None = None, **given: Any) -> Receipt:
    told: dict[str, Any] = {"retries": (), "as_of": None, "elapsed": 0.0123456789, "statements": 2, "rows": 1}
    return Receipt(server="CockroachDB v26.1.2", options=options or TransactionOptions(), **{**told, **given})


PLAIN = {
    "server": "CockroachDB v26.1.2",
    "committed": True,
    "attempts": 1,
    "retries": [],
    "priority": None,
    "isolation": None,
    "as_of_asked": None,
    "as_of": None,
    "committed_at": None,
    "ended_at": None,
    "staleness_seconds": None,
    "elapsed_seconds": 0.012346,
    "statements": 2,
    "rows": 1,
    "notes": [],
    "notices": [],
}
ASKED = TransactionOptions(priority=Priority.HIGH, isolation=Isolation.READ_COMMITTED, as_of=AsOf.parse("-10s"))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (receipt(), {}),
        (receipt(ASKED), {"priority": "high", "isolation": "read-committed", "as_of_asked": "-10s"}),
        (
            receipt(as_of=Decimal("1780315200000000000.0000000042")),
            {"as_of": "1780315200000000000.0000000042"},
        ),
        (receipt(as_of=Decimal(1780315200000000000)), {"as_of": "1780315200000000000.0000000000"}),
        (
            receipt(retries=(RETRIED,)),
            {
                "attempts": 2,
                "retries": [
                    {
                        "number": 1,
                        "sqlstate": "40001",
                        "reason": "RETRY_SERIALIZABLE",
                        "message": "restart transaction: …",
                        "wait": 0.004,
                        "elapsed": 0.012,
                    }
                ],
            },
        ),
        (receipt(notes=("no priorities here",)), {"notes": ["no priorities here"]}),
        (receipt(notices=("NOTICE: skipping",)), {"notices": ["NOTICE: skipping"]}),
    ],
    ids=["plain", "asked", "hlc", "whole hlc", "retried", "noted", "noticed"],
)
def test_a_receipt_tells_in_plain_values(given: Receipt, told: dict[str, object]) -> None:
    assert given.as_dict() == PLAIN | told


def test_json_holds_a_receipt_as_it_is() -> None:
    told = receipt(ASKED, retries=(RETRIED,), as_of=Decimal("1780315200000000000.0000000042"), notes=("…",)).as_dict()

    assert json.loads(json.dumps(told)) == told


def test_the_committed_attempt_counts() -> None:
    assert receipt(retries=(RETRIED, RETRIED)).attempts == 3


def test_a_statement_without_rows_has_no_columns() -> None:
    assert Result(tag="CREATE TABLE").columns is None


@pytest.mark.parametrize(
    "value",
    [RESULT, RESULT.columns, receipt(), TransactionResults((RESULT,), receipt())],
    ids=lambda value: type(value).__name__,
)
def test_a_value_survives_pickle(value: object) -> None:
    assert pickle.loads(pickle.dumps(value)) == value


@pytest.mark.parametrize(
    "value", [RESULT, receipt(), TransactionResults((RESULT,), receipt())], ids=lambda value: type(value).__name__
)
def test_a_value_cannot_be_changed(value: Any) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(value, type(value).__slots__[0], None)
