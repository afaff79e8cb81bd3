"""Runs one feed and knows how it is."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Literal

import structlog

from ingest.checking.checker import Checker
from ingest.checking.outcomes import Checked
from ingest.feeds.base import Feed
from telemetry_schema import FeedState


class FeedRunner:
    """Hands a feed's bursts to the pipeline until the feed ends.

    `state`: starting, live (trades came), waiting (it says for what), finished (a recording ended), failed.
    """

    def __init__(self, feed: Feed, checker: Checker, pass_on: Callable[[Checked], Awaitable[None]]) -> None:
        self._feed, self._checker, self._pass_on = feed, checker, pass_on
        self.name = feed.name
        self._ended: Literal["finished", "failed"] | None = None
        self._trades = 0
        self._last_trade_ns: int | None = None
        self._log = structlog.get_logger("feed").bind(feed=feed.name)

    async def run(self) -> None:
        """Returns when the feed has ended; what it raises ends the service."""
        self._log.info("feed_started")
        try:
            async with aclosing(self._feed.bursts()) as bursts:
                async for burst in bursts:
                    checked = self._checker.check_feed(burst)
                    self._note(checked)
                    await self._pass_on(checked)
        except Exception:
            self._ended = "failed"
            raise
        self._ended = "finished"
        self._log.info("feed_finished", trades=self._trades)

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
            detail=self._feed.waiting_for,
            trades=self._trades,
            last_trade_ns=self._last_trade_ns,
        )

    def _note(self, checked: Checked) -> None:
        for chunk in checked.chunks:
            self._trades += chunk.trades
            self._last_trade_ns = int(chunk.records["received_ns"][-1])
