"""Colours with one meaning each on all dashboards, and the limits that colour a number."""

from grafana_foundation_sdk.builders.dashboard import FieldColor, ThresholdsConfig
from grafana_foundation_sdk.models.dashboard import FieldColorModeId, Threshold, ThresholdsMode

BUY = "#26A69A"
SELL = "#EF5350"
PRICE = "#E0E3EB"
ACCENT = "#5B9CF6"
GOOD = "#3DB274"
WARN = "#F2A93B"
BAD = "#E5484D"
QUIET = "#8E9AAF"
SERIES = {"10s": "#F2CC0C", "1m": "#5B9CF6", "5m": "#B877D9", "1h": "#FF9830"}
"""A window has the same colour wherever it is drawn."""

LATENCY_BUDGET_S = 0.01
"""What 99 of 100 trades must stay under, from the sender's clock to the metric: ten times what one takes on a calm day.

The alert `LatencyOverBudget` has the same number, and a test compares the two.
"""


def fixed(color: str) -> FieldColor:
    """One colour, whatever the value."""
    return FieldColor().mode(FieldColorModeId.FIXED).fixed_color(color)


def by_threshold() -> FieldColor:
    """The colour of the limit that the value has passed."""
    return FieldColor().mode(FieldColorModeId.THRESHOLDS)


def by_name() -> FieldColor:
    """A series keeps its colour when another one joins."""
    return FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC_BY_NAME)


def limits(base: str, *steps: tuple[float, str]) -> ThresholdsConfig:
    """`base` colours what is below the first step; each step colours what is at or above it."""
    thresholds = [Threshold(color=base, value=None), *(Threshold(color=color, value=value) for value, color in steps)]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(thresholds)


def none_is_good(bad: str = BAD) -> ThresholdsConfig:
    """Green at zero only."""
    return limits(GOOD, (1e-9, bad))
