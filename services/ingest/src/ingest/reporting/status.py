"""Ingest's own state, as the UI shows it."""

from ingest.checking.open_runs import OpenRuns
from ingest.checking.sequences import SequenceTracker
from ingest.checking.source_counts import by_label
from ingest.delivery.batch_delivery import BatchDelivery
from ingest.desk.desk import Desk
from ingest.feeds.runner import FeedRunner
from ingest.reporting.ledger import IngestLedger
from telemetry_runtime import lost_log_lines
from telemetry_schema import BatchSizes, IngestStatus, MessageLedger, SourceState


class StatusReporter:
    """Builds `IngestStatus` messages."""

    def __init__(
        self,
        *,
        stream: str,
        ledger: IngestLedger,
        sequences: SequenceTracker,
        open_runs: OpenRuns,
        delivery: BatchDelivery,
        desk: Desk,
        feeds: list[FeedRunner],
    ) -> None:
        self._stream, self._ledger, self._sequences, self._open_runs = stream, ledger, sequences, open_runs
        self._delivery, self._desk, self._feeds = delivery, desk, feeds
        self._version = 0

    def status(self, now_ns: int) -> IngestStatus:
        """The state now."""
        self._version += 1
        return IngestStatus(
            version=self._version,
            stream=self._stream,
            at_ns=now_ns,
            ledger=self._messages(),
            refused=dict(self._ledger.refused),
            accepted_trades=self._delivery.accepted_trades,
            unapplied_trades=self._delivery.unapplied_trades if self._delivery.heard else None,
            analytics_heard_ns=now_ns - round(self._delivery.silent_s * 1e9) if self._delivery.heard else None,
            batch_sizes=self._batch_sizes(),
            feeds=[feed.view() for feed in self._feeds],
            sources=self._source_states(),
            desk=self._desk.state(),
            log_lines_lost=lost_log_lines(),
        )

    def _messages(self) -> MessageLedger:
        tally = self._ledger.messages
        return MessageLedger(
            received=tally.received,
            accepted=tally.accepted,
            refused=tally.refused,
            duplicate=tally.duplicate,
            ignored=tally.ignored,
        )

    def _batch_sizes(self) -> BatchSizes:
        delivery = self._delivery
        return BatchSizes(
            batches=delivery.batches, trades=delivery.accepted_trades, largest=delivery.largest_batch_trades
        )

    def _source_states(self) -> list[SourceState]:
        unfinished = by_label(self._open_runs.unfinished, self._sequences.sources)
        return [
            SourceState(
                source=source,
                trades=counts.accepted,
                lost=counts.lost,
                duplicate=counts.duplicate,
                conflicts=counts.conflicts,
                last_trade_ns=counts.last_ns,
                unfinished_runs=unfinished[source],
            )
            for source, counts in self._sequences.sources.items()
        ]
