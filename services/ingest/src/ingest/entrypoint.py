"""Builds ingest and runs it: opens sinks before sources, so that at a stop the sources drain and the sinks flush."""

from contextlib import AsyncExitStack

import structlog
from prometheus_client import CollectorRegistry

from ingest.app import Checks, IngestApp, Storage
from ingest.delivery.acknowledger import Acknowledger
from ingest.delivery.batch_delivery import BatchDelivery
from ingest.endpoints import (
    endpoint_security,
    open_acknowledger,
    open_authenticator,
    open_http,
    open_sinks,
    open_sources,
)
from ingest.environment import IngestSettings
from ingest.feeds.runner import FeedRunner
from ingest.parts import Parts, make_parts, open_log
from ingest.reporting.ack_metrics import AckCollector
from ingest.reporting.metrics import IngestCollector, KeptFiles, RateLimitCollector
from ingest.reporting.status import StatusReporter
from ingest.storage.earlier_files import EarlierFiles
from ingest.storage.log.batch_log import BatchLog
from ingest.storage.log.group_commit import GroupCommit
from telemetry_runtime import AsyncTaskManager, DirectoryLock, ExitHandler, SystemClock, run_service
from telemetry_runtime.http import Readiness
from telemetry_runtime.metrics import service_registry
from telemetry_runtime.transport import EndpointSecurity


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
        log = open_log(settings, clock)
        stack.callback(log.close)
        parts = make_parts(settings, clock, log)
        stack.enter_context(parts.dead_letters)
        parts.journal.restore(EarlierFiles(settings.data_dir))
        exit_handler = stack.enter_context(ExitHandler())
        security = endpoint_security(settings, clock)
        # Opened first, closed last: the sinks flush what the sources still bring in.
        delivery, ui = await open_sinks(stack, settings, security, parts.writer, clock)
        authenticator = await open_authenticator(stack, security)
        progress, source = await open_sources(stack, settings, security)
        acknowledger = await open_acknowledger(stack, settings, security, parts, clock)
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
        http = await open_http(stack, settings, readiness, registry)
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


def _registry(
    security: EndpointSecurity,
    parts: Parts,
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
