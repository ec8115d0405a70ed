"""Well-known functions of both servers that change nothing but the answer, as data.

Not here, on purpose: nextval, setval, set_config, txid_current, advisory locks, pg_terminate_backend, query_to_xml,
lo_*, crdb_internal.*.
"""

from crdb_magic.sql.keywords import word_set

AGGREGATES = word_set(
    """
    array_agg avg bit_and bit_or bool_and bool_or concat_agg corr count count_rows covar_pop covar_samp every
    json_agg json_object_agg jsonb_agg jsonb_object_agg max min mode percentile_cont percentile_disc regr_avgx
    regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy sqrdiff stddev stddev_pop
    stddev_samp string_agg sum sum_int var_pop var_samp variance xor_agg
    """
)
HARMLESS = AGGREGATES | word_set(
    """
    cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number

    abs acos acosd acosh asin asind asinh atan atan2 atan2d atand atanh cbrt ceil ceiling cos cosd cosh cot cotd
    degrees div exp factorial floor gcd isnan lcm ln log log10 mod pi pow power radians random round scale sign sin
    sind sinh sqrt tan tand tanh trim_scale trunc width_bucket

    ascii bit_length btrim char_length character_length chr concat concat_ws convert_from convert_to crc32c crc32ieee
    decode difference encode fnv32 fnv32a fnv64 fnv64a format from_ip from_uuid get_bit get_byte initcap left length
    levenshtein lower lpad ltrim md5 metaphone normalize octet_length overlay parse_ident position quote_ident
    quote_literal quote_nullable regexp_count regexp_extract regexp_instr regexp_like regexp_match regexp_matches
    regexp_replace regexp_split_to_array regexp_split_to_table regexp_substr repeat replace reverse right rpad rtrim
    set_bit set_byte sha1 sha224 sha256 sha384 sha512 similarity soundex split_part starts_with string_to_array
    string_to_table strpos substr substring substring_index to_ascii to_char to_english to_hex to_ip to_number to_uuid
    translate trim unaccent unistr upper

    age clock_timestamp cluster_logical_timestamp current_date current_time current_timestamp date_bin date_part
    date_trunc experimental_follower_read_timestamp experimental_strftime experimental_strptime extract_duration
    follower_read_timestamp isfinite justify_days justify_hours justify_interval localtime localtimestamp
    make_date make_interval make_time make_timestamp make_timestamptz now parse_date parse_interval parse_time
    parse_timestamp statement_timestamp strftime strptime timeofday timezone to_date to_timestamp
    transaction_timestamp with_max_staleness with_min_timestamp

    array_append array_cat array_dims array_length array_lower array_ndims array_position array_positions
    array_prepend array_remove array_replace array_to_json array_to_string array_upper cardinality generate_series
    generate_subscripts unnest

    json_array_elements json_array_elements_text json_array_length json_build_array json_build_object json_each
    json_each_text json_extract_path json_extract_path_text json_object json_object_keys json_populate_record
    json_populate_recordset json_set json_strip_nulls json_to_record json_to_recordset json_typeof jsonb_array_elements
    jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text
    jsonb_exists_any jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_keys
    jsonb_path_exists jsonb_path_match jsonb_path_query jsonb_path_query_array jsonb_path_query_first
    jsonb_populate_record jsonb_populate_recordset jsonb_pretty jsonb_set jsonb_strip_nulls
    jsonb_to_record jsonb_to_recordset jsonb_typeof row_to_json to_json to_jsonb

    coalesce greatest if ifnull iferror iserror least nullif num_nonnulls num_nulls

    col_description current_catalog current_database current_role current_schema current_schemas current_setting
    current_user format_type gen_random_ulid gen_random_uuid has_column_privilege has_database_privilege
    has_schema_privilege has_table_privilege obj_description pg_get_constraintdef pg_get_expr pg_get_indexdef
    pg_get_viewdef pg_sleep pg_sleep_for pg_sleep_until pg_table_is_visible pg_typeof session_user to_regclass
    to_regtype uuid_generate_v4 uuid_v4 version

    broadcast family host hostmask masklen netmask network
    """
)
IN_ORDER = word_set(
    """
    generate_series generate_subscripts json_array_elements json_array_elements_text jsonb_array_elements
    jsonb_array_elements_text regexp_matches regexp_split_to_table string_to_table unnest
    """
)
"""Those that give rows in an order of their own."""

# Whose value is another one each time that they are asked: the time, or something new.
BARE_TIMES = word_set("current_date current_time current_timestamp localtime localtimestamp")
"""Called without parentheses."""
TRANSACTION_TIMES = BARE_TIMES | word_set("now transaction_timestamp")
"""When the transaction began; CockroachDB's `Server.now_is_as_of` tells what that is in one that reads the past."""
TIMES = word_set(
    """
    clock_timestamp statement_timestamp timeofday
    experimental_follower_read_timestamp follower_read_timestamp
    """
)
"""When it is asked; the last two are so long before (pkg/sql/sem/builtins, followerReadTimestamp)."""
NEW_EACH_TIME = word_set(
    """
    random random_normal
    experimental_uuid_v4 gen_random_bytes gen_random_ulid gen_random_uuid gen_salt
    uuid_generate_v1 uuid_generate_v1mc uuid_generate_v4 uuid_v4 uuidv4
    uuidv7
    nextval unique_rowid unordered_unique_rowid
    pg_backend_pid pg_current_snapshot pg_current_xact_id txid_current txid_current_snapshot
    """
)
