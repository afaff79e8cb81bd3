"""The HTTP side of a service: /metrics, /healthz and /readyz."""

import asyncio
import errno
import gzip
from collections.abc import Awaitable, Callable, Collection, Mapping
from ipaddress import ip_address
from types import TracebackType
from typing import Final, Self

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from telemetry_runtime.accept import TextFormat, format_asked, takes_gzip
from telemetry_runtime.errors import StartupError
from telemetry_runtime.request_log import RequestLog

__all__ = ["HttpServer", "Page", "Readiness", "Render", "TextFormat", "registry_text", "render_registry"]

KEEP_ALIVE_S: Final = 15.0
"""A connection without a whole request for so long is closed: half-open ones and slow senders hold nothing for longer.
Several times the interval of a scraper, which so keeps its connection."""

MAX_HEADER_BYTES: Final = 8_190
"""Of one line; a longer one is refused with 400."""

Render = Callable[[TextFormat], Awaitable[bytes]]
"""Gives the metrics in the format that was asked for; OpenMetrics ends with one `# EOF`."""


Page = Callable[[web.Request], Awaitable[web.StreamResponse]]
"""Answers GET at a path of the service's own."""

_PRIVATE_ENDS = (".localhost", ".local", ".internal", ".lan", ".home.arpa")
"""Ends of names that no public name server answers for: of this machine, a local network, a cluster."""


def host_name(host: str) -> str:
    """The name or address in a Host header, without port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return (host if host.count(":") > 1 else host.partition(":")[0]).rstrip(".").lower()


def is_private_name(name: str) -> bool:
    """Whether nobody else can make this name lead here: an address, a name without dots, one of a private network."""
    if "." not in name or name.endswith(_PRIVATE_ENDS):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


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

    async def render(text_format: TextFormat) -> bytes:
        return registry_text(registry, text_format)

    return render


def registry_text(registry: CollectorRegistry, text_format: TextFormat) -> bytes:
    """All of a registry; as OpenMetrics it has the end mark, so it comes last."""
    if text_format is TextFormat.OPENMETRICS:
        exposed: bytes = openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call] # it has no types
        return exposed
    return generate_latest(registry)


class HttpServer:
    """Serves a service's metrics and health while its context is open.

    healthz answers as long as the event loop runs; readyz answers 200 only when no condition is missing. A request
    under a name that may be anybody's is refused: a web page could reach us under its own name (DNS rebinding).

    Args:
        setting: the environment variable of the port, to name in an error.
        allowed_hosts: further names, as `telemetry.example.com`, under which it may be asked.
        keep_alive_s: how long a connection may be without a whole request.
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
        allowed_hosts: Collection[str] = (),
        keep_alive_s: float = KEEP_ALIVE_S,
    ) -> None:
        self._host, self._port, self._setting = host, port, setting
        self._render, self._readiness, self._pages = render, readiness, pages or {}
        self._allowed_hosts = {name.lower() for name in allowed_hosts}
        self._keep_alive_s = keep_alive_s
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._check_host])
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        for path, page in self._pages.items():
            app.router.add_get(path, page)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            logger=RequestLog(),
            handle_signals=False,
            shutdown_timeout=1.0,
            keepalive_timeout=self._keep_alive_s,
            max_line_size=MAX_HEADER_BYTES,
            max_field_size=MAX_HEADER_BYTES,
        )
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            why = error.strerror or str(error)
            advice = f"set {self._setting} to another port"
            if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
                advice = f"check {self._setting.replace('HTTP_PORT', 'HTTP_HOST')}"
            raise StartupError(f"cannot listen on {self._host}:{self._port}: {why}; {advice}") from error
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

    @web.middleware
    async def _check_host(self, request: web.Request, handler: Page) -> web.StreamResponse:
        name = host_name(request.headers.get("Host", ""))
        if is_private_name(name) or name in self._allowed_hosts:
            return await handler(request)
        setting = self._setting.replace("HTTP_PORT", "HTTP_ALLOWED_HOSTS")
        return web.Response(status=403, text=f"not under the name {name[:256]}; {setting} may allow it\n")

    async def _metrics(self, request: web.Request) -> web.Response:
        text_format = format_asked(",".join(request.headers.getall("Accept", [])))
        body = await self._render(text_format)
        headers = {"Content-Type": text_format.value, "Vary": "Accept, Accept-Encoding"}
        if takes_gzip(request.headers.get("Accept-Encoding", "")):
            # In a thread: 1.5 MB take some 15 ms, and zlib lets the event loop run meanwhile.
            body = await asyncio.to_thread(gzip.compress, body, 1)
            headers["Content-Encoding"] = "gzip"
        return web.Response(body=body, headers=headers)

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readyz(self, _request: web.Request) -> web.Response:
        missing = self._readiness.missing
        return web.json_response({"ready": not missing, "missing": missing}, status=503 if missing else 200)
