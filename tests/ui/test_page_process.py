"""The supervisor with small programs in the page's place, and the real page's end when its parent is killed."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import ValidationError

from telemetry_runtime import AsyncTaskManager, SystemClock
from tests.helpers.services import eventually
from ui.environment import UiSettings
from ui.page_process import HEALTH_WAIT_S, HUNG_AFTER_POLLS, POLL_S, PageProcess, page_command, streamlit_health

STEADY = "import os, pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + STEADY
PARENT = """
import os, subprocess, sys
from ui.environment import UiSettings
from ui.page_process import page_command
child = subprocess.Popen(page_command(host="127.0.0.1", port=int(sys.argv[1]), allowed_hosts=[],
    pull_endpoint=f"ipc://{sys.argv[2]}/to", push_endpoint=f"ipc://{sys.argv[2]}/from", parent=os.getpid()))
print(child.pid, flush=True)
child.wait()
"""


class Watched:
    """A supervisor of a small program."""

    def __init__(self, folder: Path, program: str = STEADY, *, stop_s: float = 5.0, healthy: bool = True) -> None:
        self.mark = folder / "up"
        self.health: list[bool] = []
        self.page = PageProcess(
            [sys.executable, "-c", program, str(self.mark)],
            is_healthy=self._answer,
            on_health=self.health.append,
            clock=SystemClock(),
            start_s=60.0 if healthy else 1.0,
            stop_s=stop_s,
        )
        self.is_healthy = healthy

    async def _answer(self) -> bool:
        return self.is_healthy

    async def until_up(self, starts: int = 1) -> int:
        """The process number, once the program runs for the n-th time."""
        async with asyncio.timeout(20):
            # The mark is another process': there is nothing to wait on but the file.
            while not (self.page.starts >= starts and (pid := self._written())):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        self.mark.unlink()
        return pid

    def _written(self) -> int:
        text = self.mark.read_text() if self.mark.exists() else ""
        return int(text or 0)


@asynccontextmanager
async def _running(watched: Watched) -> AsyncIterator[Watched]:
    async with AsyncTaskManager(stop_wait_s=10) as tasks:
        tasks.start("page process", watched.page.run())
        yield watched


async def test_a_killed_page_is_started_again(tmp_path: Path) -> None:
    async with _running(Watched(tmp_path)) as watched:
        first = await watched.until_up()
        os.kill(first, signal.SIGKILL)
        second = await watched.until_up(starts=2)
    assert first != second
    assert not psutil.pid_exists(second)


async def test_a_page_that_never_answers_is_started_again(tmp_path: Path) -> None:
    async with _running(Watched(tmp_path, healthy=False)) as watched:
        first = await watched.until_up()
        assert await watched.until_up(starts=2) != first
    assert True not in watched.health


async def test_a_page_that_stops_answering_is_started_again_within_seconds(tmp_path: Path) -> None:
    async with _running(Watched(tmp_path)) as watched:
        first = await watched.until_up()
        async with asyncio.timeout(HUNG_AFTER_POLLS * POLL_S + 5):
            while not watched.health:  # noqa: ASYNC110 - the supervisor asks on its own clock
                await asyncio.sleep(0.05)
            watched.is_healthy = False
            assert await watched.until_up(starts=2) != first
    assert HUNG_AFTER_POLLS * (POLL_S + HEALTH_WAIT_S) <= 15


async def test_a_page_that_ignores_sigterm_is_killed_in_bounded_time(tmp_path: Path) -> None:
    async with _running(Watched(tmp_path, STUBBORN, stop_s=0.2)) as watched:
        pid = await watched.until_up()
    assert not psutil.pid_exists(pid)


async def test_an_address_where_nobody_answers_is_not_healthy() -> None:
    assert not await streamlit_health("127.0.0.1", 1)()


async def test_only_streamlits_own_ok_is_healthy() -> None:
    async def answer(body: bytes) -> bool:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            await writer.drain()
            writer.write(body)
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            return await streamlit_health("127.0.0.1", server.sockets[0].getsockname()[1])()

    assert await answer(b"ok")
    assert not await answer(b"<html>ok</html>")


def test_the_page_leaves_no_orphan_when_its_parent_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, "0", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        assert parent.stdout is not None
        page = psutil.Process(int(parent.stdout.readline()))
        eventually((tmp_path / "to").exists, what="the page's link")
        parent.kill()
    eventually(lambda: not page.is_running() or page.status() == psutil.STATUS_ZOMBIE, what="the page's end")


def test_the_command_names_where_the_page_listens() -> None:
    command = page_command(
        host="127.0.0.1", port=1, allowed_hosts=["a", "b"], pull_endpoint="ipc://x", push_endpoint="ipc://y", parent=7
    )
    assert command[command.index("--port") + 1] == "1"
    assert command.count("--allowed-host") == 2


async def test_a_page_on_the_ipv6_loopback_is_asked_with_a_bracketed_host() -> None:
    hosts: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hosts.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "::1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await streamlit_health("::1", port)()
    assert f"Host: [::1]:{port}".encode() in hosts[0]


def test_an_ipv6_host_is_allowed_with_and_without_brackets() -> None:
    command = page_command(
        host="::1",
        port=1,
        allowed_hosts=["[::1]", "::1"],
        pull_endpoint="x",
        push_endpoint="y",
        parent=7,
        base_path="/d",
    )
    assert command.count("::1") == 3
    assert command[command.index("--base-path") + 1] == "/d"


def test_a_base_path_has_one_slash_in_front_whatever_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    for written, read in (("desk", "/desk"), ("/desk/", "/desk"), ("/a/b", "/a/b"), ("/", ""), ("", "")):
        monkeypatch.setenv("UI_PAGE_BASE_PATH", written)
        assert UiSettings().page_base_path == read
    monkeypatch.setenv("UI_PAGE_BASE_PATH", "/desk?x")
    with pytest.raises(ValidationError):
        UiSettings()


async def test_the_health_check_asks_under_the_base_path() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text="ok" if request.path == "/desk/_stcore/health" else "<html>")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    async with TestServer(app) as server:
        assert await streamlit_health("127.0.0.1", server.port or 0, "/desk")()
        assert not await streamlit_health("127.0.0.1", server.port or 0)()
