"""What is chosen is what is shown: however often, on whatever page, and whatever happens in between."""

import os
import signal
from collections.abc import Callable
from urllib.parse import parse_qs, urlparse

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Watch, address, open_trade, visitor
from tests.browser.screen import over_redraws
from tests.browser.test_market import card
from tests.helpers.desk import Desk
from tests.helpers.services import eventually, stopped

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def choose_symbol(page: Page, symbol: str) -> None:
    """Chooses on the select of the Market page."""
    page.get_by_role("combobox", name="Symbol").click()
    page.get_by_role("option", name=symbol, exact=True).click()


def expect_shown(page: Page, symbol: str) -> None:
    """The select, the chart, the tape, the marked row and the address agree."""
    expect(page.get_by_role("heading", name=f"{symbol} price")).to_be_visible()
    expect(page.get_by_role("combobox", name="Symbol")).to_contain_text(symbol)
    expect(page.locator(".tt-panel-tape .tt-sub")).to_contain_text(symbol)
    expect(page.locator("table[aria-label='All symbols'] tr.tt-marked")).to_contain_text(symbol)
    eventually(lambda: parse_qs(urlparse(address(page)).query).get("symbol") == [symbol], what="the address")


def test_every_one_of_six_choices_in_a_row_is_kept(page: Page) -> None:
    for symbol in ("ETH-USD", "SOL-USD", "BTC-USD", "SOL-USD", "ETH-USD", "BTC-USD"):
        choose_symbol(page, symbol)
        expect_shown(page, symbol)
        over_redraws(page)  # it must not snap back
        expect_shown(page, symbol)


def test_every_one_of_six_windows_in_a_row_is_kept(page: Page) -> None:
    for window in ("5m", "1h", "10s", "1m", "1h", "5m"):
        page.get_by_role("tab", name=window).click()
        expect(card(page, f"VWAP {window}")).to_be_visible()
        over_redraws(page)
        expect(card(page, f"VWAP {window}")).to_be_visible()
        expect(page.get_by_role("tab", name=window)).to_have_attribute("aria-selected", "true")


def test_a_click_on_a_row_chooses_the_symbol_for_chart_and_ticket(page: Page) -> None:
    row = page.get_by_role("table", name="All symbols").get_by_role("row").filter(has_text="SOL-USD")
    row.get_by_role("cell").nth(1).click()
    expect_shown(page, "SOL-USD")
    choose_symbol(page, "ETH-USD")
    expect_shown(page, "ETH-USD")
    open_trade(page)
    expect(page.get_by_role("combobox", name="Symbol")).to_have_value("ETH-USD")
    page.get_by_role("table", name="Quotes").get_by_role("row").filter(has_text="SOL-USD").click()
    expect(page.get_by_role("combobox", name="Symbol")).to_have_value("SOL-USD")
    page.get_by_role("link", name="Market").first.click()
    expect_shown(page, "SOL-USD")


def test_the_choice_survives_a_reload_and_can_be_sent_to_somebody_else(page: Page) -> None:
    choose_symbol(page, "SOL-USD")
    page.get_by_role("tab", name="5m").click()
    expect_shown(page, "SOL-USD")
    expect(card(page, "VWAP 5m")).to_be_visible()
    eventually(lambda: "window=5m" in address(page), what="the window in the address")
    page.reload()
    expect_shown(page, "SOL-USD")
    expect(card(page, "VWAP 5m")).to_be_visible()


def test_who_goes_back_at_once_sees_what_was_chosen_before(page: Page) -> None:
    for symbol in ("ETH-USD", "SOL-USD"):
        choose_symbol(page, symbol)
        expect_shown(page, symbol)
    page.go_back()
    expect_shown(page, "ETH-USD")
    page.go_back()
    expect_shown(page, "BTC-USD")
    page.go_forward()
    expect_shown(page, "ETH-USD")


