"""Builds ingest and runs it: opens sinks before sources, so that at a stop the sources drain and the sinks flush."""

import secrets
from contextlib import AsyncExitStack
from dataclasses import dataclass
from random import Random

import structlog
from prometheus_client import CollectorRegistry

from ingest.app import Checks, IngestApp, Storage
from ingest.checking.checker import Checker
from ingest.checking.open_runs import OpenRuns
from ingest.checking.rate_limit import NO_LIMIT, RateLimit, RateLimiter
from ingest.checking.sequences import SequenceTracker
from ingest.checking.size_limits import SizeLimits
from ingest.delivery.acknowledger import Acknowledger
from ingest.delivery.batch_delivery import BatchDelivery
from ingest.desk.desk import Desk
from ingest.desk.limits import DeskLimits
from ingest.environment import IngestSettings
from ingest.feeds.base import Feed, FeedError
from ingest.feeds.replay import ReplayFeed
from ingest.feeds.runner import FeedRunner
from ingest.feeds.sim_orders import SimOrdersFeed
from ingest.feeds.uri import open_feed, parse_feed
from ingest.reporting.ack_metrics import AckCollector
from ingest.reporting.ledger import IngestLedger
from ingest.reporting.metrics import IngestCollector, KeptFiles, RateLimitCollector
from ingest.reporting.refused_sources import RefusedSources
from ingest.reporting.status import StatusReporter
from ingest.storage.audit import AuditFile
from ingest.storage.dead_letters import DeadLetterFile, DeadLetterThread
from ingest.storage.earlier_files import EarlierFiles
from ingest.storage.journal import Journal, boot_id
from ingest.storage.log.batch_log import BatchLog
from ingest.storage.log.group_commit import GroupCommit
from ingest.storage.log.memory_log import MemoryLog
from ingest.storage.log.segment_log import SegmentLog
from telemetry_runtime import (
    AsyncTaskManager,
    Clock,
    DirectoryLock,
    ExitHandler,
    RateLimitedWarning,
    StartupError,
    SystemClock,
    run_service,
)
from telemetry_runtime.http import HttpServer, Readiness, render_registry
from telemetry_runtime.metrics import service_registry
from telemetry_runtime.transport import (
    DroppingSink,
    EdgePullSource,
    EndpointSecurity,
    Gathering,
    PeerAuthenticator,
    PullSource,
    PushSink,
    RouterChannel,
)
from telemetry_schema import MAX_ACK_BYTES

_SHARED_RUN = (
    "its numbers come twice, with other trades: two senders share this source and run, and what the second one \
sends is dropped; give each a run of its own"
)


def main() -> int:
    """Runs ingest; the exit code."""
    return run_service("ingest", IngestSettings, serve)


async def serve(settings: IngestSettings) -> None:
    """Runs until it is asked to stop or a task fails.

    Raises:
        StartupError: a port is taken, or a feed's URI is wrong.
        UnappliedError: at the stop, analytics had not acknowledged all that was accepted.
        ExceptionGroup: tasks failed.
    """
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        stack.enter_context(DirectoryLock(settings.data_dir, setting="INGEST_DATA_DIR"))
        log = _open_log(settings, clock)
        stack.callback(log.close)
        parts = _parts(settings, clock, log)
        stack.enter_context(parts.dead_letters)
        parts.journal.restore(EarlierFiles(settings.data_dir))
        exit_handler = stack.enter_context(ExitHandler())
        security = _security(settings, clock)
        # Opened first, closed last: the sinks flush what the sources still bring in.
        delivery, ui = await _sinks(stack, settings, security, parts.writer, clock)
        authenticator = await _authenticator(stack, security)
        progress, source = await _sources(stack, settings, security)
        acknowledger = await _acknowledger(stack, settings, security, parts, clock)
        app = IngestApp(
            source=source,
            ui=ui,
            checks=Checks(parts.limiter, parts.checker),
            desk=parts.desk,
            delivery=delivery,
            ledger=parts.ledger,
            storage=Storage(parts.dead_letters, parts.audit, parts.journal),
            clock=clock,
        )
        runners = [FeedRunner(feed, parts.checker, app.pass_on, clock) for feed in parts.feeds]
        readiness = Readiness("tasks_running")
        registry = _registry(security, parts, delivery, runners, acknowledger)
        registry.register(RateLimitCollector(parts.limiter, parts.ledger.held_back, lambda: source.held_back_s))
        http = await _http(stack, settings, readiness, registry)
        tasks = await stack.enter_async_context(AsyncTaskManager())
        if authenticator is not None:
            tasks.start("authenticator", authenticator.run())
        _start_log(tasks, parts.writer, settings, acknowledger)
        app.start(tasks, progress=progress, feeds=runners, reporter=_reporter(parts, delivery, runners))
        readiness.set("tasks_running")
        _log_start(settings, parts.run, log, endpoint=source.endpoint, http_port=http.port)
        await tasks.wait(exit_handler.asked)
        readiness.set("tasks_running", holds=False)
        await app.finish(tasks, source.stop, grace_s=settings.grace_s)
        parts.journal.close()


