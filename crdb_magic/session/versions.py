"""Which driver there is, and which libpq in it."""

from __future__ import annotations

import psycopg2
from psycopg2 import extensions


def driver_version() -> str:
    """Name the driver and the libpq in it, with their versions."""
    number = extensions.libpq_version()  # 170004: 17.4
    driver = str(vars(psycopg2)["__version__"]).partition(" ")[0]
    return f"psycopg2 {driver} (libpq {number // 10_000}.{number % 10_000})"
