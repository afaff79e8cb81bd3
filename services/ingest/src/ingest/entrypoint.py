"""Builds ingest and runs it: sinks first, sources last, so that at a stop the sources dry up and the sinks flush."""

import secrets
from contextlib import AsyncExitStack
from random import Random

import structlog
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector

from ingest.app import IngestApp
from ingest.checking.checker import Checker
from ingest.checking.sequences import SequenceTracker
from ingest.delivery.batch_delivery import Outflow
from ingest.desk.desk import Desk, DeskLimits
from ingest.environment import IngestSettings
from ingest.feeds.base import Feed, FeedError
from ingest.feeds.runner import FeedRunner
from ingest.feeds.uri import open_feed, parse_feed
from ingest.reporting.ledger import Ledger
from ingest.reporting.metrics import IngestCollector
from ingest.reporting.status import StatusReporter
from ingest.storage.dead_letters import DeadLetterFile
from ingest.storage.desk_memory import DeskMemory
from ingest.storage.run_memory import RunMemory
from telemetry_runtime import (
    AsyncTaskManager,
    Clock,
    ExitHandler,
    RateLimitedWarning,
    StartupError,
    SystemClock,
    run_service,
)
from telemetry_runtime.http import HttpServer, Readiness, render_registry
from telemetry_runtime.transport import DroppingSink, EdgePullSource, PullSource, PushSink


def main() -> int:
    """Runs ingest; the exit code."""
    return run_service("ingest", IngestSettings, serve)


async def serve(settings: IngestSettings) -> None:
    """Runs until it is asked to stop or a task fails.

    Raises:
        StartupError: a port is taken, or a feed's URI is wrong.
        UnappliedError: at the stop, analytics did not take over all that was accepted.
        ExceptionGroup: tasks failed.
    """
    clock = SystemClock()
    stream = f"{clock.now_ns():x}-{secrets.token_hex(4)}"
    feeds, dead_letters = _open_feeds(settings.feeds, clock), _dead_letters(settings)
    async with AsyncExitStack() as stack:
        exit_handler = stack.enter_context(ExitHandler())
        outflow = Outflow(
            await stack.enter_async_context(
                PushSink(settings.analytics_endpoint, high_water_mark=64, setting="INGEST_ANALYTICS_ENDPOINT")
            ),
            stream=stream,
            clock=clock,
            max_unapplied_trades=settings.max_unapplied_trades,
        )
        ui = [
            await stack.enter_async_context(DroppingSink(endpoint, setting="INGEST_UI_ENDPOINTS"))
            for endpoint in settings.ui_endpoints
        ]
        sequences = _sequences(settings, clock)
        run_memory = stack.enter_context(RunMemory(settings.data_dir, sequences))
        checker = Checker(sequences, max_ahead_ns=round(settings.max_ahead_s * 1e9))
        desk, ledger = _desk(settings), Ledger()
        desk_memory = stack.enter_context(DeskMemory(settings.data_dir, desk))
        progress = await stack.enter_async_context(
            PullSource(settings.progress_endpoint, setting="INGEST_PROGRESS_ENDPOINT")
        )
        source = await stack.enter_async_context(EdgePullSource(settings.pull_endpoint, setting="INGEST_PULL_ENDPOINT"))
        app = IngestApp(
            source=source,
            ui=ui,
            checker=checker,
            desk=desk,
            outflow=outflow,
            ledger=ledger,
            dead_letters=dead_letters,
            clock=clock,
        )
        runners = [FeedRunner(feed, checker, app.pass_on) for feed in feeds]
        reporter = StatusReporter(
            stream=stream, ledger=ledger, sequences=sequences, outflow=outflow, desk=desk, feeds=runners
        )
        files = (desk_memory.file, run_memory.file)
        collector = IngestCollector(ledger, sequences, outflow, dead_letters, runners, files)
        readiness = Readiness("tasks_running")
        http = HttpServer(
            settings.http_host,
            settings.http_port,
            render=render_registry(_registry(collector)),
            readiness=readiness,
            setting="INGEST_HTTP_PORT",
        )
        await stack.enter_async_context(http)
        tasks = await stack.enter_async_context(AsyncTaskManager())
        app.start(tasks, progress=progress, feeds=runners, reporter=reporter)
        tasks.start("desk memory", desk_memory.keep(clock))
        tasks.start("run memory", run_memory.keep(clock))
        readiness.set("tasks_running")
        structlog.get_logger("ingest").info(
            "ingest_started", stream=stream, endpoint=source.endpoint, http_port=http.port, feeds=settings.feeds
        )
        await tasks.wait(exit_handler.asked)
        readiness.set("tasks_running", holds=False)
        await app.finish(tasks, source.stop, grace_s=settings.grace_s)


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
    log = RateLimitedWarning("sequence_gap_found", monotonic_ns=clock.monotonic_ns)
    return SequenceTracker(
        max_runs=settings.max_runs,
        max_sources=settings.max_sources,
        on_gap=lambda source, lost: log.log(source=source, lost_trades=lost),
    )


def _desk(settings: IngestSettings) -> Desk:
    limits = DeskLimits(
        max_qty=settings.desk_max_qty,
        max_notional=settings.desk_max_notional,
        price_band_ratio=settings.desk_price_band_ratio,
        max_commands_per_s=settings.desk_max_commands_per_s,
        max_age_s=settings.desk_max_age_s,
    )
    return Desk(limits, account=settings.desk_account, kill_switch=settings.desk_kill_switch)


def _dead_letters(settings: IngestSettings) -> DeadLetterFile:
    try:
        return DeadLetterFile(
            settings.data_dir, file_bytes=settings.dead_letter_file_bytes, files=settings.dead_letter_files
        )
    except OSError as error:
        raise StartupError(f"INGEST_DATA_DIR={settings.data_dir}: cannot be used: {error.strerror}") from error


def _registry(collector: IngestCollector) -> CollectorRegistry:
    registry = CollectorRegistry()
    for each in (collector, ProcessCollector(registry=None), PlatformCollector(registry=None)):
        registry.register(each)
    return registry
