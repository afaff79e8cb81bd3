"""Numbers as Grafana writes them, in the units that our dashboards use."""

import math
from collections.abc import Callable
from typing import Final

_POWERS = ((1e9, " Bil"), (1e6, " Mil"), (1e3, " K"))
_SECONDS = (
    (86_400, 1 / 86_400, " day"),
    (3600, 1 / 3600, " h"),
    (60, 1 / 60, " min"),
    (1, 1, " s"),
    (1e-3, 1e3, " ms"),
)


def text(value: float, unit: str, decimals: int | None = None) -> str:
    """The number with its unit; a dash where there is none."""
    if math.isnan(value):
        return "–"
    if unit.startswith("suffix:"):
        return _plain(value, decimals) + unit.removeprefix("suffix:")
    return _WRITERS.get(unit, _short)(value, decimals)


def _ratio(value: float, decimals: int | None) -> str:
    return f"{_plain(value * 100, 2 if decimals is None else decimals)}%"


def _locale(value: float, decimals: int | None) -> str:
    """At most so many digits; Grafana writes no zeros at the end either."""
    return f"{value:,.{3 if decimals is None else decimals}f}".rstrip("0").rstrip(".")


def _bytes(value: float, decimals: int | None) -> str:
    return f"{value / 2**20:.{1 if decimals is None else decimals}f} MiB"


def _short(value: float, decimals: int | None) -> str:
    for least, name in _POWERS:
        if abs(value) >= least:
            return f"{value / least:.{2 if decimals is None else decimals}f}{name}"
    return _plain(value, decimals)


def _seconds(value: float, decimals: int | None) -> str:
    for least, factor, name in _SECONDS:
        if abs(value) >= least:
            return f"{_plain(value * factor, decimals)}{name}"
    return f"{_plain(value * 1e6, decimals)} µs" if value else "0 s"


def _plain(value: float, decimals: int | None) -> str:
    if decimals is not None:
        return f"{value:,.{decimals}f}"
    size = abs(value)
    digits = 0 if size >= 100 or value == int(value) else 1 if size >= 10 else 2 if size >= 0.1 else 4  # noqa: PLR2004 - three digits
    return f"{value:,.{digits}f}"


_WRITERS: Final[dict[str, Callable[[float, int | None], str]]] = {
    "percentunit": _ratio,
    "locale": _locale,
    "bytes": _bytes,
    "s": _seconds,
}
