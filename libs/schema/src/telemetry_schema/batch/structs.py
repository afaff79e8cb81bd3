"""msgspec types derived from the pydantic models: the same fields and bounds, several times as fast.

They are made from a model's JSON schema, so what is valid is defined once. Name patterns and validators are not
carried over: whoever decodes with such a type looks at the names with `KnownNames` and leaves all doubts to pydantic.
"""

import re
from collections.abc import Callable, Collection
from typing import Annotated, Any, Literal, TypeAlias, cast
from uuid import UUID

import msgspec
from pydantic import BaseModel

from telemetry_schema.fields import NAME_PATTERN

Schema: TypeAlias = dict[str, Any]

_MAX_KNOWN_NAMES = 8192


class KnownNames:
    """Names that were found good and are not checked again; when full it starts anew, so that it stays bounded."""

    def __init__(self) -> None:
        self._matches = re.compile(NAME_PATTERN).fullmatch
        self.known: set[str | None] = {None}

    def are_good(self, names: Collection[str | None]) -> bool:
        """Whether each of them is missing or looks as names must; how long it may be is the type's business."""
        if self.known.issuperset(names):
            return True
        for name in names:
            if name not in self.known:
                if not self._matches(cast("str", name)):
                    return False
                if len(self.known) >= _MAX_KNOWN_NAMES:
                    self.known = {None}
                self.known.add(name)
        return True


def struct_of(model: type[BaseModel], *, tag: str | None = None, without: Collection[str] = ()) -> type[msgspec.Struct]:
    """The msgspec type that accepts what the model accepts, but for name patterns and validators.

    Args:
        model: its fields must be of the kinds that the messages have: numbers, strings, lists of them, models.
        tag: the value of the field `type`, where the model has one.
        without: fields to leave out.

    Raises:
        TypeError: the model has a constraint that cannot be carried over.
    """
    schema = model.model_json_schema()
    kinds = _Kinds(schema.get("$defs", {}))
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for name, field in schema["properties"].items():
        if name in without or (tag is not None and name == "type"):
            continue
        kind = kinds.of(field)
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


class _Kinds:
    """From a field's JSON schema to the type that msgspec decodes, bounds included."""

    def __init__(self, definitions: dict[str, Schema]) -> None:
        self._definitions = definitions
        self._simple: dict[str, Callable[[Schema], Any]] = {
            "string": _string,
            "number": _number,
            "integer": _number,
            "boolean": lambda _: bool,
            "array": self._array,
            "object": self._object,
        }

    def of(self, schema: Schema) -> Any:  # noqa: ANN401 - a type made at run time has no static type
        if "$ref" in schema:
            return self.of(self._definitions[schema["$ref"].removeprefix("#/$defs/")])
        if "anyOf" in schema:
            first, null = schema["anyOf"]
            if null != {"type": "null"}:
                msg = f"only optional fields are known, not {schema}"
                raise TypeError(msg)
            return self.of(first) | None
        if "enum" in schema:
            return Literal[tuple(schema["enum"])]
        return self._simple[schema["type"]](schema)

    def _array(self, schema: Schema) -> Any:  # noqa: ANN401 - see of
        items = list.__class_getitem__(self.of(schema["items"]))
        return _bounded(items, schema, {"minItems": "min_length", "maxItems": "max_length"})

    def _object(self, schema: Schema) -> Any:  # noqa: ANN401 - see of
        if schema["properties"].keys() != set(schema["required"]):
            msg = f"only models without optional fields are known inside others, not {schema['title']}"
            raise TypeError(msg)
        return _define(schema["title"], [(name, self.of(field)) for name, field in schema["properties"].items()], None)


def _string(schema: Schema) -> Any:  # noqa: ANN401 - see _Kinds.of
    if schema.get("format") == "uuid":
        return _bounded(UUID, {key: value for key, value in schema.items() if key != "format"}, {})
    # A pattern is checked once a name, not once a trade: see KnownNames.
    if schema.get("pattern") not in {NAME_PATTERN, None}:
        msg = f"a string with a pattern that is not that of names: {schema}"
        raise TypeError(msg)
    return _bounded(str, schema, {"minLength": "min_length", "maxLength": "max_length"})


def _number(schema: Schema) -> Any:  # noqa: ANN401 - see _Kinds.of
    kind = float if schema["type"] == "number" else int
    return _bounded(kind, schema, {"exclusiveMinimum": "gt", "minimum": "ge", "maximum": "le"})


def _bounded(kind: Any, schema: Schema, names: dict[str, str]) -> Any:  # noqa: ANN401 - see _Kinds.of
    known = {"type", "items", "pattern", "title", "description", "default", *names}
    if unknown := schema.keys() - known:
        msg = f"constraints that are not carried over: {sorted(unknown)}"
        raise TypeError(msg)
    return Annotated[kind, msgspec.Meta(**{meta: schema[key] for key, meta in names.items() if key in schema})]
