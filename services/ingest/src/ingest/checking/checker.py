"""Decides what becomes of every message: accepted, refused, duplicate, ignored, or a command for the desk. Pure."""

from dataclasses import dataclass, field
from typing import Protocol, cast

from ingest.checking.chunks import Chunk, ChunkBuilder, records_of
from ingest.checking.run_spans import runs_of
from ingest.checking.sequences import REPLAY, SequenceTracker
from ingest.feeds.base import FeedBurst, FeedTrade
from telemetry_runtime import Burst
from telemetry_schema import DecodeError, KillSwitch, Reason, Trade, TradeColumns, TradeCommand, decode_edge
from telemetry_schema.batch import FastColumns, FastTrade, TradeDecoder, is_columns

Command = TradeCommand | KillSwitch

MAX_REFUSED_JUMP_TRADES = 1_000_000
"""How far the number of a refused message may move its run: what else it says was wrong too."""

MIN_TABLE_MESSAGES = 12
"""From here on a burst is cheaper to judge as a table (1 message: 17 µs against 8; 16 messages: 33 against 37)."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message that was refused: the reason it is counted under, why for a person, and its bytes.

    `trades` is how many it stood for, as far as it can be read.
    """

    reason: str
    detail: str
    frame: bytes
    trades: int = 1


@dataclass(slots=True)
class Tally:
    """Messages by outcome; their sum is what was received."""

    accepted: int = 0
    refused: int = 0
    duplicate: int = 0
    ignored: int = 0

    @property
    def received(self) -> int:
        """All of them."""
        return self.accepted + self.refused + self.duplicate + self.ignored


@dataclass(slots=True)
class Checked:
    """What a burst came to. `commands` are not in the tally yet: the desk decides."""

    chunks: list[Chunk] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)


class _Sequenced(Protocol):
    @property
    def source(self) -> str: ...
    @property
    def seq(self) -> int | None: ...


class Checker:
    """Checks messages of clients and trades of feeds against the schema, the clock and the sequence numbers.

    Args:
        sequences: what is known of each run; the only state.
        max_ahead_ns: how far a trade's times may be ahead of the clock it was received by, in ns: one stray must not
            move the windows of all others.
    """

    def __init__(self, sequences: SequenceTracker, *, max_ahead_ns: int) -> None:
        self._sequences = sequences
        self._max_ahead_ns = max_ahead_ns
        self._decoder = TradeDecoder()
        self._builder = ChunkBuilder()

    def check(self, burst: Burst, now_ns: int) -> Checked:
        """Judges a burst of clients' messages, all received at `now_ns`."""
        judge = _ClientBurst(self._builder, self._decoder, self._sequences, now_ns, now_ns + self._max_ahead_ns)
        return judge.judge(burst)

    def count_unsequenced(self, source: str, now_ns: int) -> None:
        """Counts a trade that was made here, by the desk."""
        self._sequences.accept(source, 1, now_ns, numbered=False)

    def check_feed(self, burst: FeedBurst) -> Checked:
        """Judges what a feed gave, each trade by the time it was received at."""
        return _FeedBurst(self._builder, self._sequences, self._max_ahead_ns).judge(burst)


class _Judge:
    """What both kinds of bursts share: one builder, one result."""

    def __init__(self, builder: ChunkBuilder, sequences: SequenceTracker) -> None:
        self._builder, self._sequences = builder, sequences
        self._checked = Checked()

    def _refuse(self, reason: Reason, detail: str, frame: bytes, trades: int = 1) -> None:
        self._checked.refusals.append(Refusal(reason, detail, frame, trades))
        self._checked.tally.refused += 1

    def _seen_before(self, trade: _Sequenced, run: str | None, now_ns: int) -> bool:
        """Whether the trade's number was seen before; takes note of it."""
        if trade.seq is None:
            return False
        return self._sequences.observe(trade.source, run, trade.seq, 1, now_ns).duplicate > 0

    def _count(self, source: str, seq: int | None, trades: int, now_ns: int) -> None:
        self._sequences.accept(source, trades, now_ns, numbered=seq is not None)

    def _finish(self) -> Checked:
        self._checked.chunks = self._builder.chunks()
        return self._checked