def test_who_came_without_a_choice_can_go_back_to_where_he_came_from(desk: Desk, page: Page) -> None:
    came_from = f"{desk.page_url}/pipeline?symbol=SOL-USD&window=5m"
    for path in ("pipeline?symbol=SOL-USD&window=5m", "trade"):
        page.goto(f"{desk.page_url}/{path}")
        page.locator(".tt-board").wait_for()
    eventually(lambda: "symbol=" in address(page), what="the symbol in the address")
    page.go_back()
    eventually(lambda: address(page) == f"{desk.page_url}/trade", what="the address without a symbol")
    over_redraws(page)  # which must not write it again
    page.go_back()
    page.get_by_role("table", name="Ledger").wait_for()
    assert address(page) == came_from


def test_the_choice_survives_a_killed_page_process(desk: Desk, watch: Watch, page: Page) -> None:
    choose_symbol(page, "SOL-USD")
    expect_shown(page, "SOL-USD")
    _lose_session(desk, page)
    expect_shown(page, "SOL-USD")
    choose_symbol(page, "ETH-USD")
    expect_shown(page, "ETH-USD")
    watch.errors.clear()  # the browser says that the connection broke, and it did


def test_a_choice_made_while_the_page_process_is_dead_is_shown_nowhere_or_everywhere(
    desk: Desk, watch: Watch, page: Page
) -> None:
    choose_symbol(page, "SOL-USD")
    expect_shown(page, "SOL-USD")
    _lose_session(desk, page, meanwhile=lambda: choose_symbol(page, "ETH-USD"))
    expect_shown(page, "SOL-USD")
    watch.errors.clear()


def _lose_session(desk: Desk, page: Page, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Kills the page's process, and returns when the next one has drawn."""
    before, board = desk.page_pid(), page.locator(".tt-board")
    with stopped(
        desk.ui.process.pid
    ):  # which would start the next one while the browser is still busy with `meanwhile`
        os.kill(before, signal.SIGKILL)
        meanwhile()
        drawn = board.get_attribute("data-snapshot-ms")
    expect(board).not_to_have_attribute("data-snapshot-ms", str(drawn), timeout=60_000)
    eventually(lambda: any(pid != before for pid in desk.page_pids()), what="a new page process")


def test_the_market_has_an_address_of_its_own(desk: Desk, page: Page) -> None:
    page.goto(f"{desk.page_url}/market?symbol=ETH-USD")
    expect_shown(page, "ETH-USD")
    expect(page.get_by_text("Page not found")).to_have_count(0)


def test_rows_are_found_sorted_and_pinned(page: Page) -> None:
    table = page.get_by_role("table", name="All symbols")
    rows = table.locator("tbody tr")
    table.get_by_role("button", name="Pin SOL-USD").click()
    expect(rows.first).to_contain_text("SOL-USD")
    table.get_by_role("button", name="Symbol", exact=False).first.click()
    expect(page.get_by_role("columnheader", name="Symbol")).to_have_attribute("aria-sort", "descending")
    page.get_by_role("searchbox", name="Search symbols").fill("eth")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("ETH-USD")
    page.reload()
    expect(page.get_by_role("searchbox", name="Search symbols")).to_have_value("eth")
    page.get_by_role("searchbox", name="Search symbols").fill("")
    expect(rows.first).to_contain_text("SOL-USD")


def test_times_can_be_local(desk: Desk, browser: Browser, watch: Watch) -> None:
    with visitor(browser, desk, watch, zone="Europe/Berlin") as page:
        sub = page.locator(".tt-panel-tape .tt-sub")
        expect(sub).to_have_text("BTC-USD, UTC")
        page.get_by_role("tab", name="Local").click()
        expect(sub).to_have_text("BTC-USD, Berlin")
        eventually(lambda: "zone=local" in address(page), what="the zone in the address")


def test_text_that_is_marked_in_a_moving_table_stays_marked(page: Page) -> None:
    cell = page.get_by_role("table", name="All symbols").get_by_role("button", name="ETH-USD", exact=True)
    cell.evaluate("node => getSelection().selectAllChildren(node)")
    over_redraws(page)
    assert page.evaluate("String(getSelection())") == "ETH-USD"
