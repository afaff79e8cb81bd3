"""The account's profit every few seconds, for the page's curve: it is kept in the log. Pure."""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from telemetry_schema import Position, ProfitHistory

EVERY_S: Final = 5
POINTS: Final = 720
"""An hour."""

Point: TypeAlias = tuple[int, float]
"""UTC second, and profit."""


class ProfitCurve:
    """The last points, from the first position on."""

    def __init__(self) -> None:
        self._points: deque[Point] = deque(maxlen=POINTS)
        self._changed: dict[int, Point | None] = {}

    def note(self, positions: Sequence[Position], second: int) -> None:
        """Takes the account as it is now; a point is due every `EVERY_S` by the wall clock."""
        if not positions and not self._points:
            return
        if self._points and second <= self._points[-1][0]:
            self._step_back(second)
        if not self._points or second - self._points[-1][0] >= EVERY_S:
            point = (second, sum(one.realised + one.unrealised for one in positions))
            self._points.append(point)
            self._changed[_place(second)] = point

    def _step_back(self, second: int) -> None:
        """The clock was set back: what would be in the future is forgotten, as a curve has one direction."""
        while self._points and self._points[-1][0] > second:
            self._changed[_place(self._points.pop()[0])] = None

    def message(self) -> ProfitHistory:
        """All points."""
        return ProfitHistory(second=[at for at, _ in self._points], profit=[profit for _, profit in self._points])

    def take_changed(self) -> dict[int, Point | None]:
        """The points since it was last asked, None for those that are forgotten, by the place that they are kept at."""
        changed, self._changed = self._changed, {}
        return changed

    def restore(self, points: Iterable[Point]) -> None:
        """Takes over what an earlier process kept: the hour before the newest point."""
        kept = sorted(points)
        self._points = deque((point for point in kept if point[0] > kept[-1][0] - POINTS * EVERY_S), maxlen=POINTS)


def _place(second: int) -> int:
    """Each point of an hour has its own."""
    return second // EVERY_S % POINTS
