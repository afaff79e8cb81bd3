"""Builds the UI and runs it: the ends towards page and ingest first, the one that listens to the backend last."""

import os
import socket
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

import structlog
from prometheus_client import CollectorRegistry

from telemetry_runtime import (
    AsyncTaskManager,
    Clock,
    ExitHandler,
    StartupError,
    SystemClock,
    lost_log_lines,
    run_service,
)
from telemetry_runtime.http import HttpServer, Readiness, render_registry
from telemetry_runtime.metrics import service_registry
from telemetry_runtime.transport import (
    DroppingSink,
    EndpointSecurity,
    PullSource,
    PushSink,
    is_loopback,
    local_endpoint,
)
from ui.alerts import PrometheusAlerts, follow_alerts
from ui.app import OwnState, UiApp
from ui.bars import BarHistory
from ui.bot_limits import LimitsFile
from ui.commands import CommandBook
from ui.environment import UiSettings
from ui.health import Limits
from ui.instant import Instant
from ui.metrics import SERVICE, CommandMetrics, UiCollector
from ui.page_process import PageProcess, page_command, streamlit_health
from ui.passwords import read_users
from ui.state import Backend
from ui.tally import Tally
from ui.wire import PageState


def main() -> int:
    """Runs the UI; the exit code."""
    return run_service("ui", UiSettings, serve)


async def serve(settings: UiSettings) -> None:
    """Runs until it is asked to stop or a task fails: sinks first, then sources, then the tasks between them.

    Raises:
        StartupError: a port is taken.
        ExceptionGroup: tasks failed.
    """
    clock = SystemClock()
    security = EndpointSecurity(settings, clock, {"snapshots": ["analytics", "ingest"]})
    registry = service_registry(SERVICE, security.refused)
    readiness = Readiness("tasks_running", "page_answers")
    _check_page_password(settings)
    _check_page_port(settings)
    async with AsyncExitStack() as stack:
        exit_handler = stack.enter_context(ExitHandler())
        link = _page_endpoints(stack)
        page_sink, ingest = await _sinks(stack, settings, security, link)
        page = _page_process(settings, link, clock, on_health=partial(readiness.set, "page_answers"))
        backend = Backend(started=Instant.now(clock), bars=BarHistory(settings.history_s))
        tally = Tally()
        limits_file = LimitsFile(Path(settings.limits_file), monotonic_ns=clock.monotonic_ns)
        registry.register(UiCollector(tally, backend, page, page_sink, clock))
        app = UiApp(
            page=page_sink,
            ingest=ingest,
            backend=backend,
            book=_book(settings, registry),
            tally=tally,
            limits=_limits(settings),
            clock=clock,
            own=OwnState(partial(_page_state, settings, page, limits_file), lost_log_lines),
        )
        authenticator = security.authenticator()
        if authenticator is not None:
            await stack.enter_async_context(authenticator)
        from_page, source = await _sources(stack, settings, security, link)
        http = await stack.enter_async_context(_http(settings, registry, readiness))
        # A task may take as long as the page's process does to end.
        tasks = await stack.enter_async_context(AsyncTaskManager(stop_wait_s=settings.page_stop_s + 3))
        if authenticator is not None:
            tasks.start("authenticator", authenticator.run())
        tasks.start("page process", page.run())
        app.start(tasks, page=from_page, backend=source)
        if settings.prometheus_url:
            tasks.start("alerts", follow_alerts(PrometheusAlerts(settings.prometheus_url), backend, clock))
        readiness.set("tasks_running")
        _log_start(settings, source, http)
        await tasks.wait(exit_handler.asked)
        readiness.set("tasks_running", holds=False)


class _PageEndpoints(NamedTuple):
    """The local sockets between this process and the page's."""

    to_page: str
    from_page: str


def _page_endpoints(stack: AsyncExitStack) -> _PageEndpoints:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="telemetry-ui-")))
    return _PageEndpoints(local_endpoint(folder, "to-page"), local_endpoint(folder, "from-page"))


async def _sinks(
    stack: AsyncExitStack, settings: UiSettings, security: EndpointSecurity, link: _PageEndpoints
) -> tuple[DroppingSink, PushSink]:
    page = await stack.enter_async_context(DroppingSink(link.to_page, high_water_mark=64))
    # A short queue: what waits here while ingest is away would fill at a price of another time.
    ingest = PushSink(
        settings.ingest_endpoint, high_water_mark=16, setting="UI_INGEST_ENDPOINT", curve=security.client("ingest")
    )
    return page, await stack.enter_async_context(ingest)


