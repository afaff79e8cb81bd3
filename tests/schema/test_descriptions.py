"""The JSON schema of the messages is what others build clients from: it says of each field what it is."""

from collections.abc import Iterator
from typing import Any

import pytest

import telemetry_schema.batch  # its header is a message too: found as a subclass
from telemetry_schema import Message


def _models(base: type[Message] = Message) -> Iterator[type[Message]]:
    for model in base.__subclasses__():
        if model.__module__.startswith(telemetry_schema.__name__):
            yield model
        yield from _models(model)


MODELS = sorted(_models(), key=lambda model: model.__name__)


def described(schema: dict[str, Any], definitions: dict[str, Any]) -> bool:
    """Whether it says what it is, itself or in what it is made of."""
    if "description" in schema or "const" in schema:
        return True
    if "$ref" in schema:
        return described(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        return described(schema["anyOf"][0], definitions)
    inner = schema.get("items") or schema.get("additionalProperties")
    return isinstance(inner, dict) and described(inner, definitions)


def test_all_messages_are_looked_at() -> None:
    names = {model.__name__ for model in MODELS}
    assert {"Trade", "TradeColumns", "CommandResult", "Snapshot", "IngestStatus", "BatchHeader", "Progress"} <= names


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_of_a_message_is_described(model: type[Message]) -> None:
    schema = model.model_json_schema()
    definitions = schema.get("$defs", {})
    assert [name for name, field in schema["properties"].items() if not described(field, definitions)] == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_message_is_described(model: type[Message]) -> None:
    assert model.__doc__


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_times_have_their_unit_in_the_name(model: type[Message]) -> None:
    described_as_ns = [
        name
        for name, field in model.model_fields.items()
        if "nanosecond" in (field.description or "").lower() and not name.endswith("_ns")
    ]
    assert described_as_ns == []
