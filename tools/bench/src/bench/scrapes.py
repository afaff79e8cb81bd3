"""What a look costs: /metrics and the UI's snapshot, and how long either keeps trades waiting."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import chain, islice
from statistics import median

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from analytics.analysis import Analysis
from analytics.app import AnalyticsApp
from analytics.cooperative import run
from analytics.engine import Engine
from analytics.output.metrics import Metrics
from analytics.output.snapshots import Snapshots
from bench.figures import TargetCheck, at_most
from bench.micro import engine, stream_of
from bench.orders import BOOKS, MAX_METRICS_MS, MAX_STEP_MS, ORDERS, lived_batches
from telemetry_runtime import SystemClock
from telemetry_runtime.fakes import FakeSink, FakeSource
from telemetry_runtime.http import TextFormat
from telemetry_schema import encode
from telemetry_schema.batch import MAX_BATCH_EVENTS, EventBatch

SYMBOLS = (1, 10, 200)

MAX_MS, MAX_BLOCKED_MS = 25.0, 5.0
"""Targets at 200 symbols: for all of /metrics, and for the longest time in which no trade can be applied."""

_TRADES = 4_096


@dataclass(frozen=True, slots=True)
class ScrapeTimes:
    """Medians of the repeats, in milliseconds; `limit_ms` is generate_latest of as many series.

    With books of bots' own orders, all of /metrics is asked for as OpenMetrics, with exemplars, as Prometheus does.
    """

    symbols: int
    books: int
    series: int
    metrics_ms: float
    blocked_ms: float
    limit_ms: float
    snapshot_ms: float

    def as_dict(self) -> dict[str, float]:
        """For the JSON file."""
        return asdict(self)


class _Service:
    """Analytics without its sockets."""

    def __init__(self, symbols: int, batches: Sequence[EventBatch]) -> None:
        self._engine: Engine = engine()
        self._events = chain.from_iterable(batch.events for batch in batches)
        for event in islice(self._events, sum(len(batch.events) for batch in batches) // 2):
            self._engine.orders.receive(event)
        self._stream = stream_of(symbols, _TRADES)
        self._seq = 0
        clock = SystemClock()
        self.analysis = Analysis(self._engine, clock=clock)
        self.snapshots = Snapshots(self._engine, run="bench", started_ns=1)
        self.app = AnalyticsApp(
            source=FakeSource(),
            progress=FakeSink(),
            ui=[],
            engine=self._engine,
            analysis=self.analysis,
            snapshots=self.snapshots,
            metrics=Metrics(),
            clock=clock,
        )

    def trade(self) -> None:
        """New trades of every symbol and some events of orders, so that everything is to be computed anew."""
        for event in islice(self._events, MAX_BATCH_EVENTS):
            self._engine.orders.receive(event)
        now_ns = time.time_ns()
        self._stream.records["event_ns"] = now_ns
        self._engine.apply(self._stream.batch(self._seq), now_ns=now_ns, monotonic_ns=now_ns)
        self._seq += _TRADES
        self._engine.fold()

    async def render(self, text_format: TextFormat) -> tuple[float, float, bytes]:
        """All of /metrics: milliseconds, the longest of them without a break, and the page."""
        longest_ns, last_ns, done = 0, time.perf_counter_ns(), asyncio.Event()

        async def watch() -> None:
            nonlocal longest_ns, last_ns
            while not done.is_set():
                now_ns = time.perf_counter_ns()
                longest_ns, last_ns = max(longest_ns, now_ns - last_ns), now_ns
                await asyncio.sleep(0)

        async def render() -> tuple[int, bytes]:
            begin_ns = time.perf_counter_ns()
            page = await self.app.render(text_format)
            done.set()
            return time.perf_counter_ns() - begin_ns, page

        _, (took_ns, page) = await asyncio.gather(watch(), render())
        longest_ns = max(longest_ns, time.perf_counter_ns() - last_ns)
        return took_ns / 1e6, longest_ns / 1e6, page


def measure(*, repeats: int) -> list[ScrapeTimes]:
    """At each number of symbols."""
    return [*(_times_of(symbols, repeats) for symbols in SYMBOLS), _times_of(SYMBOLS[-1], repeats, books=BOOKS)]


def _times_of(symbols: int, repeats: int, *, books: int = 0) -> ScrapeTimes:
    service = _Service(symbols, lived_batches(ORDERS) if books else ())
    text_format = TextFormat.OPENMETRICS if books else TextFormat.PROMETHEUS
    service.trade()
    series = _series(asyncio.run(service.render(text_format))[2])
    registry = _registry(series)
    metrics, blocked, limit, snapshot = [], [], [], []
    for _ in range(repeats):
        service.trade()
        took_ms, blocked_ms, _ = asyncio.run(service.render(text_format))
        metrics.append(took_ms)
        blocked.append(blocked_ms)
        limit.append(_millis(registry))
        snapshot.append(_snapshot_ms(service))
    return ScrapeTimes(symbols, books, series, median(metrics), median(blocked), median(limit), median(snapshot))


def _series(page: bytes) -> int:
    return sum(1 for line in page.splitlines() if not line.startswith(b"#"))


def _registry(series: int) -> CollectorRegistry:
    """So many gauges with two labels, as prometheus_client keeps them."""
    registry = CollectorRegistry()
    gauge = Gauge("bench", "As many series as ours.", ["symbol", "window"], registry=registry)
    for number in range(series):
        gauge.labels(f"LOAD-{number // 4:04d}", str(number % 4)).set(number / 7)
    return registry


def _millis(registry: CollectorRegistry) -> float:
    begin_ns = time.perf_counter_ns()
    generate_latest(registry)
    return (time.perf_counter_ns() - begin_ns) / 1e6


def _snapshot_ms(service: _Service) -> float:
    results = run(service.analysis.steps())
    begin_ns = time.perf_counter_ns()
    encode(run(service.snapshots.steps(results)))
    return (time.perf_counter_ns() - begin_ns) / 1e6


def targets(found: list[ScrapeTimes]) -> list[TargetCheck]:
    """What a look may cost at 200 symbols."""
    most, with_books = found[-2], found[-1]
    both = f"/metrics with {with_books.symbols} symbols and {with_books.books} books"
    return [
        at_most(f"/metrics with {most.symbols} symbols, ms", most.metrics_ms, MAX_MS, "{:.1f}"),
        at_most(
            f"/metrics with {most.symbols} symbols: longest time without a trade, ms",
            most.blocked_ms,
            MAX_BLOCKED_MS,
            "{:.1f}",
        ),
        at_most(
            f"/metrics with {most.symbols} symbols, ratio to generate_latest", most.metrics_ms / most.limit_ms, 1.0
        ),
        at_most(f"{both}, as OpenMetrics, ms", with_books.metrics_ms, MAX_METRICS_MS, "{:.1f}"),
        at_most(f"{both}: longest step, ms", with_books.blocked_ms, MAX_STEP_MS, "{:.1f}"),
    ]
