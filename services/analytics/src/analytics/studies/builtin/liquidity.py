"""What trading costs: spread and price impact, from trades alone."""

import math
from typing import Final

import numpy as np
import pandas as pd

from analytics.studies.builtin.grids import SECOND_NS, grid, log_returns
from telemetry_studies import gauge, study

_MIN_CELLS: Final = 10
"""A slope through fewer points says nothing."""


@study(
    window="5m",
    every="1s",
    gauges=[gauge("roll_spread", "Roll's estimate of the effective spread over the last 5 minutes, quote per base.")],
)
def roll_spread(trades: pd.DataFrame) -> dict[str, float]:
    """Roll's spread: 2 √(−cov(Δpᵢ, Δpᵢ₋₁)); not defined where the covariance is positive.

    Roll 1984, A Simple Implicit Measure of the Effective Bid-Ask Spread in an Efficient Market.
    """
    change = np.diff(trades["price"].to_numpy())
    if change.size < _MIN_CELLS:
        return {}
    covariance = float(np.cov(change[1:], change[:-1])[0, 1])
    return {"roll_spread": 2 * math.sqrt(-covariance) if covariance < 0 else math.nan}


@study(
    window="5m",
    every="1s",
    gauges=[
        gauge("kyle_lambda", "Price change by unit of signed volume, on a grid of 1 s over 5 minutes, quote/base².")
    ],
)
def kyle_lambda(trades: pd.DataFrame) -> dict[str, float]:
    """Kyle's lambda: the least-squares slope of Δp on the signed volume of the same second, with an intercept.

    λ = cov(Δp, q) ÷ var(q) (Kyle 1985, Continuous Auctions and Insider Trading; estimated as Hasbrouck 2009 does).
    """
    cells = grid(trades, SECOND_NS)
    change, signed = np.diff(cells.price), (cells.bought - cells.sold)[1:]
    if change.size < _MIN_CELLS:
        return {}
    spread = float(np.var(signed))
    covariance = float(np.mean((change - change.mean()) * (signed - signed.mean())))
    return {"kyle_lambda": covariance / spread if spread else math.nan}


@study(
    window="5m",
    every="1s",
    gauges=[
        gauge("amihud_illiquidity", "Mean of |log return| by notional, on a grid of 10 s over 5 minutes, 1/quote.")
    ],
)
def amihud(trades: pd.DataFrame) -> dict[str, float]:
    """Amihud's illiquidity: the mean over cells of 10 s with trades of |r| ÷ notional.

    Amihud 2002, Illiquidity and Stock Returns.
    """
    cells = grid(trades, 10 * SECOND_NS)
    returns = log_returns(cells.price)
    notional = cells.notional[1:]
    traded = notional > 0
    if returns.size != notional.size or not traded.any():
        return {}
    return {"amihud_illiquidity": float(np.mean(np.abs(returns[traded]) / notional[traded]))}
