"""Sound and desktop notification: none until they are asked for; then for what nobody should miss, and remembered."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import wait_for_ticket
from tests.browser.ticket import answer, by_shortcut, type_into
from tests.helpers.desk import Desk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

# What a browser with ears and a desktop would get; kept over a reload as long as the tab lives.
HEAR = """
window.heard = () => JSON.parse(sessionStorage.heard ?? '[]');
const note = (one) => { sessionStorage.heard = JSON.stringify([...window.heard(), one]); };
window.Notification = class {
  static permission = sessionStorage.permission ?? 'default';
  static async requestPermission() {
    sessionStorage.permission = Notification.permission = 'granted';
    return 'granted';
  }
  constructor(title) { note(title); }
};
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (at) { note('tone'); return start.call(this, at); };
"""


@pytest.fixture
def hearing(browser: Browser, desk: Desk) -> Iterator[Page]:
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        context.add_init_script(HEAR)
        page = context.new_page()
        page.goto(f"{desk.page_url}/trade?symbol=BTC-USD")
        wait_for_ticket(page)
        yield page


def heard(page: Page) -> list[str]:
    found: list[str] = page.evaluate("window.heard()")
    return found


def refuse(page: Page, qty: str) -> None:
    """An order for a symbol that the desk has no price of is refused by the desk."""
    page.goto(page.url.partition("?")[0] + "?symbol=NOBODY-USD")
    page.get_by_role("button", name="Buy").wait_for()
    type_into(page, "Quantity", qty)
    by_shortcut(page)
    page.get_by_role("button", name="Send order").click()
    expect(answer(page)).to_contain_text(f"BUY {qty} NOBODY-USD refused")


def test_the_alarm_is_off_until_it_is_turned_on_and_then_it_is_remembered(hearing: Page) -> None:
    page = hearing
    refuse(page, "1")
    expect(page.get_by_role("table", name="Blotter").get_by_role("row").nth(1)).to_contain_text("refused")
    assert heard(page) == []
    page.get_by_role("button", name="Alarm off").click()
    expect(page.get_by_role("button", name="Alarm on")).to_have_attribute("aria-pressed", "true")
    assert heard(page) == ["tone", "tone"]  # the proof that it can be heard
    refuse(page, "2")  # opens the page again
    page.wait_for_function("window.heard().includes('BUY 2 NOBODY-USD was refused')")
    page.keyboard.press("Alt+k")
    try:
        page.wait_for_function("window.heard().includes('The kill switch is engaged')")
    finally:
        page.get_by_role("button", name="Release kill switch").click()
        page.get_by_role("alertdialog").get_by_role("button", name="Release", exact=True).click()
    page.get_by_role("button", name="Engage kill switch").wait_for()
    before = heard(page)
    page.get_by_role("button", name="Alarm on").click()
    refuse(page, "3")
    expect(page.get_by_role("button", name="Alarm off")).to_be_visible()
    assert heard(page) == before


def test_a_part_that_is_away_is_an_alarm_on_every_page(desk: Desk, hearing: Page) -> None:
    hearing.get_by_role("button", name="Alarm off").click()
    hearing.get_by_role("link", name="Market").first.click()
    expect(hearing.get_by_role("button", name="Alarm on")).to_be_visible()
    desk.ingest.stop()
    try:
        hearing.wait_for_function("window.heard().includes('Ingest is away')")
    finally:
        desk.ingest.start().wait_ready()
    expect(hearing.get_by_text("Live", exact=True)).to_be_visible()
