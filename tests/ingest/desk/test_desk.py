"""The paper desk: limits, fills, the kill switch, and that a command counts once."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from ingest.checking.chunks import ChunkBuilder
from ingest.desk.desk import MAX_ANSWERS, Desk
from ingest.desk.limits import DeskLimits
from telemetry_schema import KillSwitch, Trade, TradeCommand

NOW_NS = 1_700_000_000_000_000_000
S_NS = 1_000_000_000
LIMITS = DeskLimits(max_qty=10.0, max_notional=5_000.0, price_band_ratio=0.05, max_commands_per_s=3.0, max_age_s=10.0)


def _desk(*, kill_switch: bool = False, price: float | None = 100.0) -> Desk:
    desk = Desk(LIMITS, account="paper", kill_switch=kill_switch)
    if price is not None:
        _note_price(desk, price)
    return desk


def _note_price(desk: Desk, price: float, symbol: str = "BTC-USD") -> None:
    builder = ChunkBuilder()
    trade = Trade(source="sim", symbol=symbol, side="buy", qty=1.0, price=price, event_ns=NOW_NS, sent_ns=NOW_NS)
    builder.add_trades([trade], NOW_NS)
    desk.last_prices.note(builder.chunks(), NOW_NS)


async def _at_once(work: Callable[[], bool]) -> bool:
    """Instead of in a thread, whose end no fake clock knows."""
    return work()


def _order(**fields: object) -> TradeCommand:
    wanted = {"command_id": uuid4(), "source": "ui", "symbol": "BTC-USD", "side": "buy", "qty": 1.0, "sent_ns": NOW_NS}
    return TradeCommand.model_validate(wanted | fields)


def _switch(*, engaged: bool, sent_ns: int = NOW_NS, command_id: UUID | None = None) -> KillSwitch:
    return KillSwitch(command_id=command_id or uuid4(), source="ui", engaged=engaged, sent_ns=sent_ns)


def test_a_market_order_fills_at_the_last_price() -> None:
    desk = _desk()
    _note_price(desk, 104.0)
    decision = desk.decide(_order(), NOW_NS, NOW_NS)
    assert (decision.outcome, decision.result.status, decision.result.price) == ("accepted", "accepted", 104.0)
    assert decision.fill is not None
    assert (decision.fill.price, decision.fill.qty, decision.fill.event_ns) == (104.0, 1.0, NOW_NS)


def test_an_order_with_a_price_fills_at_that_price() -> None:
    assert _desk().decide(_order(price=98.0), NOW_NS, NOW_NS).result.price == 98.0


@pytest.mark.parametrize(
    ("fields", "code", "advice"),
    [
        ({"symbol": "NO-PRICE"}, "unknown_symbol", "choose one that trades"),
        ({"qty": 10.1}, "max_qty", "above the limit of 10"),
        ({"price": 106.0}, "price_band", "use 95 to 105"),
        ({"price": 94.0}, "price_band", "use 95 to 105"),
        ({"sent_ns": NOW_NS - 11 * S_NS}, "too_old", "11 s ago"),
    ],
)
def test_what_breaks_a_limit_is_refused_with_a_reason_to_act_on(
    fields: dict[str, object], code: str, advice: str
) -> None:
    desk = _desk()
    decision = desk.decide(_order(**fields), NOW_NS, NOW_NS)
    assert (decision.outcome, decision.reason, decision.fill) == ("refused", code, None)
    assert decision.result.code == code
    assert advice in str(decision.result.reason)
    assert desk.state().positions == []


def test_an_order_above_the_notional_says_how_much_would_do() -> None:
    decision = _desk(price=1_000.0).decide(_order(qty=6.0), NOW_NS, NOW_NS)
    assert decision.reason == "max_notional"
    assert "send at most 5" in str(decision.result.reason)


def test_orders_at_the_limits_are_accepted() -> None:
    desk = _desk()
    assert desk.decide(_order(qty=10.0, price=105.0), NOW_NS, NOW_NS).outcome == "accepted"
    assert desk.decide(_order(sent_ns=NOW_NS - 10 * S_NS), NOW_NS, NOW_NS).outcome == "accepted"


def test_more_commands_in_a_second_than_allowed_are_refused_and_then_accepted_again() -> None:
    desk = _desk()
    outcomes = [desk.decide(_order(), NOW_NS + i, NOW_NS + i).outcome for i in range(4)]
    assert outcomes == ["accepted", "accepted", "accepted", "refused"]
    assert desk.decide(_order(), NOW_NS + S_NS, NOW_NS + S_NS).outcome == "accepted"


def test_a_repeated_command_gets_the_same_answer_and_fills_once() -> None:
    desk, order = _desk(), _order()
    first = desk.decide(order, NOW_NS, NOW_NS)
    _note_price(desk, 101.0)
    second = desk.decide(order, NOW_NS + S_NS, NOW_NS + S_NS)
    assert (second.outcome, second.result, second.fill) == ("duplicate", first.result, None)
    assert [position.qty for position in desk.state().positions] == [1.0]


def test_a_repeated_refusal_stays_refused_when_the_limit_no_longer_holds() -> None:
    desk, order = _desk(kill_switch=True), _order()
    assert desk.decide(order, NOW_NS, NOW_NS).reason == "kill_switch"
    desk.decide(_switch(engaged=False), NOW_NS, NOW_NS)
    assert desk.decide(order, NOW_NS, NOW_NS).result.status == "refused"


def test_the_kill_switch_refuses_everything_until_it_is_released() -> None:
    desk = _desk()
    assert desk.decide(_switch(engaged=True), NOW_NS, NOW_NS).outcome == "accepted"
    assert desk.decide(_order(), NOW_NS, NOW_NS).reason == "kill_switch"
    assert desk.state().kill_switch
    desk.decide(_switch(engaged=False), NOW_NS, NOW_NS)
    assert desk.decide(_order(), NOW_NS, NOW_NS).outcome == "accepted"


def test_an_old_release_does_nothing_and_an_old_engagement_still_engages() -> None:
    desk = _desk(kill_switch=True)
    assert desk.decide(_switch(engaged=False, sent_ns=NOW_NS - 60 * S_NS), NOW_NS, NOW_NS).reason == "too_old"
    assert desk.kill_switch
    desk.decide(_switch(engaged=False), NOW_NS, NOW_NS)
    desk.decide(_switch(engaged=True, sent_ns=NOW_NS - 60 * S_NS), NOW_NS, NOW_NS)
    assert desk.kill_switch


def test_answers_are_remembered_in_bounded_number() -> None:
    desk = Desk(replace(LIMITS, max_commands_per_s=1e9), account="paper")
    for _ in range(MAX_ANSWERS + 5):
        desk.decide(_switch(engaged=False), NOW_NS, NOW_NS)
    assert len(desk.young_answers()) == MAX_ANSWERS


def test_a_flood_of_refused_commands_does_not_push_a_fills_answer_out() -> None:
    order, desk = _order(), _desk()
    desk.decide(order, NOW_NS, NOW_NS)
    for _ in range(MAX_ANSWERS + 5):
        desk.decide(_order(qty=1e6), NOW_NS, NOW_NS)
    assert desk.decide(order, NOW_NS, NOW_NS).outcome == "duplicate"
    assert [answer.command_id for answer in desk.young_answers()] == [order.command_id]


def test_a_command_from_the_future_is_refused_as_its_age_could_never_be_known() -> None:
    assert _desk().decide(_order(sent_ns=NOW_NS + 60 * S_NS), NOW_NS, NOW_NS).reason == "too_new"


def test_what_a_refusal_says_can_be_sent_is_not_refused_again() -> None:
    limits = DeskLimits(max_qty=1e12, max_notional=100_000.0, price_band_ratio=0.5, max_commands_per_s=1e9)
    for price in (61_234.56, 2.345678, 0.00012345, 99_999.99, 17.0):
        desk = Desk(limits, account="paper")
        _note_price(desk, price)
        text = desk.decide(_order(qty=200_000.0 / price), NOW_NS, NOW_NS).result.reason
        most = float(str(text).rsplit(" ", 1)[1].rstrip("."))
        assert desk.decide(_order(qty=most), NOW_NS, NOW_NS).outcome == "accepted"


def test_the_state_shows_limits_symbols_and_positions() -> None:
    desk = _desk()
    desk.decide(_order(side="sell", qty=2.0), NOW_NS, NOW_NS)
    state = desk.state()
    assert (state.account, state.max_qty, state.symbols) == ("paper", 10.0, ["BTC-USD"])
    assert [(one.symbol, one.qty) for one in state.positions] == [("BTC-USD", -2.0)]


def test_a_flood_of_kill_switches_is_limited_like_orders_but_the_one_that_engages_is_obeyed() -> None:
    desk = _desk()
    for _ in range(3):
        desk.decide(_order(), NOW_NS, NOW_NS)
    engages = [desk.decide(_switch(engaged=True), NOW_NS, NOW_NS).outcome for _ in range(1_024)]
    assert engages.count("accepted") == 1
    assert engages[0] == "accepted"
    assert desk.decide(_switch(engaged=False), NOW_NS, NOW_NS).reason == "rate"
    assert desk.decide(_switch(engaged=False), NOW_NS, NOW_NS + S_NS).outcome == "accepted"
    assert desk.changes == 5


@pytest.mark.parametrize("step_s", [3600, -3600, 125, -125])
def test_a_wall_clock_that_is_set_neither_stops_nor_frees_orders(step_s: int) -> None:
    desk, later_ns = _desk(), NOW_NS + step_s * S_NS
    for _ in range(3):
        desk.decide(_order(), NOW_NS, NOW_NS)
    order = _order(sent_ns=later_ns)
    assert desk.decide(order, later_ns, NOW_NS).reason == "rate"
    assert desk.decide(_order(sent_ns=later_ns), later_ns, NOW_NS + S_NS).outcome == "accepted"


def test_an_order_needs_a_price_that_is_young_enough() -> None:
    desk = _desk()
    max_ns = round(LIMITS.max_price_age_s) * S_NS
    assert desk.decide(_order(), NOW_NS, NOW_NS + max_ns).outcome == "accepted"
    decision = desk.decide(_order(price=100.0), NOW_NS, NOW_NS + max_ns + 1)
    assert decision.reason == "stale_price"
    assert "60 s old" in str(decision.result.reason)


def test_prices_may_be_negative_or_zero() -> None:
    desk = _desk(price=-37.63)
    assert desk.decide(_order(), NOW_NS, NOW_NS).result.price == -37.63
    assert desk.decide(_order(price=-38.0), NOW_NS, NOW_NS).result.price == -38.0
    assert "use -39.5115 to -35.7485" in str(desk.decide(_order(price=37.63), NOW_NS, NOW_NS).result.reason)
    assert _desk(price=0.0).decide(_order(), NOW_NS, NOW_NS).result.price == 0.0
