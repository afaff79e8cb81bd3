"""The page says what is wrong, how much it rests on, and keeps its order and its heads with many bots and symbols."""

import json
import random
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import zmq
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Watch, visitor
from tests.browser.screen import over_redraws
from tests.browser.test_market import card
from tests.helpers.desk import Desk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

HOUR_NS = 3_600_000_000_000
BOTS = [f"bot-{number:02}" for number in range(30)]
SYMBOLS = ["BTC-USD", *(f"COIN{number:02}-USD" for number in range(59))]


def _trade(source: str, symbol: str = "BTC-USD", *, ago_ns: int = 0, **changes: object) -> dict[str, Any]:
    at_ns = time.time_ns() - ago_ns
    times = {"event_ns": at_ns, "sent_ns": at_ns}
    trade = {"type": "trade", "source": source, "symbol": symbol, "side": "buy", "qty": 1.0, "price": 100.0}
    return trade | times | changes


def _send(desk: Desk, trades: Sequence[dict[str, Any]]) -> None:
    with zmq.Context() as context, context.socket(zmq.PUSH) as push:
        push.linger = 5_000
        push.connect(desk.endpoint)
        for trade in trades:
            push.send(json.dumps(trade).encode())


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Services without a feed: only bots send. Sixty symbols, each with a trade."""
    with Desk(tmp_path_factory.mktemp("truth")) as desk:
        desk.start()
        _send(desk, [_trade("bot-00", symbol) for symbol in SYMBOLS])
        yield desk


def _open(page: Page, name: str) -> None:
    page.get_by_role("link", name=name).first.click()
    page.locator(f".tt-board[data-layout={name.lower()}] .tt-card").first.wait_for()


def test_a_window_that_is_younger_than_its_length_says_so(page: Page) -> None:
    page.get_by_role("tab", name="1h").click()
    expect(card(page, "Trades/s")).to_contain_text(" s so far")


def test_thirty_bots_stand_in_an_order_that_does_not_move_and_can_be_turned(desk: Desk, page: Page) -> None:
    _open(page, "Pipeline")
    table = page.get_by_role("table", name="Sources")
    names = table.locator("tbody tr td:first-child")
    shuffled = random.Random(7)  # noqa: S311 - an order, not a secret
    for _ in range(4):
        _send(desk, [_trade(bot) for bot in shuffled.sample(BOTS, len(BOTS))])
        expect(names.filter(has_text="bot-")).to_have_count(len(BOTS))
        over_redraws(page)
        shown = [name for name in names.all_inner_texts() if name in BOTS]
        assert shown == BOTS
    table.get_by_role("button", name="Source").click()
    expect(names.filter(has_text="bot-").first).to_have_text(BOTS[-1])


def test_losses_and_refusals_of_a_bot_are_on_every_page_and_nothing_is_called_live(desk: Desk, page: Page) -> None:
    _send(desk, [_trade("bot-gap", run="r1", seq=seq) for seq in (1, 2, 11)] + [_trade("bot-bad", side="unknown")])
    banner = page.locator("#tt-banner")
    for name in ("Market", "Trade", "Studies", "Pipeline"):
        page.get_by_role("link", name=name).first.click()
        expect(banner).to_contain_text("Degraded")
        expect(banner).to_contain_text("Trades lost in the last 5 minutes: bot-gap 8")
        expect(banner).to_contain_text("1 messages refused in the last 5 minutes")
        expect(page.get_by_text("Live", exact=True)).to_have_count(0)
    lost = page.get_by_role("table", name="Ledger").get_by_role("row").filter(has_text="lost before ingest")
    expect(lost).to_contain_text("8")
    source = page.get_by_role("table", name="Sources").get_by_role("row").filter(has_text="bot-gap")
    expect(source.get_by_role("cell").nth(2)).to_have_text("8")


def test_one_wrong_clock_is_named_with_how_far_it_is_off(desk: Desk, page: Page) -> None:
    _send(desk, [_trade("bot-late", ago_ns=2 * HOUR_NS)])
    expect(page.locator("#tt-banner")).to_contain_text("The clock of bot-late is 2.0 h behind ours")
    _open(page, "Pipeline")
    expect(card(page, "p99 sent → applied")).to_contain_text("with the clock of bot-late")


def test_heads_and_banner_stay_in_sight_while_sixty_rows_are_scrolled(page: Page) -> None:
    page.set_viewport_size({"width": 1366, "height": 768})
    table = page.get_by_role("table", name="All symbols")
    expect(table.locator("tbody tr")).to_have_count(len(SYMBOLS))
    table.get_by_text("COIN58-USD").scroll_into_view_if_needed()
    expect(table.get_by_text("COIN58-USD")).to_be_in_viewport(ratio=1)
    expect(table.get_by_role("columnheader", name="Last trade")).to_be_in_viewport(ratio=1)
    expect(page.locator("#tt-banner .tt-state")).to_be_in_viewport(ratio=1)
    scrolled = table.evaluate("table => table.parentElement.scrollTop")
    over_redraws(page)
    assert table.evaluate("table => table.parentElement.scrollTop") == scrolled > 0


def test_with_sixty_symbols_the_blotter_is_on_the_first_screen(page: Page) -> None:
    _open(page, "Trade")
    expect(page.get_by_role("table", name="Quotes").locator("tbody tr")).to_have_count(len(SYMBOLS))
    expect(page.get_by_role("heading", name="Blotter")).to_be_in_viewport(ratio=1)


def test_a_symbol_that_nobody_trades_is_named_quiet_until_it_trades(desk: Desk, browser: Browser, watch: Watch) -> None:
    with visitor(browser, desk, watch) as page:
        page.goto(f"{desk.page_url}/?symbol=LATER-USD")
        expect(page.get_by_text("LATER-USD is quiet")).to_be_visible()
        expect(page.get_by_role("combobox", name="Symbol")).to_contain_text("LATER-USD")
        _send(desk, [_trade("bot-00", "LATER-USD", price=123.25)])
        expect(card(page, "Last price")).to_contain_text("123.250")
        expect(page.get_by_role("combobox", name="Symbol")).to_contain_text("LATER-USD")
