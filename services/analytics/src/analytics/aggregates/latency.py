"""How long trades took, stage by stage.

Latencies may be negative, where a sender's clock is ahead of ours. They are counted as they are: in the lowest bucket,
in the sum, and in a counter of their own.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from analytics.arrays import SECOND_NS, Ints
from analytics.intake.pending import MAX_FOLD_TRADES, Trades
from telemetry_schema import Stage

STAGES: Final[tuple[Stage, ...]] = ("feed", "wire", "process", "end_to_end")
_FEED, _WIRE, _PROCESS, _END_TO_END = range(4)

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


_FINE_NS: Final = _fine_bounds()
_COARSE: Final = np.searchsorted(_FINE_NS, BOUNDS_NS)
"""Where the histogram's bounds are among the fine ones."""
_FINE: Final = _FINE_NS.size + 1
"""Fine buckets of one stage, with the one beyond the last bound."""
_STAGE_OFFSETS: Final = np.arange(len(STAGES))[:, None] * _FINE

_CELL_SHIFT: Final = 52 - 5
"""A float's exponent and first 5 bits of mantissa number cells that are at most 3 % wide: narrower than any fine
bucket, so that at most one bound is inside a cell."""


_FIRST_CELL, _LAST_CELL = (_FINE_NS[[0, -1]].astype(np.float64).view(np.int64) >> _CELL_SHIFT).tolist()
_FIRST_BUCKET: Final = np.searchsorted(
    _FINE_NS, (np.arange(_FIRST_CELL, _LAST_CELL + 1) << _CELL_SHIFT).view(np.float64)
)
"""The fine bucket where each cell begins."""


class _Sorter:
    """Finds fine buckets, always in the same memory: memory that is new each time costs more than the search."""

    def __init__(self, spans: int) -> None:
        self._floats, self._buckets = np.zeros(spans), np.zeros(spans, np.int64)

    def buckets(self, spans_ns: Ints) -> Ints:
        """What `np.searchsorted(_FINE_NS, spans_ns)` gives, three times faster: by cell, then one comparison."""
        floats = self._floats[: spans_ns.size].reshape(spans_ns.shape)
        buckets = self._buckets[: spans_ns.size].reshape(spans_ns.shape)
        floats[:] = spans_ns
        cells = floats.view(np.int64)
        cells >>= _CELL_SHIFT
        np.clip(cells, _FIRST_CELL, _LAST_CELL, out=cells)
        cells -= _FIRST_CELL
        # All are in range; with this mode nothing is copied to find out.
        np.take(_FIRST_BUCKET, cells, out=buckets, mode="clip")
        bounds_ns = np.take(_FINE_NS, buckets, out=cells, mode="clip")
        buckets += spans_ns > bounds_ns
        return buckets


_SLICE_S: Final = 5
_SLICES: Final = 12
"""Percentiles are of the last minute, in slices of 5 s."""


@dataclass(frozen=True, slots=True)
class StageView:
    """One stage at one moment: counts since the start, percentiles of the last minute (None for no trades)."""

    cumulative: tuple[int, ...]
    """Trades that took at most each of `BOUNDS_NS`."""
    count: int
    sum_ns: float
    negative: int
    recent_count: int
    p50_ns: int | None
    p90_ns: int | None
    p99_ns: int | None
    max_ns: int | None


