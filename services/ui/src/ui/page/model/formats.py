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
_LARGE_QTY: Final = 100_000
_VOLUME_DECIMALS: Final = 2
_LEAST_WRITTEN_OUT: Final = 1e-6
_MOST_WRITTEN_OUT: Final = 1e12
_MOST_IN_CENTS: Final = 1e7
_LEAST_IN_CENTS: Final = 0.1
_MONEY_DIGITS: Final = 4
"""Significant digits of what is less than a few cents."""
_NOISE_RATIO: Final = 1e-9
_NS: Final = 1_000_000_000
_LEAST_S_NS: Final = 999_995_000
"""What is written as 1,000.00 ms is a second."""
_MOST_US_NS, _LEAST_US_NS = 99_995, 1_000
_MOST_BPS: Final = 1e6
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
        text = f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    else:
        text = f"{Decimal(f'{value:.6g}'):,f}"
    return f"−{text[1:]}" if text.startswith("-") else text


def asked_qty(value: float | None) -> str:
    """Units of base of an order: as a quantity, with all decimals that it has."""
    text, shown = exact(value), qty(value)
    return text if len(text.partition(".")[2]) > len(shown.partition(".")[2]) else shown


def qty(value: float | None) -> str:
    """Units of base: four decimals, more for what four would cut, and two of what is large."""
    if value is None:
        return NONE
    least = _QTY_DECIMALS if abs(value) < _LARGE_QTY else _VOLUME_DECIMALS
    return _at_least(value, least, cuts_below=10**-_QTY_DECIMALS)


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


def money(value: float | None, like: float | None = None) -> str:
    """Currency of any size, with a sign where there is something to sign.

    Cents, and more digits where all is smaller than that; `like` is of the size of the numbers beside it, so that what
    sums of floats leave beside thousands is nothing.
    """
    if value is None:
        return NONE
    text = unsigned_money(abs(value), like)
    return text if is_nothing(text) else f"{'+' if value > 0 else '−'}{text}"


def unsigned_money(value: float, like: float | None = None) -> str:
    """Currency of any size: 1,234.50, 12,345,678, 1.23457e12, 0.00042, 4.2e-9; with a minus where it is negative."""
    size, sign = max(abs(value), abs(like or 0.0)), "−" if value < 0 else ""
    if abs(value) >= _MOST_WRITTEN_OUT:
        return sign + significant(abs(value))
    if not value or size >= _LEAST_IN_CENTS:
        text = f"{abs(value):,.{0 if size >= _MOST_IN_CENTS else 2}f}"
    elif abs(value) < size * _NOISE_RATIO:
        text = "0.00"
    else:
        text = _small_money(abs(value))
    return text if is_nothing(text) else sign + text


def _small_money(value: float) -> str:
    if value < _LEAST_WRITTEN_OUT:
        return significant(float(f"{value:.3e}"))
    whole, _, fraction = f"{value:.{_MONEY_DIGITS - 1 - floor(log10(value))}f}".partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


def percent(ratio: float | None, places: int = 2) -> str:
    """A change as a percentage, signed."""
    if ratio is None:
        return NONE
    text = f"{abs(ratio) * 100:,.{places}f} %"
    return text if is_nothing(text) else f"{'+' if ratio > 0 else '−'}{text}"


def decimal(value: float, places: int) -> str:
    """A number without a unit; with a minus where it is negative."""
    text = f"{abs(value):,.{places}f}"
    return f"−{text}" if value < 0 and not is_nothing(text) else text


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


def duration(ns: float | None) -> str:
    """A span of any size with its unit: ns, µs or ms below a second, then as a person says it. Signed."""
    if ns is None or not isfinite(ns):
        return NONE
    sign, size_ns = "−" if ns < 0 else "", abs(ns)
    if size_ns >= _LEAST_S_NS:
        return f"{sign}{span(size_ns)}"
    if 0 < size_ns < _MOST_US_NS:
        return f"{sign}{size_ns:.0f} ns" if size_ns < _LEAST_US_NS else f"{sign}{size_ns / 1e3:.2f} µs"
    return f"{sign}{size_ns / 1e6:,.2f} ms"


def span(ns: float | None) -> str:
    """How long ago, for a person."""
    if ns is None or not isfinite(ns):
        return NONE
    seconds = max(0.0, ns / _NS)
    if seconds < 59.95:  # noqa: PLR2004 - what is written as a minute is one
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days:,} d {hours} h"
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds:02d} s"


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
    """Basis points of any size, signed."""
    if value is None:
        return NONE
    text = f"{abs(value):,.2f}" if abs(value) < _MOST_BPS else significant(abs(value))
    return text if is_nothing(text) else f"{'+' if value > 0 else '−'}{text}"


def exact_clock(ns: int | None, zone: tzinfo = UTC) -> str:
    """Time of day in a zone, with microseconds."""
    return NONE if ns is None else f"{clock(ns, zone)}.{ns % _NS // 1_000:06d}"
