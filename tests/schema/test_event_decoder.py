"""The fast decoder of messages about orders accepts nothing that the model refuses, and reads the same values."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_schema import (
    BOT_MESSAGES,
    BotMessage,
    DecodeError,
    OrderEvent,
    PositionReport,
    Quote,
    RateLimitReport,
    decode_edge,
)
from telemetry_schema.batch import EventDecoder, kind_of
from tests.helpers.insane import golden, insane_messages

NOW_NS = 1_700_000_000_000_000_000
TIMES = {"event_ns": NOW_NS, "sent_ns": NOW_NS}
EXAMPLES: dict[str, dict[str, Any]] = {
    "quote": {"type": "quote", "source": "b", "symbol": "A", "bid": 1.0, "ask": 2, **TIMES},
    "position": {"type": "position", "source": "b", "account": "a", "symbol": "A", "qty": -2.0, **TIMES},
    "rate_limit": {
        "type": "rate_limit",
        "source": "b",
        "account": "a",
        "venue": "v",
        "limit": "l",
        "used": 1.0,
        "allowed": 2.0,
        "interval_s": 1.0,
        **TIMES,
    },
    "order": golden("order"),
}


def frame(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode()


def accepted(data: bytes) -> BotMessage | None:
    try:
        message = decode_edge(data)
    except DecodeError:
        return None
    return message if isinstance(message, OrderEvent | Quote | PositionReport | RateLimitReport) else None


def assert_same(data: bytes) -> None:
    fast, model = EventDecoder().decode(data), accepted(data)
    if fast is not None:
        assert model is not None, data
        assert kind_of(fast) == model.type
        for name in type(model).model_fields.keys() - {"type"}:
            assert getattr(fast, name) == getattr(model, name), name


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_good_message_is_accepted_with_its_values(kind: str) -> None:
    assert EventDecoder().decode(frame(EXAMPLES[kind])) is not None
    assert_same(frame(EXAMPLES[kind]))


@given(data=insane_messages("order"))
def test_what_it_accepts_the_model_accepts(data: bytes) -> None:
    assert_same(data)


@given(kind=st.sampled_from(sorted(EXAMPLES)), data=st.data())
def test_so_it_is_with_any_field_of_any_kind(kind: str, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([*sorted(BOT_MESSAGES[kind].model_fields), "note"]))
    value = data.draw(
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(),
            st.floats(allow_nan=False, allow_infinity=False),
            st.text(max_size=150),
            st.sampled_from(["buy", "fill", "bust", " a", "a ", "\u00e9", "e\u0301", "x" * 129, "price_band", NOW_NS]),
        )
    )
    assert_same(frame(EXAMPLES[kind] | {name: value}))


@pytest.mark.parametrize(
    "change",
    [
        {"event": "fill", "last_qty": None},
        {"seq": 1, "run": None},
        {"seen_ns": NOW_NS, "seen_by": None},
        {"fee": 1.0, "fee_currency": None},
        {"reason": "Not A Code"},
        {"order_id": "with\nbreak"},
        {"source": "ends with a blank "},
    ],
)
def test_what_the_model_refuses_for_more_than_one_field_is_left_to_it(change: dict[str, Any]) -> None:
    message = {name: value for name, value in (EXAMPLES["order"] | change).items() if value is not None}
    assert EventDecoder().decode(frame(message)) is None
    assert accepted(frame(message)) is None


def test_a_crossed_quote_and_a_trade_are_left_to_the_model() -> None:
    assert EventDecoder().decode(frame(EXAMPLES["quote"] | {"bid": 3.0})) is None
    assert EventDecoder().decode(frame(golden("trade"))) is None


def test_names_of_the_world_are_left_to_the_model_in_ids_only() -> None:
    event = EXAMPLES["order"] | {"symbol": "\u65e5\u672c"}
    assert EventDecoder().decode(frame(event)) is not None
    assert EventDecoder().decode(frame(event | {"order_id": "\u65e5"})) is None
    assert isinstance(accepted(frame(event | {"order_id": "\u65e5"})), OrderEvent)
