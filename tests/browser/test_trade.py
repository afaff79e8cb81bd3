"""Trade: what is on the ticket is what is sent, by whichever way, and its outcome is shown."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Watch, visitor, wait_for_ticket
from tests.browser.screen import places
from tests.browser.ticket import (
    answer,
    by_enter,
    by_mouse,
    by_shortcut,
    choose,
    newest,
    notice,
    sent,
    ticket,
    type_into,
)
from tests.helpers.desk import Desk
from tests.helpers.services import eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def test_buy_is_applied_with_its_round_trip_and_counts_exactly_once_as_our_own_trade(
    desk: Desk, trade_page: Page
) -> None:
    desk.send_trade("ONCE-USD", 100.0)
    expect(trade_page.get_by_role("table", name="Quotes")).to_contain_text("ONCE-USD")
    assert desk.trades("ONCE-USD", "buy") == 0
    choose(trade_page, "ONCE-USD")
    type_into(trade_page, "Quantity", "0.25")
    by_mouse(trade_page)
    expect(answer(trade_page)).to_have_text(re.compile(r"BUY 0\.25 ONCE-USD applied at 100\.000 in \d+\.\d\d ms"))
    expect(newest(trade_page)).to_contain_text("applied")
    eventually(lambda: desk.trades("ONCE-USD", "buy") == 1, what="the order in the metrics")
    expect(trade_page.get_by_role("table", name="Positions")).to_contain_text("0.2500")
    trade_page.get_by_role("link", name="Market").first.click()
    expect(trade_page.get_by_role("heading", name="ONCE-USD price")).to_be_visible()
    trades = trade_page.get_by_role("table", name="Tape").locator("tbody tr")
    expect(trades).to_have_count(1)  # the market's: an own fill is a mark on the chart
    expect(trades).to_contain_text("loadtest-desk")
    assert desk.trades("ONCE-USD", "buy") == 1


def test_what_is_on_the_ticket_is_what_is_sent_by_whichever_way(trade_page: Page) -> None:
    ways = (by_mouse, by_enter, by_shortcut)
    for qty, send in zip(("0.0123", "0.0456", "0.0789", "0.0124", "0.0457", "0.0781"), ways * 2, strict=True):
        type_into(trade_page, "Quantity", qty)
        send(trade_page)
        expect(answer(trade_page)).to_contain_text(f"BUY {qty} BTC-USD applied")
        expect(newest(trade_page)).to_contain_text(qty)
        expect(newest(trade_page)).to_contain_text("market")


def test_the_ticket_shows_the_digits_that_it_sends(trade_page: Page) -> None:
    type_into(trade_page, "Quantity", "0.00001234")
    trade_page.keyboard.press("Tab")
    expect(trade_page.get_by_role("textbox", name="Quantity")).to_have_value("0.00001234")
    by_mouse(trade_page)
    expect(answer(trade_page)).to_contain_text("BUY 0.00001234 BTC-USD applied")
    expect(newest(trade_page)).to_contain_text("0.00001234")
    expect(trade_page.get_by_role("textbox", name="Quantity")).to_have_value("0.00001234")


def test_a_limit_order_fills_no_better_than_the_market_or_rests_until_it_is_cancelled_or_filled(
    desk: Desk, trade_page: Page
) -> None:
    desk.send_trade("LIMIT-USD", 100.0)
    choose(trade_page, "LIMIT-USD")
    type_into(trade_page, "Quantity", "2")
    type_into(trade_page, "Limit price", "98.5")
    expect(ticket(trade_page)).to_contain_text("1.5 % below the last price: a buy rests until a trade goes through it")
    trade_page.keyboard.press("Alt+s")
    expect(answer(trade_page)).to_contain_text("SELL 2 LIMIT-USD at 98.5 applied at 100.000")
    resting = trade_page.get_by_role("table", name="Open orders").locator("tbody tr")
    for qty in ("2", "3"):
        type_into(trade_page, "Quantity", qty)
        by_shortcut(trade_page)
        expect(answer(trade_page)).to_contain_text(f"BUY {qty} LIMIT-USD at 98.5 rests at 98.5000")
        expect(resting.first).to_contain_text(f"{qty}.0000–98.5")
    expect(resting).to_have_count(2)
    trade_page.get_by_role("button", name="Cancel buy 2 LIMIT-USD at 98.5").click()
    expect(resting).to_have_count(1)
    expect(newest(trade_page)).to_contain_text("Cancel ")
    desk.send_trade("LIMIT-USD", 98.0)
    expect(resting).to_have_count(0)
    bought = trade_page.get_by_role("table", name="Blotter").get_by_role("row").filter(has_text="LIMIT-USD")
    expect(bought.first).to_contain_text("applied")
    expect(bought.nth(1)).to_contain_text("cancelled")
    type_into(trade_page, "Limit price", "97.5")
    by_shortcut(trade_page)
    expect(resting).to_have_count(1)
    trade_page.get_by_role("button", name="Cancel all").click()
    expect(resting).to_have_count(0)


def test_bid_and_ask_are_on_the_ticket_and_say_when_they_are_old(desk: Desk, trade_page: Page) -> None:
    desk.send_trade("QUOTED-USD", 100.0)
    desk.send_quote("QUOTED-USD", 99.5, 100.5)
    choose(trade_page, "QUOTED-USD")
    expect(ticket(trade_page)).to_contain_text("Bid 99.5000 · Ask 100.500")
    quotes = trade_page.get_by_role("table", name="Quotes").get_by_role("row").filter(has_text="QUOTED-USD")
    expect(quotes).to_contain_text("99.500100.500")
    expect(ticket(trade_page)).to_contain_text(re.compile(r"Ask 100\.500 \(\d+\.\d s old\)"))


def test_a_double_click_is_one_order(desk: Desk, trade_page: Page) -> None:
    before = desk.ui.metrics().value("telemetry_ui_commands_total", status="sent")
    type_into(trade_page, "Quantity", "0.0789")
    trade_page.get_by_role("button", name="Buy").dblclick()
    expect(answer(trade_page)).to_contain_text("BUY 0.0789 BTC-USD applied")
    assert desk.ui.metrics().value("telemetry_ui_commands_total", status="sent") == before + 1


def test_an_answer_moves_nothing_under_the_mouse(trade_page: Page) -> None:
    buttons = [trade_page.get_by_role("button", name=name) for name in ("Buy", "Sell", "Engage kill switch")]
    fixed = [*buttons, trade_page.get_by_role("heading", name="Blotter"), trade_page.get_by_text("Gross exposure")]
    type_into(trade_page, "Quantity", "0.0191")
    before = places(fixed)
    assert len(before) == len(fixed)
    by_shortcut(trade_page)
    expect(answer(trade_page)).to_contain_text("BUY 0.0191 BTC-USD applied")
    expect(newest(trade_page)).to_contain_text("0.0191")
    assert places(fixed) == before
    expect(trade_page.get_by_test_id("stToast")).to_have_count(0)


def test_a_known_limit_is_said_before_anything_is_asked_or_sent(desk: Desk, trade_page: Page) -> None:
    before = sent(desk)
    choose(trade_page, "SOL-USD")
    type_into(trade_page, "Quantity", "100000")
    expect(notice(trade_page)).to_contain_text("Quantity 100,000 is above the limit of 100: send less.")
    by_mouse(trade_page)
    expect(trade_page.get_by_role("alertdialog")).to_have_count(0)
    assert sent(desk) == before


def test_a_large_order_asks_first_escape_sends_nothing_and_send_sends_one(desk: Desk, trade_page: Page) -> None:
    before = sent(desk)
    type_into(trade_page, "Quantity", "1.5")
    by_shortcut(trade_page)
    dialog = trade_page.get_by_role("alertdialog", name="Send this order?")
    expect(dialog).to_contain_text("BUY 1.5 BTC-USD at market")
    for keys in ("Alt+b", "Alt+s", "Alt+b"):
        trade_page.keyboard.press(keys)
    trade_page.keyboard.press("Escape")
    by_shortcut(trade_page)  # who said no may press again at once
    expect(dialog).to_contain_text("BUY 1.5 BTC-USD at market")
    trade_page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(trade_page.get_by_role("textbox", name="Quantity")).to_be_focused()
    by_shortcut(trade_page)
    trade_page.keyboard.press("Enter")  # on Cancel, which has the focus
    expect(dialog).to_be_hidden()
    assert sent(desk) == before
    by_shortcut(trade_page)
    dialog.get_by_role("button", name="Send order").click()
    expect(answer(trade_page)).to_contain_text("BUY 1.5 BTC-USD applied")
    assert sent(desk) == before + 1


@pytest.fixture
def killed_trading(trade_page: Page) -> Iterator[Page]:
    below = [trade_page.get_by_role("heading", name="Blotter")]
    before = places(below)
    trade_page.get_by_role("button", name="Engage kill switch").click()
    trade_page.get_by_role("button", name="Release kill switch").wait_for()
    expect(trade_page.locator("#tt-banner")).to_contain_text("The kill switch is engaged")
    try:
        assert places(below) == before, "the banner's line moved what is below it"
        yield trade_page
    finally:
        trade_page.get_by_role("button", name="Release kill switch").click()
        trade_page.get_by_role("alertdialog").get_by_role("button", name="Release", exact=True).click()
        trade_page.get_by_role("button", name="Engage kill switch").wait_for()


def test_the_kill_switch_refuses_everything_until_it_is_released(killed_trading: Page) -> None:
    page = killed_trading
    expect(page.get_by_role("status").filter(has_text="The kill switch is engaged")).to_be_visible()
    expect(notice(page)).to_contain_text("The kill switch is engaged: every order is refused.")
    for send, qty in ((by_mouse, "0.0171"), (by_shortcut, "0.0172")):
        type_into(page, "Quantity", qty)
        send(page)
        expect(newest(page)).to_contain_text(qty)
        expect(newest(page)).to_contain_text("refused")
        expect(answer(page)).to_contain_text("The kill switch is engaged: release it to trade.")


def test_two_sessions_share_one_blotter(desk: Desk, browser: Browser, watch: Watch, trade_page: Page) -> None:
    type_into(trade_page, "Quantity", "0.0321")
    by_mouse(trade_page)
    expect(answer(trade_page)).to_contain_text("applied")
    with visitor(browser, desk, watch, "light", at="trade") as other:
        wait_for_ticket(other)
        expect(newest(other)).to_contain_text("0.0321")
        for table in ("Blotter", "Positions"):
            rows = [each.get_by_role("table", name=table).get_by_role("row") for each in (trade_page, other)]
            eventually(lambda two=rows: two[0].count() == two[1].count(), what=f"as many rows of {table}")  # type: ignore[misc]  # bound now
        eventually(lambda: newest(other).inner_text() == newest(trade_page).inner_text(), what="the same order")
