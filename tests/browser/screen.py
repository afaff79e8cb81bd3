"""How old what is on the screen is, measured in the browser itself."""

import statistics

from playwright.sync_api import Page

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
