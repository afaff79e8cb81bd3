"""What the page still knows after its services were killed."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watch, open_trade
from tests.browser.ticket import answer, by_mouse, newest, type_into
from tests.helpers.desk import Desk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def test_the_blotter_outlives_the_death_of_all_services(desk: Desk, watch: Watch, trade_page: Page) -> None:
    for qty in ("0.0777", "0.0778"):
        type_into(trade_page, "Quantity", qty)
        by_mouse(trade_page)
        expect(answer(trade_page)).to_contain_text(f"{qty} BTC-USD applied")
        expect(newest(trade_page)).to_contain_text(qty)
    ids = [
        trade_page.get_by_role("table", name="Blotter").get_by_role("row").nth(row).get_by_role("cell").last
        for row in (1, 2)
    ]
    second, first = (one.inner_text() for one in ids)
    for service in (desk.ui, desk.ingest, desk.analytics):
        service.kill()
    for service in (desk.ui, desk.ingest, desk.analytics):
        service.start()
    for service in (desk.ui, desk.ingest, desk.analytics):
        service.wait_ready()
    trade_page.goto(desk.page_url)
    trade_page.get_by_text("Live", exact=True).wait_for(timeout=60_000)
    open_trade(trade_page)
    expect(newest(trade_page)).to_contain_text(second, timeout=10_000)
    row = trade_page.get_by_role("table", name="Blotter").get_by_role("row").nth(2)
    expect(row).to_contain_text(first)
    expect(row).to_contain_text("0.0777")
    expect(row).to_contain_text("applied")
    watch.errors.clear()  # the browser says that the connection broke, and it did
