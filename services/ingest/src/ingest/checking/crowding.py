"""Whether one client crowds out the others, so that reading is to be held back a moment. Pure.

ZeroMQ takes messages from its clients in turn, so a message waits for no other client's queue. What it waits for is the
burst that is being taken and checked when it comes, and the processor, which a client that floods uses up together with
the services. Held back, the next burst is small and comes a moment later; meanwhile the flood waits in its client's own
queue, as ZeroMQ holds few messages of each. A client that is alone is never held back.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from ingest.checking.chunks import Chunk

LARGE_BURST: Final = 64
"""Messages or trades; smaller bursts hold up nobody."""

_MOST: Final = 0.75
"""Of a burst: what is one client's flood beside others. Of several that send much, each gets its turn as it is."""

_LIMITED: Final = 0.5
"""Of a burst: what is refused because its source sends too much."""

REMEMBERED_NS: Final = 100_000_000
"""How long it is remembered that there are others: one that sends ten times a second is there."""


class Crowding:
    """Decides it burst by burst."""

    def __init__(self) -> None:
        self._others_ns = -REMEMBERED_NS

    def is_seen(self, messages: int, limited: int, chunks: Sequence[Chunk], monotonic_ns: int) -> bool:
        """Whether to hold back after a burst of so many messages, of which `limited` were refused by the rate limit."""
        if limited >= LARGE_BURST and limited >= _LIMITED * messages:
            return True
        is_crowded = False
        for chunk in chunks:
            largest = _largest_share(chunk)
            if largest < 1.0:
                self._others_ns = monotonic_ns
            is_crowded = is_crowded or (chunk.trades >= LARGE_BURST and largest >= _MOST)
        return is_crowded and monotonic_ns - self._others_ns < REMEMBERED_NS


def _largest_share(chunk: Chunk) -> float:
    """What the source with the most trades has of all."""
    if len(chunk.sources) == 1:
        return 1.0
    return float(np.bincount(chunk.records["source"]).max()) / chunk.trades
