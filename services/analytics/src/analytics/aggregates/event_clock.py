"""The analytics clock: where the windows end."""

from typing import Final

REPLAYED_AFTER_NS: Final = 60_000_000_000
"""A trade that was older than this when ingest received it is not live: a client replays it."""


class EventClock:
    """Wall time, so that windows empty when a feed dies; but the newest trade's time while all trades are replayed.

    What tells the two apart is how old the newest trade was when ingest received it, not how old it is now or was when
    it got here: a live feed that died an hour ago is still live, and so is what ingest held while analytics was away.
    """

    def __init__(self) -> None:
        self._newest_ns = -1
        self._replayed = False

    def see(self, newest_ns: int, *, received_ns: int, replayed: bool = False) -> None:
        """Some trades came; the newest of them happened and was received then, or is of a recording."""
        if newest_ns > self._newest_ns:
            self._newest_ns = newest_ns
            self._replayed = replayed or received_ns - newest_ns > REPLAYED_AFTER_NS

    def read(self, now_ns: int) -> int:
        """The clock, in epoch nanoseconds."""
        return self._newest_ns if self._replayed else now_ns
