"""Whether what a transaction on a snapshot showed is the past, and not the present's names on yesterday's rows.

PostgreSQL reads rows as a snapshot has them, but looks up what everything is called, and how it is made, in the present
(syscache, relcache). So a column that was added since is shown, a view is the present's, and a table that was rewritten
has no rows. Before the transaction ends, the definitions behind all that it touched are asked for twice: as its
snapshot has them, and as they are now. Its locks name every relation that it touched, also behind views and functions.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from crdb_magic.sql.messages import LETS_GO, LOOKS_UP

Ask = Callable[[str], str]

# OIDs below 16384 are the server's own.
_TOUCHED = """
SELECT concat_ws(' ', coalesce(string_agg(DISTINCT relation::text, ','), '0'), coalesce(bool_or(relation < 16384),
    false), pg_my_temp_schema()) FROM pg_lock_status() WHERE pid = pg_backend_pid() AND locktype = 'relation'
"""
_SEES = "SELECT pg_current_snapshot()::text"
_ALL = "SELECT string_agg(oid::text, ',') FROM pg_class WHERE oid >= 16384"

# What has no past in a snapshot. Rows of temporary tables are vacuumed as if nobody else could see them
# (ComputeXidHorizons in procarray.c), a sequence has one value, and a foreign table is elsewhere.
_WITHOUT_PAST = """
SELECT format('%I is a %s', relname, CASE WHEN relpersistence = 't' THEN 'temporary table'
    WHEN relkind = 'S' THEN 'sequence' ELSE 'foreign table' END)
