"""The whole service on fakes: batches in; metrics, confirmations, snapshots and progress out."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np
import pytest

from analytics.analysis import Analysis
from analytics.app import ACKNOWLEDGE_TRADES, AnalyticsApp
from analytics.engine import Engine
from analytics.intake.patience import MOST_NS, SILENT_NS
from analytics.output.metrics import Metrics
from analytics.output.snapshots import Snapshots
from telemetry_runtime import AsyncTaskManager, Frames
from telemetry_runtime.fakes import FakeClock, FakeSink, FakeSource
from telemetry_schema import CommandResult, Progress, Snapshot, decode_progress, decode_ui
from telemetry_schema.batch import CommandRef, TradeBatch, encode_batch
from tests.analytics.batches import NOW, SECOND, T, applied, batch, engine
from tests.analytics.output.test_exposition import samples

COMMAND = UUID(int=7)


@dataclass
class World:
    """The app and all that is around it."""

    source: FakeSource = field(default_factory=lambda: FakeSource(stays_open=True))
    progress: FakeSink = field(default_factory=FakeSink)
    ui: FakeSink = field(default_factory=FakeSink)
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    engine: Engine = field(default_factory=engine)

    def __post_init__(self) -> None:
        self.app = AnalyticsApp(
            source=self.source,
            progress=self.progress,
            ui=[self.ui],
            engine=self.engine,
            analysis=Analysis(self.engine, clock=self.clock),
            snapshots=Snapshots(self.engine, run="r", started_ns=1),
            metrics=Metrics(),
            clock=self.clock,
        )

    async def give(self, *batches: TradeBatch) -> None:
        """Sends a burst and lets the app work."""
        self.source.put([encode_batch(each) for each in batches])
        await self.clock.advance(0.2)

    async def metric(self, name: str, **labels: str) -> float:
        if "symbol" in labels:
            labels = {"origin": "market", **labels}
        return samples((await self.app.render()).decode())[name, frozenset(labels.items())]

    def reported(self) -> list[Progress]:
        return [decode_progress(bytes(frames[0])) for frames in self.progress.sent]

    def ui_messages(self) -> list[object]:
        return [decode_ui(bytes(frames[0])) for frames in self.ui.sent]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    async with AsyncTaskManager() as tasks:
        world.app.start(tasks, snapshot_interval_s=0.25)
        await world.clock.advance(0)
        yield world


async def test_a_batch_is_visible_in_the_metrics_at_once(world: World) -> None:
    await world.give(batch([T(qty=2), T(qty=3)]))
    assert await world.metric("trading_volume_total", symbol="A", side="buy") == 5
    await world.give(batch([T(qty=4)], first_seq=2))
    assert await world.metric("trading_volume_total", symbol="A", side="buy") == 9


async def test_progress_is_reported_once_it_has_moved(world: World) -> None:
    await world.give(batch([T(), T()]))
    await world.clock.advance(1)
    assert world.reported() == [Progress(stream="s", next_seq=2)]


async def test_progress_is_reported_at_once_when_it_is_much(world: World) -> None:
    half = [T()] * (ACKNOWLEDGE_TRADES // 2)
    for number in range(3):
        world.source.put([encode_batch(batch(half, first_seq=number * len(half)))])
    await world.clock.advance(0)
    assert world.reported() == [Progress(stream="s", next_seq=ACKNOWLEDGE_TRADES)]


async def test_other_tasks_get_their_turn_within_a_burst_of_many_trades() -> None:
    world, large = World(), [T()] * 16_384
    world.source.put([encode_batch(batch(large, first_seq=number * len(large))) for number in range(4)])
    intake = asyncio.ensure_future(world.app.take_in())
    turns = 0
    while world.engine.ledger.applied < 4 * len(large):
        await asyncio.sleep(0)
        turns += 1
    assert turns >= 4
    intake.cancel()


async def test_a_report_that_finds_no_room_is_made_later(world: World) -> None:
    world.progress.full = True
    await world.give(batch([T(), T()]))
    assert world.reported() == []
    world.progress.full = False
    await world.clock.advance(0.1)
    assert world.reported() == [Progress(stream="s", next_seq=2)]


async def test_missing_trades_are_asked_for_and_then_applied(world: World) -> None:
    await world.give(batch([T()]), batch([T()], first_seq=2))
    assert world.reported()[-1] == Progress(stream="s", next_seq=1, resend=True)
    await world.give(batch([], first_seq=1, resume=True), batch([T()], first_seq=1), batch([T()], first_seq=2))
    assert await world.metric("telemetry_applied_trades_total") == 3
    assert await world.metric("telemetry_stream_lost_trades_total") == 0
    assert world.reported()[-1] == Progress(stream="s", next_seq=3)


async def test_the_trade_of_a_command_is_confirmed_to_the_ui(world: World) -> None:
    fill = batch([T(), T(price=5, wire_ns=9)], commands=[CommandRef(index=1, command_id=COMMAND)])
    await world.give(fill)
    (result,) = (message for message in world.ui_messages() if isinstance(message, CommandResult))
    assert result == CommandResult(
        command_id=COMMAND, status="applied", price=5, received_ns=NOW + 9, applied_ns=result.applied_ns
    )


async def test_a_command_is_confirmed_only_when_its_batch_is_applied(world: World) -> None:
    early = batch([T()], first_seq=1, commands=[CommandRef(index=0, command_id=COMMAND)])
    await world.give(early)
    assert not any(isinstance(message, CommandResult) for message in world.ui_messages())
    await world.give(batch([T()]), early)
    assert sum(isinstance(message, CommandResult) for message in world.ui_messages()) == 1


async def test_snapshots_come_at_their_interval_and_a_full_ui_costs_nothing_else(world: World) -> None:
    await world.clock.advance(1)
    assert sum(isinstance(message, Snapshot) for message in world.ui_messages()) == 5
    world.ui.full = True
    await world.give(batch([T()]))
    await world.clock.advance(1)
    # Four snapshots, and what is said of the bots once a second.
    assert world.ui.dropped_messages == 5
    assert await world.metric("telemetry_dropped_messages_total", service="analytics") == 5
    assert await world.metric("telemetry_applied_trades_total") == 1


def _out_of_range(column: str, value: float) -> Frames:
    made = batch([T(), T()])
    made.records[column][1] = value
    return encode_batch(made)


HOSTILE: dict[str, Callable[[], Frames]] = {
    "one frame": lambda: [b"{}"],
    "no header": lambda: [b"\xff\xfe", b""],
    "header of something else": lambda: [b'{"type":"trade"}', b""],
    "too few records": lambda: [encode_batch(batch([T(), T()]))[0], b"\0" * 48],
    "three frames": lambda: [*encode_batch(batch([T()])), b""],
    "a price that is no number": lambda: _out_of_range("price", np.nan),
    "a price of minus infinity": lambda: _out_of_range("price", -np.inf),
    "an infinite price": lambda: _out_of_range("price", np.inf),
    "no quantity": lambda: _out_of_range("qty", 0.0),
    "a quantity that is no number": lambda: _out_of_range("qty", -np.nan),
    "a time before 1970": lambda: _out_of_range("event_ns", -1),
    "a symbol outside the table": lambda: _out_of_range("symbol", 9),
    "a third side": lambda: _out_of_range("side", 2),
}


@pytest.mark.parametrize("what", HOSTILE)
async def test_one_hostile_message_is_counted_and_the_next_good_batch_is_applied(world: World, what: str) -> None:
    world.source.put([HOSTILE[what](), encode_batch(batch([T(qty=3)]))])
    await world.clock.advance(0.5)
    assert await world.metric("telemetry_refused_total", reason="bad_batch") == 1
    assert await world.metric("telemetry_messages_total", service="analytics", outcome="refused") == 1
    assert await world.metric("telemetry_messages_total", service="analytics", outcome="accepted") == 1
    assert await world.metric("trading_volume_total", symbol="A", side="buy") == 3
    assert len([message for message in world.ui_messages() if isinstance(message, Snapshot)]) == 3


async def test_scrapes_at_the_same_time_each_get_all_metrics(world: World) -> None:
    await world.give(batch([T(symbol=symbol) for symbol in "ABCDE"]))
    first, second = await asyncio.gather(world.app.render(), world.app.render())
    assert samples(first.decode()).keys() == samples(second.decode()).keys()


async def test_a_scrape_that_is_given_up_half_way_spoils_nothing(world: World) -> None:
    await world.give(batch([T(qty=3), T(qty=3, at_ns=-SECOND)]))
    scrape = asyncio.ensure_future(world.app.render())
    for _ in range(2):
        await asyncio.sleep(0)
    scrape.cancel()
    await asyncio.wait([scrape])
    assert await world.metric("trading_qty_quantile", symbol="A", quantile="0.5") == 3


@pytest.fixture
async def restarted() -> AsyncIterator[World]:
    """A world whose checkpoint holds one trade of one stream."""
    before = applied([T(qty=2)])
    world = World()
    world.engine.restore(before.state(), now_ns=NOW, monotonic_ns=NOW)
    async with AsyncTaskManager() as tasks:
        world.app.start(tasks, snapshot_interval_s=0.25)
        await world.clock.advance(0)
        yield world


def _volume(scrape: "asyncio.Future[bytes]") -> float:
    labels = {"symbol": "A", "side": "buy", "origin": "market"}
    return samples(scrape.result().decode())["trading_volume_total", frozenset(labels.items())]


async def test_the_first_scrape_after_a_restart_waits_until_all_that_came_before_it_is_applied(
    restarted: World,
) -> None:
    scrape = asyncio.ensure_future(restarted.app.render())
    for number in range(1, 5):
        await restarted.clock.advance(SILENT_NS / 1e9 - 1)
        await restarted.give(batch([T()], first_seq=number, sent_ns=NOW - SECOND))
    assert not scrape.done()
    await restarted.give(batch([T()], first_seq=5, sent_ns=restarted.clock.now_ns()))
    assert _volume(scrape) == 7


async def test_scrapes_after_a_restart_wait_together_and_not_for_ever_for_an_ingest_that_is_away(
    restarted: World,
) -> None:
    first = asyncio.ensure_future(restarted.app.render())
    await restarted.clock.advance(SILENT_NS / 1e9 - 1)
    first.cancel()
    second = asyncio.ensure_future(restarted.app.render())
    await restarted.clock.advance(0.5)
    assert not second.done()
    await restarted.clock.advance(0.6)
    assert _volume(second) == 2


async def test_a_scrape_waits_a_minute_at_most_for_an_ingest_that_never_comes_to_an_end(restarted: World) -> None:
    scrape = asyncio.ensure_future(restarted.app.render())
    for number in range(1, round(MOST_NS / 1e9)):
        await restarted.clock.advance(0.8)
        await restarted.give(batch([T()], first_seq=number, sent_ns=NOW - SECOND))
    assert not scrape.done()
    await restarted.clock.advance(1.1)
    assert _volume(scrape) == 61


async def _finish(world: World) -> "asyncio.Future[None]":
    done = asyncio.ensure_future(world.app.finish(quiet_s=2, grace_s=8))
    await world.clock.advance(0)
    return done


async def test_a_stop_waits_until_every_stream_has_ended(world: World) -> None:
    await world.give(batch([T()]), batch([T()], stream="t"))
    done = await _finish(world)
    await world.give(batch([T()], first_seq=1), batch([], first_seq=1, stream="t", final=True))
    assert not done.done()
    await world.give(batch([], first_seq=2, final=True))
    await world.clock.advance(0.1)
    assert done.done()
    assert world.reported()[-2:].count(Progress(stream="s", next_seq=2)) == 1
    assert world.engine.ledger.applied == 3


async def test_a_stop_waits_no_longer_than_nothing_comes(world: World) -> None:
    await world.give(batch([T()]))
    done = await _finish(world)
    await world.clock.advance(1.5)
    await world.give(batch([T()], first_seq=1))
    await world.clock.advance(1.5)
    assert not done.done()
    await world.clock.advance(1)
    assert done.done()


async def test_a_stop_ends_after_its_grace_even_if_trades_keep_coming(world: World) -> None:
    await world.give(batch([T()]))
    done = await _finish(world)
    for seq in range(1, 38):
        await world.give(batch([T()], first_seq=seq))
    assert not done.done()
    for seq in range(38, 42):
        await world.give(batch([T()], first_seq=seq))
    assert done.done()


async def test_a_stop_without_any_stream_is_immediate(world: World) -> None:
    done = await _finish(world)
    assert done.done()


async def test_without_a_ui_no_snapshot_is_made() -> None:
    world = World()
    world.app._ui = []
    async with AsyncTaskManager() as tasks:
        world.app.start(tasks, snapshot_interval_s=0.25)
        await world.give(batch([T()]))
        assert world.app._snapshots._version == 0