class Latencies:
    """Counts of all stages in one array, updated with one search and one count a fold."""

    def __init__(self) -> None:
        shape = (len(STAGES), _FINE)
        self._counts = np.zeros(shape, np.int64)
        self._sum_ns = np.zeros(len(STAGES))
        self._negative = np.zeros(len(STAGES), np.int64)
        self._slices = np.zeros((_SLICES, *shape), np.int64)
        self._slice_max_ns = np.zeros((_SLICES, len(STAGES)), np.int64)
        self._slice_number = np.full(_SLICES, -1, np.int64)
        self._sorter = _Sorter(len(STAGES) * MAX_FOLD_TRADES)
        self._spans = np.zeros(len(STAGES) * MAX_FOLD_TRADES, np.int64)

    def fold(self, trades: Trades, *, now_ns: int) -> None:
        """Adds trades."""
        if not trades.replayed.any():
            self._add(self._stages(trades, trades.received_ns), slice(None), now_ns)
            return
        received = np.where(trades.replayed, trades.pushed_ns, trades.received_ns)
        spans = self._stages(trades, received)
        spans[_FEED] = trades.received_ns - trades.event_ns
        self._add(spans[[_FEED, _PROCESS]], [_FEED, _PROCESS], now_ns)
        live = ~trades.replayed
        if live.any():
            self._add(spans[[_WIRE, _END_TO_END]][:, live], [_WIRE, _END_TO_END], now_ns)

    def _add(self, spans_ns: Ints, stages: slice | list[int], now_ns: int) -> None:
        buckets = self._sorter.buckets(spans_ns)
        buckets += _STAGE_OFFSETS[stages]
        counts = np.bincount(buckets.reshape(-1), minlength=self._counts.size).reshape(self._counts.shape)
        self._counts += counts
        # As floats: a few times of 1970 would overflow a sum of integers.
        self._sum_ns[stages] += spans_ns.sum(axis=1, dtype=np.float64)
        if spans_ns.min() < 0:
            self._negative[stages] += np.count_nonzero(spans_ns < 0, axis=1)
        now = self._slice(now_ns)
        self._slices[now] += counts
        self._slice_max_ns[now, stages] = np.maximum(self._slice_max_ns[now, stages], spans_ns.max(axis=1))

    def _stages(self, trades: Trades, received_ns: Ints) -> Ints:
        """Nanoseconds of each stage, shape (stages, n); valid until the next call."""
        sent_ns = trades.sent_ns
        spans = self._spans[: len(STAGES) * sent_ns.size].reshape(len(STAGES), -1)
        np.subtract(received_ns, trades.event_ns, out=spans[_FEED])
        np.subtract(received_ns, sent_ns, out=spans[_WIRE])
        np.subtract(trades.applied_ns, received_ns, out=spans[_PROCESS])
        np.subtract(trades.applied_ns, sent_ns, out=spans[_END_TO_END])
        return spans

    def _slice(self, now_ns: int) -> int:
        number = now_ns // (_SLICE_S * SECOND_NS)
        place = number % _SLICES
        if self._slice_number[place] != number:
            self._slice_number[place] = number
            self._slices[place] = 0
            self._slice_max_ns[place] = np.iinfo(np.int64).min
        return place

    def view(self, now_ns: int) -> dict[Stage, StageView]:
        """All stages."""
        number = now_ns // (_SLICE_S * SECOND_NS)
        recent = (self._slice_number > number - _SLICES) & (self._slice_number <= number)
        counts = self._slices[recent].sum(axis=0)
        cumulative, total = self._counts.cumsum(axis=1)[:, _COARSE], self._counts.sum(axis=1)
        max_ns = self._slice_max_ns[recent].max(axis=0, initial=np.iinfo(np.int64).min)
        return {
            stage: StageView(
                tuple(cumulative[i].tolist()),
                int(total[i]),
                float(self._sum_ns[i]),
                int(self._negative[i]),
                *_percentiles(counts[i], int(max_ns[i])),
            )
            for i, stage in enumerate(STAGES)
        }


def _percentiles(counts: Ints, max_ns: int) -> tuple[int, int | None, int | None, int | None, int | None]:
    """Count, p50, p90, p99 and maximum. A percentile is the upper bound of its fine bucket, or the maximum if less."""
    cumulative = counts.cumsum()
    total = int(cumulative[-1])
    if not total:
        return 0, None, None, None, None
    ranks = np.ceil(np.array([0.5, 0.9, 0.99]) * total)
    bounds_ns = np.append(_FINE_NS, np.iinfo(np.int64).max)
    p50, p90, p99 = np.minimum(bounds_ns[np.searchsorted(cumulative, ranks)], max_ns).tolist()
    return total, p50, p90, p99, max_ns


class Skews:
    """The running minimum of received − event of each source: negative where its clock is ahead of ours."""

    def __init__(self, max_slots: int) -> None:
        self._least_ns = np.full(max_slots, np.iinfo(np.int64).max, np.int64)

    def fold(self, trades: Trades) -> None:
        """Adds trades."""
        np.minimum.at(self._least_ns, trades.source, trades.received_ns - trades.event_ns)

    def view(self) -> dict[int, int]:
        """Nanoseconds by slot, of the sources that have sent trades."""
        known = np.flatnonzero(self._least_ns != np.iinfo(np.int64).max)
        return dict(zip(known.tolist(), self._least_ns[known].tolist(), strict=True))
