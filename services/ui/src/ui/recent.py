"""How much counters of other services rose lately. Pure, with the time handed in."""

from collections import Counter, deque
from collections.abc import Mapping
from typing import Final

BUCKET_NS: Final = 10_000_000_000


class RecentRise:
    """By name, what a counter rose by in the last `keep_ns`, to ten seconds; bounded by the names that are reported."""

    def __init__(self, keep_ns: int) -> None:
        self._keep_ns = keep_ns
        self._last: dict[str, int] = {}
        self._buckets: deque[tuple[int, Counter[str]]] = deque()

    def note(self, totals: Mapping[str, int], now_ns: int) -> None:
        """Takes in all counters as they are now, in monotonic nanoseconds.

        One that is new or has fallen began at zero: with the service that counts, or before we looked, which may be
        just now.
        """
        rises = {name: total - self._base(name, total) for name, total in totals.items()}
        self._last = dict(totals)
        if any(rises.values()):
            self._bucket(now_ns).update({name: rise for name, rise in rises.items() if rise})
        while self._buckets and now_ns - self._buckets[0][0] > self._keep_ns:
            self._buckets.popleft()

    def _base(self, name: str, total: int) -> int:
        before = self._last.get(name, 0)
        return before if before <= total else 0

    def _bucket(self, now_ns: int) -> Counter[str]:
        if not self._buckets or now_ns - self._buckets[-1][0] >= BUCKET_NS:
            self._buckets.append((now_ns, Counter()))
        return self._buckets[-1][1]

    def rises(self) -> Counter[str]:
        """What rose, most first."""
        return sum((counts for _, counts in self._buckets), Counter())
