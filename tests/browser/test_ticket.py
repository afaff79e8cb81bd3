"""The ticket in hard cases: what is typed is what is sent, once, through keys, locales, tabs, reloads and deaths."""

import os
import re
import signal
import statistics
from collections.abc import Iterator
from itertools import cycle

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Watch, figure, open_trade, visitor
from tests.browser.screen import over_redraws, p95, slowness
from tests.browser.test_trade import answer, by_enter, by_mouse, by_shortcut, choose, newest, notice, ticket, type_into
from tests.helpers.desk import Desk
from tests.helpers.services import eventually, stopped

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

OLD_S = 35.0
"""Older than is traded on without asking (30 s), and young enough for the desk to fill at (60 s)."""
TWICE_MS = 350
"""After this long the same press is another order."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk that takes orders as fast as a test types them."""
    with Desk(
        tmp_path_factory.mktemp("ticket"),
        feeds="sim://BTC-USD,ETH-USD,SOL-USD?rate=40&seed=7",
        INGEST_DESK_MAX_COMMANDS_PER_S="1000",
    ) as desk:
        yield desk.start()


def sent(desk: Desk) -> float:
    return desk.ui.metrics().value("telemetry_ui_commands_total", status="sent")


def expect_sent(desk: Desk, count: float) -> None:
    """That many orders have been sent in all, and no more."""
    eventually(lambda: sent(desk) >= count, what=f"order {count:.0f}")
    assert sent(desk) == count


def forget_404(watch: Watch) -> None:
    """Opened under a page's own address, Streamlit looks for its server below that address first."""
    watch.errors[:] = [text for text in watch.errors if "404" not in text]


def quantities(page: Page, count: int) -> list[str]:
    """The quantities of the newest orders in the blotter, oldest first."""
    rows = page.get_by_role("table", name="Blotter").get_by_role("row")
    return [rows.nth(1 + place).get_by_role("cell").nth(2).inner_text() for place in reversed(range(count))]


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
    with visitor(browser, desk, watch, locale=locale) as page:
        open_trade(page)
        assert page.evaluate("navigator.language") == locale
        before = sent(desk)
        for orders, text in enumerate(("0,5", "0.5", ",5", " 0,50 "), start=1):
            type_into(page, "Quantity", text)
            by_shortcut(page)
            expect_sent(desk, before + orders)  # what is said of it is what was said of the one before
            expect(answer(page)).to_contain_text("BUY 0.5 BTC-USD applied")
            expect(newest(page)).to_contain_text("0.5000")
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


def test_the_same_press_twice_at_once_is_one_order_and_another_one_is_not_held_up(desk: Desk, trade_page: Page) -> None:
    type_into(trade_page, "Quantity", "0.0714")
    trade_page.get_by_role("button", name="Buy").focus()
    for key in ("Enter", "Alt+b"):
        before = sent(desk)
        trade_page.keyboard.press(key)
        trade_page.keyboard.press(key)
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


def test_enter_in_a_field_sends_nothing(desk: Desk, trade_page: Page) -> None:
    before = sent(desk)
    type_into(trade_page, "Quantity", "0.0712")
    trade_page.keyboard.press("Enter")
    by_shortcut(trade_page)
    expect(answer(trade_page)).to_contain_text("applied")
    assert sent(desk) == before + 1


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
    with visitor(browser, desk, watch) as first:
        second = first.context.new_page()
        second.goto(first.url)
        for page in (first, second):
            open_trade(page)
        for page, text in ((first, "0.0611"), (second, "0.0622"), (first, "0.0633")):
            type_into(page, "Quantity", text)
            by_shortcut(page)
            expect(answer(page)).to_contain_text(f"BUY {text} BTC-USD applied")
        for page in (first, second):
            expect(newest(page)).to_contain_text("0.0633")
            assert quantities(page, 3) == ["0.0611", "0.0622", "0.0633"]
    assert sent(desk) == before + 3


