"""Share of the volume in large trades."""

import pandas as pd

from telemetry_studies import gauge, study


@study(
    window="5m",
    every="1s",
    gauges=[gauge("large_trade_share_ratio", "Share of volume in trades above 1 unit.")],
)
def large_trades(trades: pd.DataFrame, *, above: float = 1.0) -> dict[str, float]:
    """`ANALYTICS_STUDY_PARAMETERS={"large_trades": {"above": 5}}` changes what is large."""
    large = trades[trades["qty"] > above]
    return {"large_trade_share_ratio": large["qty"].sum() / trades["qty"].sum()}
