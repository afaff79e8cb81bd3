r"""Logarithmic buckets of latency, found from the bits of a float instead of by a search.

A positive float64 is stored as

     63   62 ........ 52   51 ..... 47   46 ......... 0
    +----+---------------+-------------+---------------+
    |sign| exponent (11) | 5 bits of m |  47 bits of m |
    +----+---------------+-------------+---------------+
    \__________ cell = bits >> 47 ____/

and with value = m · 2^(exponent − 1023), 1 ≤ m < 2, that is

    cell = 32 · exponent + ⌊32 · (m − 1)⌋.

Cells are at most 1/32 ≈ 3 % wide and ascend with the value. A fine bucket is at least 5 % wide, so at most one bound
lies inside a cell. The index of a span is the table's entry for its cell, plus 1 if the span is above that bound.
Negative spans have the sign bit set: read as a signed integer their cell is negative and clipped to the first.
"""

from itertools import pairwise
from typing import Final

import numpy as np

from analytics.arrays import SECOND_NS, Ints

_DECADES: Final = [10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000]
BOUNDS_NS: Final = (
    *(step * decade // 2 for decade in _DECADES for step in (2, 5, 10)),
    *(10 * SECOND_NS, 30 * SECOND_NS, 60 * SECOND_NS),
)
"""Upper bounds of the histogram's buckets: 10 µs, 25 µs, 50 µs, 100 µs … 5 s, 10 s, 30 s, 60 s."""

_STEPS: Final = 12
"""Fine buckets within each bucket: a percentile is read to within 10 %."""


def _fine_bounds() -> Ints:
    edges = (1_000, *BOUNDS_NS)
    between = [np.geomspace(low, high, _STEPS + 1).round().tolist() for low, high in pairwise(edges)]
    # Not np.unique: it imports numpy.ma, which costs 10 MB.
    return np.array(sorted({int(bound) for bounds in between for bound in bounds}))


FINE_NS: Final = _fine_bounds()
"""Upper bounds of the fine buckets, in nanoseconds."""
FINE_BUCKETS: Final = FINE_NS.size + 1
"""With the one beyond the last bound."""
COARSE: Final = np.searchsorted(FINE_NS, BOUNDS_NS)
"""Where the histogram's bounds are among the fine ones."""

_MANTISSA_BITS: Final = 52
_KEPT_BITS: Final = 5
_CELL_SHIFT: Final = _MANTISSA_BITS - _KEPT_BITS
_FIRST_CELL, _LAST_CELL = (FINE_NS[[0, -1]].astype(np.float64).view(np.int64) >> _CELL_SHIFT).tolist()
_FIRST_BUCKET: Final = np.searchsorted(
    FINE_NS, (np.arange(_FIRST_CELL, _LAST_CELL + 1) << _CELL_SHIFT).view(np.float64)
)
"""The fine bucket where each cell begins."""


class LogBuckets:
    """Finds fine buckets, always in the same memory: memory that is new each time costs more than the search.

    Args:
        spans: the most that are looked up at once.
    """

    def __init__(self, spans: int) -> None:
        self._floats, self._buckets = np.zeros(spans), np.zeros(spans, np.int64)

    def log_bucket_index(self, ns: Ints) -> Ints:
        """The fine bucket of each span, as `np.searchsorted(FINE_NS, ns)` gives it; valid until the next call."""
        floats = self._floats[: ns.size].reshape(ns.shape)
        buckets = self._buckets[: ns.size].reshape(ns.shape)
        floats[:] = ns
        cells = floats.view(np.int64)
        cells >>= _CELL_SHIFT
        cells -= _FIRST_CELL
        # What lies before the first cell or behind the last one is clipped to them.
        np.take(_FIRST_BUCKET, cells, out=buckets, mode="clip")
        # All are in range; with this mode nothing is copied to find out.
        bounds_ns = np.take(FINE_NS, buckets, out=cells, mode="clip")
        buckets += ns > bounds_ns
        return buckets
