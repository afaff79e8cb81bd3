"""What each symbol has traded since the start, by side, and its last trade."""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from analytics.arrays import SECOND_NS, Floats, Ints
from analytics.checkpoint.parts import State
from analytics.intake.pending import Trades


@dataclass(frozen=True, slots=True)
class TotalsView:
    """Totals at one moment: shape (2, symbols) with buys first, the last trade of shape (symbols,).

    Volume is in base, notional in quote. The notional is a sum of amounts: a price below 0 does not make it fall. A
    symbol without trades has a last event of −1 and a last price of NaN.
    """

    trades: Ints
    volume: Floats
    notional: Floats
    last_price: Floats
    last_event_ns: Ints
    first_event_ns: Ints
    """Of the trade that came first; of a recording, since its clock was last set back."""


DISORDER_NS: Final = 60 * SECOND_NS
"""How far back the last trade is put when wall time is set back: more than trades are late."""

_MAX_CLOCK_LEAD_NS: Final = 10 * SECOND_NS
"""How far ingest's clock may be ahead of ours. A trade received later than that was received before a step back."""

MAX_SIZE: Final = 1e18
"""A quantity or notional beyond this is left out of the counters: after it they could not count small trades, and the
sum of some would be infinite. Nothing that is traded comes near it."""

_NEVER_NS: Final = np.iinfo(np.int64).max


class Totals:
    """Counts in fixed columns; late trades count as well."""

    def __init__(self, max_slots: int) -> None:
        self._max_slots = max_slots
        self._trades = np.zeros(2 * max_slots, np.int64)
        self._volume, self._notional = np.zeros((2, 2 * max_slots))
        self._last_event_ns = np.full(max_slots, -1, np.int64)
        self._last_price = np.full(max_slots, np.nan)
        self._first_event_ns = np.full(max_slots, _NEVER_NS, np.int64)
        self._last_is_live = np.zeros(max_slots, np.bool_)

    def fold(self, trades: Trades, traded: Ints, outdated: Ints) -> int:
        """Adds trades of the traded symbols; those at the outdated indexes were before a step of their event clock.

        Returns:
            How many were too large: they count as trades, but not in volume and notional.
        """
        key = np.where(trades.is_buy, trades.symbol, trades.symbol + self._max_slots)
        size = 2 * self._max_slots
        self._trades += np.bincount(key, minlength=size)
        qty, notional, oversized = trades.qty, np.abs(trades.qty * trades.price), 0
        if max(qty.max(), notional.max()) > MAX_SIZE:
            absurd = (qty > MAX_SIZE) | (notional > MAX_SIZE)
            oversized = int(np.count_nonzero(absurd))
            qty, notional = np.where(absurd, 0, qty), np.where(absurd, 0, notional)
        self._volume += np.bincount(key, qty, size)
        self._notional += np.bincount(key, notional, size)
        self._fold_first(trades, traded)
        self._fold_last(trades, outdated)
        return oversized

    def _fold_first(self, trades: Trades, traded: Ints) -> None:
        if (self._first_event_ns[traded] == _NEVER_NS).any():
            new = self._first_event_ns[trades.symbol] == _NEVER_NS
            np.minimum.at(self._first_event_ns, trades.symbol[new], trades.event_ns[new])

    def _fold_last(self, trades: Trades, outdated: Ints) -> None:
        """The last trade is the one with the latest event; of equals, the last to arrive.

        A time after that of applying counts as that one: a source whose clock was ahead must not stop the price until
        the others have caught up. One that was received in the future waited in ingest's log while wall time was set
        back: it is older than all that follow.
        """
        event_ns = np.minimum(trades.event_ns, trades.applied_ns)
        if trades.received_ns.max() > trades.applied_ns[0] + _MAX_CLOCK_LEAD_NS:
            waited = trades.received_ns > trades.applied_ns + _MAX_CLOCK_LEAD_NS
            event_ns[waited] = np.minimum(event_ns, trades.applied_ns - DISORDER_NS)[waited]
        event_ns[outdated] = 0
        np.maximum.at(self._last_event_ns, trades.symbol, event_ns)
        newest = np.flatnonzero(event_ns == self._last_event_ns[trades.symbol])
        last = np.full(self._max_slots, -1, np.int64)
        np.maximum.at(last, trades.symbol[newest], newest)
        found = np.flatnonzero(last >= 0)
        self._last_price[found] = trades.price[last[found]]
        self._last_is_live[found] = ~trades.replayed[last[found]]

    def last_live(self, slot: int) -> tuple[float, int] | None:
        """Price and event time of the last trade; None if it is replayed, or there is none."""
        if not self._last_is_live[slot] or self._last_event_ns[slot] < 0:
            return None
        return float(self._last_price[slot]), int(self._last_event_ns[slot])

    def newest_ns(self) -> int:
        """The latest time of a last trade, UTC epoch nanoseconds; never after the wall time at which it was applied."""
        return int(self._last_event_ns.max())

    def step_back(self, now_ns: int) -> None:
        """Wall time was set back: no last trade is in the future, so that the next one takes its place."""
        ahead = self._last_event_ns > now_ns - DISORDER_NS
        self._last_event_ns[ahead] = now_ns - DISORDER_NS
        self._first_event_ns[(self._first_event_ns > now_ns) & (self._first_event_ns != _NEVER_NS)] = now_ns

    def begin_again(self, slots: list[int]) -> None:
        """The event clock of these symbols was set back: the next trade is the last one, whenever it was."""
        self._last_event_ns[slots] = np.minimum(self._last_event_ns[slots], 0)
        self._first_event_ns[slots] = _NEVER_NS

    def forget(self, slot: int) -> None:
        """Empties a symbol's slot, which is for another one now."""
        for values in (self._trades, self._volume, self._notional):
            values.reshape(2, -1)[:, slot] = 0
        self._last_event_ns[slot], self._last_price[slot], self._first_event_ns[slot] = -1, np.nan, _NEVER_NS
        self._last_is_live[slot] = False

    def state(self) -> State:
        """All columns."""
        view = self.view(self._max_slots)
        return {field.name: getattr(view, field.name) for field in fields(view)} | {
            "last_is_live": self._last_is_live.copy()
        }

    def restore(self, state: State) -> None:
        """Takes over the columns of as many slots as there are."""
        slots = min(len(state["last_price"]), self._max_slots)
        for name, column in (("trades", self._trades), ("volume", self._volume), ("notional", self._notional)):
            column.reshape(2, -1)[:, :slots] = state[name][:, :slots]
        self._last_event_ns[:slots] = state["last_event_ns"][:slots]
        self._first_event_ns[:slots] = state["first_event_ns"][:slots]
        self._last_price[:slots] = state["last_price"][:slots]
        self._last_is_live[:slots] = state["last_is_live"][:slots]

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
            first_event_ns=self._first_event_ns[:slots].copy(),
        )
