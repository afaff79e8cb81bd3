"""Each page in light and dark: kept as a picture, and looked at by axe."""

import os
import shutil
import time
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import REPORTS, Watch, visitor
from tests.browser.screen import TWO_FRAMES, over_redraws
from tests.browser.ticket import answer, by_mouse, choose, type_into
from tests.helpers.compose import ROOT
from tests.helpers.desk import Desk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

IMAGES = ROOT / "docs" / "images"
# Streamlit gives its toasts a role without a name. What they say is on the ticket too, where it is read aloud.
TOAST = ["[data-testid=stToast]"]
MINUTE_S = 65.0
SERIOUS = {"serious", "critical"}
PAGES = ("Market", "Trade", "Bots", "Studies", "Pipeline")


# What sticks out of its card, scrolls the page sideways, or is cut without an ellipsis. Tables may scroll.
CUT = """() => {
    const found = [];
    const page = document.documentElement;
    if (page.scrollWidth > page.clientWidth) found.push(`the page scrolls sideways: ${page.scrollWidth}`);
    for (const panel of document.querySelectorAll('.tt-panel, .tt-card')) {
        const box = panel.getBoundingClientRect();
        if (box.right > innerWidth + 1) found.push(`${panel.className} leaves the screen`);
        for (const each of panel.querySelectorAll('*')) {
            if (each.closest('.tt-scroll') || each.hidden || !each.offsetParent) continue;
            const own = each.getBoundingClientRect();
            if (own.right > box.right + 1 || own.left < box.left - 1)
                found.push(`${each.className} leaves ${panel.className}`);
            if (each.scrollWidth > each.clientWidth + 1 && each.clientWidth && !each.matches('.tt-code, canvas, input'))
                found.push(`${each.className} is cut: ${each.textContent.slice(0, 40)}`);
        }
    }
    return [...new Set(found)]; }"""


