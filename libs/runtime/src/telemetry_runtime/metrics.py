"""Metrics that every service has, described once: its messages by outcome, its version, its process."""

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from telemetry_runtime.logs import lost_log_lines
from telemetry_runtime.message_counts import MessageCounts
from telemetry_runtime.refused_peers import RefusedPeers
from telemetry_schema import Reason

__all__ = ["message_families", "message_family", "service_registry"]


def service_registry(service: str, refused: Sequence[RefusedPeers] = ()) -> CollectorRegistry:
    """A registry with what the process itself has to say, and its endpoints; the service adds its own collectors."""
    registry = CollectorRegistry()
    for each in (
        ProcessCollector(registry=None),
        PlatformCollector(registry=None),
        _RuntimeCollector(service, refused),
    ):
        registry.register(each)
    return registry


def message_families(service: str, counts: MessageCounts, refused: Mapping[str, int]) -> Iterator[Metric]:
    """`telemetry_messages_total` by outcome, and `telemetry_refused_total` by reason; every known reason is shown."""
    yield message_family(service, counts)
    by_reason = CounterMetricFamily("telemetry_refused", "Refused messages by reason.", labels=["reason"])
    for reason in dict.fromkeys([*Reason, *refused]):
        by_reason.add_metric([reason], refused.get(reason, 0))
    yield by_reason


def message_family(service: str, counts: MessageCounts) -> Metric:
    """`telemetry_messages_total` by outcome."""
    messages = CounterMetricFamily(
        "telemetry_messages", "Messages by outcome; the sum is what was received.", labels=["service", "outcome"]
    )
    for outcome, count in counts.by_outcome().items():
        messages.add_metric([service, outcome], count)
    return messages


class _RuntimeCollector(Collector):
    """What the runtime knows of a service."""

    def __init__(self, service: str, refused: Sequence[RefusedPeers]) -> None:
        self._service, self._refused = service, refused
        # Looked up once: each look-up searches the disk and leaves cycles behind.
        self._version = version(f"telemetry-{service}")

    def collect(self) -> Iterator[Metric]:
        """The version that runs, and what its log could not take."""
        info = GaugeMetricFamily("telemetry_build_info", "Version of the service.", labels=["service", "version"])
        info.add_metric([self._service, self._version], 1)
        yield info
        lost = CounterMetricFamily(
            "telemetry_log_lines_lost", "Log lines that could not be written.", labels=["service"]
        )
        lost.add_metric([self._service], lost_log_lines())
        yield lost
        peers = CounterMetricFamily(
            "telemetry_refused_peers",
            "Connections that did not get past the handshake, by reason.",
            labels=["service", "endpoint", "reason"],
        )
        for each in self._refused:
            for reason, count in each.counts.items():
                peers.add_metric([self._service, each.endpoint, reason], count)
        yield peers
