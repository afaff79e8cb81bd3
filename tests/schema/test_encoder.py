"""The fast encoder makes the frames that the model makes, and refuses what the model refuses."""

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from telemetry_schema import MessageEncoder, OrderEvent, Quote, Trade, TradeEncoder, decode_edge
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


EVENT: Final[dict[str, Any]] = {
    "event": "fill",
    "order_id": "o-1",
    "event_ns": 1_700_000_000_000_000_000,
    "sent_ns": 1_700_000_000_000_000_001,
    "clock": "bot",
    "symbol": "BTC-USD",
    "side": "buy",
    "last_qty": 1.5,
    "last_price": 100.0,
}
ENCODER: Final = MessageEncoder(OrderEvent, {"source": "bot"})


@given(
    name=st.sampled_from([*sorted(OrderEvent.model_fields.keys() - {"type", "source"}), "note"]),
    value=st.one_of(st.integers(), st.floats(), st.text(), st.booleans(), st.sampled_from(["buy", "submit"])),
)
def test_events_are_refused_and_made_by_the_encoder_as_by_the_model(name: str, value: object) -> None:
    fields = EVENT | {name: value}
    try:
        expected = OrderEvent.model_validate({"source": "bot"} | fields)
    except ValidationError:
        with pytest.raises(ValidationError):
            ENCODER.encode(fields)
    else:
        assert decode_edge(ENCODER.encode(fields)) == expected


@pytest.mark.parametrize("missing", ["last_qty", "symbol"])
def test_what_an_event_needs_is_asked_for_by_the_encoder_too(missing: str) -> None:
    fields = {key: item for key, item in EVENT.items() if key != missing}
    with pytest.raises(ValidationError, match=f"fill needs {missing}"):
        ENCODER.encode(fields)


def test_a_crossed_quote_is_refused_by_the_encoder_too() -> None:
    fields = {"symbol": "A", "bid": 2.0, "ask": 1.0, "event_ns": EVENT["event_ns"], "sent_ns": EVENT["sent_ns"]}
    with pytest.raises(ValidationError, match="above ask"):
        MessageEncoder(Quote, {"source": "bot"}).encode(fields)
