"""What is typed on the ticket is what is sent, once: numbers, prices, sizes, symbols, tabs."""

from itertools import cycle

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Watch, open_trade, visitor, wait_for_ticket
from tests.browser.ticket import (
    answer,
    by_enter,
    by_mouse,
    by_shortcut,
    choose,
    expect_sent,
    forget_404,
    newest,
    notice,
    quantities,
    sent,
    ticket,
    type_into,
)
from tests.helpers.desk import Desk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def desk(quick_desk: Desk) -> Desk:
    return quick_desk


OLD_S = 35.0
"""Older than is traded on without asking (30 s), and young enough for the desk to fill at (60 s)."""


def test_fifty_orders_typed_are_the_fifty_orders_sent(desk: Desk, trade_page: Page) -> None:
    before = sent(desk)
    typed = [f"0.{i:04d}" for i in range(1011, 1061)]
    ways = cycle((by_mouse, by_enter, by_shortcut))
    for at, text in enumerate(typed, start=1):
        type_into(trade_page, "Quantity", text.replace(".", ",") if at % 2 else text)
        next(ways)(trade_page)
        expect(answer(trade_page)).to_contain_text(f"BUY {text.rstrip('0')} BTC-USD applied")
        if at % 25 == 0:
            expect(newest(trade_page)).to_contain_text(text)
            assert quantities(trade_page, 25) == typed[at - 25 : at]
    expect_sent(desk, before + 50)


def test_an_empty_or_nonsensical_quantity_sends_nothing_and_leads_to_the_field(desk: Desk, trade_page: Page) -> None:
    before = sent(desk)
    for text in ("", "abc", "   "):
        type_into(trade_page, "Quantity", "2")
        expect(notice(trade_page)).to_be_hidden()
        trade_page.keyboard.press("Control+a")
        trade_page.keyboard.press("Delete")
        trade_page.keyboard.type(text)
        for send in (by_shortcut, by_mouse):
            send(trade_page)
            expect(notice(trade_page)).to_contain_text("uantity")
            expect(trade_page.get_by_role("textbox", name="Quantity")).to_be_focused()
    assert sent(desk) == before


def test_the_ticket_opens_without_a_quantity(trade_page: Page) -> None:
    expect(trade_page.get_by_role("textbox", name="Quantity")).to_have_value("")


@pytest.mark.parametrize("locale", ["en-US", "de-DE"])
def test_a_comma_and_a_point_are_one_number_in_every_browser_and_nonsense_is_refused(
    desk: Desk, browser: Browser, watch: Watch, locale: str
) -> None:
    with visitor(browser, desk, watch, at="trade", locale=locale) as page:
        wait_for_ticket(page)
        assert page.evaluate("navigator.language") == locale
        before = sent(desk)
        # Each is another one than the one before: the same one at once would be a double press, and have its answer.
        for orders, (text, qty) in enumerate((("0,5", 0.5), ("0.6", 0.6), (",5", 0.5), (" 0,60 ", 0.6)), start=1):
            type_into(page, "Quantity", text)
            by_shortcut(page)
            expect(answer(page)).to_contain_text(f"BUY {qty} BTC-USD applied")
            expect(newest(page)).to_contain_text(f"{qty:.4f}")
            expect_sent(desk, before + orders)
        before = sent(desk)
        for text in ("1e5", "1.000,5", "1,000.5", "1 000", "1'000", "1,500", "-1", "0", "5.", "٣"):
            type_into(page, "Quantity", text)
            by_shortcut(page)
            expect(notice(page)).to_contain_text(f"Quantity “{text}”")
        assert sent(desk) == before


def test_a_price_with_a_comma_is_that_price(desk: Desk, trade_page: Page) -> None:
    desk.send_trade("COMMA-USD", 150.0)
    choose(trade_page, "COMMA-USD")
    type_into(trade_page, "Quantity", "1")
    type_into(trade_page, "Limit price", "149,95")
    by_shortcut(trade_page)
    expect(answer(trade_page)).to_contain_text("BUY 1 COMMA-USD at 149.95 rests at 149.950")
    trade_page.get_by_role("button", name="Cancel buy 1 COMMA-USD at 149.95").click()
    expect(newest(trade_page)).to_contain_text("Cancel ")


def test_an_order_on_an_old_price_is_asked_about_with_the_price_and_its_age(desk: Desk, trade_page: Page) -> None:
    desk.send_trade("OLD-USD", 100.0, age_s=OLD_S)
    choose(trade_page, "OLD-USD")
    type_into(trade_page, "Quantity", "1")
    expect(ticket(trade_page)).to_contain_text(" s old")
    before = sent(desk)
    by_shortcut(trade_page)
    dialog = trade_page.get_by_role("alertdialog", name="Send this order?")
    expect(dialog).to_contain_text("A market order fills at it all the same.")
    trade_page.keyboard.press("Escape")
    assert sent(desk) == before
    by_shortcut(trade_page)
    dialog.get_by_role("button", name="Send order").click()
    expect(answer(trade_page)).to_contain_text("BUY 1 OLD-USD applied")


