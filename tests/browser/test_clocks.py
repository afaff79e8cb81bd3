"""The wall clock of all processes is set while somebody looks at the page: prices, health and orders go on."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Watch, open_trade, visitor
from tests.browser.ticket import answer, by_mouse, choose, newest, type_into
from tests.helpers.desk import Desk
from tests.helpers.wall_clock import WallClock

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

STEPS_S = (3_600, -3_600, -3_600, 3_600, 125, -125, -125)


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    return WallClock(tmp_path / "clock")


@pytest.fixture
def stepped(tmp_path: Path, clock: WallClock) -> Iterator[Desk]:
    """All three services and the page, of one wall clock that a test can set."""
    with Desk(tmp_path).run_on(clock) as desk:
        desk.start()
        desk.send_trade("BTC-USD", 100.0, clock.now_ns())
        yield desk


@pytest.fixture
def watcher(browser: Browser, stepped: Desk) -> Iterator[Page]:
    with visitor(browser, stepped, Watch(stepped)) as page:
        yield page


def test_after_each_step_of_the_clock_the_page_is_live_and_an_order_is_filled_at_the_new_price(
    stepped: Desk, clock: WallClock, watcher: Page
) -> None:
    open_trade(watcher)
    choose(watcher, "BTC-USD")
    for number, step_s in enumerate(STEPS_S, start=1):
        clock.step(step_s)
        price = 100.0 + number
        stepped.send_trade("BTC-USD", price, clock.now_ns())
        expect(watcher.get_by_role("table", name="Quotes")).to_contain_text(f"{price:.3f}")
        expect(watcher.get_by_text("Live", exact=True)).to_be_visible()

        qty = f"0.{number:04}1"
        type_into(watcher, "Quantity", qty)
        by_mouse(watcher)

        expect(answer(watcher)).to_have_text(re.compile(rf"BUY {qty} BTC-USD applied at {price:.3f} in \d+\.\d\d ms"))
        expect(newest(watcher)).to_contain_text(qty)
        expect(watcher.get_by_role("status").filter(has_text="is away")).to_have_count(0)
        expect(watcher.get_by_role("status").filter(has_text="stale")).to_have_count(0)
    assert stepped.ui.metrics().value("telemetry_ui_page_starts_total") == 1
