"""The HTTP side of a service: /metrics, /healthz and /readyz."""

from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Self

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest

from telemetry_runtime.errors import StartupError

__all__ = ["HttpServer", "Page", "Readiness", "render_registry"]

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Render = Callable[[], Awaitable[bytes]]
"""Gives the metrics in Prometheus' text format."""


Page = Callable[[web.Request], Awaitable[web.StreamResponse]]
"""Answers GET at a path of the service's own."""


class Readiness:
    """Named conditions that must all hold before a service may be sent work."""

    def __init__(self, *conditions: str) -> None:
        self._conditions = dict.fromkeys(conditions, False)

    def set(self, condition: str, holds: bool = True) -> None:  # noqa: FBT001, FBT002 - reads as a sentence
        """Says that a condition holds, or no longer does."""
        self._conditions[condition] = holds

    @property
    def missing(self) -> list[str]:
        """The conditions that do not hold."""
        return [name for name, holds in self._conditions.items() if not holds]


def render_registry(registry: CollectorRegistry) -> Render:
    """Renders all of a registry at once."""

    async def render() -> bytes:
        return generate_latest(registry)

    return render


class HttpServer:
    """Serves a service's metrics and health while its context is open.

    healthz answers as long as the event loop runs; readyz answers 200 only when no condition is missing.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        render: Render,
        readiness: Readiness,
        setting: str,
        pages: Mapping[str, Page] | None = None,
    ) -> None:
        self._host, self._port, self._setting = host, port, setting
        self._render, self._readiness, self._pages = render, readiness, pages or {}
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        for path, page in self._pages.items():
            app.router.add_get(path, page)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            why = error.strerror or str(error)
            raise StartupError(
                f"cannot listen on {self._host}:{self._port}: {why}; set {self._setting} to another port"
            ) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def port(self) -> int:
        """The port it listens on; the real one where a free one (0) was asked for."""
        if self._runner is None:
            return self._port
        address: tuple[str, int] = self._runner.addresses[0]
        return address[1]

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=await self._render(), headers={"Content-Type": METRICS_TYPE})

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readyz(self, _request: web.Request) -> web.Response:
        missing = self._readiness.missing
        return web.json_response({"ready": not missing, "missing": missing}, status=503 if missing else 200)
