"""Reloads, servers that die or hang, an ingest that is away: each order is sent once or never, as the ticket says."""

import os
import signal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watch
from tests.browser.ticket import (
    answer,
    by_shortcut,
    forget_404,
    notice,
    sent,
    type_into,
)
from tests.helpers.desk import Desk
from tests.helpers.services import eventually, stopped

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def desk(quick_desk: Desk) -> Desk:
    return quick_desk


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
