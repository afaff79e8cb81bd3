"""The kill switch, on every page and in every session."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Watch, visitor
from tests.browser.screen import over_redraws
from tests.browser.ticket import kill_switch
from tests.helpers.desk import Desk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def desk(quick_desk: Desk) -> Desk:
    return quick_desk


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
        over_redraws(page, 1)
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
