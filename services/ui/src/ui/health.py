"""What the banner says: everything that makes the page's numbers less than live, and since when. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from telemetry_schema import FeedState, IngestStatus, Snapshot
from ui.degraded import degraded
from ui.instant import Instant
from ui.state import Backend, Peer
from ui.wire import Condition, Problem

REPLAY_AFTER_NS: Final = 60_000_000_000
"""Data whose clock is this far behind that of analytics is a recording."""
IDLE_AFTER_NS: Final = 5_000_000_000
AWAY: Final = frozenset({"ingest_away", "analytics_away", "not_applied", "feed_stale"})
"""Problems with which what the page shows stands still."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Silences that are still normal, in nanoseconds, and the source of the page's own orders."""

    away_after_ns: int
    stale_after_ns: int
    own_source: str = "ui"


def problems(backend: Backend, limits: Limits, now: Instant) -> list[Problem]:
    """The banner's lines, the gravest first."""
    found = [*_away(backend, limits, now), *_stale(backend, limits, now)]
    if not is_away(backend.ingest, backend.started, limits, now):
        found.extend(degraded(backend, limits.own_source, is_replay=is_replay(backend.snapshot)))
    return [*found, *_notes(backend)]


def condition(found: list[Problem], backend: Backend, now: Instant) -> Condition:
    """One word for all: the worst that is so."""
    if any(one.code in AWAY for one in found):
        return "away"
    if any(one.severity != "info" and one.code != "kill_switch" for one in found):
        return "degraded"
    moved = backend.accepted_moved or backend.started
    if now.monotonic_ns - moved.monotonic_ns > IDLE_AFTER_NS or backend.status is None:
        return "idle"
    return "idle" if backend.status.accepted_trades == 0 else "live"


def is_away(peer: Peer, started: Instant, limits: Limits, now: Instant) -> bool:
    """Whether it has been silent for too long."""
    return peer.silence_ns(started, now) > limits.away_after_ns


def is_replay(snapshot: Snapshot | None) -> bool:
    """Whether the windows end in the past: then no age of a trade means anything."""
    return snapshot is not None and snapshot.at_ns - snapshot.clock_ns > REPLAY_AFTER_NS


def _away(backend: Backend, limits: Limits, now: Instant) -> Iterator[Problem]:
    if is_away(backend.ingest, backend.started, limits, now):
        detail = "No trades come in, and orders are refused until it is back."
        yield _absence("ingest", backend.ingest, backend.started, detail)
    if is_away(backend.analytics, backend.started, limits, now):
        detail = "Prices and windows below stand still; ingest holds trades and orders until it is back."
        yield _absence("analytics", backend.analytics, backend.started, detail)


def _absence(name: str, peer: Peer, started: Instant, detail: str) -> Problem:
    title = f"{name.capitalize()} is away" if peer.heard else f"{name.capitalize()} has not been heard of yet"
    since = (peer.heard or started).wall_ns
    return Problem(code=f"{name}_away", severity="error", title=title, detail=detail, since_ns=since)


def _stale(backend: Backend, limits: Limits, now: Instant) -> Iterator[Problem]:
    status = backend.status
    if status is None or is_away(backend.ingest, backend.started, limits, now):
        return
    for feed in status.feeds:
        # By ingest's clock on both sides, so that a clock of its own raises no alarm.
        if problem := _feed_problem(feed, limits, status.at_ns, is_replay=is_replay(backend.snapshot)):
            yield problem
    for name, since_ns in backend.starting_since_ns.items():
        if status.at_ns - since_ns > limits.stale_after_ns:
            title = f"Feed {name} has not sent a trade yet"
            yield Problem(code="feed_starting", severity="warning", title=title, since_ns=since_ns)
    if not is_away(backend.analytics, backend.started, limits, now):
        yield from _not_applied(backend, status, limits, now)


def _not_applied(backend: Backend, status: IngestStatus, limits: Limits, now: Instant) -> Iterator[Problem]:
    moved = backend.applied_moved or backend.started
    if not status.unapplied_trades or now.monotonic_ns - moved.monotonic_ns <= limits.stale_after_ns:
        return
    yield Problem(
        code="not_applied",
        severity="error",
        title="Analytics does not apply what comes in",
        detail=f"{status.unapplied_trades:,} trades are waiting.",
        since_ns=moved.wall_ns,
    )


def _feed_problem(feed: FeedState, limits: Limits, at_ns: int, *, is_replay: bool) -> Problem | None:
    since_ns, detail = feed.last_trade_ns, feed.detail or ""
    if feed.state == "live" and since_ns is not None and at_ns - since_ns > limits.stale_after_ns and not is_replay:
        title = f"Data is stale: {feed.name} is live but sends no trades"
        return Problem(code="feed_stale", severity="error", title=title, since_ns=since_ns)
    if feed.state == "failed":
        title = f"Feed {feed.name} has failed"
        return Problem(code="feed_failed", severity="error", title=title, detail=detail, since_ns=since_ns)
    if feed.state == "waiting":
        title = f"Feed {feed.name} is waiting"
        return Problem(code="feed_waiting", severity="warning", title=title, detail=detail, since_ns=since_ns)
    return None


def _notes(backend: Backend) -> Iterator[Problem]:
    if backend.kill_switch_since is not None:
        yield Problem(
            code="kill_switch",
            severity="warning",
            title="The kill switch is engaged",
            detail="Every order is refused until it is released on the Trade page.",
            since_ns=backend.kill_switch_since.wall_ns,
        )
    if is_replay(backend.snapshot):
        yield Problem(
            code="replay",
            severity="info",
            title="These are replayed trades, not today's market",
            detail="Times on the charts and the tape are the recording's.",
        )
