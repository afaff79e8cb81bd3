"""A histogram of batch sizes. Pure."""

from bisect import bisect_left
from itertools import accumulate
from typing import Final

BOUNDS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 16384)


class SizeHistogram:
    """Counts sizes; `largest` and the sums only grow."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self.total = 0
        self.count = 0
        self.largest = 0

    def add(self, size: int) -> None:
        """Counts one size."""
        self._counts[bisect_left(BOUNDS, size)] += 1
        self.total += size
        self.count += 1
        self.largest = max(self.largest, size)

    def cumulative(self) -> list[tuple[str, float]]:
        """Upper bounds and how many are at most that, as prometheus_client wants them."""
        labels = [*(str(float(bound)) for bound in BOUNDS), "+Inf"]
        return list(zip(labels, accumulate(self._counts), strict=True))
