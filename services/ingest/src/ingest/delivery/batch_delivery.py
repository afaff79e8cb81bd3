"""At-least-once delivery of batches to analytics, which deduplicates them by number.

    add()            try_send() took it           Progress.next_seq is beyond it
      │                     │                                  │
      ▼                     │                                  │
    QUEUED ─────────────────┴──────▶ IN FLIGHT ────────────────┴──▶ ACKNOWLEDGED (released)
      ▲                                  │
      └────── Progress.resend ───────────┘   retransmission: all unacknowledged batches, oldest first,
                                             behind a mark that says where the numbers go on (`resume`)

A batch is released only when analytics has reported it applied, so nothing accepted is lost on this hop. Analytics asks
for a retransmission when it misses a number: it was restarted, or a connection broke. When too much is held, ingest
waits: backpressure reaches the clients' own queues.
"""

import asyncio
from collections import deque
from typing import NamedTuple

from prometheus_client import Histogram

from ingest.checking.chunks import Chunk
from telemetry_runtime import Clock, Frames, RateLimitedWarning, Source, TrySink
from telemetry_schema import DecodeError, Progress, decode_progress
from telemetry_schema.batch import BATCH_TRADES_BOUNDS, CommandRef, FastHeader, TradeIdRef, encode_header

_MIN_RETRANSMIT_NS = 200_000_000
"""At most one retransmission in this time: analytics repeats its request until what is in flight has arrived."""

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
        self.heard = False
        self._refused = RateLimitedWarning("progress_refused", monotonic_ns=clock.monotonic_ns)

    @property
    def unapplied_trades(self) -> int:
        """Accepted trades that analytics has not reported applied."""
        return self.next_seq - self.confirmed_seq

    def add(self, chunk: Chunk, commands: list[CommandRef] | None = None) -> None:
        """Numbers a chunk and queues it as a batch; `flush` sends it."""
        count = chunk.trades
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
        self.heard = True
        if progress.next_seq > self.confirmed_seq:
            self._is_away = False
        self.confirmed_seq = max(self.confirmed_seq, min(progress.next_seq, self.next_seq))
        self._release_acknowledged()
        self._moved.set()
        if progress.resend:
            self._retransmit()
        self._send_or_wake_pump()

    def _release_acknowledged(self) -> None:
        # A batch may be acknowledged while it is queued: it was applied, and then queued again.
        for held in (self._in_flight, self._queued):
            while held and held[0].trades and held[0].first_seq + held[0].trades <= self.confirmed_seq:
                held.popleft()

    def _retransmit(self) -> None:
        now_ns = self._clock.monotonic_ns()
        if self._retransmitted_ns is not None and now_ns - self._retransmitted_ns < _MIN_RETRANSMIT_NS:
            return
        self._retransmitted_ns = now_ns
        self.retransmissions += 1
        self._queued.extendleft(reversed(self._in_flight))
        self._in_flight.clear()
        first_seq = self._queued[0].first_seq if self._queued else self.next_seq
        self._queued.appendleft(self._mark(first_seq, resume=True))

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
