"""msgspec types derived from the pydantic models: the same fields and bounds, several times as fast.

They are made from a model's JSON schema, so what is valid is defined once. What names may be and validators are not
carried over: whoever decodes with such a type looks at the names with `KnownNames` and leaves all doubts to pydantic.
"""

from collections.abc import Collection
from types import GenericAlias
from typing import Annotated, Any, Final, Literal, TypeAlias, cast
from uuid import UUID

import msgspec
from pydantic import BaseModel

from telemetry_schema.fields import NAME_FORMAT
from telemetry_schema.names import name_fault

Schema: TypeAlias = dict[str, Any]

_MAX_KNOWN_NAMES = 8192


class KnownNames:
    """Names that were found good and are not checked again; when full it starts anew, so that it stays bounded."""

    def __init__(self) -> None:
        self.known: set[str | None] = {None}

    def are_good(self, names: Collection[str | None]) -> bool:
        """Whether each of them is missing or looks as names must; how long it may be is the type's business."""
        if self.known.issuperset(names):
            return True
        for name in names:
            if name not in self.known:
                if name_fault(cast("str", name)) is not None:
                    return False
                if len(self.known) >= _MAX_KNOWN_NAMES:
                    self.known = {None}
                self.known.add(name)
        return True


def struct_of(model: type[BaseModel], *, tag: str | None = None, without: Collection[str] = ()) -> type[msgspec.Struct]:
    """The msgspec type that accepts what the model accepts, but for what names may be and validators.

    Args:
        model: its fields must be of the kinds that the messages have: numbers, strings, lists of them, models.
        tag: the value of the field `type`, where the model has one.
        without: fields to leave out.

    Raises:
        TypeError: the model has a constraint that cannot be carried over.
    """
    schema = model.model_json_schema()
    types = _Types(schema.get("$defs", {}))
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for name, field in schema["properties"].items():
        if name in without or (tag is not None and name == "type"):
            continue
        kind = types.of(field)
        default = model.model_fields[name].get_default(call_default_factory=True, validated_data={})
        fields.append((name, kind) if name in schema["required"] else (name, kind, default))
    return _define(model.__name__, fields, tag)


def _define(name: str, fields: list[Any], tag: str | None) -> type[msgspec.Struct]:
    return msgspec.defstruct(
        f"Fast{name}",
        fields,
        tag_field=None if tag is None else "type",
        tag=tag,
        kw_only=True,
        forbid_unknown_fields=True,
        # Strings and numbers only: no cycle can form, and the collector need not look at a million of them.
        gc=False,
    )


class _Types:
    r"""From a field's JSON schema to the type that msgspec decodes, bounds included.

    | JSON schema | type |
    |---|---|
    | `{"$ref": …}` | the type of what it refers to |
    | `{"anyOf": [X, {"type": "null"}]}` | `X \| None` |
    | `{"enum": [a, b]}` | `Literal[a, b]` |
    | `string`, `number`, `integer`, `boolean` | `str` or `UUID`, `float`, `int`, `bool`, with bounds |
    | `array` | `list` of the items' type, with bounds of its length |
    | `object` | a struct |
    """

    def __init__(self, definitions: dict[str, Schema]) -> None:
        self._definitions = definitions

    def of(self, schema: Schema) -> Any:  # noqa: ANN401, PLR0911 - a type made at run time; a table of cases
        match schema:
            case {"$ref": reference}:
                return self.of(self._definitions[reference.removeprefix("#/$defs/")])
            case {"anyOf": [first, {"type": "null"}]}:
                return self.of(first) | None
            case {"enum": values}:
                return Literal[tuple(values)]
            case {"type": "string", "format": "uuid"}:
                return UUID
            case {"type": "array", "items": items}:
                return _bounded(GenericAlias(list, (self.of(items),)), schema)
            case {"type": "object", "properties": _}:
                return self._struct(schema)
            case {"type": str(name)} if name in _SIMPLE:
                return _bounded(_SIMPLE[name], schema)
        raise TypeError(f"a kind of field that is not known: {schema}")

    def _struct(self, schema: Schema) -> Any:  # noqa: ANN401 - see of
        if schema["properties"].keys() != set(schema["required"]):
            raise TypeError(f"only models without optional fields are known inside others, not {schema['title']}")
        return _define(schema["title"], [(name, self.of(field)) for name, field in schema["properties"].items()], None)


_SIMPLE: Final[dict[str, type]] = {"string": str, "number": float, "integer": int, "boolean": bool}

_META: Final = {
    "exclusiveMinimum": "gt",
    "minimum": "ge",
    "maximum": "le",
    "minLength": "min_length",
    "maxLength": "max_length",
    "minItems": "min_length",
    "maxItems": "max_length",
}
"""JSON schema's words for bounds, and msgspec's."""

_NO_BOUNDS: Final = {"type", "items", "format", "title", "description", "default"}
"""What else a field's schema may say. A name is checked once, not once a trade: see `KnownNames`."""


def _bounded(kind: Any, schema: Schema) -> Any:  # noqa: ANN401 - see _Types.of
    if unknown := schema.keys() - _NO_BOUNDS - _META.keys():
        raise TypeError(f"constraints that are not carried over: {sorted(unknown)}")
    if schema.get("format") not in {NAME_FORMAT, None}:
        raise TypeError(f"a string of a format that is not known: {schema}")
    return Annotated[kind, msgspec.Meta(**{meta: schema[word] for word, meta in _META.items() if word in schema})]