def expect_nothing_cut(page: Page, what: str) -> None:
    """Looks when the size has settled; again where a redraw was half way."""
    page.evaluate(TWO_FRAMES)
    if page.evaluate(CUT):
        over_redraws(page)
    assert page.evaluate(CUT) == [], what


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Services of their own: a picture must not depend on what other tests have traded."""
    feeds = "sim://BTC-USD,ETH-USD,SOL-USD?rate=40&seed=7 sim-orders://bot-1?rate=2&seed=7"
    with Desk(tmp_path_factory.mktemp("looks"), feeds=feeds) as desk:
        desk.start()
        if os.environ.get("UPDATE_IMAGES"):
            time.sleep(MINUTE_S)  # for charts that are full
        yield desk


def _open(page: Page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).first.click()
    page.locator(f".tt-board[data-layout={name.lower()}] .tt-card").first.wait_for()
    if name == "Trade":
        for qty, symbol in (("20", "SOL-USD"), ("1.5", "ETH-USD"), ("0.05", "BTC-USD")):
            choose(page, symbol)
            type_into(page, "Quantity", qty)
            by_mouse(page)
            answer(page).get_by_text(qty).wait_for()
    elif name == "Studies":
        page.get_by_role("table", name="BTC-USD", exact=True).wait_for()
    elif name == "Bots":
        page.get_by_role("table", name="Bots").get_by_role("row").nth(2).wait_for()
    else:
        page.locator(".tt-plot canvas").first.wait_for()
    over_redraws(page, 4 if os.environ.get("UPDATE_IMAGES") else 1)  # what was drawn for the first time has settled
    expect(page.get_by_test_id("stToast")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_looks_right_to_eyes_and_to_axe(desk: Desk, browser: Browser, watch: Watch, scheme: str) -> None:
    with visitor(browser, desk, watch, scheme) as page:
        for name in PAGES:
            _open(page, name)
            _look_at(page, f"{name.lower()}-{scheme}.png")


def _look_at(page: Page, name: str) -> None:
    REPORTS.mkdir(parents=True, exist_ok=True)
    picture = REPORTS / name
    page.screenshot(path=picture)
    expect_nothing_cut(page, name)
    results = Axe().run(page, context={"exclude": [TOAST]})
    found = [one for one in results.response["violations"] if one["impact"] in SERIOUS]
    faults = [f"{one['id']}: {node['html'][:160]} {node['failureSummary']}" for one in found for node in one["nodes"]]
    assert faults == [], name
    if os.environ.get("UPDATE_IMAGES"):
        IMAGES.mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, IMAGES / f"page-{picture.name}")


# What 1440 by 900 is at 200 %, is 720 by 450.
WIDTHS = ((320, 640), (390, 844), (720, 450), (768, 1024), (1366, 768), (1440, 900), (2560, 1440))


def _go(page: Page, name: str) -> None:
    page.get_by_role("link", name=name).last.click()  # on a phone the one at the bottom
    page.locator(f".tt-board[data-layout={name.lower()}] .tt-card").first.wait_for()
    over_redraws(page, 1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_or_leaves_its_card_on_any_screen(
    desk: Desk, browser: Browser, watch: Watch, scheme: str
) -> None:
    # A name as long as names may be, and prices of any size.
    desk.send_trade("A-VERY-LONG-NAME-OF-A-SYMBOL-USD", 0.0000000042)
    desk.send_trade("HUGE-VND", 1_600_000_000.5)
    with visitor(browser, desk, watch, scheme) as page:
        for name in PAGES:
            _go(page, name)
            # One look at a page at each size: a page that is opened for each of them costs two minutes.
            for width, height in WIDTHS:
                page.set_viewport_size({"width": width, "height": height})
                expect_nothing_cut(page, f"{name} at {width}")
                # For eyes: seventy pictures cost more time than all that is asserted here.
                if os.environ.get("UPDATE_IMAGES"):
                    page.screenshot(path=REPORTS / f"{name.lower()}-{width}-{scheme}.png")


def test_on_a_phone_the_chart_is_on_the_first_screen_and_the_pages_are_at_its_bottom(
    desk: Desk, browser: Browser, watch: Watch
) -> None:
    with visitor(browser, desk, watch) as page:
        page.set_viewport_size({"width": 390, "height": 844})
        for name in ("Trade", "Market"):
            page.get_by_role("link", name=name).last.click()
            page.locator(f".tt-board[data-layout={name.lower()}] .tt-card").first.wait_for()
            expect(page.locator(".st-key-phone-nav")).to_be_in_viewport(ratio=1)
            expect(page.get_by_role("link", name=name).last).to_be_in_viewport(ratio=0.9)
        expect(page.get_by_role("heading", name="BTC-USD price")).to_be_in_viewport(ratio=1)


def test_on_a_phone_every_target_is_large_enough_for_a_thumb(desk: Desk, browser: Browser, watch: Watch) -> None:
    # The page's own, and those inside the components. A tab is as high as the list that holds it.
    small = """() => {
        const roots = [document, ...[...document.querySelectorAll('*')].map(each => each.shadowRoot).filter(Boolean)];
        const targets = roots.flatMap(root => [...root.querySelectorAll('button, input, [role=tablist]')])
            .filter(each => !each.closest('[role=tablist] *') && !each.closest('[data-testid=stHeader]'));
        const around = each => each.closest('.box, .combobox')?.getBoundingClientRect().height ?? 0;
        const height = each => Math.max(each.getBoundingClientRect().height, around(each));
        return [...targets, ...document.querySelectorAll('.st-key-phone-nav a')]
            .filter(each => each.checkVisibility() && each.getBoundingClientRect().width > 1 && height(each) < 44)
            .map(each => each.outerHTML.slice(0, 120)); }"""
    with visitor(browser, desk, watch) as page:
        page.set_viewport_size({"width": 390, "height": 844})
        for name in PAGES:
            _go(page, name)
            assert page.evaluate(small) == [], name


def test_on_paper_the_page_is_dark_on_white_and_nothing_lies_over_it(
    desk: Desk, browser: Browser, watch: Watch
) -> None:
    with visitor(browser, desk, watch) as page:
        page.emulate_media(media="print")
        try:
            expect(page.locator(".tt-value").first).to_have_css("color", "rgb(9, 9, 11)")
            expect(page.locator("body .stApp")).to_have_css("background-color", "rgb(255, 255, 255)")
            expect(page.get_by_role("region", name="Kill switch")).to_be_hidden()
            banner, cards = (page.locator(one).bounding_box() for one in ("#tt-banner", ".tt-panel-cards"))
            assert banner is not None
            assert cards is not None
            assert banner["y"] + banner["height"] <= cards["y"]
        finally:
            page.emulate_media(media="screen")
