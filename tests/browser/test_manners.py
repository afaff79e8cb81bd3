"""A path of a proxy, an empty page, Streamlit's menu, files to take away."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Watch, address, open_trade
from tests.helpers.desk import Desk
from tests.helpers.services import eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def under_a_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Services without a feed, with the page under a path, whatever Streamlit's own variable says."""
    settings = {"UI_PAGE_BASE_PATH": "desk/", "STREAMLIT_SERVER_BASE_URL_PATH": "other"}
    with Desk(tmp_path_factory.mktemp("path"), **settings) as desk:
        yield desk.start()


def test_the_page_lives_under_its_base_path_and_an_empty_one_says_how_to_send_a_trade(
    browser: Browser, under_a_path: Desk
) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{under_a_path.page_url}/desk/")
        expect(page.locator(".tt-code")).to_contain_text("with Publisher(")
        expect(page.get_by_text("Idle", exact=True)).to_be_visible()
        under_a_path.send_trade("FIRST-USD", 100.0)
        expect(page.get_by_role("heading", name="FIRST-USD price")).to_be_visible()
        page.get_by_role("link", name="Trade").first.click()
        expect(page.get_by_role("table", name="Quotes")).to_contain_text("FIRST-USD")
        eventually(lambda: address(page).startswith(f"{under_a_path.page_url}/desk/trade"), what="the address")


def test_the_link_of_an_alert_leads_to_its_entry_in_the_runbook(desk: Desk, watch: Watch, page: Page) -> None:
    page.goto(f"{desk.page_url}/runbook#drawdowndeep")
    expect(page.get_by_role("heading", name="DrawdownDeep")).to_be_in_viewport()
    expect(page.locator("#tt-banner")).to_contain_text("Live")
    page.get_by_role("link", name="Pipeline").first.click()
    page.get_by_role("table", name="Ledger").wait_for()
    expect(page.get_by_role("heading", name="DrawdownDeep")).to_have_count(0)
    # Opened under a page's own address, Streamlit looks for its server below that address first.
    watch.errors[:] = [text for text in watch.errors if "404" not in text]


def test_streamlits_menu_has_the_theme_and_nothing_else(page: Page) -> None:
    page.get_by_test_id("stMainMenu").get_by_role("button").click()
    expect(page.get_by_role("menuitemradio", name="Dark")).to_be_visible()
    expect(page.get_by_role("menuitem")).to_have_count(0)
    expect(page.get_by_text("Made with Streamlit")).to_be_hidden()


def test_the_blotter_can_be_taken_away_as_csv(trade_page: Page, tmp_path: Path, watch: Watch) -> None:
    with trade_page.expect_download() as waiting:
        trade_page.get_by_role("button", name="CSV").click()
    file = tmp_path / "blotter.csv"
    waiting.value.save_as(file)
    assert file.read_text(encoding="utf-8-sig").startswith("time,kind,side,qty,symbol")
    open_trade(trade_page)
    assert watch.errors == []


def test_a_page_that_is_called_by_a_strange_name_says_which_name_and_which_setting(
    browser: Browser, desk: Desk
) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        port = desk.page_url.rpartition(":")[2]
        # Every name below .localhost leads here, and this one is in no list.
        answer = page.goto(f"http://desk.localhost:{port}/trade")
        assert answer is not None
        assert answer.status == 403
        expect(page.get_by_role("heading", name="The page is not shown under this name")).to_be_visible()
        expect(page.get_by_role("main")).to_contain_text(f"desk.localhost:{port}")
        expect(page.get_by_role("main")).to_contain_text("UI_PAGE_ALLOWED_HOSTS")
