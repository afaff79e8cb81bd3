"""The account's profit every few seconds, for the page's curve: it outlives a restart of the page. Pure."""

from collections import deque
from collections.abc import Sequence
from typing import Final

from telemetry_schema import Position, ProfitHistory

EVERY_S: Final = 5
POINTS: Final = 720
"""An hour."""


class ProfitCurve:
    """The last points, from the first position on. Kept in memory: positions are in the log, their past is not."""

    def __init__(self) -> None:
        self._points: deque[tuple[int, float]] = deque(maxlen=POINTS)

    def note(self, positions: Sequence[Position], second: int) -> None:
        """Takes the account as it is now; a point is due every `EVERY_S` by the wall clock."""
        if not positions and not self._points:
            return
        if self._points and second <= self._points[-1][0]:
            self._step_back(second)
        if not self._points or second - self._points[-1][0] >= EVERY_S:
            self._points.append((second, sum(one.realised + one.unrealised for one in positions)))

    def _step_back(self, second: int) -> None:
        """The clock was set back: what would be in the future is forgotten, as a curve has one direction."""
        while self._points and self._points[-1][0] > second:
            self._points.pop()

    def message(self) -> ProfitHistory:
        """All points."""
        return ProfitHistory(second=[at for at, _ in self._points], profit=[profit for _, profit in self._points])
