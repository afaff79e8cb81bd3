"""Who pushes: the signs and sizes of trades."""

import math
from typing import Any, Final

import numpy as np
import pandas as pd

from analytics.arrays import Floats
from analytics.studies.builtin.grids import nanoseconds, signs
from telemetry_studies import gauge, study

_DAY_NS: Final = 86_400_000_000_000
_LAGS: Final = (1, 5, 10)


@study(
    window="1m",
    every="1s",
    gauges=[
        gauge("cvd", "Cumulative volume delta: bought - sold quantity since 00:00 UTC or the start of analytics, base.")
    ],
)
def cvd(trades: pd.DataFrame, state: dict[str, Any] | None = None) -> tuple[dict[str, float], dict[str, Any]]:
    """Cumulative volume delta: bought less sold quantity by the taker's side, since 00:00 UTC of the day.

    The service's own totals are taken, so that no trade is missed however many come between two calls. The frame only
    says what of them belongs to the new day at its first call.
    """
    day = trades.attrs["end_ns"] // _DAY_NS
    delta = trades.attrs["bought"] - trades.attrs["sold"]
    if state is None:
        state = {"day": day, "base": 0.0}
    elif state["day"] != day:
        is_today = nanoseconds(trades) >= day * _DAY_NS
        today = float((signs(trades) * trades["qty"].to_numpy())[is_today].sum())
        state = {"day": day, "base": delta - today}
    return {"cvd": delta - state["base"]}, state


@study(
    window="5m",
    every="1s",
    gauges=[
        gauge(
            "large_trade_volume_ratio", "Share of the volume of the last 5 minutes in trades of 5 times the mean size."
        )
    ],
)
def large_trade_volume(trades: pd.DataFrame, *, multiple: float = 5.0) -> dict[str, float]:
    """Share of volume in large trades: those of at least `multiple` times the mean quantity of the window."""
    qty = trades["qty"]
    return {"large_trade_volume_ratio": qty[qty >= multiple * qty.mean()].sum() / qty.sum()}


@study(
    window="1h",
    every="1s",
    gauges=[gauge("vpin_ratio", "Volume-synchronised probability of informed trading, from 0 to 1.")],
)
def vpin(trades: pd.DataFrame, *, buckets: int = 50) -> dict[str, float]:
    """VPIN over `buckets` buckets of equal volume, trades split where a bucket is full.

    VPIN = Σ |Bₖ − Sₖ| ÷ (n V), with bought B and sold S of bucket k, n buckets of volume V (Easley, López de Prado and
    O'Hara 2012, Flow Toxicity and Liquidity in a High-frequency World); sides are the takers', not estimated.
    """
    if len(trades) < buckets:
        return {}
    signed = signs(trades) * trades["qty"].to_numpy()
    volume = np.concatenate(([0.0], np.abs(signed).cumsum()))
    balance = np.concatenate(([0.0], signed.cumsum()))
    # Between two trades the balance runs linearly in volume, which splits a trade at the edge of a bucket.
    edges = np.linspace(0.0, volume[-1], buckets + 1)
    at_edges = np.interp(edges, volume, balance)
    return {"vpin_ratio": min(float(np.abs(np.diff(at_edges)).sum() / volume[-1]), 1.0)}


@study(
    window="5m",
    every="1s",
    gauges=[
        gauge("sign_autocorrelation_ratio", "Autocorrelation of trade signs at a lag in trades, -1 to 1.", label="lag")
    ],
)
def sign_autocorrelation(trades: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Autocorrelation of the signs of trades: ρ(k) = Σ (sᵢ − s̄)(sᵢ₊ₖ − s̄) ÷ Σ (sᵢ − s̄)².

    Signs of real flow stay positively correlated (Lillo and Farmer 2004, The Long Memory of the Efficient Market).
    """
    sign = signs(trades)
    return {"sign_autocorrelation_ratio": {str(lag): _autocorrelation(sign, lag) for lag in _LAGS}}


def _autocorrelation(values: Floats, lag: int) -> float:
    centred = values - values.mean()
    spread = float(centred @ centred)
    if values.size <= lag + 1 or not spread:
        return math.nan
    return float(centred[:-lag] @ centred[lag:]) / spread
