"""The page's process: started, watched, started again when it dies or hangs, and ended in bounded time."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Final

import aiohttp
import structlog
from yarl import URL

from telemetry_runtime import Clock

HealthCheck = Callable[[], Awaitable[bool]]
"""Whether the page answers."""

POLL_S: Final = 1.0
HEALTH_WAIT_S: Final = 2.0
FIRST_BACKOFF_S: Final = 0.1
MAX_BACKOFF_S: Final = 10.0
STEADY_AFTER_S: Final = 30.0
"""A process that lived this long did not die of its start: the next one comes at once."""
HUNG_AFTER_POLLS: Final = 5
"""Polls without an answer after which a page that had answered before is taken for hung: at most 15 s."""


class PageProcess:
    """Keeps one process running while `run` runs.

    Args:
        command: the program and its arguments.
        is_healthy: asked about once a second.
        on_health: called with the answer whenever it was asked.
        start_s: how long it may take until it answers for the first time, in s.
        stop_s: from SIGTERM to SIGKILL, in s.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        is_healthy: HealthCheck,
        on_health: Callable[[bool], None],
        clock: Clock,
        start_s: float,
        stop_s: float,
    ) -> None:
        self._command, self._is_healthy, self._on_health = command, is_healthy, on_health
        self._clock, self._start_s, self._stop_s = clock, start_s, stop_s
        self.starts = 0
        self._log = structlog.get_logger("page")

    async def run(self) -> None:
        """Runs until it is cancelled; then the process ends first."""
        backoff_s = FIRST_BACKOFF_S
        while True:
            began_ns = self._clock.monotonic_ns()
            why = await self._run_once()
            lived_s = (self._clock.monotonic_ns() - began_ns) / 1e9
            self._log.warning("page_ended", why=why, lived_s=round(lived_s, 1))
            backoff_s = FIRST_BACKOFF_S if lived_s > STEADY_AFTER_S else min(backoff_s * 2, MAX_BACKOFF_S)
            await self._clock.sleep(backoff_s)

    async def _run_once(self) -> str:
        # A session of its own: Ctrl-C on the terminal is for the main process, which then ends this one.
        process = await asyncio.create_subprocess_exec(
            *self._command, stdin=DEVNULL, stdout=DEVNULL, start_new_session=True
        )
        self.starts += 1
        self._log.info("page_started", pid=process.pid, starts=self.starts)
        try:
            return await self._watch(process)
        finally:
            self._on_health(False)  # noqa: FBT003 - the answer that the health check would have given
            # Cancelled here we go on: the process must not outlive us, and the wait is bounded.
            await self._end(process)

    async def _watch(self, process: Process) -> str:
        """Returns when the process has died or hangs, with the reason."""
        answered, polls_left = False, round(self._start_s / POLL_S)
        while polls_left > 0:
            if await _ends_within(process, POLL_S):
                return f"exit code {process.returncode}"
            healthy = await self._is_healthy()
            self._on_health(healthy)
            answered = answered or healthy
            polls_left = HUNG_AFTER_POLLS if healthy else polls_left - 1
        return "hangs" if answered else f"did not answer within {self._start_s:g} s"

    async def _end(self, process: Process) -> None:
        if process.returncode is not None:
            return
        process.terminate()
        if not await _ends_within(process, self._stop_s):
            self._log.warning("page_killed", pid=process.pid, waited_s=self._stop_s)
            process.kill()
            await process.wait()


async def _ends_within(process: Process, seconds: float) -> bool:
    try:
        # Not asyncio.timeout: up to Python 3.11.2 it does not end in a task that was cancelled, as this one may be.
        await asyncio.wait_for(process.wait(), seconds)
    except TimeoutError:
        return False
    return True


def page_command(
    *,
    host: str,
    port: int,
    allowed_hosts: Sequence[str],
    pull_endpoint: str,
    push_endpoint: str,
    parent: int,
    base_path: str = "",
    password_file: str = "",
) -> list[str]:
    """How the page is started: see `ui.page.boot`."""
    return [
        *(sys.executable, "-m", "ui.page.boot"),
        *("--host", host, "--port", str(port), "--parent", str(parent), "--base-path", base_path),
        *("--password-file", password_file),
        *("--pull-endpoint", pull_endpoint, "--push-endpoint", push_endpoint),
        # Streamlit compares what a browser says without the brackets of an IPv6 address.
        *(word for name in allowed_hosts for word in ("--allowed-host", name.strip("[]"))),
    ]


def streamlit_health(host: str, port: int, base_path: str = "") -> HealthCheck:
    """Asks Streamlit's own health address."""
    to = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - where it listens, not where we do
    url = URL.build(scheme="http", host=to, port=port, path=f"{base_path}/_stcore/health")

    async def check() -> bool:
        try:
            return await _is_ok(url)
        except (aiohttp.ClientError, TimeoutError):
            return False

    return check


async def _is_ok(url: URL) -> bool:
    timeout = aiohttp.ClientTimeout(total=HEALTH_WAIT_S)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
        # A disabled address answers 200 with the page's own HTML, so the body counts too.
        return answer.status == HTTPStatus.OK and (await answer.text()).strip() == "ok"
