"""How regularly trades come."""

import math

import numpy as np
import pandas as pd

from analytics.studies.builtin.grids import nanoseconds
from telemetry_studies import gauge, study


@study(
    window="5m",
    every="1s",
    gauges=[
        gauge("interarrival_mean_seconds", "Mean time between trades over the last 5 minutes."),
        gauge("interarrival_dispersion_ratio", "Variance of the time between trades by its squared mean; 1 is random."),
    ],
)
def arrivals(trades: pd.DataFrame) -> dict[str, float]:
    """Mean and dispersion of the times between trades: D = var(τ) ÷ mean(τ)².

    1 for a Poisson process, below it is regular, above it comes in bursts.
    """
    gaps = np.diff(nanoseconds(trades)) / 1e9
    if gaps.size < 2:  # noqa: PLR2004 - a variance needs two
        return {}
    mean = float(gaps.mean())
    return {
        "interarrival_mean_seconds": mean,
        "interarrival_dispersion_ratio": float(gaps.var()) / mean**2 if mean else math.nan,
    }
