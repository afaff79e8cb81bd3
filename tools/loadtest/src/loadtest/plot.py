"""The picture of a run: latency over time, and its distribution."""

from pathlib import Path

import numpy as np
from hdrh.histogram import HdrHistogram
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from loadtest.result import END_TO_END, STAGES, Result

_NINES = 5
"""The distribution is drawn up to 99.999 %."""


def draw(result: Result, path: Path) -> None:
    """Writes the picture as a PNG."""
    figure = Figure(figsize=(11, 8), layout="constrained")
    FigureCanvasAgg(figure)
    over_time, distribution = figure.subplots(2, 1)
    load = result.load
    figure.suptitle(
        f"{load.rate:,.0f} trades/s asked, {result.sent_rate:,.0f} sent, {load.form}, {load.shape}, "
        f"{load.senders} sender{'s' if load.senders > 1 else ''}, {load.symbols} symbols"
    )
    _over_time(over_time, result)
    _distribution(distribution, result)
    figure.savefig(path, dpi=110, format="png")


def _over_time(axes: Axes, result: Result) -> None:
    seconds = sorted(result.sent_seconds, key=lambda each: each.second)
    for name, label in (("p99_ms", "due → sent, p99"), ("max_ms", "due → sent, max")):
        points = [(each.second + 0.5, getattr(each, name)) for each in seconds]
        axes.plot(*_columns(points), ".", label=label)
    for name, label in (("p50_ms", "due → applied, p50"), ("p99_ms", "due → applied, p99")):
        points = [(each.at_s, value) for each in result.moments if (value := getattr(each, name)) is not None]
        axes.plot(*_columns(points), "-o", markersize=3, label=label)
    axes.set(xlabel="seconds after the start", ylabel="latency, ms", yscale="log", title="Latency over time")
    axes.grid(visible=True, which="both", alpha=0.25)
    axes.legend()


def _columns(points: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [at for at, _ in points], [value for _, value in points]


def _distribution(axes: Axes, result: Result) -> None:
    ranks = 100 * (1 - np.logspace(0, -_NINES, 60))
    beyond = 1 / (1 - ranks / 100)
    for stage, span in STAGES.items():
        histogram = result.stages[stage]
        if histogram.get_total_count():
            axes.plot(
                beyond, _values_ms(histogram, ranks.tolist()), label=span, linewidth=2 if stage == END_TO_END else 1
            )
    axes.set(xscale="log", yscale="log", xlabel="percentile", ylabel="latency, ms", title="Distribution")
    axes.set_xticks([1, 2, 10, 100, 1e3, 1e4, 1e5], ["0", "50", "90", "99", "99.9", "99.99", "99.999"])
    axes.grid(visible=True, which="both", alpha=0.25)
    axes.legend()


def _values_ms(histogram: HdrHistogram, ranks: list[float]) -> list[float]:
    return [histogram.get_value_at_percentile(rank) / 1e6 for rank in ranks]
