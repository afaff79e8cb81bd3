"""Runs one feed and knows its state."""

from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Final, Literal

import structlog

from ingest.checking.checker import Checker
from ingest.checking.outcomes import Checked
from ingest.feeds.base import Feed, FeedBurst, FeedError
from telemetry_runtime import Clock
from telemetry_schema import FeedState

_MAX_REASON_CHARS: Final = 300


class FeedRunner:
    """Hands a feed's bursts to the pipeline until the feed ends. A feed that fails ends alone.

    `state`: starting, live (trades came), waiting (it says for what), finished (a recording ended), failed.
    """

    def __init__(
        self, feed: Feed, checker: Checker, pass_on: Callable[[Checked], Awaitable[None]], clock: Clock
    ) -> None:
        self._feed, self._checker, self._pass_on, self._clock = feed, checker, pass_on, clock
        self.name = feed.name
        self.kinds: Counter[str] = Counter()
        """What the feed sent that is no part of the market's flow, by kind."""
        self._ended: Literal["finished", "failed"] | None = None
        self._failure: str | None = None
        self._trades = 0
        self._last_trade_ns: int | None = None
        self._log = structlog.get_logger("feed").bind(feed=feed.name)

    async def run(self) -> None:
        """Returns when the feed has ended, well or badly. What the pipeline raises is no matter of the feed."""
        self._log.info("feed_started")
        async with aclosing(self._feed.bursts()) as bursts:
            while (burst := await self._next(bursts)) is not None:
                now_ns = self._clock.now_ns()
                checked = self._checker.check_feed(burst, now_ns, self.name)
                self._note(burst, checked, now_ns)
                # Cancelled here nothing is lost: what was checked has been taken over before the first wait.
                await self._pass_on(checked)

    @property
    def state(self) -> Literal["starting", "live", "waiting", "finished", "failed"]:
        """How it is now."""
        if self._ended:
            return self._ended
        if self._feed.waiting_for:
            return "waiting"
        return "live" if self._trades else "starting"

    def view(self) -> FeedState:
        """The feed as the UI shows it."""
        return FeedState(
            name=self.name,
            state=self.state,
            detail=self._failure if self._ended else self._feed.waiting_for,
            trades=self._trades,
            last_trade_ns=self._last_trade_ns,
        )

    async def _next(self, bursts: AsyncGenerator[FeedBurst, None]) -> FeedBurst | None:
        """The next burst; None when the feed has ended."""
        try:
            return await anext(bursts)
        except StopAsyncIteration:
            self._ended = "finished"
            self._log.info("feed_finished", trades=self._trades)
        except FeedError as error:
            self._fail(str(error))
            self._log.error("feed_failed", reason=self._failure, trades=self._trades)
        except Exception as error:  # noqa: BLE001 - a bug of one feed must not end the others
            self._fail(f"{type(error).__name__}: {error}")
            self._log.exception("feed_failed", reason=self._failure, trades=self._trades)
        return None

    def _fail(self, reason: str) -> None:
        self._ended, self._failure = "failed", reason[:_MAX_REASON_CHARS]

    def _note(self, burst: FeedBurst, checked: Checked, now_ns: int) -> None:
        self.kinds += burst.kinds
        trades = sum(chunk.trades for chunk in checked.chunks) + len(checked.events)
        if trades:
            self._trades += trades
            self._last_trade_ns = now_ns
