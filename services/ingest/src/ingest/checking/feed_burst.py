"""The check of one burst of a feed. Pure."""

from collections import Counter

from ingest.checking.burst_check import BurstCheck, ahead_text
from ingest.checking.chunks import ChunkBuilder
from ingest.checking.outcomes import Checked
from ingest.checking.sequences import REPLAY, SequenceTracker
from ingest.checking.size_limits import SizeLimits
from ingest.feeds.base import FeedBurst, FeedTrade
from telemetry_schema import Reason


class FeedBurstCheck(BurstCheck):
    """One burst of a feed."""

    def __init__(
        self,
        builder: ChunkBuilder,
        sequences: SequenceTracker,
        sizes: SizeLimits,
        max_ahead_ns: int,
        now_ns: int,
        feed: str,
    ) -> None:
        super().__init__(builder, sequences, sizes)
        self._max_ahead_ns, self._now_ns, self._feed = max_ahead_ns, now_ns, feed
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
        for source, trades in Counter(trade.source for trade in good if trade.seq is not None).items():
            self._sequences.accept(source, trades, self._now_ns, numbered=True)
        for source, trades in Counter(trade.source for trade in good if trade.seq is None).items():
            self._sequences.accept(source, trades, self._now_ns, numbered=False)
        return self._finish()

    def _check_frame(self, frame: list[FeedTrade]) -> list[FeedTrade]:
        """The trades of a frame that are new; a frame has one fate, like a message."""
        newest = max(frame, key=_ahead_ns)
        is_ahead = _ahead_ns(newest) > self._max_ahead_ns
        new = [trade for trade in frame if self._is_new(trade, is_ahead=is_ahead)]
        if not new:
            self._checked.tally.duplicate += 1
            return []
        flow = [trade for trade in new if trade.kind is None]
        if not flow:
            # Other kinds of trades (auto-deleveraging, …): their numbers count, so that none of them seems lost.
            self._checked.tally.ignored += 1
            return []
        if is_ahead:
            text = ahead_text(max(newest.event_ns, newest.sent_ns), newest.received_ns)
            self._refuse(Reason.FUTURE_TIME, text, repr(frame).encode(), len(flow), newest.source)
            return []
        for trade in flow:
            if too_large := self._sizes.fault(trade.price, trade.qty):
                self._refuse(Reason.OUT_OF_RANGE, too_large, repr(frame).encode(), len(flow), trade.source)
                return []
        self._checked.tally.accepted += 1
        return flow

    def _is_new(self, trade: FeedTrade, *, is_ahead: bool) -> bool:
        if trade.seq is None:
            return True
        # Two recordings of one venue are two runs: their numbers have nothing to do with each other.
        run = f"{REPLAY}{self._feed} {trade.run}" if self._replayed else trade.run
        if is_ahead:
            return bool(self._sequences.mark(trade.source, run, trade.seq, 1).new)
        # Not by the time of sending: a venue that repeats its history after a reconnect sends it anew.
        stamps = (trade.event_ns, trade.event_ns, trade.event_ns)
        return bool(self._sequences.observe(trade.source, run, trade.seq, 1, stamps).new)


def _ahead_ns(trade: FeedTrade) -> int:
    return max(trade.event_ns, trade.sent_ns) - trade.received_ns
