"""Windows: so many whole seconds, as sums over buckets.

A window ends before the second that still runs, so that 10 s at 20 trades a second are 200 trades whenever one looks.

The hour is not read second by second: minutes are summed once and again only when a trade changed them. Nor is anything
read again while the second that still runs is the only one that changes, which is most of the time.
"""

from typing import Final

import numpy as np

from analytics.aggregates.buckets import MINUTE_S, MINUTES, Buckets
from analytics.aggregates.rows import Rows, concatenate, reduce_rows
from analytics.arrays import SECOND_NS, Floats, Ints, may_overflow
from analytics.cooperative import Steps
from telemetry_schema import WINDOW_SETTLE_NS, WindowName

WINDOWS_S: Final[dict[WindowName, int]] = {"10s": 10, "1m": 60, "5m": 300, "1h": 3600}
"""Length of each window in seconds, shortest first."""

_LATER_THAN_ANY: Final = 2**63
"""No second is as late."""


def window_end_s(now_ns: int) -> int:
    """The first second that is not in live windows, as an epoch: the one that runs, or has ended a moment ago."""
    return (now_ns - WINDOW_SETTLE_NS) // SECOND_NS


def covered_s(length_s: int, ends_s: Ints, first_event_ns: Ints) -> Floats:
    """Seconds of a window since the symbol's first trade, from 1 to its length: what a rate is to be divided by."""
    covered: Floats = np.clip(ends_s - first_event_ns // SECOND_NS, 1, length_s).astype(np.float64)
    return covered


class Windows:
    """Reads windows from buckets; keeps the sums of the minutes."""

    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets
        self._minutes = Rows.empty(MINUTES, buckets.slots)
        self._known: dict[WindowName, Rows] = {}
        """What was read last, and up to which second."""
        self._known_end_s = 0

    def renew(self, most: int) -> bool:
        """Sums at most that many of the minutes that have changed; whether that was all.

        The newest minute changes all the time and is not counted: it is summed when a window needs it whole.
        """
        self._widen()
        newest = (self._buckets.held[1] // MINUTE_S - 1) % MINUTES
        changed = [minute for minute in np.flatnonzero(self._buckets.changed).tolist() if minute != newest]
        for minute in changed[:most]:
            self._sum(minute)
        return len(changed) <= most

    def steps(self, end_s: int) -> Steps[dict[WindowName, Rows]]:
        """Every window up to, not including, that second, columns of shape (slots,); a step each.

        Each is the shorter one and what came before it, so no second is read twice. The very same object as the last
        time if nothing has changed.
        """
        if self._known and self._known_end_s == end_s <= self._buckets.oldest_change_s:
            return self._known
        self._widen()
        windows: dict[WindowName, Rows] = {}
        window, begin = Rows.empty(self._buckets.slots), end_s
        for name, length_s in WINDOWS_S.items():
            window = windows[name] = self._extend(window, end_s - length_s, begin)
            begin = end_s - length_s
            yield
        # Nothing was written meanwhile: a fold has the steps of a read taken first.
        self._known, self._known_end_s, self._buckets.oldest_change_s = windows, end_s, _LATER_THAN_ANY
        return windows

    @may_overflow
    def _extend(self, window: Rows, first: int, last: int) -> Rows:
        parts = self._parts(first, last)
        return reduce_rows(concatenate([*parts, window.as_spans()])) if parts else window

    def _parts(self, first: int, last: int) -> list[Rows]:
        """The seconds from first up to, not including, last: whole minutes where there are any."""
        held = self._buckets.held
        first, last = max(first, held[0]), min(last, held[1])
        first_minute, last_minute = -(-first // MINUTE_S), last // MINUTE_S
        if first_minute >= last_minute:
            return self._seconds(first, last)
        return [
            *self._seconds(first, first_minute * MINUTE_S),
            *self._minutes_between(first_minute, last_minute),
            *self._seconds(last_minute * MINUTE_S, last),
        ]

    def _seconds(self, first: int, last: int) -> list[Rows]:
        return [rows for _, rows in self._buckets.seconds(first, last)]

    def _minutes_between(self, first: int, last: int) -> list[Rows]:
        for minute in range(first, last):
            if self._buckets.changed[minute % MINUTES]:
                self._sum(minute % MINUTES)
        start, end = first % MINUTES, first % MINUTES + last - first
        parts = [(start, min(end, MINUTES)), (0, end - MINUTES)]
        return [self._minutes.slice(begin, stop) for begin, stop in parts if stop > begin]

    def _sum(self, minute: int) -> None:
        self._minutes.write(minute, reduce_rows(self._buckets.minute(minute)))
        self._buckets.changed[minute] = False

    def _widen(self) -> None:
        if self._minutes.n.shape[1] != self._buckets.slots:
            self._minutes = self._minutes.widened(self._buckets.slots)
