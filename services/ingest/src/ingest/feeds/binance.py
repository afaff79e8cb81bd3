"""`binance://`: live spot trades from Binance's combined stream.

Verified here only against a local server that plays recorded frames: parsing, reconnecting, gaps, garbage. From the
venue's documentation alone: the address, the stream names in it, the limits (24 hours a connection, 300 connections in
5 minutes, 1,024 streams), and that the server pings every 20 s (aiohttp answers by itself).

A gap across a reconnect is found by who checks the sequence: trade ids go on where they were.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Final, cast

import structlog
from aiohttp import (
    ClientError,
    ClientSession,
    ClientTimeout,
    ClientWebSocketResponse,
    ClientWSTimeout,
    WSMessage,
    WSMsgType,
)

from ingest.feeds.base import MAX_BURST_FRAMES, BurstBuilder, Feed, FeedBurst
from ingest.feeds.venues.binance import BinanceParser
from telemetry_runtime import Clock

_FIRST_WAIT_S: Final = 1.0
"""300 connections in 5 minutes are allowed."""
_LONGEST_WAIT_S: Final = 60.0
_CONNECTION_NS: Final = int(23.5 * 3600 * 1e9)
"""The venue cuts a connection after 24 hours; a new one before that costs less."""
_PING_S: Final = 20.0
"""How often the connection is pinged; without an answer in half of that it is closed."""
_CONNECT_S: Final = 10.0
_CLOSE_S: Final = 1.0
"""How long a stop waits for the venue's closing handshake."""
_QUIET_S: Final = 60
"""After so long without a trade the feed says that it waits: a symbol that does not exist looks like a quiet one."""
_MAX_FRAME_BYTES: Final = 1024 * 1024


@dataclass(frozen=True)
class BinanceSettings:
    """Which symbols, from which server."""

    DEFAULT_URL: ClassVar[str] = "wss://stream.binance.com:9443"

    symbols: tuple[str, ...]
    """As the stream names spell them: btcusdt."""
    url: str = DEFAULT_URL

    @property
    def address(self) -> str:
        """Of the combined stream of all symbols' trades."""
        return f"{self.url}/stream?streams={'/'.join(f'{symbol}@trade' for symbol in self.symbols)}"


class BinanceFeed(Feed):
    """Trades of one connection after the other."""

    def __init__(self, name: str, settings: BinanceSettings, clock: Clock, rng: Random) -> None:
        super().__init__(name)
        self._address = settings.address
        self._clock = clock
        self._backoff = _Backoff(rng)
        self._disconnected: str | None = "the first connection"
        self._last_trade_ns: int | None = None
        """In monotonic time; None before the first trade of a connection."""
        self._connected_ns = 0
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger().bind(feed=name)

    @property
    def waiting_for(self) -> str | None:
        """Why it gives nothing now: not connected, or connected and nothing comes; None while trades come."""
        if self._disconnected:
            return self._disconnected
        if self._last_trade_ns is None:
            return f"the first trade: connected for {self._seconds_since(self._connected_ns)} s"
        quiet_s = self._seconds_since(self._last_trade_ns)
        return f"trades: connected, none for {quiet_s} s" if quiet_s > _QUIET_S else None

    def _seconds_since(self, then_ns: int) -> int:
        return (self._clock.monotonic_ns() - then_ns) // 1_000_000_000

    async def bursts(self) -> AsyncGenerator[FeedBurst, None]:
        """Trades without end: a connection that is lost is made anew, later each time it fails."""
        # The read timeout is for the answer to the upgrade alone; aiohttp lifts it for the frames.
        timeout = ClientTimeout(total=None, connect=_CONNECT_S, sock_read=_CONNECT_S)
        async with ClientSession(timeout=timeout) as session:
            while True:
                try:
                    async with aclosing(self._connection(session)) as connection:
                        async for burst in connection:
                            self._backoff.reset()
                            yield burst
                    reason = "the connection was closed"
                except (ClientError, OSError, TimeoutError) as error:
                    reason = f"{type(error).__name__}: {error}"
                await self._wait(reason)

    async def _wait(self, reason: str) -> None:
        """Waits before the next connection; what the venue sends meanwhile is missed, and shows as a gap."""
        wait_s = self._backoff.next_wait_s()
        self._disconnected = f"a new connection, after: {reason}"
        self._log.warning("feed_disconnected", reason=reason, retry_in_s=round(wait_s, 1))
        await self._clock.sleep(wait_s)

    async def _connection(self, session: ClientSession) -> AsyncGenerator[FeedBurst, None]:
        """The bursts of one connection, until it is closed or too old."""
        parser = BinanceParser()
        async with session.ws_connect(
            self._address,
            heartbeat=_PING_S,
            timeout=ClientWSTimeout(ws_close=_CLOSE_S),
            max_msg_size=_MAX_FRAME_BYTES,
            decode_text=False,
        ) as socket:
            self._disconnected, self._last_trade_ns = None, None
            self._connected_ns = self._clock.monotonic_ns()
            self._log.info("feed_connected")
            while self._clock.monotonic_ns() - self._connected_ns < _CONNECTION_NS:
                messages = await _receive(socket)
                burst = self._parse(messages, parser)
                if burst.frames:
                    yield self._noted(burst.take())
                if socket.closed or messages[-1].type not in _DATA:
                    return

    def _noted(self, burst: FeedBurst) -> FeedBurst:
        if burst.trades:
            self._last_trade_ns = self._clock.monotonic_ns()
        return burst

    def _parse(self, messages: list[WSMessage], parser: BinanceParser) -> BurstBuilder:
        received_ns = self._clock.now_ns()
        burst = BurstBuilder(replayed=False)
        for message in messages:
            if message.type not in _DATA:
                continue
            frame = cast("bytes", message.data)
            burst.add(frame, parser.parse(frame, received_ns))
        return burst


_DATA: Final = frozenset({WSMsgType.TEXT, WSMsgType.BINARY})


async def _receive(socket: ClientWebSocketResponse[bool]) -> list[WSMessage]:
    """The next message, and all that are already there behind it: after a stall they come in one burst."""
    # Cancelled here nothing is lost: messages are taken from aiohttp's queue only without waiting.
    messages = [cast("WSMessage", await socket.receive())]
    with suppress(TimeoutError):
        # Expires as soon as `receive` has to wait for the network.
        async with asyncio.timeout(0):
            while len(messages) < MAX_BURST_FRAMES and messages[-1].type in _DATA:
                messages.append(cast("WSMessage", await socket.receive()))
    return messages


class _Backoff:
    """Exponential backoff with jitter, so that clients do not reconnect in step."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._failures = 0

    def reset(self) -> None:
        """The connection works."""
        self._failures = 0

    def next_wait_s(self) -> float:
        """Between one and two times the first wait, doubled with every failure in a row, up to the longest."""
        # The exponent is bounded: years of failures must not overflow.
        wait_s = min(_FIRST_WAIT_S * 2.0 ** min(self._failures, 10), _LONGEST_WAIT_S / 2)
        self._failures += 1
        return wait_s * self._rng.uniform(1.0, 2.0)
