"""Which price an order may be filled at: live, of the market, the one that happened last."""

import pytest

from ingest.checking.chunks import Chunk
from ingest.desk.last_prices import MAX_SYMBOLS, LastPrices
from telemetry_schema.batch import RECORD

S_NS = 1_000_000_000
NOW_NS = 1_700_000_000 * S_NS


def _chunk(
    *trades: tuple[float, float], received_ns: int = NOW_NS, replayed: bool = False, account: str | None = None
) -> Chunk:
    """Trades, each a price and its age in seconds."""
    frame = b"".join(
        RECORD.pack(received_ns - round(age_s * S_NS), 1, received_ns, price, 1.0, 0, 0, 0, account is not None)
        for price, age_s in trades
    )
    return Chunk(frame, ["A"], ["bot"], [0] if replayed else [], [account] if account else [])


def _price(*chunks: Chunk) -> float | None:
    """The price after chunks that came a second apart."""
    prices = LastPrices()
    for second, chunk in enumerate(chunks):
        prices.note([chunk], second * S_NS)
    last = prices.read().get("A")
    return last.price if last else None


def test_the_trade_that_happened_last_counts_not_the_one_that_came_last() -> None:
    assert _price(_chunk((100.0, 0.0), (101.0, 5.0))) == 100.0
    assert _price(_chunk((100.0, 0.0)), _chunk((101.0, 5.0))) == 100.0
    assert _price(_chunk((100.0, 0.0), (101.0, 0.0))) == 101.0


def test_many_trades_in_a_chunk_are_read_as_a_few_are() -> None:
    ages = [(100.0 + number, float(number * 7 % 5)) for number in range(12)]
    many = [(1.0, 9.0)] * 20
    assert _price(_chunk(*ages)) == _price(_chunk(*many, *ages)) == 110.0
    assert _price(_chunk((100.0, 0.0), *many, account="paper"), _chunk((90.0, 1.0))) == 90.0
    assert _price(_chunk((100.0, 0.0), *many, replayed=True)) is None


def test_a_replayed_trade_and_one_of_our_own_are_no_market_prices() -> None:
    live = _chunk((97_000.0, 0.0))
    assert _price(_chunk((55_000.0, 0.0), replayed=True)) is None
    assert _price(live, _chunk((55_000.0, 0.0), replayed=True), _chunk((1.0, 0.0), account="paper")) == 97_000.0


def test_a_source_whose_clock_is_ahead_does_not_freeze_the_price() -> None:
    assert _price(_chunk((100.0, -4.0)), _chunk((101.0, 0.0))) == 101.0


@pytest.mark.parametrize("step_s", [3600, -3600, 125, -125])
def test_a_machine_whose_clock_is_set_does_not_freeze_the_price(step_s: int) -> None:
    later = _chunk((101.0, 0.0), received_ns=NOW_NS + step_s * S_NS)
    assert _price(_chunk((100.0, 0.0)), later) == 101.0


def test_a_source_that_is_125_s_behind_is_live_and_its_price_is_as_old() -> None:
    prices = LastPrices()
    prices.note([_chunk((100.0, 125.0))], 500 * S_NS)
    assert prices.read()["A"] == (100.0, 375 * S_NS)
    prices.note([_chunk((101.0, 125.0))], 501 * S_NS)
    assert prices.read()["A"].price == 101.0


def test_a_flood_of_names_pushes_out_what_traded_longest_ago() -> None:
    prices = LastPrices()
    for number in range(3 * MAX_SYMBOLS // 1_000):
        names = [f"S{number}-{index}" for index in range(1_000)]
        frame = b"".join(RECORD.pack(NOW_NS, 1, NOW_NS, 1.0, 1.0, index, 0, 0, 0) for index in range(1_000))
        prices.note([Chunk(frame, names, ["junk"], []), _chunk((100.0, 0.0))], number)
    assert "A" in prices.read()
    assert len(prices.read()) == MAX_SYMBOLS
