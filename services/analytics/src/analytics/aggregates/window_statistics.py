"""Statistics of one window: its sums, turned into indicators."""

from dataclasses import dataclass

import numpy as np

from analytics import indicators
from analytics.aggregates.rows import Rows
from analytics.arrays import Floats, Ints, may_overflow


@dataclass(frozen=True, slots=True)
class WindowStatistics:
    """Statistics of a window, of shape (symbols,); NaN where one does not exist."""

    trades: Ints
    buy_volume: Floats
    sell_volume: Floats
    vwap: Floats
    qty_mean: Floats
    qty_std: Floats
    qty_max: Floats
    imbalance_ratio: Floats
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    realised_volatility_ratio: Floats


@may_overflow
def window_statistics(rows: Rows) -> WindowStatistics:
    """Computes them."""
    volume, traded = rows.buy_volume + rows.sell_volume, rows.n > 0
    n = rows.n.astype(np.int64)
    return WindowStatistics(
        trades=n,
        buy_volume=rows.buy_volume,
        sell_volume=rows.sell_volume,
        vwap=indicators.vwap(rows.notional, volume),
        qty_mean=indicators.mean(volume, n),
        qty_std=indicators.std(rows.m2, n),
        qty_max=indicators.known(rows.qty_max, traded),
        imbalance_ratio=indicators.imbalance(rows.buy_volume, rows.sell_volume),
        open=indicators.known(rows.open, traded),
        high=indicators.known(rows.high, traded),
        low=indicators.known(rows.low, traded),
        close=indicators.known(rows.close, traded),
        realised_volatility_ratio=indicators.realised_volatility(rows.squared_returns, rows.closes),
    )
