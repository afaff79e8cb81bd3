"""The fast encoder makes the frames that the model makes, and refuses what the model refuses."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from telemetry_schema import Trade, TradeEncoder, decode_edge
from telemetry_schema.batch import table
from tests.helpers.trades import trade
from tests.schema.strategies import trades

SHARED = {"source", "run", "account"}


@given(message=trades())
def test_encoder_and_model_make_the_same_trade(message: Trade) -> None:
    fields = message.model_dump(exclude_none=True, exclude={"type"})
    shared = {name: fields.pop(name) for name in SHARED & fields.keys()}
    assert decode_edge(TradeEncoder(shared).encode(fields)) == message


@given(
    name=st.sampled_from(["symbol", "side", "qty", "price", "event_ns", "sent_ns", "seq", "id", "note"]),
    value=st.one_of(
        st.integers(), st.floats(), st.text(), st.booleans(), st.binary(), st.lists(st.integers(), max_size=1)
    ),
)
def test_encoder_and_model_refuse_the_same_values(name: str, value: object) -> None:
    fields: dict[str, Any] = {key: item for key, item in trade().items() if key not in {"type", "source"}}
    fields[name] = value
    try:
        expected = Trade.model_validate({"source": "bot"} | fields)
    except ValidationError:
        with pytest.raises(ValidationError):
            TradeEncoder({"source": "bot"}).encode(fields)
    else:
        assert decode_edge(TradeEncoder({"source": "bot"}).encode(fields)) == expected


@pytest.mark.parametrize("shared", [{"source": "bot", "run": "r"}, {"account": "x", "run": "r", "source": "bot"}])
def test_frames_begin_with_the_sender_so_that_ingest_need_not_parse_it_each_time(shared: dict[str, str]) -> None:
    fields = {key: item for key, item in trade().items() if key not in {"type", "source"}}
    head = table._HEAD.match(TradeEncoder(shared).encode(fields))
    assert head is not None
    assert head.groups() == (b"bot", b"r")


@pytest.mark.parametrize(
    "shared", [{"source": "a "}, {"source": 1}, {"source": "a", "account": ""}, {"type": "trades"}]
)
def test_shared_fields_are_checked_too(shared: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TradeEncoder(shared)


@pytest.mark.parametrize("missing", ["symbol", "side", "qty", "price", "event_ns", "sent_ns"])
def test_a_missing_field_is_refused(missing: str) -> None:
    fields = {key: item for key, item in trade().items() if key not in {"type", "source", missing}}
    with pytest.raises(ValidationError, match=missing):
        TradeEncoder({"source": "bot"}).encode(fields)
