"""How long trades took, stage by stage.

Latencies may be negative, where a sender's clock is ahead of ours. They are counted in the lowest bucket, and apart:
how many there are, and their sum. The sum of a histogram must not fall, so it is that of the others.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics.aggregates.log_buckets import COARSE, FINE_BUCKETS, FINE_NS, LogBuckets
from analytics.arrays import SECOND_NS, Ints
from analytics.checkpoint.parts import State
from analytics.intake.pending import MAX_FOLD_TRADES, Trades
from telemetry_schema import Stage

STAGES: Final[tuple[Stage, ...]] = ("feed", "wire", "process", "end_to_end")
_FEED, _WIRE, _PROCESS, _END_TO_END = range(4)

_STAGE_OFFSETS: Final = np.arange(len(STAGES))[:, None] * FINE_BUCKETS

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
    """Of those that are not negative: it never falls, as `rate` takes a fall for a restart."""
    negative: int
    negative_sum_ns: float
    """Of the negative ones, without their sign."""
    recent_count: int
    p50_ns: int | None
    p90_ns: int | None
    p99_ns: int | None
    max_ns: int | None


_LATENCY_STATE: Final = ("counts", "sum_ns", "negative", "negative_sum_ns")
"""What outlives a restart. Percentiles are of the last minute by monotonic time, which another boot begins anew."""


class Latencies:
    """Counts of all stages in one array, updated with one search and one count a fold."""

    def __init__(self) -> None:
        shape = (len(STAGES), FINE_BUCKETS)
        self._counts = np.zeros(shape, np.int64)
        self._sum_ns = np.zeros(len(STAGES))
        self._negative_sum_ns = np.zeros(len(STAGES))
        self._negative = np.zeros(len(STAGES), np.int64)
        self._slices = np.zeros((_SLICES, *shape), np.int64)
        self._slice_max_ns = np.zeros((_SLICES, len(STAGES)), np.int64)
        self._slice_number = np.full(_SLICES, -1, np.int64)
        self._log_buckets = LogBuckets(len(STAGES) * MAX_FOLD_TRADES)
        self._spans = np.zeros(len(STAGES) * MAX_FOLD_TRADES, np.int64)

    def fold(self, trades: Trades, *, monotonic_ns: int) -> None:
        """Adds trades."""
        if not trades.replayed.any():
            self._add(self._stages(trades, trades.received_ns), slice(None), monotonic_ns)
            return
        received = np.where(trades.replayed, trades.pushed_ns, trades.received_ns)
        spans = self._stages(trades, received)
        spans[_FEED] = trades.received_ns - trades.event_ns
        self._add(spans[[_FEED, _PROCESS]], [_FEED, _PROCESS], monotonic_ns)
        live = ~trades.replayed
        if live.any():
            self._add(spans[[_WIRE, _END_TO_END]][:, live], [_WIRE, _END_TO_END], monotonic_ns)

    def _add(self, spans_ns: Ints, stages: slice | list[int], monotonic_ns: int) -> None:
        buckets = self._log_buckets.log_bucket_index(spans_ns)
        buckets += _STAGE_OFFSETS[stages]
        counts = np.bincount(buckets.reshape(-1), minlength=self._counts.size).reshape(self._counts.shape)
        self._counts += counts
        # As floats: a few times of 1970 would overflow a sum of integers.
        total_ns = spans_ns.sum(axis=1, dtype=np.float64)
        if spans_ns.min() < 0:
            negative_ns = -np.minimum(spans_ns, 0).sum(axis=1, dtype=np.float64)
            self._negative[stages] += np.count_nonzero(spans_ns < 0, axis=1)
            self._negative_sum_ns[stages] += negative_ns
            total_ns = np.maximum(spans_ns, 0).sum(axis=1, dtype=np.float64)
        self._sum_ns[stages] += total_ns
        now = self._slice(monotonic_ns)
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

    def _slice(self, monotonic_ns: int) -> int:
        number = monotonic_ns // (_SLICE_S * SECOND_NS)
        place = number % _SLICES
        if self._slice_number[place] != number:
            self._slice_number[place] = number
            self._slices[place] = 0
            self._slice_max_ns[place] = np.iinfo(np.int64).min
        return place

    def state(self) -> State:
        """All counts."""
        return {name: getattr(self, f"_{name}").copy() for name in _LATENCY_STATE}

    def restore(self, state: State) -> None:
        """Takes over all counts."""
        for name in _LATENCY_STATE:
            getattr(self, f"_{name}")[...] = state[name]

    def view(self, monotonic_ns: int) -> dict[Stage, StageView]:
        """All stages."""
        number = monotonic_ns // (_SLICE_S * SECOND_NS)
        recent = (self._slice_number > number - _SLICES) & (self._slice_number <= number)
        counts = self._slices[recent].sum(axis=0)
        cumulative, total = self._counts.cumsum(axis=1)[:, COARSE], self._counts.sum(axis=1)
        max_ns = self._slice_max_ns[recent].max(axis=0, initial=np.iinfo(np.int64).min)
        return {
            stage: StageView(
                tuple(cumulative[i].tolist()),
                int(total[i]),
                float(self._sum_ns[i]),
                int(self._negative[i]),
                float(self._negative_sum_ns[i]),
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
    bounds_ns = np.append(FINE_NS, np.iinfo(np.int64).max)
    p50, p90, p99 = np.minimum(bounds_ns[np.searchsorted(cumulative, ranks)], max_ns).tolist()
    return total, p50, p90, p99, max_ns


class Skews:
    """The running minimum of received − event of each source: negative where its clock is ahead of ours."""

    def __init__(self, max_slots: int) -> None:
        self._least_ns = np.full(max_slots, np.iinfo(np.int64).max, np.int64)

    def fold(self, trades: Trades) -> None:
        """Adds trades."""
        np.minimum.at(self._least_ns, trades.source, trades.received_ns - trades.event_ns)

    def forget(self, slot: int) -> None:
        """Forgets a source: its slot is for another one now."""
        self._least_ns[slot] = np.iinfo(np.int64).max

    def state(self) -> State:
        """The minimum of each slot."""
        return {"least_ns": self._least_ns.copy()}

    def restore(self, state: State) -> None:
        """Takes over the minimum of each slot."""
        least_ns = state["least_ns"][: self._least_ns.size]
        self._least_ns[: least_ns.size] = least_ns

    def view(self) -> dict[int, int]:
        """Nanoseconds by slot, of the sources that have sent trades."""
        known = np.flatnonzero(self._least_ns != np.iinfo(np.int64).max)
        return dict(zip(known.tolist(), self._least_ns[known].tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class SourceLatency:
    """Sums of one source since the start; their quotient is its mean."""

    trades: int
    sum_ns: float


class SourceLatencies:
    """From sent to applied by source: two sums each, where a histogram of each would be 23 series a source.

    A negative latency counts as 0, so that the sum never falls. Replayed trades are left out: when they were sent is
    the recording's.
    """

    def __init__(self, max_slots: int) -> None:
        self._trades = np.zeros(max_slots, np.int64)
        self._sum_ns = np.zeros(max_slots)

    def fold(self, trades: Trades) -> None:
        """Adds trades."""
        spans_ns = np.maximum(trades.applied_ns - trades.sent_ns, 0)
        source = trades.source
        if trades.replayed.any():
            source, spans_ns = source[~trades.replayed], spans_ns[~trades.replayed]
        self._trades += np.bincount(source, minlength=self._trades.size)
        self._sum_ns += np.bincount(source, spans_ns, minlength=self._trades.size)

    def forget(self, slot: int) -> None:
        """Forgets a source: its slot is for another one now."""
        self._trades[slot], self._sum_ns[slot] = 0, 0.0

    def state(self) -> State:
        """The sums of each slot."""
        return {"trades": self._trades.copy(), "sum_ns": self._sum_ns.copy()}

    def restore(self, state: State) -> None:
        """Takes over the sums of each slot."""
        for name, ours in (("trades", self._trades), ("sum_ns", self._sum_ns)):
            saved = state[name][: ours.size]
            ours[: saved.size] = saved

    def view(self) -> dict[int, SourceLatency]:
        """By slot, of the sources that have sent live trades."""
        known = np.flatnonzero(self._trades).tolist()
        return {slot: SourceLatency(int(self._trades[slot]), float(self._sum_ns[slot])) for slot in known}
