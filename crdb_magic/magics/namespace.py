"""The notebook's variables: where parameters are looked up, and where results are put."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import MutableMapping
from typing import Any

Namespace = MutableMapping[str, Any]


def visible(user_ns: dict[str, Any], local_ns: dict[str, Any] | None) -> Namespace:
    """Give the names that a cell sees: of the function that calls the magic, if any, then of the notebook."""
    return ChainMap(local_ns or {}, user_ns)
