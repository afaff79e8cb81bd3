"""A feed from its URI, with random numbers that are the same in every run."""

from collections.abc import Callable
from contextlib import aclosing
from random import Random

from ingest.feeds.base import Feed, FeedBurst, FeedTrade
from ingest.feeds.uri import open_feed, parse_feed
from telemetry_runtime import Clock


def opened(uri: str, clock: Clock, seed: int = 0) -> Feed:
    """The feed of the URI."""
    return open_feed(parse_feed(uri), clock, Random(seed))  # noqa: S311 - no secrets in a backoff


async def collect(feed: Feed, note: Callable[[FeedBurst], None]) -> None:
    """Notes each burst as it comes, until the feed ends."""
    async with aclosing(feed.bursts()) as bursts:
        async for burst in bursts:
            note(burst)


async def all_bursts(feed: Feed) -> list[FeedBurst]:
    """What the feed gives until it ends."""
    async with aclosing(feed.bursts()) as bursts:
        return [burst async for burst in bursts]


async def first_bursts(feed: Feed, trades: int) -> list[FeedBurst]:
    """What the feed gives until that many trades have come."""
    found: list[FeedBurst] = []
    async with aclosing(feed.bursts()) as bursts:
        async for burst in bursts:
            found.append(burst)
            if sum(len(burst.trades) for burst in found) >= trades:
                break
    return found


def accepted_of(burst: FeedBurst) -> int:
    """Frames with trades in them."""
    return len(burst.trades if burst.sizes is None else burst.sizes)


def frames_of(burst: FeedBurst) -> int:
    """Frames with trades, ignored ones and refused ones."""
    return accepted_of(burst) + burst.ignored + len(burst.refusals)


def trades_of(bursts: list[FeedBurst]) -> list[FeedTrade]:
    """All trades in their order."""
    return [trade for burst in bursts for trade in burst.trades]
