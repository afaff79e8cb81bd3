"""Each page in light and dark: kept as a picture, and looked at by axe."""

import os
import shutil
import time
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import REPORTS, Watch, visitor
from tests.browser.test_trade import answer, by_mouse, choose, type_into
from tests.helpers.compose import ROOT
from tests.helpers.desk import Desk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

IMAGES = ROOT / "docs" / "images"
# Streamlit gives its toasts a role without a name. What they say is on the ticket too, where it is read aloud.
TOAST = ["[data-testid=stToast]"]
MINUTE_S = 65.0
SERIOUS = {"serious", "critical"}


# A table that is wider than its card is cut off, or pushes its neighbour away.
TABLES_FIT = """() => [...document.querySelectorAll('table.tt')].every(
    table => table.scrollWidth <= table.closest('[class*=st-key-]').clientWidth)"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Services of their own: a picture must not depend on what other tests have traded."""
    with Desk(tmp_path_factory.mktemp("looks"), feeds="sim://BTC-USD,ETH-USD,SOL-USD?rate=40&seed=7") as desk:
        desk.start()
        if os.environ.get("UPDATE_IMAGES"):
            time.sleep(MINUTE_S)  # for charts that are full
        yield desk


def _open(page: Page, name: str) -> None:
    page.get_by_role("link", name=name).click()
    page.get_by_test_id("stMetric").first.wait_for()
    if name == "Trade":
        for qty, symbol in (("0.05", "BTC-USD"), ("1.5", "ETH-USD"), ("20", "SOL-USD")):
            choose(page, symbol)
            type_into(page, "Quantity", qty)
            by_mouse(page)
            answer(page).get_by_text(qty).wait_for()
    else:
        page.locator("[class*=st-key-] canvas").first.wait_for()
    # The numbers go on moving; what was drawn for the first time has settled.
    page.wait_for_timeout(2_000)
    expect(page.get_by_test_id("stToast")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["Market", "Trade", "Pipeline"])
def test_a_page_looks_right_to_eyes_and_to_axe(
    desk: Desk, browser: Browser, watch: Watch, name: str, scheme: str
) -> None:
    REPORTS.mkdir(parents=True, exist_ok=True)
    picture = REPORTS / f"{name.lower()}-{scheme}.png"
    with visitor(browser, desk, watch, scheme) as page:
        _open(page, name)
        page.screenshot(path=picture)
        assert page.evaluate(TABLES_FIT)
        results = Axe().run(page, context={"exclude": [TOAST]})
    found = [one for one in results.response["violations"] if one["impact"] in SERIOUS]
    told = [f"{one['id']}: {node['html'][:160]} {node['failureSummary']}" for one in found for node in one["nodes"]]
    assert told == []
    if os.environ.get("UPDATE_IMAGES"):
        IMAGES.mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, IMAGES / f"page-{picture.name}")
