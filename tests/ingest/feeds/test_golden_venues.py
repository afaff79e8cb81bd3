"""Short recordings of each venue, written by hand in its shape, replayed: every field of every trade, to the digit."""

from pathlib import Path

import pytest

from ingest.feeds.venues import VENUES
from telemetry_runtime.fakes import FakeClock
from tests.ingest.feeds.opened import all_bursts, opened, trades_of

GOLDEN = Path(__file__).parents[2] / "golden" / "venues"
START_NS = 1_750_000_000_000_000_000

# symbol, side, qty, price, then event, sent and received time in µs after START_NS, run, seq, id
Row = tuple[str, str, float, float, int, int, int, str | None, int | None, str | None]

EXPECTED: dict[str, tuple[str, int, list[Row]]] = {
    "binance.txt": (
        "binance",
        4,
        [
            ("BTCUSDT", "sell", 0.03, 64321.5, 123_000, 125_000, 150_000, "BTCUSDT", 4100000001, "4100000001"),
            ("BTCUSDT", "buy", 0.5, 64321.6, 224_000, 226_000, 250_000, "BTCUSDT", 4100000002, "4100000002"),
            ("ETHUSDT", "sell", 2.0, 3100.25, 325_000, 327_000, 350_000, "ETHUSDT", 900000001, "900000001"),
        ],
    ),
    "coinbase_exchange.ws": (
        "coinbase_exchange",
        4,
        [
            ("ADA-USD", "buy", 320.0, 0.845, 121_358, 121_358, 300_000, "ADA-USD", 2200001, "2200001"),
            ("ADA-USD", "sell", 80.5, 0.844, 321_000, 321_000, 500_000, "ADA-USD", 2200002, "2200002"),
        ],
    ),
    "okx.ws": (
        "okx",
        3,
        [
            ("BTC-USDT", "buy", 0.0025, 64310.2, 300_000, 300_000, 350_000, "BTC-USDT", 500000012, "500000012"),
            ("BTC-USDT", "sell", 0.5, 64310.1, 400_000, 400_000, 450_000, "BTC-USDT", 500000013, "500000013"),
            ("BTC-USDT", "sell", 1.5, 64310.0, 401_000, 401_000, 450_000, "BTC-USDT", 500000014, "500000014"),
        ],
    ),
    "kraken_v1.ws": (
        "kraken_v1",
        3,
        [
            ("XMR/USD", "sell", 0.55, 161.2, 500_001, 500_001, 650_000, None, None, None),
            ("XMR/USD", "buy", 1.25, 161.25, 600_002, 600_002, 650_000, None, None, None),
        ],
    ),
    "hyperliquid.txt": (
        "hyperliquid",
        3,
        [
            ("BTC", "buy", 0.044, 64300.0, 700_000, 700_000, 750_000, None, None, "600000000000001"),
            ("BTC", "buy", 0.5, 64301.0, 700_000, 700_000, 750_000, None, None, "600000000000002"),
        ],
    ),
    "csv.csv": (
        "csv",
        0,
        [
            ("BTC-USD", "sell", 0.25, 64305.5, 1, 1, 1, None, None, None),
            ("BTC-USD", "buy", 0.125, 64306.0, 1_500_000, 1_500_000, 1_500_000, None, None, None),
        ],
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
async def test_a_golden_recording_gives_exactly_these_trades(name: str) -> None:
    venue, ignored, expected = EXPECTED[name]

    bursts = await all_bursts(opened(f"replay://{GOLDEN / name}?venue={venue}&speed=max", FakeClock()))

    found = [
        (
            *(trade.symbol, trade.side, trade.qty, trade.price),
            *((at_ns - START_NS) // 1000 for at_ns in (trade.event_ns, trade.sent_ns, trade.received_ns)),
            *(trade.run, trade.seq, trade.id),
        )
        for trade in trades_of(bursts)
    ]
    assert found == expected
    assert {trade.source for trade in trades_of(bursts)} == {venue}
    assert sum(burst.ignored for burst in bursts) == ignored
    assert not any(burst.refusals for burst in bursts)
    assert all(burst.replayed for burst in bursts)


def test_every_golden_recording_is_read_by_a_test() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == set(EXPECTED)


def test_every_venue_has_a_golden_recording() -> None:
    assert {venue for venue, _, _ in EXPECTED.values()} == set(VENUES)
