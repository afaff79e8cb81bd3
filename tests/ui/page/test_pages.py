"""Each page drawn by Streamlit without a browser, on a feed that is empty, live, or in trouble."""

from uuid import UUID

import pytest
from streamlit.testing.v1 import AppTest

from tests.helpers.views import NOW_NS, S_NS, FakeLink, desk, page_state, position, snapshot, status
from ui.wire import Problem

PAGES = ("market", "trade", "pipeline")

pytestmark = pytest.mark.filterwarnings("default")  # Streamlit's own


def _script(page: str, feed: "FakeLink") -> None:
    import importlib  # noqa: PLC0415 - the script is taken out of this file

    from ui.page.widgets import banner  # noqa: PLC0415 - as above

    banner.show(feed)
    importlib.import_module(f"ui.page.views.{page}").show(feed)


def _app(page: str, feed: FakeLink) -> AppTest:
    return AppTest.from_function(_script, kwargs={"page": page, "feed": feed}, default_timeout=20).run()


def _html(app: AppTest) -> str:
    return " ".join(str(each.proto.body) for each in app.get("html"))


def _press(app: AppTest, key: str) -> AppTest:
    (button,) = (each for each in app.button if each.key == key)
    return button.click().run()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_without_data_says_so_and_does_not_fail(page: str) -> None:
    app = _app(page, FakeLink())
    assert not app.exception
    assert "Connecting" in _html(app)


@pytest.mark.parametrize("page", PAGES)
def test_a_live_page_is_drawn(page: str) -> None:
    feed = FakeLink().live()
    feed.model.apply(status(2, desk_state=desk(positions=[position(), position("ETH-USD", qty=-1)])), NOW_NS)
    app = _app(page, feed)
    assert not app.exception
    assert "Live" in _html(app)
    assert len(app.metric) >= 4


def test_the_market_shows_price_vwap_and_tape() -> None:
    app = _app("market", FakeLink().live())
    values = {each.label: each.value for each in app.metric}
    assert values["Last price"] == "60,060.00"
    assert values["VWAP 1m"] == "60,010.00"
    assert values["Imbalance 1m"] == "+50.0 %"
    assert "▲ Buy" in _html(app)


def test_a_banner_is_on_every_page() -> None:
    feed = FakeLink().live()
    gone = Problem(code="ingest_away", severity="error", title="Ingest is away", since_ns=NOW_NS)
    feed.model.apply(page_state(problems=[gone]), NOW_NS)
    for page in PAGES:
        assert "Ingest is away" in _html(_app(page, feed))


@pytest.mark.parametrize("page", ["market", "trade"])
def test_symbols_that_are_left_out_are_told_of(page: str) -> None:
    feed = FakeLink().live()
    assert "busiest of" not in _html(_app(page, feed))
    feed.model.apply(snapshot(2).model_copy(update={"symbols_in_all": 80}), NOW_NS)
    assert ", 2 busiest of 80" in _html(_app(page, feed))


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_side_button_sends_exactly_the_ticket(side: str) -> None:
    feed = FakeLink().live()
    app = _app("trade", feed)
    app.number_input(key="ticket_qty").set_value(0.25)
    app.selectbox(key="ticket_symbol").set_value("ETH-USD")
    app = _press(app, side)
    (order,) = feed.submitted
    assert (order.symbol, order.side, order.qty, order.price) == ("ETH-USD", side, 0.25, None)  # type: ignore[union-attr]
    assert "sent, waiting" in app.info[0].value


def test_a_double_click_sends_one_order_and_a_later_click_another() -> None:
    feed = FakeLink().live()
    app = _press(_app("trade", feed), "buy")
    app = _press(app, "buy")
    assert len(feed.submitted) == 1
    feed.time_ns += S_NS
    _press(app, "buy")
    assert len({order.command_id for order in feed.submitted}) == 2


def test_a_large_order_is_not_sent_before_it_is_confirmed() -> None:
    feed = FakeLink().live()
    app = _app("trade", feed)
    app.number_input(key="ticket_qty").set_value(2.0)
    app = _press(app, "buy")
    assert feed.submitted == []
    assert any(each.key == "confirm-send" for each in app.button)


def test_a_large_order_is_asked_about_with_the_very_numbers_that_are_sent() -> None:
    feed = FakeLink().live()
    app = _app("trade", feed)
    app.number_input(key="ticket_qty").set_value(12_345_678.25)
    app.number_input(key="ticket_price").set_value(60_000.125)
    app = _press(app, "buy")
    assert any("12,345,678.25 BTC-USD** at 60,000.125" in each.value for each in app.markdown)


def test_an_order_without_quantity_is_not_sent_and_says_why() -> None:
    feed = FakeLink().live()
    app = _app("trade", feed)
    app.number_input(key="ticket_qty").set_value(0.0)
    app = _press(app, "buy")
    assert feed.submitted == []
    assert "quantity" in app.error[0].value


def _after_a_click(feed: FakeLink, **answer: object) -> AppTest:
    app = _press(_app("trade", feed), "buy")
    (order,) = feed.submitted
    command_id: UUID = order.command_id
    feed.answer(command_id, symbol="BTC-USD", side="buy", qty=0.1, **answer)
    return app.run()


def test_an_applied_order_is_told_in_the_page_and_in_a_toast() -> None:
    app = _after_a_click(FakeLink().live(), status="applied", filled_price=60_000.0, applied_after_ns=1_500_000)
    text = "BUY 0.1 BTC-USD applied at 60,000.00 in 1.50 ms"
    assert app.success[0].value == text
    assert [each.value for each in app.toast] == [text]
    assert not app.run().toast


def test_a_refused_order_shows_its_reason() -> None:
    app = _after_a_click(FakeLink().live(), status="refused", reason="Quantity 0.1 is above the limit.")
    assert "above the limit" in app.error[0].value
    assert "above the limit" in _html(app)


def test_an_order_that_nobody_answers_says_so_even_if_the_main_process_is_silent() -> None:
    feed = FakeLink().live()
    app = _press(_app("trade", feed), "buy")
    feed.time_ns += 3 * S_NS
    assert "no answer" in app.run().warning[0].value


def test_a_full_queue_is_told_and_nothing_counts_as_sent() -> None:
    feed = FakeLink().live()
    feed.is_full = True
    app = _press(_app("trade", feed), "buy")
    assert "Not sent" in app.error[0].value


def test_a_recording_shows_times_of_day_and_no_ages() -> None:
    feed = FakeLink().live()
    replay = Problem(code="replay", severity="info", title="These are replayed trades", since_ns=None)
    feed.model.apply(page_state(problems=[replay]), NOW_NS)
    feed.model.apply(snapshot(2), NOW_NS)
    app = _app("market", feed)
    assert {each.label: each.delta for each in app.metric}["Trades/s"] == "replayed"
