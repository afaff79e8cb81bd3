"""Draws charts into a pair of axes: lines, bars and candles."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from dashboards import palette
from dashboards.picture import units
from dashboards.picture.data import Series, View, properties_of
from dashboards.picture.theme import BORDER, FAINT, GRID, points
from dashboards.prometheus import Line


def style(axes: Axes, panel: Mapping[str, Any], view: View) -> None:
    """Axes as in Grafana: faint grid, no frame, time below, the panel's unit on the left."""
    defaults = panel["fieldConfig"]["defaults"]
    _frame(axes, view)
    axes.grid(visible=True, color=GRID, linewidth=0.8)
    if defaults["custom"].get("scaleDistribution", {}).get("type") == "log":
        axes.set_yscale("log")
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    format_y(axes, defaults["unit"], defaults.get("decimals"))
    _soften(axes, defaults["custom"])
    if "min" in defaults:
        axes.set_ylim(defaults["min"], defaults["max"])


def _soften(axes: Axes, custom: Mapping[str, Any]) -> None:
    """At least from the soft minimum to the soft maximum."""
    low, high = axes.get_ylim()
    if "axisSoftMin" in custom:
        low = 0.0 if low < custom["axisSoftMin"] and axes.dataLim.y0 >= 0 else min(low, custom["axisSoftMin"])
    axes.set_ylim(low, max(high, custom.get("axisSoftMax", high)))


def _frame(axes: Axes, view: View) -> None:
    axes.set_facecolor("none")
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    axes.tick_params(colors=FAINT, labelsize=points(10), length=0)
    axes.set_xlim(view.start_s, view.end_s)
    axes.set_xticks(_minutes(view.start_s, view.end_s))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: datetime.fromtimestamp(at, UTC).strftime("%H:%M")))


def format_y(axes: Axes, unit: str, decimals: int | None) -> None:
    """Ticks of the value axis in the unit."""
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: units.text(value, unit, decimals)))


def _minutes(start_s: float, end_s: float, most: int = 5) -> list[float]:
    step_s = next(
        step for step in (60, 120, 180, 300, 600, 900, 1800, 3600, 7200, 86_400) if (end_s - start_s) / step <= most
    )
    return list(np.arange(np.ceil(start_s / step_s) * step_s, end_s, step_s))


def lines(axes: Axes, panel: Mapping[str, Any], series: Sequence[Series]) -> None:
    """Lines, with the area below them shaded as the panel says."""
    custom = panel["fieldConfig"]["defaults"]["custom"]
    for each in series:
        times, values = np.array(each.line.times_s), np.array(each.line.values)
        target = axes
        if properties_of(panel, each.name).get("custom.axisPlacement") == "right":
            target = _right(axes, properties_of(panel, each.name))
        target.plot(times, values, color=each.color, linewidth=points(custom.get("lineWidth", 1.5)), zorder=3)
        opacity = custom.get("fillOpacity", 0) / 100
        if opacity and target is axes:
            # From the lowest value, not from zero: a price is far from it.
            base = 0.0 if "axisSoftMin" in custom or np.nanmin(values) <= 0 else float(np.nanmin(values))
            target.fill_between(times, values, base, color=each.color, alpha=opacity, linewidth=0)


def _right(axes: Axes, properties: Mapping[str, Any]) -> Axes:
    other = axes.twinx()
    other.spines[:].set_visible(False)
    other.tick_params(colors=FAINT, labelsize=points(10), length=0)
    format_y(other, properties["unit"], properties.get("decimals"))
    other.set_ylim(properties.get("min"), properties.get("max"))
    return other


def bars(axes: Axes, series: Sequence[Series], step_s: float) -> None:
    """Bars stacked upon each other, those below zero downwards."""
    above: dict[float, float] = {}
    below: dict[float, float] = {}
    for each in series:
        stack = below if min(each.line.values) < 0 else above
        bottoms = [stack.get(time, 0.0) for time in each.line.times_s]
        axes.bar(each.line.times_s, each.line.values, step_s * 0.9, bottoms, color=each.color, alpha=0.85, linewidth=0)
        for time, value in zip(each.line.times_s, each.line.values, strict=True):
            stack[time] = stack.get(time, 0.0) + value
    axes.axhline(0, color=BORDER, linewidth=1)


def candles(axes: Axes, series: Sequence[Series], step_s: float) -> None:
    """Candles with their wicks, and the volume as bars behind their feet."""
    parts = {each.name: dict(zip(each.line.times_s, each.line.values, strict=True)) for each in series}
    times = sorted(set.intersection(*(set(part) for part in parts.values())))
    opens, highs, lows, closes, volumes = (
        np.array([parts[name][time] for time in times]) for name in ("Open", "High", "Low", "Close", "Volume")
    )
    # A candle ends at its time: it is drawn over the time that it stands for.
    middles = np.array(times) - step_s / 2
    colors = [palette.BUY if last >= first else palette.SELL for first, last in zip(opens, closes, strict=True)]
    axes.vlines(middles, lows, highs, colors=colors, linewidth=points(1.4), zorder=3)
    least = (np.nanmax(highs) - np.nanmin(lows)) * 0.004
    axes.bar(
        middles, np.maximum(abs(closes - opens), least), step_s * 0.7, np.minimum(opens, closes), color=colors, zorder=4
    )
    axes.margins(y=0.08)
    low, high = axes.get_ylim()
    axes.set_ylim(low - (high - low) * 0.22, high)
    behind = axes.twinx()
    behind.bar(middles, volumes, step_s * 0.7, color=colors, alpha=0.28, linewidth=0)
    behind.set_ylim(0, np.nanmax(volumes) * 4.5)
    behind.axis("off")


def heat(axes: Axes, panel: Mapping[str, Any], series: Sequence[Series], view: View) -> None:
    """A histogram's buckets over time, each as high as the others; the cumulative counts are taken apart."""
    ordered = sorted(series, key=lambda each: float(each.name))
    counts = np.diff(np.array([each.line.values for each in ordered]), axis=0, prepend=0)
    used = np.flatnonzero((counts > 0).any(axis=1))
    low, high = (used[0], used[-1] + 1) if used.size else (0, len(ordered))
    shown = np.ma.masked_less_equal(counts[low:high], 0)
    axes.pcolormesh(
        ordered[0].line.times_s, np.arange(low, high) - low + 0.5, np.sqrt(shown), cmap="turbo", shading="nearest"
    )
    unit = panel["options"]["yAxis"]["unit"]
    axes.set_yticks(range(0, high - low, 2))
    names = [float(each.name) for each in ordered[low:high]]
    axes.yaxis.set_major_formatter(FuncFormatter(lambda row, _: units.text(names[int(row)], unit)))
    _frame(axes, view)


def spark(axes: Axes, line: Line, color: str, view: View) -> None:
    """The course behind a number."""
    axes.plot(line.times_s, line.values, color=color, linewidth=points(1.3))
    axes.fill_between(line.times_s, line.values, float(np.nanmin(line.values)), color=color, alpha=0.14)
    axes.set_xlim(view.start_s, view.end_s)
    axes.margins(y=0.1)
    axes.axis("off")
