"""Position in each stream: deduplicates batches by offset and finds which are missing.

Delivery is at-least-once; here each trade counts exactly once.

A stream is a log of ingest, which numbers its trades from 0 and keeps those that are not in a checkpoint of analytics.
When some are missing here (the connection broke, analytics was restarted), later batches are dropped and ingest is
asked to retransmit. It then says with `resume` where it goes on; only trades before that are lost.

A power cut may take the end of a log, and the next epoch uses its offsets again, for other trades:

    epoch 1   0 ───────────────── 80 ╌╌╌╌╌╌╌╌╌ 100      applied here up to 100; 80 to 100 are gone from the log
    epoch 2                       80 ─────────────▶     its first offset is below our position: goes back to 80

What was applied of the lost end stays applied, as it was accepted, and is counted as rewound. What still comes of an
earlier epoch is a repetition. An epoch may have come and gone while we heard nothing, and its first offset may be below
our position too: so a stream goes on in a new epoch only behind a mark, and before that come marks of those that ended.

Where nothing but an earlier epoch is heard for `OLDER_AFTER_NS` the log is an older copy of itself, as of a backup, and
the clock of its machine is behind: the stream goes on there, as in a new epoch.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, NamedTuple, TypeAlias

import structlog

from analytics.checkpoint.parts import State
from telemetry_schema import Progress
from telemetry_schema.batch import BatchHeader

MAX_STREAMS: Final = 64
"""Streams remembered. Of more, these are forgotten first: those that have brought no trade, the longest silent first;
those that are silent for `SILENT_AFTER_NS`, likewise; the youngest. So whoever invents names pushes out his own."""

SILENT_AFTER_NS: Final = 60_000_000_000
"""An ingest that runs is heard twice a second."""

OLDER_AFTER_NS: Final = 10_000_000_000
"""So long only an earlier epoch is heard of a stream, before it is believed to be the one that goes on."""

MAX_JUMP_TRADES: Final = 1_000_000_000
"""Trades that a stream we know may say are lost at once. More than ingest can hold is no loss but an error, and would
silence the stream for ever."""

Positions: TypeAlias = dict[str, tuple[int, int]]
"""Of each stream its epoch, and the offset of the trade that comes next."""


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
    rewound: int = 0
    """Trades that were applied here, and are gone from ingest's log."""

    @property
    def is_applied(self) -> bool:
        """Whether all trades of the batch are applied, now or before."""
        return self.place is not Place.OUT_OF_ORDER and self.place is not Place.IMPOSSIBLE


@dataclass(slots=True)
class _Stream:
    next_seq: int = 0
    epoch: int = 0
    """The newest that was heard of."""
    epoch_seq: int = 0
    """The offset it begins at."""
    checkpointed_seq: int = 0
    joined: bool = False
    """We know where it goes on."""
    missing: bool = False
    final: bool = False
    acknowledged: bool = False
    has_applied: bool = False
    heard_ns: int = 0
    """In monotonic time."""
    older_since_ns: int = -1
    """Since then, in monotonic time, only an earlier epoch is heard; -1 if it is not so."""
    born: int = 0
    """Counts the streams by the order in which they were first heard of."""


