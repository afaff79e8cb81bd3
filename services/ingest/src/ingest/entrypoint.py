"""Builds ingest and runs it: opens sinks before sources, so that at a stop the sources drain and the sinks flush."""

from contextlib import AsyncExitStack

import structlog
from prometheus_client import CollectorRegistry

from ingest.app import Checks, IngestApp, Storage
from ingest.delivery.batch_delivery import BatchDelivery
from ingest.endpoints import Endpoints, open_endpoints, open_http
from ingest.environment import IngestSettings
from ingest.feeds.runner import FeedRunner
from ingest.parts import Parts, make_parts, open_log
from ingest.reporting.ack_metrics import AckCollector
from ingest.reporting.metrics import IngestCollector, KeptFiles, RateLimitCollector
from ingest.reporting.status import StatusReporter
from ingest.storage.earlier_files import EarlierFiles
from ingest.storage.log.batch_log import BatchLog
from ingest.storage.log.group_commit import GroupCommit
from telemetry_runtime import (
    AsyncTaskManager,
    Clock,
    DirectoryLock,
    ExitHandler,
    SystemClock,
    check_is_not_of,
    run_service,
)
from telemetry_runtime.http import Readiness
from telemetry_runtime.metrics import service_registry


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
        log, parts = _restored(stack, settings, clock)
        exit_handler = stack.enter_context(ExitHandler())
        endpoints = await open_endpoints(stack, settings, parts, clock)
        app = _app(parts, endpoints, clock)
        runners = [FeedRunner(feed, parts.checker, app.pass_on, clock) for feed in parts.feeds]
        readiness = Readiness("tasks_running")
        http = await open_http(stack, settings, readiness, _registry(parts, endpoints, runners))
        tasks = await stack.enter_async_context(AsyncTaskManager())
        _start_helpers(tasks, settings, parts.writer, endpoints)
        reporter = _reporter(parts, endpoints.delivery, runners)
        app.start(tasks, progress=endpoints.progress, feeds=runners, reporter=reporter)
        readiness.set("tasks_running")
        _log_start(settings, parts.run, log, endpoint=endpoints.source.endpoint, http_port=http.port)
        await tasks.wait(exit_handler.asked)
        readiness.set("tasks_running", holds=False)
        await app.finish(tasks, endpoints.source.stop, grace_s=settings.grace_s)
        parts.journal.close()


def _restored(stack: AsyncExitStack, settings: IngestSettings, clock: Clock) -> tuple[BatchLog, Parts]:
    """The log, and the parts as they were when the last process ended."""
    stack.enter_context(DirectoryLock(settings.data_dir, setting="INGEST_DATA_DIR"))
    check_is_not_of("analytics", settings.data_dir, "checkpoint-*.state", setting="INGEST_DATA_DIR")
    log = open_log(settings, clock)
    stack.callback(log.close)
    parts = make_parts(settings, clock, log)
    stack.enter_context(parts.dead_letters)
    parts.journal.restore(EarlierFiles(settings.data_dir))
    parts.audit.complete(parts.journal.unaudited)
    parts.journal.note_audited(parts.journal.unaudited)
    return log, parts


def _app(parts: Parts, endpoints: Endpoints, clock: Clock) -> IngestApp:
    return IngestApp(
        source=endpoints.source,
        ui=endpoints.ui,
        checks=Checks(parts.limiter, parts.checker),
        desk=parts.desk,
        delivery=endpoints.delivery,
        ledger=parts.ledger,
        storage=Storage(parts.dead_letters, parts.audit, parts.journal),
        clock=clock,
    )


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


def _registry(parts: Parts, endpoints: Endpoints, runners: list[FeedRunner]) -> CollectorRegistry:
    source = endpoints.source
    registry = service_registry("ingest", endpoints.security.refused)
    registry.register(_collector(parts, endpoints.delivery, runners))
    if endpoints.acknowledger is not None:
        registry.register(AckCollector(endpoints.acknowledger, parts.sequences))
    registry.register(RateLimitCollector(parts.limiter, parts.ledger.held_back, lambda: source.held_back_s))
    return registry


def _start_helpers(
    tasks: AsyncTaskManager, settings: IngestSettings, writer: GroupCommit, endpoints: Endpoints
) -> None:
    """Starts what looks after keys and log, and what acknowledges what is in it."""
    if endpoints.authenticator is not None:
        tasks.start("authenticator", endpoints.authenticator.run())
    tasks.start("log retry", writer.retry())
    tasks.start("log age", writer.keep_young(settings.log_max_age_s))
    tasks.start("log sync", writer.keep_synced())
    if endpoints.acknowledger is not None:
        tasks.start("ack requests", endpoints.acknowledger.take_requests(), may_end=True)
        tasks.start("acks", endpoints.acknowledger.acknowledge())


def _reporter(parts: Parts, delivery: BatchDelivery, runners: list[FeedRunner]) -> StatusReporter:
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


def _collector(parts: Parts, delivery: BatchDelivery, runners: list[FeedRunner]) -> IngestCollector:
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
