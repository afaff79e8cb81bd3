"""Each page drawn by Streamlit without a browser, on a feed that is empty, live, or in trouble."""

import json
from datetime import UTC
from typing import Any
from uuid import uuid4

import pytest
from streamlit.testing.v1 import AppTest

from telemetry_schema import StudiesState, StudyState, StudyValues
from tests.helpers.views import (
    NOW_NS,
    S_NS,
    FakeLink,
    at,
    bot,
    bots_state,
    desk,
    page_state,
    position,
    quoted,
    snapshot,
    status,
)
from ui.page.model.selection import Selection
from ui.page.views import studies
from ui.page.widgets.sparks import spark
from ui.wire import Problem

PAGES = ("market", "trade", "bots", "studies", "pipeline")

pytestmark = pytest.mark.filterwarnings("default")  # Streamlit's own


def _script(page: str, feed: "FakeLink") -> None:
    import importlib  # noqa: PLC0415 - the script is taken out of this file

    importlib.import_module(f"ui.page.views.{page}").show(feed)


def _app(page: str, feed: FakeLink) -> AppTest:
    return AppTest.from_function(_script, kwargs={"page": page, "feed": feed}, default_timeout=20).run()


def _parts(app: AppTest) -> dict[str, Any]:
    """What the page's board was sent."""
    (board,) = (each for each in app.get("bidi_component") if each.proto.component_name == "telemetry-ui.board")
    parts: dict[str, Any] = json.loads(board.proto.json)["parts"]
    return parts


def _html(app: AppTest) -> str:
    return json.dumps(_parts(app), ensure_ascii=False)


def _cards(app: AppTest) -> dict[str, list[str]]:
    """Value, note and tone of each card by its label."""
    return {label: rest for label, *rest in _parts(app)["cards"]["cards"]}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_without_data_says_so_and_does_not_fail(page: str) -> None:
    app = _app(page, FakeLink())
    assert not app.exception
    assert "Connecting" in _html(app)


@pytest.mark.parametrize("page", PAGES)
def test_a_live_page_is_drawn(page: str) -> None:
    feed = FakeLink().live()
    feed.model.apply(_studies(), at(NOW_NS))
    feed.model.apply(bots_state(bot()), at(NOW_NS))
    feed.model.apply(status(2, desk_state=desk(positions=[position(), position("ETH-USD", qty=-1)])), at(NOW_NS))
    app = _app(page, feed)
    assert not app.exception
    assert "Live" in _html(app)
    assert len(_cards(app)) >= 4


def test_the_market_shows_price_vwap_and_tape() -> None:
    app = _app("market", FakeLink().live())
    cards = _cards(app)
    assert cards["Last price"][0] == "60,060.00"
    assert cards["VWAP 1m"][0] == "60,010.00"
    assert cards["Imbalance 1m"][0] == "+50.0 %"
    assert "▲ Buy" in _html(app)


def test_a_banner_is_on_every_page() -> None:
    feed = FakeLink().live()
    gone = Problem(code="ingest_away", severity="error", title="Ingest is away", since_ns=NOW_NS)
    feed.model.apply(page_state(problems=[gone]), at(NOW_NS))
    for page in PAGES:
        assert "Ingest is away" in _html(_app(page, feed))


def test_an_order_that_is_refused_is_in_the_banner_for_the_alarm_and_not_for_long() -> None:
    feed = FakeLink().live()
    assert _parts(_app("pipeline", feed))["banner"]["refused"] is None
    one = uuid4()
    feed.answer(one, status="refused", side="buy", qty=2.0, symbol="BTC-USD", reason="Send less.")
    assert _parts(_app("pipeline", feed))["banner"]["refused"] == [one.hex, "BUY 2 BTC-USD was refused", "Send less."]
    feed.time_ns += 20 * S_NS
    assert _parts(_app("pipeline", feed))["banner"]["refused"] is None


@pytest.mark.parametrize("page", ["market", "trade"])
def test_symbols_that_are_left_out_are_counted_on_the_page(page: str) -> None:
    feed = FakeLink().live()
    assert "busiest of" not in _html(_app(page, feed))
    feed.model.apply(snapshot(2).model_copy(update={"symbols_in_all": 80}), at(NOW_NS))
    assert ", 2 busiest of 80" in _html(_app(page, feed))


def test_a_recording_shows_times_of_day_and_no_ages() -> None:
    feed = FakeLink().live()
    feed.model.apply(snapshot(2, clock_ns=NOW_NS - 86_400 * S_NS), at(NOW_NS))
    app = _app("market", feed)
    assert _cards(app)["Trades/s"][1] == "replayed"
    assert "22:13:20" in json.dumps(_parts(app)["symbols"]["rows"])


