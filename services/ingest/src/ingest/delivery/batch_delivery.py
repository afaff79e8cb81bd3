"""At-least-once delivery of batches from the log to analytics, which deduplicates them by offset.

    add()        committed         try_send() took it      Progress.next_seq    Progress.checkpointed_seq
      │              │                     │                      │                     │
      ▼              ▼                     ▼                      ▼                     ▼
    PENDING ──▶ IN THE LOG ────────▶ IN FLIGHT ───────────▶ APPLIED ───────────▶ CHECKPOINTED (trimmed)
                     ▲                     │                      │
                     └─ Progress.resend ───┴──────────────────────┘
                        back to the offset that analytics misses, behind a mark that says where it goes on (`resume`);
                        a batch that it asks for `MAX_ATTEMPTS` times, each time after it was sent, is abandoned: it
                        cannot take it, and all others wait behind it

What is accepted leaves the log only when analytics has it in a checkpoint, so neither may be killed at any moment and
lose it. Analytics asks for a retransmission when it misses an offset: it was restarted, or a connection broke. When the
log is full, ingest waits: backpressure reaches the clients' own queues.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Sequence

import structlog

from ingest.checking.chunks import Chunk
from ingest.delivery.log_cursor import LogCursor
from ingest.storage.log.batch_log import LogBatch
from ingest.storage.log.group_commit import GroupCommit
from telemetry_runtime import Clock, RateLimitedWarning, Source, TrySink
from telemetry_schema import DecodeError, Progress, decode_progress
from telemetry_schema.batch import (
    BATCH_TRADES_BOUNDS,
    MAX_BATCH_EVENTS,
    MAX_BATCH_TRADES,
    CommandRef,
    FastHeader,
    TradeIdRef,
    encode_event_lines,
    encode_header,
)

_MIN_RETRANSMIT_NS = 200_000_000
"""At most one retransmission in this time: analytics repeats its request until what is in flight has arrived. Doubled
with each attempt for the same batch, as analytics may only be slow."""

MAX_ATTEMPTS = 5
"""Retransmissions of one batch, within 6 s, before it is abandoned: 0.2 + 0.4 + 0.8 + 1.6 + 3.2 s."""

_SILENT_NS = 10_000_000_000
"""After this time without a report of analytics a warning is due."""

WINDOW_TRADES = 32_768
WINDOW_BATCHES = 8
"""The sliding window. What is unacknowledged beyond both of these waits for acknowledgements: a queue between the
services only adds latency to all clients (32,768 trades are 80 ms at 400,000 a second)."""

PATIENCE_S = 0.1
"""How long to wait for an acknowledgement. After that analytics is treated as down until the next one: accepted trades
are held for it in the log meanwhile."""

CHECKPOINTED = "checkpointed"
"""The key of the state that says up to where analytics has its checkpoint."""


class BatchDelivery:
    """Numbers batches, appends them to the log and delivers them to analytics, in order.

    Args:
        sink: where batches go.
        writer: the log they go into first.
    """

    def __init__(self, sink: TrySink, writer: GroupCommit, *, clock: Clock) -> None:
        self._sink, self._writer, self._clock = sink, writer, clock
        self._log = writer.log
        self._cursor = LogCursor(sink, writer, clock=clock, first_seq=self._known_checkpoint())
        self._moved = asyncio.Event()
        """Set by every report of analytics, and when it is given up waiting for one."""
        self._more_to_send = asyncio.Event()
        self._is_waiting = asyncio.Event()
        self._retransmitted_ns: int | None = None
        self._asked_seq, self._attempts = -1, 0
        """The number that analytics asked for last, and how often it was sent again."""
        self._heard_ns = clock.monotonic_ns()
        self._is_away = False
        self.confirmed_seq = self.checkpointed_seq = self._cursor.sent_seq
        self.accepted_trades = self.accepted_events = 0
        """By this process: trades, and messages about orders."""
        self.batches = 0
        self.largest_batch_trades = 0
        self.batches_by_size = [0] * (len(BATCH_TRADES_BOUNDS) + 1)
        """Batches of trades by size, in the buckets of `BATCH_TRADES_BOUNDS` and one beyond."""
        self.retransmissions = 0
        self.abandoned_batches = 0
        self.abandoned_trades = 0
        self.heard = False
        self._refused = RateLimitedWarning("progress_refused", monotonic_ns=clock.monotonic_ns)
        self._silent = RateLimitedWarning("analytics_not_heard_of", monotonic_ns=clock.monotonic_ns, interval_s=60.0)
        self._logger = structlog.get_logger("delivery")

    def _known_checkpoint(self) -> int:
        """Where an earlier process knew that analytics has its checkpoint: what is before it need not be sent again."""
        seq = int(self._log.state().get(CHECKPOINTED, b"0"))
        return min(max(seq, self._log.first_seq), self._log.next_seq)

    @property
    def next_seq(self) -> int:
        """The offset of the next trade."""
        return self._writer.next_seq

    @property
    def unapplied_trades(self) -> int:
        """Accepted trades, and messages about orders, that analytics has not reported applied."""
        return self._writer.next_seq - self.confirmed_seq

    @property
    def is_in_log(self) -> bool:
        """Whether a later process will find all that was accepted."""
        return self._log.is_durable and self._writer.is_committed

    @property
    def silent_s(self) -> float:
        """Seconds since analytics' last report, or since the start."""
        return (self._clock.monotonic_ns() - self._heard_ns) / 1e9

    def add(self, chunk: Chunk, commands: list[CommandRef] | None = None) -> None:
        """Numbers a chunk and adds it as a batch to what is pending for the log; `flush` sends it.

        Raises:
            ValueError: it is longer than a batch may be, and analytics would refuse it for ever.
        """
        count, first_seq = chunk.trades, self._writer.next_seq
        if count > MAX_BATCH_TRADES:
            msg = f"{count} trades are too many for a batch of at most {MAX_BATCH_TRADES}"
            raise ValueError(msg)
        header = FastHeader(
            stream=self._log.stream,
            epoch=self._log.epoch.number,
            epoch_seq=self._log.epoch.first_seq,
            first_seq=first_seq,
            count=count,
            symbols=chunk.symbols,
            sources=chunk.sources,
            replayed=chunk.replayed,
            accounts=list(chunk.accounts),
            ids=[TradeIdRef(index=index, id=name) for index, name in chunk.ids],
            commands=commands or [],
            sent_ns=self._clock.now_ns(),
        )
        self._add(LogBatch(first_seq, count, encode_header(header), chunk.frame))
        self.accepted_trades += count
        self.batches += 1
        self.largest_batch_trades = max(self.largest_batch_trades, count)
        self.batches_by_size[bisect_left(BATCH_TRADES_BOUNDS, count)] += 1

    def add_events(self, frames: Sequence[bytes], received_ns: int) -> None:
        """Numbers messages about orders among the trades, and adds them as batches of their own."""
        for begin in range(0, len(frames), MAX_BATCH_EVENTS):
            piece, first_seq = frames[begin : begin + MAX_BATCH_EVENTS], self._writer.next_seq
            header = FastHeader(
                kind="events",
                stream=self._log.stream,
                epoch=self._log.epoch.number,
                epoch_seq=self._log.epoch.first_seq,
                first_seq=first_seq,
                count=len(piece),
                symbols=[],
                sources=[],
                sent_ns=self._clock.now_ns(),
            )
            lines = encode_event_lines(piece, received_ns)
            self._add(LogBatch(first_seq, len(piece), encode_header(header), lines))
            self.accepted_events += len(piece)

    def _add(self, batch: LogBatch) -> None:
        self._writer.add(batch)
        self._cursor.add(batch)

    async def flush(self) -> None:
        """Sends what is committed, and returns when analytics is close behind or away; `pump` sends the rest.

        Cancelled here nothing is lost: what was added is in the log, or will be.
        """
        self._send_or_wake_pump()
        while self._is_far_ahead() and not self._is_away:
            self._is_waiting.set()
            await self._next_move()

    async def _next_move(self) -> None:
        # Cleared before the wait, and conditions are read again after it: a report in between is not missed, as
        # nothing else runs between the two lines.
        self._moved.clear()
        await self._moved.wait()

    def _is_far_ahead(self) -> bool:
        return self.unapplied_trades > max(WINDOW_TRADES, WINDOW_BATCHES * self.largest_batch_trades)

    async def pump(self) -> None:
        """Sends what the sink's queue had no room for, and what is read from the log, for ever."""
        while True:
            await self._more_to_send.wait()
            self._more_to_send.clear()
            while not self._send():
                # Cancelled here nothing is lost: the batches are in the log.
                await self._sink.writable()
            # Reading a long log must not hold up all else that the loop has to do.
            await asyncio.sleep(0)

    async def watch(self) -> None:
        """Treats analytics as down when a `flush` waits and no acknowledgement comes within `PATIENCE_S`; for ever."""
        while True:
            await self._is_waiting.wait()
            confirmed_seq = self.confirmed_seq
            await self._clock.sleep(PATIENCE_S)
            self._is_waiting.clear()
            if confirmed_seq == self.confirmed_seq and self._is_far_ahead():
                self._is_away = True
            self._moved.set()  # who still waits sets `_is_waiting` again

    def _send(self) -> bool:
        """Sends what is committed; False when the sink is full. `pump` is woken where there is more in the log."""
        is_sent = self._cursor.send()
        if self._cursor.has_more:
            self._more_to_send.set()
        return is_sent

    def _send_or_wake_pump(self) -> None:
        if not self._send():
            self._more_to_send.set()

    async def follow(self, reports: Source) -> None:
        """Takes analytics' reports until their source ends; one that is not valid is logged and ignored."""
        while burst := await reports.receive():
            for frames in burst:
                try:
                    self.on_progress(decode_progress(bytes(frames[0])))
                except DecodeError as error:
                    self._refused.log(reason=error.reason, detail=error.detail)

    def on_progress(self, progress: Progress) -> None:
        """Takes a report of analytics: trims what it has for good, and retransmits what it misses."""
        if progress.stream != self._log.stream:
            return
        if max(progress.next_seq, progress.checkpointed_seq) > self._writer.next_seq and self._is_of_ours(progress):
            # Believed, it would drop batches that were never applied.
            self._refused.log(reason="out_of_range", detail=f"{progress.next_seq} was never sent")
            return
        if progress.checkpointed_seq > progress.next_seq:
            # Believed, it would drop trades from the log that analytics has yet to apply.
            self._refused.log(reason="out_of_range", detail=f"{progress.checkpointed_seq} is saved and not applied")
            return
        self.heard, self._heard_ns = True, self._clock.monotonic_ns()
        applied_seq = self._known(progress, progress.next_seq)
        if applied_seq > self.confirmed_seq:
            self._is_away = False
        # It goes back when analytics was restarted: what it had applied since its checkpoint it must apply again.
        self.confirmed_seq = max(applied_seq, self._log.first_seq)
        self._trim(self._known(progress, progress.checkpointed_seq))
        self._moved.set()
        if progress.resend:
            self._retransmit(applied_seq)
        self._send_or_wake_pump()

    def _known(self, progress: Progress, seq: int) -> int:
        """An offset that analytics reports, as far as it means trades that this log holds or held.

        One of an earlier epoch may lie behind the end of that epoch: a power cut took the trades that it means. So may
        one of a later epoch, of which an older copy of the log knows nothing.
        """
        if progress.epoch > self._log.epoch.number:
            return min(seq, self._log.epoch.first_seq)
        newer = (each.first_seq for each in (*self._log.ended, self._log.epoch) if each.number > progress.epoch)
        return min(seq, *newer, seq)

    def _is_of_ours(self, progress: Progress) -> bool:
        return progress.epoch == self._log.epoch.number

    def _trim(self, checkpointed_seq: int) -> None:
        if checkpointed_seq > self.checkpointed_seq:
            self.checkpointed_seq = checkpointed_seq
            self._writer.set_state({CHECKPOINTED: b"%d" % checkpointed_seq})
            self._writer.trim(checkpointed_seq)

    def _retransmit(self, missing_seq: int) -> None:
        if self._is_too_early(missing_seq):
            return
        if self._attempts >= MAX_ATTEMPTS:
            missing_seq = self._abandon(missing_seq)
        self._retransmitted_ns = self._clock.monotonic_ns()
        self._attempts += 1
        self.retransmissions += 1
        self._cursor.go_back(missing_seq)

    def _is_too_early(self, missing_seq: int) -> bool:
        """Whether the answer to an earlier request may still be on its way."""
        if missing_seq != self._asked_seq:
            self._asked_seq, self._attempts = missing_seq, 0
        if self._cursor.resume_due or (
            self._attempts and self._cursor.sent_seq <= missing_seq < self._writer.committed_seq
        ):
            return True  # it has not even been sent
        wait_ns = _MIN_RETRANSMIT_NS << max(self._attempts - 1, 0)
        return self._retransmitted_ns is not None and self._clock.monotonic_ns() - self._retransmitted_ns < wait_ns

    def _abandon(self, missing_seq: int) -> int:
        """Gives up the batch that analytics asks for again and again: better its trades than all that follow.

        Returns:
            The offset behind it.
        """
        for batch in self._log.read(missing_seq, max_bytes=1)[:1]:
            self.abandoned_batches += 1
            self.abandoned_trades += batch.trades
            self._logger.error(
                "batch_abandoned", first_seq=batch.first_seq, lost_trades=batch.trades, attempts=self._attempts
            )
            return batch.end_seq
        return missing_seq

    def heartbeat(self) -> None:
        """Sends the number that comes next, if there is room: with it analytics finds a loss at the end."""
        silent_s = self.silent_s
        if silent_s * 1e9 > _SILENT_NS:
            self._silent.log(silent_s=round(silent_s), unapplied_trades=self.unapplied_trades)
        if self._cursor.is_all_sent:
            self._sink.try_send(self._cursor.mark(self._cursor.sent_seq))
        else:
            self._send_or_wake_pump()

    async def finish(self) -> None:
        """Returns when analytics has applied everything and the end of the stream is sent."""
        while not self._cursor.is_all_sent or self.unapplied_trades:
            if not self._send():
                await self._sink.writable()
            elif self._cursor.is_all_sent:
                await self._next_move()
            else:
                await asyncio.sleep(0)
        final = self._cursor.mark(self._cursor.sent_seq, final=True)
        while not self._sink.try_send(final):
            await self._sink.writable()
