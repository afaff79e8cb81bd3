"""Whether one client crowds out the others, so that reading is to be held back a moment. Pure.

ZeroMQ takes messages from its clients in turn, so a message waits for no other client's queue. What it waits for is the
burst that is being taken and checked when it comes, and the processor, which a client that floods uses up together with
the services. Held back, the next burst is small and comes a moment later; meanwhile the flood waits in its client's own
queue, as ZeroMQ holds few messages of each. A client that is alone is never held back.
"""

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np

from ingest.checking.chunks import Chunk

LARGE_BURST: Final = 64
"""Trades; smaller bursts hold up nobody."""

_MOST: Final = 0.75
"""Of a burst: what is one client's flood beside others. Of several that send much, each gets its turn as it is."""

_LIMITED: Final = 0.5
"""Of a burst: what is refused because its source sends too much."""

HELD_BACK_MESSAGES: Final = 256
"""The most messages of a burst that is held back: a flood that is accepted still brings 100,000 and more a second."""

HELD_BACK_LIMITED: Final = 64
"""The same where most of it is refused: what ingest does not read, nobody has to send, carry and refuse."""

REMEMBERED_NS: Final = 100_000_000
"""How long it is remembered that there are others: one that sends ten times a second is there."""


HoldBackReason = Literal["rate_limited", "flood"]
"""A source that sends more than it may, or one whose trades fill the burst beside others'."""


def reason_of(most: int) -> HoldBackReason:
    """Why the next burst is to have at most so many messages."""
    return "rate_limited" if most == HELD_BACK_LIMITED else "flood"


class Crowding:
    """Decides it burst by burst."""

    def __init__(self) -> None:
        self._others_ns = -REMEMBERED_NS

    def next_burst(self, messages: int, limited: int, chunks: Sequence[Chunk], monotonic_ns: int) -> int:
        """The most messages of the next burst if it is to be held back, else 0.

        It follows one of so many messages, of which `limited` were refused by the rate limit.
        """
        # Half of a burst that is held back, or the one after it would not be.
        if limited >= HELD_BACK_LIMITED // 2 and limited >= _LIMITED * messages:
            return HELD_BACK_LIMITED
        return HELD_BACK_MESSAGES if self._is_crowded(chunks, monotonic_ns) else 0

    def _is_crowded(self, chunks: Sequence[Chunk], monotonic_ns: int) -> bool:
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
