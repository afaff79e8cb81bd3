"""The check of one burst of clients' messages. Pure."""

from typing import cast

from ingest.checking.burst_check import BurstCheck, ahead_text
from ingest.checking.chunks import ChunkBuilder, records_of
from ingest.checking.event_check import EventCheck
from ingest.checking.open_runs import OpenRuns
from ingest.checking.outcomes import Checked
from ingest.checking.run_spans import runs_of
from ingest.checking.run_window import Span, Stamps
from ingest.checking.sequences import SequenceTracker
from ingest.checking.size_limits import SizeLimits
from telemetry_runtime import Burst
from telemetry_schema import (
    BOT_MESSAGES,
    MAX_COLUMN_TRADES,
    DecodeError,
    DeskCommand,
    Reason,
    RunAlive,
    RunEnd,
    Trade,
    TradeColumns,
)
from telemetry_schema.batch import FastColumns, FastTrade, TradeDecoder, is_columns

MIN_TABLE_MESSAGES = 16
"""From here on a burst is cheaper to check as a table (with all else that it costs, 12 messages: 72 µs against 64)."""


MAX_SENT_AGE_NS = 86_400_000_000_000
"""A message that was sent a day ago was not: its sender's clock or its unit is wrong."""


class ClientBurstCheck(BurstCheck):
    """One burst of clients' messages."""

    def __init__(
        self,
        builder: ChunkBuilder,
        decoder: TradeDecoder,
        sequences: SequenceTracker,
        open_runs: OpenRuns,
        sizes: SizeLimits,
        now_ns: int,
        limit_ns: int,
        events: EventCheck,
    ) -> None:
        super().__init__(builder, sequences, sizes)
        self._open_runs = open_runs
        self._decoder, self._now_ns, self._limit_ns, self._events = decoder, now_ns, limit_ns, events
        self._oldest_sent_ns = now_ns - MAX_SENT_AGE_NS
        self._singles: list[FastTrade] = []

    def check(self, burst: Burst) -> Checked:
        """Gives each message its outcome."""
        for frames in burst.multipart:
            self._refuse(Reason.MULTIPART, f"{len(frames)} frames; a message is one", b"".join(frames))
        if len(burst.frames) < MIN_TABLE_MESSAGES or not self._check_together(burst.frames):
            self._check_each(burst.frames)
        return self._finish()

    def _check_together(self, frames: list[bytes]) -> bool:
        """Accepts a burst of new, valid, single trades. If one message is anything else: False, and nothing is done."""
        table = self._decoder.decode_table(frames)
        if table is None:
            return False
        records = records_of(table, self._now_ns)
        if max(records["event_ns"].max(), records["sent_ns"].max()) > self._limit_ns:
            return False
        if records["sent_ns"].min() < self._oldest_sent_ns or not self._sizes.admit(records):
            return False
        runs = runs_of(table, records)
        if not all(self._sequences.is_new(key, span) for key, span in runs.items()):
            return False
        for (source, run), span in runs.items():
            self._count(source, span.first, span.trades, self._now_ns)
            if span.first is not None:
                self._sequences.observe(source, run, span.first, span.trades, span.stamps)
        self._builder.add_table(table, records)
        self._checked.tally.accepted += len(frames)
        return True

    def _check_each(self, frames: list[bytes]) -> None:
        decode = self._decoder.decode
        for frame in frames:
            message = decode(frame)
            if message is None:
                self._check_other(frame)
            elif is_columns(message):
                self._check_columns(message, frame)
            else:
                self._check_trade(message, frame)
        self._add_singles()

    def _check_trade(self, trade: FastTrade, frame: bytes) -> None:
        stamps = (trade.event_ns, trade.event_ns, trade.sent_ns)
        is_wrong = self._is_impossible(stamps) and not self._is_held_back(trade, stamps)
        if trade.seq is not None and not self._compare(trade, trade.seq, 1, stamps, is_wrong=is_wrong):
            self._count_not_new(trade, trade.seq)
        elif is_wrong:
            self._refuse_time(stamps, frame, 1, trade.source)
        elif too_large := self._sizes.fault(trade.price, trade.qty):
            self._refuse(Reason.OUT_OF_RANGE, too_large, frame, 1, trade.source)
        else:
            self._checked.tally.accepted += 1
            self._sequences.accept(trade.source, 1, self._now_ns, numbered=trade.seq is not None)
            self._singles.append(trade)

    def _check_columns(self, columns: FastColumns, frame: bytes) -> None:
        self._add_singles()  # in the order they came
        new: tuple[Span, ...] = ((0, len(columns.symbol)),)
        stamps = (columns.event_ns[0], max(columns.event_ns), columns.sent_ns)
        is_wrong = self._is_impossible(stamps) and not self._is_held_back(columns, stamps)
        if columns.seq is not None:
            numbers = self._compare(columns, columns.seq, len(columns.symbol), stamps, is_wrong=is_wrong)
            new = tuple((start - columns.seq, end - columns.seq) for start, end in numbers)
        trades = sum(end - start for start, end in new)
        if not new:
            self._count_not_new(columns, columns.seq)
        elif is_wrong:
            self._refuse_time(stamps, frame, trades, columns.source)
        elif too_large := self._sizes.fault_of_many(columns.price, columns.qty):
            self._refuse(Reason.OUT_OF_RANGE, too_large, frame, trades, columns.source)
        else:
            self._checked.tally.accepted += 1
            self._count(columns.source, columns.seq, trades, self._now_ns)
            for start, end in new:
                self._builder.add_columns(columns, self._now_ns, start, end)

    def _compare(
        self, message: FastTrade | FastColumns, seq: int, count: int, stamps: Stamps, *, is_wrong: bool
    ) -> tuple[Span, ...]:
        """The numbers of a message that were not seen before; `is_wrong` if its times cannot be."""
        if is_wrong:
            # It will be refused, so its times must not decide what is newer.
            return self._sequences.mark(message.source, message.run, seq, count).new
        if self._sequences.goes_on(message.source, message.run, seq, count, stamps):
            return ((seq, seq + count),)
        return self._sequences.observe(message.source, message.run, seq, count, stamps).new

    def _count_not_new(self, message: FastTrade | FastColumns, seq: int | None) -> None:
        if seq is not None and self._sequences.is_ahead((message.source, message.run), seq):
            self._checked.tally.refused += 1
            self._checked.out_of_order_messages += 1
        else:
            self._checked.tally.duplicate += 1

    def _is_held_back(self, message: FastTrade | FastColumns, stamps: Stamps) -> bool:
        """Whether it is old only because its sender had to hold it for so long."""
        newest_ns = max(stamps)
        return newest_ns <= self._limit_ns and self._sequences.strict((message.source, message.run)) is not None

    def _check_other(self, frame: bytes) -> None:
        """Checks what the fast decoder does not accept: about orders, a command, repeated keys, or invalid."""
        if self._events.take(frame, self._checked, self._now_ns):
            return
        try:
            message = self._decoder.decode_other(frame)
        except DecodeError as error:
            self._refuse_undecoded(error, frame)
            return
        if isinstance(message, Trade):
            self._check_trade(cast("FastTrade", message), frame)
        elif isinstance(message, TradeColumns):
            self._check_columns(cast("FastColumns", message), frame)
        elif isinstance(message, RunAlive | RunEnd):
            self._check_run(message, frame)
        elif isinstance(message, DeskCommand):
            self._checked.commands.append(message)
        else:
            self._events.check(message, frame, self._checked, self._now_ns)

    def _check_run(self, report: RunAlive | RunEnd, frame: bytes) -> None:
        """A sender says how far its run has come: what it has sent before has come before."""
        stamps = (report.sent_ns, report.sent_ns, report.sent_ns)
        if self._is_impossible(stamps):
            self._refuse_time(stamps, frame, 0, report.source)
            return
        is_end = isinstance(report, RunEnd)
        if isinstance(report, RunAlive) and report.kind is not None:
            self._events.reach(report.kind, report)
        else:
            self._sequences.reach(report.source, report.run, report.next_seq, report.sent_ns, is_end=is_end)
            (self._open_runs.end if is_end else self._open_runs.alive)((report.source, report.run))
        reports = self._checked.run_reports
        reports[report.type] = reports.get(report.type, 0) + 1
        self._checked.tally.accepted += 1

    def _refuse_undecoded(self, error: DecodeError, frame: bytes) -> None:
        trades = 1
        # If the message says which trades it held, these are not lost as well.
        position = self._decoder.position(frame)
        kind = self._decoder.kind(frame)
        if kind is not None and kind in BOT_MESSAGES:
            source = self._decoder.sender(frame)
            self._events.refuse(error, frame, self._checked, kind=kind, position=position, source=source)
            return
        if position is not None:
            trades = min(position.count, MAX_COLUMN_TRADES)
            self._sequences.mark(position.source, position.run, position.seq, trades)
        self._refuse(error.reason, error.detail, frame, trades, self._decoder.sender(frame))

    def _is_impossible(self, stamps: Stamps) -> bool:
        """Whether the times cannot be: too far ahead of our clock, or sent long ago. What happened may be old."""
        _, event_ns, sent_ns = stamps
        return event_ns > self._limit_ns or not self._oldest_sent_ns <= sent_ns <= self._limit_ns

    def _refuse_time(self, stamps: Stamps, frame: bytes, trades: int, source: str) -> None:
        newest_ns = max(stamps)
        if newest_ns > self._limit_ns:
            self._refuse(Reason.FUTURE_TIME, ahead_text(newest_ns, self._now_ns), frame, trades, source)
        else:
            text = f"sent {(self._now_ns - stamps[2]) / 3.6e12:,.1f} h ago; check the sender's clock"
            self._refuse(Reason.PAST_TIME, f"{text} and that times are in ns", frame, trades, source)

    def _add_singles(self) -> None:
        if self._singles:
            self._builder.add_trades(self._singles, self._now_ns)
            self._singles = []