class _ClientBurst(_Judge):
    """One burst of clients' messages."""

    def __init__(
        self, builder: ChunkBuilder, decoder: TradeDecoder, sequences: SequenceTracker, now_ns: int, limit_ns: int
    ) -> None:
        super().__init__(builder, sequences)
        self._decoder, self._now_ns, self._limit_ns = decoder, now_ns, limit_ns
        self._singles: list[FastTrade] = []

    def judge(self, burst: Burst) -> Checked:
        for frames in burst.multipart:
            self._refuse(Reason.MULTIPART, f"{len(frames)} frames; a message is one", b"".join(frames))
        if len(burst.frames) < MIN_TABLE_MESSAGES or not self._judge_together(burst.frames):
            self._judge_each(burst.frames)
        return self._finish()

    def _judge_together(self, frames: list[bytes]) -> bool:
        """Takes a burst in which every message is a new, good, single trade; if one is not: False, and nothing done."""
        table = self._decoder.decode_table(frames)
        if table is None:
            return False
        records = records_of(table, self._now_ns)
        if max(records["event_ns"].max(), records["sent_ns"].max()) > self._limit_ns:
            return False
        runs = runs_of(table)
        if not all(self._sequences.is_new(source, run, span) for (source, run), span in runs.items()):
            return False
        for (source, run), span in runs.items():
            self._count(source, span.first, span.trades, self._now_ns)
            if span.first is not None:
                self._sequences.observe(source, run, span.first, span.trades, self._now_ns)
        self._builder.add_table(table, records)
        self._checked.tally.accepted += len(frames)
        return True

    def _judge_each(self, frames: list[bytes]) -> None:
        decode = self._decoder.decode
        for frame in frames:
            message = decode(frame)
            if message is None:
                self._judge_other(frame)
            elif is_columns(message):
                self._judge_columns(message, frame)
            else:
                self._judge_trade(message, frame)
        self._add_singles()

    def _judge_trade(self, trade: FastTrade, frame: bytes) -> None:
        if self._seen_before(trade, trade.run, self._now_ns):
            self._checked.tally.duplicate += 1
        elif max(trade.event_ns, trade.sent_ns) > self._limit_ns:
            self._refuse_ahead(max(trade.event_ns, trade.sent_ns), frame)
        else:
            self._checked.tally.accepted += 1
            self._count(trade.source, trade.seq, 1, self._now_ns)
            self._singles.append(trade)

    def _judge_columns(self, columns: FastColumns, frame: bytes) -> None:
        self._add_singles()  # in the order they came
        count, skip = len(columns.symbol), 0
        if columns.seq is not None:
            skip = self._sequences.observe(columns.source, columns.run, columns.seq, count, self._now_ns).duplicate
        newest_event_ns = max(columns.event_ns)
        newest_ns = max(columns.sent_ns, newest_event_ns)
        if skip == count:
            self._checked.tally.duplicate += 1
        elif newest_ns > self._limit_ns:
            self._refuse_ahead(newest_ns, frame, count - skip)
        else:
            self._checked.tally.accepted += 1
            self._count(columns.source, columns.seq, count - skip, self._now_ns)
            self._builder.add_columns(columns, self._now_ns, skip=skip)

    def _judge_other(self, frame: bytes) -> None:
        """What the fast decoder does not accept: a command, a trade with repeated keys, or refused."""
        try:
            message = decode_edge(frame)
        except DecodeError as error:
            self._refuse_undecoded(error, frame)
            return
        if isinstance(message, Trade):
            self._judge_trade(cast("FastTrade", message), frame)
        elif isinstance(message, TradeColumns):
            self._judge_columns(cast("FastColumns", message), frame)
        else:
            self._checked.commands.append(message)

    def _refuse_undecoded(self, error: DecodeError, frame: bytes) -> None:
        # If the message says which trade it was, that one is not lost as well.
        position = self._decoder.position(frame)
        if position:
            at = (position.source, position.run, position.seq, position.count)
            self._sequences.observe(*at, self._now_ns, max_jump=MAX_REFUSED_JUMP_TRADES)
        self._refuse(error.reason, error.detail, frame, position.count if position else 1)

    def _refuse_ahead(self, newest_ns: int, frame: bytes, trades: int = 1) -> None:
        self._refuse(Reason.FUTURE_TIME, _ahead(newest_ns, self._now_ns), frame, trades)

    def _add_singles(self) -> None:
        if self._singles:
            self._builder.add_trades(self._singles, self._now_ns)
            self._singles = []


def _ahead(newest_ns: int, now_ns: int) -> str:
    return f"{(newest_ns - now_ns) / 1e9:.3f} s ahead of the clock; check the sender's clock and that times are in ns"


class _FeedBurst(_Judge):
    """One burst of a feed."""

    def __init__(self, builder: ChunkBuilder, sequences: SequenceTracker, max_ahead_ns: int) -> None:
        super().__init__(builder, sequences)
        self._max_ahead_ns = max_ahead_ns
        self._replayed = False

    def judge(self, burst: FeedBurst) -> Checked:
        self._replayed = burst.replayed
        self._checked.tally.ignored = burst.ignored
        for refusal in burst.refusals:
            self._refuse(refusal.reason, refusal.detail, refusal.frame)
        good: list[FeedTrade] = []
        start = 0
        for size in burst.sizes or [1] * len(burst.trades):
            good += self._judge_frame(burst.trades[start : start + size])
            start += size
        self._builder.add_trades(good, [trade.received_ns for trade in good], replayed=burst.replayed)
        for trade in good:
            self._count(trade.source, trade.seq, 1, trade.received_ns)
        return self._finish()

    def _came_before(self, trade: FeedTrade) -> bool:
        run = f"{REPLAY}{trade.run}" if self._replayed else trade.run
        return self._seen_before(trade, run, trade.received_ns)

    def _judge_frame(self, frame: list[FeedTrade]) -> list[FeedTrade]:
        """The trades of a frame that are new; a frame has one fate, like a message."""
        new = [trade for trade in frame if not self._came_before(trade)]
        if not new:
            self._checked.tally.duplicate += 1
            return []
        newest = max(new, key=lambda trade: max(trade.event_ns, trade.sent_ns) - trade.received_ns)
        newest_ns = max(newest.event_ns, newest.sent_ns)
        if newest_ns > newest.received_ns + self._max_ahead_ns:
            self._refuse(Reason.FUTURE_TIME, _ahead(newest_ns, newest.received_ns), repr(frame).encode(), len(new))
            return []
        self._checked.tally.accepted += 1
        return new
