"""What every venue's parser shares: which frames it reads, ignores and refuses."""

from abc import ABC, abstractmethod
from typing import ClassVar, Final, NamedTuple

from ingest.feeds.base import FeedTrade
from ingest.feeds.venues.frames import FrameError

_KEEPALIVES: Final = frozenset({b"ping", b"pong"})
"""Plain text between JSON frames: OKX."""


class ParsedFrame(NamedTuple):
    """What a frame says: trades, or a fault, or (neither) nothing about trades."""

    trades: tuple[FeedTrade, ...] = ()
    fault: str | None = None
    """Why the frame is not as documented, for a person."""
    history: bool = False
    """The trades were made before the subscription: the venue repeats its last ones."""


IGNORED: Final = ParsedFrame()


class VenueParser(ABC):
    """Frames of one connection to a venue, in their order, to trades. Never raises, whatever the bytes."""

    venue: ClassVar[str]
    mark: ClassVar[bytes]
    """In every frame about trades: a frame without it is passed over at the cost of one search."""
    familiar: ClassVar[tuple[bytes, ...]]
    """One of these is in every frame of the venue, trades or not: how a recording of another venue is recognised."""

    def __init__(self, source: str | None = None) -> None:
        self._source = source or self.venue

    def parse(self, frame: bytes, received_ns: int) -> ParsedFrame:
        """The trades of one frame, received at this time."""
        if frame[:1] + frame[-1:] not in {b"{}", b"[]"}:
            return IGNORED if frame in _KEEPALIVES else ParsedFrame(fault="not a whole JSON object or array")
        if self.mark not in frame:
            return IGNORED
        try:
            return self._read(frame, received_ns)
        except FrameError as error:
            return self._judge(frame, error)

    @classmethod
    def knows(cls, frame: bytes) -> bool:
        """Whether the frame looks like one of this venue's."""
        return any(mark in frame for mark in cls.familiar)

    @abstractmethod
    def _read(self, frame: bytes, received_ns: int) -> ParsedFrame:
        """What a frame with the mark says; raises `FrameError` if it is not of the expected shape."""

    @abstractmethod
    def _says_trade(self, frame: bytes) -> bool:
        """Whether a frame that `_read` did not understand claims to be about trades; raises `FrameError`: not JSON."""

    def _judge(self, frame: bytes, error: FrameError) -> ParsedFrame:
        try:
            return ParsedFrame(fault=str(error)) if self._says_trade(frame) else IGNORED
        except FrameError as unreadable:
            return ParsedFrame(fault=str(unreadable))
