"""Trades counted by source, each with a label of its own in the metrics, as far as labels go. Pure."""

from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Final

OTHER: Final = "other"


@dataclass(slots=True)
class SourceCounts:
    """Trades of one source. `unsequenced` are among the accepted ones.

    `lost` and `unaccounted` fall again when missing trades come late. `unaccounted` were missing after a crash of
    ingest: lost, or accepted just before it; at most that many were lost.
    """

    accepted: int = 0
    lost: int = 0
    duplicate: int = 0
    unsequenced: int = 0
    unaccounted: int = 0
    restarts: int = 0
    """Times its numbers began again."""
    conflicts: int = 0
    """Of the duplicates, those that are no repetitions: another sender has used their numbers."""
    peak_lost: int = 0
    """The highest `lost` that was reported as a counter, which must not fall."""
    peak_unaccounted: int = 0
    last_ns: int = 0
    """When its last trade was received, UTC epoch nanoseconds."""
    active_ns: int = 0
    """The same in monotonic time."""

    def report(self) -> None:
        """Raises the peaks to what is counted now."""
        self.peak_lost = max(self.peak_lost, self.lost)
        self.peak_unaccounted = max(self.peak_unaccounted, self.unaccounted)


class SourceTable:
    """The counts of each source; a source gets its label at its first trade.

    When there are `max_sources`, the one that was silent longest gives its label up to a new one, if it was silent for
    `idle_s`: its counts end with it. Were they added to those of `other`, all it ever counted would be taken for new.
    Else the new one is counted as `other`.
    """

    def __init__(self, *, max_sources: int, idle_s: float) -> None:
        self._max_sources, self._idle_ns = max_sources, round(idle_s * 1e9)
        self._free_at_ns = 0
        self.sources: dict[str, SourceCounts] = {}
        self.overflow_trades = 0
        self.now_ns = 0
        """Monotonic time of the last `tick`."""

    def tick(self, monotonic_ns: int) -> None:
        """Moves the time by which sources are silent."""
        self.now_ns = monotonic_ns

    def counts_of(self, source: str) -> SourceCounts:
        """The counts of a source, or of `other` while there are too many."""
        counts = self.sources.get(source)
        if counts is None:
            if source != OTHER and not self._has_room():
                return self.counts_of(OTHER)
            counts = self.sources[source] = SourceCounts()
        return counts

    def accept(self, source: str, trades: int, now_ns: int, *, numbered: bool) -> None:
        """Counts accepted trades of a source."""
        counts = self.sources.get(source)
        if counts is None:
            counts = self.counts_of(source)
            if source not in self.sources:
                self.overflow_trades += trades
        counts.accepted += trades
        counts.last_ns, counts.active_ns = now_ns, self.now_ns
        if not numbered:
            counts.unsequenced += trades

    def _has_room(self) -> bool:
        named = len(self.sources) - (OTHER in self.sources)
        return named < self._max_sources or self._evict()

    def _evict(self) -> bool:
        """Whether a label was freed. Sources only get less idle, so that it is not tried again before one can be."""
        if self.now_ns < self._free_at_ns:
            return False
        silent = min((name for name in self.sources if name != OTHER), key=lambda name: self.sources[name].active_ns)
        self._free_at_ns = self.sources[silent].active_ns + self._idle_ns
        if self.now_ns < self._free_at_ns:
            return False
        del self.sources[silent]
        self._free_at_ns = 0
        return True


def by_label(counts: Mapping[str, int], labels: Container[str]) -> Counter[str]:
    """Counts by source as counts by label: those of sources without one are added up under `other`."""
    summed: Counter[str] = Counter()
    for source, count in counts.items():
        summed[source if source in labels else OTHER] += count
    return summed