def _at(app: AppTest, **query: str | list[str]) -> AppTest:
    """The page as it is opened with this address."""
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def _fresh(page: str, feed: FakeLink) -> AppTest:
    return AppTest.from_function(_script, kwargs={"page": page, "feed": feed}, default_timeout=20)


def test_the_address_says_which_symbol_and_window_are_shown() -> None:
    parts = _parts(_at(_fresh("market", FakeLink().live()), symbol="ETH-USD", window="5m"))
    assert parts["chart"]["title"].startswith("ETH-USD")
    assert parts["cards"]["cards"][1][0] == "VWAP 5m"
    assert [row[0] for row in parts["symbols"]["rows"] if row[2]] == ["ETH-USD"]


def test_the_first_symbol_is_written_to_the_address_and_stays_when_another_comes_before_it() -> None:
    feed = FakeLink().live()
    app = _app("market", feed)
    assert app.query_params["symbol"] in ("BTC-USD", ["BTC-USD"])
    feed.model.apply(snapshot(2, symbols=("AAA-USD", "BTC-USD")), at(NOW_NS))
    assert _parts(app.run())["chart"]["title"].startswith("BTC-USD")


def test_a_symbol_that_has_left_the_snapshot_is_quiet_and_not_another_one() -> None:
    feed = FakeLink().live()
    app = _at(_fresh("market", feed), symbol="ETH-USD")
    feed.model.apply(snapshot(2, symbols=("BTC-USD",)), at(NOW_NS))
    feed.model.apply(status(2, desk_state=desk().model_copy(update={"symbols": ["BTC-USD"]})), at(NOW_NS))
    parts = _parts(app.run())
    assert "ETH-USD is quiet: analytics knows no trade of it. If its name is right" in parts["cards"]["text"]
    assert parts["chart"]["title"].startswith("ETH-USD")
    assert len(parts["chart"]["bars"]) == 60


def _ticket_facts(app: AppTest) -> dict[str, Any]:
    """What the ticket itself was sent, not its feed."""
    sent = (
        json.loads(one.proto.json) for one in app.get("bidi_component") if "ticket.ticket" in one.proto.component_name
    )
    (facts,) = (one["facts"] for one in sent if one["role"] == "shown")
    found: dict[str, Any] = facts
    return found


@pytest.mark.parametrize("known", [["AAA-USD"], []])
def test_a_desk_that_starts_anew_and_knows_no_prices_yet_changes_no_symbol_under_the_finger(known: list[str]) -> None:
    feed = FakeLink().live()
    app = _at(_fresh("trade", feed), symbol="ETH-USD")
    assert (_ticket_facts(app)["selected"], _ticket_facts(app)["trouble"]) == ("ETH-USD", None)
    anew = desk().model_copy(update={"symbols": known})
    feed.model.apply(status(1, stream="b", desk_state=anew), at(NOW_NS))
    facts = _ticket_facts(app.run())
    assert facts["selected"] == "ETH-USD"
    assert "no live price of ETH-USD yet" in facts["trouble"]
    feed.model.apply(status(2, stream="b"), at(NOW_NS))
    facts = _ticket_facts(app.run())
    assert (facts["selected"], facts["trouble"]) == ("ETH-USD", None)


def test_the_ticket_keeps_the_symbol_that_it_began_with_when_another_comes_before_it() -> None:
    feed = FakeLink().live()
    app = _app("trade", feed)
    assert _ticket_facts(app)["selected"] == "BTC-USD"
    others = desk().model_copy(update={"symbols": ["AAA-USD", "BTC-USD"]})
    feed.model.apply(status(2, desk_state=others), at(NOW_NS))
    assert _ticket_facts(app.run())["selected"] == "BTC-USD"


