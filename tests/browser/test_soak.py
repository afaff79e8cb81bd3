"""Two sessions for minutes at a thousand trades a second: memory stays, and what is on the screen stays new."""

import os
import statistics
import time
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import Watch, figure, visitor
from tests.browser.screen import delays_ms, over_redraws, p95, slowness, watch_delays
from tests.helpers.desk import Desk

SOAK_S = float(os.environ.get("SOAK_S", "300"))
WARM_S = 60.0
SAMPLE_S = 2.0
SAMPLES_A_READING = 10  # the median of so many, as memory breathes
LEAST_S = WARM_S + 2 * SAMPLES_A_READING * SAMPLE_S
MOST_GROWTH_RATIO = 0.10


@pytest.mark.browser
@pytest.mark.timeout(120)
def test_a_snapshot_is_on_the_screen_within_a_second(page: Page) -> None:
    slow = slowness(page)
    watch_delays(page)
    over_redraws(page, 16)
    delays = delays_ms(page)
    figure(f"snapshot to screen: median {statistics.median(delays):.0f} ms, p95 {p95(delays):.0f} ms, n {len(delays)}, "
           f"slowness {slow:.1f}")  # fmt: skip
    assert p95(delays) < 1_000 * slow


@pytest.mark.soak
@pytest.mark.timeout(SOAK_S + 240)
def test_memory_and_delay_stay_at_a_thousand_trades_a_second(browser: Browser, tmp_path: Path) -> None:
    assert SOAK_S >= LEAST_S, f"SOAK_S must be at least {LEAST_S:.0f} s: the first {WARM_S:.0f} s do not count"
    feed = "sim://BTC-USD,ETH-USD,SOL-USD?rate=1000&seed=7"
    with Desk(tmp_path, feeds=feed) as desk:
        watch = Watch(desk.start())
        with visitor(browser, desk, watch) as first, visitor(browser, desk, watch, "light") as second:
            second.get_by_role("link", name="Pipeline").first.click()
            watch_delays(first)
            readings = _watch_memory(desk, first)
            delays = delays_ms(first)
        applied = desk.applied()
    for name, samples in readings.items():
        warm, last = _reading(samples[int(WARM_S / SAMPLE_S) :]), _reading(samples[-SAMPLES_A_READING:])
        figure(f"{name}: {warm / 1e6:.1f} MB after {WARM_S:.0f} s, {last / 1e6:.1f} MB after {SOAK_S:.0f} s")
        assert last < warm * (1 + MOST_GROWTH_RATIO)
    figure(f"{applied / SOAK_S:,.0f} trades/s; snapshot to screen p50 {statistics.median(delays):.0f} ms, "
           f"p95 {p95(delays):.0f} ms, n {len(delays)}")  # fmt: skip
    assert p95(delays) < 1_000
    assert watch.errors == []


def _reading(samples: list[int]) -> float:
    return statistics.median(samples[:SAMPLES_A_READING])


def _watch_memory(desk: Desk, page: Page) -> dict[str, list[int]]:
    processes = {"main process": psutil.Process(desk.ui.process.pid), "page process": psutil.Process(desk.page_pid())}
    readings: dict[str, list[int]] = {name: [] for name in processes}
    end_s = time.monotonic() + SOAK_S
    while time.monotonic() < end_s:
        for name, process in processes.items():
            readings[name].append(process.memory_info().rss)
        page.wait_for_timeout(SAMPLE_S * 1_000)
    return readings
