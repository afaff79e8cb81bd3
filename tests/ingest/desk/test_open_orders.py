"""Orders that rest at the paper desk: which trades fill them, how far, and what ends them."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from ingest.checking.chunks import Chunk, ChunkBuilder
from ingest.desk.desk import Desk
from ingest.desk.limits import DeskLimits
from ingest.desk.open_orders import MAX_OPEN_ORDERS, OpenOrders
from ingest.desk.outcome import DeskOutcome
from telemetry_schema import CancelAll, CancelOrder, DeskCommand, KillSwitch, Trade, TradeCommand

NOW_NS = 1_700_000_000_000_000_000
S_NS = 1_000_000_000
LIMITS = DeskLimits(
    max_qty=10.0, max_notional=5_000.0, price_band_ratio=0.05, max_commands_per_s=1_000.0, max_open_orders=3
)


def trades(*prices: float, symbol: str = "A", age_s: float = 0.0, replayed: bool = False, **fields: Any) -> list[Chunk]:  # noqa: ANN401 - fields of a trade
    builder = ChunkBuilder()
    shared = {"source": "sim", "symbol": symbol, "side": "buy", "qty": 1.0, "sent_ns": NOW_NS}
    shared |= {"event_ns": NOW_NS - round(age_s * S_NS)} | fields
    found = [Trade.model_validate(shared | {"price": price}) for price in prices]
    builder.add_trades(found, NOW_NS, replayed=replayed)
    return builder.chunks()


def order(side: str = "buy", price: float | None = 99.0, qty: float = 2.0, **fields: Any) -> TradeCommand:  # noqa: ANN401 - as above
    wanted = {"command_id": uuid4(), "source": "ui", "symbol": "A", "side": side, "qty": qty, "price": price}
    return TradeCommand.model_validate(wanted | {"tif": "gtc", "sent_ns": NOW_NS} | fields)


def cancel(order_id: UUID) -> CancelOrder:
    return CancelOrder(command_id=uuid4(), source="ui", order_id=order_id, sent_ns=NOW_NS)


def cancel_all(symbol: str | None = None) -> CancelAll:
    return CancelAll(command_id=uuid4(), source="ui", symbol=symbol, sent_ns=NOW_NS)


def switch() -> KillSwitch:
    return KillSwitch(command_id=uuid4(), source="ui", engaged=True, sent_ns=NOW_NS)


class Floor:
    """A desk with a last price of 100 for A and B, and time that goes on by hand."""

    def __init__(self, limits: DeskLimits = LIMITS, *, kill_switch: bool = False) -> None:
        self.desk = Desk(limits, account="paper", kill_switch=kill_switch)
        self.monotonic_ns = 1_000 * S_NS
        for symbol in ("A", "B"):
            self.desk.last_prices.note(trades(100.0, symbol=symbol), self.monotonic_ns)

    def send(self, *commands: DeskCommand) -> DeskOutcome:
        self.monotonic_ns += S_NS // 10
        return self.desk.execute(commands, NOW_NS, self.monotonic_ns)

    def trade(self, chunks: list[Chunk]) -> DeskOutcome:
        self.monotonic_ns += S_NS // 10
        return self.desk.execute([], NOW_NS, self.monotonic_ns, after=chunks)

    def resting(self) -> list[float]:
        """The prices of the orders that rest."""
        return [one.price for one in self.desk.state().open_orders]


def events(outcome: DeskOutcome) -> list[str]:
    return [event.event for event in outcome.events]


def statuses(outcome: DeskOutcome) -> list[str]:
    decided = [one.result.status for one in outcome.decisions]
    return [*decided, *(one.result.status for one in outcome.updates)]


def test_a_limit_order_away_from_the_market_rests() -> None:
    floor = Floor()
    outcome = floor.send(order(price=99.0), order("sell", 101.0))
    assert statuses(outcome) == ["resting", "resting"]
    assert (outcome.fills(), outcome.tally.accepted) == ([], 2)
    assert events(outcome) == ["submit", "ack", "submit", "ack"]
    assert (outcome.events[0].tif, outcome.events[0].order_type) == ("gtc", "limit")
    assert floor.resting() == [99.0, 101.0]


@pytest.mark.parametrize(("side", "price"), [("buy", 101.0), ("buy", 100.0), ("sell", 99.0), ("sell", 100.0)])
def test_one_that_the_market_is_as_good_as_fills_at_the_last_price(side: str, price: float) -> None:
    outcome = Floor().send(order(side, price))
    assert [fill.price for _, fill in outcome.fills()] == [100.0]
    assert events(outcome) == ["submit", "ack", "fill"]


@pytest.mark.parametrize(
    ("side", "price", "stays", "fills"), [("buy", 99.0, (99.5, 99.0), 98.9), ("sell", 101.0, (100.5, 101.0), 101.1)]
)
def test_it_is_filled_at_its_own_price_when_a_trade_goes_through_it(
    side: str, price: float, stays: tuple[float, ...], fills: float
) -> None:
    floor, wanted = Floor(), order(side, price)
    floor.send(wanted)
    assert floor.trade(trades(*stays)).updates == []
    outcome = floor.trade(trades(fills, fills))
    assert [(done, fill.price, fill.qty, fill.account) for done, fill in outcome.fills()] == [
        (wanted.command_id, price, 2.0, "paper")
    ]
    assert statuses(outcome) == ["accepted"]
    assert [(e.event, e.liquidity, e.cum_qty) for e in outcome.events] == [("fill", "maker", 2.0)]
    assert floor.resting() == []
    assert floor.trade(trades(fills)).updates == []
    assert floor.desk.state().positions[0].qty == (2.0 if side == "buy" else -2.0)


@pytest.mark.parametrize(
    "chunks",
    [
        trades(90.0, replayed=True),
        trades(90.0, account="other"),
        trades(90.0, symbol="B"),
        trades(90.0, age_s=0.2),
        trades(90.0, age_s=61.0),
        [],
    ],
    ids=["a recording's", "our own", "another symbol's", "from before the order", "stale", "none"],
)
def test_what_is_no_live_trade_of_its_symbol_since_it_rests_does_not_fill_it(chunks: list[Chunk]) -> None:
    floor = Floor()
    floor.send(order())
    assert floor.trade(chunks).updates == []
    assert floor.resting() == [99.0]


def test_a_late_trade_that_happened_after_the_order_came_fills_it_and_a_stale_one_does_not() -> None:
    for age_s, prices in ((59.0, []), (61.0, [99.0])):
        floor = Floor()
        floor.send(order())
        floor.monotonic_ns += 100 * S_NS
        floor.trade(trades(98.0, age_s=age_s))
        assert floor.resting() == prices


def test_a_clock_that_is_ahead_or_set_back_fills_nothing_early() -> None:
    floor = Floor()
    floor.send(order())
    floor.monotonic_ns += S_NS
    floor.desk.execute([], NOW_NS - 3_600 * S_NS, floor.monotonic_ns, after=trades(98.0, age_s=2.0))
    assert floor.resting() == [99.0]


def test_by_volume_a_trade_fills_no_more_than_its_quantity_the_better_price_and_the_earlier_order_first() -> None:
    floor = Floor(replace(LIMITS, partial_fills=True))
    worse, first, second = order(price=98.0, qty=1.0), order(price=99.0, qty=2.0), order(price=99.0, qty=2.0)
    floor.send(worse, first, second)
    outcome = floor.trade(trades(97.0, 97.5, 98.5))  # 3 units below 99, 2 of them below 98
    assert [(fill.id[:36], fill.qty) for _, fill in outcome.fills()] == [
        (str(first.command_id), 2.0),
        (str(second.command_id), 1.0),
    ]
    assert statuses(outcome) == ["accepted", "resting"]
    assert [done for done, _ in outcome.fills()] == [first.command_id, None]
    more = floor.trade(trades(97.0, 97.0))
    assert [(fill.id, fill.qty) for _, fill in more.fills()] == [
        (f"{second.command_id}/2", 1.0),
        (str(worse.command_id), 1.0),
    ]
    assert [event.cum_qty for event in more.events] == [2.0, 1.0]
    assert (floor.resting(), floor.desk.state().positions[0].qty) == ([], 5.0)


def test_the_floats_left_over_after_ten_parts_are_no_order() -> None:
    floor = Floor(replace(LIMITS, partial_fills=True))
    floor.send(order(qty=1.0))
    for _ in range(10):
        floor.trade(trades(98.0, qty=0.1))
    assert floor.resting() == []


def test_a_cancelled_order_is_not_filled_any_more_and_says_what_was_filled() -> None:
    floor = Floor(replace(LIMITS, partial_fills=True))
    wanted = order()
    floor.send(wanted)
    floor.trade(trades(98.0))
    outcome = floor.send(cancel(wanted.command_id))
    assert statuses(outcome) == ["accepted", "cancelled"]
    (update,) = outcome.updates
    assert (update.result.filled_qty, update.result.price) == (1.0, 99.0)
    assert [(e.event, e.reason, e.cum_qty) for e in outcome.events] == [
        ("cancel_request", None, None),
        ("cancel", "user", 1.0),
    ]
    assert floor.trade(trades(90.0)).updates == []


def test_what_does_not_rest_cannot_be_cancelled() -> None:
    floor, wanted = Floor(), order()
    floor.send(wanted)
    floor.trade(trades(98.0))
    for order_id in (wanted.command_id, UUID(int=0)):
        outcome = floor.send(cancel(order_id))
        assert (outcome.decisions[0].reason, outcome.events) == ("unknown_order", [])


def test_all_orders_or_those_of_a_symbol_are_cancelled_at_once_also_when_none_rests() -> None:
    floor = Floor()
    floor.send(order(price=99.0), order(price=98.0, symbol="B"), order(price=97.0))
    assert len(floor.send(cancel_all("A")).updates) == 2
    assert floor.resting() == [98.0]
    assert len(floor.send(cancel_all()).updates) == 1
    outcome = floor.send(cancel_all())
    assert (statuses(outcome), floor.resting()) == (["accepted"], [])


def test_a_cancel_is_never_too_late_and_never_too_much_but_one_without_effect_is_limited() -> None:
    floor = Floor(replace(LIMITS, max_commands_per_s=2.0))
    wanted = [order(), order()]
    floor.send(*wanted)
    old = [cancel(one.command_id).model_copy(update={"sent_ns": NOW_NS - 3_600 * S_NS}) for one in wanted]
    assert statuses(floor.send(*old)) == ["accepted", "accepted", "cancelled", "cancelled"]
    assert floor.send(cancel(UUID(int=0))).decisions[0].reason == "rate"


def test_a_repeated_cancel_or_order_gets_the_answer_of_before() -> None:
    floor, wanted = Floor(), order()
    floor.send(wanted)
    floor.trade(trades(98.0))
    again = floor.send(wanted)
    assert (again.decisions[0].outcome, again.decisions[0].result.status) == ("duplicate", "accepted")
    assert (floor.resting(), again.events) == ([], [])


def test_the_kill_switch_cancels_what_rests_and_lets_nothing_rest() -> None:
    floor = Floor()
    floor.send(order(), order("sell", 101.0))
    outcome = floor.send(switch(), order())
    assert statuses(outcome) == ["accepted", "refused", "cancelled", "cancelled"]
    assert {update.result.code for update in outcome.updates} == {"kill_switch"}
    assert [e.event for e in outcome.events if e.reason == "kill_switch"] == ["cancel", "cancel"]
    assert (floor.resting(), floor.send(cancel_all()).decisions[0].outcome) == ([], "accepted")


def test_orders_of_an_earlier_process_are_cancelled_where_the_switch_is_engaged_from_the_start() -> None:
    before, after = Floor(), Floor(kill_switch=True)
    before.send(order())
    after.desk.open_orders.restore(before.desk.open_orders.all())
    outcome = after.trade(trades(98.0))
    assert (statuses(outcome), outcome.fills(), after.resting()) == (["cancelled"], [], [])


def test_a_source_may_have_so_many_open_orders_and_another_has_its_own_number() -> None:
    floor = Floor()
    floor.send(order(), order(), order())
    refused = floor.send(order(), order(source="bot"))
    assert [one.reason for one in refused.decisions] == ["max_open_orders", ""]
    assert [event.reason for event in refused.events if event.event == "reject"] == ["limit_exceeded"]
    assert floor.desk.open_orders.sources == {"ui": 3, "bot": 1}
    floor.send(cancel_all())
    assert floor.desk.open_orders.sources == {}
    assert statuses(floor.send(order())) == ["resting"]


def test_a_market_order_and_one_that_fills_at_once_need_no_place() -> None:
    floor = Floor(replace(LIMITS, max_open_orders=0))
    outcome = floor.send(order(price=101.0), order(tif=None), order(tif="gtc", price=None))
    assert statuses(outcome) == ["accepted", "accepted", "accepted"]
    assert floor.send(order()).decisions[0].reason == "max_open_orders"


def test_all_sources_together_have_a_bound_too() -> None:
    floor = Floor()
    for number in range(MAX_OPEN_ORDERS):
        floor.desk.open_orders.add(order(source=f"bot-{number}"), 99.0, NOW_NS, floor.monotonic_ns)
    assert floor.send(order()).decisions[0].reason == "max_open_orders"
    assert len(floor.desk.state().open_orders) == 200
    assert floor.desk.state().open_orders_in_all == MAX_OPEN_ORDERS


def test_prices_below_zero_rest_and_fill_like_others() -> None:
    floor = Floor()
    floor.desk.last_prices.note(trades(-100.0, symbol="SPREAD"), floor.monotonic_ns)
    floor.send(order(price=-101.0, symbol="SPREAD"))
    outcome = floor.trade(trades(-101.5, symbol="SPREAD"))
    assert [fill.price for _, fill in outcome.fills()] == [-101.0]


def test_after_a_restart_the_first_order_still_comes_first_and_wall_time_says_since_when_it_rests() -> None:
    before = OpenOrders(by_volume=True, max_age_s=60.0)
    first = before.add(order(qty=1.0), 99.0, NOW_NS, 5)
    second = before.add(order(qty=1.0), 99.0, NOW_NS, 6)
    after = OpenOrders(by_volume=True, max_age_s=60.0)
    after.restore([second, first])
    now_ns, monotonic_ns = NOW_NS + 10 * S_NS, 100 * S_NS
    early = after.crossings(trades(98.0, age_s=11.0), now_ns, monotonic_ns)
    assert list(early) == []
    (crossing,) = after.crossings(trades(98.0, age_s=9.0), now_ns, monotonic_ns)
    assert crossing.order == first
    assert after.add(order(), 99.0, now_ns, monotonic_ns).number == 2
