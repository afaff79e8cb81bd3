"""A log line for refused messages: at most one a minute for each reason and source."""

from collections.abc import Callable, Sequence
from typing import Final

from ingest.checking.outcomes import Refusal
from telemetry_runtime import RateLimitedWarning

INTERVAL_S: Final = 60.0

MAX_SOURCES: Final = 200
"""Pairs of reason and source with a line of their own: names come from the sender and may be any number."""

_FORGET_NS: Final = 3_600_000_000_000
"""How often the pairs are forgotten, so that names of long ago take no room."""

_MAX_DETAIL_CHARS: Final = 200


class RefusalLog:
    """Logs refusals so that a person sees who is refused and why, however many there are."""

    def __init__(self, *, monotonic_ns: Callable[[], int]) -> None:
        self._monotonic_ns = monotonic_ns
        self._warnings: dict[tuple[str, str | None], RateLimitedWarning] = {}
        self._forget_at_ns = monotonic_ns() + _FORGET_NS

    def log(self, refusals: Sequence[Refusal]) -> None:
        """Logs those that are due; the line carries the first one's detail, and how many there were since the last."""
        if refusals and self._monotonic_ns() >= self._forget_at_ns:
            self._forget_at_ns = self._monotonic_ns() + _FORGET_NS
            self._warnings.clear()
        for refusal in refusals:
            warning = self._warning(str(refusal.reason), refusal.source)
            detail = refusal.detail[:_MAX_DETAIL_CHARS]
            warning.log(reason=str(refusal.reason), source=refusal.source, detail=detail, bytes=len(refusal.frame))

    def _warning(self, reason: str, source: str | None) -> RateLimitedWarning:
        known = self._warnings.get((reason, source))
        if known is None:
            if source is not None and len(self._warnings) >= MAX_SOURCES:
                return self._warning(reason, None)
            known = RateLimitedWarning("message_refused", monotonic_ns=self._monotonic_ns, interval_s=INTERVAL_S)
            self._warnings[reason, source] = known
        return known
