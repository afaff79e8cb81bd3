"""Ingest's own state, as the UI shows it."""

from ingest.checking.sequences import SequenceTracker
from ingest.delivery.batch_delivery import Outflow
from ingest.desk.desk import Desk
from ingest.feeds.runner import FeedRunner
from ingest.reporting.ledger import Ledger
from telemetry_schema import BatchSizes, IngestStatus, MessageLedger, SourceState


class StatusReporter:
    """Builds `IngestStatus` messages; `feeds` may be filled after it was made."""

    def __init__(
        self,
        *,
        stream: str,
        ledger: Ledger,
        sequences: SequenceTracker,
        outflow: Outflow,
        desk: Desk,
        feeds: list[FeedRunner],
    ) -> None:
        self._stream, self._ledger, self._sequences = stream, ledger, sequences
        self._outflow, self._desk, self._feeds = outflow, desk, feeds
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
            accepted_trades=self._outflow.next_seq,
            unapplied_trades=self._outflow.unapplied_trades if self._outflow.heard else None,
            batch_sizes=self._batch_sizes(),
            feeds=[feed.view() for feed in self._feeds],
            sources=self._source_states(),
            desk=self._desk.state(),
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
        sizes = self._outflow.sizes
        return BatchSizes(batches=sizes.count, trades=sizes.total, largest=sizes.largest)

    def _source_states(self) -> list[SourceState]:
        return [
            SourceState(
                source=source,
                trades=counts.accepted,
                lost=counts.lost,
                duplicate=counts.duplicate,
                last_trade_ns=counts.last_ns,
            )
            for source, counts in self._sequences.sources.items()
        ]
