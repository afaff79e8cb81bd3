"""The simulated market: the rate it was asked for, plausible prices, the same for the same seed."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.feeds.market import MAX_BURST_RATIO, MAX_RATE, SLICE_NS, SimulatedMarket, Slice, start_price

START_NS = 1_700_000_000_000_000_000
SYMBOLS = ("BTC-USD", "ETH-USD", "SOL-USD", "OWN-USD")


def made(market: SimulatedMarket, seconds: int) -> Slice:
    slices = [market.next_slice() for _ in range(seconds * 1_000_000_000 // SLICE_NS)]
    return Slice(*(np.concatenate(column) for column in zip(*slices, strict=True)))


@cache
def five_minutes() -> Slice:
    return made(market(), 300)


def market(rate: float = 500.0, burst: float = 0.5, seed: int = 7) -> SimulatedMarket:
    return SimulatedMarket(SYMBOLS, rate, burst, seed, START_NS)


@pytest.mark.parametrize("burst", [0.0, 0.5, MAX_BURST_RATIO])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_mean_rate_is_the_one_that_was_asked_for(burst: float, seed: int) -> None:
    seconds = 120
    trades = made(market(burst=burst, seed=seed), seconds)

    # The count's standard deviation is that of a Poisson process divided by (1 - burst).
    deviation = np.sqrt(500 * seconds) / (1 - burst)
    assert len(trades.event_ns) == pytest.approx(500 * seconds, abs=4 * deviation)


def test_trades_come_in_bursts_unless_the_flow_is_even() -> None:
    def dispersion(trades: Slice) -> float:
        counts = np.bincount((trades.event_ns - START_NS) // 1_000_000_000, minlength=300)
        return float(counts.var() / counts.mean())

    assert dispersion(made(market(burst=0.0), 300)) == pytest.approx(1.0, abs=0.25)
    assert dispersion(five_minutes()) > 1.5


def test_the_same_seed_gives_the_same_trades_and_another_one_others() -> None:
    first, same, other = (made(market(seed=seed), 5) for seed in (7, 7, 8))

    assert all(np.array_equal(one, two) for one, two in zip(first, same, strict=True))
    assert not np.array_equal(first.price[:100], other.price[:100])


def test_a_side_tends_to_repeat_and_neither_side_wins() -> None:
    trades = five_minutes()
    buys = trades.buys[trades.symbol == 0].astype(float)

    assert np.corrcoef(buys[1:], buys[:-1])[0, 1] == pytest.approx(0.4, abs=0.02)
    assert buys.mean() == pytest.approx(0.5, abs=0.02)


def test_prices_walk_on_their_ticks_from_where_the_market_is() -> None:
    trades = five_minutes()
    for index, (start, tick) in enumerate([(61_000.0, 0.01), (2_700.0, 0.01), (150.0, 0.01)]):
        price = trades.price[trades.symbol == index]
        assert price[0] == pytest.approx(start, rel=1e-3)
        assert np.array_equal(price, np.rint(price / tick) / round(1 / tick))
        # Five minutes move it by some 0.2 %.
        assert 3e-4 < price.max() / price.min() - 1 < 0.1


def test_a_second_moves_a_price_by_about_its_volatility_whatever_the_rate() -> None:
    for rate in (50.0, 5_000.0):
        trades = made(market(rate=rate), 120)
        btc = trades.symbol == 0
        second = (trades.event_ns[btc] - START_NS) // 1_000_000_000
        closes = trades.price[btc][np.flatnonzero(np.diff(second))]
        assert 0.5e-4 < np.diff(np.log(closes)).std() < 2e-4


def test_quantities_are_log_normal_around_a_median_notional() -> None:
    trades = five_minutes()
    for index in range(len(SYMBOLS)):
        of_symbol = trades.symbol == index
        notional = trades.qty[of_symbol] * trades.price[of_symbol]
        assert np.median(notional) == pytest.approx(500, rel=0.1)
        assert np.log(notional).std() == pytest.approx(1.3, rel=0.05)


def test_earlier_symbols_trade_more() -> None:
    counts = np.bincount(made(market(), 60).symbol)

    assert (np.diff(counts) < 0).all()


def test_skipping_leaves_out_time_and_never_goes_back() -> None:
    skipping = market()
    skipping.skip_to(START_NS + 60_000_000_000)
    skipping.skip_to(START_NS)

    assert skipping.next_slice().event_ns.min() >= START_NS + 60_000_000_000


@given(
    symbols=st.lists(st.from_regex(r"\A[A-Z]{1,6}-USD\Z"), min_size=1, max_size=20, unique=True),
    rate=st.floats(1e-3, MAX_RATE / 20),
    burst=st.floats(0.0, MAX_BURST_RATIO),
    seed=st.integers(0, 2**63 - 1),
)
@settings(max_examples=50)
def test_trades_are_within_bounds_and_in_order_for_any_market(
    symbols: list[str], rate: float, burst: float, seed: int
) -> None:
    simulated = SimulatedMarket(symbols, rate, burst, seed, START_NS)
    for number in range(5):
        trades = simulated.next_slice()
        assert len({len(column) for column in trades}) == 1
        if len(trades.event_ns):
            assert (np.diff(trades.event_ns) >= 0).all()
            assert trades.event_ns[0] >= START_NS + number * SLICE_NS
            assert trades.event_ns[-1] < START_NS + (number + 1) * SLICE_NS
            assert 0 <= trades.symbol.min() <= trades.symbol.max() < len(symbols)
            assert np.isfinite(trades.price).all()
            assert np.isfinite(trades.qty).all()
            assert trades.price.min() > 0
            assert trades.qty.min() > 0


@pytest.mark.parametrize("symbol", ["BTC-USD", "btcusdt", "BTC/EUR", "XBT:USD", "BTC_USDC"])
def test_a_well_known_coin_has_its_price_in_any_spelling(symbol: str) -> None:
    assert start_price(symbol, 1) == 61_000


def test_an_unknown_symbol_has_a_price_of_its_own_that_the_seed_decides() -> None:
    assert start_price("ABC-USD", 1) == start_price("ABC-USD", 1)
    assert len({start_price("ABC-USD", 1), start_price("ABC-USD", 2), start_price("ABD-USD", 1)}) == 3
    assert 0.1 <= start_price("ABC-USD", 1) <= 1_000
