"""Refused messages by source and reason, each source with a label of its own as far as labels go. Pure."""

from collections import Counter
from typing import Final

from ingest.checking.source_counts import OTHER

NOBODY: Final = ""
"""The source of a message in which none can be read. Prometheus takes an empty label for none."""

MAX_SOURCES: Final = 100
"""Sources with a label of their own, where nobody says otherwise."""


class RefusedSources:
    """Who was refused, and why, since the start.

    When there are `max_sources`, the one that was not refused for longest gives its label up to a new one, if that is
    `idle_s` ago: its counts are added to those of `other`, so that sums never fall. Else the new one is `other`.
    """

    def __init__(self, *, max_sources: int = MAX_SOURCES, idle_s: float = 3600.0) -> None:
        self._max_sources, self._idle_ns = max_sources, round(idle_s * 1e9)
        self._now_ns = 0
        self._active_ns: dict[str, int] = {}
        self.reasons: dict[str, Counter[str]] = {NOBODY: Counter()}
        """By source, then by reason."""

    def tick(self, monotonic_ns: int) -> None:
        """Moves the time by which sources are quiet."""
        self._now_ns = monotonic_ns

    def add(self, source: str | None, reason: str, messages: int = 1) -> None:
        """Counts refused messages."""
        self.reasons[self._label(source or NOBODY)][reason] += messages

    def _label(self, source: str) -> str:
        if source in {NOBODY, OTHER} or (source not in self._active_ns and not self._has_room()):
            self.reasons.setdefault(source if source == NOBODY else OTHER, Counter())
            return source if source == NOBODY else OTHER
        # Put back last: the first is the one that was not refused for longest.
        self._active_ns.pop(source, None)
        self._active_ns[source] = self._now_ns
        self.reasons.setdefault(source, Counter())
        return source

    def _has_room(self) -> bool:
        if len(self._active_ns) < self._max_sources:
            return True
        quiet, active_ns = next(iter(self._active_ns.items()))
        if self._now_ns - active_ns < self._idle_ns:
            return False
        del self._active_ns[quiet]
        self.reasons.setdefault(OTHER, Counter()).update(self.reasons.pop(quiet))
        return True
