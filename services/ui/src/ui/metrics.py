"""The UI's metrics: one collector over its state, and a histogram of how long commands take."""

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from telemetry_runtime import Clock
from telemetry_runtime.metrics import message_families
from telemetry_runtime.transport import DroppingSink
from ui.instant import Instant
from ui.page_process import PageProcess
from ui.state import Backend
from ui.tally import Tally
from ui.wire import CommandStatus

SERVICE: Final = "ui"
_BUCKETS_S: Final = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_STATUSES: Final[tuple[CommandStatus, ...]] = (
    "sent",
    "resting",
    "accepted",
    "applied",
    "refused",
    "cancelled",
    "no_answer",
)


class CommandMetrics:
    """Commands by the statuses they reached, and the time until then."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._statuses = Counter(
            "telemetry_ui_commands", "Commands of the page that reached a status.", ["status"], registry=registry
        )
        self._times = Histogram(
            "telemetry_ui_command_seconds",
            "From the command's arrival at the main process to the status.",
            ["status"],
            buckets=_BUCKETS_S,
            registry=registry,
        )
        for status in _STATUSES:
            self._statuses.labels(status)

    def count(self, status: CommandStatus, took_ns: int) -> None:
        """Counts a status that was reached."""
        self._statuses.labels(status).inc()
        if status in {"accepted", "applied", "refused"}:
            self._times.labels(status).observe(took_ns / 1e9)


class UiCollector(Collector):
    """All of the UI's metrics but those of the commands and the process."""

    def __init__(
        self, tally: Tally, backend: Backend, page: PageProcess, page_sink: DroppingSink, clock: Clock
    ) -> None:
        self._tally, self._backend, self._page = tally, backend, page
        self._page_sink, self._clock = page_sink, clock

    def collect(self) -> Iterator[Metric]:
        """One pass over everything."""
        yield from message_families(SERVICE, self._tally.messages, self._tally.refused_reasons)
        yield from self._page_metrics()
        ages = GaugeMetricFamily(
            "telemetry_ui_silence_seconds", "Since a service was last heard of.", labels=["service"]
        )
        now = Instant.now(self._clock)
        for name, peer in (("analytics", self._backend.analytics), ("ingest", self._backend.ingest)):
            ages.add_metric([name], peer.silence_ns(self._backend.started, now) / 1e9)
        yield ages

    def _page_metrics(self) -> Iterator[Metric]:
        starts = CounterMetricFamily("telemetry_ui_page_starts", "Starts of the page's process; the first is normal.")
        starts.add_metric([], self._page.starts)
        yield starts
        skipped = CounterMetricFamily(
            "telemetry_ui_page_skipped_messages", "Messages that the page had no room for; newer ones follow."
        )
        skipped.add_metric([], self._page_sink.dropped_messages)
        yield skipped
