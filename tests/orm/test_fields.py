"""Keys that the server makes, JSON, arrays and intervals."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from uuid import UUID, uuid4

import peewee
import pytest
from peewee import SQL, ForeignKeyField, TextField, Value, fn

from crdb_magic.orm.fields import ArrayField, BinaryJSONField, IntervalField, JSONField, RowIDField, UUIDKeyField
from crdb_magic.values.typemap import lookup


def column_types(model) -> dict[str, str]:
    return {column.name: column.full_type for column in model._meta.database.get_columns(model._meta.table_name)}


KEYS = pytest.mark.parametrize(("field", "kind"), [(UUIDKeyField, UUID), (RowIDField, int)])

# Keys


@KEYS
def test_create_gives_the_key_that_the_server_made(own_tables, field, kind):
    model = own_tables.model(id=field(), title=TextField())

    one = model.create(title="one")

    assert type(one.id) is kind
    assert model.get(model.id == one.id).title == "one"


@KEYS
def test_insert_many_gives_the_keys_in_the_order_of_the_rows(own_tables, field, kind):
    model = own_tables.model(id=field(), title=TextField())

    keys = [key for (key,) in model.insert_many([("a",), ("b",), ("c",)]).execute()]

    assert [type(key) for key in keys] == [kind] * 3
    assert [model.get_by_id(key).title for key in keys] == ["a", "b", "c"]


@KEYS
def test_a_key_may_be_given(own_tables, field, kind):
    model = own_tables.model(id=field(), title=TextField())
    given = uuid4() if kind is UUID else 2**60

    model.create(id=given, title="mine")

    assert model.get().id == given


@KEYS
def test_a_key_with_constraints_of_its_own_is_refused(field, kind):
    with pytest.raises(ValueError, match=f"A {field.__name__} can't have constraints of its own"):
        field(constraints=[SQL("DEFAULT 1")])


@KEYS
def test_no_constraints_are_no_constraints(field, kind):
    assert len(field(constraints=[]).constraints) == 1


@KEYS
def test_a_key_is_the_primary_key(own_tables, field, kind):
    model = own_tables.model(id=field())

    assert own_tables.db.get_primary_keys(model._meta.table_name) == ["id"]
    assert model._meta.auto_increment


@KEYS
def test_a_foreign_key_has_the_type_of_the_key_it_refers_to(own_tables, field, kind):
    parent = own_tables.model("parent", id=field(), title=TextField())
    child = own_tables.model("child", parent=ForeignKeyField(parent, backref="children"))

    made_child = child.create(parent=parent.create(title="mother"))

    assert column_types(child)["parent_id"] == column_types(parent)["id"]
    assert type(child.get().parent_id) is kind
    assert child.select(child, parent).join(parent).get().parent.title == "mother"
    assert list(made_child.parent.children) == [made_child]


def test_a_key_may_be_looked_up_by_its_hexadecimal_text(own_tables):
    model = own_tables.model(id=UUIDKeyField(), title=TextField())
    one = model.create(title="one")

    assert model.get(model.id == one.id.hex).title == "one"
    assert model.get(model.id == str(one.id)).title == "one"


def test_a_uuid_key_needs_not_be_the_primary_one(own_tables):
    model = own_tables.model(id=RowIDField(), token=UUIDKeyField(primary_key=False))

    one = model.create()

    assert isinstance(model.get_by_id(one.id).token, UUID)


@pytest.mark.parametrize(
    ("field", "oid"), [(UUIDKeyField(), 2950), (RowIDField(), 20), (JSONField(), 3802), (IntervalField(), 1186)]
)
def test_the_type_of_a_field_is_that_of_the_type_table(field, oid):
    assert field.field_type == lookup(oid).ddl


# Arrays


@pytest.mark.parametrize(
    ("element", "options", "values"),
    [
        (peewee.TextField, {}, ["a", 'q"u\\o,te', "NULL", "", None]),
        (peewee.CharField, {"max_length": 3}, ["abc", None]),
        (peewee.FixedCharField, {"max_length": 3}, ["abc"]),
        (peewee.IntegerField, {}, [1, -2, None]),
        (peewee.BigIntegerField, {}, [2**62, 1]),
        (peewee.BooleanField, {}, [True, False, None]),
        (peewee.DoubleField, {}, [1.5, 2.0]),
        (peewee.DecimalField, {"max_digits": 12, "decimal_places": 2}, [Decimal("1.50"), None]),
        (peewee.UUIDField, {}, [UUID(int=1), None, UUID(int=2)]),
        (peewee.DateField, {}, [dt.date(2024, 2, 29)]),
        (peewee.DateTimeField, {}, [dt.datetime(2024, 2, 29, 12, 30, 0, 5)]),
        (IntervalField, {}, [dt.timedelta(days=3, seconds=4)]),
    ],
)
def test_arrays_come_back_as_they_went(own_tables, element, options, values):
    model = own_tables.model(items=ArrayField(element, options, index=False))

    model.create(items=values)

    assert model.get().items == values
    assert model.select().where(model.items == values).count() == 1


@pytest.mark.parametrize("element", [peewee.TextField, peewee.BigIntegerField, peewee.UUIDField, peewee.DecimalField])
@pytest.mark.parametrize("values", [[], [None]])
def test_arrays_without_values_have_a_type_as_well(own_tables, element, values):
    model = own_tables.model(items=ArrayField(element, index=False))

    model.create(items=values)

    assert model.get().items == values


def test_an_array_of_bytes_comes_back(own_tables):
    model = own_tables.model(items=ArrayField(peewee.BlobField, index=False))

    model.create(items=[b"a\0b", b""])

    assert [bytes(item) for item in model.get().items] == [b"a\0b", b""]


def test_a_missing_array_is_none(own_tables):
    model = own_tables.model(items=ArrayField(TextField, null=True))

    model.create()

    assert model.get().items is None


def test_an_element_that_is_too_long_is_refused_and_not_cut(own_tables):
    model = own_tables.model(items=ArrayField(peewee.CharField, {"max_length": 3}, index=False))

    with pytest.raises(peewee.DataError):
        model.create(items=["abcd"])


def test_arrays_of_any_sequence_are_taken(own_tables):
    model = own_tables.model(items=ArrayField(peewee.IntegerField))

    model.create(items=(1, 2))
    model.create(items=range(2))

    assert sorted(row.items for row in model.select()) == [[0, 1], [1, 2]]


def test_arrays_are_updated_one_by_one_and_in_bulk(own_tables):
    model = own_tables.model(items=ArrayField(peewee.UUIDField))
    one, two = model.create(items=[]), model.create(items=[])
    one.items, two.items = [UUID(int=1)], [UUID(int=2)]

    one.save()
    model.bulk_update([two], [model.items])

    assert sorted(row.items for row in model.select()) == [[UUID(int=1)], [UUID(int=2)]]


@pytest.fixture
def tagged(own_tables):
    model = own_tables.model(title=TextField(), tags=ArrayField(TextField))
    model.insert_many([("1", ["a", "b"]), ("2", ["b", "c"]), ("3", ["c", "d"])]).execute()
    return model


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (lambda tags: tags == ["b", "c"], "2"),
        (lambda tags: tags != ["b", "c"], "13"),
        (lambda tags: tags[1] == "b", "1"),
        (lambda tags: tags[2] == "x", ""),
        (lambda tags: tags.contains("b"), "12"),
        (lambda tags: tags.contains("c", "d"), "3"),
        (lambda tags: tags.contains("b", "c", "d"), ""),
        (lambda tags: tags.contains_any("a", "d"), "13"),
        (lambda tags: tags.contained_by("b", "c", "d"), "23"),
        (lambda tags: Value("b") == fn.ANY(tags), "12"),
        (lambda _: SQL("tags::text[] @> ARRAY['a']"), "1"),
    ],
)
def test_arrays_are_searched(tagged, condition, found):
    rows = tagged.select().where(condition(tagged.tags)).order_by(tagged.title)

    assert "".join(row.title for row in rows) == found


def test_an_item_of_an_array_is_selected_by_its_number_from_0(tagged):
    rows = tagged.select(tagged.tags[1].alias("second")).order_by(tagged.title)

    assert [row.second for row in rows] == ["b", "c", "d"]


@pytest.mark.parametrize(
    ("element", "values"),
    [
        (peewee.TextField, ["a", "{b}", "2"]),
        (peewee.IntegerField, [1, 2]),
        (peewee.UUIDField, [UUID(int=1), UUID(int=2)]),
        (peewee.DateField, [dt.date(2024, 2, 29), dt.date(2024, 3, 1)]),
        (peewee.TimestampField, [dt.datetime(2024, 2, 29, 1, 2, 3), dt.datetime(2024, 3, 1)]),
    ],
)
def test_an_element_of_an_array_comes_as_its_field_gives_it(own_tables, element, values):
    model = own_tables.model(items=ArrayField(element, index=False))
    model.create(items=values)

    row = model.select(model.items[0], model.items[1].alias("second"), model.items[9].alias("none")).tuples().get()
    assert row == (values[0], values[1], None)


@pytest.mark.parametrize("values", [["a", "{b}"], ["{}", "NULL"]])
def test_the_elements_of_an_array_come_as_rows(own_tables, values):
    model = own_tables.model(items=ArrayField(TextField, index=False))
    model.create(items=values)

    rows = model.select(fn.unnest(model.items)).tuples()
    assert sorted(text for (text,) in rows) == sorted(values)


def test_what_a_function_of_an_array_gives_comes_as_it_is(tagged):
    row = tagged.select(fn.array_length(tagged.tags, 1), fn.array_append(tagged.tags, "x")).tuples().first()

    assert row == (2, ["a", "b", "x"])


def test_a_slice_of_an_array_is_one(tagged, server):
    if server.is_cockroachdb:
        pytest.skip("CockroachDB has no slices")

    assert [row.tags for row in tagged.select(tagged.tags[0:2]).where(tagged.title == "1")] == [["a", "b"]]


def test_arrays_of_uuids_are_searched_by_uuid(own_tables):
    model = own_tables.model(items=ArrayField(peewee.UUIDField))
    model.create(items=[UUID(int=1), UUID(int=2)])

    assert model.select().where(model.items.contains(UUID(int=2))).count() == 1
    assert model.select().where(model.items.contains_any(UUID(int=3))).count() == 0


@pytest.mark.parametrize("options", [{"dimensions": 2}, {"field_class": ArrayField}])
def test_arrays_in_arrays_are_refused_with_the_reason(options):
    with pytest.raises(ValueError, match="CockroachDB has no arrays in arrays"):
        ArrayField(**options)


def test_an_array_is_indexed_unless_told_otherwise(own_tables):
    model = own_tables.model(tags=ArrayField(TextField), more=ArrayField(TextField, index=False))

    assert [index.columns for index in own_tables.db.get_indexes(model._meta.table_name)] == [["tags"]]


# JSON

DOCUMENTS = [
    {"k1": "v1", "k2": {"k3": ["i1", "i2"]}},
    ["a1", {"a2": "a3"}],
    {"k1": "v2", "n": 5},
    "text",
    7,
    None,
]


@pytest.fixture
def documents(own_tables):
    model = own_tables.model(title=TextField(), data=JSONField(null=True))
    model.insert_many([(str(number), document) for number, document in enumerate(DOCUMENTS)]).execute()
    return model


def test_json_comes_back_as_it_went(documents):
    assert [row.data for row in documents.select().order_by(documents.title)] == DOCUMENTS


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (lambda data: data == {"k1": "v2", "n": 5}, "2"),
        (lambda data: data["k1"] == "v1", "0"),
        (lambda data: data["k2"]["k3"].contains("i2"), "0"),
        (lambda data: data["k2"].has_key("k3"), "0"),
        (lambda data: data["nope"]["nope"] == "x", ""),
        (lambda data: data.path("k2", "k3", 1).as_json(False) == "i2", "0"),
        (lambda data: data.contains({"k1": "v1"}), "0"),
        (lambda data: data.contains(["a1"]), "1"),
        (lambda data: data.contains(7), "4"),
        (lambda data: data.contained_by({"k1": "v2", "n": 5, "m": 6}), "2"),
        (lambda data: data.has_key("k1"), "02"),
        (lambda data: data.contains_any("n", "a1"), "12"),
        (lambda data: data.contains_all("k1", "n"), "2"),
    ],
)
def test_json_is_searched(documents, condition, found):
    rows = documents.select().where(condition(documents.data)).order_by(documents.title)

    assert "".join(row.title for row in rows) == found


def test_json_is_selected_as_text_and_as_a_value(documents):
    item = documents.data["k2"]["k3"]
    query = documents.select(item.alias("text"), item.as_json().alias("value")).where(documents.title == "0")

    assert query.dicts().get() == {"text": '["i1", "i2"]', "value": ["i1", "i2"]}


def test_json_is_added_to_where_it_is(documents):
    documents.update(data=documents.data.concat({"n": 6})).where(documents.title == "2").execute()

    assert documents.get(documents.title == "2").data == {"k1": "v2", "n": 6}


def test_json_is_updated_in_bulk(documents):
    one = documents.get(documents.title == "4")
    one.data = ["new"]

    documents.bulk_update([one], [documents.data])

    assert documents.get(documents.title == "4").data == ["new"]


def test_json_may_have_its_own_encoder(own_tables):
    model = own_tables.model(data=JSONField(dumps=lambda _: '"mine"'))

    model.create(data=1)

    assert model.get().data == "mine"


def test_json_is_indexed_unless_told_otherwise(own_tables):
    model = own_tables.model(data=JSONField(), more=JSONField(index=False))

    assert [index.columns for index in own_tables.db.get_indexes(model._meta.table_name)] == [["data"]]


def test_both_names_of_json_are_one_field():
    assert BinaryJSONField is JSONField


# Intervals


def test_an_interval_comes_back_as_a_timedelta(own_tables):
    model = own_tables.model(span=IntervalField())
    span = dt.timedelta(days=-40, seconds=3, microseconds=5)

    model.create(span=span)

    assert model.get().span == span
    assert model.select().where(model.span < dt.timedelta(0)).count() == 1
