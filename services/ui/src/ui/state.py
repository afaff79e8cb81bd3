"""The newest of what the backend reports, and when it was reported. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from telemetry_schema import BotsState, IngestStatus, Snapshot, SourceState, StudiesState
from ui.bars import BarHistory
from ui.instant import Instant
from ui.recent import RecentRise

RECENT_NS: Final = 300_000_000_000
"""What went wrong within this time is shown."""


@dataclass(slots=True)
class Peer:
    """One service that reports to us; None until it has."""

    heard: Instant | None = None

    def silence_ns(self, started: Instant, now: Instant) -> int:
        """Since it was last heard of, or since we started."""
        return now.monotonic_ns - (self.heard or started).monotonic_ns


@dataclass(slots=True)
class SourcePace:
    """How often a source sends: from the first report of it to the newest trade."""

    first_trades: int
    first_ns: int

    def mean_interval_ns(self, source: SourceState) -> float | None:
        """Between two of its trades; None as long as it has sent too few since we look."""
        trades, spanned_ns = source.trades - self.first_trades, source.last_trade_ns - self.first_ns
        return spanned_ns / trades if trades >= 3 and spanned_ns > 0 else None  # noqa: PLR2004 - fewer have no pace


@dataclass(slots=True)
class Backend:
    """Analytics and ingest as we see them."""

    started: Instant
    bars: BarHistory
    analytics: Peer = field(default_factory=Peer)
    ingest: Peer = field(default_factory=Peer)
    snapshot: Snapshot | None = None
    status: IngestStatus | None = None
    studies: StudiesState | None = None
    bots: BotsState | None = None
    alerts: Sequence[str] = ()
    receivers: int | None = None
    applied_moved: Instant | None = None
    accepted_moved: Instant | None = None
    kill_switch_since: Instant | None = None
    lost: RecentRise = field(default_factory=lambda: RecentRise(RECENT_NS))
    conflicts: RecentRise = field(default_factory=lambda: RecentRise(RECENT_NS))
    log_lines_lost: RecentRise = field(default_factory=lambda: RecentRise(RECENT_NS))
    log_totals: dict[str, int] = field(default_factory=dict)
    refused: RecentRise = field(default_factory=lambda: RecentRise(RECENT_NS))
    paces: dict[str, SourcePace] = field(default_factory=dict)
    # Ingest's clock, by feed: since when it has been starting, as far as we have seen.
    starting_since_ns: dict[str, int] = field(default_factory=dict)

    def take_snapshot(self, snapshot: Snapshot, now: Instant) -> bool:
        """Whether it is newer than the one before; of the same run an older one is a duplicate."""
        before = self.snapshot
        new_run = before is None or before.run != snapshot.run
        if before is not None and not new_run and snapshot.version <= before.version:
            return False
        if before is None or new_run or before.ledger.applied != snapshot.ledger.applied:
            self.applied_moved = now
        self.snapshot = snapshot
        self.analytics.heard = now
        self.note_log("analytics", snapshot.log_lines_lost, now)
        self.bars.follow(snapshot.recent_bars)
        if snapshot.history is not None:
            self.bars.merge([snapshot.history])
        return True

    def take_status(self, status: IngestStatus, now: Instant) -> bool:
        """Whether it is newer than the one before."""
        before = self.status
        new_run = before is None or before.stream != status.stream
        if before is not None and not new_run and status.version <= before.version:
            return False
        if before is None or before.accepted_trades != status.accepted_trades or status.ledger != before.ledger:
            self.accepted_moved = now
        self.status = status
        self.ingest.heard = now
        self.note_log("ingest", status.log_lines_lost, now)
        self._note_feeds(status, new_run=new_run)
        self._note_sources(status, now)
        self._note_kill_switch(status, now)
        return True

    def note_log(self, service: str, lines_lost: int, now: Instant) -> None:
        """Takes in how many lines of its log a service could not write since its start."""
        self.log_totals[service] = lines_lost
        self.log_lines_lost.note(self.log_totals, now.monotonic_ns)

    def _note_feeds(self, status: IngestStatus, *, new_run: bool) -> None:
        known = {} if new_run else self.starting_since_ns
        self.starting_since_ns = {
            feed.name: known.get(feed.name, status.at_ns) for feed in status.feeds if feed.state == "starting"
        }

    def _note_sources(self, status: IngestStatus, now: Instant) -> None:
        self.lost.note({one.source: one.lost for one in status.sources}, now.monotonic_ns)
        self.conflicts.note({one.source: one.conflicts for one in status.sources}, now.monotonic_ns)
        # A refused order is answered to whoever sent it.
        messages = {reason: count for reason, count in status.refused.items() if reason != "command_refused"}
        self.refused.note(messages, now.monotonic_ns)
        self.paces = {one.source: self._pace(one) for one in status.sources}

    def _pace(self, source: SourceState) -> SourcePace:
        known = self.paces.get(source.source)
        if known is None or source.trades < known.first_trades:
            return SourcePace(source.trades, source.last_trade_ns)
        return known

    def _note_kill_switch(self, status: IngestStatus, now: Instant) -> None:
        if status.desk is None or not status.desk.kill_switch:
            self.kill_switch_since = None
        elif self.kill_switch_since is None:
            self.kill_switch_since = now
