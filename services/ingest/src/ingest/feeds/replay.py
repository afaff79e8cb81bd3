"""`replay://`: a recording as a feed, at the recorded pace, faster, or as fast as possible.

All times stay the recording's; negative latencies too. The feed ends with the file.
"""

from collections.abc import AsyncGenerator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from ingest.feeds.base import BurstBuilder, Feed, FeedBurst, ParsedFrame, RecordingError
from ingest.feeds.recording import RecordedFrame, read_frames
from ingest.feeds.venues import VENUES, Parser, look_alike
from telemetry_runtime import Clock

AS_FAST_AS_POSSIBLE: Final = float("inf")

_SNIFFED_FRAMES: Final = 512
"""A recording begins with frames of its venue: subscriptions, snapshots, heartbeats."""


@dataclass(frozen=True, slots=True)
class ReplaySettings:
    """What to replay. `speed` is a factor of the recorded pace."""

    path: Path
    venue: str
    speed: float = 1.0
    source: str | None = None
    """The trades' source; the venue's name if None."""
    history: bool = False
    """Whether trades from before the subscription count too."""


class ReplayFeed(Feed):
    """Recorded frames through their venue's parser."""

    def __init__(self, name: str, settings: ReplaySettings, clock: Clock) -> None:
        super().__init__(name)
        self._settings = settings
        self._clock = clock

    async def bursts(self) -> AsyncGenerator[FeedBurst, None]:
        """The recording's frames as they become due; at most `MAX_BURST_FRAMES` between two turns of the event loop.

        Raises:
            RecordingError: it cannot be read, ends too early, or is not of this venue.
        """
        settings = self._settings
        parser = VENUES[settings.venue](settings.source)
        _check_venue(settings.path, settings.venue, parser)
        pace = _Pace(self._clock, settings.speed)
        burst = BurstBuilder(replayed=True, history=settings.history)
        with closing(read_frames(settings.path)) as frames:
            for recorded in frames:
                wait_s = pace.due_in_s(recorded)
                if burst.full or (wait_s > 0 and burst.frames):
                    # Closed here nothing is lost but the rest of the recording.
                    yield burst.take()
                    await self._clock.sleep(0)
                    wait_s = pace.due_in_s(recorded)
                if wait_s > 0:
                    await self._clock.sleep(wait_s)
                if recorded.fault is None:
                    burst.add(recorded.frame, parser.parse(recorded.frame, recorded.received_ns))
                else:
                    burst.add(recorded.frame, ParsedFrame(fault=recorded.fault))
        if burst.frames:
            yield burst.take()


class _Pace:
    """When a recorded frame is due by the clock: its distance from the first one, divided by the speed."""

    def __init__(self, clock: Clock, speed: float) -> None:
        self._clock = clock
        self._speed = speed
        self._start_ns = clock.monotonic_ns()
        self._first_ns: int | None = None

    def due_in_s(self, recorded: RecordedFrame) -> float:
        """Seconds until the frame is due; 0 or less if it is. A line without a time is due with its neighbour."""
        if self._speed == AS_FAST_AS_POSSIBLE or recorded.fault is not None:
            return 0.0
        if self._first_ns is None:
            self._first_ns = recorded.received_ns
        due_ns = (recorded.received_ns - self._first_ns) / self._speed
        return (due_ns - (self._clock.monotonic_ns() - self._start_ns)) / 1e9


def _check_venue(path: Path, venue: str, parser: Parser) -> None:
    """Raises if none of the first frames looks like one of the venue's: all would be ignored, in silence."""
    with closing(read_frames(path)) as frames:
        sniffed = [recorded.frame for recorded in islice(frames, _SNIFFED_FRAMES) if recorded.fault is None]
    if not sniffed:
        raise RecordingError(f"{path} is not a recording: no line starts with a time of receipt")
    if not any(parser.knows(frame) for frame in sniffed):
        other = next((found for frame in sniffed if (found := look_alike(frame))), None)
        advice = f"; venue={other} would fit" if other else ""
        raise RecordingError(f"{path} is not a recording of {venue}: no known frame at its beginning{advice}")
