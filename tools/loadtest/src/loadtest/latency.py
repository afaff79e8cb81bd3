"""Latencies: counted cheaply while the load runs, read as an HdrHistogram at the end. Pure."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
from hdrh.histogram import HdrHistogram

from loadtest.schedule import Ints

_BITS = 7
"""Bits of the mantissa that separate buckets: 128 buckets a doubling, each less than 0.8 % wide."""
_SHIFT = 52 - _BITS
_ONE = 1023 << _BITS
_BUCKETS = 63 << _BITS

MAX_NS = 3_600_000_000_000
"""The longest latency that has a bucket of its own: an hour."""

_PARTS = 32
"""A Prometheus bucket counts as spread evenly over its width, in this many steps."""


class LatencyCounts:
    """Counts by logarithmic bucket, in nanoseconds; what is not positive counts as 1 ns."""

    def __init__(self, counts: npt.NDArray[np.int64] | None = None) -> None:
        self.counts = np.zeros(_BUCKETS, np.int64) if counts is None else counts

    def add(self, spans_ns: Ints) -> None:
        """Counts each."""
        bits = np.maximum(spans_ns, 1).astype(np.float64).view(np.int64)
        self.counts += np.bincount((bits >> _SHIFT) - _ONE, minlength=_BUCKETS)

    def merge(self, other: "LatencyCounts") -> None:
        """Adds another's counts."""
        self.counts += other.counts

    def histogram(self) -> HdrHistogram:
        """The same, three significant digits; each bucket counts at its upper end."""
        histogram = HdrHistogram(1, MAX_NS, 3)
        used = np.flatnonzero(self.counts)
        upper = ((used + 1 + _ONE) << _SHIFT).view(np.float64)
        for value, count in zip(upper.tolist(), self.counts[used].tolist(), strict=True):
            histogram.record_value(min(int(value), MAX_NS), count)
        return histogram


@dataclass(frozen=True, slots=True)
class Percentiles:
    """What is shown of a stage, in milliseconds. `count` is in messages at the client, in trades at the services."""

    count: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float

    @classmethod
    def of(cls, histogram: HdrHistogram) -> "Percentiles | None":
        """None where nothing was measured."""
        if not histogram.get_total_count():
            return None
        at = [histogram.get_value_at_percentile(rank) / 1e6 for rank in (50.0, 90.0, 99.0, 99.9)]
        return cls(histogram.get_total_count(), at[0], at[1], at[2], at[3], histogram.get_max_value() / 1e6)

    def as_dict(self) -> dict[str, float]:
        """For the JSON report."""
        return asdict(self)


def from_buckets(bounds_s: Sequence[float], counts: Sequence[int]) -> HdrHistogram:
    """An HdrHistogram of a Prometheus histogram's buckets, `counts` not cumulative.

    Within a bucket the trades are taken as spread evenly, as `histogram_quantile` does; the maximum is the upper bound
    of the highest bucket in use. The bucket without a bound counts at twice the last bound.
    """
    histogram = HdrHistogram(1, MAX_NS, 3)
    low_s = 0.0
    for bound_s, count in zip(bounds_s, counts, strict=True):
        high_s = bound_s if bound_s < float("inf") else 2 * low_s
        for part in range(_PARTS):
            share = (part + 1) * count // _PARTS - part * count // _PARTS
            value_ns = (low_s + (high_s - low_s) * (part + 1) / _PARTS) * 1e9
            if share:
                histogram.record_value(min(round(value_ns), MAX_NS), share)
        low_s = high_s
    return histogram
