"""Each venue's parser: what it reads, what it refuses, and that it survives anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from ingest.feeds.base import FeedTrade
from ingest.feeds.venues import VENUES, look_alike
from telemetry_schema import Trade
from tests.ingest.feeds.frames_of import (
    BINANCE,
    BINANCE_RAW,
    COINBASE,
    GOOD,
    HYPERLIQUID,
    KRAKEN,
    OKX,
    RECEIVED_NS,
    Good,
    parser_of,
)

TRADE: TypeAdapter[Trade] = TypeAdapter(Trade)


def assert_valid(trade: FeedTrade) -> None:
    """A feed's trade is within the bounds of the public model."""
    values = trade._asdict()
    values.pop("received_ns")
    assert values.pop("kind") is None
    TRADE.validate_python(values, strict=True)


@pytest.mark.parametrize("good", GOOD, ids=lambda good: good.venue)
def test_a_recorded_frame_becomes_the_trade_it_describes(good: Good) -> None:
    trade = parser_of(good.venue).parse(good.frame, RECEIVED_NS).trades[0]

    assert_valid(trade)
    assert trade.source == good.venue
    assert (trade.side, trade.qty, trade.price) == (good.side, good.qty, good.price)
    assert (trade.event_ns, trade.sent_ns, trade.received_ns) == (good.event_ns, good.sent_ns, RECEIVED_NS)
    assert (trade.run, trade.seq, trade.id) == (good.run, good.seq, good.id)


@pytest.mark.parametrize("good", GOOD, ids=lambda good: good.venue)
def test_the_source_can_be_named(good: Good) -> None:
    assert VENUES[good.venue]("my-source").parse(good.frame, 1).trades[0].source == "my-source"


@pytest.mark.parametrize("good", [good for good in GOOD if good.frame != BINANCE_RAW], ids=lambda good: good.venue)
def test_a_frame_is_known_by_its_own_venue(good: Good) -> None:
    assert parser_of(good.venue).knows(good.frame)
    assert look_alike(good.frame) == good.venue


def test_a_buyer_who_is_no_maker_is_a_taker_on_binance() -> None:
    frame = BINANCE.replace(b'"m":true', b'"m":false')

    assert parser_of("binance").parse(frame, 1).trades[0].side == "buy"


def test_binance_microseconds_are_recognised_by_their_magnitude() -> None:
    frame = BINANCE.replace(b'"T":1750000000123', b'"T":1750000000123456')

    assert parser_of("binance").parse(frame, 1).trades[0].event_ns == 1_750_000_000_123_456_000


@pytest.mark.parametrize(
    ("venue", "frame"),
    [
        ("binance", b'{"result":null,"id":1}'),
        ("binance", BINANCE.replace(b'"e":"trade"', b'"e":"aggTrade"')),
        ("binance", b'{"stream":"btcusdt@depth","data":{"e":"depthUpdate","note":"trade"}}'),
        ("binance", b'{"e":"serverShutdown","why":"trade"}'),
        ("coinbase_exchange", b'{"type":"subscriptions","channels":[{"name":"match"}]}'),
        ("coinbase_exchange", b'{"type":"ticker","product_id":"ADA-USD","price":"1","last":"match"}'),
        ("okx", b'{"event":"subscribe","arg":{"channel":"trades","instId":"BTC-USDT"}}'),
        ("okx", OKX.replace(b"BTC-USDT", b"BTC-USDT-SWAP")),
        ("okx", b"pong"),
        ("kraken_v1", b'{"channelName":"trade","event":"subscriptionStatus","pair":"XMR/USD","name":"trade"}'),
        ("kraken_v1", b'[1,{"a":[["1","2","3"]]},"book-10","XBT/USD"]'),
        ("hyperliquid", b'{"channel":"subscriptionResponse","data":{"subscription":{"type":"trades","coin":"BTC"}}}'),
        ("hyperliquid", b'{"channel":"pong"}'),
    ],
)
def test_a_frame_about_something_else_is_ignored(venue: str, frame: bytes) -> None:
    parsed = parser_of(venue).parse(frame, 1)

    assert (parsed.trades, parsed.fault) == ((), None)


