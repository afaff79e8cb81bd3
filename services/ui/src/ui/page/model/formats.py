"""Numbers, times and spans as the page writes them. What does not exist is a dash. Pure."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from telemetry_schema import WindowStats

NONE: Final = "–"
UP: Final = "▲"
DOWN: Final = "▼"
_QTY_DECIMALS: Final = 4
_NS: Final = 1_000_000_000
_SIDES: Final = {"buy": f"{UP} Buy", "sell": f"{DOWN} Sell"}


def decimals(price: float) -> int:
    """Decimal places that a price of this size is written with: about six significant digits, at least two."""
    for places, least in ((2, 1_000.0), (3, 100.0), (4, 1.0), (6, 0.01)):
        if abs(price) >= least:
            return places
    return 8


def price(value: float | None, like: float | None = None) -> str:
    """A price; with as many decimals as `like` has, so that a column lines up."""
    return NONE if value is None else f"{value:,.{decimals(value if like is None else like)}f}"


def exact(value: float | None) -> str:
    """What was asked for, to ten significant digits and without an exponent."""
    return NONE if value is None else f"{Decimal(f'{value:.10g}'):,f}"


def asked_qty(value: float | None) -> str:
    """Units of base of an order: four decimals, and as many more as it has."""
    text = exact(value)
    return text if len(text.partition(".")[2]) > _QTY_DECIMALS else qty(value)


def qty(value: float | None) -> str:
    """Units of base: four decimals, and eight for what four would show as nothing."""
    if value is None:
        return NONE
    return f"{value:,.8f}" if 0 < abs(value) < 10**-_QTY_DECIMALS else f"{value:,.{_QTY_DECIMALS}f}"


def volume(value: float | None) -> str:
    """Units of base, over a window."""
    if value is None:
        return NONE
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:,.2f}"  # noqa: PLR2004 - where decimals stop to matter


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
    text = f"{abs(ratio) * 100:.{places}f} %"
    return text if float(text[:-2]) == 0 else f"{'+' if ratio > 0 else '−'}{text}"


def change(stats: WindowStats) -> float | None:
    """From the first to the last price of a window, as a ratio."""
    return stats.close / stats.open - 1 if stats.open and stats.close else None


def direction(value: float | None) -> str:
    """The sign of a number by shape, for eyes that do not tell red from green."""
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


def clock(ns: int | None, *, milliseconds: bool = False) -> str:
    """Time of day, UTC."""
    if ns is None:
        return NONE
    text = datetime.fromtimestamp(ns // _NS, UTC).strftime("%H:%M:%S")
    return f"{text}.{ns % _NS // 1_000_000:03d}" if milliseconds else text
