"""Acknowledges to durable clients what is in the log, on a channel of its own.

    AckRequest ──▶ the run is strict from now on, and followed here; or the answer says that it cannot be
    burst      ──▶ recorded ──▶ committed ──▶ Ack to whoever asked, at most every `ACK_INTERVAL_S` for all that came

An answer may be lost: the next one says all that it said, and a client that waits asks again. So nobody can hold up
ingest, whether he reads no answers, floods with requests, or goes.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from ingest.checking.event_check import joint_name
from ingest.checking.sequences import RunKey, SequenceTracker
from ingest.delivery.request_limit import RequestLimit
from telemetry_runtime import Clock, PeerChannel, RateLimitedWarning
from telemetry_schema import Ack, AckRequest, DecodeError, decode_ack_request, encode

ACK_INTERVAL_S: Final = 0.005
"""Between two rounds of acknowledgements: what a client holds for longer because of it fits into any queue."""

REQUEST_PAUSE_S: Final = 0.02
"""After each burst of requests, at most 64: a flood of them costs a few hundredths of a core."""

MAX_STREAMS: Final = 1024
"""Kinds of runs that are followed; beyond that the one whose client asked longest ago has to ask again."""

SHOWN_FOR_NS: Final = 60_000_000_000
"""What a client holds is shown for so long after it has said so; while it holds anything it repeats that."""


class Recorded(Protocol):
    """Where the numbers of runs are recorded."""

    async def committed(self) -> None:
        """Returns when what was recorded is committed."""
        ...


class _StreamKey(NamedTuple):
    source: str
    run: str
    kind: str


@dataclass(slots=True)
class _Stream:
    """Who follows it, and what was said last; -1 if nothing was since it was asked."""

    peer: bytes
    session: int
    acked_seq: int = -1


@dataclass(frozen=True, slots=True)
class ClientReport:
    """What one client said of itself, and when."""

    source: str
    held_trades: int
    held_bytes: int
    resent_trades: int
    at_ns: int


class Acknowledger:
    """Answers durable clients.

    Args:
        channel: where they ask.
        trades, events: the numbers of trades, and of messages about orders.
        recorded: says when numbers are in the log.
        clock: to wait with.
    """

    def __init__(
        self,
        channel: PeerChannel,
        *,
        trades: SequenceTracker,
        events: SequenceTracker,
        recorded: Recorded,
        clock: Clock,
    ) -> None:
        self._channel, self._trades, self._events = channel, trades, events
        self._recorded, self._clock = recorded, clock
        self._streams: dict[_StreamKey, _Stream] = {}
        self._reports: dict[bytes, ClientReport] = {}
        self._moved = asyncio.Event()
        self._limit = RequestLimit()
        self._refused = RateLimitedWarning("ack_request_refused", monotonic_ns=clock.monotonic_ns)
        self.sent_acks = 0
        self.refused_requests = 0

    @property
    def streams(self) -> int:
        """Kinds of runs that are followed."""
        return len(self._streams)

    def note_burst(self) -> None:
        """Numbers may have moved."""
        if self._streams:
            self._moved.set()

    async def take_requests(self) -> None:
        """Takes requests until the channel is closed."""
        while requests := await self._channel.receive():
            for peer, frame in requests:
                self._take(peer, frame)
            self._moved.set()
            await self._clock.sleep(REQUEST_PAUSE_S)

    def _take(self, peer: bytes, frame: bytes) -> None:
        if not self._limit.admits(peer, self._clock.monotonic_ns()):
            self._refuse("rate_limited", "a client asks too often; it hears of its numbers all the same")
            return
        try:
            request = decode_ack_request(frame)
        except DecodeError as error:
            self._refuse(error.reason, error.detail)
            return
        key = _StreamKey(request.source, request.run, request.kind)
        tracker, (source, run) = self._place(key)
        if tracker.follow(source, str(run), request.first_seq):
            self._follow(peer, request, key)
            return
        self._refuse("not_strict", f"run {request.run} of {request.source} has begun without acknowledgements")
        refusal = Ack.model_construct(**key._asdict(), session=request.session, next_seq=0, refused=True)
        self._channel.answer(peer, encode(refusal))

    def _follow(self, peer: bytes, request: AckRequest, key: _StreamKey) -> None:
        before = self._streams.pop(key, None)
        if before is not None and before.peer != peer:
            self._reports.pop(before.peer, None)  # it was an earlier connection of the same client
        if len(self._streams) >= MAX_STREAMS:
            del self._streams[next(iter(self._streams))]
        self._streams[key] = _Stream(peer, request.session)
        tracker, run = self._place(key)
        window = tracker.strict(run)
        if window is not None and (before is None or (before.peer, before.session) != (peer, request.session)):
            window.was_passed_over = False  # that was of an earlier connection
        self._note_report(peer, request)

    def _refuse(self, reason: str, detail: str) -> None:
        self.refused_requests += 1
        self._refused.log(reason=reason, detail=detail)

    def _place(self, key: _StreamKey) -> tuple[SequenceTracker, RunKey]:
        """Where its numbers are followed."""
        if key.kind == "trade":
            return self._trades, (key.source, key.run)
        return self._events, (joint_name(key.kind, key.source), key.run)

    def _note_report(self, peer: bytes, request: AckRequest) -> None:
        now_ns = self._clock.monotonic_ns()
        self._reports.pop(peer, None)
        for old in [each for each, report in self._reports.items() if now_ns - report.at_ns > SHOWN_FOR_NS]:
            del self._reports[old]
        if len(self._reports) >= MAX_STREAMS:
            del self._reports[next(iter(self._reports))]
        held = request.held_trades, request.held_bytes, request.resent_trades
        self._reports[peer] = ClientReport(request.source, *held, now_ns)

    def reports(self) -> Mapping[str, Counter[str]]:
        """By source, what its clients said lately: the sums of `held_trades`, `held_bytes`, `resent_trades`."""
        sums: dict[str, Counter[str]] = {}
        for report in self._reports.values():
            if self._clock.monotonic_ns() - report.at_ns <= SHOWN_FOR_NS:
                sums.setdefault(report.source, Counter()).update(
                    held_trades=report.held_trades, held_bytes=report.held_bytes, resent_trades=report.resent_trades
                )
        return sums

    async def acknowledge(self) -> None:
        """Answers whenever more is committed, for ever."""
        while True:
            await self._moved.wait()
            self._moved.clear()
            # All numbers that moved were recorded in the step of the loop in which they moved, so what is due here is
            # committed when that is.
            due = self._due()
            if due:
                await self._recorded.committed()
                self._send(due)
            await self._clock.sleep(ACK_INTERVAL_S)

    def _due(self) -> list[tuple[_StreamKey, int, bool]]:
        due = []
        for key, stream in list(self._streams.items()):
            tracker, run = self._place(key)
            window = tracker.strict(run)
            if window is None:
                del self._streams[key]  # the run was forgotten: the client asks again, and it is joined anew
            elif window.next_seq != stream.acked_seq or window.was_passed_over:
                due.append((key, window.next_seq, window.was_passed_over))
                window.was_passed_over = False
        return due

    def _send(self, due: list[tuple[_StreamKey, int, bool]]) -> None:
        for key, next_seq, resend in due:
            stream = self._streams.get(key)
            if stream is None:
                continue
            ack = Ack.model_construct(**key._asdict(), session=stream.session, next_seq=next_seq, resend=resend)
            if self._channel.answer(stream.peer, encode(ack)):
                stream.acked_seq = next_seq
                self.sent_acks += 1
            else:
                # The peer has gone, or does not read: whoever needs it asks again.
                del self._streams[key]
                self._reports.pop(stream.peer, None)
