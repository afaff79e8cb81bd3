"""The ticket at every width, in light and dark: nothing is cut, words are readable, fingers hit, axe finds nothing."""

from collections.abc import Iterator
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import REPORTS
from tests.browser.screen import TWO_FRAMES
from tests.browser.ticket import answer, by_shortcut, choose, ticket, type_into
from tests.helpers.desk import Desk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

# Every element with text of its own inside the ticket fits into itself and into the ticket.
CUT = """root => [...root.querySelectorAll('button, p, label, h2, kbd, span')].filter(one => {
    const style = getComputedStyle(one);
    if (!one.textContent.trim() || !one.getClientRects().length) return false;
    const outer = root.getBoundingClientRect(), inner = one.getBoundingClientRect();
    const isCut = style.display !== 'inline' && one.scrollWidth > one.clientWidth + 1;
    return isCut || inner.right > outer.right + 1 || inner.left < outer.left - 1;
}).map(one => one.textContent)"""
SMALL = """root => [...root.querySelectorAll('button, input')].filter(one => {
    const box = one.getBoundingClientRect();
    const around = one.closest('.box, .combobox')?.getBoundingClientRect().height ?? 0;
    return box.height && Math.max(box.height, around) < 44;
}).map(one => one.textContent || one.id)"""


SIZES = {"phone": ((390, 844),), "screen": ((768, 1024), (1440, 900), (2560, 1440)), "zoomed": ((720, 450),)}
"""Phone; tablet, laptop, and screen; a laptop's window at 200 %."""


@pytest.fixture(params=SIZES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> Literal["light", "dark"]:
    return "light" if request.param == "light" else "dark"


@pytest.fixture
def sized(browser: Browser, desk: Desk, kind: str, scheme: Literal["light", "dark"]) -> Iterator[Page]:
    """The Trade page on such a device, with an order that was answered."""
    width, height = SIZES[kind][0]
    with browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=2 if kind == "zoomed" else 1,
        has_touch=kind == "phone",
        is_mobile=kind == "phone",
        color_scheme=scheme,
    ) as context:
        page = context.new_page()
        page.goto(f"{desk.page_url}/trade?symbol=BTC-USD")
        page.get_by_role("button", name="Buy").wait_for()
        type_into(page, "Quantity", "0.0101")
        by_shortcut(page)
        expect(answer(page)).to_contain_text("applied")
        yield page


def test_nothing_of_the_ticket_is_cut_and_axe_finds_nothing(sized: Page, desk: Desk, kind: str, scheme: str) -> None:
    REPORTS.mkdir(parents=True, exist_ok=True)
    root = ticket(sized)
    for width, height in SIZES[kind]:
        sized.set_viewport_size({"width": width, "height": height})
        sized.evaluate(TWO_FRAMES)
        for mode in ("Market", "Limit"):
            root.get_by_role("button", name=mode, exact=True).click()
            assert root.evaluate(CUT) == [], width
        for side in ("▲ Buy", "▼ Sell"):
            expect(root.get_by_text(side)).to_be_visible()
        sized.screenshot(path=REPORTS / f"ticket-{width}-{scheme}.png")
        _ask_axe(sized)
    if kind == "phone":
        assert root.evaluate(SMALL) == []
    desk.send_trade("HUGE-VND", 1.6e9)
    choose(sized, "HUGE-VND")
    for width, height in SIZES[kind]:
        sized.set_viewport_size({"width": width, "height": height})
        sized.evaluate(TWO_FRAMES)
        expect(root.get_by_role("button", name="0.00000006", exact=True)).to_be_visible()
        assert root.evaluate(CUT) == [], f"sizes of a price in the thousand millions at {width}"


def _ask_axe(page: Page) -> None:
    # axe looks into open shadow roots by itself; this is the whole ticket and the switch.
    results = Axe().run(page, context={"include": [[".st-key-ticket-card"], [".st-key-kill-bar"]]})
    faults = [f"{one['id']}: {node['html'][:160]}" for one in results.response["violations"] for node in one["nodes"]]
    assert faults == []
    # What is inside a shadow root is named by a path of two: the host, and the place in it.
    seen = [place for one in results.response["passes"] for node in one["nodes"] for place in node["target"]]
    assert any(isinstance(place, list) for place in seen), "axe did not look into the shadow root"
