"""Position in each stream: deduplicates batches by number and finds which are missing.

Delivery is at-least-once; here each trade counts exactly once.

A stream is one run of ingest, which numbers its trades from 0 and holds those that are not acknowledged. When some are
missing here (the connection broke, analytics was restarted), later batches are dropped and ingest is asked to
retransmit. It then says with `resume` where it goes on; only trades before that are lost.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, NamedTuple

import structlog

from telemetry_schema import Progress
from telemetry_schema.batch import BatchHeader

MAX_STREAMS: Final = 64
"""Streams remembered; the one that has been silent for longest is forgotten first."""


MAX_JUMP_TRADES: Final = 1_000_000_000
"""Trades that a stream we know may say are lost at once. More than ingest can hold is no loss but an error, and would
silence the stream for ever."""


class Place(Enum):
    """Place of a batch in its stream."""

    HEARTBEAT = auto()
    """It has no trades."""
    OUT_OF_ORDER = auto()
    """Trades before it are missing: it is dropped, and will be retransmitted."""
    NEXT = auto()
    """Some of its trades, or all, are new."""
    IMPOSSIBLE = auto()
    """Its numbers cannot be: it is refused, and moves nothing."""
    REPEATED = auto()
    """All of its trades have been applied before."""


class Admission(NamedTuple):
    """What a batch brings."""

    place: Place
    repeated: int = 0
    """Trades at its beginning that have been applied before."""
    lost: int = 0
    """Trades before it that will not come any more."""


@dataclass(slots=True)
class _Stream:
    next_seq: int = 0
    joined: bool = False
    """We know where it goes on."""
    missing: bool = False
    final: bool = False
    acknowledged: bool = False


class Streams:
    """The position in each stream."""

    def __init__(self) -> None:
        self._streams: dict[str, _Stream] = {}
        self._newest = ""
        self._log = structlog.get_logger("streams")

    def admit(self, header: BatchHeader) -> Admission:
        """Finds the place of a batch and moves the stream's position behind it."""
        stream = self._stream(header.stream)
        if header.resume and stream.joined and header.first_seq - stream.next_seq > MAX_JUMP_TRADES:
            return Admission(Place.IMPOSSIBLE)
        self._doubt(stream, header)
        # A heartbeat is acknowledged even if nothing has moved: an earlier acknowledgement may be lost.
        stream.acknowledged = False
        lost = self._resume(stream, header) if header.resume or not (stream.joined or header.first_seq) else 0
        if not stream.joined or header.first_seq > stream.next_seq:
            self._miss(stream, header)
            return Admission(Place.OUT_OF_ORDER if header.count else Place.HEARTBEAT)
        stream.final = header.final
        return self._place(stream, header, lost)

    def _doubt(self, stream: _Stream, header: BatchHeader) -> None:
        """Forgets a position far beyond the number that ingest says is next: somebody else gave it to us."""
        if not header.count and not header.resume and stream.next_seq - header.first_seq > MAX_JUMP_TRADES:
            self._log.warning("stream_position_impossible", stream=header.stream, next_seq=stream.next_seq)
            stream.next_seq, stream.joined = 0, False

    def _stream(self, name: str) -> _Stream:
        if name == self._newest:
            return self._streams[name]
        # Put back last: the first is the one that has been silent for longest.
        stream = self._streams[name] = self._streams.pop(name, _Stream())
        self._newest = name
        if len(self._streams) > MAX_STREAMS:
            del self._streams[next(iter(self._streams))]
        return stream

    def _resume(self, stream: _Stream, header: BatchHeader) -> int:
        """Goes on where ingest says.

        Returns:
            The number of trades lost. A stream that is new to us has lost none: an earlier analytics applied them.
        """
        lost = max(header.first_seq - stream.next_seq, 0) if stream.joined else 0
        if lost:
            self._log.warning("stream_gap_found", stream=header.stream, next_seq=header.first_seq, lost_trades=lost)
        if not stream.joined:
            self._log.info("stream_joined", stream=header.stream, next_seq=header.first_seq)
        stream.next_seq = max(stream.next_seq, header.first_seq)
        stream.joined, stream.missing = True, False
        return lost

    def _miss(self, stream: _Stream, header: BatchHeader) -> None:
        if not stream.missing:
            self._log.info("stream_misses_trades", stream=header.stream, next_seq=stream.next_seq, got=header.first_seq)
        stream.missing = True

    def _place(self, stream: _Stream, header: BatchHeader, lost: int) -> Admission:
        repeated = min(stream.next_seq - header.first_seq, header.count)
        if not header.count:
            return Admission(Place.HEARTBEAT, lost=lost)
        if repeated == header.count:
            return Admission(Place.REPEATED, repeated, lost)
        stream.next_seq = header.first_seq + header.count
        stream.missing = False
        return Admission(Place.NEXT, repeated, lost)

    def acknowledgements_due(self) -> list[Progress]:
        """Acknowledgements due: one per stream with news since the last one."""
        return [
            Progress(stream=name, next_seq=stream.next_seq, resend=stream.missing)
            for name, stream in self._streams.items()
            if not stream.acknowledged
        ]

    def acknowledged(self, progress: Progress) -> None:
        """An acknowledgement was sent. A request to retransmit stays due until the trades come."""
        stream = self._streams.get(progress.stream)
        if stream is not None and stream.next_seq == progress.next_seq:
            stream.acknowledged = not stream.missing

    @property
    def all_final(self) -> bool:
        """Whether every stream has said that it has ended; so also without streams."""
        return all(stream.final for stream in self._streams.values())
