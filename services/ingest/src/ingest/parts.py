"""What ingest is made of apart from its sockets, made from the settings."""

import secrets
from dataclasses import dataclass
from random import Random

from ingest.checking.checker import Checker
from ingest.checking.open_runs import OpenRuns
from ingest.checking.rate_limit import NO_LIMIT, RateLimit, RateLimiter
from ingest.checking.sequences import SequenceTracker
from ingest.checking.size_limits import SizeLimits
from ingest.desk.desk import Desk
from ingest.desk.limits import DeskLimits
from ingest.environment import IngestSettings
from ingest.feeds.base import Feed, FeedError
from ingest.feeds.replay import ReplayFeed
from ingest.feeds.sim_orders import LeftOrdersFeed, SimOrdersFeed
from ingest.feeds.uri import open_feed, parse_feed
from ingest.reporting.ledger import IngestLedger
from ingest.reporting.refused_sources import RefusedSources
from ingest.storage.audit import AuditFile
from ingest.storage.dead_letters import DeadLetterFile, DeadLetterThread
from ingest.storage.journal import Journal, boot_id, bots_with_orders
from ingest.storage.log.batch_log import BatchLog
from ingest.storage.log.group_commit import GroupCommit
from ingest.storage.log.memory_log import MemoryLog
from ingest.storage.log.segment_log import SegmentLog
from telemetry_runtime import Clock, RateLimitedWarning, StartupError

