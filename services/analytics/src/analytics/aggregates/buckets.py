"""Per-second buckets of the last hour: what every window is made of.

A ring of seconds, second-major, so that a second of all symbols is one contiguous row of each column. Trades are folded
in by their event time, in any order of arrival.
"""

from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from analytics.aggregates.grouping import MAX_CELLS, CellGroups, sort_keys
from analytics.aggregates.rows import BucketColumns, Rows
from analytics.arrays import SECOND_NS, Bools, Floats, Ints
from analytics.checkpoint.parts import Part, State
from analytics.intake.pending import Trades

MINUTE_S: Final = 60
MINUTES: Final = 62
"""Minutes in the ring. Whole minutes are evicted; the longest window (60 of them) spans up to 61, and may end up to one
minute before the newest trade (`MAX_AHEAD_S`)."""
RING_S: Final = MINUTES * MINUTE_S

MAX_AHEAD_S: Final = 60
"""A trade further ahead of our clock has no place in the ring: it would push an hour of good ones out. Ingest refuses
such trades at 5 s already."""

MAX_SLOTS: Final = MAX_CELLS // RING_S
"""Symbols that the sort key has room for: 1,127."""

_NO_OPEN: Final = np.uint32(0xFFFF_FFFF)
"""Offset of the open of an empty bucket: later than any."""

Counts32: TypeAlias = npt.NDArray[np.uint32]


_BUCKET_NAMES: Final = tuple(field.name for field in fields(BucketColumns))


@dataclass(frozen=True, slots=True)
class Cells(BucketColumns):
    """The columns of some cells, shape (cells,): 84 bytes a cell. A cell is one symbol's bucket of one second."""

    open_offset: Counts32
    """Event time of the open within the second, in nanoseconds."""
    close_offset: Counts32

    @classmethod
    def allocate(cls, cells: int) -> "Cells":
        """Empty cells, in memory that is really there: written, so that the process does not grow later."""
        types = dict.fromkeys(("n", "open_offset", "close_offset"), np.uint32)
        arrays: dict[str, Any] = {f.name: np.empty(cells, types.get(f.name, np.float64)) for f in fields(cls)}
        columns = cls(**arrays)
        columns.clear(slice(None))
        return columns

    def clear(self, cells: slice) -> None:
        """Empties cells."""
        for field in fields(self):
            getattr(self, field.name)[cells] = 0
        self.low[cells], self.high[cells] = np.inf, -np.inf
        self.open_offset[cells] = _NO_OPEN


