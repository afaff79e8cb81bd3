"""The way of accepted trades to analytics: numbered, held until analytics has applied them, sent again if it asks.

Nothing accepted is lost on this hop: a batch is dropped from memory only when analytics has reported it applied
(`Progress`). Analytics asks again from the number it misses (it was restarted, or a connection broke); what it gets
twice it knows by its number. When too much is held, ingest waits: backpressure reaches the clients' own queues.
"""

import asyncio
from collections import deque
from typing import NamedTuple

from ingest.checking.chunks import Chunk
from ingest.delivery.sizes import SizeHistogram
from telemetry_runtime import Clock, Frames, RateLimitedWarning, Source, TrySink
from telemetry_schema import DecodeError, Progress, decode_progress
from telemetry_schema.batch import CommandRef, FastHeader, encode_header

_MIN_RESEND_NS = 200_000_000
"""At most one rewind in this time: what is in flight answers the same question again and again."""

WINDOW_TRADES = 32_768
WINDOW_BATCHES = 8
"""What is on its way beyond both of these waits until analytics has come closer: a queue between the services only
makes the trades of all clients late (32,768 of them 80 ms, at 400,000 a second)."""

PATIENCE_S = 0.1
"""How long to wait for analytics to come closer. One that has not by then is away, until it is heard of again: what is
accepted is held for it instead."""

MAX_HELD_BATCHES = 20_000
"""Batches held at most, whatever their size: at low rates a batch is one trade and weighs about 1 kB."""


class _Held(NamedTuple):
    first_seq: int
    trades: int
    frames: Frames


class Outflow:
    """Numbers batches in the stream and brings them to analytics, in order.

    Args:
        sink: where batches go.
        stream: name of this ingest run.
        max_unapplied_trades: how many trades are held at most before `flush` waits.
    """

    def __init__(self, sink: TrySink, *, stream: str, clock: Clock, max_unapplied_trades: int) -> None:
        self._sink, self._stream, self._clock = sink, stream, clock
        self._max_unapplied = max_unapplied_trades
        self._unsent: deque[_Held] = deque()
        self._sent: deque[_Held] = deque()
        self._applied = asyncio.Event()
        self._waiting = asyncio.Event()
        self._resent_ns = 0
        self._away = False
        self.next_seq = 0
        self.confirmed_seq = 0
        self.sizes = SizeHistogram()
        self.resends = 0
        self.heard = False
        self._refused = RateLimitedWarning("progress_refused", monotonic_ns=clock.monotonic_ns)

    @property
    def unapplied_trades(self) -> int:
        """Accepted trades that analytics has not reported applied."""
        return self.next_seq - self.confirmed_seq

    def add(self, chunk: Chunk, commands: list[CommandRef] | None = None) -> None:
        """Numbers a chunk and takes it over; `flush` sends it."""
        count = chunk.trades
        header = FastHeader(
            stream=self._stream,
            first_seq=self.next_seq,
            count=count,
            symbols=chunk.symbols,
            sources=chunk.sources,
            replayed=chunk.replayed,
            commands=commands or [],
            sent_ns=self._clock.now_ns(),
        )
        self._unsent.append(_Held(self.next_seq, count, (encode_header(header), chunk.frame)))
        self.next_seq += count
        self.sizes.add(count)

    async def flush(self) -> None:
        """Sends what there is room for and returns when not too much is held; `pump` sends the rest.

        Cancelled here nothing is lost: what was added stays held.
        """
        if not self._send_all():
            self._waiting.set()
        if self._is_far_ahead() and not self._away:
            await self._let_catch_up()
        while self.unapplied_trades > self._max_unapplied or self._held_batches > MAX_HELD_BATCHES:
            self._applied.clear()
            await self._applied.wait()

    @property
    def _held_batches(self) -> int:
        return len(self._sent) + len(self._unsent)

    def _is_far_ahead(self) -> bool:
        return self.unapplied_trades > WINDOW_TRADES and self._held_batches > WINDOW_BATCHES

    async def _let_catch_up(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while self._is_far_ahead():
                    self._applied.clear()
                    await self._applied.wait()
        except TimeoutError:
            self._away = True

    async def pump(self) -> None:
        """Sends what did not fit into the queue as soon as it does, for ever."""
        while True:
            await self._waiting.wait()
            while not self._send_all():
                # Cancelled here nothing is lost: the batches are held.
                await self._sink.writable()
            self._waiting.clear()

    def _send_all(self) -> bool:
        while self._unsent:
            if not self._sink.try_send(self._unsent[0].frames):
                return False
            held = self._unsent.popleft()
            if held.trades:
                self._sent.append(held)
        return True

    async def follow(self, reports: Source) -> None:
        """Takes analytics' reports until their source ends; one that is no report is told and passed over."""
        while burst := await reports.receive():
            for frames in burst:
                try:
                    self.on_progress(decode_progress(bytes(frames[0])))
                except DecodeError as error:
                    self._refused.log(reason=error.reason, detail=error.detail)

    def on_progress(self, progress: Progress) -> None:
        """Takes a report of analytics: lets go of what is applied, sends again what it misses."""
        if progress.stream != self._stream:
            return
        self.heard = True
        self._away = self._away and progress.next_seq <= self.confirmed_seq
        self.confirmed_seq = max(self.confirmed_seq, min(progress.next_seq, self.next_seq))
        for held in (self._sent, self._unsent):
            while held and held[0].trades and held[0].first_seq + held[0].trades <= self.confirmed_seq:
                held.popleft()
        self._applied.set()
        if progress.resend:
            self._rewind()
        if not self._send_all():
            self._waiting.set()

    def _rewind(self) -> None:
        now_ns = self._clock.now_ns()
        if now_ns - self._resent_ns < _MIN_RESEND_NS:
            return
        self._resent_ns = now_ns
        self.resends += 1
        self._unsent.extendleft(reversed(self._sent))
        self._sent.clear()
        first = self._unsent[0].first_seq if self._unsent else self.next_seq
        self._unsent.appendleft(self._mark(first, resume=True))

    def _mark(self, first_seq: int, *, resume: bool = False, final: bool = False) -> _Held:
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
        return _Held(first_seq, 0, (encode_header(header), b""))

    def heartbeat(self) -> None:
        """Tells analytics which number comes next, if there is room; with it a loss at the end shows."""
        if not self._unsent:
            self._sink.try_send(self._mark(self.next_seq).frames)
        else:
            self._send_all()

    async def finish(self) -> None:
        """Returns when analytics has applied everything and was told that the stream ends."""
        while not self._send_all() or self.unapplied_trades:
            self._applied.clear()
            if self._unsent:
                await self._sink.writable()
            else:
                await self._applied.wait()
        self._unsent.append(self._mark(self.next_seq, final=True))
        while not self._send_all():
            await self._sink.writable()
