"""What a feed gives to ingest, and what can go wrong with it.

FeedError
├── FeedUriError (also a ValueError)   the setting does not describe a feed
└── RecordingError                     a recording cannot be read, or is not of its venue
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from telemetry_schema import Reason, Side

MAX_BURST_FRAMES: Final = 512
"""The most frames in one burst: about a millisecond of parsing, so that the event loop stays responsive."""


class FeedError(Exception):
    """A feed cannot go on."""


class FeedUriError(FeedError, ValueError):
    """A feed's URI is not understood; the message says what to write instead."""


class RecordingError(FeedError):
    """A recording cannot be read to its end, or is not what its URI says."""


class FeedTrade(NamedTuple):
    """A `telemetry_schema.messages.Trade` of a feed, checked by the feed, and when it was received.

    At a venue that numbers its trades the run is the symbol and seq the venue's trade id: a gap is a trade that was
    missed, also across connections.
    """

    source: str
    symbol: str
    side: Side
    qty: float
    price: float
    event_ns: int
    sent_ns: int
    """When the venue published it; the event's time where the frame does not say."""
    received_ns: int
    """By the clock that received the frame: for a replay the recorder's."""
    run: str | None = None
    seq: int | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class FeedRefusal:
    """A frame that cannot be used, and why."""

    reason: Reason
    detail: str
    frame: bytes


@dataclass(frozen=True, slots=True)
class FeedBurst:
    """What came in at once, at most `MAX_BURST_FRAMES` frames: with trades, ignored, or refused.

    A frame has one fate. With a single bad trade in it, it is refused as a whole and kept as a whole.
    """

    trades: list[FeedTrade]
    ignored: int = 0
    """Frames that are not about trades, or about trades from before the subscription."""
    refusals: list[FeedRefusal] = field(default_factory=list)
    replayed: bool = False
    """All times are of a recording, not of now."""
    sizes: list[int] | None = None
    """How many of the trades each accepted frame brought, in order; None where each frame brought one."""


class Feed(ABC):
    """A source of trades."""

    waiting_for: str | None = None
    """Why it gives nothing now, for a person; None while it is as it should be."""

    def __init__(self, name: str) -> None:
        self.name = name
        """The URI without its options."""

    @abstractmethod
    def bursts(self) -> AsyncGenerator[FeedBurst, None]:
        """The trades as they come; ends when there are no more. To be closed by who reads it (`aclosing`).

        Raises:
            FeedError: it cannot go on.
        """


class BurstBuilder:
    """Collects frames into the next burst."""

    def __init__(self, *, replayed: bool) -> None:
        self._replayed = replayed
        self._start()

    def _start(self) -> None:
        self._ignored = 0
        self._trades: list[FeedTrade] = []
        self._sizes: list[int] = []
        self._refusals: list[FeedRefusal] = []

    def accept(self, trades: tuple[FeedTrade, ...]) -> None:
        """Adds a frame with trades."""
        self._trades += trades
        self._sizes.append(len(trades))

    def ignore(self) -> None:
        """Adds a frame that is not about trades."""
        self._ignored += 1

    def refuse(self, frame: bytes, detail: str) -> None:
        """Adds a frame that says it is about trades, but is not as the venue documents it."""
        self._refusals.append(FeedRefusal(Reason.BAD_FRAME, detail, frame))

    @property
    def frames(self) -> int:
        """How many frames the burst holds."""
        return len(self._sizes) + self._ignored + len(self._refusals)

    @property
    def full(self) -> bool:
        """Whether there is no room for another frame."""
        return self.frames >= MAX_BURST_FRAMES

    def take(self) -> FeedBurst:
        """The burst; the builder starts anew."""
        burst = FeedBurst(self._trades, self._ignored, self._refusals, self._replayed, self._sizes)
        self._start()
        return burst
