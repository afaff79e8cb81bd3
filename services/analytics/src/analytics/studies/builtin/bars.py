"""Open, high, low, close and volume of the last closed bar, kept from call to call: no bar outgrows the frame."""

from dataclasses import dataclass
from typing import Final

import pandas as pd

from telemetry_studies import gauge, study

SPANS: Final = {"1s": 1, "1m": 60, "5m": 300}
"""Length of a bar in seconds, by its label."""

_KEPT_SECONDS: Final = 2 * max(SPANS.values())
_RULES: Final = {
    "open": "first",
    "high": "max",
    "low": "min",
    "close": "last",
    "volume": "sum",
}


@dataclass
class BarState:
    """BarState of one second, and how many trades of the symbol they hold."""

    seconds: pd.DataFrame | None = None
    seen: int = 0
    since: pd.Timestamp | None = None
    """From this second on bars are whole: the first one seen is cut at its beginning."""


@study(
    window="10m",
    every="1s",
    gauges=[
        gauge("bar_open", "First price of the last closed bar, quote per base.", label="bar"),
        gauge("bar_high", "Highest price of the last closed bar, quote per base.", label="bar"),
        gauge("bar_low", "Lowest price of the last closed bar, quote per base.", label="bar"),
        gauge("bar_close", "Last price of the last closed bar, quote per base.", label="bar"),
        gauge("bar_volume", "Quantity of the last closed bar, base.", label="bar"),
    ],
)
def bars(trades: pd.DataFrame, state: BarState | None = None) -> tuple[dict[str, dict[str, float]], BarState]:
    """OHLCV of the last closed bar of 1 s, 1 m and 5 m by `resample`; a bar that was not seen whole is left out."""
    state = state or BarState()
    _take(state, trades)
    end = pd.Timestamp(trades.attrs["end_ns"], tz="UTC")
    values: dict[str, dict[str, float]] = {f"bar_{what}": {} for what in ("open", "high", "low", "close", "volume")}
    for label, seconds in SPANS.items():
        closed = end.floor(f"{seconds}s")
        begin = closed - pd.Timedelta(seconds=seconds)
        bar = _bar(state, begin, closed)
        if bar is not None:
            for what, given in values.items():
                given[label] = float(bar[what.removeprefix("bar_")])
    return values, state


def _take(state: BarState, trades: pd.DataFrame) -> None:
    """Adds the trades that have come since the last call to the seconds' bars."""
    first = trades.attrs["first"]
    new = trades[trades["number"] >= state.seen]
    if new.empty:
        return
    oldest = new.index[0].floor("1s")
    if state.since is None:
        # With all trades since the start the first second is whole as well.
        state.since = oldest if first == 0 else oldest + pd.Timedelta(seconds=1)
    elif int(new["number"].min()) > state.seen:
        # More trades came between two calls than the frame holds: what was being made is not whole.
        state.since = new.index[-1].floor("1s") + pd.Timedelta(seconds=1)
    state.seen = int(new["number"].max()) + 1
    made = new["price"].resample("1s").ohlc()
    made["volume"] = new["qty"].resample("1s").sum()
    made = made[made["close"].notna()]
    kept = made if state.seconds is None else _merged(state.seconds, made)
    state.seconds = kept[kept.index >= kept.index[-1] - pd.Timedelta(seconds=_KEPT_SECONDS)]


def _merged(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """BarState of seconds that both have become one: what came later closes it."""
    both = pd.concat([old, new])
    return both if old.index[-1] < new.index[0] else both.groupby(level=0).agg(_RULES)


def _bar(state: BarState, begin: pd.Timestamp, end: pd.Timestamp) -> dict[str, float] | None:
    if state.seconds is None or state.since is None or begin < state.since:
        return None
    first, last = state.seconds.index.searchsorted([begin, end])
    inside = {name: column.to_numpy()[first:last] for name, column in state.seconds.items()}
    if first == last:
        return None
    return {
        "open": inside["open"][0],
        "high": inside["high"].max(),
        "low": inside["low"].min(),
        "close": inside["close"][-1],
        "volume": inside["volume"].sum(),
    }
