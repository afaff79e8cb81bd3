"""The recordings, replayed, against values computed apart from the project."""

from typing import NamedTuple

import numpy as np
import pytest

from ingest.feeds.base import FeedBurst, FeedTrade
from telemetry_runtime import SystemClock
from tests.helpers.recordings import recording
from tests.ingest.feeds.opened import accepted_of, all_bursts, frames_of, opened, trades_of

BTC, ETH = "binance_spot_btcusdt_20240808.gz", "binance_spot_ethusdt_20240808.gz"
HYPERLIQUID = "hyperliquid_btc_20250126.gz"
COINBASE = "coinbase_exchange_20210417.ws"
OKX = "okx_v5_20220513.ws"
KRAKEN = "kraken_v1_20210417.ws"
CSV = "trades_btcusd_20230905.csv"


class Expected(NamedTuple):
    trades: int
    vwap: float
    qty_mean: float
    qty_std: float
    qty_max: float
    buys: int
    buy_volume: float
    sell_volume: float
    open: float
    high: float
    low: float
    close: float


def btc() -> Expected:
    return Expected(
        *(9757, 61707.6816167123, 0.021731387722, 0.065334670184, 0.98261, 4103, 96.65118, 115.38197),
        *(61837.63, 61860.80, 61583.22, 61685.99),
    )


def eth() -> Expected:
    return Expected(
        *(6106, 2682.7237887921, 0.370343088765, 1.355034024713, 52.2222, 3231, 953.0359, 1308.279),
        *(2683.80, 2685.37, 2679.00, 2682.51),
    )


def hyperliquid() -> Expected:
    return Expected(
        *(64, 105053.7396009615, 0.01449578125, 0.035541037759, 0.19435, 23, 0.22529, 0.70244),
        *(105056.0, 105056.0, 105050.0, 105051.0),
    )


def coinbase() -> Expected:
    return Expected(
        *(52, 0.7914977321, 898.678846153846, 3284.7164079284, 23011.6, 18, 40691.3, 6040.0),
        *(0.791, 0.7921, 0.7901, 0.7902),
    )


def okx() -> Expected:
    return Expected(
        *(69, 30228.2742647113, 0.050530071739, 0.198201686229, 1.21, 44, 2.99559276, 0.49098219),
        *(30236, 30251.7, 30220.1, 30227.6),
    )


def csv() -> Expected:
    return Expected(
        *(5882, 25769.4010546563, 0.035917696880, 0.113588841623, 2.55043525, 3465, 62.83755914, 148.43033391),
        *(25741.02, 25828.51, 25714.11, 25735.97),
    )


async def replay(name: str, options: str) -> list[FeedBurst]:
    return await all_bursts(opened(f"replay://{recording(name)}?speed=max&{options}", SystemClock()))


def measured(trades: list[FeedTrade]) -> Expected:
    qty = np.array([trade.qty for trade in trades])
    price = np.array([trade.price for trade in trades])
    buys = np.array([trade.side == "buy" for trade in trades])
    return Expected(
        *(len(trades), float((price * qty).sum() / qty.sum()), float(qty.mean()), float(qty.std()), float(qty.max())),
        *(int(buys.sum()), float(qty[buys].sum()), float(qty[~buys].sum())),
        *(float(price[0]), float(price.max()), float(price.min()), float(price[-1])),
    )


@pytest.mark.parametrize(
    ("name", "options", "symbol", "expected"),
    [
        (BTC, "venue=binance", "BTCUSDT", btc()),
        (ETH, "venue=binance", "ETHUSDT", eth()),
        (HYPERLIQUID, "venue=hyperliquid&history=1", "BTC", hyperliquid()),
        (COINBASE, "venue=coinbase_exchange", "SKL-USD", coinbase()),
        (OKX, "venue=okx", "BTC-USDT", okx()),
        (CSV, "venue=csv", "BTC-USD", csv()),
    ],
)
async def test_a_recording_has_the_reference_values(name: str, options: str, symbol: str, expected: Expected) -> None:
    trades = [trade for trade in trades_of(await replay(name, options)) if trade.symbol == symbol]

    # The reference is printed with 9 to 13 digits.
    assert measured(trades) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "options", "frames", "accepted", "trades"),
    [
        (BTC, "venue=binance", 41_249, 9_757, 9_757),
        (ETH, "venue=binance", 33_618, 6_106, 6_106),
        (HYPERLIQUID, "venue=hyperliquid", 55, 8, 34),
        (HYPERLIQUID, "venue=hyperliquid&history=1", 55, 9, 64),
        (COINBASE, "venue=coinbase_exchange", 9_946, 97, 97),
        (COINBASE, "venue=coinbase_exchange&history=1", 9_946, 107, 107),
        (OKX, "venue=okx", 410, 69, 69),
        (KRAKEN, "venue=kraken_v1", 49, 8, 10),
        (CSV, "venue=csv", 5_882, 5_882, 5_882),
    ],
)
async def test_every_frame_of_a_recording_is_accepted_or_ignored(
    name: str, options: str, frames: int, accepted: int, trades: int
) -> None:
    bursts = await replay(name, options)

    assert sum(frames_of(burst) for burst in bursts) == frames
    assert sum(accepted_of(burst) for burst in bursts) == accepted
    assert sum(burst.ignored for burst in bursts) == frames - accepted
    assert len(trades_of(bursts)) == trades
    assert all(burst.replayed and frames_of(burst) <= 512 for burst in bursts)


@pytest.mark.parametrize(
    ("name", "venue"), [(BTC, "binance"), (ETH, "binance"), (COINBASE, "coinbase_exchange"), (OKX, "okx")]
)
async def test_the_sequence_numbers_of_a_recording_have_no_gaps(name: str, venue: str) -> None:
    runs: dict[str | None, list[int | None]] = {}
    for trade in trades_of(await replay(name, f"venue={venue}")):
        runs.setdefault(trade.run, []).append(trade.seq)

    for numbers in runs.values():
        first = numbers[0]
        assert first is not None
        assert numbers == list(range(first, first + len(numbers)))


async def test_the_binance_recordings_negative_latency_is_kept() -> None:
    trades = trades_of(await replay(BTC, "venue=binance"))

    latency_s = np.array([trade.received_ns - trade.event_ns for trade in trades]) / 1e9
    assert latency_s.max() < 0
    assert np.median(latency_s) == pytest.approx(-1.27, abs=0.01)
    assert trades[-1].seq == 3_735_693_015


async def test_coinbase_takers_are_the_side_that_ticker_reports() -> None:
    """`ticker.side` is the taker's; joined by trade id and product, where both were recorded."""
    lines = recording(COINBASE).read_text(encoding="utf-8").splitlines()
    takers = {
        (part(line, "product_id"), part(line, "trade_id")): part(line, "side") for line in lines if '"ticker"' in line
    }
    trades = trades_of(await replay(COINBASE, "venue=coinbase_exchange"))
    joined = [(trade.side, takers.get((trade.symbol, trade.id or ""))) for trade in trades]

    assert len([taker for _, taker in joined if taker]) == 97
    assert all(side == taker for side, taker in joined if taker)


def part(line: str, field: str) -> str:
    """A field of a flat JSON object, as text."""
    return line.partition(f'"{field}":')[2].lstrip('"').partition(",")[0].rstrip('"}')