async def _sources(
    stack: AsyncExitStack, settings: UiSettings, security: EndpointSecurity, link: _PageEndpoints
) -> tuple[PullSource, PullSource]:
    from_page = await stack.enter_async_context(PullSource(link.from_page))
    security.warn_if_open(settings.pull_endpoint, "UI_PULL_ENDPOINT")
    backend = PullSource(
        settings.pull_endpoint,
        setting="UI_PULL_ENDPOINT",
        curve=security.server("snapshots"),
        refused=security.refused_at("snapshots"),
    )
    return from_page, await stack.enter_async_context(backend)


def _page_process(
    settings: UiSettings, link: _PageEndpoints, clock: Clock, *, on_health: Callable[[bool], None]
) -> PageProcess:
    command = page_command(
        host=settings.page_host,
        port=settings.page_port,
        allowed_hosts=settings.page_allowed_hosts,
        pull_endpoint=link.to_page,
        push_endpoint=link.from_page,
        parent=os.getpid(),
        base_path=settings.page_base_path,
        password_file=settings.password_file,
    )
    return PageProcess(
        command,
        is_healthy=streamlit_health(settings.page_host, settings.page_port, settings.page_base_path),
        on_health=on_health,
        clock=clock,
        start_s=settings.page_start_s,
        stop_s=settings.page_stop_s,
    )


def _book(settings: UiSettings, registry: CollectorRegistry) -> CommandBook:
    return CommandBook(
        no_answer_after_ns=round(settings.no_answer_after_s * 1e9), on_status=CommandMetrics(registry).count
    )


def _http(settings: UiSettings, registry: CollectorRegistry, readiness: Readiness) -> HttpServer:
    return HttpServer(
        settings.http_host,
        settings.http_port,
        render=render_registry(registry),
        readiness=readiness,
        setting="UI_HTTP_PORT",
        allowed_hosts=settings.http_allowed_hosts,
    )


def _log_start(settings: UiSettings, source: PullSource, http: HttpServer) -> None:
    structlog.get_logger("ui").info(
        "ui_started",
        endpoint=source.endpoint,
        page=f"http://{settings.page_host}:{settings.page_port}{settings.page_base_path}/",
        http_port=http.port,
    )


def _check_page_password(settings: UiSettings) -> None:
    """Whoever reaches the page can send commands, so a page that others reach asks who they are."""
    if settings.password_file:
        try:
            read_users(Path(settings.password_file))
        except (OSError, ValueError) as error:
            raise StartupError(f"UI_PASSWORD_FILE: {settings.password_file}: {error}") from error
    elif not is_loopback(settings.page_host) and not settings.allow_anyone:
        raise StartupError(
            f"UI_PAGE_HOST={settings.page_host}: others can reach the page: set UI_PASSWORD_FILE to a file that "
            "`make password` wrote, or UI_ALLOW_ANYONE=true if only trusted people reach it"
        )


def _check_page_port(settings: UiSettings) -> None:
    """Streamlit would only report it by dying, again and again."""
    family = socket.AF_INET6 if ":" in settings.page_host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.page_host, settings.page_port))
    except OSError as error:
        where = f"{settings.page_host}:{settings.page_port}"
        why = error.strerror or str(error)
        raise StartupError(f"cannot listen on {where}: {why}; set UI_PAGE_PORT to another port") from error


def _limits(settings: UiSettings) -> Limits:
    return Limits(
        away_after_ns=round(settings.away_after_s * 1e9),
        stale_after_ns=round(settings.stale_after_s * 1e9),
        own_source=settings.source,
    )


def _page_state(settings: UiSettings, page: PageProcess, limits_file: LimitsFile) -> PageState:
    return PageState(
        at_ns=0,
        problems=[],
        started_ns=0,
        confirm_notional=settings.confirm_notional,
        ask_price_age_s=settings.ask_price_age_s,
        no_answer_after_s=settings.no_answer_after_s,
        source=settings.source,
        page_starts=page.starts,
        bot_limits=limits_file(),
    )
