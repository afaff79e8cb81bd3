"""The fast way from values to trade frames, derived from the pydantic model as the decoder is.

Half of the time of `encode(Trade(...))`: what is the same in all trades of a sender is checked and encoded once, and
the rest is checked as a dict, without making an object of it. A property test holds that both make the same trades.
"""

from collections.abc import Mapping
from typing import Annotated, Any, NotRequired

from pydantic import AfterValidator, TypeAdapter
from typing_extensions import TypedDict

from telemetry_schema.messages import Trade, check_seq


class TradeEncoder:
    """Encodes trades that have the fields in `shared` in common, e.g. source and run.

    Raises:
        pydantic.ValidationError: one of these is not valid.
    """

    def __init__(self, shared: Mapping[str, str]) -> None:
        constant = _adapter_of({"type", *shared})
        fields = constant.validator.validate_python({"type": "trade", **shared})
        self._head = constant.serializer.to_json(fields)[:-1] + b","
        varying = _adapter_of(Trade.model_fields.keys() - {"type", *shared})
        self._validate = varying.validator.validate_python
        self._to_json = varying.serializer.to_json

    def encode(self, fields: Mapping[str, Any]) -> bytes:
        """The frame of a trade with these further fields; a field that may be left out must not be None.

        Raises:
            pydantic.ValidationError: they do not make a valid trade.
        """
        return self._head + self._to_json(self._validate(fields))[1:]


def _adapter_of(names: set[str]) -> TypeAdapter[dict[str, Any]]:
    """What checks and encodes a dict of these fields of `Trade`, each under the same rules as there."""
    types: dict[str, Any] = {}
    for name, field in Trade.model_fields.items():
        if name in names:
            kind = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
            types[name] = kind if field.is_required() or name == "type" else NotRequired[kind]
    part = TypedDict("part", types)  # type: ignore[misc]  # its fields are only known at run time
    part.__pydantic_config__ = Trade.model_config  # type: ignore[attr-defined]
    whole: Any = Annotated[part, AfterValidator(_seq_has_its_run)] if {"seq", "run"} <= names else part
    adapter: TypeAdapter[Any] = TypeAdapter(whole)
    return adapter


def _seq_has_its_run(fields: dict[str, Any]) -> dict[str, Any]:
    """The one rule that stands over several fields, where neither is shared."""
    check_seq(fields.get("seq"), fields.get("run"))
    return fields
