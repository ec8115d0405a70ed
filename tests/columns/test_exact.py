"""Facts about columns that are kept as values: each text of a server can be had again from them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pyarrow as pa
import pytest
from column_texts import EACH, SENDABLE, column_of, texts_of
from hypothesis import example, given
from hypothesis import strategies as st
from type_cases import GOLDEN, SOME

from crdb_magic.columns import spelling
from crdb_magic.columns.arrow import TEXT, as_array
from crdb_magic.columns.exact import ExactForm, Trial
from crdb_magic.values.typemap import Family

HOSTILE = st.sampled_from(
    [
        *("", " ", "NULL", "-0", "+1", "007", "1E+10", "1e5", "1e+06", "1000000", "NaN", "nan", "Infinity", "inf"),
        *("0.00001", "1e-05", "123456789012345678901234567890123456789", "0E-8", "0.00000000", "-0.00", "1.", ".5"),
        *("true", "t", "T", "infinity", "2026-01-01", "2026-1-1", "2026-01-01 BC", "10000-01-01", "24:00:00"),
        *("10:00:00.10", "10:00:00.1234567", "2026-01-01T10:00:00", "2026-01-01 10:00:00.100+00"),
        *("2026-01-01 10:00:00+05:30", "2026-01-01 10:00:00-00", "2026-01-01 10:00:00Z", "0001-01-01 00:00:00+05"),
        *("\\x", "\\x0", "\\xAB", "\\xab", "\\000", "ab", SOME, SOME.upper(), SOME.replace("-", ""), "{" + SOME + "}"),
        *("{", "{}", "{{}}", "{{1,2},{3}}", "{NULL}", '{"NULL"}', "{null}", "{1, 2}", '{"1"}', "[0:1]={1,2}"),
        *('{"a\\"b"}', '{"a b"}', "{a b}", '{""}', '{"\v"}', '{"é"}', "{é}", '"', "a\r\nb", "[1,2]", "1 mon", "1 day"),
    ]
)


def held(form: ExactForm, texts: pa.Array) -> pa.Array:
    """Make an array as a file would hold it."""
    made = form.made(texts)
    assert made.type == form.kind
    return made


def again(trial: Trial, batches: list[pa.Array]) -> list[str | None]:
    for batch in batches:
        trial.show(batch)
    form = trial.form
    return [text for one in batches for text in spelling.texts_of(held(form, one), form.style).to_pylist()]


@pytest.mark.parametrize("name", EACH)
@given(data=st.data())
def test_each_text_comes_back_exactly_whatever_it_is(name, data):
    type_ = GOLDEN[name].type
    if type_.family is Family.DECIMAL:
        type_ = replace(type_, digits=data.draw(st.none() | st.sampled_from([(10, 2), (60, 30), (3, 0), (0, 0)])))
    given = data.draw(column_of(name)) + data.draw(st.lists(HOSTILE | SENDABLE, max_size=1))
    whole = pa.array(given, TEXT)
    ends = sorted({*data.draw(st.lists(st.integers(0, len(given)), max_size=2)), 0, len(given)})
    batches = [whole.slice(start, end - start) for start, end in pairwise(ends)]

    assert again(Trial(type_), batches) == given


@given(
    st.floats(width=32) | st.floats() | st.floats(1e-6, 1e-3) | st.floats(1e4, 1e17) | st.integers(1, 10**17),
    st.sampled_from([15, 6]),
)
@example(1e15, 15)
@example(1e-5, 15)
@example(999999.9, 6)
def test_a_float_is_spelt_as_servers_do(value, exponent_from):
    number = Decimal(repr(float(value)))
    short = number.normalize() if number.is_finite() else number
    exponent = short.adjusted()
    if not number.is_finite() or not number:
        text = str(number).replace(".0", "")
    elif -5 < exponent < exponent_from:
        text = f"{short:f}"
    else:
        text = f"{short.scaleb(-exponent).normalize():f}e{exponent:+03}"
    trial = Trial(GOLDEN["FLOAT8"].type)
    trial.show(pa.array([text], TEXT))

    assert trial.form.kind == pa.float64()


@pytest.mark.parametrize(
    "name", ["BOOL", "INT8", "INT4", "INT2", "DATE", "TIME", "TIMESTAMP", "UUID", "BYTES", "JSONB"]
)
@given(data=st.data())
def test_what_servers_write_is_kept_as_values(name, data):
    odd = {case.text for case in GOLDEN[name].odd}
    trial = Trial(GOLDEN[name].type)
    for text in data.draw(st.lists(texts_of(name).filter(lambda text: text not in odd), max_size=3)):
        trial.show(pa.array([text], TEXT))

    assert trial.form.kind != TEXT


SOME_ROWS = "FROM generate_series(1, 500) AS g(i)"
ON_A_SERVER = {
    "floats": f"SELECT (random() - 0.5) * power(10::FLOAT8, (i / 20) - 8) {SOME_ROWS}",
    "large floats": f"SELECT power(2::FLOAT8, i) {SOME_ROWS}",
    "single floats": f"SELECT (random() * power(10::FLOAT8, (i / 40) - 6))::FLOAT4 {SOME_ROWS}",
    "decimals": f"SELECT (i - 1)::DECIMAL(20, 8) / 1 {SOME_ROWS} WHERE i < 3",
    "days": f"SELECT DATE '0001-01-01' + i * 60 {SOME_ROWS}",
    "times": f"SELECT TIME '00:00:00.5' + i * INTERVAL '1.234567 s' {SOME_ROWS}",
    "timestamps": f"SELECT TIMESTAMP '2026-01-01' + i * INTERVAL '1.234567 s' {SOME_ROWS}",
    "instants": f"SELECT TIMESTAMPTZ '2026-01-01 00:00:00+00' + i * INTERVAL '1.234567 s' {SOME_ROWS}",
    "UUIDs": f"SELECT gen_random_uuid() {SOME_ROWS}",
    "bytes": f"SELECT decode(md5(i::TEXT), 'hex') {SOME_ROWS}",
    "truths": f"SELECT i = 7 {SOME_ROWS}",
    "JSON": f"SELECT jsonb_build_object('a', i) {SOME_ROWS}",
    "numbers in arrays": f"SELECT ARRAY[i, NULL] {SOME_ROWS}",
    "texts in arrays": f"SELECT ARRAY[chr(i), chr(i) || ' a', NULL, 'null', ''] {SOME_ROWS}",
    "instants in arrays": f"SELECT ARRAY[TIMESTAMPTZ '2026-01-01 00:00:00+00' + i * INTERVAL '1 s'] {SOME_ROWS}",
}


@pytest.mark.parametrize("query", ON_A_SERVER.values(), ids=ON_A_SERVER)
def test_what_this_server_writes_is_kept_as_values(session, sql, query):
    result = session.run(sql(query)).results[-1]
    trial = Trial(result.columns[0].type)
    for (texts,) in result.batches:
        trial.show(as_array(texts))

    assert trial.form.kind != TEXT
