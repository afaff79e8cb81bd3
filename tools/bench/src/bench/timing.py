"""Timing of small things: alternately with their limit, repeated, as medians."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.figures import Compared

Work = Callable[[], object]

LEAST_S = 0.005
"""A repeat runs its work as often as fills this time, so that the clock's own cost does not count."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two pieces of work that are timed alternately. `per` divides the time, e.g. by the trades of a burst."""

    name: str
    limit: str
    ours_work: Work
    limit_work: Work
    per: int = 1


def measure(comparison: Comparison, *, repeats: int) -> Compared:
    """Microseconds of both, repeat by repeat."""
    ours_times, limit_times = _times(comparison.ours_work), _times(comparison.limit_work)
    ours: list[float] = []
    limit: list[float] = []
    for _ in range(repeats):
        limit.append(_micros(comparison.limit_work, limit_times) / comparison.per)
        ours.append(_micros(comparison.ours_work, ours_times) / comparison.per)
    return Compared(f"{comparison.name} | {comparison.limit}", "µs", ours, limit)


def _times(work: Work) -> int:
    """How often to run it; also warms it up."""
    work()
    return max(1, round(LEAST_S * 1e6 / max(_micros(work, 3), 0.1)))


def _micros(work: Work, times: int) -> float:
    begin_ns = time.perf_counter_ns()
    for _ in range(times):
        work()
    return (time.perf_counter_ns() - begin_ns) / times / 1e3
