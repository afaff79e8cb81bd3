"""Builds analytics and runs it: sinks first, the source last, so that at a stop the sinks are the last to close."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from importlib.metadata import version

import structlog
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, generate_latest

from analytics.analysis import Analysis
from analytics.app import AnalyticsApp
from analytics.engine import Engine
from analytics.environment import AnalyticsSettings
from analytics.output.metrics import Metrics
from analytics.output.snapshots import Snapshots
from telemetry_runtime import AsyncTaskManager, ExitHandler, SystemClock, run_service
from telemetry_runtime.http import HttpServer, Readiness
from telemetry_runtime.transport import DroppingSink, PullSource

MAX_BURST = 64
"""Batches applied without a break."""


def main() -> int:
    """Runs analytics; the exit code."""
    return run_service("analytics", AnalyticsSettings, serve)


async def serve(settings: AnalyticsSettings) -> None:
    """Runs until it is asked to stop or a task fails.

    Raises:
        StartupError: a port is taken.
        ExceptionGroup: tasks failed.
    """
    clock = SystemClock()
    run = f"{clock.now_ns():x}-{secrets.token_hex(4)}"
    async with AsyncExitStack() as stack:
        exit_handler = stack.enter_context(ExitHandler())
        ui, progress = await _open_sinks(stack, settings)
        source = await _open_source(stack, settings)
        app = _app(settings, source, progress, ui, clock, run)
        readiness = Readiness("tasks_running")
        http = await _open_http(stack, settings, app, readiness)
        tasks = await stack.enter_async_context(AsyncTaskManager())
        app.start(tasks, snapshot_interval_s=settings.snapshot_interval_s)
        readiness.set("tasks_running")
        structlog.get_logger("analytics").info(
            "analytics_started", run=run, endpoint=source.endpoint, http_port=http.port, ui=settings.ui_endpoints
        )
        await tasks.wait(exit_handler.asked)
        readiness.set("tasks_running", holds=False)
        if exit_handler.asked.is_set():
            await app.finish(quiet_s=settings.quiet_s, grace_s=settings.grace_s)


async def _open_sinks(stack: AsyncExitStack, settings: AnalyticsSettings) -> tuple[list[DroppingSink], DroppingSink]:
    """To the UIs, and the progress to ingest."""
    ui = [
        await stack.enter_async_context(DroppingSink(endpoint, setting="ANALYTICS_UI_ENDPOINTS"))
        for endpoint in settings.ui_endpoints
    ]
    progress = DroppingSink(settings.progress_endpoint, setting="ANALYTICS_PROGRESS_ENDPOINT")
    return ui, await stack.enter_async_context(progress)


async def _open_source(stack: AsyncExitStack, settings: AnalyticsSettings) -> PullSource:
    source = PullSource(
        settings.pull_endpoint, high_water_mark=MAX_BURST, max_burst=MAX_BURST, setting="ANALYTICS_PULL_ENDPOINT"
    )
    return await stack.enter_async_context(source)


def _app(
    settings: AnalyticsSettings,
    source: PullSource,
    progress: DroppingSink,
    ui: Sequence[DroppingSink],
    clock: SystemClock,
    run: str,
) -> AnalyticsApp:
    engine = Engine(
        max_symbols=settings.max_symbols,
        max_sources=settings.max_sources,
        recent_trades=settings.recent_trades,
        label_idle_s=settings.label_idle_s,
    )
    return AnalyticsApp(
        source=source,
        progress=progress,
        ui=ui,
        engine=engine,
        analysis=Analysis(engine, clock=clock),
        snapshots=Snapshots(engine, run=run, started_ns=clock.now_ns()),
        metrics=Metrics(version("telemetry-analytics")),
        clock=clock,
    )


async def _open_http(
    stack: AsyncExitStack, settings: AnalyticsSettings, app: AnalyticsApp, readiness: Readiness
) -> HttpServer:
    http = HttpServer(
        settings.http_host,
        settings.http_port,
        render=_with_process_metrics(app.render),
        readiness=readiness,
        setting="ANALYTICS_HTTP_PORT",
    )
    return await stack.enter_async_context(http)


def _with_process_metrics(render: Callable[[], Awaitable[bytes]]) -> Callable[[], Awaitable[bytes]]:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)

    async def render_all() -> bytes:
        return await render() + generate_latest(registry)

    return render_all
