"""Spans as people write them: `500ms`, `1s`, `5m`, `1h`."""

import re
from typing import Final

from telemetry_studies.errors import StudyError

_UNITS_NS: Final = {"ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000}
MAX_SPAN_NS: Final = 365 * 24 * _UNITS_NS["h"]
"""A year."""

_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)", re.ASCII)


def span_ns(text: str) -> int:
    """The span in nanoseconds.

    Raises:
        StudyError: it is no span above zero and of at most a year.
    """
    found = _SPAN.fullmatch(text.strip())
    span = min(float(found[1]) * _UNITS_NS[found[2]], MAX_SPAN_NS + 1) if found else 0
    if not 1 <= span <= MAX_SPAN_NS:
        raise StudyError(f"{text!r} is no span: write a number and ms, s, m or h, as in '500ms' or '5m', up to a year")
    return round(span)