def _log_start(settings: IngestSettings, run: str, log: BatchLog, *, endpoint: str, http_port: int) -> None:
    structlog.get_logger("ingest").info(
        "ingest_started",
        run=run,
        stream=log.stream,
        next_seq=log.next_seq,
        endpoint=endpoint,
        http_port=http_port,
        feeds=settings.feeds,
    )


@dataclass(frozen=True, slots=True)
class _Parts:
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


def _registry(
    security: EndpointSecurity,
    parts: _Parts,
    delivery: BatchDelivery,
    runners: list[FeedRunner],
    acknowledger: Acknowledger | None,
) -> CollectorRegistry:
    registry = service_registry("ingest", security.refused)
    registry.register(_collector(parts, delivery, runners))
    if acknowledger is not None:
        registry.register(AckCollector(acknowledger, parts.sequences))
    return registry


def _start_log(
    tasks: AsyncTaskManager, writer: GroupCommit, settings: IngestSettings, acknowledger: Acknowledger | None
) -> None:
    """Starts what looks after the log, and what acknowledges what is in it."""
    tasks.start("log retry", writer.retry())
    tasks.start("log age", writer.keep_young(settings.log_max_age_s))
    tasks.start("log sync", writer.keep_synced())
    if acknowledger is not None:
        tasks.start("ack requests", acknowledger.take_requests(), may_end=True)
        tasks.start("acks", acknowledger.acknowledge())


def _open_log(settings: IngestSettings, clock: Clock) -> BatchLog:
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


