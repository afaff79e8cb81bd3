"""How long the first metrics after a restart wait for what came since the checkpoint."""

from typing import Final

SILENT_NS: Final = 10_000_000_000
"""Nothing came for so long: ingest is away, and who looks wants to see what there is."""

MOST_NS: Final = 60_000_000_000
"""In all: what came since a checkpoint is a second's trades, so this is for a machine that is far too slow."""


class Patience:
    """Waits while trades come. Its time begins when it is first asked, and is the same for all who ask."""

    def __init__(self) -> None:
        self._began_ns: int | None = None
        self._news_ns = self._work = 0

    def is_left(self, work: int, *, monotonic_ns: int) -> bool:
        """Whether to wait on.

        Args:
            work: trades and events taken in so far; more than at the last look is news.
            monotonic_ns: the time now.
        """
        if self._began_ns is None:
            self._began_ns = monotonic_ns
            self._news_ns, self._work = monotonic_ns, work
        if work != self._work:
            self._news_ns, self._work = monotonic_ns, work
        return monotonic_ns - self._news_ns < SILENT_NS and monotonic_ns - self._began_ns < MOST_NS
