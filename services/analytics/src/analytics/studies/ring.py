"""The last trades of each slot with all their columns: what frames for studies are made of. Pure.

slot 0                     slot 1
| row 0 … row depth − 1 |  | row 0 … |        one array a column; a slot's rows are written round and round
"""

from typing import Final

import numpy as np

from analytics.arrays import Bools, Floats, Ints
from analytics.intake.pending import Trades
from analytics.studies.protocol import COLUMNS, Column

_FIRST_SLOTS: Final = 8


class TradeRing:
    """At most `depth` trades of each slot. Room for slots is made as they come, by doubling."""

    def __init__(self, *, max_slots: int, depth: int) -> None:
        self._max_slots, self.depth = max_slots, depth
        self._room = 0
        self._columns: dict[str, Column] = {name: np.empty(0, dtype) for name, dtype in COLUMNS.items()}
        self._total: Ints = np.zeros(max_slots, np.int64)
        self._bought: Floats = np.zeros(max_slots)
        self._sold: Floats = np.zeros(max_slots)
        self._touched: Bools = np.zeros(max_slots, np.bool_)
        self._life: Ints = np.zeros(max_slots, np.int64)
        self._lives = 0

    def fold(self, trades: Trades, slots: Ints) -> None:
        """Adds trades, each to its slot."""
        if not slots.size:
            return
        self._reserve(int(slots.max()) + 1)
        # 16-bit numbers are sorted by radix.
        order = np.argsort(slots.astype(np.uint16), kind="stable")
        slot = slots[order]
        starts = np.concatenate(([0], np.flatnonzero(slot[1:] != slot[:-1]) + 1))
        n = np.diff(starts, append=slot.size)
        rank = np.arange(slot.size) - np.repeat(starts, n)
        place = slot * self.depth + (self._total[slot] + rank) % self.depth
        if n.max() > self.depth:
            # Only the last are written, so that no place is written twice.
            kept = rank >= np.repeat(n - self.depth, n)
            place, order = place[kept], order[kept]
        for name, column in self._columns.items():
            column[place] = getattr(trades, name)[order]
        touched = slot[starts]
        self._begin_lives(touched[self._total[touched] == 0])
        self._total[touched] += n
        self._touched[touched] = True
        self._add_volume(trades, slots)

    def _begin_lives(self, slots: Ints) -> None:
        if slots.size:
            self._life[slots] = self._lives + 1
            self._lives += 1

    def _add_volume(self, trades: Trades, slots: Ints) -> None:
        bought = np.where(trades.is_buy, trades.qty, 0.0)
        self._bought += np.bincount(slots, bought, self._max_slots)
        self._sold += np.bincount(slots, trades.qty - bought, self._max_slots)

    def _reserve(self, slots: int) -> None:
        if slots <= self._room:
            return
        room = max(self._room, _FIRST_SLOTS)
        while room < slots:
            room *= 2
        room = min(room, self._max_slots)
        for name, column in self._columns.items():
            # Written, so that the memory is really there and the process does not grow later.
            wider = np.full(room * self.depth, 0, column.dtype)
            wider[: column.size] = column
            self._columns[name] = wider
        self._room = room

    def take_touched(self) -> list[int]:
        """Slots with trades since the last call."""
        touched = np.flatnonzero(self._touched)
        self._touched[touched] = False
        slots: list[int] = touched.tolist()
        return slots

    def rows(self, slot: int, window_ns: int) -> tuple[Ints, int]:
        """Places of a slot's trades of the last `window_ns`, in the order of arrival, and the newest event time.

        Only the oldest arrivals are left out, so that what is given has no hole: trades that came out of order may be
        older than the window.
        """
        total = int(self._total[slot])
        place: Ints = slot * self.depth + np.arange(max(total - self.depth, 0), total) % self.depth
        if not place.size:
            return place, 0
        event_ns = self._columns["event_ns"][place]
        newest_ns = int(event_ns.max())
        first = int(np.argmax(event_ns >= newest_ns - window_ns))
        return place[first:], newest_ns

    def clear(self, slot: int) -> None:
        """Forgets the trades of a slot that is given to another symbol."""
        self._total[slot] = 0
        self._bought[slot] = self._sold[slot] = 0.0
        self._touched[slot] = False

    def copy_into(self, columns: dict[str, Column], rows: Ints) -> None:
        """Copies rows into columns of their length."""
        for name, column in columns.items():
            np.take(self._columns[name], rows, out=column, mode="clip")

    def volumes(self, slot: int) -> tuple[float, float]:
        """Bought and sold quantity since the start, units of base."""
        return float(self._bought[slot]), float(self._sold[slot])

    def life(self, slot: int) -> int:
        """Another number whenever a slot's trades are counted from zero: a symbol that comes back has a new one."""
        return int(self._life[slot])

    def total(self, slot: int) -> int:
        """Trades since the start."""
        return int(self._total[slot])
