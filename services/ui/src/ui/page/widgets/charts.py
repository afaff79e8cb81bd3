"""ECharts options: price with volume by side, and the pipeline's trend. Pure.

Animation is off: frames come twice a second.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from ui.bars import Bar
from ui.page.model.view import TrendPoint

Option = dict[str, Any]

PRICE: Final = "#3b82f6"
BUY: Final = "#16a34a"
SELL: Final = "#ef4444"
SLOW: Final = "#f59e0b"
MUTED: Final = "#71717a"  # zinc-500: readable on white and on black
GRID: Final = "rgba(113,113,122,0.22)"
FONT: Final = {"fontFamily": "Inter", "fontSize": 11}
MAX_POINTS: Final = 300
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


def price_and_volume(bars: Sequence[Bar], span_s: int, decimals: int) -> Option:
    """Closing prices as a line, bought volume upwards, sold downwards."""
    bars = group(bars, seconds_a_bar(span_s))
    end_ms = bars[-1].second * 1000 if bars else 0
    return _frame() | {
        "grid": [
            {"left": 12, "right": 82, "top": 12, "height": "66%"},
            {"left": 12, "right": 82, "top": "75%", "bottom": 22},
        ],
        "xAxis": _time_axes({"min": end_ms - span_s * 1000, "max": end_ms}),
        "yAxis": [_y_axis(0) | {"scale": True, "splitNumber": 5}, _y_axis(1) | {"splitNumber": 2}],
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "line"}, "confine": True, "textStyle": FONT},
        "axisPointer": {"link": [{"xAxisIndex": "all"}]},
        "series": [_price_line(bars, decimals), *_volumes(bars)],
    }


def _price_line(bars: Sequence[Bar], decimals: int) -> Option:
    closes = [[bar.second * 1000, round(bar.close, decimals)] for bar in bars]
    return _line("Price", 0, PRICE, closes) | {"markLine": _last_price(bars, decimals)}


def _volumes(bars: Sequence[Bar]) -> list[Option]:
    bought = [[bar.second * 1000, round(bar.buy_volume, 4)] for bar in bars]
    sold = [[bar.second * 1000, -round(bar.sell_volume, 4)] for bar in bars]
    stacked = {"stack": "volume", "barMaxWidth": 12}
    return [
        _series("Bought", "bar", 1, BUY, bought) | stacked,
        _series("Sold", "bar", 1, SELL, sold) | stacked,
    ]


def trend(points: Sequence[TrendPoint]) -> Option:
    """Applied trades a second, and latency from sent to applied in ms."""
    times = [round(point.at_ns * _NS_TO_MS) for point in points]
    rates = [
        round((now.applied - before.applied) / max(1e-9, (now.at_ns - before.at_ns) * 1e-9), 1)
        for before, now in pairwise(points)
    ]
    return _frame() | {
        "legend": {
            "top": 0,
            "left": 8,
            "icon": "roundRect",
            "itemWidth": 10,
            "itemHeight": 3,
            "textStyle": FONT | {"color": MUTED},
        },
        "grid": [
            {"left": 12, "right": 60, "top": 30, "height": "34%"},
            {"left": 12, "right": 60, "top": "60%", "bottom": 22},
        ],
        "xAxis": _time_axes({"min": times[0], "max": times[-1]} if times else {}),
        "yAxis": [_y_axis(0) | {"splitNumber": 2}, _y_axis(1) | {"splitNumber": 2}],
        "tooltip": {"trigger": "axis", "confine": True, "textStyle": FONT},
        "axisPointer": {"link": [{"xAxisIndex": "all"}]},
        "series": [
            _line("Trades/s", 0, PRICE, _pairs(times[1:], rates)),
            _line("p50 ms", 1, BUY, _pairs(times, [_ms(point.p50_ns) for point in points])),
            _line("p99 ms", 1, SLOW, _pairs(times, [_ms(point.p99_ns) for point in points])),
        ],
    }


def _frame() -> Option:
    return {"animation": False, "useUTC": True, "backgroundColor": "transparent", "textStyle": FONT}


def _time_axes(ends: Option) -> list[Option]:
    """One axis of time for each of the two grids; only the lower one is labelled."""
    axis = {"type": "time", "splitLine": {"show": False}, "axisLine": {"lineStyle": {"color": GRID}}} | ends
    return [
        axis | {"gridIndex": 0, "axisLabel": {"show": False}, "axisTick": {"show": False}},
        axis | {"gridIndex": 1, "axisLabel": _label({"hideOverlap": True})},
    ]


def _split() -> Option:
    return {"show": True, "lineStyle": {"color": GRID}}


def _label(more: Option | None = None) -> Option:
    return FONT | {"color": MUTED} | (more or {})


def _y_axis(grid: int) -> Option:
    return {"type": "value", "gridIndex": grid, "position": "right", "axisLabel": _label(), "splitLine": _split()}


def _series(name: str, kind: str, grid: int, color: str, data: Sequence[Sequence[float | None]]) -> Option:
    axes = {"xAxisIndex": grid, "yAxisIndex": grid}
    return {"name": name, "type": kind, "data": data, "itemStyle": {"color": color}, "silent": kind == "bar"} | axes


def _line(name: str, grid: int, color: str, data: Sequence[Sequence[float | None]]) -> Option:
    return _series(name, "line", grid, color, data) | {"showSymbol": False, "lineStyle": {"width": 1.4, "color": color}}


def _last_price(bars: Sequence[Bar], decimals: int) -> Option:
    if not bars:
        return {}
    label = {"position": "end", "formatter": f"{bars[-1].close:,.{decimals}f}", "color": "#ffffff"}
    box = {"backgroundColor": PRICE, "padding": [3, 8, 3, 5], "borderRadius": 3}
    return {
        "silent": True,
        "symbol": "none",
        "animation": False,
        "lineStyle": {"color": PRICE, "type": "dotted", "width": 1},
        "label": FONT | label | box,
        "data": [{"yAxis": round(bars[-1].close, decimals)}],
    }


def _pairs(times: Sequence[int], values: Sequence[float | None]) -> list[list[float | None]]:
    return [[at, value] for at, value in zip(times, values, strict=True)]


def _ms(ns: int | None) -> float | None:
    return None if ns is None else round(ns * _NS_TO_MS, 3)
