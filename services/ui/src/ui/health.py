"""What the banner says: everything that makes the page's numbers less than live, and since when. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from telemetry_schema import FeedState
from ui.state import Backend, Peer
from ui.wire import Problem

_SECOND_NS = 1_000_000_000
REPLAY_AFTER_NS = 60 * _SECOND_NS
"""Data whose clock is this far behind ours is a recording."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Silences that are still normal, in nanoseconds."""

    away_after_ns: int
    stale_after_ns: int


def problems(backend: Backend, limits: Limits, now_ns: int) -> list[Problem]:
    """The banner's lines, the gravest first."""
    return [*_away(backend, limits, now_ns), *_stale(backend, limits, now_ns), *_notes(backend)]


def is_away(peer: Peer, started_ns: int, limits: Limits, now_ns: int) -> bool:
    """Whether it has been silent for too long."""
    return now_ns - (peer.heard_ns or started_ns) > limits.away_after_ns


def _away(backend: Backend, limits: Limits, now_ns: int) -> Iterator[Problem]:
    if is_away(backend.ingest, backend.started_ns, limits, now_ns):
        yield _absence(
            "ingest", backend.ingest, backend.started_ns, "No trades come in, and orders are refused until it is back."
        )
    if is_away(backend.analytics, backend.started_ns, limits, now_ns):
        yield _absence(
            "analytics",
            backend.analytics,
            backend.started_ns,
            "Prices and windows below stand still; ingest holds trades and orders until it is back.",
        )


def _absence(name: str, peer: Peer, started_ns: int, detail: str) -> Problem:
    title = f"{name.capitalize()} is away" if peer.heard_ns else f"{name.capitalize()} has not been heard of yet"
    return Problem(
        code=f"{name}_away", severity="error", title=title, detail=detail, since_ns=peer.heard_ns or started_ns
    )


def _stale(backend: Backend, limits: Limits, now_ns: int) -> Iterator[Problem]:
    if backend.status is None or is_away(backend.ingest, backend.started_ns, limits, now_ns):
        return
    for feed in backend.status.feeds:
        # By ingest's clock on both sides, so that a clock of its own raises no alarm.
        if problem := _feed_problem(feed, limits, backend.status.at_ns):
            yield problem
    for name, since_ns in backend.starting_since_ns.items():
        if backend.status.at_ns - since_ns > limits.stale_after_ns:
            yield Problem(
                code="feed_starting",
                severity="warning",
                title=f"Feed {name} has not sent a trade yet",
                since_ns=since_ns,
            )
    analytics_is_here = not is_away(backend.analytics, backend.started_ns, limits, now_ns)
    if analytics_is_here and backend.status.unapplied_trades and _stands_still(backend, limits, now_ns):
        yield Problem(
            code="not_applied",
            severity="error",
            title="Analytics does not apply what comes in",
            detail=f"{backend.status.unapplied_trades:,} trades are waiting.",
            since_ns=backend.applied_moved_ns,
        )


def _stands_still(backend: Backend, limits: Limits, now_ns: int) -> bool:
    return now_ns - backend.applied_moved_ns > limits.stale_after_ns


def _feed_problem(feed: FeedState, limits: Limits, now_ns: int) -> Problem | None:
    since_ns = feed.last_trade_ns
    if feed.state == "live" and since_ns is not None and now_ns - since_ns > limits.stale_after_ns:
        return Problem(
            code="feed_stale",
            severity="error",
            title=f"Data is stale: {feed.name} is live but sends no trades",
            since_ns=since_ns,
        )
    if feed.state == "failed":
        return Problem(
            code="feed_failed",
            severity="error",
            title=f"Feed {feed.name} has failed",
            detail=feed.detail or "",
            since_ns=since_ns,
        )
    if feed.state == "waiting":
        return Problem(
            code="feed_waiting",
            severity="warning",
            title=f"Feed {feed.name} is waiting to connect again",
            detail=feed.detail or "",
            since_ns=since_ns,
        )
    return None


def _notes(backend: Backend) -> Iterator[Problem]:
    if backend.kill_switch_since_ns is not None:
        yield Problem(
            code="kill_switch",
            severity="warning",
            title="The kill switch is engaged",
            detail="Every order is refused until it is released on the Trade page.",
            since_ns=backend.kill_switch_since_ns,
        )
    snapshot = backend.snapshot
    if snapshot is not None and snapshot.at_ns - snapshot.clock_ns > REPLAY_AFTER_NS:
        yield Problem(
            code="replay",
            severity="info",
            title="These are replayed trades, not today's market",
            detail="Times on the charts and the tape are the recording's.",
        )
