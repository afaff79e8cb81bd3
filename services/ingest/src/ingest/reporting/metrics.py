"""Ingest's metrics: one collector that reads the ledger, the sequences and the delivery at scrape time."""

from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from typing import NamedTuple, get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ingest.checking.crowding import HoldBackReason
from ingest.checking.event_check import kind_and_source
from ingest.checking.open_runs import OpenRuns
from ingest.checking.rate_limit import RateLimiter
from ingest.checking.sequences import SequenceTracker
from ingest.checking.source_counts import by_label
from ingest.delivery.batch_delivery import BatchDelivery
from ingest.desk.desk import Desk
from ingest.feeds.runner import FeedRunner
from ingest.reporting.ledger import IngestLedger
from ingest.storage.audit import AuditFile
from ingest.storage.dead_letters import DeadLetters
from ingest.storage.log.group_commit import GroupCommit
from telemetry_runtime.metrics import message_family
from telemetry_schema import BOT_MESSAGES, Reason
from telemetry_schema.batch import BATCH_TRADES_BOUNDS

SERVICE = "ingest"
_FEED_STATES = ("starting", "live", "waiting", "finished", "failed")


class KeptFiles(NamedTuple):
    """What is kept for people to read."""

    dead_letters: DeadLetters
    audit: AuditFile


class IngestCollector(Collector):
    """All of ingest's metrics but those of the process."""

    def __init__(  # noqa: PLR0913 - one more part than most
        self,
        ledger: IngestLedger,
        sequences: SequenceTracker,
        delivery: BatchDelivery,
        files: KeptFiles,
        feeds: list[FeedRunner],
        writer: GroupCommit,
        *,
        desk: Desk,
        open_runs: OpenRuns,
        events: SequenceTracker | None = None,
    ) -> None:
        self._desk, self._open_runs, self._events = desk, open_runs, events
        self._ledger, self._sequences, self._delivery = ledger, sequences, delivery
        self._files, self._feeds, self._writer = files, feeds, writer

    def collect(self) -> Iterator[Metric]:
        """One pass over everything; the event loop does nothing else meanwhile, so it is one consistent state."""
        yield from self._messages()
        yield from self._sources()
        yield from self._event_messages()
        yield from self._event_sources()
        yield from self._batches()
        yield from self._feed_states()
        yield from self._log_state()

    def _log_state(self) -> Iterator[Metric]:
        writer, log = self._writer, self._writer.log
        failed = _counter("telemetry_state_write_failures", "Writes that the disk did not take.", "file")
        failed.add_metric(["log"], writer.write_failures)
        yield failed
        waits = _counter("telemetry_log_full_waits", "Times the log was full, and clients had to wait.")
        waits.add_metric([], writer.full_waits)
        yield waits
        yield _gauge("telemetry_log_bytes", "What the log of accepted trades takes up.", log.held_bytes)
        yield _gauge("telemetry_log_trades", "Trades in the log.", log.next_seq - log.first_seq)

    def _messages(self) -> Iterator[Metric]:
        ledger = self._ledger
        yield message_family(SERVICE, ledger.messages)
        yield self._refused()
        refused_trades = _counter(
            "telemetry_refused_trades", "Trades in refused messages; one each where a message cannot be read."
        )
        refused_trades.add_metric([], ledger.refused_trades)
        yield refused_trades
        commands = _counter("telemetry_commands", "Commands to the paper desk.", "outcome", "reason")
        for outcome in ("accepted", "refused", "duplicate"):
            commands.add_metric([outcome, ""], ledger.commands[outcome, ""])
        for (outcome, reason), count in ledger.commands.items():
            if reason:
                commands.add_metric([outcome, reason], count)
        yield commands
        yield _gauge("telemetry_kill_switch_engaged", "1 while all orders are refused.", float(self._desk.kill_switch))
        resting = GaugeMetricFamily(
            "telemetry_desk_open_orders", "Orders that rest, by who sent them.", labels=["source"]
        )
        for source, count in self._desk.open_orders.sources.items():
            resting.add_metric([source], count)
        yield resting
        unkept = _counter(
            "telemetry_dead_letters_unkept", "Refused messages that could not be written to the dead letters."
        )
        unkept.add_metric([], self._files.dead_letters.unkept_messages)
        yield unkept
        unkept = _counter("telemetry_audit_unkept", "Commands that could not be written to the audit.")
        unkept.add_metric([], self._files.audit.unkept_commands)
        yield unkept

    def _refused(self) -> Metric:
        """By source and reason. Of messages in which no source can be read every known reason is shown."""
        help_text = "Refused messages by source and reason; no source where none can be read."
        family = _counter("telemetry_refused", help_text, "source", "reason")
        for source, reasons in self._ledger.refused_sources.reasons.items():
            for reason in dict.fromkeys([*([] if source else Reason), *reasons]):
                family.add_metric([source, reason], reasons[reason])
        return family

    def _sources(self) -> Iterator[Metric]:
        families = {
            "accepted": _counter("telemetry_source_trades", "Trades accepted.", "source"),
            "peak_lost": _counter("telemetry_source_lost", "Trades whose sequence numbers are missing.", "source"),
            "duplicate": _counter(
                "telemetry_source_duplicate", "Trades whose sequence numbers had been accepted before.", "source"
            ),
            "peak_unaccounted": _counter(
                "telemetry_source_unaccounted",
                "Trades missing after a crash of ingest: lost, or accepted before.",
                "source",
            ),
            "unsequenced": _counter(
                "telemetry_source_unsequenced", "Accepted trades without a sequence number.", "source"
            ),
            "restarts": _counter(
                "telemetry_sequence_restarts", "Times a run's sequence numbers began again.", "source"
            ),
            "conflicts": _counter(
                "telemetry_sequence_conflicts",
                "Duplicates that are no repetitions: another sender uses the numbers of their run.",
                "source",
            ),
        }
        for source, counts in self._sequences.sources.items():
            counts.report()
            for field, family in families.items():
                family.add_metric([source], getattr(counts, field))
        yield from families.values()
        yield from self._runs()
        overflow = _counter("telemetry_label_overflow", "Trades counted under the label value `other`.", "label")
        overflow.add_metric(["source"], self._sequences.overflow_trades)
        yield overflow

    def _runs(self) -> Iterator[Metric]:
        unfinished = GaugeMetricFamily(
            "telemetry_unfinished_runs", "Runs that went silent without their end, in the last hour.", labels=["source"]
        )
        counts = by_label(self._open_runs.unfinished, self._sequences.sources)
        for source in self._sequences.sources.keys() | counts.keys():
            unfinished.add_metric([source], counts[source])
        yield unfinished
        reports = _counter("telemetry_run_reports", "Accepted messages of senders about their runs.", "type")
        for kind in ("alive", "end"):
            reports.add_metric([kind], self._ledger.run_reports[kind])
        yield reports

    def _event_messages(self) -> Iterator[Metric]:
        events = _counter("telemetry_events", "Messages about orders, by kind and outcome.", "kind", "outcome")
        for kind in BOT_MESSAGES:
            for outcome, count in self._ledger.events[kind].by_outcome().items():
                events.add_metric([kind, outcome], count)
        yield events

    def _event_sources(self) -> Iterator[Metric]:
        families = {
            "accepted": _counter("telemetry_source_events", "Messages about orders accepted.", "source", "kind"),
            "peak_lost": _counter(
                "telemetry_source_events_lost", "Messages about orders whose numbers are missing.", "source", "kind"
            ),
            "duplicate": _counter(
                "telemetry_source_events_duplicate",
                "Messages about orders whose numbers had been accepted before.",
                "source",
                "kind",
            ),
        }
        for name, counts in ({} if self._events is None else self._events.sources).items():
            counts.report()
            kind, source = kind_and_source(name)
            for field, family in families.items():
                family.add_metric([source, kind], getattr(counts, field))
        yield from families.values()

    def _batches(self) -> Iterator[Metric]:
        delivery = self._delivery
        yield batch_sizes(delivery)
        yield _gauge(
            "telemetry_unapplied_trades",
            "Trades that are accepted and not yet acknowledged by analytics.",
            delivery.unapplied_trades,
        )
        resends = _counter("telemetry_resends", "Times batches were retransmitted because analytics missed trades.")
        resends.add_metric([], delivery.retransmissions)
        yield resends
        abandoned = _counter("telemetry_abandoned_trades", "Trades of batches that analytics refused again and again.")
        abandoned.add_metric([], delivery.abandoned_trades)
        yield abandoned
        yield _gauge("telemetry_analytics_silent_seconds", "Time since analytics' last report.", delivery.silent_s)

    def _feed_states(self) -> Iterator[Metric]:
        states = GaugeMetricFamily("telemetry_feed_state", "1 for the state a feed is in.", labels=["feed", "state"])
        for feed in self._feeds:
            for state in _FEED_STATES:
                states.add_metric([feed.name, state], feed.state == state)
        yield states
        ignored = _counter(
            "telemetry_feed_ignored",
            "What a feed sent that is no part of the market's flow: trades of special kinds, and frames about else.",
            "feed",
            "kind",
        )
        for feed in self._feeds:
            for kind, count in feed.kinds.items():
                ignored.add_metric([feed.name, kind], count)
        yield ignored


