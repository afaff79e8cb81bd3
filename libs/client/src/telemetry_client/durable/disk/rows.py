"""What a durable queue holds: rows of its file. Pure."""

from collections import defaultdict, deque
from collections.abc import Iterable
from typing import Final, NamedTuple

ROW_BYTES: Final = 64
"""What a message takes up besides its frame, about."""


class StreamRow(NamedTuple):
    """One kind of messages of a run."""

    id: int
    source: str
    run: str
    kind: str


class MessageRow(NamedTuple):
    """One message; `trades` is 0 if it is none of trades, and takes one number then."""

    id: int
    stream: int
    seq: int
    trades: int
    frame: bytes

    @property
    def end_seq(self) -> int:
        """The number after its last."""
        return self.seq + max(self.trades, 1)

    @property
    def size_bytes(self) -> int:
        """What it counts against the bound."""
        return len(self.frame) + ROW_BYTES


class Contents(NamedTuple):
    """What a file holds that is whole."""

    streams: list[StreamRow]
    messages: list[MessageRow]


def in_order(messages: Iterable[MessageRow]) -> list[MessageRow]:
    """The messages of a damaged file, each once, those of a stream by number, with new ids.

    An index whose pages are of different moments gives rows twice and in any order, and no checksum covers an id.
    """
    rows = sorted({(row.stream, row.seq): row for row in messages}.values())
    by_stream = defaultdict[int, deque[MessageRow]](deque)
    for row in sorted(rows, key=lambda row: row.seq):
        by_stream[row.stream].append(row)
    return [by_stream[row.stream].popleft()._replace(id=number) for number, row in enumerate(rows, 1)]
