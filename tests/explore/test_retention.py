"""How long the past of a database's tables is kept: whose setting counts."""

from __future__ import annotations

import pytest
from personality import TEXT, Table, show

from crdb_magic.explore.retention import Retention, retention

_DEFAULT = ("RANGE default", "ALTER RANGE default CONFIGURE ZONE USING\n\tgc.ttlseconds = 14400,\n\tnum_replicas = 3")
_DATABASE = ("DATABASE defaultdb", "ALTER DATABASE defaultdb CONFIGURE ZONE USING\n\tgc.ttlseconds = 90000")
_TABLE = ("TABLE defaultdb.public.t", "ALTER TABLE defaultdb.public.t CONFIGURE ZONE USING\n\tgc.ttlseconds = 600")
_INDEX = ("INDEX defaultdb.public.t@i", "\tgc.ttlseconds = 300")
_LONGER = ("TABLE defaultdb.public.u", "\tgc.ttlseconds = 999999")
_OTHERS = [
    ("RANGE liveness", "\tgc.ttlseconds = 1"),
    ("DATABASE system", "\tgc.ttlseconds = 1"),
    ("TABLE system.public.lease", "\tgc.ttlseconds = 1"),
    ("DATABASE defaultdb2", "\tgc.ttlseconds = 1"),
    ("TABLE defaultdb.public.v", "\tnum_replicas = 5"),
    ("TABLE defaultdb.public.w", None),  # of what was dropped
]


@pytest.mark.parametrize(
    ("zones", "seconds", "of"),
    [
        ([_DEFAULT], 14400, "RANGE default"),
        ([_DEFAULT, _DATABASE], 90000, "DATABASE defaultdb"),
        ([_DEFAULT, _TABLE], 600, "TABLE defaultdb.public.t"),
        ([_DEFAULT, _DATABASE, _TABLE, _INDEX], 300, "INDEX defaultdb.public.t@i"),
        ([_DEFAULT, _LONGER], 14400, "RANGE default"),
        ([], None, ""),
    ],
)
def test_the_shortest_counts_of_the_tables_and_of_what_others_inherit(as_v26, through_v26, zones, seconds, of):
    as_v26.rules.append(
        show("ZONE CONFIGURATIONS", Table([("target", TEXT), ("raw_config_sql", TEXT)], [*_OTHERS, *zones]))
    )

    assert retention(through_v26) == Retention(seconds, of)
