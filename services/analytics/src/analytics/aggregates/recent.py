"""Quantity and time of each symbol's last trades, in the order of arrival: for quantiles and arrivals; and the tape."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from analytics.arrays import Floats, Ints, may_overflow
from analytics.checkpoint.parts import Part, State
from analytics.indicators import burstiness, interval_moments, quantiles
from analytics.intake.pending import Trades

_PART_SLOTS: Final = 32
"""Symbols whose trades are saved together: 250 kB."""

PROBABILITIES: Final = (0.5, 0.9, 0.99)
"""The quantiles of quantity that are published."""


class RecentTrades:
    """A ring of the last `depth` trades of each symbol; room for slots is made as they come."""

    def __init__(self, *, max_slots: int, depth: int, slots: int = 16) -> None:
        self._max_slots, self._depth = max_slots, depth
        self._total = np.zeros(max_slots, np.int64)
        self._columns = _Columns.allocate(min(slots, max_slots) * depth)
        self.changed = np.zeros(max_slots, np.bool_)
        """Symbols with trades since somebody last cleared their flag."""
        self._versions = np.zeros(-(-max_slots // _PART_SLOTS), np.int64)

    def reserve(self, slots: int) -> None:
        """Makes room for that many slots, by doubling."""
        room = self._columns.qty.size // self._depth
        if slots <= room:
            return
        while room < slots:
            room = min(room * 2, self._max_slots)
        self._columns = self._columns.widened(room * self._depth)

    def fold(self, trades: Trades) -> None:
        """Adds trades."""
        # 16-bit numbers are sorted by radix.
        order = np.argsort(trades.symbol.astype(np.uint16), kind="stable")
        symbol = trades.symbol[order]
        starts = np.concatenate(([0], np.flatnonzero(symbol[1:] != symbol[:-1]) + 1))
        n = np.diff(starts, append=symbol.size)
        rank = np.arange(symbol.size) - np.repeat(starts, n)
        place = symbol * self._depth + (self._total[symbol] + rank) % self._depth
        if n.max() > self._depth:
            # Only the last are written, so that no place is written twice.
            kept = rank >= np.repeat(n - self._depth, n)
            place, order = place[kept], order[kept]
        self._columns.write(place, trades, order)
        self._total[symbol[starts]] += n
        self.changed[symbol[starts]] = True
        self._versions[symbol[starts] // _PART_SLOTS] += 1

    def state(self) -> State:
        """The trades, in parts of some symbols each."""
        totals = self._total.reshape(-1)
        return {
            "depth": self._depth,
            "parts": {
                str(part): Part(int(version), partial(self._part_state, part), self)
                for part, version in enumerate(self._versions.tolist())
                if totals[part * _PART_SLOTS : (part + 1) * _PART_SLOTS].any()
            },
        }

    def _part_state(self, part: int) -> State:
        slots = slice(part * _PART_SLOTS, (part + 1) * _PART_SLOTS)
        total = self._total[slots].copy()
        return {"total": total, **self._columns.state(slots.start * self._depth, total.size * self._depth)}

    def restore(self, state: State) -> None:
        """Takes over the trades; where less of them are to be kept now, the last ones."""
        for name, part in state["parts"].items():
            saved, begin = part.copy(), int(name) * _PART_SLOTS
            total = saved["total"][: self._total.size - begin]
            self.reserve(begin + total.size)
            self._total[begin : begin + total.size] = total
            self._columns.restore(saved, begin, total, kept=state["depth"], depth=self._depth)
            self.changed[begin : begin + total.size] = total > 0

    def forget(self, slot: int) -> None:
        """Empties a symbol's ring: its slot is for another one now."""
        self._total[slot], self.changed[slot] = 0, True
        self._versions[slot // _PART_SLOTS] += 1

    def view(self, slots: Ints) -> "RecentView":
        """A copy of what the statistics of these slots are made of."""
        n = np.minimum(self._total[slots], self._depth)
        qty = self._columns.qty.reshape(-1, self._depth).take(slots, axis=0)
        event_ns = self._columns.event_ns.reshape(-1, self._depth).take(slots, axis=0)
        for row in np.flatnonzero(n < self._depth).tolist():
            qty[row, n[row] :], event_ns[row, n[row] :] = np.inf, np.iinfo(np.int64).max
        return RecentView(slots, n, qty, event_ns)


@dataclass(frozen=True, slots=True)
class _Columns:
    """All rings, one after the other."""

    event_ns: Ints
    qty: Floats

    @classmethod
    def allocate(cls, size: int) -> "_Columns":
        # Written, so that the memory is really there and the process does not grow later.
        return cls(np.full(size, 0), np.full(size, 0.0))

    def widened(self, size: int) -> "_Columns":
        wider = _Columns.allocate(size)
        for field in fields(self):
            getattr(wider, field.name)[: self.qty.size] = getattr(self, field.name)
        return wider

    def state(self, begin: int, size: int) -> State:
        return {field.name: getattr(self, field.name)[begin : begin + size].copy() for field in fields(self)}

    def restore(self, state: State, first_slot: int, total: Ints, *, kept: int, depth: int) -> None:
        """Takes over rings of `kept` trades as rings of `depth`: the trade number i is at i modulo the length."""
        for i, trades in enumerate(total.tolist()):
            number = np.arange(max(trades - min(kept, depth), 0), trades)
            to, source = (first_slot + i) * depth + number % depth, i * kept + number % kept
            for field in fields(self):
                getattr(self, field.name)[to] = state[field.name][source]

    def write(self, place: Ints, trades: Trades, order: Ints) -> None:
        self.event_ns[place] = trades.event_ns[order]
        self.qty[place] = trades.qty[order]


@dataclass(frozen=True, slots=True)
class RecentView:
    """Quantity and time of some symbols' recent trades, shape (symbols, depth); inf and the last ns beyond n."""

    slots: Ints
    n: Ints
    qty: Floats
    event_ns: Ints


class RecentStatistics:
    """Statistics of each symbol's recent trades, of shape (symbols,); renewed for the symbols that have changed."""

    def __init__(self, max_slots: int) -> None:
        self.mean_interval_s = np.full(max_slots, np.nan)
        self.burstiness = np.full(max_slots, np.nan)
        self.qty_quantiles = np.full((len(PROBABILITIES), max_slots), np.nan)

    @may_overflow
    def renew(self, view: RecentView, part: slice) -> None:
        """Computes them for a part of the view."""
        slots, n = view.slots[part], view.n[part]
        centre, spread = interval_moments(np.sort(view.event_ns[part], axis=1), n)
        self.mean_interval_s[slots] = centre
        self.burstiness[slots] = burstiness(spread, centre)
        self.qty_quantiles[:, slots] = quantiles(np.sort(view.qty[part], axis=1), n, PROBABILITIES)


class TapeRow(NamedTuple):
    """One of the last trades; symbol and source are slots."""

    symbol: int
    source: int
    is_buy: bool
    qty: float
    price: float
    event_ns: int
    applied_ns: int
    account: int
    """0, or the slot of the account plus 1."""


class Tape:
    """The last trades of all symbols of one origin, in the order of arrival."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._rows: deque[TapeRow] = deque(maxlen=length)
        self._new: list[npt.NDArray[np.generic]] = []

    def fold(self, trades: Trades) -> None:
        """Adds trades."""
        if len(trades.symbol) < self._length:
            self._take()
        # Copied, as trades are valid for a moment only; made into rows when somebody looks.
        self._new = [getattr(trades, name)[-self._length :].copy() for name in TapeRow._fields]

    def forget(self, field: str, number: int) -> None:
        """Drops the rows with this slot in that field: it is for another name now."""
        self._take()
        kept = [row for row in self._rows if getattr(row, field) != number]
        self._rows = deque(kept, maxlen=self._length)

    def _take(self) -> None:
        self._rows.extend(map(TapeRow._make, zip(*(column.tolist() for column in self._new), strict=True)))
        self._new = []

    def state(self) -> State:
        """The trades."""
        return {"rows": [list(row) for row in self.rows]}

    def restore(self, state: State) -> None:
        """Takes over the trades."""
        self._rows.extend(TapeRow(*row) for row in state["rows"])

    @property
    def rows(self) -> Sequence[TapeRow]:
        """The trades, the last one last."""
        self._take()
        return self._rows
