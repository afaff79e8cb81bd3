"""The analytics clock: where the windows end."""

from typing import Final

RECORDED_AFTER_NS: Final = 60_000_000_000
"""A newest trade that was older than this when it came is not live: a replay."""


class EventClock:
    """Wall time, so that windows empty when a feed dies; but the newest trade's time while all trades are replayed.

    What tells the two apart is how old the newest trade was when it came, not how old it is now: a live feed that died
    an hour ago is still live.
    """

    def __init__(self) -> None:
        self._newest_ns = -1
        self._recorded = False

    def see(self, newest_ns: int, *, now_ns: int) -> None:
        """Some trades came; the newest of them happened then."""
        if newest_ns > self._newest_ns:
            self._newest_ns = newest_ns
            self._recorded = now_ns - newest_ns > RECORDED_AFTER_NS

    def read(self, now_ns: int) -> int:
        """The clock, in epoch nanoseconds."""
        return self._newest_ns if self._recorded else now_ns
