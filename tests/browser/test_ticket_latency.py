"""How soon an answer is on the screen."""

import statistics

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import figure, open_trade
from tests.browser.screen import p95, slowness
from tests.browser.ticket import type_into
from tests.helpers.desk import Desk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def desk(quick_desk: Desk) -> Desk:
    return quick_desk


CLICK_TO_ANSWER = """button => new Promise(done => {
    const answers = button.getRootNode().querySelector('.answers');
    const before = answers.firstElementChild?.dataset.order;
    const began = performance.now();
    button.click();
    const look = () => {
        const first = answers.firstElementChild;
        const isThere = first && first.dataset.order !== before && first.textContent.includes(' applied ');
        if (isThere || performance.now() - began > 8000) done(performance.now() - began);
        else requestAnimationFrame(look);
    };
    look();
})"""


def test_an_answer_is_on_the_screen_soon_after_the_click(page: Page) -> None:
    # The better of two: what is promised is what the page does, not what the machine does besides.
    slow = slowness(page)
    open_trade(page)
    medians = []
    for run in range(2):
        took_ms = [_click_to_answer_ms(page, f"0.0{800 + run * 30 + i}") for i in range(20)]
        medians.append(statistics.median(took_ms))
        figure(f"click to visible answer: median {medians[-1]:.0f} ms, p95 {p95(took_ms):.0f} ms, n {len(took_ms)}, "
               f"slowness {slow:.1f}")  # fmt: skip
        if medians[0] < 120 * slow:
            break
    assert min(medians) < 120 * slow


def _click_to_answer_ms(page: Page, text: str) -> float:
    type_into(page, "Quantity", text)
    page.wait_for_timeout(130)  # at another phase of the page's own redraws each time, however long the rest takes
    took_ms: float = page.get_by_role("button", name="Buy").evaluate(CLICK_TO_ANSWER)
    return took_ms
