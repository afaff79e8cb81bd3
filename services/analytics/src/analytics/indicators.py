"""Formulas of the statistics: pure functions of arrays, elementwise unless said otherwise.

Where a value does not exist (an average of nothing, the spread of one interval) the result is NaN, never 0.
"""

import numpy as np

from analytics.arrays import Bools, Floats, Ints


def ratio(numerator: Floats, denominator: Floats | Ints) -> Floats:
    """Numerator over denominator; NaN where that is 0."""
    result = np.full(np.broadcast(numerator, denominator).shape, np.nan)
    np.divide(numerator, denominator, out=result, where=np.asarray(denominator) != 0)
    return result


def known(values: Floats, exists: Bools) -> Floats:
    """The values; NaN where they do not exist."""
    return np.where(exists, values, np.nan)


def vwap(notional: Floats, volume: Floats) -> Floats:
    """Volume-weighted average price, in quote per unit of base: Σpq / Σq. NaN for no trades."""
    return ratio(notional, volume)


def mean(total: Floats, n: Ints) -> Floats:
    """Arithmetic mean, in the unit of the total: Σx / n. NaN for n = 0."""
    return ratio(total, n)


def std(m2: Floats, n: Ints) -> Floats:
    """Standard deviation of the population (ddof 0): √(M2 / n), with M2 = Σ(x − mean)². NaN for n = 0, 0 for n = 1."""
    return np.sqrt(ratio(m2, n))


def imbalance(buy_volume: Floats, sell_volume: Floats) -> Floats:
    """Signed share of the aggressors, a ratio from −1 (all sold) to 1 (all bought): (b − s) / (b + s).

    NaN for no trades.
    """
    return ratio(buy_volume - sell_volume, buy_volume + sell_volume)


def realised_volatility(squared_returns: Floats, closes: Ints) -> Floats:
    """Realised volatility over the window, a ratio, not annualised: √Σ ln(c[i] / c[i−1])².

    c are the closes of the seconds that had trades; NaN for fewer than two of them.
    """
    return known(np.sqrt(squared_returns), closes > 1)


def interval_moments(sorted_ns: Ints, n: Ints) -> tuple[Floats, Floats]:
    """Mean and standard deviation (ddof 0) of the time from one event to the next, in seconds, shape (symbols,).

    Args:
        sorted_ns: times in nanoseconds, ascending, shape (symbols, m).
        n: how many of each row count, shape (symbols,).

    NaN for fewer than two events; the deviation of one interval is 0.
    """
    gaps_s = np.diff(sorted_ns, axis=1) / 1e9
    counted = np.arange(gaps_s.shape[1]) < (n - 1)[:, None]
    intervals = np.maximum(n - 1, 0)
    centre = mean(np.where(counted, gaps_s, 0.0).sum(axis=1), intervals)
    spread = np.where(counted, np.square(gaps_s - centre[:, None]), 0.0).sum(axis=1)
    return centre, std(spread, intervals)


def burstiness(spread: Floats, centre: Floats) -> Floats:
    """Goh and Barabási's burstiness of arrivals, a ratio: (σ − μ) / (σ + μ) of the intervals.

    −1 is a clock, 0 is random (Poisson), towards 1 it comes in bursts. NaN for no interval, and when all events carry
    the same time.
    """
    return ratio(spread - centre, spread + centre)


def quantiles(ascending: Floats, n: Ints, probabilities: tuple[float, ...]) -> Floats:
    """Quantiles of each row, linear between neighbours (as NumPy's default), shape (probabilities, symbols).

    Args:
        ascending: shape (symbols, m), each row ascending.
        n: how many of each row count, shape (symbols,).
        probabilities: from 0 to 1.

    NaN for no values.
    """
    position = np.multiply.outer(np.asarray(probabilities), np.maximum(n - 1, 0))
    below = np.floor(position).astype(np.int64)
    row = np.arange(len(n))
    low = known(ascending[row, below], n > 0)
    high = ascending[row, np.minimum(below + 1, np.maximum(n - 1, 0))]
    result: Floats = low + (high - low) * (position - below)
    return result
