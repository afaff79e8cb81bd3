"""The ticket at every width, in light and dark: nothing is cut, words are readable, fingers hit, axe finds nothing."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import REPORTS
from tests.browser.test_trade import answer, by_shortcut, choose, ticket, type_into
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


@pytest.fixture
def sized(browser: Browser, desk: Desk, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The Trade page in a window of the asked size, with an order that was answered."""
    width, height, scale, scheme = request.param
    context = browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=scale,
        has_touch=width < 400,
        is_mobile=width < 400,
        color_scheme=scheme,
    )
    try:
        page = context.new_page()
        page.goto(f"{desk.page_url}/trade")
        page.get_by_role("button", name="Buy").wait_for()
        type_into(page, "Quantity", "0.0101")
        by_shortcut(page)
        expect(answer(page)).to_contain_text("applied")
        yield page
    finally:
        context.close()


def sizes(scheme: str) -> list[tuple[int, int, int, str]]:
    """Phone, tablet, laptop, screen; and a laptop's window at 200 %."""
    return [
        (w, h, s, scheme) for w, h, s in ((390, 844, 1), (768, 1024, 1), (1440, 900, 1), (2560, 1440, 1), (720, 450, 2))
    ]


@pytest.mark.parametrize("sized", sizes("light"), indirect=True, ids=str)
def test_sizes_of_a_price_in_the_thousand_millions_are_not_cut(sized: Page, desk: Desk) -> None:
    desk.send_trade("HUGE-VND", 1.6e9)
    choose(sized, "HUGE-VND")
    expect(ticket(sized).get_by_role("button", name="0.00000006", exact=True)).to_be_visible()
    assert ticket(sized).evaluate(CUT) == []


@pytest.mark.parametrize("sized", [*sizes("light"), *sizes("dark")], indirect=True, ids=str)
def test_nothing_of_the_ticket_is_cut_and_axe_finds_nothing(sized: Page, request: pytest.FixtureRequest) -> None:
    REPORTS.mkdir(parents=True, exist_ok=True)
    root = ticket(sized)
    for mode in ("Market", "Limit"):
        root.get_by_role("button", name=mode, exact=True).click()
        assert root.evaluate(CUT) == []
    for side in ("▲ Buy", "▼ Sell"):
        expect(root.get_by_text(side)).to_be_visible()
    size = sized.viewport_size
    assert size is not None
    scheme = request.node.callspec.params["sized"][3]
    sized.screenshot(path=REPORTS / f"ticket-{size['width']}-{scheme}.png")
    if size["width"] < 400:
        assert root.evaluate(SMALL) == []
    # axe looks into open shadow roots by itself; this is the whole ticket and the switch.
    results = Axe().run(sized, context={"include": [[".st-key-ticket-card"], [".st-key-kill-bar"]]})
    faults = [f"{one['id']}: {node['html'][:160]}" for one in results.response["violations"] for node in one["nodes"]]
    assert faults == []
    # What is inside a shadow root is named by a path of two: the host, and the place in it.
    seen = [place for one in results.response["passes"] for node in one["nodes"] for place in node["target"]]
    assert any(isinstance(place, list) for place in seen), "axe did not look into the shadow root"
