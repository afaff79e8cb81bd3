"""No clock that steps, is slow or was ahead stops a price or a window; a recording changes nothing of what is live."""

from typing import Any

import pytest

from analytics.aggregates.window_statistics import window_statistics
from analytics.state import State
from telemetry_runtime.fakes import FakeClock
from telemetry_schema import WindowName
from tests.analytics.batches import NOW, SECOND, WHOLE_NS, T, batch, engine, state_of

STEPS_S = pytest.mark.parametrize("step_s", [3_600, -3_600, 125, -125, 5, -5])
DAY = 86_400 * SECOND


class World:
    """An engine that gets the trades of one stream, by a clock that may be set."""

    def __init__(self) -> None:
        self.clock, self.engine = FakeClock(NOW), engine()
        self._stream, self._seq = "s", 0

    def give(self, *trades: T, replayed: bool = False) -> None:
        marks = range(len({trade.source for trade in trades})) if replayed else ()
        made = batch(trades, first_seq=self._seq, stream=self._stream, replayed=list(marks))
        self._seq += len(trades)
        self.engine.apply(made, now_ns=self.clock.now_ns(), monotonic_ns=self.clock.monotonic_ns())

    def restart_ingest(self) -> None:
        self._stream, self._seq = f"{self._stream}+", 0

    async def trade(self, price: float, *, ahead_s: float = 0, **fields: Any) -> None:  # noqa: ANN401 - of a trade
        """A trade of now by the wall, or by a clock that is ahead of it, a tenth of a second after the one before."""
        await self.clock.advance(0.1)
        self.give(T(price=price, at_ns=self.clock.now_ns() - NOW + round(ahead_s * SECOND), wire_ns=0, **fields))

    @property
    def state(self) -> State:
        return state_of(self.engine, self.clock.now_ns(), self.clock.monotonic_ns())

    def price(self, symbol: str = "A") -> float:
        state = self.state
        return float(state.totals.last_price[[key.symbol for key in state.symbols].index(symbol)])

    def trades(self, window: WindowName, symbol: str = "A") -> int:
        """Trades in a window, as soon as this second is in it."""
        state = state_of(self.engine, self.clock.now_ns() + WHOLE_NS, self.clock.monotonic_ns() + WHOLE_NS)
        values = window_statistics(state.windows[window])
        return int(values.trades[[key.symbol for key in state.symbols].index(symbol)])


@STEPS_S
async def test_a_step_of_the_wall_clock_never_stops_the_last_price_or_the_windows(step_s: float) -> None:
    world = World()
    for price in range(1, 21):
        await world.trade(price)
    world.clock.set_wall(step_s)
    for price in range(21, 41):
        await world.trade(price)
        assert world.price() == price
    assert 19 <= world.trades("10s") <= 40
    assert world.engine.ledger.late == world.engine.ledger.ahead == 0


async def test_a_clock_that_was_an_hour_ahead_and_is_set_right_leaves_no_trade_of_the_future_behind() -> None:
    world = World()
    world.clock.set_wall(3_600)
    await world.trade(1)
    world.clock.set_wall(-3_600)
    await world.trade(2)
    await world.clock.advance(3_600)
    assert world.trades("10s") == 0
    await world.trade(3)
    assert (world.trades("10s"), world.price()) == (1, 3)


async def test_trades_that_waited_in_the_log_over_a_step_back_do_not_stop_the_last_price() -> None:
    """Analytics was away: what was received before the step and after it comes at once, and more after that."""
    world = World()
    before = T(price=1, at_ns=0, wire_ns=0)
    world.clock.set_wall(-3_600)
    await world.clock.advance(5)
    world.give(before, T(price=2, at_ns=-3_599 * SECOND, wire_ns=0))
    assert world.price() == 2
    world.give(T(price=3, at_ns=-3_598 * SECOND, wire_ns=0))
    assert world.price() == 3


