"""Keys on the ticket: a press is one order, and one on a page that is being left is none."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import open_trade
from tests.browser.screen import over_redraws
from tests.browser.ticket import answer, by_mouse, by_shortcut, choose, expect_sent, notice, sent, ticket, type_into
from tests.helpers.desk import Desk
from tests.helpers.services import eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def desk(quick_desk: Desk) -> Desk:
    return quick_desk


def hold(page: Page, key: str) -> None:
    """Holds a key over redraws, as a keyboard does: the first event is a press, all others are repeats."""
    board = page.locator(".tt-board")
    seen = {board.get_attribute("data-snapshot-ms")}
    times = 0
    while times < 20 or len(seen) < 3:
        page.keyboard.down(key)
        page.wait_for_timeout(25)
        seen.add(board.get_attribute("data-snapshot-ms"))
        times += 1
    page.keyboard.up(key)


def test_a_held_key_is_one_order_and_the_next_press_another(desk: Desk, trade_page: Page) -> None:
    type_into(trade_page, "Quantity", "0.0711")
    before = sent(desk)
    for presses in (1, 2):
        trade_page.keyboard.down("Alt")
        hold(trade_page, "b")
        trade_page.keyboard.up("Alt")
        expect_sent(desk, before + presses)
        expect(answer(trade_page)).to_contain_text("applied")
    trade_page.get_by_role("button", name="Buy").focus()
    for key in ("Enter", " "):
        before = sent(desk)
        hold(trade_page, key)
        expect_sent(desk, before + 1)


TWICE_MS = 350
"""After this long the same press is another order."""


# Both at the same moment, however long the browser is busy with the first of them.
PRESS_TWICE = """() => {
    const make = kind => new KeyboardEvent(kind, { key: 'b', code: 'KeyB', altKey: true, cancelable: true });
    const presses = [0, 1].map(() => [make('keydown'), make('keyup')]);
    for (const events of presses) {
        for (const event of events) document.dispatchEvent(event);
        const began = performance.now();
        while (performance.now() - began < 500);
    }
}"""


def press_twice(page: Page) -> None:
    page.evaluate(PRESS_TWICE)


def click_twice(page: Page) -> None:
    """As Enter does on the button: without a number that says which click of a double click it is."""
    page.get_by_role("button", name="Buy").evaluate("button => { button.click(); button.click(); }")


def test_the_same_press_twice_at_once_is_one_order_and_another_one_is_not_held_up(desk: Desk, trade_page: Page) -> None:
    type_into(trade_page, "Quantity", "0.0714")
    for twice in (click_twice, press_twice):
        before = sent(desk)
        twice(trade_page)
        expect(notice(trade_page)).to_contain_text("Sent once")
        expect(answer(trade_page)).to_contain_text("BUY 0.0714 BTC-USD applied")
        assert sent(desk) == before + 1
        trade_page.wait_for_timeout(TWICE_MS)
    before = sent(desk)
    for key in ("Alt+b", "Alt+s", "Alt+b", "Alt+s"):
        trade_page.keyboard.press(key)
    eventually(lambda: sent(desk) == before + 4, what="two buys and two sells")


def test_a_position_that_is_closed_twice_at_once_is_closed_and_not_turned_round(desk: Desk, trade_page: Page) -> None:
    desk.send_trade("TWICE-USD", 100.0)
    choose(trade_page, "TWICE-USD")
    type_into(trade_page, "Quantity", "0.3")
    by_mouse(trade_page)
    expect(ticket(trade_page)).to_contain_text("Position 0.3 TWICE")
    before = sent(desk)
    ticket(trade_page).get_by_role("button", name="Close").evaluate("button => { button.click(); button.click(); }")
    expect(notice(trade_page)).to_contain_text("not changed yet")
    expect(ticket(trade_page)).to_contain_text("No position")
    assert sent(desk) == before + 1


CANCEL_AND_PRESS = """button => {
    button.click();
    for (const kind of ['keydown', 'keyup'])
        document.dispatchEvent(new KeyboardEvent(kind, { key: 'b', code: 'KeyB', altKey: true, cancelable: true }));
}"""


def test_a_press_right_after_a_question_is_not_lost_and_asks_again(desk: Desk, trade_page: Page) -> None:
    type_into(trade_page, "Quantity", "1.5")
    before = sent(desk)
    by_shortcut(trade_page)
    dialog = trade_page.get_by_role("alertdialog", name="Send this order?")
    for _ in range(2):
        dialog.get_by_role("button", name="Cancel").evaluate(CANCEL_AND_PRESS)
        expect(dialog).to_contain_text("BUY 1.5 BTC-USD at market")
        over_redraws(trade_page, 1)
        trade_page.keyboard.press("Alt+s")  # while it is asked, no key sends or asks anything
        expect(dialog).to_contain_text("BUY 1.5 BTC-USD at market")
    dialog.get_by_role("button", name="Send order").click()
    expect(answer(trade_page)).to_contain_text("BUY 1.5 BTC-USD applied")
    expect_sent(desk, before + 1)


def test_enter_in_a_field_sends_nothing(desk: Desk, trade_page: Page) -> None:
    before = sent(desk)
    type_into(trade_page, "Quantity", "0.0712")
    trade_page.keyboard.press("Enter")
    by_shortcut(trade_page)
    expect(answer(trade_page)).to_contain_text("applied")
    assert sent(desk) == before + 1


# Before the ticket can have heard of the click.
CLICK_ROW_AND_PRESS = """symbol => {
    const rows = [...document.querySelectorAll('table[aria-label=Quotes] tbody tr')];
    rows.find(one => one.textContent.includes(symbol)).querySelector('.tt-pick').click();
    return new Promise(done => setTimeout(() => {
        for (const kind of ['keydown', 'keyup'])
            document.dispatchEvent(new KeyboardEvent(kind, { key: 'b', code: 'KeyB', altKey: true, cancelable: true }));
        done();
    }, 10)); }"""


def test_an_order_for_the_symbol_on_the_ticket_does_not_undo_a_click_on_another_one(trade_page: Page) -> None:
    choose(trade_page, "ETH-USD")
    type_into(trade_page, "Quantity", "0.0123")
    trade_page.evaluate(CLICK_ROW_AND_PRESS, "SOL-USD")
    expect(answer(trade_page)).to_contain_text("BUY 0.0123 ETH-USD applied")
    expect(trade_page.get_by_role("combobox", name="Symbol")).to_have_value("SOL-USD")
    over_redraws(trade_page)
    expect(trade_page.get_by_role("combobox", name="Symbol")).to_have_value("SOL-USD")


# A press before anything of the next page is there.
LEAVE_AND_PRESS = """name => {
    const links = [...document.querySelectorAll('[data-testid=stTopNavLink]')];
    links.find(one => one.textContent.includes(name)).click();
    for (const kind of ['keydown', 'keyup'])
        document.dispatchEvent(new KeyboardEvent(kind, { key: 'b', code: 'KeyB', altKey: true, cancelable: true }));
}"""


def test_keys_pressed_while_another_page_is_opened_break_nothing(desk: Desk, trade_page: Page) -> None:
    type_into(trade_page, "Quantity", "0.0555")
    before = sent(desk)
    for name in ("Market", "Trade", "Pipeline", "Trade", "Market"):
        trade_page.evaluate(LEAVE_AND_PRESS, name)
        if name != "Trade":  # there it would be an order
            trade_page.keyboard.press("Alt+b")
        expect(trade_page).to_have_url(re.compile(name.lower() if name != "Market" else r":\d+/(market)?(\?|$)"))
        expect(trade_page.get_by_text("Live", exact=True)).to_be_visible()
    # Until the next page is drawn, the ticket of the page that goes is there, and sends nothing.
    expect(trade_page.locator(".tt-board[data-layout=market] .tt-card").first).to_be_visible()
    expect(ticket(trade_page)).to_have_count(0)
    open_trade(trade_page)
    by_shortcut(trade_page)
    expect(answer(trade_page)).to_contain_text("BUY 0.0555 BTC-USD applied")
    assert sent(desk) == before + 1


def test_a_key_that_is_let_go_on_another_page_counts_again_on_this_one(desk: Desk, trade_page: Page) -> None:
    type_into(trade_page, "Quantity", "0.0444")
    before = sent(desk)
    trade_page.keyboard.down("Alt")
    trade_page.keyboard.down("b")
    expect(answer(trade_page)).to_contain_text("BUY 0.0444 BTC-USD applied")
    trade_page.get_by_role("link", name="Market").first.evaluate("link => link.click()")
    expect(ticket(trade_page)).to_have_count(0)
    trade_page.keyboard.up("b")
    trade_page.keyboard.up("Alt")
    expect(trade_page.locator(".tt-board[data-layout=market] .tt-card").first).to_be_visible()
    open_trade(trade_page)
    by_shortcut(trade_page)
    eventually(lambda: sent(desk) == before + 2, what="the second press")
