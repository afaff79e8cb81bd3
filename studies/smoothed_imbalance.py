"""The imbalance of buying and selling, smoothed from call to call."""

import pandas as pd

from telemetry_studies import gauge, study


@study(
    window="10s",
    every="1s",
    gauges=[gauge("smoothed_imbalance_ratio", "(bought - sold) / volume of 10 s, exponentially smoothed, -1 to 1.")],
)
def smoothed_imbalance(
    trades: pd.DataFrame, state: float | None = None, *, weight: float = 0.1
) -> tuple[dict[str, float], float]:
    """With an argument `state`, a study returns its values and the state of its next call; at first it is None."""
    volume = trades.groupby("side", observed=False)["qty"].sum()
    now = (volume["buy"] - volume["sell"]) / volume.sum()
    smoothed = now if state is None else (1 - weight) * state + weight * now
    return {"smoothed_imbalance_ratio": smoothed}, smoothed
