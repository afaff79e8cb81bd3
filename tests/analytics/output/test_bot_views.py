"""What the UI is shown of bots: rows, money, orders and their events, bounded whatever comes."""

from typing import Any

import pytest

from analytics.cooperative import run
from analytics.orders.tracker import OrderTracker
from analytics.output.bot_views import MAX_ENDED, MAX_LIVES, MAX_OPEN, BotViews
from telemetry_schema import BotsState, PositionReport, RateLimitReport, decode_ui, encode
from tests.analytics.orders.histories import MS, SECOND, T0, event, tracker
from tests.analytics.orders.test_quality import quoted

NOW = T0 + 2 * SECOND


def state(made: OrderTracker, views: BotViews | None = None) -> BotsState:
    """The message as the UI reads it."""
    found = decode_ui(encode(run((views or BotViews(made, run="r")).steps(NOW))))
    assert isinstance(found, BotsState)
    return found


def lived() -> OrderTracker:
    made = tracker()
    quoted(made, 100.0, T0)
    named: dict[str, Any] = {"strategy": "s", "venue": "v", "account": "acct"}
    made.apply(event("submit", arrival_price=100.0, **named), T0)
    made.apply(event("ack", at_ns=T0 + 3 * MS, **named), T0 + 3 * MS)
    made.apply(event("fill", last_price=101.0, exec_id="x", fee=0.5, fee_currency="USD", **named), T0 + 4 * MS)
    made.apply(event("submit", "o-2", side="sell", **named), T0)
    made.apply(event("reject", "o-2", reason="min_size", **named), T0 + MS)
    quoted(made, 103.0, T0 + SECOND)
    return made


def test_without_bots_all_is_empty() -> None:
    found = state(tracker())
    assert (found.bots, found.books, found.open_orders, found.lives, found.open_in_all) == ([], [], [], [], 0)


def test_a_bot_has_its_acks_rejects_and_money() -> None:
    (bot,) = state(lived()).bots
    assert (bot.source, bot.account, bot.strategy, bot.is_authority) == ("bot", "acct", "s", True)
    assert (bot.recent_orders, bot.recent_rejects, bot.open_orders) == (2, 1, 1)
    assert (bot.ack.count, bot.ack.p50_ns, bot.ack.p99_ns) == (1, 3 * MS, 3 * MS)
    (money,) = bot.money
    assert (money.currency, money.realised, money.unrealised, money.fees) == ("USD", 0.0, 2.0, 0.5)
    assert money.slippage_bps == pytest.approx(100.0)


def test_a_bot_has_its_slippage_markouts_and_how_its_orders_ended() -> None:
    made = lived()
    made.apply(event("submit", "o-3", account="acct", strategy="s", decision_price=99.0, arrival_price=100.0), T0)
    made.apply(event("fill", "o-3", account="acct", last_qty=10.0, last_price=101.0, exec_id="y"), T0)
    quoted(made, 102.01, T0 + 2 * SECOND)
    run(made.quality.settle_markouts(made.marks, T0 + 2 * SECOND))
    (bot,) = state(made).bots
    (money,) = bot.money
    assert money.slippage_bps == pytest.approx(100.0)
    assert money.decision_slippage_bps == pytest.approx(2 / 99 * 1e4)
    # Both fills at 101 and the mid of 103 a second later.
    assert {one.horizon: one.bps for one in money.markouts} == pytest.approx({"1s": 2 / 101 * 1e4})
    assert bot.ended.model_dump() == {"filled": 1, "partly": 0, "unfilled": 0, "rejected": 1}


def test_an_account_has_its_equity_its_messages_for_a_trade_and_its_limits() -> None:
    made = lived()
    used = RateLimitReport(
        source="bot",
        account="acct",
        venue="v",
        limit="orders",
        used=30.0,
        allowed=100.0,
        interval_s=10.0,
        event_ns=T0,
        sent_ns=T0,
    )
    made.peers.rate_limit(used, T0)
    for second, mid in ((1, 103.0), (2, 101.0)):
        quoted(made, mid, T0 + second * SECOND)
        made.books.value(made.marks, T0 + second * SECOND)
    found = state(made)
    (account,) = found.accounts
    assert (account.account, account.currency, account.equity) == ("acct", "USD", -0.5)
    assert (account.drawdown, account.deepest) == (2.0, 2.0)
    (pair,) = found.order_to_trade
    assert (pair.account, pair.symbol, pair.messages, pair.executions) == ("acct", "BTC-USD", 2.0, 1.0)
    (limit,) = found.limits
    assert (limit.venue, limit.limit, limit.used_ratio) == ("v", "orders", 0.3)


def test_books_venues_and_rejections_are_there() -> None:
    found = state(lived())
    (book,) = found.books
    assert (book.account, book.strategy, book.symbol, book.qty, book.mark) == ("acct", "s", "BTC-USD", 1.0, 103.0)
    assert [(one.venue, one.ack.count) for one in found.venues] == [("v", 1)]
    assert [(one.reason, one.kind, one.count) for one in found.rejects] == [("min_size", "order", 1)]


