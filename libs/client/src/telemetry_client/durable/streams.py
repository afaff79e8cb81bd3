"""The numbers of each run and kind of messages: which are held, sent and acknowledged. Pure.

0 ....... first_seq ......... sent_seq ......... next_seq
│ acknowledged │ in flight      │ held            │ not given yet
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from telemetry_client.durable.disk.rows import ROW_BYTES, MessageRow, StreamRow
from telemetry_client.run_counts import TRADE

MAX_IN_FLIGHT: Final = 8_192
MAX_IN_FLIGHT_BYTES: Final = 16 * 1024 * 1024
"""Messages that are sent and not acknowledged: what is sent again at worst when a connection breaks, and what libzmq
holds in memory at most."""

FIRST_PARK_S: Final = 30.0
LONGEST_PARK_S: Final = 3600.0


@dataclass(slots=True)
class QueueStream:
    """One kind of messages of a run."""

    row: StreamRow
    next_seq: int = 0
    first_seq: int = 0
    sent_seq: int = 0
    is_open: bool = False
    """Ingest has said in this session which number comes next."""
    messages: int = 0
    """Held, in flight or not."""
    is_parked: bool = False
    """Ingest does not acknowledge it: its messages stay where they are, and the others pass them."""
    park_s: float = FIRST_PARK_S
    """For how long, before ingest is asked again: doubled each time."""
    ask_at_s: float = 0.0
    """When ingest is asked where to go on, while it has not said so."""
    closed_since_s: float = 0.0
    missed_seq: int = -1
    """What ingest missed last, though later numbers had come."""
    misses: int = 0
    """How often in a row, with all sent again in between."""

    def close(self, now_s: float) -> None:
        """Ingest is asked where to go on, and nothing is sent before it has said so."""
        self.is_open, self.ask_at_s, self.closed_since_s = False, 0.0, now_s

    @property
    def is_sent(self) -> bool:
        """Whether nothing is in flight."""
        return self.first_seq == self.sent_seq


_Sent: TypeAlias = tuple[QueueStream, int, MessageRow]
"""A message, its stream, and the number after its last: a tuple, as one is made for each message."""


class Released(NamedTuple):
    """What has left the queue: everything up to that row."""

    last_id: int
    messages: int
    trades: int
    size_bytes: int


@dataclass(slots=True)
class QueueStreams:
    """All streams of a queue, and what is in flight of them, in the order of the queue."""

    by_id: dict[int, QueueStream] = field(default_factory=dict)
    in_flight: deque[_Sent] = field(default_factory=deque)
    in_flight_bytes: int = 0
    sent_id: int = 0
    """The row that was sent last in this session."""
    released_id: int = 0
    """The row that left the queue last."""

    @classmethod
    def found(cls, rows: Iterable[StreamRow], messages: Iterable[MessageRow]) -> "QueueStreams":
        """Those of an earlier process."""
        streams = cls({row.id: QueueStream(row) for row in rows})
        for message in messages:
            stream = streams.by_id[message.stream]
            if not stream.messages:
                stream.first_seq = message.seq
            stream.messages += 1
            stream.next_seq = message.end_seq
        return streams

    def add(self, row: StreamRow) -> QueueStream:
        """A new stream."""
        stream = self.by_id[row.id] = QueueStream(row)
        return stream

    def named(self, source: str, run: str, kind: str) -> QueueStream | None:
        """The stream with these names."""
        wanted = source, run, kind
        return next((stream for stream in self.by_id.values() if stream.row[1:] == wanted), None)

    @property
    def parked(self) -> list[int]:
        """The ids of those that are parked."""
        return [stream.row.id for stream in self.by_id.values() if stream.is_parked]

    @property
    def is_any_held_back(self) -> bool:
        """Whether a parked one has messages."""
        return any(stream.is_parked and stream.messages for stream in self.by_id.values())

    def begin_session(self, now_s: float) -> None:
        """Nothing of what was sent counts any more: a new connection begins, and ingest is asked where to go on."""
        self.in_flight.clear()
        self.in_flight_bytes = 0
        self.sent_id = self.released_id
        for stream in self.by_id.values():
            stream.close(now_s)

    def park(self, stream: QueueStream, now_s: float) -> None:
        """The others pass it for a while."""
        stream.is_parked, stream.is_open, stream.ask_at_s = True, False, now_s + stream.park_s
        stream.park_s = min(2 * stream.park_s, LONGEST_PARK_S)
        self.go_back()

    def unpark(self, stream: QueueStream) -> None:
        """It takes its place again: all that is in the file is looked at from the front."""
        stream.is_parked = False
        self.released_id = 0
        self.go_back()

    def go_back(self) -> None:
        """All that is not acknowledged is to be sent again."""
        self.in_flight.clear()
        self.in_flight_bytes = 0
        self.sent_id = self.released_id
        for stream in self.by_id.values():
            stream.sent_seq = stream.first_seq

    def open(self, stream: QueueStream, next_seq: int) -> None:
        """Ingest takes that number next."""
        if not stream.is_open:
            stream.is_open, stream.sent_seq = True, max(next_seq, stream.first_seq)
        stream.first_seq = max(stream.first_seq, next_seq)
        stream.sent_seq = max(stream.sent_seq, next_seq)

    def note_sent(self, message: MessageRow, stream: QueueStream) -> None:
        """The message is on its way, or need not be sent."""
        end_seq = message.seq + (message.trades or 1)
        stream.sent_seq = max(stream.sent_seq, end_seq)
        self.sent_id = message.id
        self.in_flight.append((stream, end_seq, message))
        self.in_flight_bytes += len(message.frame) + ROW_BYTES

    def release(self) -> Released | None:
        """Takes what is acknowledged out of the front of the queue; None if that is nothing."""
        in_flight = self.in_flight
        messages = trades = size_bytes = 0
        while in_flight and in_flight[0][1] <= in_flight[0][0].first_seq:
            stream, _, message = in_flight.popleft()
            stream.messages -= 1
            self.released_id = message.id
            messages, trades = messages + 1, trades + message.trades
            size_bytes += len(message.frame) + ROW_BYTES
        self.in_flight_bytes -= size_bytes
        return Released(self.released_id, messages, trades, size_bytes) if messages else None

    def finished_runs(self, current_run: str) -> Iterator[tuple[QueueStream, list[int]]]:
        """Earlier runs of which nothing is held: the stream of their trades, and the ids of all their streams."""
        for stream in list(self.by_id.values()):
            if stream.row.run == current_run or stream.row.kind != TRADE or not stream.is_open:
                continue
            of_run = [each for each in self.by_id.values() if each.row[1:3] == stream.row[1:3]]
            if not any(each.messages for each in of_run):
                yield stream, [each.row.id for each in of_run]

    def note_missed(self, stream: QueueStream) -> int:
        """Counts that ingest misses what it should have next; how often in a row."""
        if stream.missed_seq != stream.first_seq:
            stream.missed_seq, stream.misses = stream.first_seq, 0
        stream.misses += 1
        return stream.misses

    def give_up(self, stream: QueueStream, now_s: float) -> int | None:
        """Passes the message that ingest should have next; its last number, or None if it is not in flight."""
        for sent_of, end_seq, _ in self.in_flight:
            if sent_of is stream and end_seq > stream.first_seq:
                stream.first_seq = end_seq
                stream.close(now_s)
                return end_seq - 1
        return None

    def forget(self, ids: Iterable[int]) -> None:
        """They are over."""
        for each in ids:
            del self.by_id[each]
