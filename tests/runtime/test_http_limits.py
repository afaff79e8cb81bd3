"""Connections that are slow, silent, many or huge harm nobody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from telemetry_runtime.http import HttpServer, Readiness, TextFormat
from tests.helpers.ports import room_for_files

KEEP_ALIVE_S = 0.3


async def _render(_text_format: TextFormat) -> bytes:
    return b"up 1\n"


@pytest.fixture
async def server() -> AsyncIterator[HttpServer]:
    readiness = Readiness()
    async with HttpServer(
        "127.0.0.1", 0, render=_render, readiness=readiness, setting="X_HTTP_PORT", keep_alive_s=KEEP_ALIVE_S
    ) as server:
        yield server


class Peer:
    """A connection that says what it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def until_closed(self) -> bytes:
        """What came until the server closed; closed with something of ours unread, a connection ends with a reset."""
        came = bytearray()
        async with asyncio.timeout(10):
            with suppress(ConnectionResetError):
                while some := await self.reader.read(65_536):
                    came += some
        return bytes(came)


async def _connect(stack: AsyncExitStack, server: HttpServer) -> Peer:
    peer = Peer(*await asyncio.open_connection("127.0.0.1", server.port))
    stack.callback(peer.writer.close)
    return peer


async def _is_served(server: HttpServer) -> bool:
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
        session.get(f"http://127.0.0.1:{server.port}/healthz") as answer,
    ):
        return answer.status == 200


async def test_a_thousand_half_open_connections_are_closed_and_keep_nobody_out(server: HttpServer) -> None:
    async with AsyncExitStack() as stack:
        stack.enter_context(room_for_files(4_000))
        peers = [await _connect(stack, server) for _ in range(1_000)]
        assert await _is_served(server)
        assert await asyncio.gather(*(peer.until_closed() for peer in peers)) == [b""] * 1_000


async def test_a_request_that_never_ends_is_closed_however_slowly_it_comes(server: HttpServer) -> None:
    async with AsyncExitStack() as stack:
        peers = [await _connect(stack, server) for _ in range(50)]
        dripping = [asyncio.create_task(_drip(peer)) for peer in peers]
        assert await _is_served(server)
        for peer in peers:
            assert b"200" not in await peer.until_closed()
        for each in dripping:
            each.cancel()
        await asyncio.gather(*dripping, return_exceptions=True)


async def _drip(peer: Peer) -> None:
    """Slow-loris: a header at a time, for ever."""
    peer.writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n")
    while True:
        peer.writer.write(b"X-More: 1\r\n")
        await asyncio.sleep(KEEP_ALIVE_S / 5)


async def test_a_header_that_is_too_long_is_refused(server: HttpServer) -> None:
    async with AsyncExitStack() as stack:
        peer = await _connect(stack, server)
        peer.writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000 + b"\r\n\r\n")
        assert (await peer.until_closed()).startswith(b"HTTP/1.0 400")
        assert await _is_served(server)


async def test_a_body_is_not_read(server: HttpServer) -> None:
    async with AsyncExitStack() as stack:
        peer = await _connect(stack, server)
        peer.writer.write(b"POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999999\r\n\r\nx")
        async with asyncio.timeout(5):
            assert (await peer.reader.readline()).startswith(b"HTTP/1.1 405")
        assert await _is_served(server)


REFUSED = {
    "two names of the host": b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: other\r\n\r\n",
    "a long header": b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    "many headers": b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n" + b"X: 1\r\n" * 20_000 + b"\r\n",
    "a long path": b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no HTTP": bytes(range(256)) * 10,
    "a chunk that is none": b"POST /metrics HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
}


async def test_requests_that_cannot_be_read_leave_one_line_and_no_traceback(
    server: HttpServer, caplog: pytest.LogCaptureFixture
) -> None:
    with capture_logs() as lines:
        async with AsyncExitStack() as stack:
            for request in [*REFUSED.values()] * 5:
                peer = await _connect(stack, server)
                peer.writer.write(request)
                await peer.until_closed()
            assert await _is_served(server)
    assert [(line["event"], line["times"], line["status"]) for line in lines] == [("http_request_refused", 1, 400)]
    assert caplog.records == []


async def test_a_fault_of_ours_is_logged_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(_request: web.Request) -> web.StreamResponse:
        raise ZeroDivisionError

    async with (
        HttpServer(
            "127.0.0.1", 0, render=_render, readiness=Readiness(), setting="X_HTTP_PORT", pages={"/fail": fail}
        ) as server,
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{server.port}/fail") as answer,
    ):
        assert answer.status == 500
    assert [record.name for record in caplog.records] == ["aiohttp.server"]
    assert "ZeroDivisionError" in caplog.text