@pytest.mark.parametrize(
    ("venue", "frame", "old", "new"),
    [
        ("binance", BINANCE, b'"64321.50000000"', b"1e400"),
        ("binance", BINANCE, b'"64321.50000000"', b"true"),
        ("binance", BINANCE, b'"64321.50000000"', b"null"),
        ("binance", BINANCE, b'"0.03000000"', b"0"),
        ("binance", BINANCE, b'"0.03000000"', b"-1.5"),
        ("binance", BINANCE, b'"t":4100000001', b'"t":"1e3"'),
        ("binance", BINANCE, b'"t":4100000001', b'"t":4100000001.0'),
        ("binance", BINANCE, b'"t":4100000001', b'"t":"9223372036854775808"'),
        ("binance", BINANCE, b'"64321.50000000"', b'"NaN"'),
        ("binance", BINANCE, b'"64321.50000000"', b'"Infinity"'),
        ("binance", BINANCE, b'"64321.50000000"', b'"1e999"'),
        ("binance", BINANCE, b'"64321.50000000"', b'"--1"'),
        ("binance", BINANCE, b'"64321.50000000"', b'"-1e999"'),
        ("binance", BINANCE, b'"0.03000000"', b'"-1"'),
        ("binance", BINANCE, b'"64321.50000000"', b'"64_321"'),
        ("binance", BINANCE, b'"64321.50000000"', b'" 1"'),
        ("binance", BINANCE, b'"64321.50000000"', '"\u0661"'.encode()),
        ("binance", BINANCE, b'"0.03000000"', b'"0.00000000"'),
        ("binance", BINANCE, b'"0.03000000"', b'"1e-400"'),
        ("binance", BINANCE, b'"m":true', b'"m":1'),
        ("binance", BINANCE, b'"m":true,', b""),
        ("binance", BINANCE, b'"t":4100000001', b'"t":-1'),
        ("binance", BINANCE, b'"t":4100000001', b'"t":9223372036854775808'),
        ("binance", BINANCE, b'"T":1750000000123', b'"T":0'),
        ("binance", BINANCE, b'"T":1750000000123', b'"T":-5'),
        ("binance", BINANCE, b'"T":1750000000123', b'"T":9223372036854775807'),
        ("binance", BINANCE, b'"T":1750000000123', b'"T":1750000000.123'),
        ("binance", BINANCE, b'"BTCUSDT"', b'""'),
        ("binance", BINANCE, b'"BTCUSDT"', b'"BTCUSDT "'),
        ("binance", BINANCE, b'"BTCUSDT"', b'"BTC\\nUSDT"'),
        ("binance", BINANCE, b'"BTCUSDT"', b'"' + b"B" * 129 + b'"'),
        ("binance", BINANCE, b'"BTCUSDT"', b'"' + b"B" * 10_000 + b'"'),
        ("binance", BINANCE, b'"BTCUSDT"', b'"\xff"'),
        ("binance", BINANCE, b"}}", b"}"),
        ("binance", BINANCE, b'"M":true}}', b'"M":tr'),
        ("binance", BINANCE_RAW, b'"p":"64321.50000000",', b""),
        ("coinbase_exchange", COINBASE, b'"side":"sell"', b'"side":"s"'),
        ("coinbase_exchange", COINBASE, b'"side":"sell"', b'"side":null'),
        ("coinbase_exchange", COINBASE, b"40.121358Z", b"40.121358"),
        ("coinbase_exchange", COINBASE, b"2025-06-15", b"1925-06-15"),
        ("coinbase_exchange", COINBASE, b"2025-06-15", b"2925-06-15"),
        ("coinbase_exchange", COINBASE, b'"320"', b'"0"'),
        ("okx", OKX, b'"buy"', b'"hold"'),
        ("okx", OKX, b'"1750000000300"', b'"1750000000300.5"'),
        ("okx", OKX, b'"500000012"', b'"-1"'),
        ("okx", OKX, b'"500000012"', b'"' + b"9" * 30 + b'"'),
        ("okx", OKX, b"[{", b"[7,{"),
        ("kraken_v1", KRAKEN, b'"b","m"', b'"x","m"'),
        ("kraken_v1", KRAKEN, b'"1750000000.500001"', b'"now"'),
        ("kraken_v1", KRAKEN, b'"1.25000000"', b'"0.00000000"'),
        ("kraken_v1", KRAKEN, b'"XMR/USD"', b"7"),
        ("kraken_v1", KRAKEN, b'"1750000000.500001"', b"1750000000500"),
        ("hyperliquid", HYPERLIQUID, b'"side":"B"', b'"side":"C"'),
        ("hyperliquid", HYPERLIQUID, b'"tid":600000000000001', b'"tid":"x"'),
        ("csv", b'"BTC-USD","sell",1,1,"2023-09-05T16:00:01Z"', b"sell", b"hold"),
        ("csv", b'"BTC-USD","sell",1,1,"2023-09-05T16:00:01Z"', b"01Z", b"01"),
        ("csv", b'"BTC-USD","sell",1,1,"2023-09-05T16:00:01Z"', b",1,1,", b",1,"),
        ("csv", b'"BTC-USD","sell",1,1,"2023-09-05T16:00:01Z"', b",1,1,", b",1,0,"),
    ],
)
def test_a_trade_that_is_not_as_documented_is_refused(venue: str, frame: bytes, old: bytes, new: bytes) -> None:
    assert old in frame
    parsed = parser_of(venue).parse(frame.replace(old, new), RECEIVED_NS)

    assert parsed.fault
    assert not parsed.trades


