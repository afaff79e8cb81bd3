"""What a feed gives to ingest, and what can go wrong with it.

FeedError
├── FeedUriError (also a ValueError)   the setting does not describe a feed
└── RecordingError                     a recording cannot be read, or is not of its venue
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from telemetry_schema import Reason, Side

MAX_BURST_FRAMES: Final = 512
"""The most frames in one burst: about a millisecond of parsing, so that the event loop stays responsive."""
MAX_BURST_TRADES: Final = 4096
MAX_BURST_BYTES: Final = 1024 * 1024
"""A burst ends with the frame that reaches one of these: frames can be a million times as long as usual."""

OTHER_KIND: Final = "other"
HISTORY_KIND: Final = "history"
REPEATED_KIND: Final = "repeated"
UNKNOWN_KIND: Final = "unknown"
"""Kinds that every venue has; the others are the venues' own words. They are labels of a metric: few, and never text
as it was received."""


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
    account: str | None = None
    """None for a market trade, as all feeds give so far."""
    kind: str | None = None
    """Why it is no part of the market's flow (`ADL`, `INSURANCE_FUND`, …): its number counts, its price does not."""


class ParsedFrame(NamedTuple):
    """What a venue's frame says: trades, or a fault, or (neither) nothing about trades."""

    trades: tuple[FeedTrade, ...] = ()
    fault: str | None = None
    """Why the frame is not as documented, for a person."""
    history: bool = False
    """The trades were made before the subscription: the venue repeats its last ones."""
    kind: str = OTHER_KIND
    """What a frame without trades is about."""


IGNORED: Final = ParsedFrame()


@dataclass(frozen=True, slots=True)
class FeedRefusal:
    """A frame that cannot be used, and why."""

    reason: Reason
    detail: str
    frame: bytes


@dataclass(frozen=True, slots=True)
class FeedBurst:
    """What came in at once, in at most `MAX_BURST_FRAMES` frames: with trades, ignored, or refused.

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
    kinds: Counter[str] = field(default_factory=Counter)
    """What is no part of the flow, by kind: trades of such a kind, and ignored frames."""
    messages: list[bytes] = field(default_factory=list)
    """Messages about orders, as a bot would send them; a burst with some has no trades."""


class Feed(ABC):
    """A source of trades."""

    def __init__(self, name: str) -> None:
        self.name = name
        """The URI without its options."""

    @property
    def waiting_for(self) -> str | None:
        """Why it gives nothing now, for a person; None while it is as it should be."""
        return None

    @abstractmethod
    def bursts(self) -> AsyncGenerator[FeedBurst, None]:
        """The trades as they come; ends when there are no more. To be closed by who reads it (`aclosing`).

        Raises:
            FeedError: it cannot go on.
        """


class BurstBuilder:
    """Collects frames into the next burst; with `history`, trades from before the subscription count too."""

    def __init__(self, *, replayed: bool, history: bool = False) -> None:
        self._replayed, self._history = replayed, history
        self._start()

    def _start(self) -> None:
        self._bytes = 0
        self._ignored = 0
        self._trades: list[FeedTrade] = []
        self._sizes: list[int] = []
        self._refusals: list[FeedRefusal] = []
        self._kinds: Counter[str] = Counter()

    def add(self, frame: bytes, parsed: ParsedFrame) -> None:
        """Adds a frame: accepted, refused or ignored."""
        self._bytes += len(frame)
        if parsed.fault is not None:
            self._refusals.append(FeedRefusal(Reason.BAD_FRAME, parsed.fault, frame))
        elif parsed.trades and (self._history or not parsed.history):
            self._accept(parsed.trades)
        else:
            self._ignored += 1
            self._kinds[HISTORY_KIND if parsed.trades else parsed.kind] += 1

    def _accept(self, trades: tuple[FeedTrade, ...]) -> None:
        self._trades += trades
        self._sizes.append(len(trades))
        self._kinds.update(trade.kind for trade in trades if trade.kind is not None)

    @property
    def frames(self) -> int:
        """How many frames the burst holds."""
        return len(self._sizes) + self._ignored + len(self._refusals)

    @property
    def full(self) -> bool:
        """Whether there is no room for another frame."""
        return (
            self.frames >= MAX_BURST_FRAMES or len(self._trades) >= MAX_BURST_TRADES or self._bytes >= MAX_BURST_BYTES
        )

    def take(self) -> FeedBurst:
        """The burst; the builder starts anew."""
        burst = FeedBurst(self._trades, self._ignored, self._refusals, self._replayed, self._sizes, self._kinds)
        self._start()
        return burst
