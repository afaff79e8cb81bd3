"""The fast way from values to frames, derived from the pydantic model as the decoder is.

Half of the time of `encode(Trade(...))`: what is the same in all messages of a sender is checked and encoded once, and
the rest is checked as a dict, without making an object of it. A property test holds that both make the same messages.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, NotRequired

from pydantic import AfterValidator, TypeAdapter
from typing_extensions import TypedDict

from telemetry_schema.messages import Message, Trade, check_seq
from telemetry_schema.orders import OrderEvent, Quote, check_event, check_quote

_Check = Callable[[dict[str, Any]], dict[str, Any]]

_CHECKS: Final[dict[type[Message], _Check]] = {OrderEvent: check_event, Quote: check_quote}
"""The rules that stand over several fields, as in the model but for a dict."""


class MessageEncoder:
    """Encodes messages of one model that have the fields in `shared` in common, e.g. source and run.

    Raises:
        pydantic.ValidationError: one of these is not valid.
    """

    def __init__(self, model: type[Message], shared: Mapping[str, str]) -> None:
        constant = _adapter_of(model, {"type", *shared})
        fields = constant.validator.validate_python({"type": model.model_fields["type"].default, **shared})
        self._head = constant.serializer.to_json(fields)[:-1] + b","
        varying = _adapter_of(model, model.model_fields.keys() - {"type", *shared})
        self._validate = varying.validator.validate_python
        self._to_json = varying.serializer.to_json

    def encode(self, fields: Mapping[str, Any]) -> bytes:
        """The frame of a message with these further fields; a field that may be left out must not be None.

        Raises:
            pydantic.ValidationError: they do not make a valid message.
        """
        return self._head + self._to_json(self._validate(fields))[1:]


class TradeEncoder(MessageEncoder):
    """Encodes trades; see `MessageEncoder`."""

    def __init__(self, shared: Mapping[str, str]) -> None:
        super().__init__(Trade, shared)


def _adapter_of(model: type[Message], names: set[str]) -> TypeAdapter[dict[str, Any]]:
    """What checks and encodes a dict of these fields of a model, each under the same rules as there."""
    types: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        if name in names:
            kind = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
            types[name] = kind if field.is_required() or name == "type" else NotRequired[kind]
    part = TypedDict("part", types)  # type: ignore[misc]  # its fields are only known at run time
    part.__pydantic_config__ = model.model_config  # type: ignore[attr-defined]
    whole: Any = Annotated[part, AfterValidator(_seq_has_its_run)] if {"seq", "run"} <= names else part
    if model in _CHECKS and "sent_ns" in names:
        whole = Annotated[whole, AfterValidator(_CHECKS[model])]
    adapter: TypeAdapter[Any] = TypeAdapter(whole)
    return adapter


def _seq_has_its_run(fields: dict[str, Any]) -> dict[str, Any]:
    """The one rule that stands over several fields, where neither is shared."""
    check_seq(fields.get("seq"), fields.get("run"))
    return fields
