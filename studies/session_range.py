"""Highest and lowest price since analytics started."""

from collections.abc import Generator

import pandas as pd

from telemetry_studies import gauge, study


@study(
    window="10s",
    every="1s",
    gauges=[
        gauge("session_high", "Highest price since the start, quote per base."),
        gauge("session_low", "Lowest price since the start, quote per base."),
    ],
)
def session_range() -> Generator[dict[str, float], pd.DataFrame, None]:
    """A generator is sent a frame at each call and yields its values; what it remembers is in its variables."""
    trades = yield {}
    high, low = trades["price"].max(), trades["price"].min()
    while True:
        trades = yield {"session_high": high, "session_low": low}
        high, low = max(high, trades["price"].max()), min(low, trades["price"].min())
