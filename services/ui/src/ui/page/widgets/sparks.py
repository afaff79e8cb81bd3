"""A course of values as a line of text, small enough for a table's cell. Pure."""

from collections.abc import Sequence
from typing import Final

_BARS: Final = "▁▂▃▄▅▆▇█"


def spark(values: Sequence[float], width: int = 16) -> str:
    """The last values as bars between their lowest and highest; a flat course is a line in the middle."""
    # Halves, as the difference of two finite numbers may be infinite.
    last = [value / 2 for value in values[-width:]]
    low, high = min(last, default=0.0), max(last, default=0.0)
    if high <= low:
        return _BARS[3] * len(last)
    span = high - low
    return "".join(_BARS[min(int((value - low) / span * len(_BARS)), len(_BARS) - 1)] for value in last)
