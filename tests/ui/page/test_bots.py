"""The page of bots: rows in an order that numbers do not change, what is wrong in words, and the life of an order."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from telemetry_schema import (
    AccountEquity,
    BotSourceState,
    BotState,
    EndedOrders,
    IngestStatus,
    LimitUse,
    MarkoutBps,
    OrderToTrade,
    PositionMismatch,
    SourceRefusals,
)
from tests.helpers.views import (
    NOW_NS,
    S_NS,
    FakeLink,
    at,
    book,
    bot,
    bots_state,
    life,
    moment,
    order,
    page_state,
    status,
)
from ui.bot_limits import read_limits
from ui.page.model.bots import MAX_ORDERS, REJECT_LEAST_ORDERS
from ui.page.model.parts import Part
from ui.page.model.selection import Selection
from ui.page.views import bots as page
from ui.page.widgets.sparks import spark
from ui.wire import BotLimits


def parts(feed: FakeLink, **chosen: Any) -> dict[str, Part]:  # noqa: ANN401 - fields of a selection
    return page.parts(feed.view, Selection(**chosen), feed.now(), UTC)


def shown(feed: FakeLink, *bots: BotState, **fields: Any) -> FakeLink:  # noqa: ANN401 - fields of a state
    feed.model.apply(bots_state(*bots, **fields), feed.now())
    return feed


def sources(*, lost: int = 0, refused: int = 0, at_ns: int = NOW_NS, version: int = 2) -> IngestStatus:
    """What ingest counts of bot-1."""
    counted = BotSourceState(source="bot-1", accepted=100, lost=lost, duplicate=0, last_ns=at_ns)
    refusals = [SourceRefusals(source="bot-1", reasons={"bad_name": refused})] if refused else []
    return status(version, at_ns=at_ns).model_copy(update={"bots": [counted], "refusals": refusals})


def names(part: Part) -> list[str]:
    return [row[1][0][0] for row in part["rows"]]


def cell(part: Part, column: str, row: int = 0) -> list[Any]:
    """Text and tone of a cell."""
    place = [each[0] for each in part["columns"]].index(column)
    found = part["rows"][row][1][place]
    return [found, ""] if isinstance(found, str) else found[:2]


def texts(part: Part) -> str:
    return json.dumps(part, ensure_ascii=False)


def test_without_bots_the_page_says_how_to_report_an_order() -> None:
    feed = FakeLink().live()
    assert parts(feed)["welcome"]["code"].count("\n") == 2
    assert "order_submitted" in parts(shown(feed))["welcome"]["code"]


def test_bots_that_ingest_knows_and_analytics_does_not_report_are_stuck() -> None:
    feed = FakeLink().live()
    feed.model.apply(sources(), feed.now())
    assert "analytics does not report" in parts(feed)["welcome"]["text"]


def test_a_bot_that_is_well_has_all_its_numbers() -> None:
    feed = shown(FakeLink().live(), bot(), books=[book()])
    feed.model.apply(sources(), feed.now())
    table = parts(feed)["bots"]
    assert names(table) == ["bot-1 maker"]
    assert cell(table, "State") == ["well", "good"]
    assert cell(table, "Ack p99")[0] == "20.00 ms"
    assert cell(table, "Rejected")[0] == "1.0 %"
    assert cell(table, "Slippage")[0] == "+1.25"
    assert cell(table, "Realised") == ["▲ +12.50", "up"]
    assert cell(table, "Unrealised") == ["▼ −3.00", "down"]
    assert table["rows"][0][1][12] == ["+0.2000 BTC-USD", "", 0, "+0.2000 BTC-USD", "", "BTC-USD"]
    large = parts(shown(feed, bot(), books=[book(qty=-5_000_000.25)]))["bots"]["rows"][0][1][12]
    assert (large[0], large[3]) == ("−5,000,000 BTC-USD", "−5,000,000.25 BTC-USD")


@pytest.mark.parametrize(
    ("changes", "words", "tone"),
    [
        ({"in_doubt": 2}, "2 orders in doubt", "bad"),
        ({"recent_rejects": 6}, "6 of 100 orders rejected in 5 min", "warn"),
        ({"recent_rejects": 30}, "30 of 100 orders rejected in 5 min", "bad"),
        ({"recent_orders": 20, "recent_rejects": 2}, "2 of 20 orders rejected in 5 min", "warn"),
        ({"skew_ns": -3 * S_NS}, "its clock is 3.0 s ahead", "bad"),
        ({"last_ns": NOW_NS - 90 * S_NS}, "silent with 1 open orders", "warn"),
        ({"money": [bot().money[0].model_copy(update={"unrealised": None})]}, "a position has no price", "warn"),
        ({"is_authority": False}, "second source of its account", "muted"),
    ],
)
def test_what_is_wrong_is_said_in_words_and_colour(changes: dict[str, object], words: str, tone: str) -> None:
    table = parts(shown(FakeLink().live(), bot(**changes)))["bots"]  # type: ignore[arg-type]
    text, found = cell(table, "State")
    assert words in text
    assert found == tone


@pytest.mark.parametrize(("orders", "rejects"), [(3, 1), (19, 19), (0, 1), (20, 1), (100, 5)])
def test_few_rejects_are_chance_as_they_are_to_the_alert(orders: int, rejects: int) -> None:
    feed = shown(FakeLink().live(), bot(recent_orders=orders, recent_rejects=rejects))
    assert cell(parts(feed)["bots"], "State") == ["well", "good"]


def test_rejects_are_judged_by_account_as_the_alert_does() -> None:
    few = bot(strategy="taker", recent_orders=4, recent_rejects=4)
    assert (
        "4 of 4 orders rejected"
        in cell(parts(shown(FakeLink().live(), bot(recent_orders=20), few))["bots"], "State")[0]
    )
    busy = bot(recent_orders=100, recent_rejects=0)
    states = parts(shown(FakeLink().live(), busy, few))["bots"]
    assert [cell(states, "State", row)[0] for row in (0, 1)] == ["well", "well"], "4 of 104 of the account"


def test_the_alert_and_the_page_have_one_rule() -> None:
    rules = Path(__file__).parents[3] / "prometheus" / "rules"
    assert read_limits((rules / "limits.yml").read_text()) == BotLimits(), "what the page says without the file"
    alert = (rules / "alerts.yml").read_text().partition("OrderRejectsHigh")[2].partition("- alert")[0]
    assert f">= {REJECT_LEAST_ORDERS})" in alert


def test_money_of_any_size_can_be_read_in_the_rows_the_positions_and_the_cards() -> None:
    for realised, fees, written in (
        (4.2e-9, 1e-10, "▲ +4.2e-9"),
        (1e12, 2e9, "▲ +1e12"),
        (5e8, 0.25, "▲ +500,000,000"),
    ):
        money = bot().money[0].model_copy(update={"realised": realised, "unrealised": 0.0, "fees": fees})
        held = book(realised=realised, unrealised=None, fees=fees, currency="BTC")
        found = parts(shown(FakeLink().live(), bot(money=[money]), books=[held]))
        assert cell(found["bots"], "Realised")[0] == written
        assert cell(found["positions"], "Realised")[0] == written
        assert found["positions"]["rows"][0][1][7][3] == "BTC"
        assert written.removeprefix("▲ ") in texts(found["cards"])
        assert "e-10" in cell(found["bots"], "Fees")[0] or realised > 1


def test_what_floats_leave_is_nothing_beside_money() -> None:
    money = bot().money[0].model_copy(update={"realised": 3e-12, "unrealised": -2e-13, "fees": 12.5})
    table = parts(shown(FakeLink().live(), bot(money=[money])))["bots"]
    assert [cell(table, name) for name in ("Realised", "Unrealised")] == [["0.00", "muted"]] * 2


def executed(**changes: object) -> BotState:
    """A bot of whose orders some have ended."""
    markouts = [MarkoutBps(horizon="1s", bps=0.5), MarkoutBps(horizon="1m", bps=-12.25)]
    money = bot().money[0].model_copy(update={"decision_slippage_bps": 2.0, "markouts": markouts})
    return bot(money=[money], ended=EndedOrders(filled=30, partly=10, unfilled=5, rejected=5)).model_copy(
        update=changes
    )


def test_a_bot_shows_how_its_orders_ended_and_what_its_fills_cost_and_brought() -> None:
    part = parts(shown(FakeLink().live(), executed(), bot("bot-2", money=[])))["execution"]
    assert names(part) == ["bot-1 maker"], "the other one has neither a fill nor an order that ended"
    wanted = {"Orders ended": "50", "Filled": "60.0 %", "Partly": "20.0 %", "Unfilled": "10.0 %", "Rejected": "10.0 %"}
    wanted |= {"To arrival": "+1.25", "To decision": "+2.00", "In": "USD"}
    wanted |= {"After 1 s": "+0.50", "After 5 s": "–", "After 30 s": "–", "After 1 min": "−12.25"}
    assert {column: cell(part, column)[0] for column in wanted} == wanted


def test_a_bot_without_fills_shows_that_its_orders_are_rejected() -> None:
    part = parts(shown(FakeLink().live(), executed(money=[], ended=EndedOrders(rejected=3))))["execution"]
    assert [cell(part, column)[0] for column in ("Orders ended", "Rejected", "To arrival", "In")] == [
        "3",
        "100.0 %",
        "–",
        "–",
    ]


def test_executions_are_of_the_chosen_bot_and_of_an_accounts_first_source_alone() -> None:
    second = executed(source="copy", is_authority=False)
    feed = shown(FakeLink().live(), executed(), second, executed(source="bot-2", account="bot-2"))
    assert names(parts(feed)["execution"]) == ["bot-1 maker", "bot-2 maker"]
    assert names(parts(feed, bot="bot-2\tbot-2\tmaker")["execution"]) == ["bot-2 maker"]
    assert names(parts(feed, bots_quality="-bot")["execution"]) == ["bot-2 maker", "bot-1 maker"]


def test_what_has_no_value_is_last_whichever_way_a_column_is_sorted() -> None:
    without = executed(source="a", account="a", money=[bot().money[0]])
    feed = shown(FakeLink().live(), without, executed(), executed(source="c", account="c"))
    for sort in ("1m", "-1m"):
        assert names(parts(feed, bots_quality=sort)["execution"])[-1] == "a maker"


def account(name: str = "bot-1", **changes: object) -> AccountEquity:
    made = AccountEquity(account=name, currency="USD", equity=9.1, drawdown=3.4, deepest=7.0)
    return made.model_copy(update=changes)


def test_an_account_shows_its_equity_drawdown_messages_for_a_trade_and_limits() -> None:
    pairs = [
        OrderToTrade(account="bot-1", symbol=symbol, messages=messages, executions=executions)
        for symbol, messages, executions in (("A-USD", 30, 10), ("B-USD", 55, 5), ("C-USD", 99, 0))
    ]
    limits = [
        LimitUse(account="bot-1", venue="sim", limit=limit, used_ratio=used) for limit, used in (("x", 0.2), ("y", 0.4))
    ]
    part = parts(shown(FakeLink().live(), bot(), accounts=[account()], order_to_trade=pairs, limits=limits))["accounts"]
    found = [cell(part, column)[0] for column in ("Account", "In", "State", "Equity", "Drawdown", "Deepest")]
    assert found == ["bot-1", "USD", "well", "+9.10", "3.40", "7.00"]
    assert [cell(part, column)[0] for column in ("Orders to trades", "Limit used")] == ["10.0 B-USD", "40 %"]


def test_accounts_in_trouble_are_first_and_the_limits_are_those_of_the_alerts() -> None:
    deep = account("bot-9", drawdown=10_001.0, deepest=10_001.0)
    near = [LimitUse(account="bot-5", venue="sim", limit="orders", used_ratio=0.81)]
    feed = shown(FakeLink().live(), bot(), accounts=[account(), account("bot-5"), deep], limits=near)
    part = parts(feed)["accounts"]
    assert names(part) == ["bot-9", "bot-5", "bot-1"]
    assert [cell(part, "State", row)[1] for row in range(3)] == ["bad", "warn", "good"]
    assert names(parts(feed, bot_accounts="account")["accounts"]) == ["bot-1", "bot-5", "bot-9"]


def test_the_limits_are_those_that_the_file_says() -> None:
    near = [LimitUse(account="bot-5", venue="sim", limit="orders", used_ratio=0.81)]
    rejecting = bot(recent_orders=100, recent_rejects=8)
    feed = shown(FakeLink().live(), rejecting, accounts=[account(drawdown=10_001.0), account("bot-5")], limits=near)
    wider = BotLimits(order_rejects_ratio=0.1, drawdown_quote=20_000.0, rate_limit_used_ratio=0.9)
    for limits, tone, state in ((BotLimits(), {"bad", "warn"}, "warn"), (wider, {"good"}, "good")):
        feed.model.apply(page_state().model_copy(update={"bot_limits": limits}), feed.now())
        found = parts(feed)
        assert {cell(found["accounts"], "State", row)[1] for row in (0, 1)} == tone
        assert cell(found["bots"], "State")[1] == state


def test_an_account_without_an_execution_or_a_fill_is_shown_with_its_messages() -> None:
    pair = OrderToTrade(account="bot-1", symbol="A", messages=7, executions=0)
    part = parts(shown(FakeLink().live(), bot(), order_to_trade=[pair]))["accounts"]
    assert (cell(part, "Account")[0], cell(part, "Equity")[0], cell(part, "Orders to trades")[0]) == ("bot-1", "–", "–")
    assert "7 messages and no execution" in texts(part)


def test_a_second_source_does_not_show_the_accounts_position_as_its_own() -> None:
    feed = shown(FakeLink().live(), bot(), bot("copy", account="bot-1", is_authority=False, money=[]), books=[book()])
    table = parts(feed, bots="bot")["bots"]
    assert [cell(table, "Position", row)[0] for row in (0, 1)] == ["+0.2000 BTC-USD", "–"]


def test_a_difference_to_the_peer_is_said_to_the_bot_that_has_the_book() -> None:
    feed = FakeLink().live()
    state = bots_state(bot(), bot(strategy="taker"), books=[book()])
    wrong = PositionMismatch(account="bot-1", symbol="BTC-USD", qty=-0.1)
    feed.model.apply(state.model_copy(update={"mismatches": [wrong]}), feed.now())
    table = parts(feed)["bots"]
    assert [cell(table, "State", row)[1] for row in (0, 1)] == ["bad", "good"]
    assert "-0.1 BTC-USD" in cell(table, "State")[0]


def test_what_was_lost_and_refused_is_red_for_five_minutes_and_counted_for_ever() -> None:
    feed = shown(FakeLink().live(), bot())
    for second, lost, refused in ((0, 4, 0), (5, 7, 2)):
        feed.model.apply(sources(lost=lost, refused=refused, at_ns=NOW_NS + second * S_NS, version=second + 2), at(0))
    table = parts(feed)["bots"]
    assert "3 messages lost in 5 min; 2 messages refused in 5 min" in cell(table, "State")[0]
    assert cell(table, "Lost") == ["7", "bad"]
    for second in range(10, 320, 5):
        feed.model.apply(sources(lost=7, refused=2, at_ns=NOW_NS + second * S_NS, version=second + 2), at(0))
    table = parts(feed)["bots"]
    assert "lost" not in cell(table, "State")[0]
    assert cell(table, "Lost") == ["7", ""]


def test_a_restart_of_ingest_is_no_loss_and_no_gain() -> None:
    feed = shown(FakeLink().live(), bot())
    feed.model.apply(sources(lost=7), feed.now())
    feed.model.apply(sources(lost=0, version=1).model_copy(update={"stream": "new"}), feed.now())
    assert cell(parts(feed)["bots"], "Lost") == ["0", ""]


def test_bots_in_trouble_are_first_and_rows_do_not_move_while_numbers_change() -> None:
    feed = FakeLink().live()
    wrong = bot("bot-3", in_doubt=1)
    for turn in range(5):
        moving = [bot(f"bot-{i}", events_per_s=float((i * 7 + turn) % 5)) for i in (1, 2, 4)]
        assert names(parts(shown(feed, *moving, wrong))["bots"]) == [f"bot-{i} maker" for i in (3, 1, 2, 4)]
    assert names(parts(feed, bots="bot")["bots"])[0] == "bot-1 maker"
    assert names(parts(feed, bots="-bot")["bots"])[0] == "bot-4 maker"
    assert names(parts(feed, bots_show="trouble")["bots"]) == ["bot-3 maker"]
    assert names(parts(feed, bots_find="BOT-2")["bots"]) == ["bot-2 maker"]


@pytest.mark.parametrize("sort", [column[2] for column in parts(shown(FakeLink().live(), bot()))["bots"]["columns"]])
def test_every_column_that_can_be_sorted_by_sorts(sort: str) -> None:
    if not sort:
        return
    feed = shown(FakeLink().live(), bot("a"), bot("b", money=[], ack=bot().ack.model_copy(update={"p99_ns": None})))
    for order_ in (sort, f"-{sort}"):
        table = parts(feed, bots=order_)["bots"]
        assert sorted(names(table)) == ["a maker", "b maker"]
        assert [column[3] for column in table["columns"] if column[2] == sort] == [
            "descending" if order_.startswith("-") else "ascending"
        ]


def test_money_of_two_currencies_is_not_added_up() -> None:
    euro = bot().money[0].model_copy(update={"currency": "EUR", "realised": 7.0})
    feed = shown(FakeLink().live(), bot(money=[euro, *bot().money]))
    assert cell(parts(feed)["bots"], "Realised")[0] == "▲ +7.00 +1"
    assert "and 1 other currency" in texts(parts(feed)["cards"])


def test_thirty_bots_and_five_hundred_orders_are_in_pages() -> None:
    many = [bot(f"bot-{i:02}") for i in range(30)]
    orders = [order(f"o-{i}", f"bot-{i % 30:02}") for i in range(500)]
    feed = shown(FakeLink().live(), *many, open_orders=orders)
    found = parts(feed)
    assert len(found["bots"]["rows"]) == 30
    assert len(found["orders"]["rows"]) == 25
    assert found["orders"]["foot"][0] == "500 orders, page 1 of 20"
    assert names(parts(feed, bot_orders_page=19)["orders"])[-1] == "o-499"
    assert names(parts(feed, bot_orders_page=9_999)["orders"])[-1] == "o-499"
    assert names(parts(feed, bot_orders_find="o-499")["orders"]) == ["o-499"]


def test_a_chosen_bot_has_its_own_orders_positions_and_rejections() -> None:
    feed = shown(
        FakeLink().live(),
        bot(),
        bot("bot-2"),
        books=[book(), book("bot-2", symbol="ETH-USD")],
        open_orders=[order(), order("o-2", "bot-2")],
    )
    chosen = parts(feed, bot="bot-2\tbot-2\tmaker")
    assert names(chosen["orders"]) == ["o-2"]
    assert names(chosen["positions"]) == ["ETH-USD"]
    assert chosen["rejects"]["rows"] == []
    assert [row[2] for row in chosen["bots"]["rows"]] == [False, True]


@pytest.mark.parametrize(
    ("show", "ids"), [("all", ["o-1", "o-2", "o-3"]), ("open", ["o-1", "o-2"]), ("ended", ["o-3"]), ("doubt", ["o-2"])]
)
def test_orders_are_filtered_by_where_they_are(show: str, ids: list[str]) -> None:
    ended = order("o-3", state="cancelled")
    feed = shown(FakeLink().live(), bot(), open_orders=[order(), order("o-2", in_doubt=True)], ended_orders=[ended])
    assert names(parts(feed, bot_orders=show)["orders"]) == ids


def test_an_order_that_rests_since_another_day_has_the_date() -> None:
    began_ns = NOW_NS - 3 * 86_400 * S_NS
    feed = shown(FakeLink().live(), bot(), open_orders=[order(), order("o-2", began_ns=began_ns)])
    drawn = parts(feed)["orders"]
    day = datetime.fromtimestamp(began_ns // S_NS, UTC)
    assert cell(drawn, "Began", 1)[0].startswith(f"{day.day} {day:%b} ")
    assert cell(drawn, "Began", 0)[0].count(" ") == 0


def test_the_life_of_an_order_has_every_event_with_its_latency_by_one_clock() -> None:
    moments = [
        moment("submit", qty=0.5, price=61_000.0),
        moment("ack", 12.5, clock="venue", seen_ns=NOW_NS + 15_000_000, seen_by="bot"),
        moment("fill", 20, clock="venue", qty=0.2, price=60_999.5, fee=-0.25, fee_currency="USD", exec_id="x-1"),
        moment("fill", 20, outcome="conflict", qty=0.3, exec_id="x-1", replayed=True),
        moment("cancel", 10_000, resolution_ns=S_NS, reason="user", text="by hand"),
    ]
    feed = shown(FakeLink().live(), bot(), open_orders=[order(inferred_qty=0.1)], lives=[life("o-1", *moments)])
    found = parts(feed, bot_order="bot-1\to-1")["life"]
    assert found["title"] == "Order o-1"
    assert "filled 0.2000 at 60,999.50" in found["sub"]
    assert [cell(found, "Event", row)[0] for row in range(6)] == [
        "submit",
        "ack",
        "fill",
        "fill (replayed)",
        "cancel",
        "fill",
    ]
    assert [cell(found, "Outcome", row)[0] for row in (1, 3, 5)] == ["applied", "conflict", "inferred"]
    assert [cell(found, "Since submit", row)[0] for row in range(5)] == ["start", "15.00 ms bot", "–", "–", "–"]
    assert cell(found, "Fee", 2)[0] == "−0.25 USD"
    assert cell(found, "Why", 4)[0] == "user: by hand"
    assert found["foot"][0] == "acknowledged after 15.00 ms (bot)"
    assert "two clocks" in found["foot"][1]
    assert "too coarse" in found["foot"][2]


def test_events_that_are_not_kept_are_counted_where_they_are_missing() -> None:
    moments = [moment("status", float(i)) for i in range(48)]
    feed = shown(FakeLink().live(), bot(), open_orders=[order()], lives=[life("o-1", *moments, left_out=7)])
    found = parts(feed, bot_order="bot-1\to-1")["life"]
    assert [row[0] for row in found["rows"]].index("hole") == 16
    assert "7 events" in texts(found)


@pytest.mark.parametrize("panel", ["execution", "accounts"])
def test_every_column_of_quality_can_be_sorted_by(panel: str) -> None:
    feed = shown(FakeLink().live(), executed(), bot("b"), accounts=[account(), account("b", equity=-5.0)])
    for column, _, sort, _ in parts(feed)[panel]["columns"]:
        for order_ in (sort, f"-{sort}") if sort else ():
            chosen = parts(feed, bots_quality=order_, bot_accounts=order_)[panel]
            assert len(chosen["rows"]) == 2
            marked = [each[0] for each in chosen["columns"] if each[3]]
            assert marked == [column]


def test_an_order_whose_events_have_not_come_or_that_nobody_knows_says_so() -> None:
    feed = shown(FakeLink().live(), bot(), open_orders=[order()])
    assert "within some seconds" in parts(feed, bot_order="bot-1\to-1")["life"]["empty"]
    assert "No order of bot-1" in parts(feed, bot_order="bot-1\tnone")["life"]["empty"]
    assert "life" not in parts(feed)
    assert "life" not in parts(feed, bot_order="nonsense")


def test_an_order_that_is_looked_at_stays_when_others_have_pushed_it_off_the_list() -> None:
    feed = shown(FakeLink().live(), bot(), open_orders=[order()], lives=[life("o-1", moment("submit"))])
    shown(feed, bot(), ended_orders=[order("o-1", state="filled")])
    for number in range(3):
        shown(feed, bot(), ended_orders=[order(f"n-{number}-{i}", state="filled") for i in range(100)])
    assert len(parts(feed, bot_order="bot-1\to-1")["life"]["rows"]) == 1
    assert names(parts(feed, bot_orders_find="o-1")["orders"]) == ["o-1"]
    for number in range(MAX_ORDERS // 100):
        shown(feed, bot(), ended_orders=[order(f"m-{number}-{i}", state="filled") for i in range(100)])
    assert len(feed.view.bot_history.orders) == MAX_ORDERS
    assert "No order of" in parts(feed, bot_order="bot-1\to-1")["life"]["empty"]


def test_the_course_is_of_five_minutes_and_begins_anew_when_the_clock_is_set_back() -> None:
    feed = FakeLink().live()
    for second in range(0, 600, 5):
        money = [bot().money[0].model_copy(update={"realised": float(second)})]
        shown(feed, bot(money=money), at_ns=NOW_NS + second * S_NS)
    (course,) = feed.view.bot_history.profits.values()
    assert len(course) == 61
    assert len(cell(parts(feed)["bots"], "Course")[0]) == 16
    shown(feed, bot(), at_ns=NOW_NS - 3_600 * S_NS)
    (course,) = feed.view.bot_history.profits.values()
    assert len(course) == 1


def test_a_course_of_any_numbers_is_drawn() -> None:
    assert spark([-1.7e308, 1.7e308]) == "▁█"
    assert spark([1e-320, 2e-320])[-1] == "█"


def test_a_bot_that_is_gone_leaves_no_course() -> None:
    feed = shown(shown(FakeLink().live(), bot()), bot("bot-2"))
    assert [name.source for name in feed.view.bot_history.profits] == ["bot-2"]
