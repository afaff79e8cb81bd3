"""Groups trades by cell and orders each group by time, with one sort of packed 64-bit keys.

Sorting plain numbers is several times faster than finding the order of several columns. So each trade becomes one
unsigned number, and the sorted numbers are taken apart again:

    63            42 41                     12 11           0
    +---------------+-------------------------+-------------+
    | cell 22 bits  |     offset 30 bits      | arrival 12  |
    +---------------+-------------------------+-------------+

- cell: the bucket of one symbol in one second; it is in front, so that sorting puts its trades side by side.
- offset: nanoseconds within the second, below 10⁹ < 2³⁰; within a cell the trades are in the order of event time.
- arrival: index of the trade in this fold, below 2¹²; equal times stay in the order of arrival, and it leads back to
  the trade's price and quantity.
"""

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from analytics.arrays import Bools, Floats, Ints
from analytics.intake.pending import ARRIVAL_BITS

_OFFSET_BITS: Final = 30
_OFFSET_MASK: Final = (1 << _OFFSET_BITS) - 1
_ARRIVAL_MASK: Final = (1 << ARRIVAL_BITS) - 1
_CELL_SHIFT: Final = _OFFSET_BITS + ARRIVAL_BITS

MAX_CELLS: Final = 1 << (64 - _CELL_SHIFT)
"""Cells that a key has room for: 4,194,304."""

SortKeys: TypeAlias = npt.NDArray[np.uint64]
Offsets: TypeAlias = npt.NDArray[np.uint32]
"""Nanoseconds within a second."""


def sort_keys(cell: Ints, offset_ns: Ints) -> SortKeys:
    """The key of each trade, in the order of arrival, shape (n,)."""
    key = cell.astype(np.uint64)
    key <<= np.uint64(_OFFSET_BITS)
    key |= offset_ns.astype(np.uint64)
    key <<= np.uint64(ARRIVAL_BITS)
    key |= np.arange(key.size, dtype=np.uint64)
    return key


class CellGroups:
    """Trades grouped by cell, each group in the order of time.

    Args:
        key: sorted keys, at least one.
    """

    def __init__(self, key: SortKeys) -> None:
        cell = (key >> np.uint64(_CELL_SHIFT)).astype(np.int64)
        self.order = (key & np.uint64(_ARRIVAL_MASK)).astype(np.int64)
        """The trades' indexes of arrival, group after group, shape (n,)."""
        self.starts = np.concatenate(([0], np.flatnonzero(cell[1:] != cell[:-1]) + 1))
        """Where each group begins in `order`, shape (groups,), as all that follows."""
        self.ends = np.concatenate((self.starts[1:], [cell.size])) - 1
        self.n = self.ends - self.starts + 1
        self.cell = cell[self.starts]
        self.first_offset = _offset(key[self.starts])
        self.last_offset = _offset(key[self.ends])

    def sum(self, values: Floats) -> Floats:
        """Sum over each group."""
        total: Floats = np.add.reduceat(values, self.starts)
        return total

    def sums(self, is_buy: Bools, price: Floats, qty: Floats) -> tuple[Floats, Floats, Floats]:
        """Buy volume, sell volume and notional of each group."""
        values = np.empty((3, qty.size))
        np.multiply(qty, is_buy, out=values[0])
        # Exact, as the buy volume of a trade is its quantity or 0.
        np.subtract(qty, values[0], out=values[1])
        np.multiply(qty, price, out=values[2])
        buy_volume, sell_volume, notional = np.add.reduceat(values, self.starts, axis=1)
        return buy_volume, sell_volume, notional


def _offset(key: SortKeys) -> Offsets:
    return ((key >> np.uint64(ARRIVAL_BITS)) & np.uint64(_OFFSET_MASK)).astype(np.uint32)
