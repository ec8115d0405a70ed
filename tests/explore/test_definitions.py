"""Definitions of indexes, as both servers write them, read."""

from __future__ import annotations

import pytest

from crdb_magic.explore.definitions import read_index, unwrapped


@pytest.mark.parametrize(
    ("definition", "columns", "unique", "method", "storing", "where"),
    [
        # PostgreSQL's pg_get_indexdef().
        ("CREATE INDEX i ON public.t USING btree (a, b DESC)", "a, b DESC", False, "btree", None, None),
        ("CREATE UNIQUE INDEX i ON public.t USING btree (a) INCLUDE (b, c)", "a", True, "btree", "b, c", None),
        ("CREATE INDEX i ON public.t USING gin (d jsonb_path_ops)", "d jsonb_path_ops", False, "gin", None, None),
        (
            "CREATE INDEX \"USING x (\" ON public.\"WHERE\" USING btree (lower((a)::text), \"x ASC\") "
            "WITH (fillfactor='70') WHERE ((a > 0) AND (b <> ') WHERE'::text))",
            'lower((a)::text), "x ASC"', False, "btree", None, "(a > 0) AND (b <> ') WHERE'::text)",
        ),
        ("CREATE INDEX i ON public.t USING btree (a) WHERE active", "a", False, "btree", None, "active"),
        # CockroachDB: pg_indexes in logictest's pg_catalog, catformat.indexForDisplay().
        ("CREATE UNIQUE INDEX t1_pkey ON db.public.t1 USING btree (p ASC)", "p", True, "btree", None, None),
        (
            "CREATE INDEX t1_a ON db.public.t1 USING btree (a ASC, b DESC) STORING (c) WHERE (a > 1)",
            "a, b DESC", False, "btree", "c", "a > 1",
        ),
        ("CREATE INDEX i ON db.public.t USING gin (j ASC)", "j", False, "gin", None, None),
        (
            "CREATE INDEX i ON db.public.t USING btree (a ASC) USING HASH WITH (bucket_count=8)",
            "a", False, "hash-sharded (8 buckets)", None, None,
        ),
        (
            "CREATE INDEX i ON db.public.t USING btree (a ASC) USING HASH WITH (bucket_count='16') STORING (b)",
            "a", False, "hash-sharded (16 buckets)", "b", None,
        ),
        ("CREATE INDEX i ON db.public.t USING btree (a ASC) WHERE (b) NOT VISIBLE", "a", False, "btree, not visible",
         None, "b"),
        ("CREATE INDEX i ON db.public.t USING btree (a ASC) WHERE (b > 1) VISIBILITY 0.50", "a", False,
         "btree, visible to 0.50", None, "b > 1"),
        ("CREATE INDEX i ON db.public.t USING btree (a ASC) VISIBILITY 0.50", "a", False, "btree, visible to 0.50",
         None, None),
        ("CREATE INDEX i ON db.public.t USING cspann (v vector_l2_ops)", "v vector_l2_ops", False, "cspann",
         None, None),
        ("CREATE INDEX i ON public.t USING btree (a) WHERE NOT b", "a", False, "btree", None, "NOT b"),
        ("CREATE INDEX hash ON db.public.storing USING btree (with ASC) STORING (include)", "with", False, "btree",
         "include", None),
        # What is not known yet.
        ("CREATE UNIQUE INDEX i ON t BY MAGIC (a)", "", True, "", None, None),
        ("CREATE INDEX i ON t USING 'never closed", "", False, "", None, None),
    ],
)  # fmt: skip
def test_an_index_is_read_from_the_statement_that_makes_it(definition, columns, unique, method, storing, where):
    index = read_index("i", definition)

    assert index[1:6] == (columns, unique, method, storing, where)
    assert index.definition == definition


@pytest.mark.parametrize(
    ("expression", "inner"),
    [("(a + b)", "a + b"), ("(a) + (b)", "(a) + (b)"), ("f(a)", "f(a)"), ("", ""), ("(')')", "')'"), ("a", "a")],
)
def test_parentheses_around_the_whole_are_left_out(expression, inner):
    assert unwrapped(expression) == inner
