"""At-least-once delivery of batches to analytics, which deduplicates them by number.

    add()            try_send() took it           Progress.next_seq is beyond it
      │                     │                                  │
      ▼                     │                                  │
    QUEUED ─────────────────┴──────▶ IN FLIGHT ────────────────┴──▶ ACKNOWLEDGED (released)
      ▲                                  │
      ├────── Progress.resend ───────────┘   retransmission: all unacknowledged batches, oldest first,
      │                                      behind a mark that says where the numbers go on (`resume`)
      └──▶ ABANDONED                         analytics asked for the same batch `MAX_ATTEMPTS` times, each time
                                             after it was sent: it cannot take it, and all others wait behind it

A batch is released only when analytics has reported it applied, so nothing accepted is lost on this hop. Analytics asks
for a retransmission when it misses a number: it was restarted, or a connection broke. When too much is held, ingest
waits: backpressure reaches the clients' own queues.
"""

import asyncio
from collections import deque
from typing import NamedTuple

import structlog
from prometheus_client import Histogram

from ingest.checking.chunks import Chunk
from telemetry_runtime import Clock, Frames, RateLimitedWarning, Source, TrySink
from telemetry_schema import DecodeError, Progress, decode_progress
from telemetry_schema.batch import (
    BATCH_TRADES_BOUNDS,
    MAX_BATCH_TRADES,
    CommandRef,
    FastHeader,
    TradeIdRef,
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
are held for it meanwhile."""

MAX_HELD_BATCHES = 20_000
"""Batches held at most, whatever their size: at low rates a batch is one trade and weighs about 1 kB."""


class _HeldBatch(NamedTuple):
    first_seq: int
    trades: int
    """0 for a mark: a batch without trades, which is not acknowledged."""
    frames: Frames


class BatchDelivery:
    """Numbers batches in the stream and delivers them to analytics, in order.

    Args:
        sink: where batches go.
        stream: name of this ingest run.
        max_unapplied_trades: how many trades are held at most before `flush` waits.
    """

    def __init__(self, sink: TrySink, *, stream: str, clock: Clock, max_unapplied_trades: int) -> None:
        self._sink, self._stream, self._clock = sink, stream, clock
        self._max_unapplied = max_unapplied_trades
        self._queued: deque[_HeldBatch] = deque()
        self._in_flight: deque[_HeldBatch] = deque()
        self._moved = asyncio.Event()
        """Set by every report of analytics, and when it is given up waiting for one."""
        self._sink_is_full = asyncio.Event()
        self._is_waiting = asyncio.Event()
        self._retransmitted_ns: int | None = None
        self._asked_seq, self._attempts = -1, 0
        """The number that analytics asked for last, and how often it was sent again."""
        self._heard_ns = clock.monotonic_ns()
        self._is_away = False
        self.next_seq = 0
        self.confirmed_seq = 0
        self.batches = 0
        self.largest_batch_trades = 0
        self.sizes = Histogram(
            "telemetry_batch_trades", "Trades in a batch.", ["service"], buckets=BATCH_TRADES_BOUNDS, registry=None
        )
        self._observe_size = self.sizes.labels("ingest").observe
        self.retransmissions = 0
        self.abandoned_batches = 0
        self.abandoned_trades = 0
        self.heard = False
        self._refused = RateLimitedWarning("progress_refused", monotonic_ns=clock.monotonic_ns)
        self._silent = RateLimitedWarning("analytics_not_heard_of", monotonic_ns=clock.monotonic_ns, interval_s=60.0)
        self._log = structlog.get_logger("delivery")

    @property
    def unapplied_trades(self) -> int:
        """Accepted trades that analytics has not reported applied."""
        return self.next_seq - self.confirmed_seq

    @property
    def silent_s(self) -> float:
        """Seconds since analytics' last report, or since the start."""
        return (self._clock.monotonic_ns() - self._heard_ns) / 1e9

    def add(self, chunk: Chunk, commands: list[CommandRef] | None = None) -> None:
        """Numbers a chunk and queues it as a batch; `flush` sends it.

        Raises:
            ValueError: it is longer than a batch may be, and analytics would refuse it for ever.
        """
        count = chunk.trades
        if count > MAX_BATCH_TRADES:
            msg = f"{count} trades are too many for a batch of at most {MAX_BATCH_TRADES}"
            raise ValueError(msg)
        header = FastHeader(
            stream=self._stream,
            first_seq=self.next_seq,
            count=count,
            symbols=chunk.symbols,
            sources=chunk.sources,
            replayed=chunk.replayed,
            accounts=list(chunk.accounts),
            ids=[TradeIdRef(index=index, id=name) for index, name in chunk.ids],
            commands=commands or [],
            sent_ns=self._clock.now_ns(),
        )
        self._queued.append(_HeldBatch(self.next_seq, count, (encode_header(header), chunk.frame)))
        self.next_seq += count
        self.batches += 1
        self.largest_batch_trades = max(self.largest_batch_trades, count)
        self._observe_size(count)

    async def flush(self) -> None:
        """Sends what there is room for and returns when not too much is held; `pump` sends the rest.

        Cancelled here nothing is lost: what was added stays held.
        """
        self._send_or_wake_pump()
        while self._is_far_ahead() and not self._is_away:
            self._is_waiting.set()
            await self._next_move()
        while self.unapplied_trades > self._max_unapplied or self._held_batches > MAX_HELD_BATCHES:
            await self._next_move()

    async def _next_move(self) -> None:
        # Cleared before the wait, and conditions are read again after it: a report in between is not missed, as
        # nothing else runs between the two lines.
        self._moved.clear()
        await self._moved.wait()

    @property
    def _held_batches(self) -> int:
        return len(self._in_flight) + len(self._queued)

    def _is_far_ahead(self) -> bool:
        return self.unapplied_trades > WINDOW_TRADES and self._held_batches > WINDOW_BATCHES

    async def pump(self) -> None:
        """Sends what did not fit into the sink's queue as soon as it does, for ever."""
        while True:
            await self._sink_is_full.wait()
            while not self._send_queued():
                # Cancelled here nothing is lost: the batches are held.
                await self._sink.writable()
            self._sink_is_full.clear()

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

    def _send_queued(self) -> bool:
        while self._queued:
            if not self._sink.try_send(self._queued[0].frames):
                return False
            batch = self._queued.popleft()
            if batch.trades:
                self._in_flight.append(batch)
        return True

    def _send_or_wake_pump(self) -> None:
        if not self._send_queued():
            self._sink_is_full.set()

    async def follow(self, reports: Source) -> None:
        """Takes analytics' reports until their source ends; one that is not valid is logged and ignored."""
        while burst := await reports.receive():
            for frames in burst:
                try:
                    self.on_progress(decode_progress(bytes(frames[0])))
                except DecodeError as error:
                    self._refused.log(reason=error.reason, detail=error.detail)

    def on_progress(self, progress: Progress) -> None:
        """Takes a report of analytics: releases acknowledged batches, and retransmits the others if it misses some."""
        if progress.stream != self._stream:
            return
        if progress.next_seq > self.next_seq:
            # Believed, it would release batches that were never applied.
            self._refused.log(reason="out_of_range", detail=f"{progress.next_seq} was never sent")
            return
        self.heard, self._heard_ns = True, self._clock.monotonic_ns()
        if progress.next_seq > self.confirmed_seq:
            self._is_away = False
        self.confirmed_seq = max(self.confirmed_seq, progress.next_seq)
        self._release_acknowledged()
        self._moved.set()
        if progress.resend:
            self._retransmit(progress.next_seq)
        self._send_or_wake_pump()

    def _release_acknowledged(self) -> None:
        # A batch may be acknowledged while it is queued: it was applied, and then queued again.
        for held in (self._in_flight, self._queued):
            while held and held[0].trades and held[0].first_seq + held[0].trades <= self.confirmed_seq:
                held.popleft()

    def _retransmit(self, missing_seq: int) -> None:
        if self._is_too_early(missing_seq):
            return
        if self._attempts >= MAX_ATTEMPTS:
            self._abandon()
        self._retransmitted_ns = self._clock.monotonic_ns()
        self._attempts += 1
        self.retransmissions += 1
        self._queued.extendleft(reversed(self._in_flight))
        self._in_flight.clear()
        first_seq = self._queued[0].first_seq if self._queued else self.next_seq
        self._queued.appendleft(self._mark(first_seq, resume=True))

    def _is_too_early(self, missing_seq: int) -> bool:
        """Whether the answer to an earlier request may still be on its way."""
        if missing_seq != self._asked_seq:
            self._asked_seq, self._attempts = missing_seq, 0
        if self._queued and not self._queued[0].trades:
            return True  # it has not even been sent
        wait_ns = _MIN_RETRANSMIT_NS << max(self._attempts - 1, 0)
        return self._retransmitted_ns is not None and self._clock.monotonic_ns() - self._retransmitted_ns < wait_ns

    def _abandon(self) -> None:
        """Gives up the batch that analytics asks for again and again: better its trades than all that follow."""
        if self._in_flight and self._in_flight[0].first_seq <= self._asked_seq:
            batch = self._in_flight.popleft()
            self.abandoned_batches += 1
            self.abandoned_trades += batch.trades
            self.confirmed_seq = max(self.confirmed_seq, batch.first_seq + batch.trades)
            self._log.error(
                "batch_abandoned", first_seq=batch.first_seq, lost_trades=batch.trades, attempts=self._attempts
            )

    def _mark(self, first_seq: int, *, resume: bool = False, final: bool = False) -> _HeldBatch:
        header = FastHeader(
            stream=self._stream,
            first_seq=first_seq,
            count=0,
            symbols=[],
            sources=[],
            sent_ns=self._clock.now_ns(),
            resume=resume,
            final=final,
        )
        return _HeldBatch(first_seq, 0, (encode_header(header), b""))

    def heartbeat(self) -> None:
        """Sends the number that comes next, if there is room: with it analytics finds a loss at the end."""
        silent_s = self.silent_s
        if silent_s * 1e9 > _SILENT_NS:
            self._silent.log(silent_s=round(silent_s), unapplied_trades=self.unapplied_trades)
        if not self._queued:
            self._sink.try_send(self._mark(self.next_seq).frames)
        else:
            self._send_queued()

    async def finish(self) -> None:
        """Returns when analytics has applied everything and the end of the stream is sent."""
        while not self._send_queued() or self.unapplied_trades:
            if self._queued:
                await self._sink.writable()
            else:
                await self._next_move()
        self._queued.append(self._mark(self.next_seq, final=True))
        while not self._send_queued():
            await self._sink.writable()
