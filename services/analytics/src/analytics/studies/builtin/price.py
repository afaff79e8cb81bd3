"""Where the price was, and how it moved."""

import math

import numpy as np
import pandas as pd

from analytics.studies.builtin.grids import SECOND_NS, grid, log_returns, nanoseconds
from telemetry_studies import gauge, study


@study(
    window="5m",
    every="1s",
    gauges=[gauge("twap", "Time-weighted average price of the last 5 minutes, quote per base.")],
)
def twap(trades: pd.DataFrame) -> dict[str, float]:
    """Time-weighted average price: each price counts for as long as it was the last one.

    TWAP = Σ pᵢ (tᵢ₊₁ − tᵢ) ÷ (T − t₁), with T the end of the window.
    """
    ends = np.append(nanoseconds(trades)[1:], trades.attrs["end_ns"])
    held = np.maximum(ends - nanoseconds(trades), 0)
    total = held.sum()
    return {"twap": float(trades["price"].to_numpy() @ held / total) if total else math.nan}


@study(
    window="5m",
    every="1s",
    gauges=[
        gauge("realised_variance", "Sum of squared log returns on a grid of 1 s over the last 5 minutes."),
        gauge("bipower_variation", "Variation of the log price over the last 5 minutes without jumps."),
        gauge("jump_share_ratio", "Share of the realised variance that is due to jumps, from 0 to 1."),
    ],
)
def variance(trades: pd.DataFrame) -> dict[str, float]:
    """Realised variance and its parts, on the last prices of a 1 s grid.

    RV = Σ rᵢ², BV = (π ÷ 2) (n ÷ (n − 1)) Σ |rᵢ| |rᵢ₋₁|, jump share = max(RV − BV, 0) ÷ RV, with n returns r
    (Barndorff-Nielsen and Shephard 2004, Power and Bipower Variation with Stochastic Volatility and Jumps).
    """
    returns = log_returns(grid(trades, SECOND_NS).price)
    n = returns.size
    if n < 2:  # noqa: PLR2004 - bipower variation needs two neighbours
        return {}
    realised = float(returns @ returns)
    size = np.abs(returns)
    bipower = float(math.pi / 2 * n / (n - 1) * (size[1:] @ size[:-1]))
    share = max(realised - bipower, 0.0) / realised if realised else math.nan
    return {"realised_variance": realised, "bipower_variation": bipower, "jump_share_ratio": share}
