"""CockroachDB's plans, as its versions write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outline import outline, recorded

from crdb_magic.explore.plan import said
from crdb_magic.explore.plan_cockroach import parse, read_count, read_duration

TREES = {
    "v21.2-filter.txt": """
filter (filter: v > 1)
  scan fact_t@primary <FULL SCAN, NO STATISTICS>
""",
    "v21.2-verbose.txt": """
sort (columns: (k, count); ordering: +count; order: +count_rows)
  group (columns: (k, count_rows); aggregate 0: count_rows(); group by: k)
    project (columns: (k))
      hash join (inner) (columns: (k, k); equality: (k) = (k); left cols are key)
        scan fact_t@primary <FULL SCAN, NO STATISTICS> (columns: (k))
        scan fact_child@primary <FULL SCAN, NO STATISTICS> (columns: (k))
""",
    "v21.2-filter-analyze.txt": """
filter [→ 0] (filter: v > 1)
  scan fact_t@primary [→ 0] <NO STATISTICS, full scan> (KV rows: 0 (0 B))
""",
    "v21.2-join-analyze.txt": """
sort [→ 0] (order: +count_rows)
  group [→ 0] (group by: k)
    hash join [→ 0] (equality: (k) = (k); left cols are key)
      scan fact_t@primary [→ 0] <NO STATISTICS, full scan> (KV rows: 0 (0 B))
      scan fact_child@primary [→ 0] <NO STATISTICS> (KV rows: 0 (0 B))
""",
    "v22.1-filter.txt": """
filter (filter: v > 1)
  scan fact_t@fact_t_pkey <FULL SCAN, NO STATISTICS>
""",
    "v22.1-verbose.txt": """
sort (columns: (k, count); ordering: +count; order: +count_rows)
  group (hash) (columns: (k, count_rows); aggregate 0: count_rows(); group by: k)
    project (columns: (k))
      hash join (inner) (columns: (k, k); equality: (k) = (k); left cols are key)
        scan fact_t@fact_t_pkey <FULL SCAN, NO STATISTICS> (columns: (k))
        scan fact_child@fact_child_pkey <FULL SCAN, NO STATISTICS> (columns: (k))
""",
    "v22.1-filter-analyze.txt": """
filter [→ 0] (filter: v > 1)
  scan fact_t@fact_t_pkey [→ 0 100%] <NO STATISTICS, full scan> (KV rows: 0 (0 B))
""",
    "v22.1-join-analyze.txt": """
sort [→ 0] (order: +count_rows)
  group (hash) [→ 0] (group by: k)
    hash join [→ 0] (equality: (k) = (k); left cols are key)
      scan fact_t@fact_t_pkey [→ 0] <NO STATISTICS> (KV rows: 0 (0 B))
""",
    "v25-spilled-analyze.txt": """
root
  top-k [10 → 10 0%] (order: -sum,+id; k: 10)
    group (hash) [218 → 139841 5%] <ESTIMATE OFF ×641, SPILLED 36 MIB> (group by: id_word)
      hash join [3234024 → 4389643 4%] <SPILLED 99 MIB> (equality: (id_document) = (id); right cols are key)
        scan vocabulary@vocabulary_pkey [8832016 → 8832016 73%] \
<FULL SCAN, OLD STATISTICS, WAITED 1.2 S FOR OTHER TRANSACTIONS> (KV rows: 8,832,016 (437 MiB))
        filter [666667 → 99835 0%] <KEEPS 99,835 OF 2 M ROWS> (filter: year > @S1)
          scan documents@documents_pkey [2000000 → 2000000 17%] <FULL SCAN> (KV rows: 2,000,000 (93 MiB))
  subquery (id: @S1; original sql: (SELECT max(year) - 10 FROM editions); exec mode: one row)
    group (scalar) [1 → 1 0%]
      revscan editions@editions_year_idx [1 → 1 0%] (spans: LIMITED SCAN; limit: 1; KV rows: 1 (44 B))
""",
    "v26-lookup.txt": """
limit (count: 5)
  lookup join (streamer) customers@customers_pkey (equality: (customer_id) = (id); equality cols are key)
    filter [333] (filter: status = 'open')
      scan orders@orders_pkey [1000] <FULL SCAN> (spans: FULL SCAN (SOFT LIMIT))
""",
    "v26-update-analyze.txt": """
update accounts [→ 1 14%] (set: balance)
  render [0%]
    scan accounts@accounts_pkey [1 → 1 86%] <WAITED 5 MS FOR OTHER TRANSACTIONS> \
(spans: [/1 - /1]; locking strength: for update; KV rows: 1 (40 B))
""",
    "v22.2-checked-analyze.txt": """
root
  insert orders(id, customer_id) [→ 1]
    buffer (label: buffer 1)
      values (size: 2 columns, 1 row)
  subquery (id: @S1; original sql: (SELECT max(id) FROM customers WHERE city = 'Oslo'); exec mode: one row)
    group (scalar) [→ 1]
      filter [→ 40] <KEEPS 40 OF 1,200 ROWS> (filter: city = 'Oslo')
        scan customers@customers_pkey [→ 1200 80%] <FULL SCAN, NO STATISTICS> (KV rows: 1,200 (47 KiB))
  fk-cascade (fk: orders_customer_id_fkey; input: buffer 1)
  constraint-check
    error if rows [→ 0]
      lookup join (anti) customers@customers_pkey [→ 0 20%] \
