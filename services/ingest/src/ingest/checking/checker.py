"""Gives every message one outcome: accepted, refused, duplicate, ignored, or a command for the desk. Pure."""

from typing import Final

from ingest.checking.chunks import ChunkBuilder
from ingest.checking.client_burst import MAX_SENT_AGE_NS, ClientBurstCheck
from ingest.checking.event_check import EventCheck
from ingest.checking.feed_burst import FeedBurstCheck
from ingest.checking.open_runs import OpenRuns
from ingest.checking.outcomes import Checked
from ingest.checking.sequences import SequenceTracker
from ingest.checking.size_limits import SizeLimits
from ingest.feeds.base import FeedBurst
from telemetry_runtime import Burst
from telemetry_schema import BotMessage
from telemetry_schema.batch import TradeDecoder

MAX_EVENT_RUNS: Final = 4_096
MAX_EVENT_SOURCES: Final = 100
"""Pairs of source and kind of message about orders that are followed, where nobody says otherwise."""


class Checker:
    """Checks messages of clients and trades of feeds against the schema, the clock and the sequence numbers.

    Args:
        sequences: what is known of each run; the only state.
        max_ahead_ns: how far a trade's times may be ahead of the clock that received it, in ns. One stray trade must
            not move the windows of all others.
        sizes: how large a trade may be.
        open_runs: the runs that will say when they end.
        events: what is known of each run of messages about orders; those have their own numbers.
    """

    def __init__(
        self,
        sequences: SequenceTracker,
        *,
        max_ahead_ns: int,
        sizes: SizeLimits | None = None,
        open_runs: OpenRuns | None = None,
        events: SequenceTracker | None = None,
    ) -> None:
        self._sizes = sizes or SizeLimits()
        self.open_runs = open_runs or OpenRuns()
        self._events = EventCheck(
            events or SequenceTracker(max_runs=MAX_EVENT_RUNS, max_sources=MAX_EVENT_SOURCES),
            self._sizes,
            max_ahead_ns=max_ahead_ns,
            max_age_ns=MAX_SENT_AGE_NS,
        )
        self._sequences = sequences
        self._max_ahead_ns = max_ahead_ns
        self._decoder = TradeDecoder()
        self._builder = ChunkBuilder()

    def check(self, burst: Burst, now_ns: int) -> Checked:
        """Checks a burst of clients' messages, all received at `now_ns`."""
        burst_check = ClientBurstCheck(
            self._builder,
            self._decoder,
            self._sequences,
            self.open_runs,
            self._sizes,
            now_ns,
            now_ns + self._max_ahead_ns,
            self._events,
        )
        return burst_check.check(burst)

    def tick(self, now_ns: int, monotonic_ns: int, *, is_reading: bool = True) -> None:
        """Moves the time by which runs and sources are silent; whether ingest reads what its clients send."""
        self._sequences.tick(now_ns, monotonic_ns)
        self.open_runs.tick(monotonic_ns, self._sequences.move_of, is_reading=is_reading)
        self._events.tick(now_ns, monotonic_ns)

    def count_unsequenced(self, source: str, now_ns: int) -> None:
        """Counts a trade that was made here, by the desk."""
        self._sequences.accept(source, 1, now_ns, numbered=False)

    def count_unsequenced_event(self, message: BotMessage, now_ns: int) -> None:
        """Counts a message about an order that was made here, by the desk."""
        self._events.count_unsequenced(message, now_ns)

    def check_feed(self, burst: FeedBurst, now_ns: int, feed: str) -> Checked:
        """Checks what a feed gave at `now_ns`, each trade by its own time of receipt, which may be a recording's."""
        if burst.messages:
            return self.check(Burst(burst.messages, []), now_ns)
        return FeedBurstCheck(self._builder, self._sequences, self._sizes, self._max_ahead_ns, now_ns, feed).check(
            burst
        )