def test_of_more_symbols_than_a_snapshot_has_the_pinned_and_the_chosen_one_keep_their_place() -> None:
    feed = FakeLink().live()
    many = snapshot(2, symbols=[f"S{i:03}" for i in range(256)]).model_copy(update={"symbols_in_all": 400})
    feed.model.apply(many, at(NOW_NS))
    app = _at(_fresh("market", feed), symbol="QUIET-USD", pin=["S200", "QUIET-USD", "OTHER-USD"])
    assert "QUIET-USD is quiet: it is not among those that analytics reports, 256 busiest of 400" in _html(app)
    table = _parts(app)["symbols"]
    assert [row[0] for row in table["rows"]][:4] == ["OTHER-USD", "QUIET-USD", "S200", "S000"]
    assert table["rows"][1][1][-1][0] == "no news"
    assert [row[0] for row in table["rows"] if row[2]] == ["QUIET-USD"]
    assert table["foot"] == ["196 more: search for them, or sort by another column."]
    assert ", 256 busiest of 400" in table["sub"]
    app = _at(_fresh("market", feed), symbol="QUIET-USD", pin=["QUIET-USD", "OTHER-USD"], find="oth")
    assert [row[0] for row in _parts(app)["symbols"]["rows"]] == ["OTHER-USD"]


def test_a_symbol_that_trades_without_a_place_in_analytics_is_not_called_quiet() -> None:
    feed = FakeLink().live()
    app = _at(_fresh("market", feed), symbol="ETH-USD")
    feed.model.apply(snapshot(2, symbols=("BTC-USD",)), at(NOW_NS))
    assert "ETH-USD trades, but analytics counts it among the others" in _parts(app.run())["cards"]["text"]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    "query",
    [
        {"symbol": "<script>", "window": "2h", "order_page": "-1", "sort": "nothing"},
        {"symbol": "x" * 5_000, "order_page": "9" * 400, "zone": "mars"},
        {"pin": [f"S{i}" for i in range(500)], "orders": "", "find": "é"},
    ],
)
def test_an_address_that_makes_no_sense_breaks_nothing(page: str, query: dict[str, str | list[str]]) -> None:
    app = _at(_fresh(page, FakeLink().live()), **query)
    assert not app.exception
    assert "banner" in _parts(app)


def test_bid_and_ask_are_shown_where_somebody_quotes_and_an_old_quote_says_its_age() -> None:
    feed = FakeLink().live()
    assert [column[0] for column in _parts(_app("trade", feed))["quotes"]["columns"]] == ["Symbol", "Last", "Change"]
    assert "Bid – ask" not in _cards(_app("market", feed))
    feed.model.apply(quoted(2, bid=60_059.5, ask=60_060.5), at(NOW_NS))
    rows = _parts(_app("trade", feed))["quotes"]["rows"]
    assert [row[1][3:] for row in rows] == [["60,059.50", "60,060.50"], ["–", "–"]]
    assert _cards(_app("market", feed))["Bid – ask"] == ["60,059.50 – 60,060.50", "spread 1.00", ""]
    feed.model.apply(quoted(3, bid=60_059.5, ask=60_060.5, age_ns=6 * S_NS), at(NOW_NS))
    old = _parts(_app("trade", feed))["quotes"]["rows"][0][1][3]
    assert old == ["60,059.50", "muted", 0, "quoted 6 s ago"]
    assert _cards(_app("market", feed))["Bid – ask"][1:] == ["quoted 6 s ago", "warn"]


def test_an_empty_page_shows_how_to_send_a_trade() -> None:
    feed = FakeLink()
    for message in (snapshot(symbols=()), status().model_copy(update={"accepted_trades": 0}), page_state()):
        feed.model.apply(message, at(NOW_NS))
    assert "Publisher" in _parts(_app("market", feed))["welcome"]["code"]


def test_an_empty_page_says_where_the_trades_are_stuck() -> None:
    feed = FakeLink()
    for message in (status(unapplied=80), page_state()):
        feed.model.apply(message, at(NOW_NS))
    assert "analytics does not report" in _parts(_app("market", feed))["welcome"]["text"]
    feed.model.apply(snapshot(symbols=()), at(NOW_NS))
    assert "Ingest holds 80 trades" in _parts(_app("market", feed))["welcome"]["text"]


def test_a_window_that_is_not_full_yet_says_so_and_its_rate_is_over_what_there_is() -> None:
    feed = FakeLink().live()
    # Windows are of whole seconds, and the last one does not count at the moment when it is over.
    young = snapshot(2).model_copy(update={"started_ns": NOW_NS - 13 * S_NS})
    feed.model.apply(young, at(NOW_NS))
    value, note, _ = _cards(_app("market", feed))["Trades/s"]
    assert (value, "12 s so far" in note) == ("5.0", True)


