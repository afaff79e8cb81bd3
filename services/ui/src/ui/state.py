"""The newest of what the backend says, and when it was said. Pure."""

from dataclasses import dataclass, field

from telemetry_schema import IngestStatus, Snapshot
from ui.bars import BarHistory


@dataclass(slots=True)
class Peer:
    """One service that reports to us."""

    heard_ns: int | None = None


@dataclass(slots=True)
class Backend:
    """Analytics and ingest as we see them. All times are our own clock's."""

    started_ns: int
    bars: BarHistory
    analytics: Peer = field(default_factory=Peer)
    ingest: Peer = field(default_factory=Peer)
    snapshot: Snapshot | None = None
    status: IngestStatus | None = None
    applied_moved_ns: int = 0
    kill_switch_since_ns: int | None = None
    # Ingest's clock, by feed: since when it has been starting, as far as we have seen.
    starting_since_ns: dict[str, int] = field(default_factory=dict)

    def take_snapshot(self, snapshot: Snapshot, now_ns: int) -> bool:
        """Whether it is newer than the one before; of the same run an older one is a duplicate."""
        before = self.snapshot
        new_run = before is None or before.run != snapshot.run
        if before is not None and not new_run and snapshot.version <= before.version:
            return False
        if before is None or new_run or before.ledger.applied != snapshot.ledger.applied:
            self.applied_moved_ns = now_ns
        self.snapshot = snapshot
        self.analytics.heard_ns = now_ns
        self.bars.merge(snapshot.recent_bars)
        if snapshot.history is not None:
            self.bars.merge([snapshot.history])
        return True

    def take_status(self, status: IngestStatus, now_ns: int) -> bool:
        """Whether it is newer than the one before."""
        before = self.status
        new_run = before is None or before.stream != status.stream
        if before is not None and not new_run and status.version <= before.version:
            return False
        self.status = status
        self.ingest.heard_ns = now_ns
        known = {} if new_run else self.starting_since_ns
        self.starting_since_ns = {
            feed.name: known.get(feed.name, status.at_ns) for feed in status.feeds if feed.state == "starting"
        }
        if status.desk is None or not status.desk.kill_switch:
            self.kill_switch_since_ns = None
        elif self.kill_switch_since_ns is None:
            self.kill_switch_since_ns = now_ns
        return True
