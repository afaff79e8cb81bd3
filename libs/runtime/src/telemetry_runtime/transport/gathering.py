"""Gathering: whether a message waits some hundred microseconds for those behind it. Pure.

A burst has a fixed price, in four threads of two processes, whatever its size: at middle rates it is most of what a
trade costs. So a burst that would be small waits a moment, and all that comes meanwhile shares the price:

    message   │  │ │    │             │                       │       alone, or after a silence: goes on at once
              ▼                       ▼                       ▼
              ├─ wait ──┤ one burst   ├─ wait ──┤ nothing more came: soon no message waits, but for a trial now and then
"""

from typing import Final

SILENCE_NS: Final = 2_500_000
"""A message that comes so long after the last burst is alone, and goes on at once: below 400 a second nothing waits."""

ENOUGH_MESSAGES: Final = 32
"""Bursts of this size are large enough by themselves. It is half of what libzmq holds of a client: were it more, the
waiting would hold up a client that sends 100,000 a second."""

LEAST_GAIN: Final = 0.25
"""Messages that a wait must bring on average; with fewer it costs more than it saves."""

TRIAL_EVERY: Final = 64
"""Where waiting brings too little it is tried this often, as the rate may have changed. Rare enough for the p99."""

_MEMORY: Final = 8
"""Waits over which the gain is averaged."""


class Gathering:
    """Decides it for one socket, by what waiting has brought so far.

    Args:
        wait_us: how long a message waits at most, in microseconds; 0 is never. It bounds what gathering adds to the
            median.
    """

    def __init__(self, wait_us: int) -> None:
        self.wait_us = wait_us
        self._taken_ns = -SILENCE_NS
        self._taken_messages = 0
        self._gain = 0.0
        self._until_trial = TRIAL_EVERY

    def is_due(self, now_ns: int) -> bool:
        """Whether the message that has just come waits; monotonic time. Asked once for each burst."""
        if now_ns - self._taken_ns >= SILENCE_NS or self._taken_messages >= ENOUGH_MESSAGES or not self.wait_us:
            return False
        if self._gain >= LEAST_GAIN:
            return True
        self._until_trial -= 1
        if self._until_trial > 0:
            return False
        self._until_trial = TRIAL_EVERY
        return True

    def gathered(self, messages: int) -> None:
        """Takes note of a burst that has waited, of so many messages."""
        self._gain += (messages - 1 - self._gain) / _MEMORY

    def taken(self, messages: int, now_ns: int) -> None:
        """Takes note of a burst, whether it has waited or not."""
        self._taken_messages, self._taken_ns = messages, now_ns
