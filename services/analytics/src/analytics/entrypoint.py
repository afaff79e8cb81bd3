"""Builds analytics and runs it: sinks first, the source last, so that at a stop the sinks are the last to close."""

import secrets
from collections.abc import Awaitable, Callable
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
"""Batches applied without a break: a few milliseconds, whatever their size."""


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
    engine = Engine(
        max_symbols=settings.max_symbols, max_sources=settings.max_sources, recent_trades=settings.recent_trades
    )
    async with AsyncExitStack() as stack:
        exit_handler = stack.enter_context(ExitHandler())
        ui = [
            await stack.enter_async_context(DroppingSink(endpoint, setting="ANALYTICS_UI_ENDPOINTS"))
            for endpoint in settings.ui_endpoints
        ]
        progress = await stack.enter_async_context(
            DroppingSink(settings.progress_endpoint, setting="ANALYTICS_PROGRESS_ENDPOINT")
        )
        source = await stack.enter_async_context(
            PullSource(
                settings.pull_endpoint,
                high_water_mark=MAX_BURST,
                max_burst=MAX_BURST,
                setting="ANALYTICS_PULL_ENDPOINT",
            )
        )
        app = AnalyticsApp(
            source=source,
            progress=progress,
            ui=ui,
            engine=engine,
            analysis=Analysis(engine, max_symbols=settings.max_symbols, now_ns=clock.now_ns),
            snapshots=Snapshots(engine, run=run),
            metrics=Metrics(version("telemetry-analytics")),
            clock=clock,
        )
        readiness = Readiness("tasks_running")
        http = HttpServer(
            settings.http_host,
            settings.http_port,
            render=_with_process_metrics(app.render),
            readiness=readiness,
            setting="ANALYTICS_HTTP_PORT",
        )
        await stack.enter_async_context(http)
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


def _with_process_metrics(render: Callable[[], Awaitable[bytes]]) -> Callable[[], Awaitable[bytes]]:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)

    async def render_all() -> bytes:
        return await render() + generate_latest(registry)

    return render_all
