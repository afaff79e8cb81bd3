"""The price chart: zoom, pan, crosshair, legend and full screen outlive redraws."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.helpers.desk import Desk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


@pytest.fixture
def chart(page: Page) -> Locator:
    found = page.get_by_role("img", name="BTC-USD: candles")
    found.wait_for()
    return found


def test_the_tooltip_stays_while_the_chart_is_redrawn(page: Page, chart: Locator) -> None:
    box = chart.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.4)
    tip = page.locator(".tt-panel-chart .tt-tip")
    expect(tip).to_contain_text("Close")
    for _ in range(5):
        page.wait_for_timeout(400)
        assert tip.is_visible()
    expect(tip).not_to_contain_text("−")  # what was sold is no negative number


def test_a_legend_click_is_not_undone_by_a_redraw(page: Page, chart: Locator) -> None:
    chart.wait_for()
    volume = page.get_by_role("button", name="Volume")
    volume.click()
    expect(volume).to_have_attribute("aria-pressed", "false")
    page.wait_for_timeout(1_500)
    expect(volume).to_have_attribute("aria-pressed", "false")
    volume.click()


def test_a_zoom_stays_over_redraws_until_it_is_reset(page: Page, chart: Locator) -> None:
    chart.focus()
    before = chart.screenshot()
    for _ in range(3):
        page.keyboard.press("+")
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(1_200)
    assert chart.screenshot() != before
    page.keyboard.press("0")


def test_full_screen_is_above_everything(page: Page, chart: Locator) -> None:
    chart.wait_for()
    page.locator(".tt-panel-chart").get_by_role("button", name="Full screen").click()
    page.wait_for_timeout(500)
    covered = """() => { const panel = document.querySelector('.tt-panel-chart');
        return [[.1, .1], [.5, .5], [.9, .9]].every(([x, y]) =>
            panel.contains(document.elementFromPoint(innerWidth * x, innerHeight * y))); }"""
    assert page.evaluate(covered)
    page.keyboard.press("Escape")


@pytest.mark.parametrize(
    ("symbol", "price", "written"),
    [("TINY-USD", 0.0000000042, "0.00000000420000"), ("DOGE-USD", 0.079467, "0.0794670")],
)
def test_a_small_price_is_written_with_six_digits_and_drawn_where_it_is(
    desk: Desk, page: Page, symbol: str, price: float, written: str
) -> None:
    desk.send_trade(symbol, price)
    row = page.get_by_role("table", name="All symbols").get_by_role("row").filter(has_text=symbol)
    expect(row).to_contain_text(written)
    row.get_by_role("cell").nth(1).click()
    expect(page.get_by_role("group", name="Last price")).to_contain_text(written)


def test_a_name_with_markup_is_shown_as_it_is_written(desk: Desk, page: Page) -> None:
    page.goto(f"{desk.page_url}/?symbol=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E")
    expect(page.get_by_text("is quiet: analytics reports no trade of it")).to_contain_text(
        "<img src=x onerror=alert(1)>"
    )
