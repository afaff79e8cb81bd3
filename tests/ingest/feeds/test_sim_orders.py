"""The simulated bot: one seed is one life, and ingest's ordinary check accepts all that it says but repeats."""

import json
from collections import Counter
from random import Random
from typing import Any

import pytest

from ingest.checking.checker import Checker
from ingest.checking.event_check import kind_and_source
from ingest.checking.sequences import SequenceTracker
from ingest.environment import SIMULATED_BOT
from ingest.feeds.base import MAX_BURST_FRAMES, FeedBurst, FeedUriError
from ingest.feeds.order_bot import SimulatedBot
from ingest.feeds.sim_orders import LeftOrdersFeed, SimOrdersSettings
from ingest.feeds.uri import parse_feed
from telemetry_runtime.fakes import FakeClock
from tests.ingest.feeds.test_sim import simulated

SECOND_NS = 1_000_000_000
WALL_NS = 1_700_000_000_000_000_000


def bot(seed: int = 7, **options: Any) -> SimulatedBot:  # noqa: ANN401 - what can be set
    return SimulatedBot(name="bot", run="r", seed=seed, rate=20.0, start_ns=0, **options)


def life(made: SimulatedBot, seconds: int, steps: int = 1) -> list[bytes]:
    frames = []
    for step in range(1, steps + 1):
        now_ns = step * seconds * SECOND_NS // steps
        frames += made.due(now_ns, WALL_NS + now_ns)
    return [*frames, *made.finish(WALL_NS + seconds * SECOND_NS, seconds * SECOND_NS)]


def test_a_seed_says_the_same_however_often_it_is_asked() -> None:
    assert life(bot(), 20) == life(bot(), 20, steps=400)
    assert life(bot(), 20) != life(bot(seed=8), 20)


def test_all_is_accepted_but_what_is_repeated_and_the_lost_are_missed() -> None:
    made, events = bot(), SequenceTracker(max_runs=10, max_sources=10)
    checker = Checker(SequenceTracker(max_runs=1, max_sources=1), max_ahead_ns=SECOND_NS, events=events)
    frames = life(made, 60)
    checked = checker.check_feed(FeedBurst([], messages=frames), WALL_NS + 60 * SECOND_NS, "feed")
    assert checked.refusals == []
    assert checked.tally.accepted + checked.tally.duplicate == len(frames)
    assert checked.tally.duplicate > 10
    lost = {kind_and_source(name)[0]: counts.lost for name, counts in events.sources.items()}
    assert lost == {"order": made.ledger.lost, "quote": 0, "position": 0}
    assert made.ledger.lost > 10


async def test_the_feed_brings_messages_in_its_own_time() -> None:
    clock = FakeClock()
    async with simulated("sim-orders://bot-1?rate=20&seed=7", clock) as came:
        await clock.advance(5)
    assert sum(len(burst.messages) for burst in came) > 300
    assert not any(burst.trades for burst in came)


@pytest.mark.parametrize(
    "options", ["", "a%00", "b?rate=0", "b?x=1", "b?lost=2", "b?rejects=-1", "b?lot=0", "b?reports=2", "b?symbols="]
)
def test_a_uri_that_is_wrong_says_so(options: str) -> None:
    with pytest.raises(FeedUriError):
        parse_feed(f"sim-orders://{options}")


def test_a_tame_bot_loses_and_rejects_nothing_and_trades_its_own_symbols() -> None:
    made = SimulatedBot(
        name="bot",
        run="r",
        seed=7,
        rate=20.0,
        start_ns=0,
        lost_ratio=0.0,
        rejected_ratio=0.0,
        symbols={"X-USD": 1_000.0},
    )
    frames = life(made, 20)
    assert (made.ledger.lost, made.ledger.rejects.total()) == (0, 0)
    assert {symbol for _, symbol in made.ledger.holdings} == {"X-USD"}
    assert len(frames) > 300


async def test_the_default_bot_says_what_it_is_told_to() -> None:
    feed = parse_feed(SIMULATED_BOT)
    assert feed.settings == SimOrdersSettings(
        "bot-1",
        lost_ratio=0.0,
        rejected_ratio=0.01,
        symbols=("BTC-PERP-USD", "ETH-PERP-USD"),
        lot_qty=0.0001,
        has_reports=False,
    )
    async with simulated(SIMULATED_BOT, FakeClock()) as came:
        pass
    assert came == []


def still_open(frames: list[bytes]) -> set[str]:
    """Orders that were submitted and have not ended, by what was said of them."""
    found: dict[str, float] = {}
    for event in (json.loads(frame) for frame in frames):
        if event["type"] != "order":
            continue
        if event["event"] == "submit":
            found[event["order_id"]] = event["qty"]
        elif event["event"] in {"cancel", "reject"} or event.get("cum_qty", 0.0) >= found.get(event["order_id"], 1e9):
            found.pop(event["order_id"], None)
    return set(found)