_SHARED_RUN = (
    "its numbers come twice, with other trades: two senders share this source and run, and what the second one \
sends is dropped; give each a run of its own"
)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the pipeline is made of, apart from its sockets."""

    run: str
    """Name of this run of ingest; new at each start."""
    writer: GroupCommit
    journal: Journal
    feeds: list[Feed]
    sequences: SequenceTracker
    limiter: RateLimiter
    events: SequenceTracker
    """Of messages about orders."""
    checker: Checker
    desk: Desk
    ledger: IngestLedger
    dead_letters: DeadLetterThread
    audit: AuditFile


def make_parts(settings: IngestSettings, clock: Clock, log: BatchLog) -> Parts:
    """Makes them; nothing of an earlier start is in them yet.

    Raises:
        StartupError: a feed's URI is wrong.
    """
    sequences, desk, feeds = _sequences(settings, clock), _desk(settings), _open_feeds(settings.feeds, clock)
    events = _sequences(settings, clock, what="event_")
    writer = GroupCommit(log, clock=clock, sync=settings.log_sync, sync_interval_s=settings.log_sync_interval_s)
    replays = [feed for feed in feeds if isinstance(feed, ReplayFeed)]
    feeds += _left_orders(feeds, clock, log)
    bots = [feed for feed in feeds if isinstance(feed, SimOrdersFeed | LeftOrdersFeed)]
    return Parts(
        run=_new_name(clock),
        writer=writer,
        journal=Journal(writer, sequences, desk, boot=boot_id(), replays=replays, bots=bots, events=events),
        feeds=feeds,
        sequences=sequences,
        limiter=_limiter(settings),
        events=events,
        checker=Checker(
            sequences,
            max_ahead_ns=round(settings.max_ahead_s * 1e9),
            sizes=_sizes(settings),
            open_runs=_open_runs(settings, clock),
            events=events,
        ),
        desk=desk,
        ledger=IngestLedger(
            refused_sources=RefusedSources(max_sources=settings.max_sources, idle_s=settings.source_idle_s)
        ),
        dead_letters=_dead_letters(settings),
        audit=AuditFile(
            settings.data_dir,
            file_bytes=settings.audit_file_bytes,
            files=settings.audit_files,
            sync=settings.log_sync == "burst",
        ),
    )


def open_log(settings: IngestSettings, clock: Clock) -> BatchLog:
    """Opens the write-ahead log.

    Raises:
        StartupError: its folder cannot be used.
    """
    new_stream, now_ns = _new_name(clock), clock.now_ns()
    if settings.log == "memory":
        return MemoryLog(new_stream, max_bytes=settings.log_max_bytes, epoch=now_ns)
    directory = settings.data_dir / "log"
    try:
        return SegmentLog(directory, new_stream=new_stream, now_ns=now_ns, max_bytes=settings.log_max_bytes)
    except OSError as error:
        path = error.filename or directory
        raise StartupError(f"INGEST_DATA_DIR: {path} cannot be used: {error.strerror}") from error


def _new_name(clock: Clock) -> str:
    return f"{clock.now_ns():x}-{secrets.token_hex(4)}"


def _open_feeds(uris: tuple[str, ...], clock: Clock) -> list[Feed]:
    names = [uri.partition("?")[0] for uri in uris]
    if len(set(names)) != len(names):
        raise StartupError(f"INGEST_FEEDS: a feed is given twice: {' '.join(uris)}; name each once")
    try:
        # S311: a simulated market is no secret.
        return [open_feed(parse_feed(uri), clock, Random()) for uri in uris]  # noqa: S311
    except FeedError as error:
        raise StartupError(f"INGEST_FEEDS: {error}") from error


def _left_orders(feeds: list[Feed], clock: Clock, log: BatchLog) -> list[LeftOrdersFeed]:
    """One for each simulated bot that is simulated no more and left orders: nobody else ends them."""
    names = {feed.name for feed in feeds}
    left = [name for name in bots_with_orders(log.state()) if name not in names]
    return [LeftOrdersFeed(name, clock, Random()) for name in left]  # noqa: S311 - the number of a run


def _sequences(settings: IngestSettings, clock: Clock, *, what: str = "") -> SequenceTracker:
    # Messages about orders are followed by kind and source, joined by a control character.
    gap = RateLimitedWarning(f"{what}sequence_gap_found", monotonic_ns=clock.monotonic_ns)
    restart = RateLimitedWarning(f"{what}sequence_restarted", monotonic_ns=clock.monotonic_ns)
    conflict = RateLimitedWarning(f"{what}sequence_conflict", monotonic_ns=clock.monotonic_ns, interval_s=60.0)
    sequences = SequenceTracker(
        max_runs=settings.max_runs,
        max_sources=settings.max_sources,
        run_idle_s=settings.run_idle_s,
        source_idle_s=settings.source_idle_s,
        on_gap=lambda source, lost: gap.log(source=source.replace("\x1f", " "), lost_trades=lost),
        on_restart=lambda source, run: restart.log(source=source.replace("\x1f", " "), run=run),
        on_conflict=lambda source, run: conflict.log(source=source.replace("\x1f", " "), run=run, hint=_SHARED_RUN),
    )
    sequences.tick(clock.now_ns(), clock.monotonic_ns())
    return sequences


def _open_runs(settings: IngestSettings, clock: Clock) -> OpenRuns:
    warning = RateLimitedWarning("run_unfinished", monotonic_ns=clock.monotonic_ns)
    return OpenRuns(
        unfinished_after_s=settings.unfinished_after_s,
        max_runs=settings.max_runs,
        on_unfinished=lambda source, run: warning.log(source=source, run=run),
    )


def _desk(settings: IngestSettings) -> Desk:
    limits = DeskLimits(
        max_qty=settings.desk_max_qty,
        max_notional=settings.desk_max_notional,
        price_band_ratio=settings.desk_price_band_ratio,
        max_commands_per_s=settings.desk_max_commands_per_s,
        max_age_s=settings.desk_max_age_s,
        max_price_age_s=settings.desk_max_price_age_s,
        max_open_orders=settings.desk_max_open_orders,
        partial_fills=settings.desk_partial_fills,
    )
    return Desk(limits, account=settings.desk_account, kill_switch=settings.desk_kill_switch)


def _limiter(settings: IngestSettings) -> RateLimiter:
    limit = RateLimit(settings.max_messages_per_s or NO_LIMIT, settings.max_bytes_per_s or NO_LIMIT)
    return RateLimiter(limit, max_sources=settings.max_sources)


def _sizes(settings: IngestSettings) -> SizeLimits:
    return SizeLimits(settings.max_price_abs, settings.max_qty, settings.max_notional)


def _dead_letters(settings: IngestSettings) -> DeadLetterThread:
    return DeadLetterThread(
        DeadLetterFile(settings.data_dir, file_bytes=settings.dead_letter_file_bytes, files=settings.dead_letter_files)
    )
