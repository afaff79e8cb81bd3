"""The data of charts: candles with volume and own fills, and lines over time. Pure; `telemetry_ui` draws them."""

from collections.abc import Sequence
from datetime import UTC, tzinfo
from itertools import pairwise
from typing import Final

from ui.bars import Bar
from ui.page.model import formats
from ui.page.model.parts import Part
from ui.page.model.selection import Selection
from ui.page.model.spans import SECONDS
from ui.page.model.view import PageView, TrendPoint
from ui.page.widgets.banner import zone_name
from ui.wire import CommandView

MAX_POINTS: Final = 300
SHORTEST_S: Final = 60
_NS: Final = 1_000_000_000
_NS_TO_MS: Final = 1e-6


def group(bars: Sequence[Bar], seconds: int) -> list[Bar]:
    """Bars of several seconds out of bars of one; volumes add up, the last price stays."""
    grouped: dict[int, Bar] = {}
    for bar in bars:
        start = bar.second - bar.second % seconds
        before = grouped.get(start)
        grouped[start] = bar._replace(second=start) if before is None else _join(before, bar)
    return list(grouped.values())


def _join(first: Bar, second: Bar) -> Bar:
    return Bar(
        second=first.second,
        open=first.open,
        high=max(first.high, second.high),
        low=min(first.low, second.low),
        close=second.close,
        buy_volume=first.buy_volume + second.buy_volume,
        sell_volume=first.sell_volume + second.sell_volume,
    )


def seconds_a_bar(span_s: int) -> int:
    """Seconds of one bar so that a span has at most `MAX_POINTS` of them."""
    return next((step for step in (1, 2, 5, 10, 15, 30) if span_s / step <= MAX_POINTS), 60)


def candles(view: PageView, selection: Selection, zone: tzinfo) -> Part:
    """One symbol's candles up to the newest second that analytics knows, also where it has no trade."""
    symbol = selection.symbol or ""
    span_s = max(SHORTEST_S, SECONDS[selection.window])
    step_s = seconds_a_bar(span_s)
    summary = view.summary(symbol)
    last = summary.last_price if summary else None
    end_s = view.snapshot.clock_ns // _NS if view.snapshot else 0
    end_s -= end_s % step_s
    bars = [bar for bar in view.bars.last(symbol, span_s + step_s) if bar.second >= end_s - span_s]
    like = last if last is not None else (bars[-1].close if bars else 1.0)
    sub = f"last {formats.span(span_s * _NS).removesuffix(' 00 s')}, {step_s} s a bar, {zone_name(zone)}"
    return {
        "kind": "candles",
        "title": f"{symbol} price and volume by side",
        "sub": sub,
        "alt": f"{symbol}: candles of {step_s} s, volume bought and sold, own fills",
        "id": f"{symbol} {step_s}",
        "step": step_s,
        "span": span_s,
        "end": end_s,
        "from": None,
        "digits": formats.decimals(like),
        "last": last,
        "zone": _browser_zone(zone),
        "bars": [_shown(bar) for bar in group(bars, step_s)],
        "marks": fills(view.commands, symbol, since_s=end_s - span_s),
    }


def _shown(bar: Bar) -> list[float]:
    # Twelve digits are more than any screen shows, and half of what a float may be written with.
    return [bar.second, *(float(f"{value:.12g}") for value in bar[1:])]


def fills(commands: Sequence[CommandView], symbol: str, *, since_s: int) -> list[list[float | str]]:
    """Own fills of a symbol as marks: second, price, side, and how much."""
    return [
        [one.sent_ns // _NS, one.filled_price, one.side or "", formats.exact(one.qty)]
        for one in commands
        if one.symbol == symbol and one.filled_price is not None and one.sent_ns // _NS >= since_s
    ]


def trend(points: Sequence[TrendPoint], zone: tzinfo, *, longest_ns: int | None) -> Part:
    """Applied trades a second, and latency from sent to applied in ms; longer ones are some clock's, and left out."""
    rates = [_rate(before, now) for before, now in pairwise(points)]
    p50 = [_ms(point.p50_ns, longest_ns) for point in points]
    p99 = [_ms(point.p99_ns, longest_ns) for point in points]
    return {
        "kind": "lines",
        "title": "Rate and latency",
        "sub": f"the last five minutes, sent to applied, {zone_name(zone)}",
        "alt": "Trades a second, and latency from sent to applied",
        "empty": "Two seconds of data make the first line.",
        "times": [point.at_ns // _NS for point in points],
        "zone": _browser_zone(zone),
        "strips": [
            {"zero": True, "unit": "/s", "lines": [["Trades/s", "line", [None, *rates]]]},
            {"zero": True, "unit": "ms", "lines": [["p50", "up", p50], ["p99", "warn", p99]]},
        ],
    }


def equity(points: Sequence[tuple[int, float]], zone: tzinfo) -> Part:
    """Profit over time: seconds and quote currency."""
    return {
        "kind": "lines",
        "title": "Profit",
        "sub": f"realised and unrealised, last hour, {zone_name(zone)}",
        "alt": "Profit of the paper account over time",
        "empty": "The curve begins with the first position.",
        "times": [second for second, _ in points],
        "zone": _browser_zone(zone),
        "strips": [{"zero": False, "unit": "", "lines": [["Profit", "line", [value for _, value in points]]]}],
    }


def _rate(before: TrendPoint, now: TrendPoint) -> float:
    return round((now.applied - before.applied) / max(1e-9, (now.at_ns - before.at_ns) * 1e-9), 1)


def _browser_zone(zone: tzinfo) -> str:
    return "UTC" if zone is UTC else str(zone)


def _ms(ns: int | None, longest_ns: int | None) -> float | None:
    return None if ns is None or (longest_ns is not None and ns >= longest_ns) else round(ns * _NS_TO_MS, 3)
