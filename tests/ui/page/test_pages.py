"""Each page drawn by Streamlit without a browser, on a feed that is empty, live, or in trouble."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.helpers.views import NOW_NS, FakeLink, desk, page_state, position, snapshot, status
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


def test_a_recording_shows_times_of_day_and_no_ages() -> None:
    feed = FakeLink().live()
    replay = Problem(code="replay", severity="info", title="These are replayed trades", since_ns=None)
    feed.model.apply(page_state(problems=[replay]), NOW_NS)
    feed.model.apply(snapshot(2), NOW_NS)
    app = _app("market", feed)
    assert {each.label: each.delta for each in app.metric}["Trades/s"] == "replayed"