@pytest.mark.parametrize(
    ("venue", "frame", "old", "new"),
    [
        ("binance", BINANCE, b'"64321.50000000"', b"64321.5"),
        ("binance", BINANCE, b'"0.03000000"', b"3e-2"),
        ("binance", BINANCE, b'"t":4100000001', b'"t":"4100000001"'),
        ("binance", BINANCE, b'"T":1750000000123', b'"T":"1750000000123"'),
        ("binance", BINANCE, b'"m":true', b'"m":true,"X":null'),
        ("binance", BINANCE_RAW, b'"m":true', b'"m":true,"more":{"data":[1]}'),
        ("binance", BINANCE_RAW, b"}", b"}\r\n"),
        ("coinbase_exchange", COINBASE, b'"320"', b"320"),
        ("coinbase_exchange", COINBASE, b'"side":"sell"', b'"side":"SELL"'),
        ("coinbase_exchange", COINBASE, b'"trade_id":2200001', b'"trade_id":"2200001"'),
        ("hyperliquid", HYPERLIQUID, b'"tid":600000000000001', b'"tid":"600000000000001"'),
        ("kraken_v1", KRAKEN, b'"1750000000.500001"', b"1750000000.500001"),
        ("kraken_v1", KRAKEN, b'"1.25000000"', b"1.25"),
        ("kraken_v1", KRAKEN, b'"b","m"', b'"b","m","",7'),
        ("kraken_v1", KRAKEN, b'"XMR/USD"]', b'"XMR/USD",{"more":1}]'),
        ("okx", OKX, b'"1750000000300"', b"1750000000300"),
        ("okx", OKX, b'"500000012"', b"500000012"),
        ("okx", OKX, b'"buy"', b'"BUY"'),
    ],
)
def test_a_number_as_a_string_or_a_string_as_a_number_is_read_all_the_same(
    venue: str, frame: bytes, old: bytes, new: bytes
) -> None:
    assert old in frame
    usual = parser_of(venue).parse(frame, RECEIVED_NS)

    assert usual.trades
    assert parser_of(venue).parse(frame.replace(old, new), RECEIVED_NS) == usual


def test_an_okx_row_of_a_derivative_in_a_frame_of_spot_is_kept_out_of_the_flow() -> None:
    rows = OKX.replace(b'[{"instId":"BTC-USDT"', b'[{"instId":"BTC-USDT-SWAP"')
    assert rows != OKX
    assert parser_of("okx").parse(rows, RECEIVED_NS).trades[0].kind == "derivative"


@pytest.mark.parametrize("frame", [b"", b"hello", b"\xff\xfe", b'{"e":"trade"', b"[" * 100_000, b"\0" * 100])
@pytest.mark.parametrize("venue", VENUES)
def test_what_is_no_frame_at_all_is_refused(venue: str, frame: bytes) -> None:
    assert parser_of(venue).parse(frame, 1).fault


@pytest.mark.parametrize("venue", VENUES)
def test_deeply_nested_json_is_refused_and_not_followed(venue: str) -> None:
    nested = b'{"e":"trade","channel":"trades","type":"match","arg":' + b"[" * 100_000 + b"]" * 100_000 + b"}"

    assert not parser_of(venue).parse(nested, 1).trades


