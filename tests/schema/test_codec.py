"""JSON frames to messages and back, and the one reason each refused frame is counted under."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from telemetry_schema import (
    MAX_COLUMN_TRADES,
    MAX_FRAME_BYTES,
    MAX_VIEW_BYTES,
    CommandResult,
    DecodeError,
    KillSwitch,
    Reason,
    Trade,
    TradeCommand,
    decode_edge,
    decode_progress,
    decode_ui,
    encode,
    with_seq,
)
from tests.helpers.hostile import HOSTILE
from tests.helpers.trades import NOW_NS, columns, frame, trade
from tests.schema.strategies import trades

NOT_OF_ONE_FRAME = {Reason.MULTIPART, Reason.FUTURE_TIME, Reason.RATE_LIMITED, Reason.OUT_OF_ORDER}
"""What only ingest can see: more frames than one, the time, and how many came before."""

COMMAND = {
    "type": "command",
    "command_id": "12345678-1234-5678-1234-567812345678",
    "source": "ui",
    "symbol": "BTC-USD",
    "side": "buy",
    "qty": 1.0,
    "sent_ns": NOW_NS,
}

REFUSED: dict[str, tuple[bytes, Reason]] = {
    name: (frames[0], reason) for name, (frames, reason) in HOSTILE.items() if reason not in NOT_OF_ONE_FRAME
} | {
    "byte order mark": (b"\xef\xbb\xbf" + frame(trade()), Reason.NOT_JSON),
    "single quotes": (b"{'type': 'trade'}", Reason.NOT_JSON),
    "a comma too many": (frame(trade())[:-1] + b",}", Reason.NOT_JSON),
    "half a surrogate pair": (frame(trade()).replace(b"BTC-USD", b"\\ud800"), Reason.NOT_JSON),
    "bad utf-8 behind broken JSON": (b'{"type" "trade"\xff}', Reason.NOT_UTF8),
    "number of 5000 digits": (frame(trade()).replace(b"61000.0", b"9" * 5000), Reason.NOT_JSON),
    "type is null": (b'{"type":null}', Reason.UNKNOWN_TYPE),
    "an object without fields": (b"{}", Reason.UNKNOWN_TYPE),
    "side is null": (frame(trade() | {"side": None}), Reason.UNKNOWN_SIDE),
    "symbol is null": (frame(trade() | {"symbol": None}), Reason.WRONG_TYPE),
    "seq is text": (frame(trade(seq="1")), Reason.WRONG_TYPE),
    "unknown side in a column": (frame(columns(2, side=["buy", "x"])), Reason.UNKNOWN_SIDE),
    "bad symbol in a column": (frame(columns(2, symbol=["A", "a "])), Reason.BAD_NAME),
    "column is no list": (frame(columns(2, qty=1.0)), Reason.WRONG_TYPE),
    "column is missing": (frame({k: v for k, v in columns(2).items() if k != "qty"}), Reason.MISSING_FIELD),
    "columns with an id": (frame(columns(2, id="x")), Reason.UNKNOWN_FIELD),
    "command without an id": (frame({k: v for k, v in COMMAND.items() if k != "command_id"}), Reason.MISSING_FIELD),
    "command id is no UUID": (frame(COMMAND | {"command_id": "x"}), Reason.WRONG_TYPE),
    "command of nothing": (frame(COMMAND | {"qty": 0}), Reason.OUT_OF_RANGE),
    "command with an account": (frame(COMMAND | {"account": "a"}), Reason.UNKNOWN_FIELD),
}


@pytest.mark.parametrize(("refused", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_hostile_frame_is_refused_under_its_one_reason(refused: bytes, reason: Reason) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_edge(refused)
    assert caught.value.reason is reason
    assert 0 < len(caught.value.detail) < 500


def test_every_reason_of_a_single_frame_has_its_example() -> None:
    assert {reason for _, reason in REFUSED.values()} == set(Reason) - NOT_OF_ONE_FRAME - {Reason.BAD_FRAME}


def test_every_reason_that_a_frame_can_give_is_disjoint_from_the_others() -> None:
    assert len(set(Reason)) == len({str(reason) for reason in Reason})


def test_a_refusal_names_the_field_the_index_and_keeps_the_cause() -> None:
    with pytest.raises(DecodeError, match=r"out_of_range: qty\[1\]: .*greater than 0") as caught:
        decode_edge(frame(columns(3, qty=[1.0, -1.0, 1.0])))
    assert isinstance(caught.value.__cause__, ValidationError)


def test_a_refusal_does_not_repeat_what_a_hostile_sender_wrote_at_length() -> None:
    with pytest.raises(DecodeError) as caught:
        decode_edge(frame(trade(**{"x" * 500_000: 1})))
    assert len(str(caught.value)) < 200


def test_refusing_columns_full_of_mistakes_costs_no_more_than_one_mistake_a_column() -> None:
    count = MAX_COLUMN_TRADES
    bad = columns(
        0, symbol=[""] * count, side=["x"] * count, qty=[0] * count, price=["1"] * count, event_ns=[-1] * count
    )
    with pytest.raises(DecodeError) as caught:
        decode_edge(frame(bad))
    assert isinstance(caught.value.__cause__, ValidationError)
    assert caught.value.__cause__.error_count() == 5


def test_a_frame_of_the_longest_length_is_accepted_and_one_byte_more_is_not() -> None:
    longest = frame(trade()).ljust(MAX_FRAME_BYTES)
    assert isinstance(decode_edge(longest), Trade)
    with pytest.raises(DecodeError, match="too_large"):
        decode_edge(longest + b" ")


def test_columns_of_the_greatest_length_are_accepted_and_one_trade_more_is_not() -> None:
    decode_edge(frame(columns(MAX_COLUMN_TRADES)))
    with pytest.raises(DecodeError, match="out_of_range"):
        decode_edge(frame(columns(MAX_COLUMN_TRADES + 1)))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1.0),
        ("1e-7", 1e-7),
        ("0.1000000000000000055511151231257827", 0.1),
        ("5e-324", 5e-324),
        ("1.7976931348623157e308", 1.7976931348623157e308),
        ("9007199254740993", 9007199254740992.0),
    ],
)
def test_a_number_in_any_notation_is_the_nearest_float64(text: str, value: float) -> None:
    message = decode_edge(frame(trade()).replace(b"61000.0", text.encode()))
    assert isinstance(message, Trade)
    assert message.price == value


def test_what_json_allows_is_accepted_white_space_escapes_any_order() -> None:
    raw = (
        b'\r\n{"sent_ns":%d,\t"event_ns" : %d,"price":3,"qty":4,'
        b'"s\\u0069de":"\\u0062uy","symbol":"A\\/B","source":"b","type":"trade"} '
    ) % (NOW_NS + 1, NOW_NS)
    assert decode_edge(raw) == Trade(
        source="b", symbol="A/B", side="buy", qty=4.0, price=3.0, event_ns=NOW_NS, sent_ns=NOW_NS + 1
    )


def test_of_a_repeated_key_the_last_value_counts_as_everywhere_in_json() -> None:
    message = decode_edge(frame(trade())[:-1] + b',"qty":7}')
    assert isinstance(message, Trade)
    assert message.qty == json.loads(b'{"qty":0.5,"qty":7}')["qty"] == 7.0


def test_a_command_and_the_kill_switch_are_edge_messages() -> None:
    assert isinstance(decode_edge(frame(COMMAND)), TradeCommand)
    switch = {key: COMMAND[key] for key in ("command_id", "source", "sent_ns")} | {
        "type": "kill_switch",
        "engaged": True,
    }
    assert isinstance(decode_edge(frame(switch)), KillSwitch)


@pytest.mark.parametrize("engaged", [1, "true", None])
def test_the_kill_switch_takes_nothing_but_true_and_false(engaged: object) -> None:
    switch = {key: COMMAND[key] for key in ("command_id", "source", "sent_ns")}
    with pytest.raises(DecodeError, match="wrong_type"):
        decode_edge(frame(switch | {"type": "kill_switch", "engaged": engaged}))


def test_the_ui_takes_no_trades_and_ingest_no_results() -> None:
    result = CommandResult.model_validate_json(
        json.dumps({"command_id": COMMAND["command_id"], "status": "accepted", "received_ns": 1})
    )
    assert decode_ui(encode(result)) == result
    with pytest.raises(DecodeError, match="unknown_type"):
        decode_ui(frame(trade()))
    with pytest.raises(DecodeError, match="unknown_type"):
        decode_edge(encode(result))
    with pytest.raises(DecodeError):
        decode_progress(frame(trade()))


def test_a_view_for_the_ui_may_be_longer_than_a_message_of_a_client_but_not_without_bounds() -> None:
    result = (
        b'{"type":"result","command_id":"12345678-1234-5678-1234-567812345678","status":"accepted","received_ns":1}'
    )
    decode_ui(result.ljust(MAX_VIEW_BYTES))
    with pytest.raises(DecodeError, match="too_large"):
        decode_ui(result.ljust(MAX_VIEW_BYTES + 1))


@given(message=trades())
def test_a_trade_comes_out_as_it_went_in(message: Trade) -> None:
    assert decode_edge(encode(message)) == message


@given(message=trades(), seq=st.integers(0, 2**63 - 1))
def test_a_number_can_be_added_to_an_encoded_trade(message: Trade, seq: int) -> None:
    message = message.model_copy(update={"run": message.run or "r"})
    bare = message.model_copy(update={"seq": None})
    assert decode_edge(with_seq(encode(bare), seq)) == message.model_copy(update={"seq": seq})