def test_an_order_that_was_unanswered_at_a_reload_gets_its_answer_and_is_not_sent_again(
    desk: Desk, watch: Watch, trade_page: Page
) -> None:
    type_into(trade_page, "Quantity", "0.0411")
    before = sent(desk)
    with stopped(desk.ingest.process.pid):
        by_shortcut(trade_page)
        expect(answer(trade_page)).to_contain_text("BUY 0.0411 BTC-USD")
        eventually(lambda: sent(desk) == before + 1, what="the order")
        trade_page.reload()
        expect(answer(trade_page)).to_contain_text("BUY 0.0411 BTC-USD no answer")
    expect(answer(trade_page)).to_contain_text("BUY 0.0411 BTC-USD applied")
    assert sent(desk) == before + 1
    forget_404(watch)


def wait_for_new_child(desk: Desk, before: int) -> None:
    eventually(lambda: any(pid != before for pid in desk.page_pids()), what="a new page process")


def test_an_order_pressed_while_the_server_is_dead_is_not_sent_late_and_the_ticket_says_what_it_knows(
    desk: Desk, watch: Watch, trade_page: Page
) -> None:
    type_into(trade_page, "Quantity", "0.0511")
    before, child = sent(desk), desk.page_pid()
    with stopped(desk.ui.process.pid):  # which would start a new one within the two seconds of patience
        os.kill(child, signal.SIGKILL)
        by_shortcut(trade_page)
        expect(answer(trade_page)).to_contain_text("BUY 0.0511 BTC-USD no answer yet. It may or may not have been sent")
        expect(notice(trade_page)).to_contain_text("this ticket does not know what is going on")
    wait_for_new_child(desk, child)
    expect(answer(trade_page)).to_contain_text("was not sent: it never arrived. Nothing was traded.", timeout=60_000)
    expect(trade_page.get_by_role("textbox", name="Quantity")).to_have_value("0.0511")
    assert sent(desk) == before
    by_shortcut(trade_page)
    expect(answer(trade_page)).to_contain_text("BUY 0.0511 BTC-USD applied")
    assert sent(desk) == before + 1
    watch.errors.clear()  # the browser says that the connection broke, and it did


def test_an_order_whose_server_dies_before_the_answer_is_answered_by_the_next_one(
    desk: Desk, watch: Watch, trade_page: Page
) -> None:
    type_into(trade_page, "Quantity", "0.0522")
    before, child = sent(desk), desk.page_pid()
    with stopped(desk.ingest.process.pid):
        by_shortcut(trade_page)
        eventually(lambda: sent(desk) == before + 1, what="the order")
        os.kill(child, signal.SIGKILL)
    wait_for_new_child(desk, child)
    expect(answer(trade_page)).to_contain_text("BUY 0.0522 BTC-USD applied", timeout=60_000)
    assert sent(desk) == before + 1
    watch.errors.clear()


def test_a_server_that_hangs_is_shown_and_what_was_pressed_meanwhile_is_not_sent_when_it_goes_on(
    desk: Desk, trade_page: Page
) -> None:
    type_into(trade_page, "Quantity", "0.0533")
    before = sent(desk)
    with stopped(desk.page_pid()):
        by_shortcut(trade_page)
        expect(answer(trade_page)).to_contain_text("may or may not have been sent")
        expect(notice(trade_page)).to_contain_text("this ticket does not know what is going on")
        by_shortcut(trade_page)
        expect(notice(trade_page)).to_contain_text("Not sent: the page's server has not answered")
        trade_page.wait_for_timeout(1_500)
    expect(answer(trade_page)).to_contain_text("was not sent")
    assert sent(desk) == before