class Buckets:
    """The ring, for symbols in slots 0 … max_slots − 1; room for slots is made as they come."""

    def __init__(self, *, max_slots: int, slots: int = 16) -> None:
        if not 0 < max_slots <= MAX_SLOTS:
            raise ValueError(f"at most {MAX_SLOTS} symbols, not {max_slots}")
        self._max_slots = max_slots
        self.slots = min(slots, max_slots)
        self._cells = Cells.allocate(RING_S * self.slots)
        self._newest_minute: int | None = None
        self.changed = np.zeros(MINUTES, np.bool_)
        """Minutes of the ring that were written to; the owner of the sums of minutes clears the flags."""
        self.oldest_change_s = 0
        """The earliest second that was written to; the owner of the windows raises it again."""
        self._versions = np.zeros(MINUTES, np.int64)
        self._used = np.zeros(MINUTES, np.bool_)
        """Minutes of the ring that have trades."""

    @property
    def held(self) -> tuple[int, int]:
        """The first second that is held, and the first one after them; before the first trade there are none."""
        if self._newest_minute is None:
            return 0, 0
        return (self._newest_minute - MINUTES + 1) * MINUTE_S, (self._newest_minute + 1) * MINUTE_S

    def reserve(self, slots: int) -> None:
        """Makes room for that many slots, by doubling."""
        if slots <= self.slots:
            return
        wider = self.slots
        while wider < slots:
            wider = min(wider * 2, self._max_slots)
        columns = Cells.allocate(RING_S * wider)
        for field in fields(columns):
            new = getattr(columns, field.name).reshape(RING_S, wider)
            new[:, : self.slots] = getattr(self._cells, field.name).reshape(RING_S, self.slots)
        self._cells, self.slots, self.oldest_change_s = columns, wider, 0

    def _advance(self, second: int) -> None:
        """Makes the ring hold that second; the minutes that fall out are emptied."""
        minute = second // MINUTE_S
        if self._newest_minute is None:
            self._newest_minute = minute
        first = max(self._newest_minute + 1, minute - MINUTES + 1)
        for new in range(first, minute + 1):
            self._clear(new % MINUTES)
        self._newest_minute = max(self._newest_minute, minute)

    def forget_after(self, second: int) -> None:
        """Empties all seconds after this one: they were dated by a clock that has been set back."""
        newest, minute = self._newest_minute, second // MINUTE_S
        if newest is None or minute > newest:
            return
        for later in range(max(minute, newest - MINUTES) + 1, newest + 1):
            self._clear(later % MINUTES)
        if minute > newest - MINUTES:
            begin = (second % RING_S + 1) * self.slots
            self._cells.clear(slice(begin, (minute % MINUTES + 1) * MINUTE_S * self.slots))
            self._note_change(minute % MINUTES)
        # Rows of minutes that are now within reach again were emptied above: they are the same rows.
        self._newest_minute = minute

    def clear_slot(self, slot: int) -> None:
        """Empties all seconds of one symbol."""
        if slot < self.slots and self._cells.n[slot :: self.slots].any():
            self._cells.clear(slice(slot, None, self.slots))
            self._note_change(slice(None))

    def _clear(self, minute: int) -> None:
        cells = MINUTE_S * self.slots
        self._cells.clear(slice(minute * cells, (minute + 1) * cells))
        self._note_change(minute)
        self._used[minute] = False

    def _note_change(self, minutes: int | slice | Ints, *, since_s: int = 0) -> None:
        self.oldest_change_s = min(self.oldest_change_s, since_s)
        self.changed[minutes] = True
        self._versions[minutes] += 1  # once, however often a minute is among them

    def state(self) -> State:
        """The minutes that have trades, each a part."""
        minutes = np.flatnonzero(self._used).tolist()
        return {
            "newest_minute": self._newest_minute,
            "minutes": {
                str(minute): Part(int(self._versions[minute]), partial(self._minute_state, minute), self)
                for minute in minutes
            },
        }

    def _minute_state(self, minute: int) -> State:
        return {name: cells.copy() for name, cells in self._minute_cells(minute).items()}

    def _minute_cells(self, minute: int) -> dict[str, npt.NDArray[np.generic]]:
        """The columns of a minute, shape (seconds, slots); they share the ring's memory."""
        cells = slice(minute * MINUTE_S * self.slots, (minute + 1) * MINUTE_S * self.slots)
        return {
            field.name: getattr(self._cells, field.name)[cells].reshape(MINUTE_S, self.slots)
            for field in fields(self._cells)
        }

    def restore(self, state: State) -> None:
        """Takes over the minutes."""
        self._newest_minute = state["newest_minute"]
        for name, part in state["minutes"].items():
            saved = part.copy()
            slots = min(saved["n"].shape[1], self._max_slots)
            self.reserve(slots)
            for column, cells in self._minute_cells(int(name)).items():
                cells[:, :slots] = saved[column][:, :slots]
            self._used[int(name)] = self.changed[int(name)] = True
        self.oldest_change_s = 0

    def seconds(self, first: int, last: int) -> list[tuple[int, Rows]]:
        """The held seconds from first up to, not including, last, in up to two parts, each with its first second.

        The rows share the ring's memory.
        """
        begin, end = max(first, self.held[0]), min(last, self.held[1])
        wrap = end - end % RING_S
        spans = [(begin, min(end, wrap)), (max(begin, wrap), end)]
        return [(a, self._rows(a % RING_S, a % RING_S + b - a)) for a, b in spans if a < b]

    def minute(self, minute: int) -> Rows:
        """The seconds of the ring's n-th minute; they share the ring's memory."""
        return self._rows(minute * MINUTE_S, (minute + 1) * MINUTE_S)

    def _rows(self, begin: int, end: int) -> Rows:
        cells = slice(begin * self.slots, end * self.slots)
        shared: dict[str, Any] = {
            name: getattr(self._cells, name)[cells].reshape(-1, self.slots) for name in _BUCKET_NAMES
        }
        return Rows(
            **shared,
            closes=(shared["n"] > 0).astype(np.int64),
            first_close=shared["close"],
            squared_returns=np.broadcast_to(0.0, shared["n"].shape),
        )

    def fold(self, trades: Trades, *, newest_allowed_s: int) -> tuple[int, int]:
        """Adds at most `MAX_FOLD_TRADES` trades.

        Returns:
            How many had no place: older than the ring, and later than `newest_allowed_s`.
        """
        second = trades.event_ns // SECOND_NS
        ahead = second > newest_allowed_s
        early = int(np.count_nonzero(ahead))
        if early < second.size:
            self._advance(int(second.max() if not early else second[~ahead].max()))
        outside = ahead | (second < self.held[0])
        unplaced = int(np.count_nonzero(outside))
        if unplaced < second.size:
            self._fold(trades, second, ~outside if unplaced else None)
        return unplaced - early, early

    def _fold(self, trades: Trades, second: Ints, keep: Bools | None) -> None:
        row = second % RING_S
        key = sort_keys(row * self.slots + trades.symbol, trades.event_ns - second * SECOND_NS)
        key = np.sort(key if keep is None else key[keep])
        group = CellGroups(key)
        self._merge(group, trades)
        minutes = group.cell // (MINUTE_S * self.slots)
        self._note_change(minutes, since_s=int(second.min()))
        self._used[minutes] = True

    def _merge(self, group: CellGroups, trades: Trades) -> None:
        """Merges the groups into their cells. No two groups have the same cell, so plain indexing does."""
        c, cell, n = self._cells, group.cell, group.n
        price, qty = trades.price[group.order], trades.qty[group.order]
        buy_volume, sell_volume, notional = group.sums(trades.is_buy[group.order], price, qty)
        volume, old_n = buy_volume + sell_volume, c.n[cell]
        old_volume = c.buy_volume[cell] + c.sell_volume[cell]
        mean = volume / n
        shift = mean - old_volume / np.maximum(old_n, 1)
        c.m2[cell] += group.sum(np.square(qty - np.repeat(mean, n))) + np.square(shift) * (old_n * n / (old_n + n))
        c.n[cell] = old_n + n
        c.buy_volume[cell] += buy_volume
        c.sell_volume[cell] += sell_volume
        c.notional[cell] += notional
        c.qty_max[cell] = np.maximum(c.qty_max[cell], np.maximum.reduceat(qty, group.starts))
        c.high[cell] = np.maximum(c.high[cell], np.maximum.reduceat(price, group.starts))
        c.low[cell] = np.minimum(c.low[cell], np.minimum.reduceat(price, group.starts))
        self._merge_ends(group, price)

    def _merge_ends(self, group: CellGroups, price: Floats) -> None:
        """Opens by the earliest event, of equals the first to arrive; closes by the latest, of equals the last."""
        c = self._cells
        opens = group.first_offset < c.open_offset[group.cell]
        cell = group.cell[opens]
        c.open[cell] = price[group.starts[opens]]
        c.open_offset[cell] = group.first_offset[opens]
        closes = group.last_offset >= c.close_offset[group.cell]
        cell = group.cell[closes]
        c.close[cell] = price[group.ends[closes]]
        c.close_offset[cell] = group.last_offset[closes]
