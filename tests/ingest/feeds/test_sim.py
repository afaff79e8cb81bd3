"""The simulated market as a feed, on a clock that moves only when the test moves it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import TypeAdapter

from ingest.feeds.base import FeedBurst
from telemetry_runtime.fakes import FakeClock
from telemetry_schema import Trade
from tests.ingest.feeds.opened import collect, frames_of, opened, trades_of


@asynccontextmanager
async def simulated(uri: str, clock: FakeClock, seed: int = 0) -> AsyncIterator[list[FeedBurst]]:
    """The bursts so far, filled as the clock moves."""
    came: list[FeedBurst] = []
    reading = asyncio.ensure_future(collect(opened(uri, clock, seed), came.append))
    try:
        yield came
    finally:
        reading.cancel()
        await asyncio.wait([reading])


async def after(seconds: float, uri: str, seed: int = 0) -> list[FeedBurst]:
    clock = FakeClock()
    async with simulated(uri, clock, seed) as came:
        await clock.advance(seconds)
        return list(came)


async def test_trades_are_valid_and_numbered_without_gaps() -> None:
    trades = trades_of(await after(10, "sim://BTC-USD,ETH-USD?rate=200&seed=7"))

    assert [trade.seq for trade in trades] == list(range(len(trades)))
    assert len({(trade.source, trade.run) for trade in trades}) == 1
    adapter: TypeAdapter[Trade] = TypeAdapter(Trade)
    for trade in trades:
        values = trade._asdict()
        values.pop("received_ns")
        values.pop("kind")
        adapter.validate_python(values, strict=True)


async def test_as_many_trades_come_as_the_rate_says() -> None:
    bursts = await after(60, "sim://BTC-USD,ETH-USD?rate=200&seed=7&burst=0")

    assert len(trades_of(bursts)) == pytest.approx(12_000, abs=450)
    assert all(frames_of(burst) == len(burst.trades) <= 512 for burst in bursts)
    assert not any(burst.replayed or burst.ignored or burst.refusals for burst in bursts)


async def test_a_trade_is_delivered_when_it_happens_or_at_most_a_rest_later() -> None:
    trades = trades_of(await after(10, "sim://BTC-USD?rate=300&seed=7"))

    late_ns = [trade.received_ns - trade.event_ns for trade in trades]
    assert min(late_ns) >= 0
    # The clock is asked to sleep in seconds, so a few nanoseconds are rounded.
    assert max(late_ns) < 5_001_000
    assert all(trade.sent_ns == trade.received_ns for trade in trades)


async def test_a_slow_market_does_not_wake_for_nothing() -> None:
    clock = FakeClock()
    async with simulated("sim://BTC-USD?rate=0.01&seed=7", clock) as came:
        await clock.advance(1_000)

    assert 2 <= len(trades_of(came)) <= 25
    assert all(burst.trades for burst in came)


async def test_a_fast_market_is_delivered_in_bounded_bursts() -> None:
    bursts = await after(1, "sim://BTC-USD,ETH-USD,SOL-USD?rate=100000&seed=7")

    assert len(trades_of(bursts)) == pytest.approx(100_000, rel=0.05)
    assert max(frames_of(burst) for burst in bursts) == 512


async def test_the_same_seed_and_clock_give_the_same_trades() -> None:
    uri = "sim://BTC-USD,ETH-USD?rate=100&seed=7"

    assert await after(5, uri) == await after(5, uri)


async def test_two_simulations_with_one_seed_are_two_runs() -> None:
    uri = "sim://BTC-USD,ETH-USD?rate=100&seed=7"
    one, two = trades_of(await after(1, uri, seed=1)), trades_of(await after(1, uri, seed=2))

    assert one[0].run != two[0].run
    assert [trade.price for trade in one] == [trade.price for trade in two]


async def test_after_a_long_stop_the_market_goes_on_from_now() -> None:
    clock = FakeClock()
    async with simulated("sim://BTC-USD?rate=100&seed=7", clock) as came:
        await clock.advance(1)
        clock._now_ns += 3_600_000_000_000  # the machine slept
        await clock.advance(1)

    trades = trades_of(came)
    assert len(trades) < 2_000
    assert [trade.seq for trade in trades] == list(range(len(trades)))


@pytest.mark.parametrize("step_s", [3_600, -3_600, 125, -125])
async def test_a_wall_clock_that_is_set_neither_stops_nor_floods_the_market(step_s: int) -> None:
    clock = FakeClock()
    async with simulated("sim://BTC-USD?rate=100&seed=7&burst=0", clock) as came:
        await clock.advance(30)
        before = len(trades_of(came))
        clock.set_wall(step_s)
        await clock.advance(30)

    trades = trades_of(came)
    assert [before, len(trades) - before] == pytest.approx([3_000, 3_000], abs=220)
    # A trade's times are those of the wall at its delivery: never ahead of it, and never an hour old.
    assert all(0 <= trade.received_ns - trade.event_ns < 6_000_000 for trade in trades)
    assert trades[-1].received_ns <= clock.now_ns()
    assert trades[-1].received_ns > clock.now_ns() - 1_000_000_000