def test_a_position_without_a_price_has_no_value_and_neither_has_its_bot() -> None:
    made = tracker()
    made.apply(event("submit"), T0)
    made.apply(event("fill", exec_id="x"), T0)
    found = state(made)
    assert found.books[0].unrealised is None
    assert found.bots[0].money[0].unrealised is None


def test_of_two_sources_of_one_account_one_has_the_money() -> None:
    made = tracker()
    named: dict[str, Any] = {"account": "acct", "strategy": "s"}
    made.apply(event("submit", **named), T0)
    made.apply(event("fill", exec_id="x", **named), T0)
    made.apply(event("fill", exec_id="x", source="drop-copy", **named), T0)
    found = {bot.source: bot for bot in state(made).bots}
    assert (found["bot"].is_authority, len(found["bot"].money)) == (True, 1)
    assert (found["drop-copy"].is_authority, found["drop-copy"].money) == (False, [])


def test_a_difference_to_the_peer_is_of_the_moment_of_its_report() -> None:
    made = lived()
    report = PositionReport(
        source="bot", account="acct", strategy="s", symbol="BTC-USD", qty=1.5, event_ns=T0, sent_ns=T0
    )
    made.peers.position(report)
    made.apply(event("fill", exec_id="y", last_qty=4.0, account="acct", strategy="s"), T0 + SECOND)
    assert [(one.symbol, one.qty) for one in state(made).mismatches] == [("BTC-USD", 0.5)]
    made.peers.position(report.model_copy(update={"qty": 5.0}))
    assert state(made).mismatches == []


def test_an_order_has_its_state_and_every_event_with_its_stamps() -> None:
    found = state(lived())
    (order,) = found.open_orders
    assert (order.order_id, order.state, order.qty, order.filled_qty, order.average_price) == (
        "o-1",
        "open",
        10.0,
        1.0,
        101.0,
    )
    assert [one.order_id for one in found.ended_orders] == ["o-2"]
    lives = {life.order_id: [(one.event, one.outcome) for one in life.moments] for life in found.lives}
    assert lives == {
        "o-1": [("submit", "applied"), ("ack", "applied"), ("fill", "applied")],
        "o-2": [("submit", "applied"), ("reject", "applied")],
    }
    assert found.lives[0].moments[0].received_ns == T0


def test_marks_beside_the_state_are_shown() -> None:
    made = lived()
    made.apply(event("cancel_request", at_ns=T0 + SECOND, account="acct"), NOW)
    assert state(made).open_orders[0].waits_for == "cancel"
    made.apply(event("unknown", at_ns=NOW, account="acct"), NOW)
    assert state(made).open_orders[0].in_doubt
    assert state(made).bots[0].in_doubt == 1


def many(orders: int, *, ended: bool) -> OrderTracker:
    made = tracker()
    for number in range(orders):
        made.apply(event("submit", f"o-{number}", at_ns=T0 + number), T0 + number)
        if ended:
            made.apply(event("cancel", f"o-{number}", at_ns=T0 + number), T0 + number)
    return made


def test_of_too_many_open_orders_the_oldest_and_the_newest_are_listed() -> None:
    found = state(many(MAX_OPEN + 100, ended=False))
    ids = [one.order_id for one in found.open_orders]
    assert (len(ids), found.open_in_all, found.bots[0].open_orders) == (MAX_OPEN, MAX_OPEN + 100, MAX_OPEN + 100)
    assert (ids[0], ids[-1], "o-300" in ids) == (f"o-{MAX_OPEN + 99}", "o-0", False)
    assert len(found.lives) <= 2 * MAX_LIVES


def test_of_too_many_ended_orders_the_newest_are_listed() -> None:
    found = state(many(MAX_ENDED + 50, ended=True))
    assert [one.order_id for one in found.ended_orders][:2] == ["o-149", "o-148"]
    assert (len(found.ended_orders), found.ended_in_all) == (MAX_ENDED, MAX_ENDED + 50)


def test_after_some_messages_all_listed_orders_have_had_their_turn() -> None:
    made = many(MAX_LIVES * 4, ended=False)
    views = BotViews(made, run="r")
    seen = {life.order_id for _ in range(4) for life in state(made, views).lives}
    assert len(seen) == MAX_LIVES * 4


def test_an_order_that_changes_is_sent_at_once_whosever_turn_it_is() -> None:
    made = many(MAX_LIVES * 10, ended=False)
    views = BotViews(made, run="r")
    state(made, views)
    made.apply(event("ack", "o-7", at_ns=NOW), NOW)
    assert "o-7" in {life.order_id for life in state(made, views).lives}


def test_insane_sizes_are_numbers_on_the_wire() -> None:
    made = tracker()
    quoted(made, 1e300, T0)
    for number in range(3):
        made.apply(event("submit", f"o-{number}", qty=1e308, price=1e308), T0)
        made.apply(event("fill", f"o-{number}", last_qty=1e308, last_price=1e308, exec_id=f"{number}"), T0)
    found = state(made)
    assert found.books[0].qty == pytest.approx(1.797e308, rel=1e-3)
