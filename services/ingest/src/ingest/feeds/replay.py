"""`replay://`: a recording as a feed, at the recorded pace, faster, or as fast as possible.

All times stay the recording's; negative latencies too. The feed ends with the file.
"""

from collections.abc import AsyncGenerator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ingest.feeds.base import MAX_BURST_FRAMES, BurstBuilder, Feed, FeedBurst, RecordingError
from ingest.feeds.recording import PAUSE, RecordedFrame, read_recording
from telemetry_runtime import Clock

AS_FAST_AS_POSSIBLE: Final = float("inf")

_MAX_GAP_NS: Final = 3_600_000_000_000
"""A longer gap in a recording is passed over."""
_MAX_DISORDER_NS: Final = 1_000_000_000
"""How far frames may be out of order before it is taken for a clock that was set back."""


@dataclass(frozen=True, slots=True)
class ReplaySettings:
    """What to replay. `speed` is a factor of the recorded pace."""

    path: Path
    venue: str
    speed: float = 1.0
    source: str | None = None
    """The trades' source; the venue's name if None."""
    symbol: str | None = None
    """Of a CSV file without a column for it; the file's name says it if None."""
    history: bool = False
    """Whether trades from before the subscription count too."""


class ReplayFeed(Feed):
    """Recorded frames through their venue's parser."""

    def __init__(self, name: str, settings: ReplaySettings, clock: Clock) -> None:
        super().__init__(name)
        self._settings = settings
        self._clock = clock
        self.position = 0
        """Frames that were given, or passed over because of `resume_at`."""

    @property
    def content(self) -> str:
        """Identifies one content of the file: its size and when it was written."""
        try:
            stat = self._settings.path.stat()
        except OSError:
            return ""
        return f"{stat.st_size} {stat.st_mtime_ns} {self._settings.venue}"

    def resume_at(self, position: int) -> None:
        """Passes over so many frames, which an earlier process gave."""
        self.position = position

    async def bursts(self) -> AsyncGenerator[FeedBurst, None]:
        """The recording's frames as they become due; at most a burst between two turns of the event loop.

        Raises:
            RecordingError: it cannot be read, ends too early, or is not of this venue; all before it was given.
        """
        settings, failures = self._settings, list[RecordingError]()
        pace, skip = _Pace(self._clock, settings.speed), self.position
        burst = BurstBuilder(replayed=True, history=settings.history)
        reading = read_recording(settings.path, settings.venue, source=settings.source, symbol=settings.symbol)
        with closing(reading) as frames:
            for recorded in _until_failure(frames, failures):
                if skip and recorded is not PAUSE:
                    # Read all the same: parsers know what they have seen.
                    skip -= 1
                    if skip % MAX_BURST_FRAMES == 0:
                        await self._clock.sleep(0)
                    continue
                wait_s = pace.wait_s(recorded.received_ns)
                if burst.full or recorded is PAUSE or (wait_s > 0 and burst.frames):
                    if burst.frames:
                        # Closed here nothing is lost but the rest of the recording.
                        yield self._given(burst)
                    await self._clock.sleep(0)
                    wait_s = pace.wait_s(recorded.received_ns)
                if wait_s > 0:
                    await self._clock.sleep(wait_s)
                if recorded is not PAUSE:
                    burst.add(recorded.frame, recorded.parsed)
        if burst.frames:
            yield self._given(burst)
        if failures:
            raise failures[0]

    def _given(self, burst: BurstBuilder) -> FeedBurst:
        # Before the burst is handed over, not after it: whoever takes it has it before anybody can save the position.
        self.position += burst.frames
        return burst.take()


def _until_failure(frames: Iterator[RecordedFrame], failures: list[RecordingError]) -> Iterator[RecordedFrame]:
    """The frames; what ends them too early is added to `failures`."""
    try:
        yield from frames
    except RecordingError as error:
        failures.append(error)


class _Pace:
    """When a recorded frame is due: its distance from the first one, divided by the speed, in monotonic time.

    The recorder's clock may have been set. A step back, or one forward by more than a quiet market explains, is no
    time that passed: neither does the replay stand still nor does it rush until it is made up for.
    """

    def __init__(self, clock: Clock, speed: float) -> None:
        self._clock = clock
        self._speed = speed
        self._start_ns = clock.monotonic_ns()
        self._newest_ns: int | None = None
        self._passed_ns = 0
        """Recorded time from the first frame to the newest one."""

    def wait_s(self, received_ns: int) -> float:
        """Seconds until a frame is due; 0 or less if it is. One without a time (0) is due with its neighbour."""
        if self._speed == AS_FAST_AS_POSSIBLE or not received_ns:
            return 0.0
        step_ns = received_ns - (received_ns if self._newest_ns is None else self._newest_ns)
        if 0 <= step_ns <= _MAX_GAP_NS:
            self._passed_ns += step_ns
        if self._newest_ns is None or step_ns > 0 or step_ns < -_MAX_DISORDER_NS:
            self._newest_ns = received_ns
        return (self._passed_ns / self._speed - (self._clock.monotonic_ns() - self._start_ns)) / 1e9