def test_one_bad_trade_refuses_its_whole_frame() -> None:
    """The frame goes to the dead letters as a whole, so none of its trades is lost in silence."""
    parsed = parser_of("kraken_v1").parse(KRAKEN.replace(b'"1.25000000"', b'"-1"'), 1)

    assert parsed.trades == ()
    assert parsed.fault


def test_coinbase_repeats_its_last_match_as_history() -> None:
    parsed = parser_of("coinbase_exchange").parse(COINBASE.replace(b'"match"', b'"last_match"'), 1)

    assert parsed.history
    assert len(parsed.trades) == 1


def test_the_first_hyperliquid_frame_of_each_coin_is_history() -> None:
    parser = parser_of("hyperliquid")
    eth = HYPERLIQUID.replace(b'"BTC"', b'"ETH"')

    history = [parser.parse(frame, 1).history for frame in (HYPERLIQUID, eth, HYPERLIQUID, eth)]

    assert history == [True, True, False, False]


def test_okx_rows_that_fold_matches_are_not_numbered() -> None:
    trade = parser_of("okx").parse(OKX.replace(b'"side"', b'"count":"3","side"'), 1).trades[0]

    assert (trade.run, trade.seq) == (None, None)
    assert trade.id == "500000012"


@pytest.mark.parametrize("venue", VENUES)
@given(frame=st.binary(max_size=300))
def test_no_bytes_make_a_parser_raise(venue: str, frame: bytes) -> None:
    for trade in parser_of(venue).parse(frame, 1).trades:
        assert_valid(trade)


@pytest.mark.parametrize("good", GOOD, ids=lambda good: good.venue)
@given(data=st.data())
def test_no_damage_to_a_frame_makes_a_parser_raise_or_give_an_invalid_trade(good: Good, data: st.DataObject) -> None:
    frame = bytearray(good.frame)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(frame)))
        piece = data.draw(
            st.sampled_from([b"", b"0", b"-", b'"', b"}", b"null", b"9" * 25, b"\\u0000", b"\xf0", b"e9"])
        )
        frame[at : at + data.draw(st.integers(0, 6))] = piece

    for trade in parser_of(good.venue).parse(bytes(frame), RECEIVED_NS).trades:
        assert_valid(trade)


@given(price=st.decimals("0.00000001", "1e12", places=8), qty=st.decimals("0.00000001", "1e9", places=8))
def test_prices_and_quantities_are_the_nearest_floats_to_their_decimals(price: object, qty: object) -> None:
    frame = BINANCE.replace(b"64321.50000000", f"{price:f}".encode()).replace(b"0.03000000", f"{qty:f}".encode())

    trade = parser_of("binance").parse(frame, 1).trades[0]

    assert (trade.price, trade.qty) == (float(f"{price:f}"), float(f"{qty:f}"))


def futures(kind: bytes) -> bytes:
    return BINANCE.replace(b'"m":true', b'"X":"%b","m":true' % kind)


def test_a_futures_trade_on_the_market_is_a_trade() -> None:
    (trade,) = parser_of("binance").parse(futures(b"MARKET"), 1).trades

    assert (trade.kind, trade.price) == (None, 64321.5)


@pytest.mark.parametrize(
    ("kind", "counted_as"),
    [("ADL", "ADL"), ("INSURANCE_FUND", "INSURANCE_FUND"), ("NA", "NA"), ("RPI-7", "unknown"), ("", "unknown")],
)
def test_other_kinds_of_futures_trades_keep_their_number_and_are_named(kind: str, counted_as: str) -> None:
    frame = futures(kind.encode()).replace(b'"64321.50000000"', b'"0"').replace(b'"0.03000000"', b'"0"')

    (trade,) = parser_of("binance").parse(frame, 1).trades

    assert (trade.kind, trade.run, trade.seq) == (counted_as, "BTCUSDT", 4100000001)