def test_a_bot_ends_the_orders_that_the_one_before_it_left_at_the_venue() -> None:
    before = bot()
    frames = before.due(20 * SECOND_NS, WALL_NS + 20 * SECOND_NS)
    left = still_open(frames)
    assert {order.order_id for order in before.open_orders.all()} == left
    assert left
    after = SimulatedBot(name="bot", run="r2", seed=8, rate=20.0, start_ns=0, orders=before.open_orders)
    frames += life(after, 5)
    assert not still_open(frames)
    assert not after.open_orders.all()
    ends = [json.loads(frame) for frame in frames if json.loads(frame).get("order_id") in left]
    asked = [each for each in ends if each["event"] == "status"]
    assert len(asked) == len(left)
    assert all(each["replayed"] for each in asked), "it is history, and no latency"


def test_a_bot_that_is_killed_while_it_cleans_up_leaves_the_rest_to_the_next() -> None:
    orders = bot().open_orders
    first = bot(orders=orders)
    frames = first.due(20 * SECOND_NS, WALL_NS + 20 * SECOND_NS)
    second = SimulatedBot(name="bot", run="r2", seed=8, rate=1e-3, start_ns=0, orders=orders)
    frames += second.due(10_000_000, WALL_NS)
    assert still_open(frames), "asked for, and not cancelled yet"
    third = SimulatedBot(name="bot", run="r3", seed=9, rate=1e-3, start_ns=0, orders=orders)
    assert not still_open(frames + life(third, 5))


def test_frames_that_are_taken_in_pieces_are_the_same() -> None:
    whole, pieces, made = life(bot(), 20), [], bot()
    while piece := made.due(20 * SECOND_NS, WALL_NS + 20 * SECOND_NS, most=10):
        assert len(piece) <= 10
        pieces += piece
    assert pieces + made.finish(WALL_NS + 20 * SECOND_NS, 20 * SECOND_NS) == whole


async def test_after_a_suspended_machine_the_bot_ends_what_it_had_open() -> None:
    clock = FakeClock()
    async with simulated("sim-orders://bot-1?rate=20&seed=7&lost=0", clock) as came:
        await clock.advance(5)
        left = still_open([frame for burst in came for frame in burst.messages])
        clock.suspend(60)
        await clock.advance(5)
    frames = [frame for burst in came for frame in burst.messages]
    assert left
    assert left.isdisjoint(still_open(frames))


async def test_a_bot_that_is_simulated_no_more_has_its_orders_cancelled_in_pieces_and_nothing_else_said() -> None:
    before = SimulatedBot(name="bot", run="r", seed=7, rate=4_000.0, start_ns=0)
    left = still_open(before.due(SECOND_NS, WALL_NS + SECOND_NS))
    feed = LeftOrdersFeed("sim-orders://bot", FakeClock(), Random(1))  # noqa: S311 - a simulation
    feed.open_orders.restore(before.open_orders.all())
    events, recorded = [], []
    async for burst in feed.bursts():
        assert 0 < len(burst.messages) <= MAX_BURST_FRAMES
        events += [json.loads(frame) for frame in burst.messages]
        recorded.append(len(feed.open_orders.all()))
    assert {(event["source"], event["order_id"]) for event in events} == {("bot", order_id) for order_id in left}
    assert Counter(event["event"] for event in events) == dict.fromkeys(
        ("status", "cancel_request", "cancel"), len(left)
    )
    assert [event["seq"] for event in events] == list(range(len(events)))
    assert recorded[-1] == 0
    assert recorded[0] == len(left), "an order is off the log with its cancel, not before it"


LIMIT_DRAWDOWN_QUOTE = 10_000.0
"""In prometheus/rules/limits.yml."""


@pytest.mark.parametrize("seed", [1, 2])
def test_a_day_of_fees_of_the_default_bot_is_far_from_an_alert(seed: int) -> None:
    """Ten minutes, extrapolated: fees are what it loses for certain."""
    settings = parse_feed(SIMULATED_BOT).settings
    assert isinstance(settings, SimOrdersSettings)
    mids = {"BTC-PERP-USD": 60_000.0, "ETH-PERP-USD": 3_000.0}
    made = bot(seed, symbols=mids, lot_qty=settings.lot_qty)
    life(made, 60)  # at ten times the default rate
    paid = sum(made.ledger.fees.values()) - sum(made.ledger.rebates.values())
    assert 0 < paid * 144 < LIMIT_DRAWDOWN_QUOTE


async def test_a_bot_that_begins_anew_can_be_without_reports_that_contradict_what_the_one_before_held() -> None:
    clock = FakeClock()
    async with simulated("sim-orders://bot-1?rate=20&seed=7&reports=0", clock) as came:
        await clock.advance(25)
    messages = [message for burst in came for message in burst.messages]
    assert len(messages) > 300
    assert not any(b'"type":"position"' in message for message in messages)
