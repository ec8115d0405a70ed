"""Which server answered, what it can do, and how it wants things said. Facts as data; nothing is sent here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from crdb_magic.core.options import Isolation, TransactionOptions


class Product(Enum):
    """The two servers that speak this protocol here."""

    COCKROACHDB = "CockroachDB"
    POSTGRESQL = "PostgreSQL"


_NEWEST = (99, 0, 0)  # of a build without a version number: someone's own, of the newest code
SESSION_ID = "SHOW session_id"
ISOLATION = "SHOW default_transaction_isolation"

# In the plan's first node: `estimated row count: 1,000 (100% of the table; …)`, `estimated row count: 100 - 33,334`
# (of CockroachDB's pkg/sql/opt/exec/explain/emit.go), and `(cost=… rows=1000 width=8)`.
_ESTIMATE = {
    Product.COCKROACHDB: re.compile(r"estimated row count: (?:[\d,]+ - )?([\d,]+)"),
    Product.POSTGRESQL: re.compile(r"rows=(\d+)"),
}

# The forms that are read exactly. Floats have 15 digits by default in older servers (CockroachDB v22.1, PostgreSQL 11);
# CockroachDB knows base64 as a third form of bytes, which can't be told from the others. psycopg2 sets ISO
# as the datestyle, where it is not the default, of a new connection only.
_FORMS = (
    "SET intervalstyle = 'postgres'",
    "SET extra_float_digits = 3",
    "SET bytea_output = 'hex'",
    "SET datestyle = 'ISO'",
)

_CRDB_VERSION = re.compile(r"v(\d+)\.(\d+)(?:\.(\d+))?")


@dataclass(frozen=True, slots=True)
class Server:
    """A server's product and version, and what follows from them.

    CockroachDB names itself in the start-up parameter ``crdb_version`` (its ``server_version`` says 13.0.0), so
    that knowing it costs no round trip.
    """

    product: Product
    version: tuple[int, int, int]

    @classmethod
    def identify(cls, crdb_version: str | None, server_version: int) -> Server:
        """Tell the server by the parameters of its start-up message; ``server_version`` is libpq's number."""
        if crdb_version is None:
            return cls(Product.POSTGRESQL, (server_version // 10_000, server_version % 10_000, 0))
        found = _CRDB_VERSION.search(crdb_version)
        if found is None:
            return cls(Product.COCKROACHDB, _NEWEST)
        major, minor, patch = (int(number or 0) for number in found.groups())
        return cls(Product.COCKROACHDB, (major, minor, patch))

    @lru_cache  # noqa: B019 - a handful of servers, and frozen
    def __str__(self) -> str:
        if self.version == _NEWEST:
            return f"{self.product.value} (a build without a version)"
        if self.is_cockroachdb:
            return "{} v{}.{}.{}".format(self.product.value, *self.version)
        return "{} {}.{}".format(self.product.value, *self.version)

    @property
    def is_cockroachdb(self) -> bool:
        """Whether it is CockroachDB itself."""
        return self.product is Product.COCKROACHDB

    # What it can do. Each is asked by name; nobody else compares versions.

    @property
    def is_tried(self) -> bool:
        """It is as new as the oldest that the answers of servers here were recorded of."""
        return self.version >= ((22, 1, 0) if self.is_cockroachdb else (14, 0, 0))

    @property
    def priorities(self) -> bool:
        """BEGIN PRIORITY is supported."""
        return self.is_cockroachdb

    @property
    def as_of_system_time(self) -> bool:
        """BEGIN AS OF SYSTEM TIME is supported; elsewhere historical reads use kept snapshots."""
        return self.is_cockroachdb

    @property
    def now_is_as_of(self) -> bool:
        """now() in a transaction with AS OF SYSTEM TIME is the timestamp that it reads at.

        CockroachDB: pkg/sql/conn_executor_exec.go, beginTransactionTimestampsAndReadMode and handleAOST (v21.2 to v25).
        statement_timestamp() and clock_timestamp() are the clock's there too. PostgreSQL imports a snapshot, which has
        no time.
        """
        return self.is_cockroachdb

    @property
    def start_tag(self) -> str:
        """The tag of START TRANSACTION (CockroachDB: pkg/sql/sem/tree/stmt.go, of BeginTransaction)."""
        return "BEGIN" if self.is_cockroachdb else "START TRANSACTION"

    @property
    def savepoints(self) -> bool:
        """Savepoints nest (CockroachDB v20.1)."""
        return not self.is_cockroachdb or self.version >= (20, 1, 0)

    @property
    def copy_as_selected(self) -> bool:
        """COPY TO formats values as SELECT does.

        CockroachDB's spells collated strings, CITEXT and FLOAT4 otherwise (pkg/sql/copy_to.go, sem/tree/datum.go).
        """
        return not self.is_cockroachdb

    @property
    def cursors(self) -> bool:
        """DECLARE and FETCH are supported (CockroachDB v22.2; absent in v22.1: reference recording)."""
        return not self.is_cockroachdb or self.version >= (22, 2, 0)

    @property
    def wire_cancel(self) -> bool:
        """A cancel request of the protocol is heard (CockroachDB v22.1, cockroachdb/cockroach#67501)."""
        return not self.is_cockroachdb or self.version >= (22, 1, 0)

    @property
    def copy_to(self) -> bool:
        """COPY … TO STDOUT is supported (CockroachDB v23.1)."""
        return not self.is_cockroachdb or self.version >= (23, 1, 0)

    @property
    def cancel_is_certain(self) -> bool:
        """SQLSTATE 57014 for a COMMIT, or for an implicit transaction, means that nothing was committed.

        PostgreSQL ignores cancel requests while it commits, and afterwards (access/transam/xact.c, tcop/postgres.c).
        CockroachDB returns 57014 whatever the result of the commit was, even an ambiguous one, and at a
        statement_timeout even if it succeeded (pkg/sql/conn_executor_exec.go, queryDone).
        """
        return not self.is_cockroachdb

    @property
    def tells_commit_time(self) -> bool:
        """SHOW COMMIT TIMESTAMP is supported (CockroachDB v23.1); older ones reject the whole message that has it."""
        return self.is_cockroachdb and self.version >= (23, 1, 0)

    @property
    def weak_isolation(self) -> bool:
        """Below SERIALIZABLE a transaction may write at a later timestamp than it reads (CockroachDB v23.2).

        SHOW COMMIT TIMESTAMP tells when it has read last, then: pkg/kv/kvclient/kvcoord/txn_coord_sender.go,
        CommitTimestamp; logic_test/show_commit_timestamp.
        """
        return self.is_cockroachdb and self.version >= (23, 2, 0)

    @property
    def settings_roll_back(self) -> bool:
        """A SET is rolled back with its transaction or savepoint.

        CockroachDB keeps it: https://www.cockroachlabs.com/docs/stable/known-limitations (SET does not ROLLBACK).
        """
        return not self.is_cockroachdb

    @property
    def set_local(self) -> bool:
        """SET LOCAL is known (absent in CockroachDB v21.2: reference recording)."""
        return not self.is_cockroachdb or self.version >= (22, 1, 0)

    @property
    def copy_tells_empty(self) -> bool:
        """COPY … FROM in CSV tells "" from an empty field (CockroachDB v22.2, cockroachdb/cockroach#84487)."""
        return not self.is_cockroachdb or self.version >= (22, 2, 0)

    @property
    def copy_by_name(self) -> bool:
        """COPY … FROM accepts names for REGCLASS and similar types; CockroachDB takes numbers (parse_string.go)."""
        return not self.is_cockroachdb

    @property
    def upsert(self) -> bool:
        """UPSERT is supported; elsewhere INSERT … ON CONFLICT (primary key) DO UPDATE does it."""
        return self.is_cockroachdb

    @property
    def hidden_columns(self) -> bool:
        """Tables may have hidden columns, which SELECT * leaves out; information_schema.columns.is_hidden tells."""
        return self.is_cockroachdb

    @property
    def shows_create(self) -> bool:
        """SHOW CREATE is supported."""
        return self.is_cockroachdb

    @property
    def shows_sessions(self) -> bool:
        """SHOW CLUSTER SESSIONS and SHOW CLUSTER STATEMENTS are supported; elsewhere pg_stat_activity is complete."""
        return self.is_cockroachdb

    @property
    def system_privileges(self) -> bool:
        """GRANT SYSTEM is supported (CockroachDB v22.2); before, what it grants is an option of ALTER USER."""
        return self.is_cockroachdb and self.version >= (22, 2, 0)

    @property
    def range_details(self) -> bool:
        """SHOW RANGES tells of sizes and leaseholders on demand (v23.1); before, always."""
        return not self.is_cockroachdb or self.version >= (23, 1, 0)

    @property
    def ranges_name_tables(self) -> bool:
        """SHOW RANGES FROM DATABASE tells which tables a range holds, and of which schema (v23.2).

        In v23.1 it does so where sql.show_ranges_deprecated_behavior.enabled is off (cockroachdb/cockroach#102961).
        """
        return not self.is_cockroachdb or self.version >= (23, 2, 0)

    @property
    def sizes_by_function(self) -> bool:
        """pg_class and pg_total_relation_size() give the sizes of tables; elsewhere SHOW TABLES and SHOW RANGES do.

        In CockroachDB ``reltuples`` is NULL (pkg/sql/pg_catalog.go).
        """
        return not self.is_cockroachdb

    @property
    def types_tell_collation(self) -> bool:
        """information_schema.columns.crdb_sql_type includes the COLLATE of a column."""
        return self.is_cockroachdb

    @property
    def catalogued_definitions(self) -> bool:
        """pg_constraint has the SQL of constraints, in ``condef`` (pkg/sql/pg_catalog.go)."""
        return self.is_cockroachdb

    @property
    def longest_name(self) -> int | None:
        """How many bytes a name may have, None for as many as one likes: PostgreSQL cuts what is longer.

        CockroachDB keeps all (cockroachdb/cockroach#44961; it shows a limit of 128 that nothing holds, #26433).
        """
        return None if self.is_cockroachdb else 63

    @property
    def transactional_ddl(self) -> bool:
        """A transaction may change the schema and use the change."""
        return not self.is_cockroachdb

    @property
    def largest_load(self) -> int | None:
        """How many bytes of CSV one transaction should bring at most, None for as many as there are.

        Advice, not measured: a transaction of CockroachDB holds its locks in memory and has a deadline to meet.
        """
        return 512 << 20 if self.is_cockroachdb else None

    @property
    def databases_as_schemas(self) -> bool:
        """A two-part name may be database.table, for a table in the other database's schema ``public``."""
        return self.is_cockroachdb

    # How things are said.

    @property
    def number(self) -> int:
        """Give the version as one number: 190105 for CockroachDB v19.1.5, libpq's for PostgreSQL (160002: 16.2)."""
        major, minor, patch = self.version
        return major * 10_000 + (minor * 100 + patch if self.is_cockroachdb else minor)

    @property
    def own_type_names(self) -> bool:
        """CockroachDB's own names of types are known: STRING, BYTES, and INT for INT8."""
        return self.is_cockroachdb

    @property
    def plans_as_json(self) -> bool:
        """EXPLAIN can return the plan as JSON; elsewhere as the lines of a tree."""
        return not self.is_cockroachdb

    def explain(self, *, analyze: bool) -> str:
        """Spell the EXPLAIN before a statement, which ``analyze`` executes."""
        if self.plans_as_json:
            return "EXPLAIN (FORMAT JSON, ANALYZE, BUFFERS)" if analyze else "EXPLAIN (FORMAT JSON)"
        return "EXPLAIN ANALYZE" if analyze else "EXPLAIN"

    @property
    def own_words(self) -> bool:
        """CockroachDB's own statements are supported: SHOW TABLES, UPSERT, AS OF SYSTEM TIME and others."""
        return self.is_cockroachdb

    @property
    def settings(self) -> tuple[str, ...]:
        """Give the settings of a new connection, and of one that forgot all by RESET ALL, to be sent in one message.

        ``autocommit_before_ddl`` (CockroachDB v24.1, on by default since v25.2) would commit a transaction behind
        our back; the forms of texts are pinned, whatever the defaults of the server, the database and the role are.
        """
        if not self.is_cockroachdb:
            return (*_FORMS, "SET default_transaction_isolation = 'serializable'")
        ddl = ("SET autocommit_before_ddl = off",) if self.version >= (24, 1, 0) else ()
        return (*_FORMS, *ddl, *filter(None, [self.first_question]))

    @property
    def first_question(self) -> str:
        """What a connection must know before anything is sent on it, which goes in the message of the settings.

        Where a statement can only be cancelled by SQL, the session must be known by name before it is stuck; where
        there are weaker levels, the one of transactions that name none.
        """
        if not self.is_cockroachdb or (self.wire_cancel and not self.weak_isolation):
            return ""
        return ISOLATION if self.weak_isolation else SESSION_ID

    def notes(self, options: TransactionOptions, *, alone: bool = False) -> tuple[str, ...]:
        """Say what was asked and has no effect on this server, or on a statement that goes ``alone``."""
        if alone and (options.priority or options.isolation):
            return ("A schema change goes by itself there: --priority and --isolation change nothing.",)
        if options.priority and not self.priorities:
            return (f"{self.product.value} has no transaction priorities: --priority changes nothing here.",)
        return ()

    def estimated_rows(self, plan: str) -> int | None:
        """Read from the text of EXPLAIN how many rows the planner expects at most; None if it does not know."""
        found = None if "missing stats" in plan else _ESTIMATE[self.product].search(plan)
        return int(found.group(1).replace(",", "")) if found else None

    def limit_statement(self, milliseconds: int, *, within: bool = True) -> str:
        """Spell a time limit for the statements that follow: ``within`` a transaction, in it alone if that is known."""
        return f"SET {'LOCAL ' if within and self.set_local else ''}statement_timeout = {milliseconds}"

    def begin(self, options: TransactionOptions) -> str:
        """Spell BEGIN with all that was asked, except the past on a server without AS OF SYSTEM TIME."""
        level = self._isolation(options)
        modes = [f"ISOLATION LEVEL {level.value.replace('-', ' ').upper()}"] if level else []
        if options.priority and self.priorities:
            modes.append(f"PRIORITY {options.priority.value.upper()}")
        if options.read_only:
            modes.append("READ ONLY")
        if options.as_of and self.as_of_system_time:
            modes.append(f"AS OF SYSTEM TIME {options.as_of.sql}")
        return " ".join(["BEGIN", ", ".join(modes)]).rstrip()

    def _isolation(self, options: TransactionOptions) -> Isolation | None:
        if options.as_of:  # read the same at each level, but cluster_logical_timestamp() is refused below this one
            return Isolation.SERIALIZABLE
        return options.isolation or (None if self.is_cockroachdb else Isolation.SERIALIZABLE)
