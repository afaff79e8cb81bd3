"""The ticket and the kill switch as a person uses them, and how many orders were sent."""

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Watch
from tests.helpers.desk import Desk
from tests.helpers.services import eventually


def type_into(page: Page, name: str, text: str) -> None:
    """Types into a field of the ticket; a price is typed after choosing to name one."""
    if name == "Limit price":
        page.get_by_role("button", name="Limit", exact=True).click()
    field = page.get_by_role("textbox", name=name)
    field.click()
    page.keyboard.press("Control+a")
    page.keyboard.type(text)


def choose(page: Page, symbol: str) -> None:
    """Chooses a symbol by typing it; a new one is in the list a moment after its first trade."""
    field = ticket(page).get_by_role("combobox", name="Symbol")
    field.click()
    page.keyboard.type(symbol)
    option = ticket(page).get_by_role("option", name=symbol, exact=True)
    option.wait_for()
    page.keyboard.press("Enter")
    expect(field).to_have_value(symbol)
    expect(ticket(page).get_by_text("Last ")).not_to_have_text("Last –")


def ticket(page: Page) -> Locator:
    return page.get_by_role("region", name="Order ticket")


def notice(page: Page) -> Locator:
    """Why nothing was sent, or will be."""
    return ticket(page).get_by_role("alert")


def answer(page: Page) -> Locator:
    """The newest order and its answer."""
    return ticket(page).get_by_role("status", name="Answers").locator("p").first


def newest(page: Page) -> Locator:
    return page.get_by_role("table", name="Blotter").get_by_role("row").nth(1)


def by_mouse(page: Page) -> None:
    page.get_by_role("button", name="Buy").click()


def by_enter(page: Page) -> None:
    page.get_by_role("button", name="Buy").focus()
    page.keyboard.press("Enter")


def by_shortcut(page: Page) -> None:
    page.keyboard.press("Alt+b")


def sent(desk: Desk) -> float:
    return desk.ui.metrics().value("telemetry_ui_commands_total", status="sent")


def expect_sent(desk: Desk, count: float) -> None:
    """That many orders have been sent in all, and no more."""
    eventually(lambda: sent(desk) >= count, what=f"order {count:.0f}")
    assert sent(desk) == count


def quantities(page: Page, count: int) -> list[str]:
    """The quantities of the newest orders in the blotter, oldest first."""
    rows = page.get_by_role("table", name="Blotter").get_by_role("row")
    return [rows.nth(1 + place).get_by_role("cell").nth(2).inner_text() for place in reversed(range(count))]


def forget_404(watch: Watch) -> None:
    """Opened under a page's own address, Streamlit looks for its server below that address first."""
    watch.errors[:] = [text for text in watch.errors if "404" not in text]


def kill_switch(page: Page) -> Locator:
    return page.get_by_role("region", name="Kill switch")
