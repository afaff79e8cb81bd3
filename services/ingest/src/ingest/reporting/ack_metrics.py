"""What is acknowledged to durable clients, and what these say they hold."""

from collections import Counter
from collections.abc import Container, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ingest.checking.sequences import SequenceTracker
from ingest.checking.source_counts import by_label
from ingest.delivery.acknowledger import Acknowledger


class AckCollector(Collector):
    """Metrics of the acknowledgements; sources have the labels that they have among the trades."""

    def __init__(self, acknowledger: Acknowledger, sequences: SequenceTracker) -> None:
        self._acknowledger, self._sequences = acknowledger, sequences

    def collect(self) -> Iterator[Metric]:
        """One pass."""
        acks = self._acknowledger
        yield GaugeMetricFamily(
            "telemetry_durable_streams", "Runs of durable clients that are acknowledged, by kind.", value=acks.streams
        )
        sent = CounterMetricFamily("telemetry_acks", "Acknowledgements sent to durable clients.")
        sent.add_metric([], acks.sent_acks)
        yield sent
        refused = CounterMetricFamily("telemetry_ack_requests_refused", "Requests for acknowledgements not understood.")
        refused.add_metric([], acks.refused_requests)
        yield refused
        yield from self._clients(self._sequences.sources)

    def _clients(self, labels: Container[str]) -> Iterator[Metric]:
        reports = self._acknowledger.reports()
        for field, name, text in (
            ("held_trades", "telemetry_client_unacknowledged_trades", "Trades that durable clients hold, as they say."),
            ("held_bytes", "telemetry_client_queue_bytes", "What the queues of durable clients take up, as they say."),
            ("resent_trades", "telemetry_client_resent_trades", "Trades that running durable clients sent again."),
        ):
            family = GaugeMetricFamily(name, text, labels=["source"])
            counts = Counter({source: report[field] for source, report in reports.items()})
            for source, count in by_label(counts, labels).items():
                family.add_metric([source], count)
            yield family
