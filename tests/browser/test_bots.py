"""The page of bots: rows that stay, what is chosen in the address, and the life of an order one click away."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlparse

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Watch, address, visitor
from tests.browser.test_looks import SERIOUS, TOAST, WIDTHS, expect_nothing_cut
from tests.helpers.desk import Desk
from tests.helpers.services import eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

FEEDS = "sim://BTC-USD,ETH-USD?rate=20&seed=7 sim-orders://bot-1?rate=4&seed=7 sim-orders://bot-2?rate=2&seed=9"
NAMES = ["bot-1 maker", "bot-1 taker", "bot-2 maker", "bot-2 taker"]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Services with two simulated bots."""
    with Desk(tmp_path_factory.mktemp("bots"), feeds=FEEDS) as desk:
        yield desk.start()


@pytest.fixture
def page(browser: Browser, desk: Desk, watch: Watch) -> Iterator[Page]:
    """The page of bots, with all of them."""
    with visitor(browser, desk, watch) as page:
        page.get_by_role("link", name="Bots").first.click()
        expect(rows(page, "Bots")).to_have_count(len(NAMES), timeout=30_000)
        yield page


def rows(page: Page, table: str) -> Locator:
    return page.get_by_role("table", name=table, exact=True).locator("tbody tr")


def names(page: Page) -> list[str]:
    return [text.strip() for text in rows(page, "Bots").locator("td:first-child").all_text_contents()]


def query(page: Page, name: str) -> list[str]:
    return parse_qs(urlparse(address(page)).query).get(name, [])


def test_rows_stay_while_numbers_move_and_the_choice_of_rows_is_in_the_address(page: Page) -> None:
    table = page.get_by_role("table", name="Bots", exact=True)
    table.get_by_role("button", name="Bot", exact=True).click()
    eventually(lambda: names(page) == NAMES, what="the rows by name")
    first = rows(page, "Bots").first.inner_text()
    eventually(lambda: rows(page, "Bots").first.inner_text() != first, what="moving numbers")
    assert names(page) == NAMES
    table.get_by_role("button", name="Bot ↑").click()
    eventually(lambda: names(page) == NAMES[::-1], what="the rows turned round")
    page.get_by_role("searchbox", name="Search bots").fill("bot-2")
    eventually(lambda: names(page) == ["bot-2 taker", "bot-2 maker"], what="the rows that are searched for")
    eventually(lambda: query(page, "bots_find") == ["bot-2"], what="the search in the address")
    page.reload()
    eventually(lambda: names(page) == ["bot-2 taker", "bot-2 maker"], what="the same rows")


def test_a_chosen_bot_shows_its_own_orders_and_a_second_click_all(page: Page) -> None:
    expect(rows(page, "Orders of bots").filter(has_text="bot-1")).not_to_have_count(0)
    row = rows(page, "Bots").filter(has_text="bot-2 maker")
    row.get_by_role("cell").nth(2).click()
    expect(row).to_have_class("tt-marked")
    expect(rows(page, "Orders of bots").filter(has_text="bot-1")).to_have_count(0)
    expect(rows(page, "Orders of bots").filter(has_text="bot-2 maker")).not_to_have_count(0)
    row.get_by_role("button", name="bot-2 maker").click()
    expect(rows(page, "Orders of bots").filter(has_text="bot-1")).not_to_have_count(0)


def test_the_life_of_an_order_is_one_click_away_and_survives_a_reload(page: Page) -> None:
    page.get_by_role("button", name="Ended", exact=True).click()
    order = rows(page, "Orders of bots").filter(has_text="filled").first
    order_id = order.locator("td").first.inner_text().strip()
    # Orders that end push it off the first page within seconds: one that is searched for stays.
    page.get_by_role("searchbox", name="Search orders").fill(order_id)
    page.get_by_role("button", name=order_id, exact=True).click()
    events = rows(page, f"Order {order_id}")
    expect(events.first).to_contain_text("submit")
    expect(events.filter(has_text="ack").first).to_contain_text("ms bot")
    expect(events.filter(has_text="fill").first).to_contain_text("applied")
    eventually(lambda: query(page, "bot_order")[0].endswith(order_id), what="the order in the address")
    page.reload()
    expect(rows(page, f"Order {order_id}").first).to_contain_text("submit")
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("heading", name=f"Order {order_id}")).to_have_count(0)


def test_an_order_is_found_by_its_id(page: Page) -> None:
    order_id = rows(page, "Orders of bots").last.locator("td").first.inner_text().strip()
    page.get_by_role("searchbox", name="Search orders").fill(order_id)
    # The id of an early order is the beginning of later ones': 3 of 30.
    expect(rows(page, "Orders of bots").filter(has_not_text=order_id)).to_have_count(0)
    expect(rows(page, "Orders of bots").get_by_role("button", name=order_id, exact=True)).to_have_count(1)


def test_a_symbol_is_chosen_for_all_pages(page: Page) -> None:
    rows(page, "Positions of bots").get_by_role("button", name="ETH-USD").first.click()
    eventually(lambda: query(page, "symbol") == ["ETH-USD"], what="the symbol in the address")
    page.get_by_role("link", name="Market").first.click()
    expect(page.get_by_role("heading", name="ETH-USD price")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_order_under_the_bots_looks_right_on_every_screen_and_to_axe(
    desk: Desk, browser: Browser, watch: Watch, scheme: str
) -> None:
    with visitor(browser, desk, watch, scheme) as page:
        page.get_by_role("link", name="Bots").first.click()
        rows(page, "Orders of bots").nth(2).locator("td").nth(1).click()
        page.locator(".tt-panel-life tbody tr").first.wait_for()
        results = Axe().run(page, context={"exclude": [TOAST]})
        for width, height in WIDTHS:
            page.set_viewport_size({"width": width, "height": height})
            expect_nothing_cut(page, f"an order at {width}")
    found = [one for one in results.response["violations"] if one["impact"] in SERIOUS]
    assert [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]] == []
