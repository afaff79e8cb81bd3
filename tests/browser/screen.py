"""What is on the screen: how old it is, measured in the browser itself, and whether it stands still."""

import statistics
from collections.abc import Sequence

from playwright.sync_api import FloatRect, Locator, Page

from tests.helpers.services import eventually

# Every snapshot that reaches the screen carries the time of its making; browser and services share one clock.
WATCH = """() => {
    window.delaysMs = [];
    let last = null;
    window.setInterval(() => {
        const mark = document.querySelector('[data-snapshot-ms]');
        if (mark && mark.dataset.snapshotMs !== last) {
            last = mark.dataset.snapshotMs;
            window.delaysMs.push(Date.now() - Number(last));
        }
    }, 20);
}"""

# What follows from a new size is drawn in the frame after it.
TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
# A star shows what the server says, not what was clicked.
CLICKS_TO_REDRAWS = """async () => {
    const took = [];
    const star = () => document.querySelector('.tt-board .tt-pin');
    for (let i = 0; i < 10; i++) {
        const before = star().getAttribute('aria-pressed'), began = performance.now();
        star().click();
        while (star().getAttribute('aria-pressed') === before && performance.now() - began < 5000)
            await new Promise(requestAnimationFrame);
        took.push(performance.now() - began);
    }
    return took;
}"""
REDRAWN_WITHIN_MS = 100.0


def over_redraws(page: Page, count: int = 2) -> None:
    """Returns when the board was drawn so many times more: what must stay, or must not happen, is looked at then."""
    for _ in range(count):
        drawn = page.locator(".tt-board").get_attribute("data-snapshot-ms")
        page.wait_for_function("drawn => document.querySelector('.tt-board')?.dataset.snapshotMs !== drawn", arg=drawn)


def places(locators: Sequence[Locator]) -> list[FloatRect]:
    """Where they are, once they stand still: fonts are there, and a redraw moves none of them."""
    page = locators[0].page
    page.evaluate("document.fonts.ready.then(() => null)")

    def stand() -> list[FloatRect] | None:
        before = _boxes(locators)
        over_redraws(page, 1)
        return before if before == _boxes(locators) else None

    return eventually(stand, what="a page that stands still")


def _boxes(locators: Sequence[Locator]) -> list[FloatRect]:
    boxes = [one.bounding_box() for one in locators]
    return [box for box in boxes if box is not None]


def slowness(page: Page) -> float:
    """How many times as long as where promised times hold a click takes to be drawn here and now; at least 1.

    On Market the star of a row is pressed and released: the way from the browser to the page's server and back. What a
    busy machine adds to a promised time, it adds to that way as well.
    """
    took_ms: list[float] = page.evaluate(CLICKS_TO_REDRAWS)
    return max(1.0, statistics.median(took_ms) / REDRAWN_WITHIN_MS)


def watch_delays(page: Page) -> None:
    """Begins to note how old each snapshot is when it comes to the screen."""
    page.evaluate(WATCH)


def delays_ms(page: Page) -> list[float]:
    """What was noted; the first one may have been on the screen for a while already."""
    noted: list[float] = page.evaluate("window.delaysMs")
    return noted[1:]


def p95(values: list[float]) -> float:
    """The value that 95 % are below."""
    return statistics.quantiles(values, n=20)[18]
