"""Token buckets: how many messages and bytes a second each source may send. Pure.

What is beyond is refused before it is decoded, at a tenth of what accepting costs: of such a message only the source is
looked at. Neither its numbers nor its trades are, so its trades show as lost once the source gets through again.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from telemetry_runtime import Burst
from telemetry_schema import is_name

OTHER: Final = "other"

_SOURCE: Final = re.compile(rb'"source"\s*:\s*"((?:[^"\\]|\\.)*)"')
"""Within a string of JSON a quote has a backslash before it, so that this finds a key and no text."""

_KILL_SWITCH: Final = re.compile(rb'"type"\s*:\s*"kill_switch"')
"""These have a bucket of their own: nobody who floods under the page's name may keep trading from being stopped."""

_LOOKED_AT_BYTES: Final = 1024
"""The source is looked for so far into a frame; ours have it at the beginning. Behind that, it is nobody's."""

_BURST_S: Final = 1.0
"""A source that was silent may send at once what it may send in this time."""


NO_LIMIT: Final = 1e18
"""Finite, as nothing may be multiplied by infinity."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """What one source may send."""

    messages_per_s: float = NO_LIMIT
    bytes_per_s: float = NO_LIMIT

    @property
    def is_on(self) -> bool:
        """Whether anything is limited."""
        return min(self.messages_per_s, self.bytes_per_s) < NO_LIMIT


@dataclass(slots=True)
class Limited:
    """A burst without what is beyond the limits: `sources` says of whom how many messages that was.

    `samples` has the first refused message of each of them.
    """

    burst: Burst
    sources: Counter[str] = field(default_factory=Counter)
    samples: dict[str, bytes] = field(default_factory=dict)


class _Bucket:
    """What a source may send right now: messages and bytes, which flow in with time."""

    __slots__ = ("at_ns", "messages", "name", "size_bytes")

    def __init__(self, name: str, limit: RateLimit, now_ns: int) -> None:
        self.name, self.at_ns = name, now_ns
        self.messages, self.size_bytes = limit.messages_per_s * _BURST_S, limit.bytes_per_s * _BURST_S

    @property
    def is_empty(self) -> bool:
        return self.messages < 1 or self.size_bytes <= 0

    def fill(self, limit: RateLimit, now_ns: int) -> None:
        passed_s = max(0, now_ns - self.at_ns) / 1e9
        self.at_ns = now_ns
        self.messages = min(self.messages + passed_s * limit.messages_per_s, limit.messages_per_s * _BURST_S)
        self.size_bytes = min(self.size_bytes + passed_s * limit.bytes_per_s, limit.bytes_per_s * _BURST_S)


class RateLimiter:
    """The buckets of all sources, at most `max_sources`; further ones share one, and so do frames that name nobody.

    A source that was silent for so long that its bucket is full again gives its place to a new one.
    """

    def __init__(self, limit: RateLimit, *, max_sources: int) -> None:
        self._limit, self._max_sources = limit, max_sources
        self._buckets: dict[bytes, _Bucket] = {}
        self._shared, self._switches = _Bucket(OTHER, limit, 0), _Bucket(OTHER, limit, 0)
        self.refused: Counter[str] = Counter()
        """Messages refused so far, by source; at most as many names as there were buckets, the rest is `other`."""

    @property
    def sources(self) -> int:
        """Sources with a bucket of their own."""
        return len(self._buckets)

    def admit(self, burst: Burst, now_ns: int) -> Limited:
        """Takes out what is beyond the limits at this monotonic time; the others stay in their order."""
        if not self._limit.is_on:
            return Limited(burst)
        limited = Limited(Burst([], burst.multipart))
        self._take(burst.frames, now_ns, limited)
        for name, count in limited.sources.items():
            self.refused[name if name in self.refused or len(self.refused) < self._max_sources else OTHER] += count
        return limited

    def _take(self, frames: list[bytes], now_ns: int, limited: Limited) -> None:
        # While a source floods, its frames begin alike up to the source: one comparison finds the bucket of all but the
        # first of them, and those that are refused are only counted.
        self._shared.fill(self._limit, now_ns)
        start = 0
        while start < len(frames):
            prefix, bucket = self._find(frames[start], now_ns)
            refused_from = self._admit_run(frames, start, prefix, bucket, limited)
            end = _end_of_run(frames, refused_from, prefix) if bucket.is_empty else refused_from
            end = max(end, start + 1)  # a frame that names nobody is a run by itself
            if end > refused_from:
                limited.sources[bucket.name] += end - refused_from
                limited.samples.setdefault(bucket.name, frames[refused_from])
            start = end

    def _admit_run(self, frames: list[bytes], start: int, prefix: bytes, bucket: _Bucket, limited: Limited) -> int:
        """Admits the frames from there on that begin so, as far as the bucket reaches; where it stops."""
        add, messages, size_bytes = limited.burst.frames.append, bucket.messages, bucket.size_bytes
        end = start
        for frame in islice(frames, start, None if prefix else start + 1):
            # A frame may be longer than what is left: then the next ones wait until that has flowed in.
            if messages < 1 or size_bytes <= 0 or not frame.startswith(prefix):
                break
            messages -= 1
            size_bytes -= len(frame)
            add(frame)
            end += 1
        bucket.messages, bucket.size_bytes = messages, size_bytes
        return end

    def _find(self, frame: bytes, now_ns: int) -> tuple[bytes, _Bucket]:
        """The beginning of a frame up to its source, and the source's bucket."""
        if _KILL_SWITCH.search(frame, 0, _LOOKED_AT_BYTES):
            self._switches.fill(self._limit, now_ns)
            return b"", self._switches
        found = _SOURCE.search(frame, 0, _LOOKED_AT_BYTES)
        if found is None:
            return b"", self._shared
        bucket = self._buckets.get(found[1]) or self._new(found[1], now_ns)
        bucket.fill(self._limit, now_ns)
        return frame[: found.end()], bucket

    def _new(self, source: bytes, now_ns: int) -> _Bucket:
        if len(self._buckets) >= self._max_sources:
            full_ns = now_ns - round(_BURST_S * 1e9)
            self._buckets = {key: one for key, one in self._buckets.items() if one.at_ns > full_ns}
            if len(self._buckets) >= self._max_sources:
                return self._shared
        name = source.decode("utf-8", errors="replace")
        bucket = self._buckets[source] = _Bucket(name if is_name(name) else OTHER, self._limit, now_ns)
        return bucket


def _end_of_run(frames: list[bytes], start: int, prefix: bytes) -> int:
    """Where the frames from there on no longer begin so; the hottest loop while a source floods."""
    if not prefix:
        return start
    end = start
    for frame in islice(frames, start, None):
        if not frame.startswith(prefix):
            break
        end += 1
    return end