def _studies(**fields: Any) -> StudiesState:  # noqa: ANN401 - fields of one study
    one = {
        "name": "vpin",
        "is_builtin": True,
        "every_ns": S_NS,
        "runs": 10,
        "skipped": 2,
        "failures": 0,
        "mean_s": 0.002,
        "slowest_s": 0.01,
        "disabled": False,
        **fields,
    }
    values = [
        StudyValues(symbol="BTC-USD", origin="market", values={"vpin_ratio": 0.25, "bar_close{1m}": 1e-9}),
        StudyValues(
            symbol="BTC-USD+ETH-USD", origin="market", together=["BTC-USD", "ETH-USD"], values={"pair_ratio": 20.0}
        ),
        StudyValues(symbol="SOL-USD", origin="market", values={"vpin_ratio": 0.75}),
    ]
    return StudiesState(
        run="a", at_ns=NOW_NS, worker_starts=1, studies=[StudyState(**one)], values=values, problems=["a.py:3: no"]
    )


@pytest.mark.parametrize(
    ("kept", "text"), [(0, "trades."), (1, "trades."), (2, "the 2 symbols for which they ran last.")]
)
def test_the_studies_page_says_why_it_has_no_values_of_a_symbol(kept: int, text: str) -> None:
    feed = FakeLink().live()
    others = [StudyValues(symbol=f"S{number}", origin="market", values={"vpin_ratio": 0.5}) for number in range(kept)]
    feed.model.apply(_studies().model_copy(update={"values": others}), at(NOW_NS))
    note = _parts(_app("studies", feed))["quiet"]["text"]
    assert note.startswith("No values of BTC-USD: studies run when it trades")
    assert note.endswith(text)


def test_the_studies_page_names_no_symbol_where_nothing_has_traded() -> None:
    feed = FakeLink()
    feed.model.apply(_studies().model_copy(update={"values": []}), at(NOW_NS))
    text = studies.parts(feed.view, Selection(), at(NOW_NS), UTC)["quiet"]["text"]
    assert text == "No values of any symbol: studies run when it trades."


def test_the_studies_page_shows_the_chosen_symbols_values_and_how_each_study_does() -> None:
    feed = FakeLink().live()
    feed.model.apply(_studies(), at(NOW_NS))
    parts = _parts(_app("studies", feed))
    assert [row[0] for row in parts["values"]["rows"]] == ["bar_close{1m}", "vpin_ratio"]
    assert parts["values"]["rows"][0][1][1] == "1e-9"
    assert {name for name in parts if name.startswith(("values", "together", "own"))} == {"values", "together1"}
    assert parts["together1"]["title"] == "BTC-USD+ETH-USD"
    assert [row[0] for row in parts["health"]["rows"]] == ["a.py:3: no", "vpin"]


@pytest.mark.parametrize("chosen", ["BTC", "BTC+ETH"])
def test_a_symbol_with_a_plus_in_its_name_is_one_symbol(chosen: str) -> None:
    values = [
        StudyValues(symbol="BTC+ETH", origin="market", values={"vpin_ratio": 0.5}),
        StudyValues(symbol="BTC+ETH", origin="market", together=["BTC", "ETH"], values={"pair_ratio": 2.0}),
        StudyValues(symbol="BTC", origin="market", values={"vpin_ratio": 0.25}),
    ]
    feed = FakeLink()
    feed.model.apply(_studies().model_copy(update={"values": values}), at(NOW_NS))
    tables = studies.parts(feed.view, Selection(chosen), at(NOW_NS), UTC)
    shown = {name: [row[1][1] for row in tables[name]["rows"]] for name in tables if name not in {"cards", "health"}}
    assert shown == ({"values": ["0.5"]} if "+" in chosen else {"values": ["0.25"], "together1": ["2"]})


def test_a_failing_and_a_disabled_study_say_why() -> None:
    feed = FakeLink().live()
    feed.model.apply(_studies(failure="raised: ZeroDivisionError (f.py:3)", failures=3, disabled=True), at(NOW_NS))
    text = _html(_app("studies", feed))
    assert "disabled" in text
    assert "ZeroDivisionError (f.py:3)" in text


def test_the_course_of_a_value_is_kept_and_drawn() -> None:
    feed = FakeLink().live()
    for _ in range(100):
        feed.model.apply(_studies(), at(NOW_NS))
    (history,) = (each for subject, each in feed.view.study_history.items() if subject.symbol == "SOL-USD")
    assert history == {"vpin_ratio": (0.75,) * 40}
    assert spark([1, 2, 3]) == "▁▅█"
    assert spark([]) == ""
    assert spark([5.0, 5.0]) == "▄▄"
    assert spark([-1.7e308, 0.0, 1.7e308]) == "▁▅█"
    assert spark([0.0, 5e-324]) == "▄▄"