def test_without_ingest_the_ticket_says_so_before_and_after_the_press(desk: Desk, trade_page: Page) -> None:
    type_into(trade_page, "Quantity", "0.0544")
    desk.ingest.stop()
    try:
        expect(notice(trade_page)).to_contain_text("Ingest is away")
        by_shortcut(trade_page)
        expect(answer(trade_page)).to_contain_text("refused. Not sent: ingest is away")
    finally:
        desk.ingest.start().wait_ready()
    # The notice goes once the ingest that is back has reported, and has a price of the symbol.
    expect(notice(trade_page)).to_be_hidden()
    by_shortcut(trade_page)
    expect(answer(trade_page)).to_contain_text("BUY 0.0544 BTC-USD applied")


CLICK_TO_ANSWER = """button => new Promise(done => {
    const answers = button.getRootNode().querySelector('.answers');
    const before = answers.firstElementChild?.dataset.order;
    const began = performance.now();
    button.click();
    const look = () => {
        const first = answers.firstElementChild;
        const isThere = first && first.dataset.order !== before && first.textContent.includes(' applied ');
        if (isThere || performance.now() - began > 8000) done(performance.now() - began);
        else requestAnimationFrame(look);
    };
    look();
})"""


def test_an_answer_is_on_the_screen_soon_after_the_click(trade_page: Page) -> None:
    # The better of two: what is promised is what the page does, not what the machine does besides.
    slow = slowness(trade_page)
    medians = []
    for run in range(2):
        took_ms = [_click_to_answer_ms(trade_page, f"0.0{800 + run * 30 + i}") for i in range(20)]
        medians.append(statistics.median(took_ms))
        figure(f"click to visible answer: median {medians[-1]:.0f} ms, p95 {p95(took_ms):.0f} ms, n {len(took_ms)}, "
               f"slowness {slow:.1f}")  # fmt: skip
        if medians[0] < 120 * slow:
            break
    assert min(medians) < 120 * slow


def _click_to_answer_ms(page: Page, text: str) -> float:
    type_into(page, "Quantity", text)
    page.wait_for_timeout(130)  # at another phase of the page's own redraws each time, however long the rest takes
    took_ms: float = page.get_by_role("button", name="Buy").evaluate(CLICK_TO_ANSWER)
    return took_ms


def kill_switch(page: Page) -> Locator:
    return page.get_by_role("region", name="Kill switch")


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


def test_the_kill_switch_is_on_every_page_with_a_key_that_never_releases(desk: Desk, page: Page) -> None:
    for name in ("Trade", "Bots", "Studies", "Pipeline", "Market"):
        page.get_by_role("link", name=name).click()
        _engage_and_release(page)
    assert desk.page_pid()


def _engage_and_release(page: Page) -> None:
    engage = kill_switch(page).get_by_role("button", name="Engage kill switch")
    release = kill_switch(page).get_by_role("button", name="Release kill switch")
    expect(engage).to_be_in_viewport()
    page.keyboard.press("Alt+k")
    try:
        expect(release).to_be_visible()
        expect(kill_switch(page).get_by_role("status")).to_have_text("Engaged: every order is refused")
        page.keyboard.press("Alt+k")
        over_redraws(page)
        expect(release).to_be_visible()
        release.click()
        page.keyboard.press("Escape")
        expect(release).to_be_visible()
    finally:
        release.click()
        page.get_by_role("alertdialog").get_by_role("button", name="Release", exact=True).click()
    expect(engage).to_be_visible()
    expect(kill_switch(page).get_by_role("status")).to_be_hidden()


def test_the_kill_switch_shows_what_another_session_did(
    desk: Desk, browser: Browser, watch: Watch, trade_page: Page
) -> None:
    with visitor(browser, desk, watch) as other:
        kill_switch(other).get_by_role("button", name="Engage kill switch").click()
        here = kill_switch(trade_page)
        expect(here.get_by_role("status")).to_have_text("Engaged: every order is refused")
        kill_switch(other).get_by_role("button", name="Release kill switch").click()
        other.get_by_role("alertdialog").get_by_role("button", name="Release", exact=True).click()
        expect(here.get_by_role("button", name="Engage kill switch")).to_be_visible()
        expect(here.get_by_role("status")).to_be_hidden()
