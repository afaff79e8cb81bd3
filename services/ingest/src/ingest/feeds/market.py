"""A simulated market, pure: the trades of the next slice of time, from a seeded generator, whole arrays at a time.

- Arrivals: a self-exciting (Hawkes) process. A trade sets off others, whose rate decays exponentially, so that trades
  come in bursts; the mean rate is exact.
- Sides: a trade repeats the last side of its symbol more often than not, as real order flow does.
- Prices: a geometric random walk of the mid, with an impact of each trade and a volatility that reverts to its mean; a
  buy trades at the ask and a sell at the bid, on the tick grid.
- Quantities: log-normal, in whole lots.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias, TypeVar
from zlib import crc32

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]
_Value = TypeVar("_Value", bound=np.generic)

SLICE_NS: Final = 20_000_000
"""How much of the market is made at once."""
MAX_RATE: Final = 1_000_000.0
"""Trades per second."""
MAX_BURST_RATIO: Final = 0.9
"""Beyond, a burst sets off so many that it hardly ends."""
MAX_SYMBOLS: Final = 10_000

_START_PRICES: Final = {
    "BTC": 61_000.0,
    "XBT": 61_000.0,
    "ETH": 2_700.0,
    "SOL": 150.0,
    "BNB": 520.0,
    "XRP": 0.6,
    "DOGE": 0.1,
}
_DOLLARS: Final = re.compile(r"([A-Z0-9]+?)[-_/:]?(USD|USDT|USDC|EUR)")
_MEDIAN_NOTIONAL: Final = 500.0
"""Of a trade, in quote currency."""
_QTY_SIGMA: Final = 1.3
"""Of the logarithm of a quantity: the mean is 2.3 times the median."""
_MAX_QTY_RATIO: Final = 5_000.0
"""The largest trade in medians."""
_VOLATILITY: Final = 1e-4
"""Of the logarithm of the price, in a second: 56 % in a year."""
_VOLATILITY_REVERSION_S: Final = 60.0
_VOLATILITY_SIGMA: Final = 0.4
"""Of the logarithm of the volatility, in the long run."""
_IMPACT_RATIO: Final = 0.3
"""How far a trade moves the mid in its own direction, in standard deviations of a trade's move."""
_REPEAT_RATIO: Final = 0.7
"""How often a side is that of the symbol's last trade: an autocorrelation of 0.4."""
_DECAY_PER_S: Final = 2.0
"""How fast a burst fades."""
_MAX_LOG_MOVE: Final = 2.0
"""The price stays within a factor of 7.4 of its start, however long it runs."""


class Slice(NamedTuple):
    """Trades of one slice in the order of their times: arrays of one length."""

    event_ns: Ints
    symbol: Ints
    """Index into the market's symbols."""
    buys: Bools
    qty: Floats
    price: Floats


@dataclass(frozen=True, slots=True)
class _Grid:
    """Multiples of a tick or a lot, per symbol, as whole numbers over a power of ten: exact decimals as floats."""

    per_unit: Floats

    def snap(self, values: Floats, symbol: Ints) -> Floats:
        """The nearest multiples, at least one."""
        per_unit = self.per_unit[symbol]
        snapped: Floats = np.maximum(np.rint(values * per_unit), 1.0) / per_unit
        return snapped


