"""The check of one burst of a feed. Pure."""

from ingest.checking.burst_check import BurstCheck, ahead_text
from ingest.checking.chunks import ChunkBuilder
from ingest.checking.outcomes import Checked
from ingest.checking.sequences import REPLAY, SequenceTracker
from ingest.feeds.base import FeedBurst, FeedTrade
from telemetry_schema import Reason


class FeedBurstCheck(BurstCheck):
    """One burst of a feed."""

    def __init__(self, builder: ChunkBuilder, sequences: SequenceTracker, max_ahead_ns: int, now_ns: int) -> None:
        super().__init__(builder, sequences)
        self._max_ahead_ns, self._now_ns = max_ahead_ns, now_ns
        self._replayed = False

    def check(self, burst: FeedBurst) -> Checked:
        """Gives each frame its outcome."""
        self._replayed = burst.replayed
        self._checked.tally.ignored = burst.ignored
        for refusal in burst.refusals:
            self._refuse(refusal.reason, refusal.detail, refusal.frame)
        good: list[FeedTrade] = []
        start = 0
        for size in burst.sizes or [1] * len(burst.trades):
            good += self._check_frame(burst.trades[start : start + size])
            start += size
        self._builder.add_trades(good, [trade.received_ns for trade in good], replayed=burst.replayed)
        for trade in good:
            self._count(trade.source, trade.seq, 1, self._now_ns)
        return self._finish()

    def _came_before(self, trade: FeedTrade) -> bool:
        run = f"{REPLAY}{trade.run}" if self._replayed else trade.run
        return self._seen_before(trade, run, self._now_ns)

    def _check_frame(self, frame: list[FeedTrade]) -> list[FeedTrade]:
        """The trades of a frame that are new; a frame has one fate, like a message."""
        new = [trade for trade in frame if not self._came_before(trade)]
        if not new:
            self._checked.tally.duplicate += 1
            return []
        flow = [trade for trade in new if trade.kind is None]
        if not flow:
            # Other kinds of trades (auto-deleveraging, …): their numbers count, so that none of them seems lost.
            self._checked.tally.ignored += 1
            return []
        newest = max(flow, key=lambda trade: max(trade.event_ns, trade.sent_ns) - trade.received_ns)
        newest_ns = max(newest.event_ns, newest.sent_ns)
        if newest_ns > newest.received_ns + self._max_ahead_ns:
            self._refuse(Reason.FUTURE_TIME, ahead_text(newest_ns, newest.received_ns), repr(frame).encode(), len(flow))
            return []
        self._checked.tally.accepted += 1
        return flow
