"""Numbers as JSON can hold them, which has no infinity and no NaN. Pure."""

from math import isfinite, isnan
from sys import float_info


def finite_or_none(value: float | None) -> float | None:
    """The number, if it is one."""
    return value if value is not None and isfinite(value) else None


def to_json_number(value: float) -> float:
    """A sum that overflowed becomes the largest number there is; what is no number, nothing."""
    if isnan(value):
        return 0.0
    return max(-float_info.max, min(value, float_info.max))