class RateLimitCollector(Collector):
    """What each source had refused because it sent more than it may, and how often all had to wait because of a flood.

    Args:
        limiter: counts refused messages.
        held_back: bursts by the reason why the one after each waited.
        held_back_s: for how long these have waited, all together.
    """

    def __init__(self, limiter: RateLimiter, held_back: Mapping[str, int], held_back_s: Callable[[], float]) -> None:
        self._limiter, self._held_back, self._held_back_s = limiter, held_back, held_back_s

    def collect(self) -> Iterator[Metric]:
        """One counter by source, one by reason, one of time."""
        bursts = _counter(
            "telemetry_ingest_held_back_bursts", "Bursts that waited, and came in small, because of a flood.", "reason"
        )
        for reason in get_args(HoldBackReason):
            bursts.add_metric([reason], self._held_back.get(reason, 0))
        yield bursts
        waited = _counter("telemetry_ingest_held_back_seconds", "How long bursts were held back because of a flood.")
        waited.add_metric([], self._held_back_s())
        yield waited
        limited = _counter("telemetry_rate_limited", "Messages beyond what their source may send a second.", "source")
        for source, count in self._limiter.refused.items():
            limited.add_metric([source], count)
        yield limited


def _counter(name: str, text: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(name, text, labels=labels)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)


def batch_sizes(delivery: BatchDelivery) -> Metric:
    """`telemetry_batch_trades` of the batches that were made so far."""
    family = HistogramMetricFamily("telemetry_batch_trades", "Trades in a batch.", labels=["service"])
    bounds = [*(str(float(bound)) for bound in BATCH_TRADES_BOUNDS), "+Inf"]
    at_most = accumulate(delivery.batches_by_size)
    family.add_metric([SERVICE], list(zip(bounds, at_most, strict=True)), delivery.accepted_trades)
    return family
