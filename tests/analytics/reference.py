"""The windows once more, trade by trade, with pandas and nothing of analytics."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from tests.analytics.batches import SECOND, T


def window(trades: Sequence[T], symbol: str, clock_s: int, length_s: int) -> dict[str, float]:
    """Everything that is exported about a symbol's window, from trades in the order of arrival."""
    rows = [(t.event_ns, t.price, t.qty, t.side) for t in trades if t.symbol == symbol]
    frame = pd.DataFrame(rows, columns=["event_ns", "price", "qty", "side"])
    second = frame["event_ns"] // SECOND
    frame = frame[(second > clock_s - length_s) & (second <= clock_s)]
    frame = frame.sort_values("event_ns", kind="stable")
    if frame.empty:
        names = "vwap qty_mean qty_std qty_max imbalance_ratio open high low close realised_volatility_ratio"
        return {"trades": 0, "buy_volume": 0, "sell_volume": 0, **dict.fromkeys(names.split(), math.nan)}
    price, qty, is_buy = frame["price"], frame["qty"], frame["side"] == "buy"
    closes = price.groupby(frame["event_ns"] // SECOND).last().to_numpy()
    known = len(closes) > 1 and (closes > 0).all()
    returns = np.diff(np.log(closes)) if known else np.array([])
    return {
        "trades": len(frame),
        "buy_volume": math.fsum(qty[is_buy]),
        "sell_volume": math.fsum(qty[~is_buy]),
        "vwap": math.fsum(price * qty) / math.fsum(qty),
        "qty_mean": math.fsum(qty) / len(qty),
        "qty_std": float(np.std(qty.to_numpy())),
        "qty_max": qty.max(),
        "imbalance_ratio": (math.fsum(qty[is_buy]) - math.fsum(qty[~is_buy])) / math.fsum(qty),
        "open": price.iloc[0],
        "high": price.max(),
        "low": price.min(),
        "close": price.iloc[-1],
        "realised_volatility_ratio": math.sqrt(math.fsum(returns**2)) if known else math.nan,
    }
