"""Builds analytics and runs it: sinks first, the source last, so that at a stop the sinks are the last to close."""

import secrets
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry

from analytics.analysis import Analysis
from analytics.app import AnalyticsApp
from analytics.checkpoint.checkpointer import Checkpointer, restored_engine
from analytics.checkpoint.store import CheckpointStore
from analytics.engine import Engine
from analytics.environment import DEFAULT_STUDIES, AnalyticsSettings, environment_of_children
from analytics.output.metrics import Metrics
from analytics.output.orders_endpoint import OrdersEndpoint
from analytics.output.snapshots import Snapshots
from analytics.output.trades_endpoint import TradesEndpoint
from analytics.studies.runner.feed import shared_bytes
from analytics.studies.runner.forks import WorkerOptions
from analytics.studies.runner.studies import EngineTrades, Studies
from analytics.studies.runner.supervisor import StudyLimits
from telemetry_runtime import AsyncTaskManager, DirectoryLock, ExitHandler, SystemClock, check_is_not_of, run_service
from telemetry_runtime.http import HttpServer, Page, Readiness, Render, TextFormat, registry_text
from telemetry_runtime.metrics import service_registry
from telemetry_runtime.transport import DroppingSink, EndpointSecurity, PullSource

MAX_BURST = 64
"""Batches taken from the socket at once."""


def main() -> int:
    """Runs analytics; the exit code."""
    return run_service("analytics", AnalyticsSettings, serve)


async def serve(settings: AnalyticsSettings) -> None:
    """Runs until it is asked to stop or a task fails.

    Raises:
        StartupError: a port or the data directory is taken.
        ExceptionGroup: tasks failed.
    """
    clock = SystemClock()
    run = f"{clock.now_ns():x}-{secrets.token_hex(4)}"
    async with AsyncExitStack() as stack:
        exit_handler = stack.enter_context(ExitHandler())
        store, engine = _restored(stack, settings, clock)
        security = EndpointSecurity(settings, clock, {"batches": ["ingest"]})
        ui, progress = await _open_sinks(stack, settings, security)
        authenticator = security.authenticator()
        if authenticator is not None:
            await stack.enter_async_context(authenticator)
        source = await _open_source(stack, settings, security)
        trades = None if engine.aggregates.ring is None else EngineTrades(engine, engine.aggregates.ring)
        app = AnalyticsApp(
            source=source,
            progress=progress,
            ui=ui,
            engine=engine,
            analysis=Analysis(engine, clock=clock),
            snapshots=Snapshots(engine, run=run, started_ns=clock.now_ns()),
            metrics=Metrics(),
            clock=clock,
            studies=_studies(settings, trades, clock),
        )
        checkpointer = Checkpointer(engine, store, clock=clock, reading=app.reading, on_saved=app.acknowledge)
        readiness = Readiness("tasks_running")
        pages = {"/orders": OrdersEndpoint(engine.orders.registry).answer}
        if trades is not None:
            pages["/trades"] = TradesEndpoint(trades, clock).answer
        registry = service_registry("analytics", security.refused)
        http = await _open_http(stack, settings, _with_registry(app.render, registry), readiness, pages)
        tasks = await stack.enter_async_context(AsyncTaskManager())
        if authenticator is not None:
            tasks.start("authenticator", authenticator.run())
        app.start(tasks, snapshot_interval_s=settings.snapshot_interval_s)
        tasks.start("checkpoint", checkpointer.keep(settings.checkpoint_interval_s))
        readiness.set("tasks_running")
        structlog.get_logger("analytics").info(
            "analytics_started", run=run, endpoint=source.endpoint, http_port=http.port, ui=settings.ui_endpoints
        )
        await tasks.wait(exit_handler.asked)
        readiness.set("tasks_running", holds=False)
        if exit_handler.asked.is_set():
            await app.finish(quiet_s=settings.quiet_s, grace_s=settings.grace_s)
            await checkpointer.save()


