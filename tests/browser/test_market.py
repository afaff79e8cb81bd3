"""Market: it moves by itself, and it is the same for everybody."""

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Watch, open_trade, visitor
from tests.helpers.desk import Desk
from tests.helpers.services import eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def card(page: Page, label: str) -> Locator:
    """One number with its label."""
    return page.get_by_role("group", name=label)


def _value(page: Page, label: str) -> str:
    return card(page, label).locator(".tt-value").inner_text()


def test_prices_move_without_a_reload(page: Page) -> None:
    page.evaluate("window.notReloaded = true")
    for _ in range(3):
        before = _value(page, "Last price")
        expect(card(page, "Last price")).not_to_contain_text(before)
    assert page.evaluate("window.notReloaded")


def test_the_chart_is_painted_and_never_blank_between_frames(page: Page) -> None:
    chart = page.get_by_role("img", name="BTC-USD: candles")
    chart.wait_for()
    painted = """canvas => {
        const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        let n = 0; for (let i = 3; i < data.length; i += 4) n += data[i] > 0; return n; }"""
    eventually(lambda: chart.evaluate(painted) > 500, what="the first candles")
    samples = [chart.evaluate(painted) for _ in range(30)]
    assert min(samples) > 500


def test_the_tape_shows_times_sides_and_sources(page: Page) -> None:
    tape = page.get_by_role("table", name="Tape")
    expect(tape.get_by_role("row").nth(1)).to_contain_text("sim")
    # More trades at once than a snapshot holds leave a row that says how many: it has no side.
    rows = [row for row in tape.inner_text().splitlines()[1:] if "\t" in row and "not shown" not in row]
    sides = {row.split("\t")[1] for row in rows}
    assert sides
    assert sides <= {"▲ Buy", "▼ Sell"}


def test_another_window_changes_what_the_numbers_are_over(page: Page) -> None:
    page.get_by_role("tab", name="5m").click()
    expect(card(page, "VWAP 5m")).to_be_visible()
    expect(page.get_by_text("last 5 min, 1 s a bar")).to_be_visible()


def test_another_symbol_is_chosen_and_kept_while_another_page_is_looked_at(page: Page) -> None:
    page.get_by_role("combobox", name="Symbol").click()
    page.get_by_role("option", name="ETH-USD").click()
    expect(page.get_by_role("heading", name="ETH-USD price")).to_be_visible()
    open_trade(page)
    page.get_by_role("link", name="Market").first.click()
    expect(page.get_by_role("heading", name="ETH-USD price")).to_be_visible()


def test_two_sessions_see_the_same(desk: Desk, browser: Browser, watch: Watch, page: Page) -> None:
    """A trade of a symbol of its own has one price, and both show it as their last one."""
    desk.send_trade("SAME-USD", 123.25)
    with visitor(browser, desk, watch, "light") as other:
        for each in (page, other):
            row = each.get_by_role("table", name="All symbols").get_by_role("row").filter(has_text="SAME-USD")
            expect(row).to_contain_text("123.250")
            expect(each.get_by_text("Live", exact=True)).to_be_visible()
