"""The main process on fakes: what comes in, what the page and ingest get, and that every message is counted once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar
from uuid import uuid4

from pydantic import BaseModel

from telemetry_runtime import AsyncTaskManager, Frames
from telemetry_runtime.fakes import FakeClock, FakeSink, FakeSource
from telemetry_schema import (
    AnsweredCommand,
    CommandHistory,
    CommandResult,
    DeskCommand,
    IngestStatus,
    KillSwitch,
    ProfitHistory,
    Snapshot,
    TradeCommand,
    encode,
)
from tests.helpers.views import NOW_NS, at, bars, page_state, snapshot, status
from ui.app import OwnState, UiApp
from ui.bars import BarHistory
from ui.commands import CommandBook
from ui.health import Limits
from ui.state import Backend
from ui.tally import Tally
from ui.wire import CommandUpdate, Hello, History, PageState, decode_to_page

Kind = TypeVar("Kind", bound=BaseModel)


class World:
    """The app between fakes."""

    def __init__(self) -> None:
        self.clock = FakeClock(NOW_NS)
        self.page, self.ingest = FakeSink(), FakeSink()
        self.backend_source, self.page_source = FakeSource(stays_open=True), FakeSource(stays_open=True)
        self.backend = Backend(started=at(NOW_NS), bars=BarHistory(600))
        self.tally = Tally()
        self.own_lines_lost = 0
        self.app = UiApp(
            page=self.page,
            ingest=self.ingest,
            backend=self.backend,
            book=CommandBook(no_answer_after_ns=2_000_000_000),
            tally=self.tally,
            limits=Limits(away_after_ns=1_500_000_000, stale_after_ns=5_000_000_000),
            clock=self.clock,
            own=OwnState(page_state, lambda: self.own_lines_lost),
        )

    async def hear(self, *messages: BaseModel | bytes) -> None:
        """The backend says something."""
        burst: list[Frames] = [[one if isinstance(one, bytes) else encode(one)] for one in messages]
        self.backend_source.put(burst)
        await self.clock.advance(0)

    async def click(self, *messages: BaseModel | bytes) -> None:
        """The page says something."""
        burst: list[Frames] = [[one if isinstance(one, bytes) else encode(one)] for one in messages]
        self.page_source.put(burst)
        await self.clock.advance(0)

    def received(self, kind: type[Kind]) -> list[Kind]:
        """What the page has received, of one kind."""
        messages = (decode_to_page(bytes(frames[0])) for frames in self.page.sent)
        return [message for message in messages if isinstance(message, kind)]


@asynccontextmanager
async def _running() -> AsyncIterator[World]:
    world = World()
    async with AsyncTaskManager() as tasks:
        tasks.start("tick", world.app.tick())
        tasks.start("page", world.app.follow_page(world.page_source))
        tasks.start("backend", world.app.follow_backend(world.backend_source))
        await world.click(Hello(pid=1))
        await world.hear(snapshot(), status())
        yield world


def _order() -> TradeCommand:
    return TradeCommand(command_id=uuid4(), source="ui", symbol="BTC-USD", side="buy", qty=0.25, sent_ns=NOW_NS)


def _result(order: DeskCommand, **fields: object) -> CommandResult:
    wanted = {"command_id": order.command_id, "status": "accepted", "price": 100.0, "received_ns": NOW_NS}
    return CommandResult.model_validate(wanted | fields)


def _statuses(world: World) -> list[str]:
    return [one.status for update in world.received(CommandUpdate) for one in update.commands]


async def test_snapshots_and_statuses_go_to_the_page_as_they_came() -> None:
    async with _running() as world:
        assert world.received(Snapshot) == [snapshot()]
        assert world.received(IngestStatus) == [status()]


async def test_a_command_goes_to_ingest_and_the_page_sees_it_applied() -> None:
    async with _running() as world:
        order = _order()
        await world.click(order)
        await world.hear(_result(order), _result(order, status="applied", price=None, applied_ns=NOW_NS))
        assert [bytes(frames[0]) for frames in world.ingest.sent] == [encode(order)]
        assert _statuses(world) == ["sent", "accepted", "applied"]
        assert world.received(CommandUpdate)[-1].commands[0].filled_price == 100.0


async def test_the_same_command_twice_goes_to_ingest_once() -> None:
    async with _running() as world:
        order = _order()
        await world.click(order, order)
        assert len(world.ingest.sent) == 1


async def test_while_ingest_is_away_nothing_is_sent_that_would_fill_later() -> None:
    async with _running() as world:
        await world.clock.advance(2.0)
        await world.click(_order())
        assert world.ingest.sent == []
        (view,) = world.received(CommandUpdate)[-1].commands
        assert (view.status, "ingest is away" in str(view.reason)) == ("refused", True)


async def test_a_full_line_to_ingest_refuses_too() -> None:
    async with _running() as world:
        world.ingest.full = True
        await world.click(_order())
        assert _statuses(world) == ["refused"]


async def test_no_answer_in_time_is_shown_and_a_late_one_corrects_it() -> None:
    async with _running() as world:
        order = _order()
        await world.click(order)
        await world.clock.advance(2.3)
        assert _statuses(world) == ["sent", "no_answer"]
        await world.hear(_result(order))
        assert _statuses(world)[-1] == "accepted"


async def test_what_a_full_page_missed_about_commands_is_sent_when_there_is_room() -> None:
    async with _running() as world:
        order = _order()
        world.page.full = True
        await world.click(order)
        await world.hear(_result(order))
        world.page.full = False
        await world.clock.advance(0.3)
        assert _statuses(world) == ["sent", "accepted"]


async def test_a_page_that_starts_anew_gets_everything_again() -> None:
    async with _running() as world:
        order = _order()
        await world.click(order)
        await world.hear(_result(order), snapshot(2, history=bars(first=1_699_999_500, count=300)))
        world.page.sent.clear()
        await world.click(Hello(pid=2))
        assert [one.version for one in world.received(Snapshot)] == [2]
        assert len(world.received(IngestStatus)) == 1
        assert _statuses(world) == ["accepted"]
        by_symbol = {one.bars.symbol: len(one.bars.second) for one in world.received(History)}
        assert by_symbol == {"BTC-USD": 360, "ETH-USD": 60}


async def test_a_page_that_starts_anew_gets_the_profit_so_far_and_the_same_one_is_sent_once() -> None:
    async with _running() as world:
        curve = ProfitHistory(second=[1, 6], profit=[0.5, 1.5])
        await world.hear(curve, curve)
        assert world.received(ProfitHistory) == [curve]
        world.page.sent.clear()
        await world.click(Hello(pid=2))
        assert world.received(ProfitHistory) == [curve]


async def test_lines_that_the_uis_own_log_lost_are_on_the_banner_for_five_minutes() -> None:
    async with _running() as world:
        world.own_lines_lost = 7
        await world.clock.advance(0.25)
        assert "ui 7" in world.received(PageState)[-1].problems[0].title
        for version in range(2, 320):
            await world.hear(snapshot(version), status(version))
            await world.clock.advance(1.0)
        assert world.received(PageState)[-1].problems == []


async def test_before_the_page_says_hello_nothing_piles_up_for_it() -> None:
    world = World()
    async with AsyncTaskManager() as tasks:
        tasks.start("tick", world.app.tick())
        tasks.start("backend", world.app.follow_backend(world.backend_source))
        await world.hear(snapshot(), status())
        await world.clock.advance(5.0)
        assert world.page.sent == []


async def test_the_page_hears_several_times_a_second_that_somebody_is_away() -> None:
    async with _running() as world:
        await world.clock.advance(2.0)
        states = world.received(PageState)
        assert len(states) >= 8
        assert [one.code for one in states[0].problems] == []
        assert [one.code for one in states[-1].problems] == ["ingest_away", "analytics_away"]


async def test_every_message_of_the_backend_is_counted_once_under_one_outcome() -> None:
    async with _running() as world:
        order = _order()
        await world.click(order)
        stranger = _result(_order())
        await world.hear(snapshot(), b"{", _result(order), _result(order), stranger, snapshot(2))
        counts = world.tally.messages
        assert (counts.accepted, counts.refused, counts.duplicate, counts.ignored) == (4, 1, 2, 1)
        assert dict(world.tally.refused_reasons) == {"not_json": 1}


async def test_a_wrong_message_of_the_page_does_not_stop_the_next_one() -> None:
    async with _running() as world:
        await world.click(b"{}", _order())
        assert len(world.ingest.sent) == 1


async def test_to_stop_trading_is_passed_on_even_while_ingest_is_away_and_to_go_on_is_not() -> None:
    async with _running() as world:
        await world.clock.advance(2.0)
        stop = KillSwitch(command_id=uuid4(), source="ui", engaged=True, sent_ns=NOW_NS)
        await world.click(stop, KillSwitch(command_id=uuid4(), source="ui", engaged=False, sent_ns=NOW_NS))
        assert world.ingest.sent == [[encode(stop)]]
        assert _statuses(world) == ["sent", "refused"]


async def test_a_kill_switch_command_is_passed_on() -> None:
    async with _running() as world:
        await world.click(KillSwitch(command_id=uuid4(), source="ui", engaged=True, sent_ns=NOW_NS))
        assert len(world.ingest.sent) == 1


async def test_a_snapshot_with_uneven_columns_is_refused_and_the_next_one_taken() -> None:
    async with _running() as world:
        uneven = bars().model_copy(update={"close": [1.0]})
        await world.hear(snapshot(2).model_copy(update={"recent_bars": [uneven]}), snapshot(3))
        assert world.tally.messages.refused == 1
        assert [one.version for one in world.received(Snapshot)] == [1, 3]


async def test_round_trips_and_silences_are_right_while_the_wall_clock_is_set() -> None:
    for step_s in (3_600, -3_600, 125, -125):
        async with _running() as world:
            order = _order()
            await world.click(order)
            world.clock.set_wall(step_s)
            await world.clock.advance(0.25)
            await world.hear(snapshot(2), status(2), _result(order))
            (view,) = world.received(CommandUpdate)[-1].commands
            assert view.answered_after_ns == 250_000_000
            await world.clock.advance(0.25)
            assert world.received(PageState)[-1].problems == []


async def test_a_page_shows_the_commands_that_ingest_remembers_and_reads_the_same_ones_once() -> None:
    async with _running() as world:
        order = _order()
        history = CommandHistory(commands=[AnsweredCommand(command=order, result=_result(order))])
        before = world.tally.messages.accepted
        await world.hear(history, history)
        assert _statuses(world) == ["accepted"]
        assert (world.tally.messages.accepted - before, world.tally.messages.duplicate) == (1, 1)
