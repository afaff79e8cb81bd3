"""What every venue's parser shares: which frames it reads, ignores and refuses."""

from abc import ABC, abstractmethod
from typing import ClassVar, Final

from ingest.feeds.base import IGNORED, ParsedFrame
from ingest.feeds.venues.frames import FrameError

_KEEPALIVES: Final = frozenset({b"ping", b"pong"})
"""Plain text between JSON frames: OKX."""
_BRACES: Final = frozenset({b"{}", b"[]"})


MAX_TRADE_FRAME_BYTES: Final = 256 * 1024
"""A longer frame about trades is refused unread: no venue sends one (a thousand trades are some 60 kB), and one of this
length, 4,500 trades, takes 15 ms."""


class VenueParser(ABC):
    """Frames of one connection to a venue, in their order, to trades. Never raises, whatever the bytes."""

    venue: ClassVar[str]
    mark: ClassVar[bytes]
    """In every frame about trades: a frame without it is passed over at the cost of one search."""
    familiar: ClassVar[tuple[bytes, ...]]
    """One of these is in every frame of the venue, trades or not: how a recording of another venue is recognised."""

    kinds: ClassVar[tuple[tuple[bytes, str], ...]] = ()
    """In frames that are no trades but worth a count of their own, and the kind each is counted under."""

    def __init__(self, source: str | None = None) -> None:
        self._source = source or self.venue

    def parse(self, frame: bytes, received_ns: int) -> ParsedFrame:
        """The trades of one frame, received at this time."""
        if frame[:1] + frame[-1:] not in _BRACES:
            frame = frame.strip()
            if frame[:1] + frame[-1:] not in _BRACES:
                return IGNORED if frame in _KEEPALIVES else ParsedFrame(fault="not a whole JSON object or array")
        if self.mark not in frame:
            return self._ignored(frame)
        if len(frame) > MAX_TRADE_FRAME_BYTES:
            return ParsedFrame(fault=f"{len(frame)} bytes; a frame about trades has at most {MAX_TRADE_FRAME_BYTES}")
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

    def _ignored(self, frame: bytes) -> ParsedFrame:
        """A frame that is not about trades, with its kind."""
        return next((ParsedFrame(kind=kind) for mark, kind in self.kinds if mark in frame), IGNORED)

    def _judge(self, frame: bytes, error: FrameError) -> ParsedFrame:
        try:
            return ParsedFrame(fault=str(error)) if self._says_trade(frame) else self._ignored(frame)
        except FrameError as unreadable:
            return ParsedFrame(fault=str(unreadable))