def test_a_size_in_quote_currency_is_shown_in_base_and_sent_as_shown(desk: Desk, trade_page: Page) -> None:
    desk.send_trade("QUOTE-USD", 250.0)
    choose(trade_page, "QUOTE-USD")
    ticket(trade_page).get_by_role("button", name="USD", exact=True).click()
    ticket(trade_page).get_by_role("button", name="1,000", exact=True).click()
    expect(ticket(trade_page)).to_contain_text("= 4 QUOTE, worth about 1,000.00 USD")
    by_mouse(trade_page)
    expect(answer(trade_page)).to_contain_text("BUY 4 QUOTE-USD applied")


def test_close_reverse_and_flatten_leave_exactly_what_they_say(desk: Desk, trade_page: Page) -> None:
    desk.send_trade("HELD-USD", 100.0)
    choose(trade_page, "HELD-USD")
    shown = ticket(trade_page)
    type_into(trade_page, "Quantity", "0.3")
    by_mouse(trade_page)
    expect(shown).to_contain_text("Position 0.3 HELD")
    shown.get_by_role("button", name="Reverse").click()
    trade_page.get_by_role("alertdialog").get_by_role("button", name="Send order").click()
    expect(shown).to_contain_text("Position -0.3 HELD")
    shown.get_by_role("button", name="Close").click()
    expect(shown).to_contain_text("No position")
    by_mouse(trade_page)
    expect(shown).to_contain_text("Position 0.3 HELD")
    shown.get_by_role("button", name="Flatten all").click()
    trade_page.get_by_role("alertdialog").get_by_role("button", name="Send").click()
    expect(shown).to_contain_text("No position")
    expect(shown.get_by_role("button", name="Flatten all")).to_be_disabled()


def test_quantities_belong_to_their_symbol_and_survive_page_and_reload(watch: Watch, trade_page: Page) -> None:
    field = trade_page.get_by_role("textbox", name="Quantity")
    type_into(trade_page, "Quantity", "0.31")
    choose(trade_page, "ETH-USD")
    expect(field).to_have_value("")
    type_into(trade_page, "Quantity", "1,5")
    choose(trade_page, "BTC-USD")
    expect(field).to_have_value("0.31")
    trade_page.get_by_role("link", name="Pipeline").click()
    trade_page.get_by_role("table", name="Ledger").wait_for()
    open_trade(trade_page)
    expect(field).to_have_value("0.31")
    trade_page.reload()
    expect(field).to_have_value("0.31")
    forget_404(watch)


def test_a_symbol_can_be_chosen_again_and_again_and_is_the_one_that_is_sent(desk: Desk, trade_page: Page) -> None:
    for symbol in ("ETH-USD", "SOL-USD", "BTC-USD", "SOL-USD", "ETH-USD", "BTC-USD"):
        choose(trade_page, symbol)
        type_into(trade_page, "Quantity", "0.01")
        by_shortcut(trade_page)
        expect(answer(trade_page)).to_contain_text(f"BUY 0.01 {symbol} applied")
    assert desk.page_pid()


def test_a_symbol_that_is_half_typed_is_not_sent(desk: Desk, trade_page: Page) -> None:
    type_into(trade_page, "Quantity", "0.01")
    before = sent(desk)
    field = trade_page.get_by_role("combobox", name="Symbol")
    field.click()
    trade_page.keyboard.type("ET")
    by_shortcut(trade_page)
    expect(notice(trade_page)).to_contain_text("Choose a symbol")
    trade_page.keyboard.press("Escape")
    expect(field).to_have_value("BTC-USD")
    assert sent(desk) == before


def test_two_tabs_send_their_own_orders_and_show_one_blotter(desk: Desk, browser: Browser, watch: Watch) -> None:
    before = sent(desk)
    with visitor(browser, desk, watch, at="trade") as first:
        second = first.context.new_page()
        second.goto(first.url)
        for page in (first, second):
            wait_for_ticket(page)
        for page, text in ((first, "0.0611"), (second, "0.0622"), (first, "0.0633")):
            type_into(page, "Quantity", text)
            by_shortcut(page)
            expect(answer(page)).to_contain_text(f"BUY {text} BTC-USD applied")
        for page in (first, second):
            expect(newest(page)).to_contain_text("0.0633")
            assert quantities(page, 3) == ["0.0611", "0.0622", "0.0633"]
    assert sent(desk) == before + 3
