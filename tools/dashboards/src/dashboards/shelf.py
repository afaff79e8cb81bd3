"""Places panels on Grafana's grid of 24 columns."""

from grafana_foundation_sdk.models.dashboard import GridPos

COLUMNS = 24


class Shelf:
    """Each panel goes where it fits highest, and there as far left as it can: small ones stack up beside a tall one."""

    def __init__(self) -> None:
        self._heights = [0] * COLUMNS

    def place(self, size: GridPos | None) -> GridPos:
        """The place of a panel of this size."""
        width, height = (size.w, size.h) if size else (12, 9)
        tops = [max(self._heights[x : x + width]) for x in range(COLUMNS - width + 1)]
        top = min(tops)
        left = tops.index(top)
        self._heights[left : left + width] = [top + height] * width
        return GridPos(x=left, y=top, w=width, h=height)

    def place_row(self) -> GridPos:
        """The place of a title, below everything."""
        top = max(self._heights)
        self._heights = [top + 1] * COLUMNS
        return GridPos(x=0, y=top, w=COLUMNS, h=1)
