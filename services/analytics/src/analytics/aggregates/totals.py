"""What each symbol has traded since the start, by side, and its last trade."""

from dataclasses import dataclass

import numpy as np

from analytics.arrays import Floats, Ints
from analytics.intake.pending import Trades


@dataclass(frozen=True, slots=True)
class TotalsView:
    """Totals at one moment: shape (2, symbols) with buys first, the last trade of shape (symbols,).

    Volume is in base, notional in quote. A symbol without trades has a last event of −1 and a last price of NaN.
    """

    trades: Ints
    volume: Floats
    notional: Floats
    last_price: Floats
    last_event_ns: Ints


class Totals:
    """Counts in fixed columns; late trades count as well."""

    def __init__(self, max_slots: int) -> None:
        self._max_slots = max_slots
        self._trades = np.zeros(2 * max_slots, np.int64)
        self._volume, self._notional = np.zeros((2, 2 * max_slots))
        self._last_event_ns = np.full(max_slots, -1, np.int64)
        self._last_price = np.full(max_slots, np.nan)

    def fold(self, trades: Trades) -> None:
        """Adds trades."""
        key = np.where(trades.is_buy, trades.symbol, trades.symbol + self._max_slots)
        size = 2 * self._max_slots
        self._trades += np.bincount(key, minlength=size)
        self._volume += np.bincount(key, trades.qty, size)
        self._notional += np.bincount(key, trades.qty * trades.price, size)
        self._fold_last(trades)

    def _fold_last(self, trades: Trades) -> None:
        """The last trade is the one with the latest event; of equals, the last to arrive."""
        np.maximum.at(self._last_event_ns, trades.symbol, trades.event_ns)
        newest = np.flatnonzero(trades.event_ns == self._last_event_ns[trades.symbol])
        last = np.full(self._max_slots, -1, np.int64)
        np.maximum.at(last, trades.symbol[newest], newest)
        found = np.flatnonzero(last >= 0)
        self._last_price[found] = trades.price[last[found]]

    def view(self, slots: int) -> TotalsView:
        """A copy for the first slots."""

        def sides(values: Ints) -> Ints:
            return values.reshape(2, -1)[:, :slots].copy()

        return TotalsView(
            trades=sides(self._trades),
            volume=self._volume.reshape(2, -1)[:, :slots].copy(),
            notional=self._notional.reshape(2, -1)[:, :slots].copy(),
            last_price=self._last_price[:slots].copy(),
            last_event_ns=self._last_event_ns[:slots].copy(),
        )
