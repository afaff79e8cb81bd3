"""The real processes on free ports with a simulated market, and headless Chromium in front of them."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests.helpers.desk import Desk

_figures: list[str] = []
REPORTS = Path(__file__).parents[2] / "reports" / "browser"
# Without these Chromium looks for its maker's servers by itself, which is not the page's doing.
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Of patience, not of what is promised: promises say their own time. The machine may be busy with other things.
expect.set_options(timeout=15_000)


def figure(text: str) -> None:
    """Notes something that was measured, to be printed at the end."""
    _figures.append(text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what was measured."""
    for text in _figures:
        terminalreporter.write_line(f"measured: {text}")


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Ingest, analytics and the page."""
    with Desk(tmp_path_factory.mktemp("desk"), feeds="sim://BTC-USD,ETH-USD,SOL-USD?rate=40&seed=7") as desk:
        yield desk.start()


@pytest.fixture(scope="session")
def quick_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Another one, for the tests of the ticket: it takes orders as fast as a test types them."""
    feeds = "sim://BTC-USD,ETH-USD,SOL-USD?rate=40&seed=7"
    with Desk(tmp_path_factory.mktemp("ticket"), feeds=feeds, INGEST_DESK_MAX_COMMANDS_PER_S="1000") as desk:
        yield desk.start()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if program is None:
        pytest.fail("no chromium found: install it (on Debian: apt install chromium), or name it in CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        yield browser
        browser.close()
        _contexts.clear()


class Watch:
    """What a browser context did that it should not: console errors, and requests to other hosts."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.errors: list[str] = []
        self.strangers: list[str] = []

    @contextmanager
    def follow(self, context: BrowserContext) -> Iterator[None]:
        """Looks at every page of the context."""
        # One of its own each time: a context that is followed twice calls the same function once, and forgets it once.
        follow: dict[str, Callable[..., None]] = {
            "console": partial(self._note_console),
            "request": partial(self._note_request),
            "weberror": lambda error: self.errors.append(str(error.error)),
        }
        for event, note in follow.items():
            context.on(event, note)  # type: ignore[call-overload]  # one call for the three
        try:
            yield
        finally:
            for event, note in follow.items():
                context.remove_listener(event, note)

    def _note_console(self, message: ConsoleMessage) -> None:
        # An interface of the machine that comes or goes (a container starts) breaks off what Chromium is loading.
        # On a page with a name Streamlit asks for its health beside the page first, and finds it one step up.
        is_probe = "/_stcore/" in message.location.get("url", "") and "404" in message.text
        # A list of streamlit-shadcn-ui complains when its page is left before it was drawn.
        is_left = "SSUI_V2_OVERLAY_DISCONNECTED" in message.text
        if message.type == "error" and "ERR_NETWORK_CHANGED" not in message.text and not is_probe and not is_left:
            self.errors.append(f"{message.text} {message.location.get('url', '')}")

    def _note_request(self, request: Request) -> None:
        own = (self._desk.page_url, self._desk.page_url.replace("http", "ws"), "data:", "blob:")
        if not request.url.startswith(own):
            self.strangers.append(request.url)


@contextmanager
def visitor(
    browser: Browser,
    desk: Desk,
    watch: Watch,
    scheme: str = "dark",
    *,
    locale: str = "en-US",
    zone: str = "UTC",
    at: str = "",
    heard: Callable[[str | bytes], None] | None = None,
) -> Iterator[Page]:
    """A tab of its own, opened at BTC-USD, whatever was traded before; `at` is the page's path.

    `heard` gets each message that the page's server sends it.
    """
    context = _context(browser, scheme, locale, zone)
    others = set(context.pages)
    with watch.follow(context):
        try:
            page = context.new_page()
            if heard:
                page.on("websocket", lambda socket: socket.on("framereceived", heard))
            _load(page, f"{desk.page_url}/{at}?symbol=BTC-USD")
            yield page
        finally:
            for left in set(context.pages) - others:
                left.close()


def address(page: Page) -> str:
    """Where the page is now. `page.url` is what the last call heard of it: in a wait it never changes."""
    return str(page.evaluate("location.href"))


_contexts: dict[tuple[str, str, str], BrowserContext] = {}


def _context(browser: Browser, scheme: str, locale: str, zone: str) -> BrowserContext:
    """Shared by all tests that want the same: a browser that has the page's files loads it in half the time."""
    key = (scheme, locale, zone)
    if key not in _contexts:
        _contexts[key] = browser.new_context(
            viewport={"width": 1440, "height": 900},
            color_scheme="light" if scheme == "light" else "dark",
            reduced_motion="reduce",
            locale=locale,
            timezone_id=zone,
        )
        _contexts[key].set_default_timeout(20_000)
    return _contexts[key]


def _load(page: Page, url: str, tries: int = 3) -> None:
    """Opens the page; again if its loading was broken off."""
    for left in reversed(range(tries)):
        try:
            page.goto(url)
            page.locator(".tt-card").first.wait_for()
        except PlaywrightError:
            if not left:
                raise
        else:
            return


@pytest.fixture
def watch(desk: Desk) -> Iterator[Watch]:
    """Fails the test at its end if a page complained or called elsewhere."""
    watch = Watch(desk)
    yield watch
    assert watch.strangers == []
    assert watch.errors == []


@pytest.fixture
def page(browser: Browser, desk: Desk, watch: Watch) -> Iterator[Page]:
    """The page on its first view, Market."""
    with visitor(browser, desk, watch) as page:
        yield page


@pytest.fixture
def trade_page(browser: Browser, desk: Desk, watch: Watch) -> Iterator[Page]:
    """The page on Trade, with a ticket that can be sent."""
    with visitor(browser, desk, watch, at="trade") as page:
        wait_for_ticket(page)
        yield page


def open_trade(page: Page) -> None:
    """Goes to the Trade page."""
    page.get_by_role("link", name="Trade").first.click()
    wait_for_ticket(page)


def wait_for_ticket(page: Page) -> None:
    """Returns when the page Trade, which is opened, can be used."""
    page.get_by_role("button", name="Buy").wait_for()
    page.get_by_role("table", name="Blotter").wait_for()