class Streams:
    """The position in each stream."""

    def __init__(self) -> None:
        self._streams: dict[str, _Stream] = {}
        self._newest = ""
        self._behind: str | None = None
        self._restored_ns = self._monotonic_ns = 0
        self._births = 0
        self._log = structlog.get_logger("streams")

    def tick(self, monotonic_ns: int) -> None:
        """Moves the time by which streams are silent."""
        self._monotonic_ns = monotonic_ns

    def admit(self, header: BatchHeader) -> Admission:
        """Finds the place of a batch and moves the stream's position behind it."""
        stream = self._stream(header.stream)
        if header.resume and header.final:
            return self._of_ended_epoch(stream, header)
        if header.resume and stream.joined and header.first_seq - stream.next_seq > MAX_JUMP_TRADES:
            return Admission(Place.IMPOSSIBLE)
        self._doubt(stream, header)
        # A heartbeat is acknowledged even if nothing has moved: an earlier acknowledgement may be lost.
        stream.acknowledged = False
        is_older = header.epoch < stream.epoch and self._goes_on_in_earlier_epoch(stream, header)
        if header.epoch < stream.epoch and not is_older:
            return self._of_earlier_epoch(stream, header)
        stream.older_since_ns = -1
        if header.epoch > stream.epoch and stream.joined and not header.resume:
            self._miss(stream, header)
            return Admission(Place.OUT_OF_ORDER if header.count else Place.HEARTBEAT)
        rewound = self._begin_epoch(stream, header) if is_older or header.epoch > stream.epoch else 0
        lost = self._resume(stream, header) if header.resume or not (stream.joined or header.first_seq) else 0
        if not stream.joined or header.first_seq > stream.next_seq:
            self._miss(stream, header)
            return Admission(Place.OUT_OF_ORDER if header.count else Place.HEARTBEAT, rewound=rewound)
        stream.final = header.final
        if header.sent_ns >= self._restored_ns and not header.resume:
            self.give_up_waiting()
        admission = self._place(stream, header, lost)
        return admission._replace(rewound=rewound) if rewound else admission

    def _of_ended_epoch(self, stream: _Stream, header: BatchHeader) -> Admission:
        """A mark of an epoch that has ended since: we may have applied what was gone at its begin. It has no trades."""
        if header.count:
            return Admission(Place.IMPOSSIBLE)
        is_news = stream.joined and header.epoch > stream.epoch
        return Admission(Place.HEARTBEAT, rewound=self._begin_epoch(stream, header) if is_news else 0)

    def _goes_on_in_earlier_epoch(self, stream: _Stream, header: BatchHeader) -> bool:
        """Whether for long nothing but an earlier epoch was heard of: ingest's log was replaced by an older one."""
        if header.count:
            return False
        if stream.older_since_ns < 0:
            stream.older_since_ns = self._monotonic_ns
        if self._monotonic_ns - stream.older_since_ns < OLDER_AFTER_NS:
            return False
        hint = "the log of ingest is older than what was applied, as from a backup, and its clock is behind"
        self._log.warning("stream_older", stream=header.stream, next_seq=header.first_seq, hint=hint)
        return True

    def _of_earlier_epoch(self, stream: _Stream, header: BatchHeader) -> Admission:
        """A batch that was written before the ingest that we hear now was started.

        It may be one that we miss; but what is behind the begin of the new epoch has gone from the log.
        """
        end_seq = header.first_seq + header.count
        if not header.count or end_seq <= stream.next_seq or end_seq > stream.epoch_seq:
            return Admission(Place.REPEATED if header.count else Place.HEARTBEAT, repeated=header.count)
        if header.first_seq > stream.next_seq or not stream.joined:
            self._miss(stream, header)
            return Admission(Place.OUT_OF_ORDER)
        return self._place(stream, header, 0)

    def _begin_epoch(self, stream: _Stream, header: BatchHeader) -> int:
        """Takes note that another ingest process writes the log; the number of trades applied here that it lacks."""
        stream.epoch, stream.epoch_seq = header.epoch, header.epoch_seq
        rewound = max(stream.next_seq - header.epoch_seq, 0) if stream.joined else 0
        if rewound:
            self._log.warning(
                "stream_rewound", stream=header.stream, next_seq=header.epoch_seq, applied_trades_gone=rewound
            )
            stream.next_seq = header.epoch_seq
            stream.checkpointed_seq = min(stream.checkpointed_seq, header.epoch_seq)
        return rewound

    def _doubt(self, stream: _Stream, header: BatchHeader) -> None:
        """Forgets a position far beyond the number that ingest says is next: somebody else gave it to us."""
        if not header.count and not header.resume and stream.next_seq - header.first_seq > MAX_JUMP_TRADES:
            self._log.warning("stream_position_impossible", stream=header.stream, next_seq=stream.next_seq)
            stream.next_seq, stream.joined = 0, False

    def _stream(self, name: str) -> _Stream:
        if name == self._newest:
            stream = self._streams[name]
        else:
            # Put back last: the first is the one that has been silent for longest.
            known = self._streams.pop(name, None)
            stream = self._streams[name] = self._new() if known is None else known
            self._newest = name
            if len(self._streams) > MAX_STREAMS:
                del self._streams[self._most_dispensable()]
        stream.heard_ns = self._monotonic_ns
        return stream

    def _new(self, next_seq: int = 0, epoch: int = 0, epoch_seq: int = 0, *, joined: bool = False) -> _Stream:
        self._births += 1
        return _Stream(
            next_seq,
            epoch,
            epoch_seq,
            joined=joined,
            has_applied=next_seq > 0,
            heard_ns=self._monotonic_ns,
            born=self._births,
        )

    def _most_dispensable(self) -> str:
        """The stream that is forgotten, which is never the one just heard."""
        others = [(name, stream) for name, stream in self._streams.items() if name != self._newest]
        for name, stream in others:
            if not stream.has_applied:
                return name
        silent_ns = self._monotonic_ns - SILENT_AFTER_NS
        for name, stream in others:
            if stream.heard_ns < silent_ns:
                return name
        return max(others, key=lambda each: each[1].born)[0]

    @property
    def _is_crowded(self) -> bool:
        """Somebody invents names: a line for each would bury the log."""
        return len(self._streams) >= MAX_STREAMS

    def _resume(self, stream: _Stream, header: BatchHeader) -> int:
        """Goes on where ingest says.

        Returns:
            The number of trades lost. A stream that is new to us has lost none: an earlier analytics applied them.
        """
        lost = max(header.first_seq - stream.next_seq, 0) if stream.joined else 0
        if lost:
            self._log.warning("stream_gap_found", stream=header.stream, next_seq=header.first_seq, lost_trades=lost)
        if not stream.joined and not self._is_crowded:
            self._say_joined(header)
        stream.next_seq = max(stream.next_seq, header.first_seq)
        stream.joined, stream.missing = True, False
        return lost

    def _say_joined(self, header: BatchHeader) -> None:
        log, names = self._log.info, {"stream": header.stream, "next_seq": header.first_seq}
        if any(stream.joined for name, stream in self._streams.items() if name != header.stream):
            hint = "another ingest, or its log was begun anew or replaced: what it holds is applied besides the others"
            log, names = self._log.warning, names | {"hint": hint}
        log("stream_joined", **names)

    def _miss(self, stream: _Stream, header: BatchHeader) -> None:
        if not stream.missing and not self._is_crowded:
            self._log.info("stream_misses_trades", stream=header.stream, next_seq=stream.next_seq, got=header.first_seq)
        stream.missing = True

    def _place(self, stream: _Stream, header: BatchHeader, lost: int) -> Admission:
        repeated = min(stream.next_seq - header.first_seq, header.count)
        if not header.count:
            return Admission(Place.HEARTBEAT, lost=lost)
        if repeated == header.count:
            return Admission(Place.REPEATED, repeated, lost)
        stream.next_seq = header.first_seq + header.count
        stream.missing, stream.has_applied = False, True
        return Admission(Place.NEXT, repeated, lost)

    def acknowledgements_due(self) -> list[Progress]:
        """Acknowledgements due: one per stream with news since the last one."""
        return [
            Progress(
                stream=name,
                epoch=stream.epoch,
                next_seq=stream.next_seq,
                checkpointed_seq=stream.checkpointed_seq,
                resend=stream.missing,
            )
            for name, stream in self._streams.items()
            if not stream.acknowledged
        ]

    def acknowledged(self, progress: Progress) -> None:
        """An acknowledgement was sent. A request to retransmit stays due until the trades come."""
        stream = self._streams.get(progress.stream)
        if stream is not None and stream.next_seq == progress.next_seq:
            stream.acknowledged = not stream.missing

    @property
    def is_behind(self) -> bool:
        """Whether the restored stream has not come to where it was before: counters are lower than they were shown."""
        return self._behind is not None

    def catch_up(self, now_ns: int) -> None:
        """Asks for what came since the checkpoint; all of it has come with the first batch that is sent from now on."""
        self._restored_ns = now_ns
        # The last one is the one that was heard of last.
        self._behind = next(reversed(self._streams), None)
        if self._behind is not None:
            self._streams[self._behind].missing = True

    def give_up_waiting(self) -> None:
        """Is not behind any more, or nobody knows."""
        self._behind = None

    def positions(self) -> Positions:
        """The epoch and the offset that each stream has come to."""
        return {name: (stream.epoch, stream.next_seq) for name, stream in self._streams.items() if stream.joined}

    def checkpointed(self, positions: Positions) -> None:
        """What was before these positions will not be asked for again, whatever happens."""
        for name, (epoch, seq) in positions.items():
            stream = self._streams.get(name)
            if stream is not None:
                safe_seq = seq if epoch == stream.epoch else min(seq, stream.epoch_seq)
                stream.acknowledged = stream.acknowledged and safe_seq == stream.checkpointed_seq
                stream.checkpointed_seq = safe_seq

    def state(self) -> State:
        """The positions, the stream that has been silent for longest first."""
        return {
            name: [stream.next_seq, stream.epoch, stream.epoch_seq]
            for name, stream in self._streams.items()
            if stream.joined
        }

    def restore(self, state: State) -> None:
        """Takes over the positions."""
        for name, (next_seq, epoch, epoch_seq) in state.items():
            self._streams[name] = self._new(next_seq, epoch, epoch_seq, joined=True)

    @property
    def all_final(self) -> bool:
        """Whether every stream has said that it has ended; so also without streams."""
        return all(stream.final for stream in self._streams.values())