@pytest.mark.parametrize(
    ("venue", "frame", "kind"),
    [
        ("binance", BINANCE.replace(b'"trade"', b'"aggTrade"'), "aggregate"),
        ("binance", b'{"stream":"btcusdt@forceOrder","data":{"e":"forceOrder","o":{"S":"SELL"}}}', "liquidation"),
        ("binance", b'{"result":null,"id":1}', "other"),
        ("okx", OKX.replace(b"BTC-USDT", b"BTC-USDT-SWAP"), "derivative"),
        ("okx", b'{"arg":{"channel":"liquidation-orders","instType":"SWAP"},"data":[{}]}', "liquidation"),
        ("okx", b'{"arg":{"channel":"public-block-trades","instId":"BTC-USDT"},"data":[{}]}', "block"),
        ("okx", b'{"arg":{"channel":"public-struc-block-trades"},"data":[{}]}', "block"),
        ("coinbase_exchange", COINBASE.replace(b'"match"', b'"rfq_match"'), "rfq"),
        ("coinbase_exchange", b'{"type":"auction","product_id":"ADA-USD","auction_state":"collection"}', "auction"),
        ("hyperliquid", b'{"channel":"pong"}', "other"),
    ],
)
def test_what_is_no_trade_is_ignored_under_its_kind(venue: str, frame: bytes, kind: str) -> None:
    parsed = parser_of(venue).parse(frame, 1)

    assert (parsed.trades, parsed.fault, parsed.kind) == ((), None, kind)


def test_history_that_hyperliquid_repeats_after_a_reconnect_is_counted_once_and_what_was_missed_counts() -> None:
    """The first frame after each subscription repeats the last trades of the coin."""
    rows = [b'{"coin":"BTC","px":"1","side":"B","sz":"1","tid":%d,"time":1750000000700}' % tid for tid in range(6)]

    def frame(*tids: int) -> bytes:
        return b'{"channel":"trades","data":[%b]}' % b",".join(rows[tid] for tid in tids)

    parser = parser_of("hyperliquid")
    before, live, after = (parser.parse(each, 1) for each in (frame(0, 1), frame(2, 3), frame(1, 2, 3, 4, 5)))

    assert (before.history, live.history, after.history) == (True, False, False)
    assert [trade.kind for trade in live.trades] == [None, None]
    assert [(trade.id, trade.kind) for trade in after.trades] == [
        ("1", "repeated"),
        ("2", "repeated"),
        ("3", "repeated"),
        ("4", None),
        ("5", None),
    ]


def test_a_refused_frame_does_not_make_its_trades_look_repeated() -> None:
    parser = parser_of("hyperliquid")
    parser.parse(HYPERLIQUID.replace(b"600000000000001", b"5"), 1)

    two = HYPERLIQUID.replace(b"}]", b'},{"coin":"BTC","side":"?"}]')
    assert parser.parse(two, 1).fault
    assert parser.parse(HYPERLIQUID, 1).trades[0].kind is None


def test_memory_of_repeated_trades_is_bounded_in_coins_and_trades() -> None:
    parser = VENUES["hyperliquid"](None)
    for number in range(3_000):
        coin, tid = b'"C%d"' % number, b"%d" % number
        parser.parse(HYPERLIQUID.replace(b'"BTC"', coin), 1)
        parser.parse(HYPERLIQUID.replace(b"600000000000001", tid), 1)

    recent = parser._recent  # type: ignore[attr-defined]
    assert len(recent) == 1024
    assert max(map(len, recent.values())) == 128


def test_coinbases_last_match_after_a_reconnect_is_a_trade_that_was_missed_or_is_repeated() -> None:
    """Its number says which: who checks the sequence finds a repeated one to be a duplicate."""
    parser = parser_of("coinbase_exchange")
    last_match = COINBASE.replace(b'"match"', b'"last_match"')

    def numbered(frame: bytes, number: int) -> bytes:
        return frame.replace(b"2200001", b"%d" % number)

    frames = [last_match, last_match, numbered(COINBASE, 2200002), numbered(last_match, 2200005)]
    parsed = [parser.parse(frame, 1) for frame in frames]

    assert [each.history for each in parsed] == [True, True, False, False]
    assert parsed[-1].trades[0].seq == 2200005


_PRICES = [b"64321.50000000", b"0.845", b"64310.2", b"161.20000000", b"64300.0", b"25741.02"]


@pytest.mark.parametrize("good", GOOD, ids=lambda good: good.venue)
@pytest.mark.parametrize("price", ["-37.63", "0", "0.00", "-0.5e1", "-0"])
def test_a_price_may_be_zero_or_below_at_every_venue(good: Good, price: str) -> None:
    frame = good.frame
    for usual in _PRICES:
        frame = frame.replace(usual, price.encode())

    trade = parser_of(good.venue).parse(frame, RECEIVED_NS).trades[0]

    assert trade.price == float(price)
    assert_valid(trade)
