"""What a hostile message costs is proportional to its length: long frames never reach pydantic with a fault in them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from telemetry_schema import MAX_COLUMN_TRADES, MAX_FRAME_BYTES, DecodeError, Reason, Trade, TradeColumns, decode_edge
from telemetry_schema.batch import TradeDecoder

DECODER = TradeDecoder()
TRADE: dict[str, Any] = {
    "type": "trade", "source": "bot", "run": "r", "seq": 1, "symbol": "BTC-USD", "side": "buy", "qty": 1, "price": 1,
    "event_ns": 10**18, "sent_ns": 10**18,
}  # fmt: skip
COLUMNS: dict[str, Any] = {
    "type": "trades", "source": "bot", "run": "r", "seq": 1, "sent_ns": 10**18, "symbol": ["A"] * 9,
    "side": ["buy"] * 9, "qty": [1] * 9, "price": [1] * 9, "event_ns": [10**18] * 9,
}  # fmt: skip
BLANKS = " " * 4_000
NESTED: list[list[int]] = [[]] * 80_000

HOSTILE: dict[str, tuple[Callable[[], str], Reason]] = {
    "80,000 keys": (lambda: json.dumps(TRADE | {f"k{i}": 1 for i in range(80_000)}), Reason.UNKNOWN_FIELD),
    "80,000 times one key": (lambda: json.dumps(TRADE)[:-1] + ',"k":1' * 80_000 + "}", Reason.UNKNOWN_FIELD),
    "keys of no type": (lambda: json.dumps({f"k{i}": 1 for i in range(80_000)}), Reason.UNKNOWN_TYPE),
    "an array": (lambda: json.dumps([1] * 300_000), Reason.WRONG_TYPE),
    "arrays in an array": (lambda: json.dumps(NESTED), Reason.WRONG_TYPE),
    "arrays for a name": (lambda: json.dumps(TRADE | {"source": NESTED}), Reason.WRONG_TYPE),
    "arrays for a column": (lambda: json.dumps({"type": "trades", "symbol": NESTED}), Reason.WRONG_TYPE),
    "arrays under an unknown type": (lambda: json.dumps({"type": "x", "symbol": NESTED}), Reason.TOO_LARGE),
    "arrays in a command": (lambda: json.dumps({"type": "command", "symbol": NESTED}), Reason.TOO_LARGE),
    "a column that is too long": (
        lambda: json.dumps(COLUMNS | {"symbol": ["A"] * (MAX_COLUMN_TRADES + 1)}), Reason.OUT_OF_RANGE
    ),
    "a bad side": (lambda: json.dumps(COLUMNS | {"side": ["bid"] * 9_000}), Reason.UNKNOWN_SIDE),
    "empty names": (lambda: json.dumps(COLUMNS | {"symbol": [""] * 9_000}), Reason.BAD_NAME),
    "text for a number": (lambda: json.dumps(COLUMNS | {"qty": ["1"] * 9_000}), Reason.WRONG_TYPE),
    "nothing bought": (lambda: json.dumps(COLUMNS | {"qty": [0] * 9_000}), Reason.OUT_OF_RANGE),
    "a missing field": (lambda: json.dumps({"type": "trades", "symbol": ["A"] * 9_000}), Reason.MISSING_FIELD),
    "deep nesting": (lambda: '{"type":"trade","x":' + "[" * 9_000, Reason.NOT_JSON),
    "cut short": (lambda: json.dumps(COLUMNS | {"symbol": ["A"] * 9_000})[:-9], Reason.NOT_JSON),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_a_long_hostile_frame_is_refused_for_its_reason_and_never_reaches_pydantic(what: str) -> None:
    frame = HOSTILE[what][0]().encode()
    assert DECODER.decode(frame) is None
    with pytest.raises(DecodeError) as refused:
        DECODER.decode_other(frame)
    assert refused.value.reason == HOSTILE[what][1]
    assert not isinstance(refused.value.__cause__, ValidationError)
    assert len(refused.value.detail) <= 256


def test_a_long_frame_that_is_not_utf8_says_so() -> None:
    with pytest.raises(DecodeError) as refused:
        DECODER.decode_other(b'{"type":"trade","source":"' + b"\xff" * 5_000)
    assert refused.value.reason in {Reason.NOT_UTF8, Reason.NOT_JSON}


def test_a_frame_above_the_limit_is_not_even_parsed() -> None:
    frame = json.dumps(TRADE).encode() + b" " * MAX_FRAME_BYTES
    with pytest.raises(DecodeError) as refused:
        DECODER.decode_other(frame)
    assert refused.value.reason == Reason.TOO_LARGE
    assert DECODER.decode(frame) is None
    assert DECODER.position(frame) is None


def test_a_refused_message_speaks_for_as_many_trades_as_a_message_may_hold_and_not_for_more() -> None:
    most = DECODER.position(json.dumps(COLUMNS | {"symbol": ["A"] * MAX_COLUMN_TRADES}).encode())
    assert most is not None
    assert most.count == MAX_COLUMN_TRADES
    assert DECODER.position(json.dumps(COLUMNS | {"symbol": ["A"] * (MAX_COLUMN_TRADES + 1)}).encode()) is None


@pytest.mark.parametrize("fields", [TRADE, COLUMNS], ids=["trade", "columns"])
def test_an_unusual_way_to_write_a_valid_message_is_accepted_however_long(fields: dict[str, Any]) -> None:
    frame = (json.dumps(fields)[:-1] + BLANKS + ',"seq":1}').encode()
    assert DECODER.decode_other(frame) == decode_edge(frame)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=20,
)


@given(
    base=st.sampled_from([TRADE, COLUMNS]),
    changes=st.dictionaries(st.sampled_from([*TRADE, *COLUMNS, "id", "account", "other"]), JSON, max_size=3),
    dropped=st.sets(st.sampled_from([*TRADE, *COLUMNS]), max_size=2),
)
def test_whatever_a_long_frame_holds_both_ways_accept_the_same(
    base: dict[str, Any], changes: dict[str, Any], dropped: set[str]
) -> None:
    fields = {name: value for name, value in (base | changes).items() if name not in dropped}
    frame = (json.dumps(fields)[:-1] + BLANKS + "}").encode()
    outcomes = [_outcome(DECODER.decode_other, frame), _outcome(decode_edge, frame)]
    assert outcomes[0] == outcomes[1]


def _outcome(decode: Callable[[bytes], Any], frame: bytes) -> Trade | TradeColumns | None:
    try:
        message = decode(frame)
    except DecodeError:
        return None
    assert isinstance(message, Trade | TradeColumns)
    return message
