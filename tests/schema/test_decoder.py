"""The fast decoder and the codec judge alike: what is a trade to one is the same trade to the other."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from telemetry_schema import MAX_COLUMN_TRADES, MAX_FRAME_BYTES, DecodeError, Trade, TradeColumns, decode_edge, encode
from telemetry_schema.batch import FastColumns, FastTrade, TradeDecoder, is_columns, struct_of
from tests.helpers.examples import examples
from tests.helpers.hostile import HOSTILE
from tests.helpers.trades import columns, frame, trade
from tests.schema.strategies import frames, trades

# One decoder for all, as in ingest: what it remembers of one frame must not change its verdict of the next.
DECODER = TradeDecoder()


def values_of(message: FastTrade | FastColumns | Trade | TradeColumns) -> dict[str, str]:
    """Field by field as text, so that 1 differs from 1.0 and 0.0 from -0.0."""
    model: type[BaseModel] = TradeColumns if isinstance(message.symbol, list) else Trade
    return {name: repr(getattr(message, name)) for name in model.model_fields if name != "type"}


def judged_by_the_codec(data: bytes) -> Trade | TradeColumns | None:
    try:
        message = decode_edge(data)
    except DecodeError:
        return None
    return message if isinstance(message, Trade | TradeColumns) else None


def has_a_repeated_key(data: bytes) -> bool:
    found = False

    def look(pairs: list[tuple[str, Any]]) -> None:
        nonlocal found
        found = found or max(Counter(key for key, _ in pairs).values(), default=0) > 1

    json.loads(data, object_pairs_hook=look)
    return found


def assert_both_judge_alike(data: bytes) -> None:
    fast, slow = DECODER.decode(data), judged_by_the_codec(data)
    if fast is not None:
        assert slow is not None, "the decoder accepts what the codec refuses"
        assert values_of(fast) == values_of(slow)
    elif slow is not None:
        # Both take the last of a repeated key, but the decoder looks at the earlier ones too. It then leaves the frame
        # to the codec, so that what is accepted is the same.
        assert has_a_repeated_key(data), "the codec accepts what the decoder refuses"


@settings(max_examples=examples(250), suppress_health_check=[HealthCheck.too_slow])
@given(data=frames())
def test_decoder_and_codec_accept_the_same_frames_with_the_same_values(data: bytes) -> None:
    event("accepted" if judged_by_the_codec(data) else "refused")
    assert_both_judge_alike(data)


@given(data=st.binary(max_size=50) | st.text(max_size=50).map(str.encode))
def test_decoder_and_codec_agree_on_noise(data: bytes) -> None:
    assert_both_judge_alike(data)


@given(message=trades())
def test_the_decoder_reads_every_valid_trade(message: Trade) -> None:
    fast = DECODER.decode(encode(message))
    assert fast is not None
    assert not is_columns(fast)
    assert values_of(fast) == values_of(message)


@pytest.mark.parametrize(
    "text",
    [
        *("0", "-0", "-0.0", "5e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "1e-400", "1e400"),
        *("1.7976931348623157e308", "1.7976931348623158e308", "1.7976931348623159e308", "1e99999999999999999999"),
        *("9007199254740993", "18446744073709551616", "36893488147419099137", "9" * 308, "9" * 309, "9" * 5000),
        *("0." + "1" * 1000, "1." + "0" * 1000 + "1", "0." + "0" * 400 + "1e400", "1" + "0" * 400 + "e-400"),
        *("1.00000000000000011102230246251565404236316680908203125", "2.2250738585072011e-308", "1e23"),
        *("1e+00000000000000000001", "NaN", "Infinity", "-Infinity", "01", "1.", ".5", "+1", "1e", '"1"', "true"),
    ],
    ids=lambda text: text[:24],
)
@pytest.mark.parametrize("name", ["qty", "event_ns", "seq"])
def test_decoder_and_codec_agree_on_exotic_numbers(name: str, text: str) -> None:
    assert_both_judge_alike(frame(trade(**{name: "@"})).replace(b'"@"', text.encode()))


@pytest.mark.parametrize("parts", [parts for parts, _ in HOSTILE.values()], ids=HOSTILE)
def test_decoder_and_codec_agree_on_the_hostile_corpus(parts: list[bytes]) -> None:
    assert_both_judge_alike(parts[0])


@pytest.mark.parametrize(
    "data",
    [
        frame(trade()).ljust(MAX_FRAME_BYTES),
        frame(trade()).ljust(MAX_FRAME_BYTES + 1),
        frame(columns(MAX_COLUMN_TRADES)),
        frame(columns(MAX_COLUMN_TRADES + 1)),
        frame(columns(3, symbol=["A"])),
        frame(columns(0)),
        *[frame(trade(source="x" * length)) for length in (128, 129)],
        *[frame(trade(symbol="é" * length)) for length in (64, 65, 128)],
        *[frame(trade(account=text, id=text)) for text in ("a", "a\n", "é", "\u0661", "\u212a")],
    ],
    ids=lambda data: f"{data[:20]!r} {len(data)}",
)
def test_decoder_and_codec_agree_on_lengths_and_names(data: bytes) -> None:
    assert_both_judge_alike(data)


def test_the_decoder_reads_a_view_of_a_frame_without_copying_it_first() -> None:
    fast = DECODER.decode(memoryview(frame(trade())))
    assert fast is not None
    assert fast.symbol == "BTC-USD"


def test_a_hundred_thousand_names_do_not_fill_the_memory() -> None:
    decoder = TradeDecoder()
    for number in range(20_000):
        assert decoder.decode(frame(trade(symbol=f"S{number}"))) is not None
        assert decoder.position(frame(trade(symbol=1, source=f"B{number}", seq=1))) is None
    assert len(decoder._names.known) <= 8192


def test_the_place_of_a_refused_message_is_read_from_what_can_be_read_of_it() -> None:
    position = DECODER.position(frame(trade(run="r", seq=7, qty=-1)))
    assert position is not None
    assert (position.source, position.run, position.seq, position.count) == ("bot", "r", 7, 1)
    position = DECODER.position(frame(columns(3, run="r", seq=7, qty=[-1])))
    assert position is not None
    assert position.count == 3


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[]",
        frame(trade()),
        frame(trade(seq=-1)),
        frame(trade(seq=2**63)),
        frame(trade(seq="1")),
        frame(trade(seq=1, source="a ")),
        frame(trade(seq=1, source="x" * 129)),
        frame(trade(seq=1, run="x" * 129)),
        b'{"source":' + b"[" * 100_000,
    ],
    ids=lambda data: repr(data[:40]),
)
def test_a_message_without_a_readable_place_has_none(data: bytes) -> None:
    assert DECODER.position(data) is None


class _Elsewhere(BaseModel):
    """A model with a rule that the decoder has no counterpart for."""

    even: int = Field(multiple_of=2)


class _Pattern(BaseModel):
    code: str = Field(pattern="^x$")


@pytest.mark.parametrize("model", [_Elsewhere, _Pattern])
def test_a_rule_that_is_not_carried_over_is_an_error_not_a_hole(model: type[BaseModel]) -> None:
    with pytest.raises(TypeError):
        struct_of(model, tag="x")