def _restored(stack: AsyncExitStack, settings: AnalyticsSettings, clock: SystemClock) -> tuple[CheckpointStore, Engine]:
    """The store of checkpoints, and the engine as it was when the last one was written."""
    stack.enter_context(DirectoryLock(settings.data_dir, setting="ANALYTICS_DATA_DIR"))
    check_is_not_of("ingest", settings.data_dir, "log/*.segment", setting="ANALYTICS_DATA_DIR")
    store = CheckpointStore(settings.data_dir)
    limits = settings.max_symbols, settings.max_sources
    make = partial(_engine, settings)
    return store, restored_engine(store, make, *limits, now_ns=clock.now_ns(), monotonic_ns=clock.monotonic_ns())


def _engine(settings: AnalyticsSettings, max_symbols: int, max_sources: int) -> Engine:
    return Engine(
        max_symbols=max_symbols,
        max_sources=max_sources,
        recent_trades=settings.recent_trades,
        frame_rows=settings.frame_rows,
        label_idle_s=settings.label_idle_s,
        max_books=settings.max_books,
        fill_authorities=settings.fill_authorities,
    )


async def _open_sinks(
    stack: AsyncExitStack, settings: AnalyticsSettings, security: EndpointSecurity
) -> tuple[list[DroppingSink], DroppingSink]:
    """To the UIs, and the progress to ingest."""
    curve = security.client("ui") if settings.ui_endpoints else None
    ui = [
        await stack.enter_async_context(DroppingSink(endpoint, setting="ANALYTICS_UI_ENDPOINTS", curve=curve))
        for endpoint in settings.ui_endpoints
    ]
    progress = DroppingSink(
        settings.progress_endpoint, setting="ANALYTICS_PROGRESS_ENDPOINT", curve=security.client("ingest")
    )
    return ui, await stack.enter_async_context(progress)


async def _open_source(stack: AsyncExitStack, settings: AnalyticsSettings, security: EndpointSecurity) -> PullSource:
    security.warn_if_open(settings.pull_endpoint, "ANALYTICS_PULL_ENDPOINT")
    source = PullSource(
        settings.pull_endpoint,
        high_water_mark=MAX_BURST,
        max_burst=MAX_BURST,
        setting="ANALYTICS_PULL_ENDPOINT",
        curve=security.server("batches"),
        refused=security.refused_at("batches"),
    )
    return await stack.enter_async_context(source)


def _studies(settings: AnalyticsSettings, trades: EngineTrades | None, clock: SystemClock) -> Studies | None:
    """The studies, unless there can be none: then no process is started and pandas is imported nowhere."""
    places = [place for place in settings.studies if place != DEFAULT_STUDIES or Path(place).exists()]
    if trades is None or not (places or settings.studies_builtin):
        return None
    options = WorkerOptions(
        places=places,
        off=settings.studies_off,
        builtin=settings.studies_builtin,
        limit_bytes=settings.study_memory_bytes,
        memory_bytes=shared_bytes(settings.frame_rows),
        environment=environment_of_children(),
        parameters=settings.study_parameters,
    )
    limits = StudyLimits(budget_s=settings.study_budget_s, max_failures=settings.study_max_failures)
    return Studies(trades, options, limits, clock, max_series=settings.study_max_series)


async def _open_http(
    stack: AsyncExitStack,
    settings: AnalyticsSettings,
    render: Render,
    readiness: Readiness,
    pages: Mapping[str, Page],
) -> HttpServer:
    http = HttpServer(
        settings.http_host,
        settings.http_port,
        render=render,
        readiness=readiness,
        setting="ANALYTICS_HTTP_PORT",
        pages=pages,
        allowed_hosts=settings.http_allowed_hosts,
    )
    return await stack.enter_async_context(http)


def _with_registry(render: Render, registry: CollectorRegistry) -> Render:
    async def render_all(text_format: TextFormat) -> bytes:
        return await render(text_format) + registry_text(registry, text_format)

    return render_all