@pytest.mark.parametrize("step_s", [3_600, 0, -125, -3_600])
async def test_an_engine_that_is_restored_after_a_step_of_the_clock_goes_on(step_s: float) -> None:
    world = World()
    await world.trade(1)
    saved, world.engine = world.engine.state(), engine()
    world.clock.set_wall(step_s)
    world.engine.restore(saved, now_ns=world.clock.now_ns(), monotonic_ns=world.clock.monotonic_ns())
    for price in (2, 3):
        await world.trade(price)
        assert world.price() == price
    assert world.trades("10s") >= 2


async def test_a_source_that_was_ahead_and_is_set_right_does_not_stop_the_last_price() -> None:
    world = World()
    await world.trade(1, ahead_s=5)
    await world.trade(2)
    assert world.price() == 2


async def test_a_source_that_is_125_s_behind_is_no_replay_and_its_windows_go_on() -> None:
    world = World()
    for price in range(1, 6):
        await world.trade(price, ahead_s=-125)
        assert world.price() == price
    assert world.state.clock_ns == world.clock.now_ns()
    assert (world.trades("1m"), world.trades("5m")) == (0, 5)


async def test_a_recording_beside_a_live_feed_changes_neither_its_price_nor_its_windows() -> None:
    world = World()
    await world.trade(97_000)
    world.give(T(price=55_000, at_ns=-500 * DAY, source="replay"), replayed=True)
    assert (world.price(), world.trades("1h")) == (97_000, 1)
    world.give(T(price=55_000, at_ns=-500 * DAY, source="replay", symbol="B"), replayed=True)
    await world.trade(97_001)
    assert (world.price(), world.trades("1h"), world.price("B"), world.trades("1h", "B")) == (97_001, 2, 55_000, 1)
    assert world.engine.ledger.late == 0


async def test_live_trades_take_the_windows_over_from_a_recording() -> None:
    world = World()
    world.give(T(price=55_000, at_ns=-500 * DAY, source="replay"), replayed=True)
    assert (world.trades("10s"), world.state.clock_ns) == (1, NOW - 500 * DAY)
    await world.trade(97_000)
    await world.trade(97_001)
    assert (world.price(), world.trades("10s"), world.state.clock_ns) == (97_001, 2, world.clock.now_ns())


def test_each_recording_goes_by_its_own_clock() -> None:
    world = World()
    for second in range(20):
        old = T(symbol="OLD", at_ns=-500 * DAY + second * SECOND, source="first")
        young = T(symbol="YOUNG", at_ns=-DAY + second * SECOND, source="second")
        world.give(old, young, replayed=True)
    assert (world.trades("10s", "OLD"), world.trades("10s", "YOUNG")) == (10, 10)
    assert (world.trades("1m", "OLD"), world.trades("1m", "YOUNG")) == (20, 20)
    assert world.engine.ledger.late == 0


def test_the_same_recording_again_after_a_restart_of_ingest_begins_anew() -> None:
    world = World()
    recording = [T(price=1 + second, at_ns=-DAY + second * SECOND, source="replay") for second in range(20)]
    world.give(*recording, replayed=True)
    world.restart_ingest()
    for second, trade in enumerate(recording[:5]):
        world.give(trade, replayed=True)
        assert (world.price(), world.trades("10s")) == (1 + second, 1 + second)


def test_a_recording_whose_clock_steps_back_goes_on() -> None:
    world = World()
    world.give(T(price=7, at_ns=-DAY, source="replay"), replayed=True)
    for number in range(100):
        world.give(T(price=number, at_ns=-2 * DAY + number * SECOND // 10, source="replay"), replayed=True)
    assert world.price() == 99
    assert world.trades("10s") > 30


def test_more_recordings_than_are_kept_are_bounded_and_the_last_ones_have_windows() -> None:
    world = World()
    world.engine = engine(max_symbols=50, max_sources=50)
    for number in range(40):
        world.give(T(symbol=f"S{number}", at_ns=-DAY * (number + 1), source=f"r{number}"), replayed=True)
    assert world.trades("10s", "S39") == 1
    assert len(world.engine.aggregates.timelines._replays) == 16
