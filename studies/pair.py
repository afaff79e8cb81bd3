"""Two symbols against each other."""

import pandas as pd

from telemetry_studies import gauge, study


@study(
    window="5m",
    every="1s",
    together=["BTC-USD", "ETH-USD"],
    gauges=[
        gauge("pair_price_ratio", "Price of BTC-USD by price of ETH-USD."),
        gauge("pair_correlation_ratio", "Correlation of their returns by the second over 5 minutes, -1 to 1."),
    ],
)
def pair(frames: dict[str, pd.DataFrame]) -> dict[str, float]:
    """With `together`, a study gets the frames of all these symbols, by symbol; one that has no trades is missing."""
    if len(frames) < 2:
        return {}
    closes = pd.DataFrame({symbol: trades["price"].resample("1s").last().ffill() for symbol, trades in frames.items()})
    returns = closes.pct_change().dropna()
    last = closes.iloc[-1]
    return {
        "pair_price_ratio": last["BTC-USD"] / last["ETH-USD"],
        "pair_correlation_ratio": returns["BTC-USD"].corr(returns["ETH-USD"]),
    }
