"""Colours and sizes of the picture, near Grafana's dark theme."""

from typing import Final

PAGE: Final = "#111217"
PANEL: Final = "#181B1F"
BORDER: Final = "#2A2D33"
GRID: Final = "#26292F"
TEXT: Final = "#CCCCDC"
FAINT: Final = "#8E8E9E"
CYCLE: Final = ("#5B9CF6", "#F2A93B", "#3DB274", "#B877D9", "#F2CC0C", "#26A69A", "#FF9830", "#8AB8FF")

WIDTH_PX: Final = 1480
MARGIN_PX: Final = 12
GAP_PX: Final = 8
ROW_PX: Final = 30
"""Height of a grid row, without the gap below it; as in Grafana."""

HEADER_PX: Final = 58
CAPTION_PX: Final = 48
DPI: Final = 100


def points(px: float) -> float:
    """A size in pixels as matplotlib wants it."""
    return px * 72 / DPI