(equality: (column2) = (id); equality cols are key; KV rows: 1 (31 B))
        filter [1 → 1] (filter: column2 IS NOT NULL)
          scan buffer [→ 1] (label: buffer 1)
""",
    "v24-zigzag.txt": """
union all (limit: 20)
  lookup join documents@documents_pkey \
(equality: (id) = (id); equality cols are key; pred: (tags->'a') @> '["x", "y"]')
    zigzag join documents@documents_tags_idx (left columns: (id); left fixed values: 1 column; \
right table: documents@documents_tags_idx; right columns: (); right fixed values: 1 column)
  index join documents@documents_pkey
    inverted filter (inverted column: tags_inverted_key; num spans: 3)
      scan documents@documents_recent (partial index) [111] (spans: 3 spans)
""",
    "v26.3-routine-analyze.txt": """
root
  render [→ 7 75%]
    scan orders@orders_pkey [→ 7 25%] <NO STATISTICS> (spans: [ - /7])
  routine (name: city_of)
    body stmt (sql: SELECT 1)
      values (size: 1 column, 1 row)
    body stmt (sql: SELECT city FROM shop.public.customers WHERE id = c)
      scan customers@customers_pkey <NO STATISTICS> (spans: [/1 - /1])
""",
}


@pytest.mark.parametrize("name", TREES)
def test_a_plan_is_read_as_a_tree(name):
    plan = parse(recorded(name).split("\n"))

    assert outline(plan) == TREES[name].strip().split("\n")


@pytest.mark.parametrize("name", TREES)
def test_a_plan_knows_whether_it_was_executed(name):
    assert parse(recorded(name).split("\n")).executed == name.endswith("-analyze.txt")


def test_a_plan_keeps_the_servers_text():
    text = recorded("v26-lookup.txt")

    assert str(parse(text.split("\n"))) == text


def test_the_figures_of_the_whole_are_totals():
    plan = parse(recorded("v26-update-analyze.txt").split("\n"))

    assert plan.totals[:2] == (("planning time", "1ms"), ("execution time", "8ms"))
    assert dict(plan.totals)["rows decoded from KV"] == "4 (32 B, 8 KVs, 1 gRPC calls)"


def test_recommended_indexes_are_sql():
    plan = parse(recorded("v25-spilled-analyze.txt").split("\n"))

    assert plan.recommendations == (
        "CREATE INDEX ON library.public.documents (year) STORING (id_author);",
        "CREATE INDEX ON library.public.vocabulary (id_word) STORING (count); "
        "DROP INDEX library.public.vocabulary@vocabulary_id_word_idx;",
    )


def test_a_warning_is_a_remark():
    plan = parse(recorded("v25-spilled-analyze.txt").split("\n"))

    assert plan.remarks == (
        "WARNING: the row count estimate on table \"vocabulary\" is inaccurate, consider running 'ANALYZE vocabulary'",
    )


def test_fewer_rows_than_estimated_are_no_mistake_below_a_limit():
    plan = parse(["• limit", "│", "└── • scan", "      estimated row count: 9,000", "      actual row count: 5"])

    assert plan.steps[0].steps[0].findings == ()


def test_what_is_sorted_is_read_to_its_end_below_a_limit_too():
    lines = [
        "• limit",
        "└── • sort",
        "    └── • scan",
        "          estimated row count: 9,000",
        "          actual row count: 5",
    ]
    (_, _, (_, scan)) = parse(lines).walk()

    assert [one.words for one in scan.findings] == ["estimate off ×1,800"]


# What is not known is kept.

LINE = st.one_of(
    st.text(max_size=30),
    st.builds("{}{}{}".format, st.text(" │├└─", max_size=8), st.sampled_from(["• ", ""]), st.text(max_size=20)),
    st.sampled_from(
        [*recorded("v25-spilled-analyze.txt").split("\n"), "spans: FULL SCAN", "estimated row count: 1 - 99999999999"]
    ),
)


@given(st.lists(LINE, max_size=12))
def test_a_text_of_any_kind_is_a_plan(lines):
    plan = parse(lines)

    assert plan.text == "\n".join(lines)


@given(st.lists(st.text(st.characters(exclude_characters="•·:"), max_size=20).map(str.strip).filter(bool), max_size=12))
def test_no_line_is_lost_that_is_not_understood(lines):
    plan = parse(["distribution: local", "", "• scan", *(f"  {line}" for line in lines)])

    kept = map(said, (*plan.steps[0].details, *plan.steps[0].figures))

    assert sorted(kept) == sorted(line.lstrip(" │").strip() for line in lines if line.strip(" │").strip())


@given(st.lists(st.text(st.characters(exclude_characters="•·:"), max_size=20).map(str.strip).filter(bool), max_size=12))
def test_no_line_behind_the_tree_is_lost(lines):
    plan = parse(["• scan", "", *lines])

    assert list(plan.remarks) == lines


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("238µs", 238e-6), ("1ms", 1e-3), ("1.2s", 1.2), ("1m59s", 119), ("1h2m3s", 3723), ("0µs", 0), ("", None)],
)
def test_a_duration_is_read_as_go_writes_it(text, seconds):
    assert read_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,000", 1000),
        ("100 - 33,334", 33334),
        ("1,000 (100% of the table; stats collected 3 minutes ago)", 1000),
        ("<hidden>", None),
        ("9" * 400, None),
    ],
)
def test_a_count_is_read_with_its_commas(text, number):
    assert read_count(text) == number
