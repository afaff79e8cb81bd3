"""The live feed against a local server that plays recorded frames: what the real venue does was not seen here."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from urllib.parse import unquote

import pytest
from aiohttp import web

from ingest.feeds.base import Feed, FeedBurst
from telemetry_runtime import SystemClock
from tests.ingest.feeds.frames_of import BINANCE
from tests.ingest.feeds.opened import first_bursts, frames_of, opened, trades_of

FIRST_ID = 4100000001
BOOK = b'{"stream":"btcusdt@bookTicker","data":{"u":1,"s":"BTCUSDT"}}'

Play = Callable[[web.WebSocketResponse, web.Request], Awaitable[None]]


def trade_frame(number: int) -> str:
    return BINANCE.replace(b"%d" % FIRST_ID, b"%d" % number).decode()


class ImpatientClock(SystemClock):
    """Does not wait, but remembers for how long it should have."""

    def __init__(self) -> None:
        self.waits_s: list[float] = []
        self.third_wait = asyncio.Event()
        self.ahead_ns = 0

    def monotonic_ns(self) -> int:
        return super().monotonic_ns() + self.ahead_ns

    async def sleep(self, seconds: float) -> None:
        self.waits_s.append(seconds)
        if len(self.waits_s) == 3:
            self.third_wait.set()
        await asyncio.sleep(0)


class SteppedClock(SystemClock):
    """Wall time that can be set."""

    step_ns = 0

    def now_ns(self) -> int:
        return super().now_ns() + self.step_ns


class Venue:
    """Plays one script a connection; the last one again for all further connections."""

    def __init__(self) -> None:
        self.scripts: list[Play] = []
        self.requests: list[str] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        script = self.scripts[min(len(self.requests), len(self.scripts) - 1)]
        self.requests.append(request.path_qs)
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        await script(socket, request)
        return socket


@pytest.fixture
async def venue() -> AsyncIterator[Venue]:
    played = Venue()
    app = web.Application()
    app.router.add_get("/stream", played.handle)
    async with AsyncExitStack() as stack:
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        played.url = f"ws://127.0.0.1:{runner.addresses[0][1]}"
        yield played


@pytest.fixture
def clock() -> ImpatientClock:
    return ImpatientClock()


@pytest.fixture
def feed(venue: Venue, clock: ImpatientClock) -> Feed:
    return opened(f"binance://BTCUSDT,ethusdt?url={venue.url}", clock)


def says(*frames: str | bytes) -> Play:
    """Sends frames, then closes as it should be."""

    async def play(socket: web.WebSocketResponse, _: web.Request) -> None:
        for frame in frames:
            await (socket.send_str(frame) if isinstance(frame, str) else socket.send_bytes(frame))

    return play


def says_and_drops(*frames: str | bytes) -> Play:
    """Sends frames, then the connection is gone."""

    async def play(socket: web.WebSocketResponse, request: web.Request) -> None:
        await says(*frames)(socket, request)
        await asyncio.sleep(0.05)
        assert request.transport is not None
        request.transport.abort()

    return play


async def refuses(_: web.WebSocketResponse, request: web.Request) -> None:
    assert request.transport is not None
    request.transport.abort()


async def test_all_symbols_are_asked_for_on_one_connection(venue: Venue, feed: Feed) -> None:
    venue.scripts = [says(trade_frame(1))]

    await first_bursts(feed, trades=1)

    assert venue.requests == ["/stream?streams=btcusdt@trade/ethusdt@trade"]


async def test_frames_become_trades_and_what_is_no_trade_is_counted(venue: Venue, feed: Feed) -> None:
    frames: list[str | bytes] = [
        trade_frame(1),
        BOOK.decode(),
        "garbage",
        b"\xff\xfe",
        trade_frame(2).encode(),
        '{"e":"trade"}',
    ]
    venue.scripts = [says(*frames, trade_frame(3))]

    bursts = await first_bursts(feed, trades=3)

    assert [trade.seq for trade in trades_of(bursts)] == [1, 2, 3]
    assert sum(frames_of(burst) for burst in bursts) == 7
    assert sum(burst.ignored for burst in bursts) == 1
    refused = [refusal.frame for burst in bursts for refusal in burst.refusals]
    assert refused == [b"garbage", b"\xff\xfe", b'{"e":"trade"}']
    assert not any(burst.replayed for burst in bursts)


async def test_trades_are_received_by_the_clock_here(venue: Venue, feed: Feed, clock: ImpatientClock) -> None:
    venue.scripts = [says(trade_frame(1))]
    before_ns = clock.now_ns()

    (trade,) = trades_of(await first_bursts(feed, trades=1))

    assert before_ns <= trade.received_ns <= clock.now_ns()
    assert (trade.event_ns, trade.sent_ns) == (1_750_000_000_123_000_000, 1_750_000_000_125_000_000)


@pytest.mark.parametrize("ends", [says, says_and_drops])
async def test_a_lost_connection_is_made_anew_and_the_missed_trades_show_as_a_gap(
    venue: Venue, feed: Feed, clock: ImpatientClock, ends: Callable[..., Play]
) -> None:
    venue.scripts = [ends(trade_frame(1), trade_frame(2)), ends(trade_frame(5), trade_frame(6))]

    trades = trades_of(await first_bursts(feed, trades=4))

    assert [(trade.run, trade.seq) for trade in trades] == [("BTCUSDT", number) for number in (1, 2, 5, 6)]
    assert len(clock.waits_s) == 1
    assert 1.0 <= clock.waits_s[0] <= 2.0


async def test_failures_in_a_row_wait_longer_and_longer_and_a_success_starts_again(
    venue: Venue, feed: Feed, clock: ImpatientClock
) -> None:
    venue.scripts = [*[refuses] * 9, says(trade_frame(1)), refuses, says(trade_frame(2))]

    await first_bursts(feed, trades=2)

    longest = [min(2.0**failure, 30) for failure in range(9)]
    assert all(low <= wait <= 2 * low for low, wait in zip([*longest, 1, 2], clock.waits_s, strict=True))


async def test_nobody_at_the_address_is_waited_for(clock: ImpatientClock, unused_tcp_port: int) -> None:
    feed = opened(f"binance://btcusdt?url=ws://127.0.0.1:{unused_tcp_port}", clock)
    reading = asyncio.ensure_future(first_bursts(feed, trades=1))
    await clock.third_wait.wait()

    assert feed.waiting_for is not None
    assert "ClientConnectorError" in feed.waiting_for
    reading.cancel()
    await asyncio.wait([reading])


async def test_a_feed_says_what_it_waits_for_until_trades_come_and_when_they_cease(
    venue: Venue, feed: Feed, clock: ImpatientClock
) -> None:
    async def says_what_it_may(socket: web.WebSocketResponse, _: web.Request) -> None:
        await socket.send_str(BOOK.decode())
        await may_trade.wait()
        await socket.send_str(trade_frame(1))
        await socket.receive()

    may_trade = asyncio.Event()
    venue.scripts = [says_what_it_may]
    assert feed.waiting_for == "the first connection"

    async with aclosing(feed.bursts()) as bursts:
        await anext(bursts)
        said = [feed.waiting_for]
        may_trade.set()
        await anext(bursts)
        for ahead_s in (0, 59, 3_600):
            clock.ahead_ns = ahead_s * 1_000_000_000
            said.append(feed.waiting_for)

    assert said[:3] == ["the first trade: connected for 0 s", None, None]
    assert str(said[3]).startswith("trades: connected, none for 36")


async def test_a_symbol_may_be_in_any_script(venue: Venue, clock: ImpatientClock) -> None:
    venue.scripts = [says(trade_frame(1))]

    for uri in ("币安人生usdt", "%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT"):
        await first_bursts(opened(f"binance://{uri}?url={venue.url}", clock), trades=1)

    assert [unquote(request) for request in venue.requests] == ["/stream?streams=币安人生usdt@trade"] * 2


async def test_a_wall_clock_that_is_set_does_not_end_a_connection(venue: Venue) -> None:
    """The venue's limit of 24 hours runs in monotonic time."""

    async def says_two(socket: web.WebSocketResponse, _: web.Request) -> None:
        await socket.send_str(trade_frame(1))
        await go_on.wait()
        await socket.send_str(trade_frame(2))
        await socket.receive()

    go_on = asyncio.Event()
    venue.scripts = [says_two]
    wall = SteppedClock()
    async with aclosing(opened(f"binance://btcusdt?url={venue.url}", wall).bursts()) as bursts:
        await anext(bursts)
        wall.step_ns = 48 * 3_600_000_000_000
        go_on.set()
        (trade,) = (await anext(bursts)).trades

    assert trade.seq == 2
    assert len(venue.requests) == 1


