"""Counts of what ingest has done with every message since it started. Outcomes are disjoint and add up to what came."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from ingest.checking.outcomes import Checked, Refusal
from ingest.desk.outcome import DeskOutcome
from ingest.reporting.refused_sources import RefusedSources
from telemetry_runtime import MessageCounts
from telemetry_schema import Reason


@dataclass(slots=True)
class IngestLedger:
    """Messages by outcome, refused ones also by reason and in trades, commands by outcome and reason."""

    messages: MessageCounts = field(default_factory=MessageCounts)
    refused: Counter[str] = field(default_factory=Counter)
    refused_sources: RefusedSources = field(default_factory=RefusedSources)
    """The same by source."""
    refused_trades: int = 0
    """Trades that the refused messages stood for, as far as they could be read."""
    run_reports: Counter[str] = field(default_factory=Counter)
    """Accepted messages about runs, by type: `alive`, `end`."""
    commands: Counter[tuple[str, str]] = field(default_factory=Counter)
    events: dict[str, MessageCounts] = field(default_factory=lambda: defaultdict(MessageCounts))
    """Messages about orders by kind and outcome; they are in `messages` too."""
    held_back: Counter[str] = field(default_factory=Counter)
    """Bursts after which the next one was made to wait, by reason."""

    def count(self, checked: Checked, outcome: DeskOutcome) -> None:
        """Adds a burst: what the checker and the desk made of it."""
        if checked.run_reports:
            self.run_reports.update(checked.run_reports)
        if checked.limited_messages:
            self.refused[Reason.RATE_LIMITED] += checked.limited_messages
            self.refused_trades += checked.limited_messages
        if checked.out_of_order_messages:
            self.refused[Reason.OUT_OF_ORDER] += checked.out_of_order_messages
        for source, messages in checked.limited.items():
            self.refused[Reason.RATE_LIMITED] += messages
            self.refused_sources.add(source, Reason.RATE_LIMITED, messages)
            self.refused_trades += messages
        self.messages.add(checked.tally)
        self._count_refused(checked.refusals)
        if outcome:
            self._count_decisions(outcome)
        for kind, tally in checked.event_tallies.items():
            self.events[kind].add(tally)

    def _count_decisions(self, outcome: DeskOutcome) -> None:
        self.messages.add(outcome.tally)
        self._count_refused(outcome.refusals)
        for decision in outcome.decisions:
            self.commands[decision.outcome, decision.reason] += 1

    def _count_refused(self, refusals: Sequence[Refusal]) -> None:
        for refusal in refusals:
            self.refused[refusal.reason] += 1
            self.refused_sources.add(refusal.source, refusal.reason)
            self.refused_trades += refusal.trades
