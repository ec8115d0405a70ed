"""Where the quickstart notebook is."""

from __future__ import annotations

from pathlib import Path

_IN_WHEEL = Path(__file__).with_name("quickstart.ipynb")
_IN_CHECKOUT = Path(__file__).parents[2] / "notebooks" / "quickstart.ipynb"

QUICKSTART = _IN_WHEEL if _IN_WHEEL.exists() else _IN_CHECKOUT