class SimulatedMarket:
    """The trades of some symbols from a moment on. The same arguments give the same trades."""

    def __init__(self, symbols: Sequence[str], rate: float, burst: float, seed: int, start_ns: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._next_ns = start_ns
        self._arrivals = _Arrivals(rate, burst)
        weights = 1.0 / np.sqrt(np.arange(1, len(symbols) + 1))
        self._cumulative: Floats = np.cumsum(weights / weights.sum())
        start = np.array([start_price(symbol, seed) for symbol in symbols])
        self._log_start: Floats = np.log(start)
        self._log_mid = self._log_start.copy()
        self._log_volatility: Floats = np.zeros(len(symbols))
        # A symbol's moves come with its trades; their size is such that a second moves it by `_VOLATILITY`.
        self._trade_sigma: Floats = _VOLATILITY / np.sqrt(rate * weights / weights.sum())
        self._trade_sigma = np.minimum(self._trade_sigma, 0.01)
        self._last_buy: Bools = self._rng.random(len(symbols)) < 0.5  # noqa: PLR2004 - a fair coin
        self._ticks = _Grid(_powers(np.clip(4 - np.floor(np.log10(start)), 2, 12)))
        self._median_qty: Floats = _MEDIAN_NOTIONAL / start
        self._lots = _Grid(_powers(np.clip(2 - np.floor(np.log10(self._median_qty)), 0, 12)))

    @property
    def next_ns(self) -> int:
        """Where the next slice begins."""
        return self._next_ns

    def skip_to(self, time_ns: int) -> None:
        """Leaves out what would have happened before this time."""
        self._next_ns = max(self._next_ns, time_ns)

    def next_slice(self) -> Slice:
        """The trades of the next `SLICE_NS`."""
        count = self._arrivals.next_count(self._rng)
        self._move_volatility()
        start_ns, self._next_ns = self._next_ns, self._next_ns + SLICE_NS
        if not count:
            return _NOTHING
        event_ns = start_ns + np.sort(self._rng.integers(0, SLICE_NS, count))
        # The last cumulative weight may be a hair below 1.
        symbol = np.minimum(np.searchsorted(self._cumulative, self._rng.random(count)), len(self._cumulative) - 1)
        return self._trades(event_ns, symbol.astype(np.int64))

    def _trades(self, event_ns: Ints, symbol: Ints) -> Slice:
        groups = _BySymbol(symbol)
        buys = self._sides(groups, len(symbol))
        mid = self._mids(groups, buys)
        half_tick = 0.5 / self._ticks.per_unit[symbol]
        price = self._ticks.snap(mid + np.where(buys, half_tick, -half_tick), symbol)
        deviation = np.exp(_QTY_SIGMA * self._rng.standard_normal(len(symbol)))
        qty = self._lots.snap(self._median_qty[symbol] * np.minimum(deviation, _MAX_QTY_RATIO), symbol)
        return Slice(event_ns, symbol, buys, qty, price)

    def _sides(self, groups: "_BySymbol", count: int) -> Bools:
        """Each symbol's sides: the last one, turned over now and then."""
        turns = groups.running(self._rng.random(count) >= _REPEAT_RATIO)
        buys: Bools = self._last_buy[groups.symbol] ^ (turns % 2 == 1)
        self._last_buy[groups.symbol[groups.last]] = buys[groups.last]
        return groups.in_time(buys)

    def _mids(self, groups: "_BySymbol", buys: Bools) -> Floats:
        """Each symbol's mid after each of its trades."""
        sigma = (self._trade_sigma * np.exp(self._log_volatility))[groups.symbol]
        impact = np.where(groups.by_symbol(buys), _IMPACT_RATIO, -_IMPACT_RATIO)
        moves = groups.running(sigma * (self._rng.standard_normal(len(sigma)) + impact))
        start = self._log_start[groups.symbol]
        log_mid = np.clip(self._log_mid[groups.symbol] + moves, start - _MAX_LOG_MOVE, start + _MAX_LOG_MOVE)
        self._log_mid[groups.symbol[groups.last]] = log_mid[groups.last]
        return groups.in_time(np.exp(log_mid))

    def _move_volatility(self) -> None:
        """One step of an Ornstein-Uhlenbeck process, per symbol."""
        step_ratio = SLICE_NS / 1e9 / _VOLATILITY_REVERSION_S
        noise = _VOLATILITY_SIGMA * np.sqrt(2 * step_ratio) * self._rng.standard_normal(len(self._log_volatility))
        self._log_volatility += noise - step_ratio * self._log_volatility


_NOTHING: Final = Slice(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.bool_), np.empty(0), np.empty(0))


class _Arrivals:
    """How many trades the next slices have: a Hawkes process in steps of a slice.

    A share of `burst` of all trades is set off by others, so the rate without them is `rate` · (1 − burst).
    """

    def __init__(self, rate: float, burst: float) -> None:
        slice_s = SLICE_NS / 1e9
        self._base = rate * (1 - burst) * slice_s
        self._kept = float(np.exp(-_DECAY_PER_S * slice_s))
        # What one trade adds to the expected count of the next slice; over all slices it adds up to `burst`.
        self._added = burst * (1 - self._kept)
        # Begins as the long run goes on, not with a silence.
        self._excited = rate * burst * slice_s

    def next_count(self, rng: np.random.Generator) -> int:
        """The number of trades in the next slice."""
        count = int(rng.poisson(self._base + self._excited))
        self._excited = self._excited * self._kept + count * self._added
        return count


class _BySymbol:
    """Trades in the order of their times, and the same put together by symbol."""

    def __init__(self, symbol: Ints) -> None:
        self._order = np.argsort(symbol, kind="stable")
        self.symbol: Ints = symbol[self._order]
        """Ascending."""
        starts = np.flatnonzero(np.diff(self.symbol, prepend=-1))
        self.last: Ints = np.append(starts[1:], len(symbol)) - 1
        """Index of the last trade of each symbol that has one."""
        self._starts = np.repeat(starts, np.diff(np.append(starts, len(symbol))))

    def by_symbol(self, values: Bools) -> Bools:
        """From the order of time to that of symbols."""
        return values[self._order]

    def in_time(self, values: npt.NDArray[_Value]) -> npt.NDArray[_Value]:
        """From the order of symbols to that of time."""
        ordered = np.empty_like(values)
        ordered[self._order] = values
        return ordered

    def running(self, values: Floats | Bools) -> Floats:
        """Sums from the first trade of each symbol on, in the order of symbols."""
        sums = np.concatenate(([0.0], np.cumsum(values, dtype=np.float64)))
        running: Floats = sums[1:] - sums[self._starts]
        return running


def start_price(symbol: str, seed: int) -> float:
    """In quote currency: round figures for well-known symbols, else from 0.1 to 1,000 by symbol and seed."""
    dollars = _DOLLARS.fullmatch(symbol.upper())
    if dollars and dollars[1] in _START_PRICES:
        return _START_PRICES[dollars[1]]
    drawn = np.random.default_rng([seed, crc32(symbol.encode())]).uniform(-1.0, 3.0)
    return float(10.0**drawn)


def _powers(digits: Floats) -> Floats:
    powers: Floats = 10.0**digits
    return powers
