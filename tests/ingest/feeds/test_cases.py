"""What venues do: kinds of trades, numbers out of order or starting again, history twice, names in any script."""

from pathlib import Path

import pytest

from ingest.checking.sequences import SequenceTracker
from telemetry_runtime.fakes import FakeClock
from telemetry_schema.batch import BUY, SELL
from tests.ingest.feeds.frames_of import BINANCE, COINBASE, HYPERLIQUID, RECEIVED_NS
from tests.ingest.feeds.opened import opened
from tests.ingest.feeds.running import Running, ran

MS_NS = 1_000_000


def binance(number: int, price: str = "100.0", qty: str = "1.0", more: bytes = b"") -> bytes:
    replaced = BINANCE.replace(b"4100000001", b"%d" % number).replace(b"64321.50000000", price.encode())
    return replaced.replace(b"0.03000000", qty.encode()).replace(b'"M":true', b'"M":true' + more)


def coinbase(number: int, second: int, kind: bytes = b"match") -> bytes:
    time = b"2025-06-15T15:%02d:%02d.000000Z" % (10 + second // 60, second % 60)
    replaced = COINBASE.replace(b"2200001", b"%d" % number).replace(b"2025-06-15T15:06:40.121358Z", time)
    return replaced.replace(b'"type":"match"', b'"type":"%b"' % kind)


def hyperliquid(coin: str, *numbers: int) -> bytes:
    row = HYPERLIQUID[HYPERLIQUID.index(b"[") + 1 : HYPERLIQUID.rindex(b"]")].replace(b'"BTC"', b'"%b"' % coin.encode())
    rows = (
        row.replace(b"600000000000001", b"%d" % number).replace(b"1750000000700", b"%d" % (1750000000000 + number))
        for number in numbers
    )
    return b'{"channel":"trades","data":[%b]}' % b",".join(rows)


def subscribed(coin: str) -> bytes:
    return b'{"channel":"subscriptionResponse","data":{"subscription":{"type":"trades","coin":"%b"}}}' % coin.encode()


async def replay(tmp_path: Path, venue: str, *frames: bytes) -> Running:
    """The frames, received a millisecond apart some minutes later, through the real checker."""
    path = tmp_path / "recorded"
    start_ns = RECEIVED_NS + 600_000 * MS_NS
    path.write_bytes(b"".join(b"%d %b\n" % (start_ns + at * MS_NS, frame) for at, frame in enumerate(frames)))
    running = await ran(f"replay://{path}?venue={venue}&speed=max")
    assert running.runner.state == "finished"
    return running


async def test_futures_kinds_are_counted_by_kind_and_neither_lost_nor_in_the_flow(tmp_path: Path) -> None:
    running = await replay(
        tmp_path,
        "binance",
        binance(10, "100.1", "1", b',"X":"MARKET"').replace(b'"m":true', b'"m":false'),
        binance(11, "100.2", "2", b',"X":"MARKET"'),
        binance(12, "0", "0", b',"X":"NA"'),
        binance(13, "100.3", "3", b',"X":"MARKET"').replace(b'"m":true', b'"m":false'),
        binance(14, "50", "500", b',"X":"INSURANCE_FUND"'),
        binance(15, "90", "300", b',"X":"ADL"'),
        binance(16, "100.4", "4", b',"X":"MARKET"'),
    )

    assert running.trades == 4
    assert running.vwap() == pytest.approx(100.3)
    assert (running.volume(BUY), running.volume(SELL)) == (4.0, 6.0)
    tally, counts = running.tally, running.counts("binance")
    assert (tally.accepted, tally.refused, tally.duplicate, tally.ignored) == (4, 0, 0, 3)
    assert (counts.accepted, counts.lost, counts.duplicate) == (4, 0, 0)
    assert running.runner.kinds == {"NA": 1, "INSURANCE_FUND": 1, "ADL": 1}


async def test_numbers_out_of_order_within_a_millisecond_are_all_accepted(tmp_path: Path) -> None:
    order = [40, 45, 47, 43, 42, 41, 46, 44, 48]

    running = await replay(tmp_path, "binance", *[binance(number, f"{600 + number}.5") for number in order])

    counts = running.counts("binance")
    assert (running.trades, counts.lost, counts.duplicate) == (9, 0, 0)
    assert running.vwap() == pytest.approx(644.5)


async def test_numbers_that_start_again_are_one_restart_and_no_trade_is_thrown_away(tmp_path: Path) -> None:
    before, after = range(800_000, 800_020), range(1, 61)
    frames = [coinbase(number, second) for second, number in enumerate([*before, *after])]

    running = await replay(tmp_path, "coinbase_exchange", *frames)

    counts = running.counts("coinbase_exchange")
    assert (running.trades, counts.lost, counts.duplicate, counts.restarts) == (80, 0, 0, 1)
    assert len(running.restarts) == 1


async def test_history_that_a_venue_with_numbers_repeats_after_a_reconnect_is_counted_once(tmp_path: Path) -> None:
    """The last match is repeated at each subscription; one that was missed meanwhile is recovered."""
    running = await replay(
        tmp_path,
        "coinbase_exchange",
        coinbase(99, 0, b"last_match"),
        coinbase(100, 1),
        coinbase(101, 2),
        coinbase(101, 2, b"last_match"),
        coinbase(102, 3),
        coinbase(104, 5, b"last_match"),
        coinbase(105, 6),
    )

    counts = running.counts("coinbase_exchange")
    assert (running.trades, counts.lost, counts.duplicate) == (5, 1, 0)
    assert running.runner.kinds == {"history": 2}


async def test_history_that_a_venue_without_numbers_repeats_after_a_reconnect_is_counted_once(tmp_path: Path) -> None:
    running = await replay(
        tmp_path,
        "hyperliquid",
        subscribed("BTC"),
        hyperliquid("BTC", 1, 2, 3),
        hyperliquid("BTC", 4),
        hyperliquid("BTC", 5, 6),
        subscribed("BTC"),
        hyperliquid("BTC", 3, 4, 5, 6, 7, 8),
        hyperliquid("BTC", 9),
    )

    assert running.trades == 6
    assert running.runner.kinds == {"other": 2, "history": 1, "repeated": 4}
    assert (running.tally.accepted, running.tally.ignored) == (4, 3)


@pytest.mark.parametrize("coin", ["@107", "PURR/USDC", "xyz:TSLA", "BTC"])
async def test_hyperliquids_spot_and_builder_names_are_names(tmp_path: Path, coin: str) -> None:
    running = await replay(tmp_path, "hyperliquid", subscribed(coin), hyperliquid(coin, 1), hyperliquid(coin, 2, 3))

    assert (running.trades, running.symbols(), running.tally.refused) == (2, {coin}, 0)


@pytest.mark.parametrize("symbol", ["币安人生USDT", "1000PEPEUSDT", "BTCUSD_260327", "$WEN-USDT", "M&M", "EURUSD#"])
async def test_a_symbol_may_have_any_printable_characters(tmp_path: Path, symbol: str) -> None:
    frames = [binance(number).replace(b"BTCUSDT", symbol.encode()) for number in range(3)]

    running = await replay(tmp_path, "binance", *frames)

    assert (running.trades, running.symbols(), running.tally.refused) == (3, {symbol}, 0)


@pytest.mark.parametrize(("price", "value"), [("-37.63", -37.63), ("0", 0.0), ("0.00", 0.0), ("-0.5e1", -5.0)])
async def test_a_price_may_be_zero_or_below(tmp_path: Path, price: str, value: float) -> None:
    """A spread, or oil in April 2020."""
    running = await replay(tmp_path, "binance", binance(1, price, "2"))

    assert (running.trades, running.vwap()) == (1, value)


async def test_two_recordings_of_one_venue_at_once_are_two_runs(tmp_path: Path) -> None:
    """Their numbers overlap and are far apart: neither are duplicates nor losses."""
    sequences = SequenceTracker(max_runs=10, max_sources=10)
    for name, first in (("one", 100), ("two", 105), ("three", 9_000_000)):
        path = tmp_path / name
        path.write_bytes(b"".join(b"%d %b\n" % (RECEIVED_NS, binance(first + at)) for at in range(10)))
        running = Running(opened(f"replay://{path}?venue=binance&speed=max", FakeClock()), sequences)
        await running.runner.run()
        assert running.trades == 10

    counts = sequences.sources["binance"]
    assert (counts.accepted, counts.lost, counts.duplicate, counts.restarts) == (30, 0, 0, 0)