async def test_a_connection_is_renewed_before_the_venue_cuts_it(
    venue: Venue, feed: Feed, clock: ImpatientClock
) -> None:
    async def says_until_closed(socket: web.WebSocketResponse, _: web.Request) -> None:
        await socket.send_str(trade_frame(len(venue.requests)))
        await socket.receive()

    venue.scripts = [says_until_closed]
    async with aclosing(feed.bursts()) as bursts:
        await anext(bursts)
        clock.ahead_ns = 24 * 3_600_000_000_000
        renewed = await anext(bursts)

    assert [trade.seq for trade in renewed.trades] == [2]


async def test_frames_that_piled_up_come_in_bounded_bursts(venue: Venue, feed: Feed) -> None:
    venue.scripts = [says(*[trade_frame(number) for number in range(2_000)])]
    found: list[FeedBurst] = []

    async with aclosing(feed.bursts()) as bursts:
        async for burst in bursts:
            found.append(burst)
            if len(trades_of(found)) == 2_000:
                break
            await asyncio.sleep(0.02)

    assert [trade.seq for trade in trades_of(found)] == list(range(2_000))
    assert max(frames_of(burst) for burst in found) > 1
    assert max(frames_of(burst) for burst in found) <= 512


async def test_a_frame_that_is_too_long_costs_the_connection_and_not_the_feed(venue: Venue, feed: Feed) -> None:
    venue.scripts = [says(trade_frame(1), "x" * 2_000_000), says(trade_frame(2))]

    assert [trade.seq for trade in trades_of(await first_bursts(feed, trades=2))] == [1, 2]
