"""Going from page to page quickly, with clicks in between: no page stays empty, nothing complains."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.browser.conftest import Watch, open_trade, visitor
from tests.helpers.desk import Desk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

PAGES = ("Trade", "Studies", "Pipeline", "Market")
# A person who is quicker than the server: a click on a row some milliseconds before one on a page, or right after it.
GO = """async ([name, order]) => {
    const row = () => document.querySelector('.tt-board [data-act=pick], .tt-board [data-act=sort]')?.click();
    const links = [...document.querySelectorAll('[data-testid=stTopNavLink]')];
    const link = links.find(one => one.textContent.includes(name));
    if (order === 'row first') {
        row();
        await new Promise(done => setTimeout(done, 30));
    }
    link.click();
    if (order === 'page first') row();
}"""


def test_fifty_changes_of_page_with_clicks_on_rows_leave_no_page_empty(page: Page) -> None:
    for i in range(52):
        name = PAGES[i % len(PAGES)]
        page.evaluate(GO, [name, ("row first", "page first")[i // len(PAGES) % 2]])
        if i % 3 == 2:
            continue  # without waiting for the page
        expect(page.locator(f".tt-board[data-layout={name.lower()}] .tt-card").first, f"{name}, {i}").to_be_visible()
    open_trade(page)


def test_the_tab_names_the_page_and_the_keyboard_is_seen_on_the_links(page: Page) -> None:
    for name in PAGES:
        link = page.get_by_role("link", name=name).first
        link.focus()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Tab")
        expect(link).to_be_focused()
        expect(link).to_have_css("outline-style", "solid")
        page.keyboard.press("Enter")
        expect(page).to_have_title(f"{name} · Trading telemetry")
        expect(page.locator("link[rel='shortcut icon']")).to_have_attribute("href", re.compile("^data:image/png"))


def test_clicks_that_are_quicker_than_the_server_are_all_taken(page: Page) -> None:
    table = page.get_by_role("table", name="All symbols")
    pins = [table.get_by_role("button", name=f"Pin {symbol}") for symbol in ("BTC-USD", "ETH-USD", "SOL-USD")]
    for wanted in ("true", "false"):
        table.evaluate("table => table.querySelectorAll('.tt-pin').forEach(one => one.click())")
        for pin in pins:
            expect(pin).to_have_attribute("aria-pressed", wanted)


def test_a_board_keeps_its_zoom_focus_and_typed_text_when_clicks_meet_redraws(page: Page) -> None:
    chart = page.get_by_role("img", name="BTC-USD: candles")
    volume = page.get_by_role("button", name="Volume")
    chart.wait_for()
    volume.click()
    page.evaluate("document.querySelector('.tt-board').isTheSame = true")
    search = page.get_by_role("searchbox", name="Search symbols")
    search.focus()
    for i in range(40):
        page.evaluate("document.querySelector('.tt-board .tt-pin').click()")
        page.wait_for_timeout(30 + 47 * i % 300)  # each at another phase of the redraws
        expect(search).to_be_focused()
    assert page.evaluate("document.querySelector('.tt-board').isTheSame")
    expect(volume).to_have_attribute("aria-pressed", "false")


def test_no_message_stands_for_an_earlier_one_that_the_browser_may_have_dropped(
    browser: Browser, desk: Desk, watch: Watch
) -> None:
    kinds: list[str | None] = []

    def note(payload: str | bytes) -> None:
        assert isinstance(payload, bytes)
        kinds.append(ForwardMsg.FromString(payload).WhichOneof("type"))

    with visitor(browser, desk, watch, heard=note) as page:
        for name in PAGES * 2:
            page.get_by_role("link", name=name).first.click()
            expect(page.locator(f".tt-board[data-layout={name.lower()}] .tt-card").first).to_be_visible()
    assert "delta" in kinds
    assert "ref_hash" not in kinds
