"""Every metric of analytics: the contract of the dashboards, in one place."""

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, product
from typing import Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from analytics.aggregates.latency import STAGES, SourceLatency
from analytics.aggregates.log_buckets import BOUNDS_NS
from analytics.aggregates.recent import PROBABILITIES
from analytics.aggregates.window_statistics import window_statistics
from analytics.aggregates.windows import WINDOWS_S, covered_s
from analytics.analysis import Results
from analytics.arrays import Ints
from analytics.intake.labels import SymbolKey
from analytics.intake.ledger import REFUSED_BATCH, AnalyticsLedger
from analytics.output.exposition import Family, Keys, LabelledSeries
from telemetry_schema import WindowName
from telemetry_schema.batch import BATCH_TRADES_BOUNDS

SIDES: Final = ("buy", "sell")

_Axes: TypeAlias = tuple[tuple[str, Sequence[str | SymbolKey]], ...]
"""Labels of a family and their values: it has a series for each combination."""
_Kind: TypeAlias = Literal["counter", "gauge"]

_SERVICE: Final = ("service", ("analytics",))
_STAGE: Final = ("stage", STAGES)
_NO_LABELS: Final[_Axes] = ()


_WINDOW_HELP: Final = {
    "vwap": "Volume-weighted average price in the window, quote per base.",
    "qty_mean": "Mean quantity of a trade in the window, base.",
    "qty_std": "Standard deviation (population) of the quantity in the window, base.",
    "qty_max": "Largest quantity in the window, base.",
    "imbalance_ratio": "(buy - sell) / (buy + sell) volume in the window, from -1 to 1.",
    "open": "First price in the window, by event time.",
    "high": "Highest price in the window.",
    "low": "Lowest price in the window.",
    "close": "Last price in the window, by event time.",
    "realised_volatility_ratio": "Root of the sum of squared log returns of the seconds' closes, not annualised.",
}


