"""Token buckets: how many messages and bytes a second each source may send. Pure.

What is beyond is refused before it is decoded, at a tenth of what accepting costs: of such a message only the source is
looked at. Neither its numbers nor its trades are, so its trades show as lost once the source gets through again.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from telemetry_runtime import Burst
from telemetry_schema import is_name

OTHER: Final = "other"

_SOURCE: Final = re.compile(rb'"source"\s*:\s*"((?:[^"\\]|\\.)*)"')
"""Within a string of JSON a quote has a backslash before it, so that this finds a key and no text."""

_KILL_SWITCH: Final = re.compile(rb'"type"\s*:\s*"kill_switch"')
_KILL_SWITCH_TEXT: Final = b"kill_switch"
_TYPE_KEY: Final = b'"type"'
"""These have a bucket of their own: nobody who floods under the page's name may keep trading from being stopped."""

_LOOKED_AT_BYTES: Final = 1024
"""The source is looked for so far into a frame; ours have it at the beginning. Behind that, it is nobody's."""

_BURST_S: Final = 1.0
"""A source that was silent may send at once what it may send in this time."""


_NO_LEAD: Final = (b"\0", False)
"""How the last frame began up to its source, and whether that says what kind of message it is."""

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

    @property
    def most_messages(self) -> float:
        """What a source that was silent may send at once: at least one, or a rate below one would let nothing in."""
        return max(1.0, self.messages_per_s * _BURST_S)

    @property
    def full_after_ns(self) -> int:
        """When an empty bucket is full again."""
        return round(max(_BURST_S, self.most_messages / self.messages_per_s) * 1e9)


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

    __slots__ = ("at_ns", "messages", "name", "refused", "size_bytes")

    def __init__(self, name: str, limit: RateLimit, now_ns: int) -> None:
        self.name, self.at_ns = name, now_ns
        self.messages, self.size_bytes = limit.most_messages, limit.bytes_per_s * _BURST_S
        self.refused = 0
        """Of the burst that is being looked at."""

    def fill(self, limit: RateLimit, now_ns: int) -> None:
        if now_ns == self.at_ns:
            return
        passed_s = max(0, now_ns - self.at_ns) / 1e9
        self.at_ns = now_ns
        self.messages = min(self.messages + passed_s * limit.messages_per_s, limit.most_messages)
        self.size_bytes = min(self.size_bytes + passed_s * limit.bytes_per_s, limit.bytes_per_s * _BURST_S)


class RateLimiter:
    """The buckets of all sources, at most `max_sources`; further ones share one, and so do frames that name nobody.

    A source that was silent for so long that its bucket is full again gives its place to a new one.
    """

    def __init__(self, limit: RateLimit, *, max_sources: int) -> None:
        self._limit, self._max_sources = limit, max_sources
        self._is_on = limit.is_on
        self._nobody = Counter[str]()
        """Where nothing is limited: a new one for each burst would be a fortieth of what a small one costs."""
        self._lead = _NO_LEAD
        self._room_ns = 0
        """Before this time no bucket can be full again, where there are as many as there may be."""
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
        if not self._is_on:
            return Limited(burst, self._nobody)
        limited = Limited(Burst([], burst.multipart))
        for bucket in self._take(burst.frames, now_ns, limited):
            limited.sources[bucket.name] += bucket.refused
            bucket.refused = 0
        for name, count in limited.sources.items():
            self.refused[name if name in self.refused or len(self.refused) < self._max_sources else OTHER] += count
        return limited

    def _take(self, frames: list[bytes], now_ns: int, limited: Limited) -> list[_Bucket]:
        """Fills `limited` but for the numbers: these are in the buckets that are returned.

        The frames of a source begin alike up to the source. While one floods, one comparison finds the bucket of all
        but the first of them; where several do, as ZeroMQ takes them in turn, their beginnings are known by heart.
        """
        add, refusing = limited.burst.frames.append, list[_Bucket]()
        prefix, bucket, is_over = b"", self._shared, False
        known = dict[bytes, _Bucket]()
        for frame in frames:
            if not (prefix and frame.startswith(prefix)):
                found = known.get(frame[: len(prefix)])
                if found is None:
                    prefix, bucket = self._find(frame, now_ns)
                    if prefix:
                        known[prefix] = bucket
                else:
                    prefix, bucket = frame[: len(prefix)], found
            elif is_over:
                bucket.refused += 1
                continue
            # A frame may be longer than what is left: then the next ones wait until that has flowed in.
            is_over = bucket.messages < 1 or bucket.size_bytes <= 0
            if not is_over:
                bucket.messages -= 1
                bucket.size_bytes -= len(frame)
                add(frame)
                continue
            if not bucket.refused:
                refusing.append(bucket)
                limited.samples.setdefault(bucket.name, frame)
            bucket.refused += 1
        return refusing

    def _find(self, frame: bytes, now_ns: int) -> tuple[bytes, _Bucket]:
        """The beginning of a frame up to its source, and the source's bucket.

        The beginning is empty where it does not say what kind of message this is: the next one may be a kill switch.
        """
        lead, says_type = self._lead
        if frame.startswith(lead) and (says_type or frame.find(_KILL_SWITCH_TEXT, 0, _LOOKED_AT_BYTES) < 0):
            # Like the last one but for the source: that is a third of the time of a search.
            end = frame.find(b'"', len(lead), _LOOKED_AT_BYTES)
            source = frame[len(lead) : end]
            if end > 0 and b"\\" not in source:
                return frame[: end + 1] if says_type else b"", self._bucket(source, now_ns)
        return self._search(frame, now_ns)

    def _search(self, frame: bytes, now_ns: int) -> tuple[bytes, _Bucket]:
        if _KILL_SWITCH.search(frame, 0, _LOOKED_AT_BYTES):
            self._switches.fill(self._limit, now_ns)
            return b"", self._switches
        found = _SOURCE.search(frame, 0, _LOOKED_AT_BYTES)
        if found is None:
            self._shared.fill(self._limit, now_ns)
            return b"", self._shared
        lead = frame[: found.start(1)]
        self._lead = lead, _TYPE_KEY in lead
        return frame[: found.end()] if self._lead[1] else b"", self._bucket(found[1], now_ns)

    def _bucket(self, source: bytes, now_ns: int) -> _Bucket:
        bucket = self._buckets.get(source) or self._new(source, now_ns)
        bucket.fill(self._limit, now_ns)
        return bucket

    def _new(self, source: bytes, now_ns: int) -> _Bucket:
        if len(self._buckets) >= self._max_sources and not self._make_room(now_ns):
            return self._shared
        name = source.decode("utf-8", errors="replace")
        bucket = self._buckets[source] = _Bucket(name if is_name(name) else OTHER, self._limit, now_ns)
        return bucket

    def _make_room(self, now_ns: int) -> bool:
        """Whether some bucket was full again and gave its place. Not tried before one can be: names cost nothing."""
        if now_ns < self._room_ns:
            return False
        full_ns = now_ns - self._limit.full_after_ns
        self._buckets = {key: one for key, one in self._buckets.items() if one.at_ns > full_ns}
        if len(self._buckets) < self._max_sources:
            return True
        self._room_ns = min(one.at_ns for one in self._buckets.values()) + self._limit.full_after_ns
        return False
