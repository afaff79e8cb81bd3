"""Ingest's own state, as the UI shows it."""

from collections import defaultdict

from ingest.checking.event_check import kind_and_source
from ingest.checking.open_runs import OpenRuns
from ingest.checking.sequences import SequenceTracker
from ingest.checking.source_counts import SourceCounts, by_label
from ingest.delivery.batch_delivery import BatchDelivery
from ingest.desk.desk import Desk
from ingest.feeds.runner import FeedRunner
from ingest.reporting.ledger import IngestLedger
from telemetry_runtime import lost_log_lines
from telemetry_schema import BatchSizes, BotSourceState, IngestStatus, MessageLedger, SourceRefusals, SourceState


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
        events: SequenceTracker | None = None,
    ) -> None:
        self._events = events
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
            bots=self._bot_sources(),
            refusals=self._refusals(),
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

    def _bot_sources(self) -> list[BotSourceState]:
        """All kinds of messages about orders together, by source."""
        kinds: dict[str, list[SourceCounts]] = defaultdict(list)
        for name, counts in ({} if self._events is None else self._events.sources).items():
            kinds[kind_and_source(name)[1]].append(counts)
        return [
            BotSourceState(
                source=source,
                accepted=sum(one.accepted for one in found),
                lost=sum(one.lost for one in found),
                duplicate=sum(one.duplicate for one in found),
                last_ns=max(one.last_ns for one in found),
            )
            for source, found in sorted(kinds.items())
        ]

    def _refusals(self) -> list[SourceRefusals]:
        reasons = self._ledger.refused_sources.reasons
        return [SourceRefusals(source=source, reasons=dict(counts)) for source, counts in reasons.items() if counts]
