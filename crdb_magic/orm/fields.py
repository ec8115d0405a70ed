"""peewee's fields for CockroachDB: keys that the cluster makes, JSON, arrays and intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from peewee import SQL, AsIs, BigAutoField, Field, IntegerField, Node, UUIDField
from playhouse import postgres_ext

from crdb_magic.values.decode import decode
from crdb_magic.values.typemap import BUILTIN, array_of, text_like

if TYPE_CHECKING:
    _IntKey = BigAutoField[int]
    _UUIDField = UUIDField[UUID]
else:  # generic in peewee's stubs only
    _IntKey = BigAutoField
    _UUIDField = UUIDField

DDL = {type_.oid: type_.ddl for type_ in BUILTIN}
_TEXTS = array_of(text_like("STRING", 25, 1009))
# Of these an element may look like an array; their arrays are none of those that psycopg2 leaves as a text.
_WHOSE_ARRAYS_ARE_LISTS = frozenset({"CHAR", "JSON", "JSONB", "TEXT", "VARCHAR"})


def _made_by(function: str, field: Field[Any], options: dict[str, Any]) -> dict[str, Any]:
    """Give a key's options with the function that makes its values; raise ValueError for constraints of its own."""
    if options.get("constraints"):
        raise ValueError(
            f"A {type(field).__name__} can't have constraints of its own: it is DEFAULT {function}() already. "
            f"Use a UUIDField or a BigIntegerField with primary_key=True for another default."
        )
    return {**options, "constraints": [SQL(f"DEFAULT {function}()")]}


class UUIDKeyField(_UUIDField):
    """A primary key that the server makes: a random UUID, which spreads the rows over the cluster."""

    field_type = DDL[2950]
    auto_increment = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **_made_by("gen_random_uuid", self, {"primary_key": True, **kwargs}))


class RowIDField(_IntKey):
    """A primary key that the server makes: a unique integer of 8 bytes, larger for later rows (roughly)."""

    field_type = DDL[20]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **_made_by("unique_rowid", self, kwargs))


class JSONField(postgres_ext.BinaryJSONField):
    """JSON, kept as JSONB; indexed (inverted) unless ``index=False``."""

    field_type = DDL[3802]


BinaryJSONField = JSONField  # the same under peewee's other name


class IntervalField(postgres_ext.IntervalField):
    """A span of time, as `datetime.timedelta`."""

    field_type = DDL[1186]


class _Typed(Node):
    """An array and its elements' type, without a length or scale: a cast to VARCHAR(3) cuts longer ones in silence."""

    def __init__(self, elements: list[Any], element_type: str) -> None:
        self._elements = elements
        self._type = "TEXT" if element_type == "CHAR" else element_type  # a mere CHAR is CHAR(1)

    def __sql__(self, ctx: Any) -> Any:
        name = (ctx.state.field_types or {}).get(self._type, self._type)
        return ctx.sql(AsIs(self._elements, converter=False)).literal(f"::{name}[]")


class ArrayField(postgres_ext.ArrayField):
    """A list of one type's values, of one dimension; indexed (inverted) unless ``index=False``.

    ``field_class`` and ``field_kwargs`` make the field that converts each element, unless ``convert_values=False``.
    Raises ValueError for arrays in arrays, which CockroachDB does not have
    (https://github.com/cockroachdb/cockroach/issues/32552).
    """

    def __init__(
        self,
        field_class: type[Field[Any]] = IntegerField,
        field_kwargs: dict[str, Any] | None = None,
        dimensions: int = 1,
        convert_values: bool = True,  # noqa: FBT001, FBT002 - peewee's signature
        *args: Any,
        **kwargs: Any,
    ) -> None:
        if dimensions != 1 or issubclass(field_class, postgres_ext.ArrayField):
            raise ValueError(
                "CockroachDB has no arrays in arrays: an ArrayField has one dimension, and elements that are no "
                "arrays. Use a JSONField for nested lists."
            )
        base: Any = super()
        base.__init__(field_class, field_kwargs, dimensions, convert_values, *args, **kwargs)

    def db_value(self, value: Any) -> Any:
        """Give the array with its type, which the server can't tell from UUIDs as text, or from NULLs."""
        base: Any = super()
        elements = base.db_value(value)
        return _Typed(elements, self.field_type) if isinstance(elements, list) else elements

    def python_value(self, value: Any) -> Any:
        """Give the list; the driver leaves arrays that it does not know (of UUIDs, of an enum) as their text.

        peewee asks the field for the values of functions of it too: what is no array comes as it is.
        """
        base: Any = super()
        if isinstance(value, str) and value.startswith(("{", "[")) and self.field_type not in _WHOSE_ARRAYS_ARE_LISTS:
            value = decode(_TEXTS, value)
        return base.python_value(value) if isinstance(value, list) else value

    def __getitem__(self, index: Any) -> Any:
        """Give an element, which its own field converts, or a slice: an array."""
        base: Any = super()
        part = base.__getitem__(index)
        is_array = isinstance(index, slice) or (isinstance(index, str) and ":" in index)
        part._converter = self.python_value if is_array else self._element
        return part

    def _element(self, value: Any) -> Any:
        """Convert one element, by what peewee's field does with a value that is no list."""
        base: Any = super()
        return value if value is None else base.python_value(value)
