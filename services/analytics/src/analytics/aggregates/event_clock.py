"""Event clocks: where windows end.

Live trades go by wall time, so that their windows empty when a feed dies, and however slow a source's clock is. Each
replayed recording goes by its own trades. Only the mark of a replay separates the two, never how old a trade is.
"""

from typing import Final

from analytics.arrays import SECOND_NS
from analytics.checkpoint.parts import State

_MAX_SLEW_NS: Final = SECOND_NS
"""Wall time that falls behind monotonic time by more than this from one look to the next was set back."""

MAX_DISORDER_NS: Final = 10 * SECOND_NS
"""Trades of a recording that are older than its newest one by more than this are late, or its clock was set back."""

MIN_BEHIND_TRADES: Final = 64
"""So many late trades in a row, and none between that is not, say that a recording's clock was set back."""


class WallClockSteps:
    """Finds out that wall time was set back."""

    def __init__(self) -> None:
        self._offset_ns: int | None = None
        self._seen_ns = 0

    def saw(self, wall_ns: int) -> None:
        """An earlier process has seen that wall time: any before it has been set back since."""
        self._seen_ns = wall_ns

    def stepped_back(self, now_ns: int, monotonic_ns: int) -> bool:
        """Whether it was, since the last look."""
        offset_ns = now_ns - monotonic_ns
        before, self._offset_ns = self._offset_ns, offset_ns
        if before is None:
            return now_ns < self._seen_ns
        return offset_ns < before - _MAX_SLEW_NS


class ReplayClock:
    """The event clock of one recording: its newest trade, unless that was ahead of all that follow."""

    def __init__(self) -> None:
        self.newest_ns = -1
        self._behind_trades, self._behind_newest_ns = 0, -1

    def see(self, newest_ns: int, trades: int) -> bool:
        """Some trades came, in the order of the recording; whether the clock steps back with them."""
        if newest_ns >= self.newest_ns - MAX_DISORDER_NS:
            self.newest_ns = max(self.newest_ns, newest_ns)
            self._behind_trades, self._behind_newest_ns = 0, -1
            return False
        self._behind_trades += trades
        self._behind_newest_ns = max(self._behind_newest_ns, newest_ns)
        if self._behind_trades < MIN_BEHIND_TRADES:
            return False
        self.newest_ns = self._behind_newest_ns
        self._behind_trades, self._behind_newest_ns = 0, -1
        return True

    def state(self) -> State:
        """The clock, and the trades behind it."""
        return {"newest_ns": self.newest_ns, "behind": [self._behind_trades, self._behind_newest_ns]}

    def restore(self, state: State) -> None:
        """Takes over the clock."""
        self.newest_ns = state["newest_ns"]
        self._behind_trades, self._behind_newest_ns = state["behind"]