class Metrics:
    """Turns results into families; keeps the labels of the series, which rarely change."""

    def __init__(self) -> None:
        self._series: dict[str, tuple[_Axes, LabelledSeries]] = {}

    def families(self, results: Results) -> Iterator[Family]:
        """All families, each a step small enough to be done without a break. Symbols that have not traded have none."""
        shown = np.flatnonzero(results.state.totals.trades.sum(axis=0))
        symbols = tuple(results.state.symbols[slot] for slot in shown.tolist())
        yield from self._totals(results, shown, symbols)
        yield from self._windows(results, shown, symbols)
        yield from self._recent(results, shown, symbols)
        yield from self._latencies(results)
        yield from self._ledger(results.state.ledger)
        yield self._one(
            "telemetry_event_clock_timestamp_seconds",
            "The event clock: wall time, or the newest trade of a recording.",
            results.state.clock_ns / 1e9,
        )

    def _totals(self, results: Results, shown: Ints, symbols: tuple[SymbolKey, ...]) -> Iterator[Family]:
        totals = results.state.totals
        labels: _Axes = (("side", SIDES), ("symbol", symbols))
        for what, values, unit in (
            ("trades", totals.trades, "Trades"),
            ("volume", totals.volume, "Traded quantity, base"),
            ("notional", totals.notional, "Traded value, quote"),
        ):
            help_text = f"{unit}, since the start, by the taker's side."
            yield self._grid(f"trading_{what}_total", help_text, labels, values[:, shown], kind="counter")
        labels = (("symbol", symbols),)
        yield self._grid(
            "trading_last_price", "Price of the last trade by event time.", labels, totals.last_price[shown]
        )
        name, help_text = "trading_last_trade_timestamp_seconds", "Event time of the last trade."
        yield self._grid(name, help_text, labels, totals.last_event_ns[shown] / 1e9)

    def _windows(self, results: Results, shown: Ints, symbols: tuple[SymbolKey, ...]) -> Iterator[Family]:
        windows = [window_statistics(rows) for rows in results.state.windows.values()]
        names: tuple[WindowName, ...] = tuple(WINDOWS_S)
        labels = (("window", names), ("symbol", symbols))

        def stacked(field: str) -> npt.NDArray[np.generic]:
            return np.stack([getattr(values, field)[shown] for values in windows])

        yield self._grid("trading_window_trades", "Trades in the window.", labels, stacked("trades"))
        volume = np.stack([stacked("buy_volume"), stacked("sell_volume")])
        help_text = "Traded quantity in the window, base, by the taker's side."
        yield self._grid("trading_window_volume", help_text, (("side", SIDES), *labels), volume)
        for field, help_text in _WINDOW_HELP.items():
            yield self._grid(f"trading_window_{field}", help_text, labels, stacked(field))
        state = results.state
        first_ns = state.totals.first_event_ns
        covered = [covered_s(length_s, state.window_ends_s, first_ns)[shown] for length_s in WINDOWS_S.values()]
        help_text = "Seconds of the window since the symbol's first trade: what a rate is to be divided by."
        yield self._grid("trading_window_covered_seconds", help_text, labels, np.stack(covered))

    def _recent(self, results: Results, shown: Ints, symbols: tuple[SymbolKey, ...]) -> Iterator[Family]:
        labels: _Axes = (("symbol", symbols),)
        name, help_text = "trading_interarrival_seconds_mean", "Mean time from one of the recent trades to the next."
        yield self._grid(name, help_text, labels, results.mean_interval_s[shown])
        help_text = "(s - m) / (s + m) of the time between recent trades: -1 regular, 0 random, towards 1 in bursts."
        yield self._grid("trading_burstiness_ratio", help_text, labels, results.burstiness[shown])
        labels = (("quantile", tuple(map(str, PROBABILITIES))), *labels)
        help_text = "Quantiles of the quantity of the recent trades, base."
        yield self._grid("trading_qty_quantile", help_text, labels, results.qty_quantiles[:, shown])

    def _latencies(self, results: Results) -> Iterator[Family]:
        stages = [results.state.latencies[stage] for stage in STAGES]
        name = "telemetry_latency_seconds"
        series = self._keep(name, (_STAGE,), lambda: _histogram([bound / 1e9 for bound in BOUNDS_NS], _STAGE))
        values = [x for stage in stages for x in (*stage.cumulative, stage.count, stage.count, stage.sum_ns / 1e9)]
        help_text = (
            "Time a trade took: feed (event to received), wire (sent to received), process (received to applied)."
        )
        yield Family(name, "histogram", help_text, series, values)
        name, help_text = "telemetry_latency_negative_total", "Trades whose latency is negative: the clocks differ."
        yield self._grid(name, help_text, (_STAGE,), [stage.negative for stage in stages], kind="counter")
        name, help_text = "telemetry_latency_negative_seconds_total", "Sum of negative latencies, without their sign."
        negative_s = [stage.negative_sum_ns / 1e9 for stage in stages]
        yield self._grid(name, help_text, (_STAGE,), negative_s, kind="counter")
        skews = results.state.skews_ns
        name, help_text = (
            "telemetry_clock_skew_seconds",
            "Minimum of received minus event time; negative: the source's clock is ahead.",
        )
        yield self._grid(name, help_text, (("source", tuple(skews)),), [skew / 1e9 for skew in skews.values()])
        yield from self._source_latencies(results.state.source_latencies)

    def _source_latencies(self, found: dict[str, SourceLatency]) -> Iterator[Family]:
        labels: _Axes = (("source", tuple(found)),)
        name, help_text = "telemetry_source_latency_trades_total", "Live trades whose latency is summed, by source."
        yield self._grid(name, help_text, labels, [each.trades for each in found.values()], kind="counter")
        name, help_text = "telemetry_source_latency_seconds_total", "Sum of the time from sent to applied, by source."
        yield self._grid(name, help_text, labels, [each.sum_ns / 1e9 for each in found.values()], kind="counter")

    def _ledger(self, ledger: AnalyticsLedger) -> Iterator[Family]:
        labels: _Axes = (_SERVICE, ("outcome", tuple(ledger.batches)))
        name, help_text = "telemetry_messages_total", "Messages by outcome; their sum is what was received."
        yield self._grid(name, help_text, labels, list(ledger.batches.values()), kind="counter")
        name, labels = "telemetry_refused_total", (("reason", (REFUSED_BATCH,)),)
        yield self._grid(name, "Refused messages.", labels, [ledger.batches["refused"]], kind="counter")
        yield self._batch_trades(ledger)
        overflow = {"symbol": ledger.symbol_overflow, "source": ledger.source_overflow, "book": ledger.book_overflow}
        name, help_text = (
            "telemetry_label_overflow_total",
            "Trades counted under the label `other`: all label slots are taken.",
        )
        yield self._grid(name, help_text, (("label", tuple(overflow)),), list(overflow.values()), kind="counter")
        unplaced = {"late": ledger.late, "ahead": ledger.ahead, "oversized": ledger.oversized}
        name, help_text = (
            "telemetry_unplaced_trades_total",
            "Trades in no window (over an hour old, in the future), or too large to count in volume and notional.",
        )
        yield self._grid(name, help_text, (("reason", tuple(unplaced)),), list(unplaced.values()), kind="counter")
        for what, value, help_text in (
            ("applied", ledger.applied, "Trades applied."),
            ("duplicate", ledger.duplicate, "Trades received again and not counted twice."),
            ("stream_rewound", ledger.rewound, "Applied trades that a power cut took from ingest's log."),
            ("stream_lost", ledger.lost, "Trades lost between ingest and analytics, by sequence number."),
        ):
            yield self._one(f"telemetry_{what}_trades_total", help_text, value, kind="counter")
        for outcome, events in (("applied", ledger.applied_events), ("duplicate", ledger.duplicate_events)):
            help_text = f"Messages about orders {outcome}."
            yield self._one(f"telemetry_{outcome}_events_total", help_text, events, kind="counter")
        name, help_text = (
            "telemetry_dropped_messages_total",
            "Snapshots and confirmations dropped: a UI's queue was full.",
        )
        yield self._grid(name, help_text, (_SERVICE,), [ledger.dropped], kind="counter")
        outcomes = {"written": ledger.checkpoints, "failed": ledger.checkpoints_failed}
        name, help_text = "telemetry_checkpoints_total", "Checkpoints by outcome; ingest's log is trimmed behind them."
        yield self._grid(name, help_text, (("outcome", tuple(outcomes)),), list(outcomes.values()), kind="counter")

    def _batch_trades(self, ledger: AnalyticsLedger) -> Family:
        series = self._keep("telemetry_batch_trades", (_SERVICE,), lambda: _histogram(BATCH_TRADES_BOUNDS, _SERVICE))
        cumulative = list(accumulate(ledger.batch_trades))
        values = (*cumulative, cumulative[-1], ledger.batch_trades_sum)
        return Family("telemetry_batch_trades", "histogram", "Trades in a batch.", series, values)

    def _one(self, name: str, help_text: str, value: float, *, kind: _Kind = "gauge") -> Family:
        return self._grid(name, help_text, _NO_LABELS, [value], kind=kind)

    def _grid(
        self,
        name: str,
        help_text: str,
        labels: _Axes,
        values: npt.NDArray[np.generic] | list[float] | list[int],
        *,
        kind: _Kind = "gauge",
    ) -> Family:
        """A family with a series for each combination of labels; values of that shape."""
        series = self._keep(name, labels, lambda: _combinations(labels))
        flat: Sequence[float] = values if isinstance(values, list) else values.reshape(-1).tolist()
        return Family(name, kind, help_text, series, flat)

    def _keep(self, name: str, labels: _Axes, keys: Callable[[], Keys]) -> LabelledSeries:
        kept = self._series.get(name)
        if kept is None or kept[0] != labels:
            kept = self._series[name] = (labels, LabelledSeries(name, keys))
        return kept[1]


def _combinations(labels: _Axes) -> Keys:
    """Every combination, the last label fastest: the order of the values of an array with these axes."""
    names = [name for name, _ in labels]
    for values in product(*(values for _, values in labels)):
        yield "", tuple(pair for name, value in zip(names, values, strict=True) for pair in _pairs(name, value))


def _pairs(name: str, value: str | SymbolKey) -> Iterator[tuple[str, str]]:
    """A symbol's key makes two labels."""
    if isinstance(value, SymbolKey):
        yield name, value.symbol
        yield "origin", value.origin
    else:
        yield name, value


def _histogram(bounds: Sequence[float], labels: tuple[str, Sequence[str]]) -> Keys:
    """The series of a histogram for each value of its label: buckets, count, sum."""
    name, values = labels
    for value in values:
        for bound in (*map(float, bounds), "+Inf"):
            yield "_bucket", ((name, value), ("le", str(bound)))
        yield "_count", ((name, value),)
        yield "_sum", ((name, value),)