FROM pg_class WHERE oid IN ({touched}) AND oid >= 16384 AND relkind NOT IN ('i', 'I', 't')
AND (relkind IN ('S', 'f') OR relpersistence = 't') ORDER BY relname LIMIT 1
"""

# What views and functions say: they, too, may look something up by its name, or let go of locks. Calls are counted
# (track_functions), for a second perhaps; those of functions in SQL are not all, since they are inlined.
_BODIES = """
SELECT concat_ws(' ', coalesce(bool_or(body ~* '{lets_go}'), false), coalesce(bool_or(body ~* '{looks_up}'), false),
    pg_current_snapshot()) FROM (
    SELECT concat(prosrc, pg_get_function_sqlbody(p.oid)) FROM pg_proc p JOIN pg_language l ON l.oid = prolang
    WHERE p.oid >= 16384 AND pronamespace <> coalesce(to_regnamespace('crdb_internal')::oid, 0)
    AND (lanname = 'sql' OR pg_stat_get_xact_function_calls(p.oid) > 0)
    UNION ALL SELECT pg_get_viewdef(oid) FROM pg_class WHERE oid IN ({touched}) AND relkind = 'v' AND oid >= 16384
) AS q(body)
"""

# Each row is a definition, below the name under which it would be found. Left out of pg_class is what VACUUM, ANALYZE
# and CREATE INDEX change in place, and flags that tell of what is asked for here itself. A name is looked up along the
# search_path, so all relations of that name count, but those of other sessions' temporary schemas. The planner trusts
# NOT NULL, CHECK and unique indexes, of partitions too that it does not touch.
_RELATIONS = """
WITH RECURSIVE t(oid) AS (
    SELECT oid FROM pg_class WHERE oid IN ({touched}) AND oid >= 16384 AND relkind NOT IN ('i', 'I', 't')
    UNION SELECT inhrelid FROM pg_inherits JOIN t ON inhparent = oid
), named AS (SELECT relname FROM pg_class JOIN t USING (oid)), d(oid, definition) AS (
    SELECT c.oid, ((to_jsonb(c) || jsonb_build_object('schema', nspname)) - '{{relpages,reltuples,relallvisible,
        relallfrozen,relfrozenxid,relminmxid,relhasindex,relhastriggers,relhassubclass,relhasrules,relchecks,
        reltoastrelid}}'::text[])::text
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relname IN (SELECT relname FROM named) AND (relpersistence <> 't' OR relnamespace = {temporary})
    OR c.oid IN (SELECT oid FROM t)
    UNION ALL SELECT attrelid, concat_ws(' ', attnum, attname, atttypid, atttypmod, attcollation, attnotnull,
        attisdropped, attgenerated, attmissingval, attacl) FROM pg_attribute JOIN t ON attrelid = oid WHERE attnum > 0
    UNION ALL SELECT adrelid, adbin::text FROM pg_attrdef JOIN t ON adrelid = t.oid
        JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum WHERE attgenerated <> ''
    UNION ALL SELECT conrelid, c::text FROM pg_constraint c JOIN t ON conrelid = t.oid WHERE contype IN ('c', 'n')
    UNION ALL SELECT indrelid, i::text FROM pg_index i JOIN t ON indrelid = oid WHERE indisunique
    UNION ALL SELECT ev_class, r::text FROM pg_rewrite r JOIN t ON ev_class = t.oid
    UNION ALL SELECT inhparent, i::text FROM pg_inherits i JOIN t ON inhparent = oid
    UNION ALL SELECT polrelid, p::text FROM pg_policy p JOIN t ON polrelid = t.oid
), by_name AS (
    SELECT relname AS name, md5(string_agg(definition, E'\\n' ORDER BY definition COLLATE "C")) AS hash
    FROM d JOIN pg_class USING (oid) GROUP BY relname
)
"""

# They are not locked where they are used, so each change counts: functions, operators, casts, and types but for those
# that belong to a table.
_OTHERS = """
, others(name, version) AS (
    SELECT 'the function ' || proname, p.xmin FROM pg_proc p WHERE oid >= 16384
    UNION ALL SELECT 'the aggregate ' || aggfnoid::oid, xmin FROM pg_aggregate WHERE aggfnoid >= 16384
    UNION ALL SELECT 'the operator ' || oprname, xmin FROM pg_operator WHERE oid >= 16384
    UNION ALL SELECT 'a cast', xmin FROM pg_cast WHERE oid >= 16384
    UNION ALL SELECT 'the collation ' || collname, xmin FROM pg_collation WHERE oid >= 16384
    UNION ALL SELECT 'the label ' || enumlabel, xmin FROM pg_enum WHERE oid >= 16384
    UNION ALL SELECT 'a constraint of a type', xmin FROM pg_constraint WHERE contypid <> 0
    UNION ALL SELECT 'the type ' || y.typname, y.xmin FROM pg_type y LEFT JOIN pg_type e ON e.oid = y.typelem
    LEFT JOIN pg_class c ON c.oid IN (y.typrelid, e.typrelid) WHERE y.oid >= 16384 AND coalesce(c.relkind, 'c') = 'c'
    UNION ALL SELECT 'the type ' || relname, a.xmin FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
    WHERE relkind = 'c' AND c.oid >= 16384
), by_other AS (
    SELECT name, md5(string_agg(version::text, ',' ORDER BY version::text COLLATE "C")) AS hash
    FROM others GROUP BY name
)
SELECT coalesce(jsonb_object_agg(name, hash)::text, '{{}}')
FROM (SELECT name, hash FROM by_name UNION ALL SELECT name, hash FROM by_other) AS q
"""

# What is asked of the catalogue itself is of the snapshot, but its functions (pg_get_expr, format_type) look up in the
# present what it says. They find the same where all is there that was, and nothing new has a name that there was.
_OF_ONE = "SELECT concat_ws(' ', '{0}', {1}, {2}, xmin), {3} FROM {0} WHERE {1} >= 16384"
_TABLES = (
    "pg_class oid 0 relname", "pg_namespace oid 0 nspname", "pg_authid oid 0 rolname", "pg_attrdef oid 0 NULL",
    "pg_attribute attrelid attnum NULL", "pg_constraint oid 0 NULL", "pg_description objoid objsubid NULL",
    "pg_extension oid 0 NULL", "pg_index indexrelid 0 NULL", "pg_inherits inhrelid inhparent NULL",
    "pg_policy oid 0 NULL", "pg_rewrite oid 0 NULL", "pg_sequence seqrelid 0 NULL", "pg_trigger oid 0 NULL",
)  # fmt: skip
_ROWS = " UNION ALL ".join(_OF_ONE.format(*row.split()) for row in _TABLES)
_CATALOGUE = f"SELECT coalesce(jsonb_object_agg(key, name)::text, '{{}}') FROM ({_ROWS}) AS q(key, name)"  # noqa: S608


def untrue(then: Ask, now: Ask, *, lets_go: bool, looks_up: bool) -> str | None:
    """Say what a transaction may have shown otherwise than it was; None if nothing.

    ``then`` asks within it, ``now`` somewhere else. ``lets_go`` is whether it may have let go of locks, ``looks_up``
    whether it may have asked for what something is called or how it is made.
    """
    touched, in_catalogue, temporary = then(_TOUCHED).split()
    bodies = _BODIES.format(touched=touched, lets_go=LETS_GO, looks_up=LOOKS_UP)
    body_lets_go, body_looks_up, seen = then(bodies).split()
    if lets_go or body_lets_go == "t":
        touched = ",".join(filter(None, (touched, then(_ALL))))
    if without := then(_WITHOUT_PAST.format(touched=touched)):
        return f"{without}, whose past is not kept"
    if seen == now(_SEES):
        return None
    definitions = (_RELATIONS + _OTHERS).format(touched=touched, temporary=temporary)
    if changed := _differing(then(definitions), now(definitions)):
        return f"{changed} was made, changed or dropped since"
    by_name = looks_up or body_looks_up == "t"
    if (by_name or in_catalogue == "t") and _is_other(then(_CATALOGUE), now(_CATALOGUE), by_name=by_name):
        return "the catalogue was changed since"
    return None


def _differing(then: str, now: str) -> str | None:
    """Give the first name with another definition."""
    return min((name for name, _ in json.loads(then).items() ^ json.loads(now).items()), default=None)


def _is_other(then: str, now: str, *, by_name: bool) -> bool:
    """Whether the catalogue tells otherwise of what was there; ``by_name`` also of what was not.

    A new schema may be one of current_schemas().
    """
    old, new = json.loads(then), json.loads(now)
    added = new.keys() - old.keys()
    hidden = {new[key] for key in added} & set(old.values()) - {None}
    return bool(old.keys() - new.keys() or hidden or any(by_name or key.startswith("pg_namespace") for key in added))
