"""What a durable queue holds: rows of its file. Pure."""

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
    """What a file holds that is whole, and how many of its rows are not."""

    streams: list[StreamRow]
    messages: list[MessageRow]
    damaged_rows: int = 0
