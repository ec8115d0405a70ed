-- Functions and types of CockroachDB that PostgreSQL lacks. May be run again on a database that has them.
-- crdb_internal stands at the end of the server's search_path, so that the unqualified ones are found
-- behind whatever the user has of the same name.

SET client_min_messages = warning;

CREATE SCHEMA IF NOT EXISTS crdb_internal;
GRANT USAGE ON SCHEMA crdb_internal TO PUBLIC;

-- STRING and BYTES are domains: the wire calls a domain by its base, TEXT and BYTEA (printtup.c), so that values come
-- as the same. A domain takes no length: STRING(10) is refused.
DO $$
BEGIN
    IF to_regtype('crdb_internal.string') IS NULL THEN
        CREATE DOMAIN crdb_internal.string AS text;
    END IF;
    IF to_regtype('crdb_internal.bytes') IS NULL THEN
        CREATE DOMAIN crdb_internal.bytes AS bytea;
    END IF;
END $$;

CREATE SEQUENCE IF NOT EXISTS crdb_internal.unique_rowid_counter;
GRANT USAGE ON SEQUENCE crdb_internal.unique_rowid_counter TO PUBLIC;

-- 10 µs since 2015-01-01 in the upper 48 bits, as in CockroachDB; a counter where it has the node's number.
CREATE OR REPLACE FUNCTION crdb_internal.unique_rowid() RETURNS int8 LANGUAGE sql VOLATILE
RETURN (trunc((extract(epoch FROM clock_timestamp()) - 1420070400) * 100000)::int8 << 15)
     | (nextval('crdb_internal.unique_rowid_counter') & 32767);

-- Nanoseconds since 1970 of the transaction's time, and a logical part, which is always 0 here. Of one that reads the
-- past that is the instant which it reads.
CREATE OR REPLACE FUNCTION crdb_internal.cluster_logical_timestamp() RETURNS numeric LANGUAGE sql STABLE
RETURN coalesce(
    nullif(current_setting('crdb_magic.read_at', true), '')::numeric,
    extract(epoch FROM transaction_timestamp()) * 1000000000
)::numeric(40, 10);

CREATE OR REPLACE FUNCTION crdb_internal.follower_read_timestamp() RETURNS timestamptz LANGUAGE sql STABLE
RETURN statement_timestamp() - interval '4.2 seconds';

CREATE OR REPLACE FUNCTION crdb_internal.force_retry(until interval) RETURNS int8 LANGUAGE plpgsql VOLATILE STRICT AS $$
BEGIN
    IF clock_timestamp() - transaction_timestamp() < until THEN
        RAISE EXCEPTION USING ERRCODE = '40001', MESSAGE = 'restart transaction: crdb_internal.force_retry(): '
            'TransactionRetryWithProtoRefreshError: forced by crdb_internal.force_retry()';
    END IF;
    RETURN 0;
END $$;
