"""What a feed gives to ingest, and what can go wrong with it.

FeedError
├── FeedUriError (also a ValueError)   the setting does not describe a feed
└── RecordingError                     a recording cannot be read, or is not of its venue
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, Protocol

from telemetry_schema import Reason

MAX_BURST_FRAMES: Final = 512
"""The most frames in one burst: about a millisecond of parsing, so that the event loop stays responsive."""


class FeedError(Exception):
    """A feed cannot go on."""


class FeedUriError(FeedError, ValueError):
    """A feed's URI is not understood; the message says what to write instead."""


class RecordingError(FeedError):
    """A recording cannot be read to its end, or is not what its URI says."""


class FeedTrade(NamedTuple):
    """One trade of a feed, within the bounds of `telemetry_schema.fields`.

    `run` and `seq` number the trades without gaps where the source does so; both are None where it does not. At a venue
    the run is the symbol and seq the venue's trade id: a gap is a trade that was missed, also across connections.
    """

    source: str
    run: str | None
    seq: int | None
    symbol: str
    side: Literal["buy", "sell"]
    """The taker's."""
    qty: float
    price: float
    event_ns: int
    sent_ns: int
    """When the venue published it; the event's time where the frame does not say."""
    received_ns: int
    """By the clock that received the frame: for a replay the recorder's."""
    id: str | None = None


@dataclass(frozen=True, slots=True)
class FeedRefusal:
    """A frame that cannot be used, and why."""

    reason: Reason
    detail: str
    frame: bytes


@dataclass(frozen=True, slots=True)
class FeedBurst:
    """What came in at once, at most `MAX_BURST_FRAMES` frames: accepted + ignored + refused = frames.

    A frame has one fate. With a single bad trade in it, it is refused as a whole and kept as a whole.
    """

    frames: int
    trades: list[FeedTrade]
    ignored: int
    """Frames that are not about trades, or about trades from before the subscription."""
    refusals: list[FeedRefusal]
    replayed: bool
    """All times are of a recording, not of now."""
    sizes: list[int] | None = None
    """How many of the trades each accepted frame brought, in order; None where each frame brought one."""

    @property
    def accepted(self) -> int:
        """Frames with trades in them."""
        return self.frames - self.ignored - len(self.refusals)


class Feed(Protocol):
    """A source of trades."""

    @property
    def name(self) -> str:
        """The URI without its options."""
        ...

    @property
    def replayed(self) -> bool:
        """Whether its times are of a recording."""
        ...

    @property
    def waiting_for(self) -> str | None:
        """Why it gives nothing now, for a person; None while it is as it should be."""
        ...

    def bursts(self) -> AsyncGenerator[FeedBurst, None]:
        """The trades as they come; ends when there are no more. To be closed by who reads it (`aclosing`).

        Raises:
            FeedError: it cannot go on.
        """
        ...


class BurstBuilder:
    """Collects frames into the next burst."""

    def __init__(self, *, replayed: bool) -> None:
        self._replayed = replayed
        self._start()

    def _start(self) -> None:
        self._frames = 0
        self._ignored = 0
        self._trades: list[FeedTrade] = []
        self._sizes: list[int] = []
        self._refusals: list[FeedRefusal] = []

    def accept(self, trades: "tuple[FeedTrade, ...]") -> None:
        """Adds a frame with trades."""
        self._frames += 1
        self._trades += trades
        self._sizes.append(len(trades))

    def ignore(self) -> None:
        """Adds a frame that is not about trades."""
        self._frames += 1
        self._ignored += 1

    def refuse(self, frame: bytes, detail: str) -> None:
        """Adds a frame that says it is about trades, but is not as the venue documents it."""
        self._frames += 1
        self._refusals.append(FeedRefusal(Reason.BAD_FRAME, detail, frame))

    @property
    def empty(self) -> bool:
        """Whether there is no frame yet."""
        return self._frames == 0

    @property
    def full(self) -> bool:
        """Whether there is no room for another frame."""
        return self._frames >= MAX_BURST_FRAMES

    def take(self) -> FeedBurst:
        """The burst; the builder starts anew."""
        burst = FeedBurst(self._frames, self._trades, self._ignored, self._refusals, self._replayed, self._sizes)
        self._start()
        return burst