def _parts(settings: IngestSettings, clock: Clock, log: BatchLog) -> _Parts:
    sequences, desk, feeds = _sequences(settings, clock), _desk(settings), _open_feeds(settings.feeds, clock)
    events = _sequences(settings, clock, what="event_")
    writer = GroupCommit(log, clock=clock, sync=settings.log_sync, sync_interval_s=settings.log_sync_interval_s)
    replays = [feed for feed in feeds if isinstance(feed, ReplayFeed)]
    bots = [feed for feed in feeds if isinstance(feed, SimOrdersFeed)]
    return _Parts(
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


def _security(settings: IngestSettings, clock: Clock) -> EndpointSecurity:
    peers = {"trades": ["ui"], "progress": ["analytics"], "acks": []}
    clients = dict.fromkeys(("trades", "acks"), settings.curve_clients_dir)
    security = EndpointSecurity(settings, clock, peers, clients)
    security.warn_if_open(settings.pull_endpoint, "INGEST_PULL_ENDPOINT")
    security.warn_if_open(settings.progress_endpoint, "INGEST_PROGRESS_ENDPOINT")
    if settings.acks_endpoint:
        security.warn_if_open(settings.acks_endpoint, "INGEST_ACKS_ENDPOINT")
    return security


async def _authenticator(stack: AsyncExitStack, security: EndpointSecurity) -> PeerAuthenticator | None:
    authenticator = security.authenticator()
    return None if authenticator is None else await stack.enter_async_context(authenticator)


async def _sinks(
    stack: AsyncExitStack, settings: IngestSettings, security: EndpointSecurity, writer: GroupCommit, clock: Clock
) -> tuple[BatchDelivery, list[DroppingSink]]:
    batches = PushSink(
        settings.analytics_endpoint,
        high_water_mark=64,
        setting="INGEST_ANALYTICS_ENDPOINT",
        curve=security.client("analytics"),
    )
    delivery = BatchDelivery(await stack.enter_async_context(batches), writer, clock=clock)
    curve = security.client("ui") if settings.ui_endpoints else None
    ui = [
        await stack.enter_async_context(DroppingSink(endpoint, setting="INGEST_UI_ENDPOINTS", curve=curve))
        for endpoint in settings.ui_endpoints
    ]
    return delivery, ui


async def _sources(
    stack: AsyncExitStack, settings: IngestSettings, security: EndpointSecurity
) -> tuple[PullSource, EdgePullSource]:
    """Where analytics reports its progress, and where clients connect."""
    progress = PullSource(
        settings.progress_endpoint,
        setting="INGEST_PROGRESS_ENDPOINT",
        curve=security.server("progress"),
        refused=security.refused_at("progress"),
    )
    await stack.enter_async_context(progress)
    edge = EdgePullSource(
        settings.pull_endpoint,
        setting="INGEST_PULL_ENDPOINT",
        curve=security.server("trades"),
        refused=security.refused_at("trades"),
        gathering=Gathering(settings.gather_us),
    )
    return progress, await stack.enter_async_context(edge)


async def _acknowledger(
    stack: AsyncExitStack, settings: IngestSettings, security: EndpointSecurity, parts: _Parts, clock: Clock
) -> Acknowledger | None:
    if not settings.acks_endpoint:
        return None
    channel = RouterChannel(
        settings.acks_endpoint,
        max_frame_bytes=MAX_ACK_BYTES,
        setting="INGEST_ACKS_ENDPOINT",
        curve=security.server("acks"),
        refused=security.refused_at("acks"),
    )
    await stack.enter_async_context(channel)
    acknowledger = Acknowledger(
        channel, trades=parts.sequences, events=parts.events, recorded=parts.journal, clock=clock
    )
    parts.journal.call_after_record(acknowledger.note_burst)
    return acknowledger


def _reporter(parts: _Parts, delivery: BatchDelivery, runners: list[FeedRunner]) -> StatusReporter:
    return StatusReporter(
        stream=parts.run,
        ledger=parts.ledger,
        sequences=parts.sequences,
        open_runs=parts.checker.open_runs,
        delivery=delivery,
        desk=parts.desk,
        feeds=runners,
        events=parts.events,
    )


def _collector(parts: _Parts, delivery: BatchDelivery, runners: list[FeedRunner]) -> IngestCollector:
    return IngestCollector(
        parts.ledger,
        parts.sequences,
        delivery,
        KeptFiles(parts.dead_letters, parts.audit),
        runners,
        parts.writer,
        desk=parts.desk,
        open_runs=parts.checker.open_runs,
        events=parts.events,
    )


async def _http(
    stack: AsyncExitStack, settings: IngestSettings, readiness: Readiness, registry: CollectorRegistry
) -> HttpServer:
    server = HttpServer(
        settings.http_host,
        settings.http_port,
        render=render_registry(registry),
        readiness=readiness,
        setting="INGEST_HTTP_PORT",
        allowed_hosts=settings.http_allowed_hosts,
    )
    return await stack.enter_async_context(server)


def _open_feeds(uris: tuple[str, ...], clock: Clock) -> list[Feed]:
    names = [uri.partition("?")[0] for uri in uris]
    if len(set(names)) != len(names):
        raise StartupError(f"INGEST_FEEDS: a feed is given twice: {' '.join(uris)}; name each once")
    try:
        # S311: a simulated market is no secret.
        return [open_feed(parse_feed(uri), clock, Random()) for uri in uris]  # noqa: S311
    except FeedError as error:
        raise StartupError(f"INGEST_FEEDS: {error}") from error


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
