"""The price chart: zoom, pan, crosshair, legend and full screen outlive redraws."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.screen import over_redraws, places
from tests.helpers.desk import Desk
from tests.helpers.services import eventually

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
    for _ in range(3):
        over_redraws(page, 1)
        assert tip.is_visible()
    expect(tip).not_to_contain_text("−")  # what was sold is no negative number


def test_a_legend_click_is_not_undone_by_a_redraw(page: Page, chart: Locator) -> None:
    chart.wait_for()
    volume = page.get_by_role("button", name="Volume")
    volume.click()
    expect(volume).to_have_attribute("aria-pressed", "false")
    over_redraws(page)
    expect(volume).to_have_attribute("aria-pressed", "false")
    volume.click()


def test_a_zoom_stays_over_redraws_until_it_is_reset(page: Page, chart: Locator) -> None:
    chart.focus()
    for _ in range(3):
        page.keyboard.press("+")
    page.keyboard.press("ArrowLeft")
    (box,) = places([chart])
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + box["height"] * 0.4)
    second = page.locator(".tt-panel-chart .tt-tip-head")
    pointed_at = second.inner_text()
    over_redraws(page, 4)  # two seconds: what follows the newest bar has gone on by two
    expect(second).to_have_text(pointed_at)
    page.keyboard.press("0")
    expect(second).not_to_have_text(pointed_at)


def test_full_screen_is_above_everything(page: Page, chart: Locator) -> None:
    chart.wait_for()
    page.locator(".tt-panel-chart").get_by_role("button", name="Full screen").click()
    covered = """() => { const panel = document.querySelector('.tt-panel-chart');
        return [[.1, .1], [.5, .5], [.9, .9]].every(([x, y]) =>
            panel.contains(document.elementFromPoint(innerWidth * x, innerHeight * y))); }"""
    page.wait_for_function(covered)
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


# The wick of a candle from its highest to its lowest pixel, and the middle of the last price's label.
DRAWN = """canvas => {
    const { width, height } = canvas, data = canvas.getContext('2d').getImageData(0, 0, width, height).data;
    const is = (at, [r, g, b]) => Math.abs(data[at] - r) + Math.abs(data[at + 1] - g) + Math.abs(data[at + 2] - b) < 12;
    const rows = (colors, from) => {
        const found = [];
        for (let y = 0; y < height; y++)
            for (let x = from; x < width; x++)
                if (colors.some(color => is((y * width + x) * 4, color))) { found.push(y); break; }
        return [Math.min(...found), Math.max(...found)];
    };
    return { wick: rows([[74, 222, 128], [248, 113, 113]], 0), label: rows([[59, 130, 246]], width - 25) };
}"""


def test_the_last_price_is_drawn_where_it_is_also_below_a_thousandth(desk: Desk, page: Page) -> None:
    for price in (0.000790, 0.000800, 0.00079467):
        desk.send_trade("LINE-USD", price)
    row = page.get_by_role("table", name="All symbols").get_by_role("row").filter(has_text="LINE-USD")
    row.get_by_role("cell").nth(1).click()
    chart = page.get_by_role("img", name="LINE-USD: candles")
    chart.wait_for()
    volume = page.get_by_role("button", name="Volume")
    volume.click()  # its bars have the same colours
    try:
        expect(page.get_by_role("group", name="Last price")).to_contain_text("0.000794670")
        eventually(lambda: _offset_px(chart) < 2.5, what="the last price where it is")
    finally:
        volume.click()


def _offset_px(chart: Locator) -> float:
    """How far the label of the last price is from where it belongs between the highest and the lowest price."""
    drawn = chart.evaluate(DRAWN)
    top, bottom, above, below = (float(row) for row in (*drawn["wick"], *drawn["label"]))
    wanted = top + (0.000800 - 0.00079467) / (0.000800 - 0.000790) * (bottom - top)
    return abs((above + below) / 2 - wanted)


def test_the_chart_is_as_high_as_the_screen_lets_it_be(page: Page, chart: Locator) -> None:
    heights = []
    for width, height in ((1366, 768), (1440, 900), (2560, 1440)):
        page.set_viewport_size({"width": width, "height": height})
        expect(chart).to_be_in_viewport(ratio=0.9)
        (box,) = places([chart])
        heights.append(box["height"] / height)
    assert heights[0] > 0.39
    assert heights[1] > 0.44
    assert heights[2] > 0.6


def test_a_name_with_markup_is_shown_as_it_is_written(desk: Desk, page: Page) -> None:
    page.goto(f"{desk.page_url}/?symbol=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E")
    expect(page.get_by_text("is quiet: analytics knows no trade of it")).to_contain_text("<img src=x onerror=alert(1)>")
