"""Numbers, times and spans as the page writes them. What does not exist is a dash. Pure."""

from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from math import floor, isfinite, log10
from typing import Final

from telemetry_schema import WindowStats

NONE: Final = "–"
UP: Final = "▲"
DOWN: Final = "▼"
SIGNIFICANT: Final = 6
"""Digits that distinguish two prices, whatever their size."""
_MOST_DECIMALS: Final = 16
_QTY_DECIMALS: Final = 4
_VOLUME_DECIMALS: Final = 2
_LEAST_WRITTEN_OUT: Final = 1e-6
_MOST_WRITTEN_OUT: Final = 1e12
_NS: Final = 1_000_000_000
_SIDES: Final = {"buy": f"{UP} Buy", "sell": f"{DOWN} Sell"}


def decimals(price: float) -> int:
    """Decimal places that give a price of this size six significant digits; at least two."""
    if not price or not isfinite(price):
        return 2
    return min(_MOST_DECIMALS, max(2, SIGNIFICANT - 1 - floor(log10(abs(price)))))


def price(value: float | None, like: float | None = None) -> str:
    """A price; with as many decimals as `like` has, so that a column lines up."""
    return NONE if value is None else f"{value:,.{decimals(value if like is None else like)}f}".replace("-", "−")


def exact(value: float | None) -> str:
    """What was asked for, to ten significant digits and without an exponent."""
    return NONE if value is None else f"{Decimal(f'{value:.10g}'):,f}"


def significant(value: float | None) -> str:
    """Any number to six significant digits; with an exponent where it would be long without: 3.10197e-9."""
    if value is None:
        return NONE
    if value and not _LEAST_WRITTEN_OUT <= abs(value) < _MOST_WRITTEN_OUT:
        mantissa, _, exponent = f"{value:.5e}".partition("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    return f"{Decimal(f'{value:.6g}'):,f}"


def asked_qty(value: float | None) -> str:
    """Units of base of an order: four decimals, and as many more as it has."""
    text = exact(value)
    return text if len(text.partition(".")[2]) > _QTY_DECIMALS else qty(value)


def qty(value: float | None) -> str:
    """Units of base: four decimals, and more for what four would cut."""
    return NONE if value is None else _at_least(value, _QTY_DECIMALS, cuts_below=10**-_QTY_DECIMALS)


def volume(value: float | None) -> str:
    """Units of base, over a window: fewer decimals the larger it is."""
    if value is None:
        return NONE
    return f"{value:,.0f}" if abs(value) >= 10_000 else _at_least(value, _VOLUME_DECIMALS, cuts_below=1)  # noqa: PLR2004 - where decimals stop to matter


def _at_least(value: float, least: int, *, cuts_below: float) -> str:
    """With `least` decimals; a value below `cuts_below` with six significant digits, without zeros at its end."""
    if not 0 < abs(value) < cuts_below:
        return f"{value:,.{least}f}"
    whole, _, fraction = f"{value:,.{decimals(value)}f}".partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(least, '0')}"


def money(value: float | None) -> str:
    """Quote currency, with a sign where there is something to sign."""
    if value is None:
        return NONE
    text = f"{abs(value):,.2f}"
    return text if text == "0.00" else f"{'+' if value > 0 else '−'}{text}"


def percent(ratio: float | None, places: int = 2) -> str:
    """A change as a percentage, signed."""
    if ratio is None:
        return NONE
    text = f"{abs(ratio) * 100:,.{places}f} %"
    return text if is_nothing(text) else f"{'+' if ratio > 0 else '−'}{text}"


def is_nothing(written: str) -> bool:
    """Whether a number is written with nothing but zeros: it has no direction then."""
    return not any(digit in written for digit in "123456789")


def change(stats: WindowStats) -> float | None:
    """From the first to the last price of a window, as a ratio."""
    return away(stats.close, stats.open)


def away(value: float | None, start: float | None) -> float | None:
    """How far a price is from another one, as a ratio; up is positive below zero, too. None where there is none."""
    return (value - start) / abs(start) if start and value is not None else None


def direction(value: float | None) -> str:
    """The sign of a number by shape, for eyes that do not distinguish red from green."""
    if not value:
        return ""
    return UP if value > 0 else DOWN


def side(name: str | None) -> str:
    """Buy or sell, by word and shape."""
    return _SIDES.get(name or "", NONE)


def count(value: int | None) -> str:
    """A number of things."""
    return NONE if value is None else f"{value:,}"


def latency(ns: int | None) -> str:
    """A span of the pipeline in ms."""
    return NONE if ns is None else f"{ns / 1e6:,.2f}"


def duration(ns: int | None) -> str:
    """A span of any size with its unit: ms below a second, then as a person says it. Signed."""
    if ns is None:
        return NONE
    sign = "−" if ns < 0 else ""
    return f"{sign}{latency(abs(ns))} ms" if abs(ns) < _NS else f"{sign}{span(abs(ns))}"


def span(ns: int | None) -> str:
    """How long ago, for a person."""
    if ns is None:
        return NONE
    seconds = max(0.0, ns / _NS)
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {int(seconds):02d} s"


def ago(ns: int | None) -> str:
    """How long ago, in whole seconds: what changes ten times a second is read by nobody and drawn all the same."""
    if ns is None:
        return NONE
    if ns < _NS:
        return "now"
    return f"{ns // _NS} s ago" if ns < 60 * _NS else f"{span(ns)} ago"


def clock(ns: int | None, zone: tzinfo = UTC, *, milliseconds: bool = False) -> str:
    """Time of day in a zone."""
    if ns is None:
        return NONE
    text = datetime.fromtimestamp(ns // _NS, zone).strftime("%H:%M:%S")
    return f"{text}.{ns % _NS // 1_000_000:03d}" if milliseconds else text


def moment(ns: int | None, now_ns: int, zone: tzinfo = UTC, *, milliseconds: bool = False) -> str:
    """Time of day in a zone, with the date where it is not today's."""
    if ns is None:
        return NONE
    text, at = clock(ns, zone, milliseconds=milliseconds), datetime.fromtimestamp(ns // _NS, zone)
    today = datetime.fromtimestamp(now_ns // _NS, zone)
    if at.date() == today.date():
        return text
    year = "" if at.year == today.year else f" {at.year}"
    return f"{at.day} {at:%b}{year} {text}"


def bps(value: float | None) -> str:
    """Basis points, signed."""
    if value is None:
        return NONE
    text = f"{abs(value):,.2f}"
    return text if is_nothing(text) else f"{'+' if value > 0 else '−'}{text}"


def exact_clock(ns: int | None, zone: tzinfo = UTC) -> str:
    """Time of day in a zone, with microseconds."""
    return NONE if ns is None else f"{clock(ns, zone)}.{ns % _NS // 1_000:06d}"
