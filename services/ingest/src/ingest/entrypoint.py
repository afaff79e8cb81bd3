"""Builds ingest and runs it: opens sinks before sources, so that at a stop the sources drain and the sinks flush."""

import secrets
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from random import Random

import structlog

from ingest.app import IngestApp, Storage
from ingest.checking.checker import Checker
from ingest.checking.sequences import SequenceTracker
from ingest.checking.size_limits import SizeLimits
from ingest.delivery.batch_delivery import BatchDelivery
from ingest.desk.desk import Desk, DeskLimits
from ingest.environment import IngestSettings
from ingest.feeds.base import Feed, FeedError
from ingest.feeds.replay import ReplayFeed
from ingest.feeds.runner import FeedRunner
from ingest.feeds.uri import open_feed, parse_feed
from ingest.reporting.ledger import IngestLedger
from ingest.reporting.metrics import IngestCollector
from ingest.reporting.status import StatusReporter
from ingest.storage.dead_letters import DeadLetterFile
from ingest.storage.desk_memory import desk_memory
from ingest.storage.replay_memory import replay_memory
from ingest.storage.run_memory import run_memory
from ingest.storage.saved_state import SavedState
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
from telemetry_runtime.transport import DroppingSink, EdgePullSource, PullSource, PushSink


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
        parts = _parts(settings, clock)
        exit_handler = stack.enter_context(ExitHandler())
        # Opened first, closed last: the sinks flush what the sources still bring in.
        delivery, ui = await _sinks(stack, settings, parts.stream, clock)
        memories = _memories(stack, settings, parts)
        progress, source = await _sources(stack, settings)
        app = IngestApp(
            source=source,
            ui=ui,
            checker=parts.checker,
            desk=parts.desk,
            delivery=delivery,
            ledger=parts.ledger,
            storage=Storage(parts.dead_letters, memories[0]),
            clock=clock,
        )
        runners = [FeedRunner(feed, parts.checker, app.pass_on, clock) for feed in parts.feeds]
        readiness = Readiness("tasks_running")
        http = await _http(stack, settings, readiness, _collector(parts, delivery, runners, memories))
        tasks = await stack.enter_async_context(AsyncTaskManager())
        app.start(tasks, progress=progress, feeds=runners, reporter=_reporter(parts, delivery, runners))
        for memory in memories:
            tasks.start(f"save {memory.file.name}", memory.keep(clock))
        readiness.set("tasks_running")
        structlog.get_logger("ingest").info(
            "ingest_started", stream=parts.stream, endpoint=source.endpoint, http_port=http.port, feeds=settings.feeds
        )
        await tasks.wait(exit_handler.asked)
        readiness.set("tasks_running", holds=False)
        await app.finish(tasks, source.stop, grace_s=settings.grace_s)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the pipeline is made of, apart from its sockets."""

    stream: str
    """Name of this run of ingest; new at each start."""
    feeds: list[Feed]
    sequences: SequenceTracker
    checker: Checker
    desk: Desk
    ledger: IngestLedger
    dead_letters: DeadLetterFile


def _parts(settings: IngestSettings, clock: Clock) -> _Parts:
    sequences = _sequences(settings, clock)
    return _Parts(
        stream=f"{clock.now_ns():x}-{secrets.token_hex(4)}",
        feeds=_open_feeds(settings.feeds, clock),
        sequences=sequences,
        checker=Checker(sequences, max_ahead_ns=round(settings.max_ahead_s * 1e9), sizes=_sizes(settings)),
        desk=_desk(settings),
        ledger=IngestLedger(),
        dead_letters=_dead_letters(settings),
    )


async def _sinks(
    stack: AsyncExitStack, settings: IngestSettings, stream: str, clock: Clock
) -> tuple[BatchDelivery, list[DroppingSink]]:
    batches = PushSink(settings.analytics_endpoint, high_water_mark=64, setting="INGEST_ANALYTICS_ENDPOINT")
    delivery = BatchDelivery(
        await stack.enter_async_context(batches),
        stream=stream,
        clock=clock,
        max_unapplied_trades=settings.max_unapplied_trades,
    )
    ui = [
        await stack.enter_async_context(DroppingSink(endpoint, setting="INGEST_UI_ENDPOINTS"))
        for endpoint in settings.ui_endpoints
    ]
    return delivery, ui


def _memories(stack: AsyncExitStack, settings: IngestSettings, parts: _Parts) -> tuple[SavedState, ...]:
    """What outlives the process: the desk, the runs, and how far recordings were replayed."""
    replays = [feed for feed in parts.feeds if isinstance(feed, ReplayFeed)]
    return (
        stack.enter_context(desk_memory(settings.data_dir, parts.desk)),
        stack.enter_context(run_memory(settings.data_dir, parts.sequences)),
        stack.enter_context(replay_memory(settings.data_dir, replays)),
    )


async def _sources(stack: AsyncExitStack, settings: IngestSettings) -> tuple[PullSource, EdgePullSource]:
    """Where analytics reports its progress, and where clients connect."""
    progress = PullSource(settings.progress_endpoint, setting="INGEST_PROGRESS_ENDPOINT")
    await stack.enter_async_context(progress)
    edge = EdgePullSource(settings.pull_endpoint, setting="INGEST_PULL_ENDPOINT")
    return progress, await stack.enter_async_context(edge)


def _reporter(parts: _Parts, delivery: BatchDelivery, runners: list[FeedRunner]) -> StatusReporter:
    return StatusReporter(
        stream=parts.stream,
        ledger=parts.ledger,
        sequences=parts.sequences,
        delivery=delivery,
        desk=parts.desk,
        feeds=runners,
    )


def _collector(
    parts: _Parts, delivery: BatchDelivery, runners: list[FeedRunner], memories: Sequence[SavedState]
) -> IngestCollector:
    files = [memory.file for memory in memories]
    return IngestCollector(parts.ledger, parts.sequences, delivery, parts.dead_letters, runners, files, desk=parts.desk)


async def _http(
    stack: AsyncExitStack, settings: IngestSettings, readiness: Readiness, collector: IngestCollector
) -> HttpServer:
    registry = service_registry("ingest")
    registry.register(collector)
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


def _sequences(settings: IngestSettings, clock: Clock) -> SequenceTracker:
    gap = RateLimitedWarning("sequence_gap_found", monotonic_ns=clock.monotonic_ns)
    restart = RateLimitedWarning("sequence_restarted", monotonic_ns=clock.monotonic_ns)
    sequences = SequenceTracker(
        max_runs=settings.max_runs,
        max_sources=settings.max_sources,
        run_idle_s=settings.run_idle_s,
        source_idle_s=settings.source_idle_s,
        on_gap=lambda source, lost: gap.log(source=source, lost_trades=lost),
        on_restart=lambda source, run: restart.log(source=source, run=run),
    )
    sequences.tick(clock.now_ns(), clock.monotonic_ns())
    return sequences


def _desk(settings: IngestSettings) -> Desk:
    limits = DeskLimits(
        max_qty=settings.desk_max_qty,
        max_notional=settings.desk_max_notional,
        price_band_ratio=settings.desk_price_band_ratio,
        max_commands_per_s=settings.desk_max_commands_per_s,
        max_age_s=settings.desk_max_age_s,
        max_price_age_s=settings.desk_max_price_age_s,
    )
    return Desk(limits, account=settings.desk_account, kill_switch=settings.desk_kill_switch)


def _sizes(settings: IngestSettings) -> SizeLimits:
    return SizeLimits(settings.max_price_abs, settings.max_qty, settings.max_notional)


def _dead_letters(settings: IngestSettings) -> DeadLetterFile:
    return DeadLetterFile(
        settings.data_dir, file_bytes=settings.dead_letter_file_bytes, files=settings.dead_letter_files
    )
